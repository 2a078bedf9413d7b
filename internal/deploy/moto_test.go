package deploy

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/fleet"
)

// A company is an organization in moto: a management account, and two members
// below the unit Workloads.
type company struct {
	cfg        aws.Config
	management string
	unit       string
	members    []string
	fleet      fleet.Options
}

func newCompany(t *testing.T) *company {
	t.Helper()
	c := &company{cfg: motoConfig(t), management: "123456789012"}
	o := organizations.NewFromConfig(c.cfg)
	ctx := t.Context()
	must(t)(o.CreateOrganization(ctx, &organizations.CreateOrganizationInput{FeatureSet: "ALL"}))
	roots := must(t)(o.ListRoots(ctx, &organizations.ListRootsInput{})).(*organizations.ListRootsOutput)
	root := roots.Roots[0].Id
	unit := must(t)(o.CreateOrganizationalUnit(ctx, &organizations.CreateOrganizationalUnitInput{Name: aws.String("Workloads"), ParentId: root})).(*organizations.CreateOrganizationalUnitOutput)
	c.unit = *unit.OrganizationalUnit.Id
	empty := must(t)(o.CreateOrganizationalUnit(ctx, &organizations.CreateOrganizationalUnitInput{Name: aws.String("Empty"), ParentId: root})).(*organizations.CreateOrganizationalUnitOutput)
	c.cfg.HTTPClient.(targeted).known.empty = *empty.OrganizationalUnit.Id
	for _, name := range []string{"one", "two"} {
		made := must(t)(o.CreateAccount(ctx, &organizations.CreateAccountInput{AccountName: &name, Email: aws.String(name + "@example.com")})).(*organizations.CreateAccountOutput)
		id := made.CreateAccountStatus.AccountId
		must(t)(o.MoveAccount(ctx, &organizations.MoveAccountInput{AccountId: id, SourceParentId: root, DestinationParentId: &c.unit}))
		c.members = append(c.members, *id)
	}
	must(t)(o.EnableAWSServiceAccess(ctx, &organizations.EnableAWSServiceAccessInput{ServicePrincipal: aws.String(stackSetsService)}))
	c.cfg.HTTPClient.(targeted).known.members = c.members
	return c
}

// must ends the test unless a call works.
func must(t *testing.T) func(any, error) any {
	return func(out any, err error) any {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// open opens the company's deployment with a config and further options.
func (c *company) open(t *testing.T, config string, change func(*Options)) *Deployment {
	t.Helper()
	o := Options{Baseline: parsed(t, config), Package: testPackage(t, config), Units: []string{"Workloads"}, Sleep: quickly}
	if change != nil {
		change(&o)
	}
	c.fleet.Rate = -1
	f, err := fleet.New(c.cfg, c.fleet)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), f, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (c *company) enter(t *testing.T, account string) aws.Config {
	t.Helper()
	f, err := fleet.New(c.cfg, fleet.Options{Rate: -1})
	if err != nil {
		t.Fatal(err)
	}
	cfg, _, err := f.Enter(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func planned(t *testing.T, s *Deployment) *Plan {
	t.Helper()
	p, err := s.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// told runs apply or remove and returns the reported outcomes, one line for each
// part.
func told(t *testing.T, do func(context.Context, func(Outcome)) error) []string {
	t.Helper()
	var lines []string
	if err := do(t.Context(), func(o Outcome) {
		name, _, _ := strings.Cut(o.Name, "/code/")
		lines = append(lines, strings.TrimSpace(string(o.Status)+" "+o.Kind+" "+name+" "+o.Why))
	}); err != nil {
		t.Fatal(err)
	}
	return lines
}

func actions(p *Plan) []string {
	var out []string
	for _, c := range p.Parts {
		name, _, _ := strings.Cut(c.Name, "/code/")
		out = append(out, string(c.Action)+" "+c.Kind+" "+name)
	}
	return out
}

const bucketURL = "s3://forcemfa-123456789012-us-east-1"

func TestAnOrganizationIsDeployedUpdatedAndRemoved(t *testing.T) {
	c := newCompany(t)
	parts := []string{
		"stack forcemfa-bucket", "object " + bucketURL, "stack forcemfa-notifier", "stack forcemfa", "stack set forcemfa",
	}
	with := func(word string, names []string) []string {
		var out []string
		for _, n := range names {
			out = append(out, word+" "+n)
		}
		return out
	}
	slack := "arn:aws:secretsmanager:us-east-1:123456789012:secret:slack-AbCdEf"
	first := func(o *Options) { o.Parameters = map[string]string{"SlackWebhookParameter": slack} }

	s := c.open(t, configs["default"], first)
	p := planned(t, s)
	if diff := cmp.Diff(with("create", parts), actions(p)); diff != "" {
		t.Fatalf("plan of an empty organization (-want +got):\n%s", diff)
	}
	if got := p.Parts[4]; !slices.Equal(got.Targets, []string{c.unit}) || len(got.Resources) < 10 {
		t.Errorf("the stack set's targets %v, resources %v", got.Targets, got.Resources)
	}
	if diff := cmp.Diff(with("done", parts), told(t, s.Apply)); diff != "" {
		t.Fatalf("deployed (-want +got):\n%s", diff)
	}
	for _, account := range append([]string{c.management}, c.members...) {
		c.isEnforcedIn(t, account)
	}

	s = c.open(t, configs["default"], nil)
	if p := planned(t, s); p.Changes() != 0 {
		t.Fatalf("a second plan is not empty: %+v", p.Parts)
	}
	if got := told(t, s.Apply); !slices.ContainsFunc(got, func(l string) bool { return l == "already stack set forcemfa" }) || len(got) != 5 {
		t.Errorf("applied again: %q", got)
	}

	s = c.open(t, configs["default"], func(o *Options) { o.Parameters = map[string]string{"Mode": "enforce"} })
	p = planned(t, s)
	if diff := cmp.Diff([]string{"none stack forcemfa-bucket", "none object " + bucketURL, "none stack forcemfa-notifier", "update stack forcemfa", "update stack set forcemfa"}, actions(p)); diff != "" {
		t.Errorf("plan of an update (-want +got):\n%s", diff)
	}
	want := []Setting{{Name: "Mode", Before: "report", After: "enforce"}, {Name: "SettingsHash"}} // the hash covers the mode
	settings := slices.Clone(p.Parts[4].Parameters)
	if hash := &settings[len(settings)-1]; hash.Name == "SettingsHash" && hash.Before != hash.After && len(hash.After) == 64 {
		hash.Before, hash.After = "", ""
	}
	if diff := cmp.Diff(want, settings); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]ResourceChange{{Action: "modify", ID: "Function", Type: "AWS::Lambda::Function", What: []string{"Environment"}}}, p.Parts[4].Resources); diff != "" {
		t.Errorf("resources (-want +got):\n%s", diff)
	}
	told(t, s.Apply)
	if p := planned(t, c.open(t, configs["default"], nil)); p.Changes() != 0 {
		t.Errorf("after the update the plan is not empty, or the mode was forgotten: %+v", p.Parts)
	}

	got := told(t, c.open(t, configs["default"], nil).Remove)
	each := "removed stack set forcemfa" // in both members, and the set itself
	if diff := cmp.Diff([]string{each, each, each, "removed stack forcemfa", "removed stack forcemfa-notifier", "removed stack forcemfa-bucket"}, got); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
	left := must(t)(cloudformation.NewFromConfig(c.cfg).ListStackSets(t.Context(), &cloudformation.ListStackSetsInput{})).(*cloudformation.ListStackSetsOutput)
	for _, set := range left.Summaries {
		if set.Status != types.StackSetStatusDeleted {
			t.Errorf("stack set %s is %s", aws.ToString(set.StackSetName), set.Status)
		}
	}
}

// Accounts that are left out get no stack from the first run, and none from later ones.
func TestAccountsThatAreLeftOutStayLeftOut(t *testing.T) {
	for name, leave := range map[string]func(c *company, o *Options){
		"by ID":        func(c *company, o *Options) { o.Except = c.members[1:] },
		"by the fleet": func(c *company, o *Options) { c.fleet.NotAccounts, o.Narrowed = c.members[1:], true },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCompany(t)
			open := func() *Deployment {
				return c.open(t, configs["default"], func(o *Options) { leave(c, o) })
			}
			told(t, open().Apply)
			c.isEnforcedIn(t, c.members[0])
			if p := planned(t, open()); p.Changes() != 0 {
				t.Errorf("a second plan is not empty: %+v", p.Parts)
			}
			told(t, open().Apply)
			left := c.members[1]
			if _, there, err := managedPolicy(t.Context(), iam.NewFromConfig(c.enter(t, left)), baseline.PolicyARN("aws", left)); there || err != nil {
				t.Errorf("the account that is left out has the policy: %v, %v", there, err)
			}
		})
	}
}

// isEnforcedIn checks the resources of the stack in an account.
func (c *company) isEnforcedIn(t *testing.T, account string) {
	t.Helper()
	cfg := c.enter(t, account)
	text, there, err := managedPolicy(t.Context(), iam.NewFromConfig(cfg), baseline.PolicyARN("aws", account))
	l := accountState{text: text}
	if err != nil || !there || !l.hasDocument(parsed(t, configs["default"]).Document("aws")) {
		t.Errorf("%s: policy %v %v %s", account, there, err, text)
	}
	rules := must(t)(eventbridge.NewFromConfig(cfg).ListRules(t.Context(), &eventbridge.ListRulesInput{})).(*eventbridge.ListRulesOutput)
	found := map[string]string{}
	for _, r := range rules.Rules {
		found[aws.ToString(r.Name)] = aws.ToString(r.ScheduleExpression)
	}
	if schedule := found["forcemfa-schedule"]; schedule != "cron(0 12 * * ? *)" {
		t.Errorf("%s: schedule %q in %v", account, schedule, found)
	}
	if _, ok := found["forcemfa-events"]; !ok {
		t.Errorf("%s: no rule for events: %v", account, found)
	}
	role, err := iam.NewFromConfig(cfg).GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String(FunctionRole)})
	if err != nil || aws.ToString(role.Role.Path) != baseline.Path {
		t.Errorf("%s: role %v", account, err)
	}
}

func TestThePackageIsInTheBucketUnderItsHash(t *testing.T) {
	c := newCompany(t)
	s := c.open(t, configs["default"], nil)
	if p := planned(t, s); !slices.ContainsFunc(p.Notes, func(n string) bool { return strings.HasPrefix(n, "no notifications") }) {
		t.Errorf("the plan has no note about the missing notifications: %q", p.Notes)
	}
	told(t, s.Apply)
	bucket := "forcemfa-123456789012-us-east-1"
	out, err := s3.NewFromConfig(c.cfg).HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &bucket, Key: aws.String(s.o.Package.Key())})
	if err != nil || aws.ToInt64(out.ContentLength) != int64(len(s.o.Package.Zip)) {
		t.Fatalf("package: %v", err)
	}
	other := c.open(t, configs["full"], nil)
	p := planned(t, other)
	if got := actions(p); got[1] != "create object "+bucketURL || !strings.HasPrefix(got[2], "update stack") || !strings.HasPrefix(got[3], "update stack set") {
		t.Errorf("another config is no new package everywhere: %q", got)
	}
}

func TestTrailsDecideWhetherChangesAreDetectedAtOnce(t *testing.T) {
	c := newCompany(t)
	cfg := c.enter(t, c.members[0])
	must(t)(s3.NewFromConfig(cfg).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("trail-bucket")}))
	client := cloudtrail.NewFromConfig(cfg)
	must(t)(client.CreateTrail(t.Context(), &cloudtrail.CreateTrailInput{Name: aws.String("all"), S3BucketName: aws.String("trail-bucket"), IsMultiRegionTrail: aws.Bool(true), IncludeGlobalServiceEvents: aws.Bool(true)}))
	state := func() map[string]string {
		out := map[string]string{}
		for _, h := range planned(t, c.open(t, configs["default"], nil)).Trails {
			out[h.Account] = h.State + ": " + h.Why
		}
		return out
	}
	want := map[string]string{c.management: "no-trail: there is no trail", c.members[0]: "no-trail: logging is turned off for the trail", c.members[1]: "no-trail: there is no trail"}
	if diff := cmp.Diff(want, state()); diff != "" {
		t.Errorf("a trail that does not log (-want +got):\n%s", diff)
	}
	must(t)(client.StartLogging(t.Context(), &cloudtrail.StartLoggingInput{Name: aws.String("all")}))
	must(t)(client.PutEventSelectors(t.Context(), &cloudtrail.PutEventSelectorsInput{TrailName: aws.String("all"), EventSelectors: []trailtypes.EventSelector{basicSelector(true, trailtypes.ReadWriteTypeAll)}}))
	p := planned(t, c.open(t, configs["default"], nil))
	var found []string
	for _, f := range p.Findings {
		found = append(found, f.ID)
	}
	if diff := cmp.Diff(sorted([]string{"no-trail/" + c.management + "/account", "no-trail/" + c.members[1] + "/account"}), sorted(found)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func sorted(list []string) []string { slices.Sort(list); return list }

func TestMissingTrustedAccessIsAnErrorWithARemedy(t *testing.T) {
	c := newCompany(t)
	must(t)(organizations.NewFromConfig(c.cfg).DisableAWSServiceAccess(t.Context(), &organizations.DisableAWSServiceAccessInput{ServicePrincipal: aws.String(stackSetsService)}))
	f, err := fleet.New(c.cfg, fleet.Options{Rate: -1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), f, Options{Baseline: parsed(t, configs["default"]), Package: testPackage(t, configs["default"])})
	want := &AccessError{What: "StackSets have no trusted access to the organization", Remedy: "run in the management account: aws cloudformation activate-organizations-access"}
	if diff := cmp.Diff(error(want), err, cmp.Comparer(func(a, b error) bool { return a.Error() == b.Error() })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOneAccountIsDeployedByAPlainStack(t *testing.T) {
	cfg := motoConfig(t)
	c := &company{cfg: cfg, management: "123456789012"}
	alone := func(o *Options) {
		o.Units = nil
		o.Parameters = map[string]string{"SlackWebhookParameter": secret, "SlackChannelName": "alerts"}
		o.Now = func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }
	}
	s := c.open(t, configs["default"], alone)
	if diff := cmp.Diff([]string{"create stack forcemfa-bucket", "create object " + bucketURL, "create stack forcemfa"}, actions(planned(t, s))); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	told(t, s.Apply)
	c.isEnforcedIn(t, c.management)
	if p := planned(t, c.open(t, configs["default"], nil)); p.Changes() != 0 {
		t.Errorf("a second plan is not empty: %+v", p.Parts)
	}
}

func TestAPolicyThatSomebodyEditedIsNamed(t *testing.T) {
	c := newCompany(t)
	told(t, c.open(t, configs["default"], nil).Apply)
	ours := baseline.PolicyARN("aws", c.members[1])
	must(t)(iam.NewFromConfig(c.enter(t, c.members[1])).CreatePolicyVersion(t.Context(), &iam.CreatePolicyVersionInput{
		PolicyArn: &ours, SetAsDefault: true, PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`),
	}))
	p := planned(t, c.open(t, configs["default"], nil))
	if diff := cmp.Diff([]string{c.members[1]}, p.Drifted); diff != "" || p.Changes() != 1 {
		t.Errorf("%d changes, drifted (-want +got):\n%s", p.Changes(), diff)
	}
	if p := planned(t, c.open(t, configs["full"], nil)); !slices.Equal(p.Drifted, []string{c.members[1]}) {
		t.Errorf("before an update of the policy: drifted %v", p.Drifted)
	}
}

// forwarding returns the Regions with a forwarding stack, among those of the
// test.
func (c *company) forwarding(t *testing.T) []string {
	t.Helper()
	var regions []string
	for _, region := range []string{"us-east-2", "eu-north-1"} {
		for _, account := range append([]string{c.management}, c.members...) {
			cfg := c.enter(t, account)
			cfg.Region = region
			if rules := must(t)(eventbridge.NewFromConfig(cfg).ListRules(t.Context(), &eventbridge.ListRulesInput{NamePrefix: aws.String("forcemfa-sign-ins")})).(*eventbridge.ListRulesOutput); len(rules.Rules) > 0 {
				regions = append(regions, region+" of "+account)
			}
		}
	}
	return regions
}

func TestForwardersOfEveryRegionAreRemoved(t *testing.T) {
	c := newCompany(t)
	told(t, c.open(t, configs["default"], func(o *Options) { o.Regions = []string{"us-east-2"} }).Apply)
	told(t, c.open(t, configs["default"], func(o *Options) { o.Regions = []string{"eu-north-1"} }).Apply)
	if got := c.forwarding(t); len(got) != 6 {
		t.Fatalf("sign-ins are forwarded from %v, want two Regions of three accounts", got)
	}
	told(t, c.open(t, configs["default"], nil).Remove)
	if got := c.forwarding(t); got != nil {
		t.Errorf("sign-ins are still forwarded from %v", got)
	}
}

func TestOneAccountNeedsTheForwardingRegionsByName(t *testing.T) {
	c := &company{cfg: motoConfig(t), management: "123456789012"}
	in := func(regions ...string) *Deployment {
		return c.open(t, configs["default"], func(o *Options) { o.Units, o.Regions = nil, regions })
	}
	asks := func(s *Deployment) bool {
		return slices.ContainsFunc(s.Notes(), func(n string) bool { return strings.Contains(n, "name them with --sign-in-regions") })
	}
	if asks(in()) {
		t.Error("it asks where nothing is deployed")
	}
	told(t, in("us-east-2").Apply)
	if !asks(in()) || asks(in("us-east-2")) {
		t.Errorf("it asks when no Region is named: %v, when one is: %v", asks(in()), asks(in("us-east-2")))
	}
	told(t, in("us-east-2").Remove)
	if got := c.forwarding(t); got != nil {
		t.Errorf("sign-ins are still forwarded from %v", got)
	}
}

// An account in the state that the force-mfa function leaves gets a stack without a
// second policy.
func TestAdoptedPolicyIsDeployedOver(t *testing.T) {
	c := newCompany(t)
	const byHand = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","NotAction":"iam:EnableMFADevice","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}}`
	with := []string{c.management, c.members[0]}
	for _, account := range with {
		must(t)(iam.NewFromConfig(c.enter(t, account)).CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: aws.String("ForceMFA"), PolicyDocument: aws.String(byHand)}))
	}
	if p := planned(t, c.open(t, configs["default"], nil)); len(collisions(p)) != len(with) || !strings.Contains(collisions(p)[0].Remedy, "adopt: [/ForceMFA]") {
		t.Fatalf("without adopt: %+v", p.Findings)
	}
	const config = "version: 1\nadopt: [/ForceMFA]\n"
	s := c.open(t, config, nil)
	p := planned(t, s)
	if found := collisions(p); len(found) > 0 {
		t.Errorf("with adopt: %+v", found)
	}
	if diff := cmp.Diff(sorted([]string{c.management, c.members[0]}), sorted(p.Drifted)); diff != "" {
		t.Errorf("accounts whose document is replaced (-want +got):\n%s", diff)
	}
	told(t, s.Apply)
	for _, account := range with {
		client := iam.NewFromConfig(c.enter(t, account))
		if _, there, err := managedPolicy(t.Context(), client, baseline.PolicyARN("aws", account)); err != nil || there {
			t.Errorf("%s has a second policy, error %v", account, err)
		}
		out := must(t)(client.GetRolePolicy(t.Context(), &iam.GetRolePolicyInput{RoleName: aws.String(FunctionRole), PolicyName: aws.String(FunctionRole)})).(*iam.GetRolePolicyOutput)
		document, err := url.PathUnescape(aws.ToString(out.PolicyDocument))
		if err != nil || !strings.Contains(document, "arn:aws:iam::"+account+":policy/ForceMFA") {
			t.Errorf("%s: the function cannot attach the adopted policy: %s", account, document)
		}
	}
	if _, there, err := managedPolicy(t.Context(), iam.NewFromConfig(c.enter(t, c.members[1])), baseline.PolicyARN("aws", c.members[1])); err != nil || !there {
		t.Errorf("the account without that policy has none, error %v", err)
	}
}

func collisions(p *Plan) []audit.Finding {
	return slices.DeleteFunc(slices.Clone(p.Findings), func(f audit.Finding) bool { return f.Rule != "policy-name-collision" })
}
