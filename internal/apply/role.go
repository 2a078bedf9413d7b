package apply

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/fleet"
	"forcemfa/internal/plan"
)

// getRole compares the whole ARN: a role of the same name under another path is
// a different role.
func getRole(ctx context.Context, c *iam.Client, s *plan.Step) (*types.Role, error) {
	out, err := c.GetRole(ctx, &iam.GetRoleInput{RoleName: nameOf(s)})
	if err != nil {
		return nil, err
	}
	role, err := fleet.Whole(out.Role, "GetRole")
	if err == nil && aws.ToString(role.Arn) != s.Subject {
		err = fmt.Errorf("the name is used by %s", aws.ToString(role.Arn))
	}
	return role, err
}

// readRole reads the maximum session duration only when the step sets it.
func readRole(ctx context.Context, c *iam.Client, s *plan.Step) (plan.State, error) {
	role, err := getRole(ctx, c, s)
	if gone(err) {
		return plan.State{}, nil
	}
	if err != nil {
		return plan.State{}, err
	}
	text, err := document(role.AssumeRolePolicyDocument)
	now := plan.State{Present: true, Document: text}
	if s.Want.Value+s.Expect.Value != "" {
		now.Value = strconv.Itoa(int(aws.ToInt32(role.MaxSessionDuration)))
	}
	return now, err
}

// readTrust returns NoSuchEntity when the role does not exist, because a trust policy is
// part of its role.
func readTrust(ctx context.Context, c *iam.Client, s *plan.Step) (plan.State, error) {
	role, err := getRole(ctx, c, s)
	if err != nil {
		return plan.State{}, err
	}
	text, err := document(role.AssumeRolePolicyDocument)
	return plan.State{Present: true, Document: text}, err
}

func createRole(ctx context.Context, c *iam.Client, s *plan.Step, _ []Version) error {
	path, name := entity(s)
	in := &iam.CreateRoleInput{RoleName: &name, Path: &path, AssumeRolePolicyDocument: &s.Want.Document}
	if s.Want.Value != "" {
		seconds, err := strconv.ParseInt(s.Want.Value, 10, 32)
		if err != nil {
			return fmt.Errorf("session duration %q: %w", s.Want.Value, err)
		}
		in.MaxSessionDuration = aws.Int32(int32(seconds))
	}
	_, err := c.CreateRole(ctx, in)
	return err
}

func deleteRole(ctx context.Context, c *iam.Client, s *plan.Step, _ []Version) error {
	_, err := c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: nameOf(s)})
	return err
}

func updateTrust(ctx context.Context, c *iam.Client, s *plan.Step, _ []Version) error {
	_, err := c.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: nameOf(s), PolicyDocument: &s.Want.Document})
	return err
}

func readRoleAttachment(ctx context.Context, c *iam.Client, s *plan.Step) (plan.State, error) {
	pages := iam.NewListAttachedRolePoliciesPaginator(c, &iam.ListAttachedRolePoliciesInput{RoleName: nameOf(s)})
	return present(ctx, pages, func(page *iam.ListAttachedRolePoliciesOutput) bool { return attached(page.AttachedPolicies, s.Object) })
}

func attachRolePolicy(ctx context.Context, c *iam.Client, s *plan.Step, _ []Version) error {
	_, err := c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: nameOf(s), PolicyArn: &s.Object})
	return err
}

func detachRolePolicy(ctx context.Context, c *iam.Client, s *plan.Step, _ []Version) error {
	_, err := c.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: nameOf(s), PolicyArn: &s.Object})
	return err
}

func readRoleInline(ctx context.Context, c *iam.Client, s *plan.Step) (plan.State, error) {
	pages := iam.NewListRolePoliciesPaginator(c, &iam.ListRolePoliciesInput{RoleName: nameOf(s)})
	named := func(page *iam.ListRolePoliciesOutput) bool { return slices.Contains(page.PolicyNames, s.Object) }
	return inline(ctx, pages, named, func() (*string, error) {
		out, err := c.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: nameOf(s), PolicyName: &s.Object})
		if err != nil {
			return nil, err
		}
		return out.PolicyDocument, nil
	})
}

func putRolePolicy(ctx context.Context, c *iam.Client, s *plan.Step, _ []Version) error {
	_, err := c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: nameOf(s), PolicyName: &s.Object, PolicyDocument: &s.Want.Document})
	return err
}

func deleteRolePolicy(ctx context.Context, c *iam.Client, s *plan.Step, _ []Version) error {
	_, err := c.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: nameOf(s), PolicyName: &s.Object})
	return err
}

func readGroupInline(ctx context.Context, c *iam.Client, s *plan.Step) (plan.State, error) {
	pages := iam.NewListGroupPoliciesPaginator(c, &iam.ListGroupPoliciesInput{GroupName: nameOf(s)})
	named := func(page *iam.ListGroupPoliciesOutput) bool { return slices.Contains(page.PolicyNames, s.Object) }
	return inline(ctx, pages, named, func() (*string, error) {
		out, err := c.GetGroupPolicy(ctx, &iam.GetGroupPolicyInput{GroupName: nameOf(s), PolicyName: &s.Object})
		if err != nil {
			return nil, err
		}
		return out.PolicyDocument, nil
	})
}

func putGroupPolicy(ctx context.Context, c *iam.Client, s *plan.Step, _ []Version) error {
	_, err := c.PutGroupPolicy(ctx, &iam.PutGroupPolicyInput{GroupName: nameOf(s), PolicyName: &s.Object, PolicyDocument: &s.Want.Document})
	return err
}

func deleteGroupPolicy(ctx context.Context, c *iam.Client, s *plan.Step, _ []Version) error {
	_, err := c.DeleteGroupPolicy(ctx, &iam.DeleteGroupPolicyInput{GroupName: nameOf(s), PolicyName: &s.Object})
	return err
}
