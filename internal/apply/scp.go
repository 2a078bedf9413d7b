package apply

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"forcemfa/internal/fleet"
	"forcemfa/internal/plan"
)

// An scpExecutor carries out one Op on a service control policy.
type scpExecutor struct {
	read  func(context.Context, *organizations.Client, *plan.Step) (plan.State, error)
	write func(context.Context, *organizations.Client, *plan.Step) error
}

// findSCP returns the ID of the service control policy with the name in the step. Names
// are unique in an organization. The error is a PolicyNotFoundException when there is
// none.
// Source: Organizations API Reference, CreatePolicy, DuplicatePolicyException.
func findSCP(ctx context.Context, c *organizations.Client, s *plan.Step) (string, error) {
	_, name := entity(s)
	pages := organizations.NewListPoliciesPaginator(c, &organizations.ListPoliciesInput{Filter: types.PolicyTypeServiceControlPolicy})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", err
		}
		for _, p := range page.Policies {
			if aws.ToString(p.Name) == name {
				return aws.ToString(p.Id), nil
			}
		}
	}
	return "", &types.PolicyNotFoundException{Message: aws.String("there is no service control policy " + name)}
}

func readSCP(ctx context.Context, c *organizations.Client, s *plan.Step) (plan.State, error) {
	id, err := findSCP(ctx, c, s)
	if gone(err) {
		return plan.State{}, nil
	}
	if err != nil {
		return plan.State{}, err
	}
	out, err := c.DescribePolicy(ctx, &organizations.DescribePolicyInput{PolicyId: &id})
	if gone(err) {
		return plan.State{}, nil
	}
	if err != nil {
		return plan.State{}, err
	}
	found, err := fleet.Whole(out.Policy, "DescribePolicy")
	if err != nil {
		return plan.State{}, err
	}
	return plan.State{Present: true, Document: aws.ToString(found.Content)}, nil
}

func createSCP(ctx context.Context, c *organizations.Client, s *plan.Step) error {
	_, name := entity(s)
	_, err := c.CreatePolicy(ctx, &organizations.CreatePolicyInput{
		Name: &name, Content: &s.Want.Document, Description: aws.String(scpDescription), Type: types.PolicyTypeServiceControlPolicy,
	})
	return err
}

// scpDescription is the description of the service control policies in the console.
const scpDescription = "Managed by forcemfa: IAM users need MFA."

func updateSCP(ctx context.Context, c *organizations.Client, s *plan.Step) error {
	id, err := findSCP(ctx, c, s)
	if err != nil {
		return err
	}
	_, err = c.UpdatePolicy(ctx, &organizations.UpdatePolicyInput{PolicyId: &id, Content: &s.Want.Document})
	return err
}

func deleteSCP(ctx context.Context, c *organizations.Client, s *plan.Step) error {
	id, err := findSCP(ctx, c, s)
	if err != nil {
		return err
	}
	_, err = c.DeletePolicy(ctx, &organizations.DeletePolicyInput{PolicyId: &id})
	return err
}

func readSCPTarget(ctx context.Context, c *organizations.Client, s *plan.Step) (plan.State, error) {
	id, err := findSCP(ctx, c, s)
	if err != nil {
		return plan.State{}, err
	}
	pages := organizations.NewListTargetsForPolicyPaginator(c, &organizations.ListTargetsForPolicyInput{PolicyId: &id})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return plan.State{}, err
		}
		for _, t := range page.Targets {
			if aws.ToString(t.TargetId) == s.Object {
				return plan.State{Present: true}, nil
			}
		}
	}
	return plan.State{}, nil
}

func attachSCP(ctx context.Context, c *organizations.Client, s *plan.Step) error {
	id, err := findSCP(ctx, c, s)
	if err != nil {
		return err
	}
	_, err = c.AttachPolicy(ctx, &organizations.AttachPolicyInput{PolicyId: &id, TargetId: &s.Object})
	return err
}

func detachSCP(ctx context.Context, c *organizations.Client, s *plan.Step) error {
	id, err := findSCP(ctx, c, s)
	if err != nil {
		return err
	}
	_, err = c.DetachPolicy(ctx, &organizations.DetachPolicyInput{PolicyId: &id, TargetId: &s.Object})
	return err
}
