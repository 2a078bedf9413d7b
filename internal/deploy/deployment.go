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
type Deployment struct {
	fleet *fleet.Fleet
	found *fleet.Discovery
	o     Options
	clock clock

	caller, partition, home string
	callAs                  types.CallAs
	accounts                   []accountState
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
	Trails   []TrailCoverage       `json:"trails"`
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

// Open accounts at the organization, at each account that is chosen, and at what
// is deployed. It changes nothing.
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

// config acts in an account and Region.
func (d *Deployment) config(ctx context.Context, account, region string) (aws.Config, error) {
	cfg, _, err := d.fleet.Enter(ctx, account)
	cfg.Region = region
	return cfg, err
}

// management is the management account; empty without an organization.
func (d *Deployment) management() string {
	if o := d.found.Header.Organization; o != nil {
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
	pages := organizations.NewListAWSServiceAccessForOrganizationPaginator(organizations.NewFromConfig(cfg), &organizations.ListAWSServiceAccessForOrganizationInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			d.note("whether Organizations trusts StackSets could not be read: " + fleet.Reason(err))
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

func (d *Deployment) note(text string) { d.notes = append(d.notes, text) }

// assemble makes the parts, in the order in which they need each other.
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
	bucket := cmp.Or(d.o.Bucket, "forcemfa-"+d.caller+"-"+d.home)
	values, notifier, err := d.values(deployed.values, bucket)
	if err != nil {
		return err
	}
	store, err := d.stack(ctx, d.caller, d.home, d.o.Stack+"-bucket", Bucket, map[string]string{"BucketName": bucket, "OrganizationId": d.organization()})
	if err != nil {
		return err
	}
	d.parts = append(d.parts, store, &upload{client: s3.NewFromConfig(cfg), bucket: bucket, owner: d.caller, region: d.home, pkg: d.o.Package})
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

// deployed is the member's template as it is deployed to the organization, or to
// the one account that there is.
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

// stack is a stack of one of our templates.
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
	if err == nil && len(text) > inlineLimit {
		err = fmt.Errorf("template %s has %d bytes, and CloudFormation takes %d", template, len(text), inlineLimit)
	}
	return text, err
}

// addManagementAccount adds the stacks of the account that stack sets never reach: the
// management account, or the only one.
func (d *Deployment) addManagementAccount(ctx context.Context, values map[string]string, regions []string) error {
	account := cmp.Or(d.management(), d.caller)
	if !slices.ContainsFunc(d.found.Accounts, func(a *org.Account) bool { return a.ID == account }) {
		return nil
	}
	own, err := d.stack(ctx, account, d.home, d.o.Stack, Member, values)
	if err != nil && account != d.caller {
		d.note("the management account " + account + " cannot be entered from here, and stack sets do not reach it: run forcemfa deploy apply --accounts " + account + " there")
		return nil // look told the gap
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

// addStackSets adds the stack sets for the members of the organization.
func (d *Deployment) addStackSets(set *stackSet, deployed *setState, values map[string]string, regions []string) error {
	var members []string
	for _, a := range d.found.Accounts {
		if a.ID != d.management() && fleet.Enterable(a) {
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
	case len(d.o.Accounts) > 0:
		set.filter = filter{types.AccountFilterTypeIntersection, members}
	case len(d.o.Except) > 0:
		set.filter = filter{types.AccountFilterTypeDifference, d.o.Except}
	}
	if set.template, err = d.render(Member); err != nil {
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

// units are the IDs of the roots and units to deploy to.
func (d *Deployment) units() ([]string, error) {
	var ids []string
	for _, u := range d.found.Header.Units {
		if len(d.o.Units) == 0 && u.Parent == "" || slices.Contains(d.o.Units, u.ID) || slices.Contains(d.o.Units, u.Name) {
			ids = append(ids, u.ID)
		}
	}
	if len(ids) == 0 {
		return nil, errors.New("the roots of the organization could not be read: let the role call organizations:ListRoots")
	}
	return ids, nil
}

// existing are the accounts that have policy or group of ours and no stack.
func (d *Deployment) existing(deployed *setState) []string {
	var ids []string
	for i := range d.accounts {
		id := d.accounts[i].account.ID
		if d.accounts[i].present && id != d.management() && !slices.ContainsFunc(deployed.instances, func(i Instance) bool { return i.Account == id }) {
			ids = append(ids, id)
		}
	}
	return ids
}

// forwarded are the Regions whose sign-ins are to be forwarded: those that were
// asked for, and those of today, for what is deployed is never made smaller and
// is taken away as a whole.
func (d *Deployment) forwardingRegions(ctx context.Context, set *stackSet, deployed *setState) ([]string, error) {
	regions := slices.DeleteFunc(slices.Clone(d.o.Regions), func(r string) bool { return r == d.home })
	if d.management() == "" {
		if len(regions) == 0 && deployed.values["SignInForwarding"] == "true" {
			d.note("sign-ins are forwarded from other Regions, of which one account keeps no list: name them with --sign-in-regions, or their stacks stay as they are")
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
func (d *Deployment) addNotifier(ctx context.Context, notifier, values map[string]string) error {
	if d.organization() == "" {
		return nil
	}
	account := d.notifierAccount(notifier, values["BusArn"])
	if account == "" {
		d.note("nobody is told: give --slack-webhook, or another channel, and a notifier is deployed")
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
	for name, value := range state.values { // what is not given stays as deployed
		if _, given := d.o.Parameters[name]; !given && notifier[name] == "" {
			notifier[name] = value
		}
	}
	d.parts = append(d.parts, part)
	values["BusArn"] = "arn:" + d.partition + ":events:" + d.home + ":" + account + ":event-bus/" + BusName
	return nil
}

// notifierAccount is where the notifier is to be; empty when there is nobody to
// tell.
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

// Plan says what would change.
func (d *Deployment) Plan(ctx context.Context) (*Plan, error) {
	p := &Plan{
		Parts: []Change{}, Trails: []TrailCoverage{}, Drifted: d.Drifted(), Findings: []audit.Finding{},
		Notes: append([]string{}, d.notes...), Gaps: append([]org.Gap{}, d.gaps...),
	}
	for i := range d.accounts {
		l := &d.accounts[i]
		h := l.coverage
		h.Account, h.Name = l.account.ID, l.account.Name
		p.Trails = append(p.Trails, h)
		if h.State == NoTrail {
			p.Findings = append(p.Findings, d.noTrail(l, &h))
		}
	}
	for _, part := range d.parts {
		c, err := part.plan(ctx)
		if err != nil {
			return nil, err
		}
		p.Parts = append(p.Parts, c)
	}
	return p, nil
}

func (d *Deployment) noTrail(l *accountState, h *TrailCoverage) audit.Finding {
	rule := audit.Rules[slices.IndexFunc(audit.Rules, func(r audit.Rule) bool { return r.Name == "no-trail" })]
	return audit.Finding{
		ID: rule.Name + "/" + l.account.ID + "/account", Rule: rule.Name, Severity: rule.Severities[0],
		Account: l.account.ID, AccountName: l.account.Name, Subject: "account", What: h.what(), Remedy: rule.Remedy, Refs: rule.Refs,
	}
}

// Drifted are the accounts whose policy is neither what is wanted nor about to
// become so by the update of a stack: somebody edited it.
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

// deployedDocument is our policy as a deployed template says it; empty where it
// cannot be read.
func deployedDocument(state *setState, at Place) string {
	resources, err := Resolve(state.template, at, state.values)
	i := slices.IndexFunc(resources, func(r Resource) bool { return r.Type == "AWS::IAM::ManagedPolicy" })
	if err != nil || i < 0 {
		return ""
	}
	return canonical(resources[i].Properties["PolicyDocument"])
}

// Notes are what a person should know of before anything is changed.
func (d *Deployment) Notes() []string { return slices.Clone(d.notes) }

// Gaps are what could not be read.
func (d *Deployment) Gaps() []org.Gap { return append([]org.Gap{}, d.gaps...) }

// Apply makes everything as it is wanted, and says what became of each part and
// account as soon as it is known. After a failure the parts that need nothing of
// it go on; the outcomes name the rest.
func (d *Deployment) Apply(ctx context.Context, report func(Outcome)) error {
	for i, p := range d.parts {
		if err := p.apply(ctx, report); err != nil {
			if ctx.Err() != nil {
				return err
			}
			report(d.failure(p, err))
			if _, member := p.(*stackSet); !member && i < d.foundations() {
				d.skip(d.parts[i+1:], report)
				return nil
			}
		}
	}
	if len(d.Drifted()) == 0 {
		return nil
	}
	d.written = ""
	return d.discover(ctx) // an update may have mended it
}

// foundations is how many of the parts everything else needs: bucket, package,
// notifier.
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

func (d *Deployment) skip(parts []part, report func(Outcome)) {
	for _, p := range parts {
		out := d.identity(p)
		out.Status, out.Why = Skipped, "something that it needs failed"
		report(out)
	}
}

func (d *Deployment) failure(p part, err error) Outcome {
	out := d.identity(p)
	out.Status, out.Why = Failed, err.Error()
	return out
}

// identity is an outcome that names a part and says nothing of it.
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

// Remove takes away what Apply makes, the last thing first. Policies and groups
// stay, and with them the enforcement, and so does the bucket with the journals.
func (d *Deployment) Remove(ctx context.Context, report func(Outcome)) error {
	for _, p := range slices.Backward(d.parts) {
		if err := p.remove(ctx, report); err != nil {
			if ctx.Err() != nil {
				return err
			}
			report(d.failure(p, err))
		}
	}
	return nil
}
