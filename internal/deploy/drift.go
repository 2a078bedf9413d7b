package deploy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"golang.org/x/sync/errgroup"

	"forcemfa/internal/audit"
	"forcemfa/internal/fleet"
	"forcemfa/internal/org"
)

// A driftCheck is one deployed stack whose resources CloudFormation compares with the
// values that it gave them.
type driftCheck struct {
	client  *cloudformation.Client
	place   Place
	name    string    // of the stack or, with set, of the stack set
	set     *stackSet // nil: a stack of its own
	id      string    // of the stack
	running string    // ID of the detection; empty: it ended, or never began
	found   []types.StackResourceDrift
	gap     *org.Gap
}

// driftRule is the rule of the findings about resources that changed.
const driftRule = "deployment-drift"

// firstLook is the delay before the first read of a result, and mostDetection how long a
// detection may take before it counts as not read.
const (
	firstLook     = time.Second
	mostDetection = 15 * time.Minute
)

// drift returns findings about resources that were changed or deleted after
// CloudFormation created them. CloudFormation runs the comparisons of all stacks at the
// same time.
// Source: CloudFormation User Guide, "Detect unmanaged configuration changes to stacks
// and resources with drift detection".
func (d *Deployment) drift(ctx context.Context) ([]audit.Finding, []org.Gap, error) {
	checks, err := d.detect(ctx)
	var findings []audit.Finding
	var gaps []org.Gap
	for _, c := range checks {
		if c.gap != nil {
			gaps = append(gaps, *c.gap)
		}
		for i := range c.found {
			if f, ok := d.driftFinding(c, &c.found[i]); ok {
				findings = append(findings, f)
			}
		}
	}
	return findings, gaps, err
}

// detect compares every stack with its account, and returns when all results are there.
func (d *Deployment) detect(ctx context.Context) ([]*driftCheck, error) {
	checks, err := d.driftChecks(ctx)
	if err != nil || len(checks) == 0 {
		return nil, err
	}
	if err := d.each(ctx, checks, (*driftCheck).start); err != nil {
		return nil, err
	}
	wait := firstLook
	for end := d.clock.now().Add(mostDetection); anyRunning(checks); wait = poll {
		if d.clock.now().After(end) {
			for _, c := range checks {
				c.expire()
			}
			break
		}
		if err := d.clock.sleep(ctx, wait); err != nil {
			return nil, err
		}
		if err := d.each(ctx, checks, (*driftCheck).look); err != nil {
			return nil, err
		}
	}
	return checks, nil
}

func anyRunning(checks []*driftCheck) bool {
	return slices.ContainsFunc(checks, func(c *driftCheck) bool { return c.running != "" })
}

// each calls a step of all checks, some at the same time.
func (d *Deployment) each(ctx context.Context, checks []*driftCheck, step func(*driftCheck, context.Context)) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(d.fleet.Concurrency())
	for _, c := range checks {
		group.Go(func() error {
			step(c, ctx)
			return ctx.Err()
		})
	}
	return group.Wait()
}

// driftChecks returns the deployed stacks of all parts. Stacks in accounts that cannot be
// entered are left out: discover has added their gaps.
func (d *Deployment) driftChecks(ctx context.Context) ([]*driftCheck, error) {
	var checks []*driftCheck
	for _, p := range d.parts {
		switch p := p.(type) {
		case *stack:
			state, err := p.describe(ctx, p.name)
			if err != nil {
				return nil, err
			}
			if state.id != "" && !state.failed() && !state.busy() {
				checks = append(checks, &driftCheck{client: p.client, place: p.place, name: p.name, id: state.id})
			}
		case *stackSet:
			state, err := p.read(ctx)
			if err != nil {
				return nil, err
			}
			found, err := d.instanceChecks(ctx, p, state)
			if err != nil {
				return nil, err
			}
			checks = append(checks, found...)
		}
	}
	return checks, nil
}

func (d *Deployment) instanceChecks(ctx context.Context, s *stackSet, state *setState) ([]*driftCheck, error) {
	var one sync.Mutex
	var checks []*driftCheck
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(d.fleet.Concurrency())
	for _, i := range state.instances {
		if i.StackID == "" || !d.selects(i.Account) {
			continue
		}
		group.Go(func() error {
			cfg, err := d.config(ctx, i.Account, i.Region)
			if err == nil {
				one.Lock()
				defer one.Unlock()
				checks = append(checks, &driftCheck{
					client: cloudformation.NewFromConfig(cfg), place: Place{Partition: d.partition, Account: i.Account, Region: i.Region}, name: s.name, set: s, id: i.StackID,
				})
			}
			return ctx.Err()
		})
	}
	err := group.Wait()
	slices.SortFunc(checks, func(a, b *driftCheck) int {
		return cmp.Or(cmp.Compare(a.place.Account, b.place.Account), cmp.Compare(a.place.Region, b.place.Region))
	})
	return checks, err
}

// selects reports whether an account is one of those that the deployment reads and enters.
func (d *Deployment) selects(account string) bool {
	for _, a := range d.found.Accounts {
		if a.ID == account {
			return fleet.Enterable(a)
		}
	}
	return false
}

// start begins the detection.
func (c *driftCheck) start(ctx context.Context) {
	out, err := c.client.DetectStackDrift(ctx, &cloudformation.DetectStackDriftInput{StackName: &c.id})
	if err != nil {
		c.fail(fleet.Reason(err))
		return
	}
	c.running = aws.ToString(out.StackDriftDetectionId)
}

// look reads the result when the detection has ended. A detection that failed for some
// resources has the results of the others.
func (c *driftCheck) look(ctx context.Context) {
	if c.running == "" {
		return
	}
	out, err := c.client.DescribeStackDriftDetectionStatus(ctx, &cloudformation.DescribeStackDriftDetectionStatusInput{StackDriftDetectionId: &c.running})
	switch {
	case err != nil:
		c.fail(fleet.Reason(err))
		return
	case out.DetectionStatus == types.StackDriftDetectionStatusDetectionInProgress:
		return
	case out.DetectionStatus == types.StackDriftDetectionStatusDetectionFailed:
		c.fail(aws.ToString(out.DetectionStatusReason))
	}
	c.running = ""
	if aws.ToInt32(out.DriftedStackResourceCount) == 0 && out.StackDriftStatus == types.StackDriftStatusInSync {
		return
	}
	pages := cloudformation.NewDescribeStackResourceDriftsPaginator(c.client, &cloudformation.DescribeStackResourceDriftsInput{
		StackName: &c.id, StackResourceDriftStatusFilters: []types.StackResourceDriftStatus{types.StackResourceDriftStatusModified, types.StackResourceDriftStatusDeleted},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			c.fail(fleet.Reason(err))
			return
		}
		c.found = append(c.found, page.StackResourceDrifts...)
	}
}

func (c *driftCheck) expire() {
	if c.running != "" {
		c.fail("CloudFormation's drift detection takes longer than " + mostDetection.String())
	}
}

func (c *driftCheck) fail(why string) {
	c.running = ""
	c.gap = &org.Gap{Account: c.place.Account, What: "drift of stack " + c.name + " in " + c.place.Region, Why: why}
}

// driftFinding is the finding about one resource. A policy with another document is not
// one: Drifted compares what the documents mean, and deploy apply corrects them.
func (d *Deployment) driftFinding(c *driftCheck, r *types.StackResourceDrift) (audit.Finding, bool) {
	if editedPolicy(r) {
		return audit.Finding{}, false
	}
	kind, deleted := aws.ToString(r.ResourceType), r.StackResourceDriftStatus == types.StackResourceDriftStatusDeleted
	l := &accountState{account: &org.Account{ID: c.place.Account}}
	for i := range d.accounts {
		if d.accounts[i].account.ID == c.place.Account {
			l = &d.accounts[i]
		}
	}
	what := fmt.Sprintf("the %s %s of the stack %s was ", nounOf(kind), aws.ToString(r.PhysicalResourceId), c.name)
	if deleted {
		what += "deleted"
	} else {
		what += "changed after it was deployed: " + differences(r.PropertyDifferences)
	}
	f := finding(driftRule, l, "stack/"+c.name+"/"+c.place.Region+"/"+aws.ToString(r.LogicalResourceId), what)
	f.Remedy = c.remedy(kind)
	return f, true
}

// editedPolicy reports whether a resource is a policy that has another document.
func editedPolicy(r *types.StackResourceDrift) bool {
	return aws.ToString(r.ResourceType) == "AWS::IAM::ManagedPolicy" && r.StackResourceDriftStatus != types.StackResourceDriftStatusDeleted
}

// nounOf is a type of resources in the words of its service.
func nounOf(kind string) string { return cmp.Or(nouns[kind], kind) }

var nouns = map[string]string{
	"AWS::Events::Rule": "rule", "AWS::Lambda::Function": "function", "AWS::IAM::Role": "role", "AWS::IAM::Group": "group",
	"AWS::IAM::ManagedPolicy": "policy", "AWS::CloudWatch::Alarm": "alarm", "AWS::SQS::Queue": "queue", "AWS::Logs::LogGroup": "log group",
}

// longestValue is how long a value may be, in characters, to stand in a sentence.
const longestValue = 60

// differences lists the properties with both values, except long ones.
func differences(all []types.PropertyDifference) string {
	var parts []string
	for _, p := range all {
		name, is, was := strings.ReplaceAll(strings.TrimPrefix(aws.ToString(p.PropertyPath), "/"), "/", "."), aws.ToString(p.ActualValue), aws.ToString(p.ExpectedValue)
		switch {
		case len(is) > longestValue || len(was) > longestValue:
			parts = append(parts, name+" differs")
		case p.DifferenceType == types.DifferenceTypeRemove:
			parts = append(parts, name+" was removed, deployed "+was)
		case p.DifferenceType == types.DifferenceTypeAdd:
			parts = append(parts, name+" was added: "+is)
		default:
			parts = append(parts, name+" is "+is+", deployed "+was)
		}
	}
	return strings.Join(parts, "; ")
}

// remedy is the next command. deploy apply alone restores nothing: CloudFormation compares
// a template with the previous one, not with the account. Policies and groups are those of
// apply, which journals its changes.
func (c *driftCheck) remedy(kind string) string {
	if kind == "AWS::IAM::ManagedPolicy" || kind == "AWS::IAM::Group" {
		return "forcemfa apply --accounts " + c.place.Account
	}
	return "forcemfa deploy apply --revert-drift"
}
