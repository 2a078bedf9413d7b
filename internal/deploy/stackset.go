package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"forcemfa/internal/fleet"
	"forcemfa/policy/arn"
)

// A stackSet is the wanted state of a stack set with service-managed
// permissions: a stack in every current and future account below some roots or
// units, and in some Regions. It never deploys to the management account.
// Source: CloudFormation User Guide, "Create StackSets with service-managed
// permissions".
type stackSet struct {
	client   *cloudformation.Client
	name     string
	about    string
	place    Place // of the stack set
	callAs   types.CallAs
	template []byte
	values   map[string]string
	units    []string // IDs of roots and units
	regions  []string
	filter   filter
	pace     Pace
	members  []string // known accounts that must have a stack
	existing []string // accounts that have the policy and group but no stack
	clock    clock
}

// A filter selects some of the accounts below the units. The zero value selects
// all.
type filter struct {
	kind     types.AccountFilterType
	accounts []string
}

// Pace limits how many accounts CloudFormation processes at the same time. The
// zero value is a quarter of them, until a tenth have failed.
type Pace struct {
	MaxConcurrent    int // percent of the accounts
	FailureTolerance int // percent of the accounts
}

// preferences request a concurrency that failures do not reduce, up to the
// tolerance: the strict mode would reduce it to the number of tolerated failures
// plus one.
// Source: CloudFormation API Reference, StackSetOperationPreferences.
func (p Pace) preferences() *types.StackSetOperationPreferences {
	return &types.StackSetOperationPreferences{
		ConcurrencyMode:            types.ConcurrencyModeSoftFailureTolerance,
		RegionConcurrencyType:      types.RegionConcurrencyTypeParallel,
		MaxConcurrentPercentage:    aws.Int32(int32(cmp.Or(p.MaxConcurrent, 25))),
		FailureTolerancePercentage: aws.Int32(int32(cmp.Or(p.FailureTolerance, 10))),
	}
}

// A setState is the current state of a stack set.
type setState struct {
	there     bool
	template  []byte
	values    map[string]string
	units     []string
	auto      bool // accounts get their stack when they join, and keep it when they leave
	instances []Instance
}

func (s *stackSet) String() string { return "stack set " + s.name }

// describe reads the stack set without its instances.
func (s *stackSet) describe(ctx context.Context) (*setState, error) {
	out, err := s.client.DescribeStackSet(ctx, &cloudformation.DescribeStackSetInput{StackSetName: &s.name, CallAs: s.callAs})
	var none *types.StackSetNotFoundException
	if errors.As(err, &none) {
		return &setState{}, nil
	}
	if err == nil {
		_, err = fleet.Whole(out.StackSet, "DescribeStackSet")
	}
	if err != nil {
		return nil, fmt.Errorf("describe %s: %w", s, err)
	}
	set := out.StackSet
	if set.Status == types.StackSetStatusDeleted {
		return &setState{}, nil
	}
	if set.PermissionModel == types.PermissionModelsSelfManaged {
		return nil, fmt.Errorf("%s has self-managed permissions instead of service-managed ones: use another name, or delete it", s)
	}
	state := &setState{
		there: true, template: []byte(aws.ToString(set.TemplateBody)), values: valuesOf(set.Parameters), units: set.OrganizationalUnitIds,
	}
	if a := set.AutoDeployment; a != nil {
		state.auto = aws.ToBool(a.Enabled) && aws.ToBool(a.RetainStacksOnAccountRemoval)
	}
	return state, nil
}

func (s *stackSet) read(ctx context.Context) (*setState, error) {
	state, err := s.describe(ctx)
	if err != nil || !state.there {
		return state, err
	}
	state.instances, err = s.instances(ctx)
	return state, err
}

// instances returns the stacks of the set by account.
func (s *stackSet) instances(ctx context.Context) ([]Instance, error) {
	var all []Instance
	pages := cloudformation.NewListStackInstancesPaginator(s.client, &cloudformation.ListStackInstancesInput{StackSetName: &s.name, CallAs: s.callAs})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the stacks of %s: %w", s, err)
		}
		for _, i := range page.Summaries {
			all = append(all, Instance{
				Account: aws.ToString(i.Account), Region: aws.ToString(i.Region),
				Status: string(i.Status), Why: aws.ToString(i.StatusReason), StackID: aws.ToString(i.StackId),
			})
		}
	}
	slices.SortFunc(all, func(a, b Instance) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region))
	})
	return all, nil
}

// same reports whether template, parameters and automatic deployment are as
// wanted.
func (s *stackSet) same(state *setState) bool {
	return sameTemplate(state.template, s.template) && len(settings(state.values, s.values)) == 0 && state.auto
}

// fresh returns the units that the set does not deploy to yet.
func (s *stackSet) fresh(state *setState) []string {
	return slices.DeleteFunc(slices.Clone(s.units), func(u string) bool { return slices.Contains(state.units, u) })
}

// behind returns the instances that are not up to date.
func (state *setState) behind() []Instance {
	return slices.DeleteFunc(slices.Clone(state.instances), func(i Instance) bool { return i.Status == string(types.StackInstanceStatusCurrent) })
}

// missing returns the accounts and Regions without a stack below units that the
// set already deploys to: they were left out, or CloudFormation has not reached
// them yet.
func (s *stackSet) missing(state *setState) []Instance {
	var out []Instance
	for _, account := range s.members {
		for _, region := range s.regions {
			if !slices.ContainsFunc(state.instances, func(i Instance) bool { return i.Account == account && i.Region == region }) {
				out = append(out, Instance{Account: account, Region: region, Status: "MISSING"})
			}
		}
	}
	return out
}

func (s *stackSet) plan(ctx context.Context) (Change, error) {
	c := Change{Kind: KindStackSet, Name: s.name, Account: s.place.Account, Region: s.place.Region, Action: None}
	state, err := s.read(ctx)
	if err != nil {
		return c, err
	}
	if !state.there {
		c.Action, c.Parameters, c.Targets = Create, settings(nil, s.values), s.units
		c.Resources, err = added(s.template, s.place, s.values)
	} else {
		c.Parameters, c.Targets, c.Instances = settings(state.values, s.values), s.fresh(state), append(state.behind(), s.missing(state)...)
		c.Resources, err = compared(s.place, state.template, state.values, s.template, s.values)
		if !s.same(state) || len(c.Targets)+len(c.Instances) > 0 {
			c.Action = Update
		}
		if !state.auto {
			c.Notes = append(c.Notes, "automatic deployment to new accounts is switched on; stacks stay in accounts that leave")
		}
		c.Notes = append(c.Notes, s.elsewhere(state)...)
	}
	for _, id := range s.existing {
		c.Notes = append(c.Notes, "account "+id+" already has the policy and the group: its stack adopts them")
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", s, err)
	}
	return c, err
}

// elsewhere returns notes about units that the set also deploys to. A set only
// shrinks by hand.
func (s *stackSet) elsewhere(state *setState) []string {
	var notes []string
	for _, u := range state.units {
		if !slices.Contains(s.units, u) {
			notes = append(notes, "it also deploys to "+u+" and continues to do so")
		}
	}
	return notes
}

// apply brings the stack set to its wanted state and reports each account when
// it is done. Failed accounts are outcomes; the error concerns the whole set.
func (s *stackSet) apply(ctx context.Context, report func(Outcome)) error {
	state, err := s.read(ctx)
	if err != nil {
		return err
	}
	if !state.there {
		if err := s.create(ctx); err != nil {
			return err
		}
	} else if done, err := s.update(ctx, state, report); done || err != nil {
		return err
	}
	if err := s.fill(ctx, state, report); err != nil {
		return err
	}
	report(s.outcome(Done))
	return nil
}

// fill creates the missing stacks.
func (s *stackSet) fill(ctx context.Context, state *setState, report func(Outcome)) error {
	if units := s.fresh(state); len(units) > 0 {
		return s.extend(ctx, units, s.filter, report)
	}
	var accounts []string
	for _, i := range s.missing(state) {
		if !slices.Contains(accounts, i.Account) {
			accounts = append(accounts, i.Account)
		}
	}
	if len(accounts) == 0 {
		return nil
	}
	return s.extend(ctx, s.units, filter{types.AccountFilterTypeIntersection, accounts}, report)
}

func (s *stackSet) create(ctx context.Context) error {
	_, err := s.client.CreateStackSet(ctx, &cloudformation.CreateStackSetInput{
		StackSetName: &s.name, Description: &s.about, CallAs: s.callAs,
		TemplateBody: aws.String(string(s.template)), Parameters: parametersOf(s.values),
		Capabilities:     []types.Capability{types.CapabilityCapabilityNamedIam},
		PermissionModel:  types.PermissionModelsServiceManaged,
		AutoDeployment:   s.automatic(),
		ManagedExecution: &types.ManagedExecution{Active: aws.Bool(true)},
	})
	if err != nil {
		return fmt.Errorf("create %s: %w", s, err)
	}
	return nil
}

// automatic enables deployment to accounts that join; an account that leaves
// keeps its stack, so that its users stay enforced.
func (s *stackSet) automatic() *types.AutoDeployment {
	return &types.AutoDeployment{Enabled: aws.Bool(true), RetainStacksOnAccountRemoval: aws.Bool(true)}
}

// update updates the existing stacks. done means that nothing else is missing.
func (s *stackSet) update(ctx context.Context, state *setState, report func(Outcome)) (done bool, err error) {
	if s.same(state) && len(state.behind()) == 0 {
		if len(s.fresh(state))+len(s.missing(state)) == 0 {
			report(s.outcome(Already))
			return true, nil
		}
		return false, nil
	}
	out, err := s.client.UpdateStackSet(ctx, &cloudformation.UpdateStackSetInput{
		StackSetName: &s.name, Description: &s.about, CallAs: s.callAs,
		TemplateBody: aws.String(string(s.template)), Parameters: parametersOf(s.values),
		Capabilities:         []types.Capability{types.CapabilityCapabilityNamedIam},
		AutoDeployment:       s.automatic(),
		OperationPreferences: s.pace.preferences(),
	})
	if err != nil {
		return false, fmt.Errorf("update %s: %w", s, err)
	}
	return false, s.follow(ctx, aws.ToString(out.OperationId), Done, report)
}

// extend creates stacks below new units. Accounts with the policy and group come
// first, in an operation of their own: their stacks must not create them again.
func (s *stackSet) extend(ctx context.Context, units []string, rest filter, report func(Outcome)) error {
	if len(s.existing) > 0 {
		own := []types.Parameter{{ParameterKey: aws.String("PolicyAndGroup"), ParameterValue: aws.String("existing")}}
		if err := s.instantiate(ctx, units, filter{types.AccountFilterTypeIntersection, s.existing}, own, report); err != nil {
			return err
		}
		if rest = rest.without(s.existing); rest.kind == types.AccountFilterTypeIntersection && len(rest.accounts) == 0 {
			return nil
		}
	}
	return s.instantiate(ctx, units, rest, nil, report)
}

// without excludes accounts from a filter.
func (f filter) without(accounts []string) filter {
	switch f.kind {
	case types.AccountFilterTypeIntersection:
		return filter{f.kind, slices.DeleteFunc(slices.Clone(f.accounts), func(id string) bool { return slices.Contains(accounts, id) })}
	default:
		return filter{types.AccountFilterTypeDifference, slices.Concat(f.accounts, accounts)}
	}
}

func (f filter) targets(units []string) *types.DeploymentTargets {
	t := &types.DeploymentTargets{OrganizationalUnitIds: units}
	if f.kind != "" {
		t.AccountFilterType, t.Accounts = f.kind, f.accounts
	}
	return t
}

func (s *stackSet) instantiate(ctx context.Context, units []string, f filter, own []types.Parameter, report func(Outcome)) error {
	out, err := s.client.CreateStackInstances(ctx, &cloudformation.CreateStackInstancesInput{
		StackSetName: &s.name, CallAs: s.callAs, Regions: s.regions,
		DeploymentTargets: f.targets(units), ParameterOverrides: own, OperationPreferences: s.pace.preferences(),
	})
	if err != nil {
		return fmt.Errorf("create the stacks of %s: %w", s, err)
	}
	return s.follow(ctx, aws.ToString(out.OperationId), Done, report)
}

// follow waits for an operation and reports each account once, when it is done.
func (s *stackSet) follow(ctx context.Context, operation string, good Status, report func(Outcome)) error {
	told := map[string]bool{}
	for {
		out, err := s.client.DescribeStackSetOperation(ctx, &cloudformation.DescribeStackSetOperationInput{StackSetName: &s.name, OperationId: &operation, CallAs: s.callAs})
		if err == nil {
			_, err = fleet.Whole(out.StackSetOperation, "DescribeStackSetOperation")
		}
		if err != nil {
			return fmt.Errorf("follow operation %s of %s: %w", operation, s, err)
		}
		if err := s.reportNew(ctx, operation, good, told, report); err != nil {
			return err
		}
		switch status := out.StackSetOperation.Status; status {
		case types.StackSetOperationStatusSucceeded, types.StackSetOperationStatusFailed:
			return nil // the failed accounts were reported
		case types.StackSetOperationStatusStopped, types.StackSetOperationStatusStopping:
			return fmt.Errorf("operation %s of %s is %s: %s", operation, s, status, aws.ToString(out.StackSetOperation.StatusReason))
		}
		if err := s.clock.sleep(ctx, poll); err != nil {
			return fmt.Errorf("operation %s of %s continues: %w", operation, s, err)
		}
	}
}

// reportNew reports the accounts that an operation has finished and that were not
// reported before.
func (s *stackSet) reportNew(ctx context.Context, operation string, good Status, told map[string]bool, report func(Outcome)) error {
	pages := cloudformation.NewListStackSetOperationResultsPaginator(s.client, &cloudformation.ListStackSetOperationResultsInput{
		StackSetName: &s.name, OperationId: &operation, CallAs: s.callAs,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("read the results of operation %s of %s: %w", operation, s, err)
		}
		for _, r := range page.Summaries {
			out := Outcome{Kind: KindStackSet, Name: s.name, Account: aws.ToString(r.Account), Region: aws.ToString(r.Region), Status: good}
			switch r.Status {
			case types.StackSetOperationResultStatusPending, types.StackSetOperationResultStatusRunning:
				continue
			case types.StackSetOperationResultStatusFailed, types.StackSetOperationResultStatusCancelled:
				out.Status, out.Why = Failed, string(r.Status)+": "+aws.ToString(r.StatusReason)
			}
			if key := out.Account + "/" + out.Region; arn.IsAccountID(out.Account) && !told[key] {
				told[key] = true
				report(out)
			}
		}
	}
	return nil
}

// remove deletes the stacks of the set, then the set.
func (s *stackSet) remove(ctx context.Context, report func(Outcome)) error {
	state, err := s.read(ctx)
	if err != nil {
		return err
	}
	if !state.there {
		report(s.outcome(Already))
		return nil
	}
	if len(state.instances) > 0 {
		if err := s.empty(ctx, state, report); err != nil {
			return err
		}
	}
	if _, err := s.client.DeleteStackSet(ctx, &cloudformation.DeleteStackSetInput{StackSetName: &s.name, CallAs: s.callAs}); err != nil {
		return fmt.Errorf("delete %s: %w", s, err)
	}
	report(s.outcome(Removed))
	return nil
}

func (s *stackSet) empty(ctx context.Context, state *setState, report func(Outcome)) error {
	var regions []string
	for _, i := range state.instances {
		if !slices.Contains(regions, i.Region) {
			regions = append(regions, i.Region)
		}
	}
	units := state.units
	if len(units) == 0 {
		units = s.units
	}
	out, err := s.client.DeleteStackInstances(ctx, &cloudformation.DeleteStackInstancesInput{
		StackSetName: &s.name, CallAs: s.callAs, Regions: regions, RetainStacks: aws.Bool(false),
		DeploymentTargets: filter{}.targets(units), OperationPreferences: s.pace.preferences(),
	})
	if err != nil {
		return fmt.Errorf("delete the stacks of %s: %w", s, err)
	}
	if err := s.follow(ctx, aws.ToString(out.OperationId), Removed, report); err != nil {
		return err
	}
	left, err := s.instances(ctx)
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("delete %s: %d of its stacks still exist, the first in account %s: %s", s, len(left), left[0].Account, left[0].Why)
	}
	return err
}

// outcome returns the outcome of the set; outcomes of its stacks name their
// accounts.
func (s *stackSet) outcome(status Status) Outcome {
	return Outcome{Kind: KindStackSet, Name: s.name, Account: s.place.Account, Region: s.place.Region, Status: status}
}
