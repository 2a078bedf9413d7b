package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithytime "github.com/aws/smithy-go/time"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/fleet"
	"forcemfa/internal/org"
	"forcemfa/policy/arn"
)

// Options configure a deployment. Baseline and Package are required; other
// values that are not set stay as deployed, or take their default.
type Options struct {
	Baseline *baseline.Baseline
	Package  *Package
	// Parameters are values for the member's and the notifier's templates, by
	// name. A parameter that is not set keeps its deployed value.
	Parameters map[string]string
	Notifier   string   // account of the notifier; empty: the account of its secret or topic
	Regions    []string // whose console sign-ins are forwarded, in addition to the home Region and the current ones
	Units      []string // IDs or names of organizational units; empty: the root
	Accounts   []string // only these accounts below the units; empty: all
	Except     []string // not these accounts
	Narrowed   bool     // only the accounts below the units that the fleet lists, which leaves some out
	Central    bool     // one function in the caller's account enters every account; false: a function in each account
	Form       string   // with Central: FormFunction or FormMap; empty: as deployed, FormFunction at first
	Stack      string   // name of stacks and stack sets; empty: forcemfa
	Bucket     string   // empty: forcemfa-ACCOUNT-REGION of the account that deploys
	Pace       Pace
	Template   func(name string, text []byte) []byte      // changes a template before it is deployed, for tests; nil: not
	Now        func() time.Time                           // nil: time.Now
	Sleep      func(context.Context, time.Duration) error // nil: sleeps
}

// A Deployment is the deployment to one organization, or to one account.
type Deployment struct {
	fleet *fleet.Fleet
	found *fleet.Discovery
	o     Options
	clock clock

	caller, partition, home string
	callAs                  types.CallAs
	accounts                []accountState
	gaps                    []org.Gap
	notes                   []string
	parts                   []part
	written                 string // the policy document in the deployed template; empty: nothing is deployed
}

// A part is one deployed object: a stack, a stack set or the package.
type part interface {
	plan(context.Context) (Change, error)
	apply(context.Context, func(Outcome)) error
	remove(context.Context, func(Outcome)) error
}

// A Plan lists the planned changes as plain data.
type Plan struct {
	Parts    []Change        `json:"parts"`
	Trails   []TrailCoverage `json:"trails"`
	Drifted  []string        `json:"drifted"` // accounts whose policy differs from the deployed template
	Findings []audit.Finding `json:"findings"`
	Notes    []string        `json:"notes"`
	Unread   []org.Gap       `json:"unread"`
}

// Changes counts the parts that would change.
func (p *Plan) Changes() int {
	n := len(p.Drifted)
	for _, c := range p.Parts {
		if c.Action != None {
			n++
		}
	}
	return n
}

// Restorable counts the deployed resources that somebody changed or deleted.
func (p *Plan) Restorable() int {
	n := 0
	for i := range p.Findings {
		if p.Findings[i].Rule == driftRule {
			n++
		}
	}
	return n
}

// Open reads the organization, each selected account, and the current
// deployment. It changes nothing.
func Open(ctx context.Context, f *fleet.Fleet, o Options) (*Deployment, error) {
	o.Stack = cmp.Or(o.Stack, "forcemfa")
	s := &Deployment{fleet: f, o: o, clock: clock{o.Now, o.Sleep}}
	if s.clock.now == nil {
		s.clock.now = time.Now
	}
	if s.clock.sleep == nil {
		s.clock.sleep = smithytime.SleepWithContext
	}
	id, err := f.Identify(ctx)
	if err != nil {
		return nil, err
	}
	s.caller, s.partition = id.Account, id.Partition
	p, known := arn.LookupPartition(s.partition)
	if !known {
		return nil, fmt.Errorf("unknown partition %q: the home Region of IAM is not known", s.partition)
	}
	s.home = p.HomeRegion
	if s.found, err = f.Discover(ctx); err != nil {
		return nil, err
	}
	if err := s.trusted(ctx); err != nil {
		return nil, err
	}
	if err := s.discover(ctx); err != nil {
		return nil, err
	}
	return s, s.assemble(ctx)
}

// config returns the config for an account and Region.
func (d *Deployment) config(ctx context.Context, account, region string) (aws.Config, error) {
	cfg, _, err := d.fleet.Enter(ctx, account)
	cfg.Region = region
	return cfg, err
}

// management returns the management account; empty without an organization.
func (d *Deployment) management() string {
	if o := d.found.Header.Organization; o != nil {
		return o.ManagementAccount
	}
	return ""
}

// stackSetsService is the service that needs trusted access before stack sets
// can deploy to the accounts of an organization.
// Source: CloudFormation User Guide, "Activate trusted access for StackSets with
// AWS Organizations".
const stackSetsService = "member.org.stacksets.cloudformation.amazonaws.com"

// trusted finds out whether the caller may create stack sets as the management
// account or as a delegated administrator, and returns an error otherwise.
func (d *Deployment) trusted(ctx context.Context) error {
	if d.management() == "" {
		return nil
	}
	d.callAs = types.CallAsSelf
	if d.caller != d.management() {
		d.callAs = types.CallAsDelegatedAdmin
		if !slices.Contains(d.found.Header.Organization.DelegatedAdmins, d.caller) {
			return &AccessError{What: "account " + d.caller + " is neither the management account nor a delegated administrator of StackSets",
				Remedy: "run it in account " + d.management() + ", or register " + d.caller + ": aws organizations register-delegated-administrator --account-id " + d.caller + " --service-principal " + stackSetsService}
		}
	}
	cfg, err := d.config(ctx, d.caller, d.home)
	if err != nil {
		return err
	}
	return d.activated(ctx, organizations.NewFromConfig(cfg))
}

// activated returns an error if StackSets have no trusted access to the organization.
func (d *Deployment) activated(ctx context.Context, client *organizations.Client) error {
	pages := organizations.NewListAWSServiceAccessForOrganizationPaginator(client, &organizations.ListAWSServiceAccessForOrganizationInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			d.note("could not read whether StackSets have trusted access to the organization: " + fleet.Reason(err))
			return nil
		}
		for _, p := range page.EnabledServicePrincipals {
			if aws.ToString(p.ServicePrincipal) == stackSetsService {
				return nil
			}
		}
	}
	return &AccessError{What: "StackSets have no trusted access to the organization", Remedy: "run in the management account: aws cloudformation activate-organizations-access"}
}

// An AccessError is a missing permission of the organization.
type AccessError struct{ What, Remedy string }

func (e *AccessError) Error() string { return e.What }

func (d *Deployment) note(text string) { d.notes = append(d.notes, text) }

// assemble builds the parts in the order of their dependencies.
func (d *Deployment) assemble(ctx context.Context) error {
	at := Place{Partition: d.partition, Account: d.caller, Region: d.home}
	cfg, err := d.config(ctx, d.caller, d.home)
	if err != nil {
		return err
	}
	set := &stackSet{
		client: cloudformation.NewFromConfig(cfg), name: d.o.Stack, about: "ForceMFA in every account of the organization.",
		place: at, callAs: d.callAs, regions: []string{d.home}, pace: d.o.Pace, clock: d.clock,
	}
	deployed, err := d.deployed(ctx, set)
	if err != nil {
		return err
	}
	d.written = deployedDocument(deployed, at)
	if err := d.sameForm(deployed); err != nil {
		return err
	}
	bucket := cmp.Or(d.o.Bucket, "forcemfa-"+d.caller+"-"+d.home)
	store, err := d.stack(ctx, d.caller, d.home, d.o.Stack+"-bucket", Bucket, map[string]string{"BucketName": bucket, "OrganizationId": d.organization()})
	if err != nil {
		return err
	}
	d.parts = append(d.parts, store, &upload{client: s3.NewFromConfig(cfg), bucket: bucket, owner: d.caller, region: d.home, pkg: d.o.Package})
	if d.o.Central {
		return d.addCentral(ctx, set, deployed, bucket)
	}
	return d.addFunctions(ctx, set, deployed, bucket)
}

// addFunctions adds the parts of the form with a function in each account.
func (d *Deployment) addFunctions(ctx context.Context, set *stackSet, deployed *setState, bucket string) error {
	values, notifier, err := d.values(deployed.values, bucket)
	if err != nil {
		return err
	}
	if err := d.addNotifier(ctx, notifier, values); err != nil {
		return err
	}
	regions, err := d.forwardingRegions(ctx, set, deployed)
	if err != nil {
		return err
	}
	if len(regions) > 0 {
		values["SignInForwarding"] = "true"
	}
	if err := d.addManagementAccount(ctx, values, regions); err != nil {
		return err
	}
	if d.management() == "" {
		return nil
	}
	return d.addStackSets(set, deployed, values, regions)
}

// deployed reads the member's template as deployed to the organization, or to
// the only account.
func (d *Deployment) deployed(ctx context.Context, set *stackSet) (*setState, error) {
	if d.management() != "" {
		return set.read(ctx)
	}
	one := &stack{client: set.client, name: d.o.Stack, place: set.place}
	state, err := one.read(ctx)
	if err != nil {
		return nil, err
	}
	return &setState{there: state.id != "", template: state.template, values: state.values}, nil
}

func (d *Deployment) organization() string {
	if o := d.found.Header.Organization; o != nil {
		return o.ID
	}
	return ""
}

// stack returns a stack of one of the templates.
func (d *Deployment) stack(ctx context.Context, account, region, name, template string, values map[string]string) (*stack, error) {
	cfg, err := d.config(ctx, account, region)
	if err != nil {
		return nil, err
	}
	text, err := d.render(template)
	if err != nil {
		return nil, err
	}
	return &stack{
		client: cloudformation.NewFromConfig(cfg), name: name, template: text, values: values, adopt: true, clock: d.clock,
		place: Place{Partition: d.partition, Account: account, Region: region},
	}, nil
}

func (d *Deployment) render(template string) ([]byte, error) {
	text, err := Render(template, d.o.Baseline, d.partition)
	if err == nil && d.o.Template != nil {
		text = d.o.Template(template, text)
	}
	if err == nil && len(text) > inlineLimit {
		err = fmt.Errorf("template %s has %d bytes, and CloudFormation accepts %d", template, len(text), inlineLimit)
	}
	return text, err
}

// addManagementAccount adds the stacks of the account that stack sets never
// reach: the management account, or the only account.
func (d *Deployment) addManagementAccount(ctx context.Context, values map[string]string, regions []string) error {
	account := cmp.Or(d.management(), d.caller)
	if !slices.ContainsFunc(d.found.Accounts, func(a *org.Account) bool { return a.ID == account }) {
		return nil
	}
	own, err := d.stack(ctx, account, d.home, d.o.Stack, d.member(), d.ownValues(account, values))
	if err != nil && account != d.caller {
		remedy := "run forcemfa deploy apply --accounts " + account + " there"
		if d.o.Central {
			remedy = "create the stack " + d.o.Stack + " there from forcemfa deploy template " + CentralMember + ", with CentralRole=" + values["CentralRole"]
		}
		d.note("the management account " + account + " cannot be entered from here, and stack sets never deploy to it: " + remedy)
		return nil // discover has added the gap
	}
	if err != nil {
		return err
	}
	d.parts = append(d.parts, own)
	for _, region := range regions {
		forwarder, err := d.stack(ctx, account, region, d.o.Stack+"-forwarder", Forwarder, map[string]string{})
		if err != nil {
			return err
		}
		d.parts = append(d.parts, forwarder)
	}
	return nil
}

// ownValues are the values of an account's own stack. It doesn't create a second policy
// where the account has one that the config adopts.
func (d *Deployment) ownValues(account string, values map[string]string) map[string]string {
	if !slices.ContainsFunc(d.accounts, func(l accountState) bool { return l.account.ID == account && l.adopted != "" }) {
		return values
	}
	own := maps.Clone(values)
	own["PolicyAndGroup"] = "existing"
	return own
}

// addStackSets adds the stack sets for the members of the organization.
func (d *Deployment) addStackSets(set *stackSet, deployed *setState, values map[string]string, regions []string) error {
	var members []string
	for _, a := range d.found.Accounts {
		if a.ID != d.management() && fleet.Enterable(a) && !slices.Contains(d.o.Except, a.ID) {
			members = append(members, a.ID)
		}
	}
	if len(members) == 0 {
		return nil
	}
	units, err := d.units()
	if err != nil {
		return err
	}
	set.units, set.values, set.members = units, values, members
	switch {
	case len(d.o.Accounts) > 0 || d.o.Narrowed:
		set.filter = filter{types.AccountFilterTypeIntersection, members}
	case len(d.o.Except) > 0:
		set.filter = filter{types.AccountFilterTypeDifference, d.o.Except}
	}
	if set.template, err = d.render(d.member()); err != nil {
		return err
	}
	set.existing = d.existing(deployed)
	d.parts = append(d.parts, set)
	if len(regions) == 0 {
		return nil
	}
	forwarders := *set
	forwarders.name, forwarders.about = d.o.Stack+"-forwarder", "Sends console sign-ins to the home Region of IAM."
	forwarders.values, forwarders.regions, forwarders.existing = map[string]string{}, regions, nil
	if forwarders.template, err = d.render(Forwarder); err != nil {
		return err
	}
	d.parts = append(d.parts, &forwarders)
	return nil
}

// units returns the IDs of the roots and units to deploy to.
func (d *Deployment) units() ([]string, error) {
	var ids []string
	for _, u := range d.found.Header.Units {
		if len(d.o.Units) == 0 && u.Parent == "" || slices.Contains(d.o.Units, u.ID) || slices.Contains(d.o.Units, u.Name) {
			ids = append(ids, u.ID)
		}
	}
	if len(ids) == 0 {
		return nil, errors.New("the roots of the organization could not be read: allow the role to call organizations:ListRoots")
	}
	return ids, nil
}

// existing returns the accounts that have the policy or group but no stack.
func (d *Deployment) existing(deployed *setState) []string {
	var ids []string
	for i := range d.accounts {
		id := d.accounts[i].account.ID
		if d.accounts[i].present && id != d.management() && !slices.Contains(d.o.Except, id) && !slices.ContainsFunc(deployed.instances, func(i Instance) bool { return i.Account == id }) {
			ids = append(ids, id)
		}
	}
	return ids
}

// forwardingRegions returns the Regions whose sign-ins are forwarded: the
// requested ones and the current ones, because a deployment never shrinks and is
// only removed as a whole.
func (d *Deployment) forwardingRegions(ctx context.Context, set *stackSet, deployed *setState) ([]string, error) {
	regions := slices.DeleteFunc(slices.Clone(d.o.Regions), func(r string) bool { return r == d.home })
	if d.management() == "" {
		if len(regions) == 0 && deployed.values["SignInForwarding"] == "true" {
			d.note("sign-ins are forwarded from other Regions, which cannot be listed for a single account: name them with --sign-in-regions to update their stacks")
		}
		return regions, nil
	}
	forwarders := *set
	forwarders.name += "-forwarder"
	state, err := forwarders.read(ctx)
	if err != nil {
		return nil, err
	}
	for _, i := range state.instances {
		if !slices.Contains(regions, i.Region) {
			regions = append(regions, i.Region)
		}
	}
	return regions, nil
}

// addNotifier adds the stack of the bus and the notifier when a channel is
// configured, and makes every account use the bus.
func (d *Deployment) addNotifier(ctx context.Context, notifier, values map[string]string) error {
	if d.organization() == "" {
		return nil
	}
	account := d.notifierAccount(notifier, values["BusArn"])
	if account == "" {
		d.note("no notifications: add --slack-webhook or another channel to deploy the notifier")
		return nil
	}
	for _, name := range []string{"S3Bucket", "S3Key", "Architecture", "ConfigHash", "AlarmTopic", "LogRetentionDays"} {
		notifier[name] = values[name]
	}
	notifier["OrganizationId"] = d.organization()
	part, err := d.stack(ctx, account, d.home, d.o.Stack+"-notifier", Notifier, notifier)
	if err != nil {
		return fmt.Errorf("enter the account of the notifier: %w", err)
	}
	state, err := part.read(ctx)
	if err != nil {
		return err
	}
	for name, value := range state.values { // values that are not set stay as deployed
		if _, given := d.o.Parameters[name]; !given && notifier[name] == "" {
			notifier[name] = value
		}
	}
	d.parts = append(d.parts, part)
	values["BusArn"] = "arn:" + d.partition + ":events:" + d.home + ":" + account + ":event-bus/" + BusName
	return nil
}

// notifierAccount returns the account of the notifier; empty without a channel.
func (d *Deployment) notifierAccount(notifier map[string]string, bus string) string {
	if d.o.Notifier != "" {
		return d.o.Notifier
	}
	for _, name := range []string{"SlackWebhookParameter", "SlackTokenSecret", "WebhookSecret", "SNSTopic"} {
		if a, err := arn.Parse(notifier[name]); err == nil {
			return a.Account
		}
	}
	if a, err := arn.Parse(bus); err == nil && strings.HasSuffix(bus, ":event-bus/"+BusName) {
		return a.Account
	}
	return ""
}

// Plan returns the planned changes.
func (d *Deployment) Plan(ctx context.Context) (*Plan, error) {
	p := &Plan{
		Parts: []Change{}, Trails: []TrailCoverage{}, Drifted: d.Drifted(), Findings: []audit.Finding{},
		Notes: append([]string{}, d.notes...), Unread: append([]org.Gap{}, d.gaps...),
	}
	for i := range d.accounts {
		l := &d.accounts[i]
		h := l.coverage
		h.Account, h.Name = l.account.ID, l.account.Name
		p.Trails = append(p.Trails, h)
		if h.State == NoTrail {
			p.Findings = append(p.Findings, finding("no-trail", l, "account", h.what()))
		}
		for _, other := range l.taken {
			p.Findings = append(p.Findings, collision(l, other))
		}
	}
	for _, part := range d.parts {
		c, err := part.plan(ctx)
		if err != nil {
			return nil, err
		}
		p.Parts = append(p.Parts, c)
	}
	drift, gaps, err := d.drift(ctx)
	if err != nil {
		return nil, err
	}
	p.Findings, p.Unread = append(p.Findings, drift...), append(p.Unread, gaps...)
	return p, nil
}

// finding is a finding of the audit about an account or something in it.
func finding(name string, l *accountState, subject, what string) audit.Finding {
	rule := audit.Rules[slices.IndexFunc(audit.Rules, func(r audit.Rule) bool { return r.Name == name })]
	return audit.Finding{
		ID: rule.Name + "/" + l.account.ID + "/" + subject, Rule: rule.Name, Severity: rule.Severities[0],
		Account: l.account.ID, AccountName: l.account.Name, Subject: subject, What: what, Remedy: rule.Remedy, Refs: rule.Refs,
	}
}

// collision is the finding that the stack of an account would fail with
// EntityAlreadyExists.
func collision(l *accountState, other string) audit.Finding {
	subject := other
	if a, err := arn.Parse(other); err == nil {
		subject = a.Resource
	}
	f := finding("policy-name-collision", l, subject, "the stack cannot be created: "+other+" has the name of the one that it creates, and names are unique in an account whatever their path")
	f.ARN, f.Remedy = other, "rename the group"
	if strings.HasPrefix(subject, "policy/") {
		f.Remedy = "add adopt: [" + strings.TrimPrefix(subject, "policy") + "] to the config file, which takes over the policy; or rename it"
	}
	return f
}

// Drifted returns the accounts whose policy matches neither the config nor the
// deployed template, which a stack update would change: somebody edited it.
func (d *Deployment) Drifted() []string {
	ids := []string{}
	wanted := d.o.Baseline.Document(d.partition)
	for i := range d.accounts {
		if l := &d.accounts[i]; l.text != "" && !l.hasDocument(wanted) && (d.written == "" || !l.hasDocument(d.written)) {
			ids = append(ids, l.account.ID)
		}
	}
	return ids
}

// deployedDocument returns the policy document of a deployed template; empty
// when it cannot be read.
func deployedDocument(state *setState, at Place) string {
	resources, err := Resolve(state.template, at, state.values)
	i := slices.IndexFunc(resources, func(r Resource) bool { return r.Type == "AWS::IAM::ManagedPolicy" })
	if err != nil || i < 0 {
		return ""
	}
	return canonical(resources[i].Properties["PolicyDocument"])
}

// Notes returns notes to read before applying the plan.
func (d *Deployment) Notes() []string { return slices.Clone(d.notes) }

// Gaps returns the failed reads.
func (d *Deployment) Gaps() []org.Gap { return append([]org.Gap{}, d.gaps...) }

// Apply deploys all parts and reports the outcome of each part and account as
// soon as it is known. After a failure, parts that do not depend on it continue;
// the others are reported as skipped.
func (d *Deployment) Apply(ctx context.Context, report func(Outcome)) error {
	for i, p := range d.parts {
		if err := p.apply(ctx, report); err != nil {
			if ctx.Err() != nil {
				return err
			}
			report(d.failure(p, err))
			if _, member := p.(*stackSet); !member && i < d.foundations() {
				d.skip(d.parts[i+1:], "a part that it depends on failed", report)
				return nil
			}
		}
	}
	if len(d.Drifted()) == 0 {
		return nil
	}
	d.written = ""
	return d.discover(ctx) // an update may have corrected it
}

// foundations returns the number of parts that all others depend on: bucket,
// package, notifier.
func (d *Deployment) foundations() int {
	return slices.IndexFunc(d.parts, func(p part) bool {
		one, ok := p.(*stack)
		return !ok && !isUpload(p) || ok && one.name == d.o.Stack
	})
}

func isUpload(p part) bool {
	_, yes := p.(*upload)
	return yes
}

func (d *Deployment) skip(parts []part, why string, report func(Outcome)) {
	for _, p := range parts {
		out := d.identity(p)
		out.Status, out.Why = Skipped, why
		report(out)
	}
}

func (d *Deployment) failure(p part, err error) Outcome {
	out := d.identity(p)
	out.Status, out.Why = Failed, fleet.Sentence(err)
	return out
}

// identity returns an outcome that names a part.
func (d *Deployment) identity(p part) Outcome {
	switch p := p.(type) {
	case *stack:
		return p.outcome("", "")
	case *stackSet:
		return p.outcome("")
	}
	u := p.(*upload)
	return Outcome{Kind: KindObject, Name: u.String(), Account: u.owner, Region: u.region}
}

// Remove deletes the parts in reverse order. Policies and groups stay, and with
// them the enforcement, and so does the bucket with the journals. It stops at a part
// that could not be removed: its functions may still run, and need the bus, the
// notifier and the package.
func (d *Deployment) Remove(ctx context.Context, report func(Outcome)) error {
	for i, p := range slices.Backward(d.parts) {
		if err := p.remove(ctx, report); err != nil {
			if ctx.Err() != nil {
				return err
			}
			report(d.failure(p, err))
			left := slices.Clone(d.parts[:i])
			slices.Reverse(left)
			d.skip(left, "kept, because a part that needs it could not be removed", report)
			return nil
		}
	}
	return nil
}
