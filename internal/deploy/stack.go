package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
)

// A stack is the wanted state of one stack in one account and Region.
type stack struct {
	client   *cloudformation.Client
	name     string
	place    Place
	template []byte
	values   map[string]string // of the template's parameters
	adopt    bool              // takes over existing resources with the same name
	clock    clock
}

// A clock reads the time and sleeps.
type clock struct {
	now   func() time.Time
	sleep func(context.Context, time.Duration) error
}

// poll is the delay between two reads of an operation's state.
const poll = 5 * time.Second

// A stackState is the current state of a stack.
type stackState struct {
	id       string // empty: there is no stack
	status   types.StackStatus
	reason   string
	template []byte
	values   map[string]string
}

func (s *stack) String() string {
	return "stack " + s.name + " in " + s.place.Account + " " + s.place.Region
}

// failed reports whether creating the stack failed, so that it can only be
// deleted.
func (s *stackState) failed() bool {
	switch s.status {
	case types.StackStatusCreateFailed, types.StackStatusRollbackComplete, types.StackStatusRollbackFailed, types.StackStatusDeleteFailed:
		return true
	}
	return false
}

func (s *stackState) busy() bool { return strings.HasSuffix(string(s.status), "_IN_PROGRESS") }

// errAbsent is CloudFormation's error for a stack that does not exist.
// Source: CloudFormation API Reference, DescribeStacks: "If the stack doesn't
// exist, a ValidationError is returned."
const errAbsent = "ValidationError"

func absentStack(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == errAbsent
}

// describe reads the stack without its template. name may be an ID.
func (s *stack) describe(ctx context.Context, name string) (*stackState, error) {
	out, err := s.client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if absentStack(err) {
		return &stackState{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("describe %s: %w", s, err)
	}
	if len(out.Stacks) != 1 {
		return nil, fmt.Errorf("describe %s: the response has %d stacks", s, len(out.Stacks))
	}
	found := out.Stacks[0]
	state := &stackState{
		id: aws.ToString(found.StackId), status: found.StackStatus,
		reason: aws.ToString(found.StackStatusReason), values: valuesOf(found.Parameters),
	}
	if state.status == types.StackStatusDeleteComplete || state.status == types.StackStatusReviewInProgress {
		return &stackState{status: state.status}, nil
	}
	return state, nil
}

func (s *stack) read(ctx context.Context) (*stackState, error) {
	state, err := s.describe(ctx, s.name)
	if err != nil || state.id == "" {
		return state, err
	}
	out, err := s.client.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &state.id, TemplateStage: types.TemplateStageOriginal})
	if err != nil {
		return nil, fmt.Errorf("read the template of %s: %w", s, err)
	}
	state.template = []byte(aws.ToString(out.TemplateBody))
	return state, nil
}

// plan returns the planned change, from a change set that is deleted again. The
// plan of a new stack comes from its template.
func (s *stack) plan(ctx context.Context) (Change, error) {
	c := Change{Kind: KindStack, Name: s.name, Account: s.place.Account, Region: s.place.Region, Action: None}
	if _, err := Resolve(s.template, s.place, s.values); err != nil {
		return c, fmt.Errorf("%s: %w", s, err)
	}
	state, err := s.read(ctx)
	if err != nil {
		return c, err
	}
	switch {
	case state.id == "" || state.failed():
		c.Action, c.Parameters = Create, settings(nil, s.values)
		if state.id != "" {
			c.Action = Replace
			c.Notes = append(c.Notes, "it is "+string(state.status)+": "+state.reason)
		}
		c.Resources, err = added(s.template, s.place, s.values)
		return c, err
	case state.busy():
		return c, fmt.Errorf("%s is %s: wait until that is done", s, state.status)
	case state.status == types.StackStatusUpdateRollbackFailed:
		return c, fmt.Errorf("%s is %s: %s; correct the cause, then continue the rollback in the console", s, state.status, state.reason)
	case s.same(state):
		return c, nil
	}
	c.Parameters = settings(state.values, s.values)
	proposed, err := s.propose(ctx, types.ChangeSetTypeUpdate, "forcemfa-plan")
	if err != nil {
		return c, err
	}
	c.Resources = proposed.changes
	if !proposed.empty {
		c.Action = Update
	}
	return c, proposed.drop(ctx)
}

func (s *stack) same(state *stackState) bool {
	return sameTemplate(state.template, s.template) && len(settings(state.values, s.values)) == 0
}

// A proposal is a change set.
type proposal struct {
	stack   *stack
	id      string
	changes []ResourceChange
	empty   bool
}

// propose creates a change set and waits until CloudFormation has computed it.
func (s *stack) propose(ctx context.Context, kind types.ChangeSetType, name string) (*proposal, error) {
	return s.await(ctx, &cloudformation.CreateChangeSetInput{
		ChangeSetType: kind, ChangeSetName: &name, TemplateBody: aws.String(string(s.template)), Parameters: parametersOf(s.values),
		ImportExistingResources: aws.Bool(s.adopt && kind == types.ChangeSetTypeCreate),
	})
}

// await creates a change set, whose name gets a suffix, and waits until it is computed.
func (s *stack) await(ctx context.Context, in *cloudformation.CreateChangeSetInput) (*proposal, error) {
	in.StackName, in.Capabilities = &s.name, []types.Capability{types.CapabilityCapabilityNamedIam}
	in.ChangeSetName = aws.String(fmt.Sprintf("%s-%d", *in.ChangeSetName, s.clock.now().UnixNano()))
	out, err := s.client.CreateChangeSet(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("create a change set of %s: %w", s, err)
	}
	p := &proposal{stack: s, id: aws.ToString(out.Id)}
	for {
		done, err := p.refresh(ctx)
		if err != nil {
			return nil, errors.Join(err, p.drop(context.WithoutCancel(ctx)))
		}
		if done {
			return p, nil
		}
		if err := s.clock.sleep(ctx, poll); err != nil {
			return nil, errors.Join(err, p.drop(context.WithoutCancel(ctx)))
		}
	}
}

// refresh reads the change set once and reports whether it is ready.
func (p *proposal) refresh(ctx context.Context) (done bool, err error) {
	pages := cloudformation.NewDescribeChangeSetPaginator(p.stack.client, &cloudformation.DescribeChangeSetInput{ChangeSetName: &p.id, StackName: &p.stack.name})
	p.changes = nil
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return false, fmt.Errorf("read the change set of %s: %w", p.stack, err)
		}
		switch page.Status {
		case types.ChangeSetStatusCreatePending, types.ChangeSetStatusCreateInProgress:
			return false, nil
		case types.ChangeSetStatusFailed:
			if p.empty = unchanged(aws.ToString(page.StatusReason)); p.empty {
				return true, nil
			}
			return false, fmt.Errorf("create a change set of %s: %s", p.stack, aws.ToString(page.StatusReason))
		}
		for _, c := range page.Changes {
			if c.ResourceChange != nil {
				p.changes = append(p.changes, resourceChange(c.ResourceChange))
			}
		}
	}
	return true, nil
}

// unchanged reports whether the reason means that there is nothing to change;
// CloudFormation has no code for it.
// Source: CloudFormation User Guide, "Troubleshooting CloudFormation", No
// updates to perform.
func unchanged(reason string) bool {
	return strings.Contains(reason, "didn't contain changes") || strings.Contains(reason, "No updates are to be performed")
}

func (p *proposal) drop(ctx context.Context) error {
	_, err := p.stack.client.DeleteChangeSet(ctx, &cloudformation.DeleteChangeSetInput{ChangeSetName: &p.id, StackName: &p.stack.name})
	if err != nil {
		return fmt.Errorf("delete the change set of %s: %w", p.stack, err)
	}
	return nil
}

// apply brings the stack to its wanted state. It returns when CloudFormation has
// finished.
func (s *stack) apply(ctx context.Context, report func(Outcome)) error {
	state, err := s.read(ctx)
	switch {
	case err != nil:
		return err
	case state.failed():
		if err := s.remove(ctx, report); err != nil {
			return err
		}
		state = &stackState{}
	case state.busy():
		return fmt.Errorf("%s is %s: wait until that is done", s, state.status)
	case state.id != "" && s.same(state):
		report(s.outcome(Already, ""))
		return nil
	}
	kind := types.ChangeSetTypeUpdate
	if state.id == "" {
		kind = types.ChangeSetTypeCreate
	}
	p, err := s.propose(ctx, kind, "forcemfa")
	if err != nil {
		return err
	}
	if p.empty {
		report(s.outcome(Already, ""))
		return p.drop(ctx)
	}
	if err := p.execute(ctx); err != nil {
		return err
	}
	report(s.outcome(Done, ""))
	return nil
}

// execute makes the changes and returns when CloudFormation has finished.
func (p *proposal) execute(ctx context.Context) error {
	if _, err := p.stack.client.ExecuteChangeSet(ctx, &cloudformation.ExecuteChangeSetInput{ChangeSetName: &p.id, StackName: &p.stack.name}); err != nil {
		return fmt.Errorf("execute the change set of %s: %w", p.stack, err)
	}
	return p.stack.settle(ctx)
}

// settle waits until the stack's operation ends. A failure is an error that
// names the resource that failed.
func (s *stack) settle(ctx context.Context) error {
	for {
		state, err := s.describe(ctx, s.name)
		if err != nil {
			return err
		}
		switch state.status {
		case types.StackStatusCreateComplete, types.StackStatusUpdateComplete, types.StackStatusImportComplete, types.StackStatusUpdateCompleteCleanupInProgress:
			return nil
		}
		if state.id != "" && !state.busy() {
			return fmt.Errorf("%s is %s: %s", s, state.status, s.culprit(ctx, state))
		}
		if err := s.clock.sleep(ctx, poll); err != nil {
			return fmt.Errorf("%s is %s, and CloudFormation continues: %w", s, state.status, err)
		}
	}
}

// culprit returns the first resource that failed in the latest operation, and
// the reason.
func (s *stack) culprit(ctx context.Context, state *stackState) string {
	out, err := s.client.DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: &state.id})
	if err != nil {
		return state.reason
	}
	why := state.reason
	for _, e := range out.StackEvents { // newest first
		reason := aws.ToString(e.ResourceStatusReason)
		if aws.ToString(e.PhysicalResourceId) == state.id && reason == "User Initiated" {
			break
		}
		if strings.HasSuffix(string(e.ResourceStatus), "_FAILED") && !strings.HasPrefix(reason, "Resource creation cancelled") {
			why = aws.ToString(e.LogicalResourceId) + " (" + aws.ToString(e.ResourceType) + "): " + reason
		}
	}
	return why
}

// remove deletes the stack. A stack that does not exist counts as removed.
func (s *stack) remove(ctx context.Context, report func(Outcome)) error {
	state, err := s.describe(ctx, s.name)
	if err != nil {
		return err
	}
	if state.id == "" && state.status != types.StackStatusReviewInProgress {
		report(s.outcome(Already, ""))
		return nil
	}
	if _, err := s.client.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &s.name}); err != nil {
		return fmt.Errorf("delete %s: %w", s, err)
	}
	for id := state.id; id != ""; {
		state, err := s.describe(ctx, id)
		if err != nil {
			return err
		}
		if state.id == "" {
			break
		}
		if state.status == types.StackStatusDeleteFailed {
			return fmt.Errorf("delete %s: %s", s, s.culprit(ctx, state))
		}
		if err := s.clock.sleep(ctx, poll); err != nil {
			return fmt.Errorf("%s is %s, and CloudFormation continues: %w", s, state.status, err)
		}
	}
	report(s.outcome(Removed, ""))
	return nil
}

func (s *stack) outcome(status Status, why string) Outcome {
	return Outcome{Kind: KindStack, Name: s.name, Account: s.place.Account, Region: s.place.Region, Status: status, Why: why}
}
