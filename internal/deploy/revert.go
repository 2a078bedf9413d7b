package deploy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"forcemfa/internal/fleet"
)

// Revert restores the resources that were changed or deleted after CloudFormation created
// them, with a drift-aware change set. A stack that cannot be restored is an outcome; they
// are reported one at a time.
// Source: CloudFormation User Guide, "Using drift-aware change sets".
func (d *Deployment) Revert(ctx context.Context, report func(Outcome)) error {
	checks, err := d.detect(ctx)
	if err != nil {
		return err
	}
	checks = slices.DeleteFunc(checks, func(c *driftCheck) bool { return c.gap == nil && !c.restorable() })
	var one sync.Mutex
	return d.each(ctx, checks, func(c *driftCheck, ctx context.Context) {
		out := Outcome{Kind: KindStack, Name: c.name, Account: c.place.Account, Region: c.place.Region, Status: Failed}
		if c.gap != nil {
			out.Why = c.gap.What + ": " + c.gap.Why
		} else if n, err := c.revert(ctx, d.clock); err != nil {
			out.Why = fleet.Sentence(err)
		} else {
			out.Status, out.Why = Done, fmt.Sprintf("resources restored: %d", n)
		}
		one.Lock()
		defer one.Unlock()
		report(out)
	})
}

// restorable reports whether a resource of the stack is a finding. A policy with another
// document is not one: apply corrects it, and journals that.
func (c *driftCheck) restorable() bool {
	return slices.ContainsFunc(c.found, func(r types.StackResourceDrift) bool { return !editedPolicy(&r) })
}

// revert brings the resources in line with the template of the stack, and counts them.
func (c *driftCheck) revert(ctx context.Context, clock clock) (int, error) {
	s := &stack{client: c.client, name: c.id, place: c.place, clock: clock}
	state, err := s.describe(ctx, s.name)
	if err != nil {
		return 0, err
	}
	var same []types.Parameter
	for _, name := range slices.Sorted(maps.Keys(state.values)) {
		same = append(same, types.Parameter{ParameterKey: &name, UsePreviousValue: aws.Bool(true)})
	}
	p, err := s.await(ctx, &cloudformation.CreateChangeSetInput{
		ChangeSetType: types.ChangeSetTypeUpdate, ChangeSetName: aws.String("forcemfa-revert"), UsePreviousTemplate: aws.Bool(true), Parameters: same,
		DeploymentMode: types.DeploymentModeRevertDrift,
	})
	if err != nil {
		return 0, err
	}
	if p.empty {
		return 0, p.drop(ctx)
	}
	return len(c.found), p.execute(ctx) // the change set also has resources that depend on them
}
