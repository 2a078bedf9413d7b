package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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

// Options say what is deployed where. Baseline and Package are required; the
// rest is as deployed, or by default, where it is not given.
type Options struct {
	Baseline *baseline.Baseline
	Package  *Package
	// Parameters are values of the member's and the notifier's templates, by
	// name. One that is not here stays as it is deployed.
	Parameters map[string]string
	Notifier   string   // account of the notifier; empty: where its secret or topic is
	Regions    []string // whose console sign-ins are forwarded, besides the home Region and those of today
	Units      []string // IDs or names of organizational units; none: the root
	Accounts   []string // only these, and below the units
	Except     []string // not these
	Stack      string   // name of stacks and stack sets; empty: forcemfa
	Bucket     string   // empty: forcemfa-ACCOUNT-REGION of the account that deploys
	Pace       Pace
	Now        func() time.Time                           // nil: time.Now
	Sleep      func(context.Context, time.Duration) error // nil: that time passes
}

// A Site is one organization, or one account, as it is to be deployed.
type Site struct {
	fleet *fleet.Fleet
	found *fleet.Discovery
	o     Options
	clock clock

	caller, partition, home string
	callAs                  types.CallAs
	looks                   []look
	gaps                    []org.Gap
	notes                   []string
	parts                   []part
	written                 string // the policy as the deployed template says it; empty: nothing is deployed
}

// A part is one thing that is deployed.
type part interface {
	plan(context.Context) (Change, error)
	apply(context.Context, func(Outcome)) error
	remove(context.Context, func(Outcome)) error
}

// A Plan is what would change, as plain data.
type Plan struct {
	Parts    []Change        `json:"parts"`
	Trails   []Hearing       `json:"trails"`
	Drifted  []string        `json:"drifted"` // accounts whose policy is not as the deployed template says
	Findings []audit.Finding `json:"findings"`
	Notes    []string        `json:"notes"`
	Gaps     []org.Gap       `json:"gaps"`
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

// Open looks at the organization, at each account that is chosen, and at what
// is deployed. It changes nothing.
func Open(ctx context.Context, f *fleet.Fleet, o Options) (*Site, error) {
	o.Stack = cmp.Or(o.Stack, "forcemfa")
	s := &Site{fleet: f, o: o, clock: clock{o.Now, o.Sleep}}
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
	if err := s.look(ctx); err != nil {
		return nil, err
	}
	return s, s.assemble(ctx)
}

// config acts in an account and Region.
func (s *Site) config(ctx context.Context, account, region string) (aws.Config, error) {
	cfg, _, err := s.fleet.Enter(ctx, account)
	cfg.Region = region
	return cfg, err
}

// management is the management account; empty without an organization.
func (s *Site) management() string {
	if o := s.found.Header.Organization; o != nil {
		return o.ManagementAccount
	}
	return ""
}

// stackSetsService is the service that Organizations must trust before stack
// sets can deploy to its accounts.
// Source: CloudFormation User Guide, "Activate trusted access for StackSets with
// AWS Organizations".
const stackSetsService = "member.org.stacksets.cloudformation.amazonaws.com"

// trusted finds out by which right the caller makes stack sets, and refuses
// where it has none.
func (s *Site) trusted(ctx context.Context) error {
	if s.management() == "" {
		return nil
	}
	s.callAs = types.CallAsSelf
	if s.caller != s.management() {
		s.callAs = types.CallAsDelegatedAdmin
		if !slices.Contains(s.found.Header.Organization.DelegatedAdmins, s.caller) {
			return &AccessError{What: "account " + s.caller + " is neither the management account nor a delegated administrator of StackSets",
				Remedy: "run it in account " + s.management() + ", or register " + s.caller + ": aws organizations register-delegated-administrator --account-id " + s.caller + " --service-principal " + stackSetsService}
		}
	}
	cfg, err := s.config(ctx, s.caller, s.home)
	if err != nil {
		return err
	}
	pages := organizations.NewListAWSServiceAccessForOrganizationPaginator(organizations.NewFromConfig(cfg), &organizations.ListAWSServiceAccessForOrganizationInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			s.note("whether Organizations trusts StackSets could not be read: " + fleet.Reason(err))
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

// An AccessError is a right of the organization that is missing.
type AccessError struct{ What, Remedy string }

func (e *AccessError) Error() string { return e.What }

func (s *Site) note(text string) { s.notes = append(s.notes, text) }

// assemble makes the parts, in the order in which they need each other.
func (s *Site) assemble(ctx context.Context) error {
	at := Place{Partition: s.partition, Account: s.caller, Region: s.home}
	cfg, err := s.config(ctx, s.caller, s.home)
	if err != nil {
		return err
	}
	set := &stackSet{
		client: cloudformation.NewFromConfig(cfg), name: s.o.Stack, about: "ForceMFA in every account of the organization.",
		place: at, callAs: s.callAs, regions: []string{s.home}, pace: s.o.Pace, clock: s.clock,
	}
	deployed, err := s.deployed(ctx, set)
	if err != nil {
		return err
	}
	s.written = documentOf(deployed, at)
	bucket := cmp.Or(s.o.Bucket, "forcemfa-"+s.caller+"-"+s.home)
	values, people, err := s.values(deployed.values, bucket)
	if err != nil {
		return err
	}
	store, err := s.stack(ctx, s.caller, s.home, s.o.Stack+"-bucket", Bucket, map[string]string{"BucketName": bucket, "OrganizationId": s.organization()})
	if err != nil {
		return err
	}
	s.parts = append(s.parts, store, &upload{client: s3.NewFromConfig(cfg), bucket: bucket, owner: s.caller, region: s.home, pkg: s.o.Package})
	if err := s.addNotifier(ctx, people, values); err != nil {
		return err
	}
	regions, err := s.forwarded(ctx, set, deployed)
	if err != nil {
		return err
	}
	if len(regions) > 0 {
		values["SignInForwarding"] = "true"
	}
	if err := s.addOwn(ctx, values, regions); err != nil {
		return err
	}
	if s.management() == "" {
		return nil
	}
	return s.addSets(set, deployed, values, regions)
}

// deployed is the member's template as it is deployed to the organization, or to
// the one account that there is.
func (s *Site) deployed(ctx context.Context, set *stackSet) (*setState, error) {
	if s.management() != "" {
		return set.read(ctx)
	}
	one := &stack{client: set.client, name: s.o.Stack, place: set.place}
	state, err := one.read(ctx)
	if err != nil {
		return nil, err
	}
	return &setState{there: state.id != "", template: state.template, values: state.values}, nil
}

func (s *Site) organization() string {
	if o := s.found.Header.Organization; o != nil {
		return o.ID
	}
	return ""
}

// stack is a stack of one of our templates.
func (s *Site) stack(ctx context.Context, account, region, name, template string, values map[string]string) (*stack, error) {
	cfg, err := s.config(ctx, account, region)
	if err != nil {
		return nil, err
	}
	text, err := s.render(template)
	if err != nil {
		return nil, err
	}
	return &stack{
		client: cloudformation.NewFromConfig(cfg), name: name, template: text, values: values, adopt: true, clock: s.clock,
		place: Place{Partition: s.partition, Account: account, Region: region},
	}, nil
}

func (s *Site) render(template string) ([]byte, error) {
	text, err := Render(template, s.o.Baseline, s.partition)
	if err == nil && len(text) > inlineLimit {
		err = fmt.Errorf("template %s has %d bytes, and CloudFormation takes %d", template, len(text), inlineLimit)
	}
	return text, err
}

// addOwn adds the stacks of the account that stack sets never reach: the
// management account, or the only one.
func (s *Site) addOwn(ctx context.Context, values map[string]string, regions []string) error {
	account := cmp.Or(s.management(), s.caller)
	if !slices.ContainsFunc(s.found.Accounts, func(a *org.Account) bool { return a.ID == account }) {
		return nil
	}
	own, err := s.stack(ctx, account, s.home, s.o.Stack, Member, values)
	if err != nil && account != s.caller {
		s.note("the management account " + account + " cannot be entered from here, and stack sets do not reach it: run forcemfa deploy apply --accounts " + account + " there")
		return nil // look told the gap
	}
	if err != nil {
		return err
	}
	s.parts = append(s.parts, own)
	for _, region := range regions {
		forwarder, err := s.stack(ctx, account, region, s.o.Stack+"-forwarder", Forwarder, map[string]string{})
		if err != nil {
			return err
		}
		s.parts = append(s.parts, forwarder)
	}
	return nil
}

// addSets adds the stack sets for the members of the organization.
func (s *Site) addSets(set *stackSet, deployed *setState, values map[string]string, regions []string) error {
	var members []string
	for _, a := range s.found.Accounts {
		if a.ID != s.management() && fleet.Enterable(a) {
			members = append(members, a.ID)
		}
	}
	if len(members) == 0 {
		return nil
	}
	units, err := s.units()
	if err != nil {
		return err
	}
	set.units, set.values, set.members = units, values, members
	switch {
	case len(s.o.Accounts) > 0:
		set.filter = filter{types.AccountFilterTypeIntersection, members}
	case len(s.o.Except) > 0:
		set.filter = filter{types.AccountFilterTypeDifference, s.o.Except}
	}
	if set.template, err = s.render(Member); err != nil {
		return err
	}
	set.existing = s.existing(deployed)
	s.parts = append(s.parts, set)
	if len(regions) == 0 {
		return nil
	}
	forwarders := *set
	forwarders.name, forwarders.about = s.o.Stack+"-forwarder", "Sends console sign-ins to the home Region of IAM."
	forwarders.values, forwarders.regions, forwarders.existing = map[string]string{}, regions, nil
	if forwarders.template, err = s.render(Forwarder); err != nil {
		return err
	}
	s.parts = append(s.parts, &forwarders)
	return nil
}

// units are the IDs of the roots and units to deploy to.
func (s *Site) units() ([]string, error) {
	var ids []string
	for _, u := range s.found.Header.Units {
		if len(s.o.Units) == 0 && u.Parent == "" || slices.Contains(s.o.Units, u.ID) || slices.Contains(s.o.Units, u.Name) {
			ids = append(ids, u.ID)
		}
	}
	if len(ids) == 0 {
		return nil, errors.New("the roots of the organization could not be read: let the role call organizations:ListRoots")
	}
	return ids, nil
}

// existing are the accounts that have policy or group of ours and no stack.
func (s *Site) existing(deployed *setState) []string {
	var ids []string
	for i := range s.looks {
		id := s.looks[i].account.ID
		if s.looks[i].present && id != s.management() && !slices.ContainsFunc(deployed.instances, func(i Instance) bool { return i.Account == id }) {
			ids = append(ids, id)
		}
	}
	return ids
}

// forwarded are the Regions whose sign-ins are to be forwarded: those that were
// asked for, and those of today, for what is deployed is never made smaller and
// is taken away as a whole.
func (s *Site) forwarded(ctx context.Context, set *stackSet, deployed *setState) ([]string, error) {
	regions := slices.DeleteFunc(slices.Clone(s.o.Regions), func(r string) bool { return r == s.home })
	if s.management() == "" {
		if len(regions) == 0 && deployed.values["SignInForwarding"] == "true" {
			s.note("sign-ins are forwarded from other Regions, of which one account keeps no list: name them with --sign-in-regions, or their stacks stay as they are")
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

// addNotifier adds the stack of bus and notifier to an organization that has
// somebody to tell, and makes every account tell its bus.
func (s *Site) addNotifier(ctx context.Context, people, values map[string]string) error {
	if s.organization() == "" {
		return nil
	}
	account := s.notifierAccount(people, values["BusArn"])
	if account == "" {
		s.note("nobody is told: give --slack-webhook, or another channel, and a notifier is deployed")
		return nil
	}
	for _, name := range []string{"S3Bucket", "S3Key", "Architecture", "ConfigHash", "AlarmTopic", "LogRetentionDays"} {
		people[name] = values[name]
	}
	people["OrganizationId"] = s.organization()
	part, err := s.stack(ctx, account, s.home, s.o.Stack+"-notifier", Notifier, people)
	if err != nil {
		return fmt.Errorf("enter the account of the notifier: %w", err)
	}
	state, err := part.read(ctx)
	if err != nil {
		return err
	}
	for name, value := range state.values { // what is not given stays as deployed
		if _, given := s.o.Parameters[name]; !given && people[name] == "" {
			people[name] = value
		}
	}
	s.parts = append(s.parts, part)
	values["BusArn"] = "arn:" + s.partition + ":events:" + s.home + ":" + account + ":event-bus/" + BusName
	return nil
}

// notifierAccount is where the notifier is to be; empty when there is nobody to
// tell.
func (s *Site) notifierAccount(people map[string]string, bus string) string {
	if s.o.Notifier != "" {
		return s.o.Notifier
	}
	for _, name := range []string{"SlackWebhookParameter", "SlackTokenSecret", "WebhookSecret", "SNSTopic"} {
		if a, err := arn.Parse(people[name]); err == nil {
			return a.Account
		}
	}
	if a, err := arn.Parse(bus); err == nil && strings.HasSuffix(bus, ":event-bus/"+BusName) {
		return a.Account
	}
	return ""
}

// Plan says what would change.
func (s *Site) Plan(ctx context.Context) (*Plan, error) {
	p := &Plan{
		Parts: []Change{}, Trails: []Hearing{}, Drifted: s.Drifted(), Findings: []audit.Finding{},
		Notes: append([]string{}, s.notes...), Gaps: append([]org.Gap{}, s.gaps...),
	}
	for i := range s.looks {
		l := &s.looks[i]
		h := l.hearing
		h.Account, h.Name = l.account.ID, l.account.Name
		p.Trails = append(p.Trails, h)
		if h.State == NoTrail {
			p.Findings = append(p.Findings, s.noTrail(l, &h))
		}
	}
	for _, part := range s.parts {
		c, err := part.plan(ctx)
		if err != nil {
			return nil, err
		}
		p.Parts = append(p.Parts, c)
	}
	return p, nil
}

func (s *Site) noTrail(l *look, h *Hearing) audit.Finding {
	rule := audit.Rules[slices.IndexFunc(audit.Rules, func(r audit.Rule) bool { return r.Name == "no-trail" })]
	return audit.Finding{
		ID: rule.Name + "/" + l.account.ID + "/account", Rule: rule.Name, Severity: rule.Severities[0],
		Account: l.account.ID, AccountName: l.account.Name, Subject: "account", What: h.what(), Remedy: rule.Remedy, Refs: rule.Refs,
	}
}

// Drifted are the accounts whose policy is neither what is wanted nor about to
// become so by the update of a stack: somebody edited it.
func (s *Site) Drifted() []string {
	ids := []string{}
	wanted := s.o.Baseline.Document(s.partition)
	for i := range s.looks {
		if l := &s.looks[i]; l.text != "" && !l.says(wanted) && (s.written == "" || !l.says(s.written)) {
			ids = append(ids, l.account.ID)
		}
	}
	return ids
}

// documentOf is our policy as a deployed template says it; empty where it
// cannot be read.
func documentOf(state *setState, at Place) string {
	resources, err := Resolve(state.template, at, state.values)
	i := slices.IndexFunc(resources, func(r Resource) bool { return r.Type == "AWS::IAM::ManagedPolicy" })
	if err != nil || i < 0 {
		return ""
	}
	return canonical(resources[i].Properties["PolicyDocument"])
}

// Notes are what a person should know of before anything is changed.
func (s *Site) Notes() []string { return slices.Clone(s.notes) }

// Gaps are what could not be read.
func (s *Site) Gaps() []org.Gap { return append([]org.Gap{}, s.gaps...) }

// Apply makes everything as it is wanted, and says what became of each part and
// account as soon as it is known. After a failure the parts that need nothing of
// it go on; the outcomes name the rest.
func (s *Site) Apply(ctx context.Context, say func(Outcome)) error {
	for i, p := range s.parts {
		if err := p.apply(ctx, say); err != nil {
			if ctx.Err() != nil {
				return err
			}
			say(s.failure(p, err))
			if _, member := p.(*stackSet); !member && i < s.foundations() {
				s.skip(s.parts[i+1:], say)
				return nil
			}
		}
	}
	if len(s.Drifted()) == 0 {
		return nil
	}
	s.written = ""
	return s.look(ctx) // an update may have mended it
}

// foundations is how many of the parts everything else needs: bucket, package,
// notifier.
func (s *Site) foundations() int {
	return slices.IndexFunc(s.parts, func(p part) bool {
		one, ok := p.(*stack)
		return !ok && !isUpload(p) || ok && one.name == s.o.Stack
	})
}

func isUpload(p part) bool {
	_, yes := p.(*upload)
	return yes
}

func (s *Site) skip(parts []part, say func(Outcome)) {
	for _, p := range parts {
		out := s.identity(p)
		out.Status, out.Why = Skipped, "something that it needs failed"
		say(out)
	}
}

func (s *Site) failure(p part, err error) Outcome {
	out := s.identity(p)
	out.Status, out.Why = Failed, err.Error()
	return out
}

// identity is an outcome that names a part and says nothing of it.
func (s *Site) identity(p part) Outcome {
	switch p := p.(type) {
	case *stack:
		return p.outcome("", "")
	case *stackSet:
		return p.outcome("")
	}
	u := p.(*upload)
	return Outcome{Kind: KindObject, Name: u.String(), Account: u.owner, Region: u.region}
}

// Remove takes away what Apply makes, the last thing first. Policies and groups
// stay, and with them the enforcement, and so does the bucket with the journals.
func (s *Site) Remove(ctx context.Context, say func(Outcome)) error {
	for _, p := range slices.Backward(s.parts) {
		if err := p.remove(ctx, say); err != nil {
			if ctx.Err() != nil {
				return err
			}
			say(s.failure(p, err))
		}
	}
	return nil
}
