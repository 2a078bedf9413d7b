package probe

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"

	"forcemfa/internal/fleet"
)

// CloudFormation forwards the calls that a stack needs with the rights of its caller, and
// costs nothing. The stack makes two groups, one after the other: a session with MFA may make the
// first one in any case, which shows that the policy is in force, and the second one only
// if the forwarded call has the MFA flag.
const (
	firstGroup, secondGroup = name + "-first", name + "-second"

	stackTemplate = `{"Resources":{` +
		`"First":{"Type":"AWS::IAM::Group","Properties":{"GroupName":"` + firstGroup + `","Path":"` + Path + `"}},` +
		`"Second":{"Type":"AWS::IAM::Group","DependsOn":"First","Properties":{"GroupName":"` + secondGroup + `","Path":"` + Path + `"}}}}`

	stackStatements = `{"Effect":"Allow","Action":"cloudformation:*","Resource":"*"},` +
		`{"Effect":"Allow","Action":"iam:*","Resource":"arn:*:iam::*:group` + Path + `*"},` +
		`{"Effect":"Deny","Action":"iam:CreateGroup","Resource":"arn:*:iam::*:group` + Path + secondGroup + `","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`
)

func forwardedCalls(ctx context.Context, s *stand) (string, error) {
	if err := s.userPolicy(ctx, stackStatements); err != nil {
		return "", err
	}
	session, err := s.session(ctx, true)
	if err != nil {
		return "", err
	}
	_, err = cloudformation.NewFromConfig(s.config(session)).CreateStack(ctx, &cloudformation.CreateStackInput{
		StackName: aws.String(name), TemplateBody: aws.String(stackTemplate), Capabilities: []cfntypes.Capability{cfntypes.CapabilityCapabilityNamedIam},
	})
	if err != nil {
		return "", err
	}
	if err := s.stackEnds(ctx); err != nil {
		return "", err
	}
	made, err := s.groupsMade(ctx)
	if err != nil {
		return "", err
	}
	if !made["First"] {
		return "", errors.New("CloudFormation could not make the first group, which needs no MFA")
	}
	return answer(made["Second"]), s.removeStack(ctx)
}

// stackEnds waits until no operation on the stack is in progress. A stack that was
// deleted is not there any more.
func (s *stand) stackEnds(ctx context.Context) error {
	for range stackTries {
		out, err := s.stacks().DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String(name)})
		var api smithy.APIError
		switch {
		case errors.As(err, &api) && api.ErrorCode() == "ValidationError":
			return nil
		case err != nil:
			return err
		case len(out.Stacks) != 1:
			return &fleet.IncompleteError{Operation: "DescribeStacks"}
		}
		switch status := out.Stacks[0].StackStatus; status {
		case cfntypes.StackStatusCreateComplete, cfntypes.StackStatusRollbackComplete:
			return nil
		case cfntypes.StackStatusRollbackFailed, cfntypes.StackStatusDeleteFailed:
			return fmt.Errorf("the stack %s is %s: %s", name, status, aws.ToString(out.Stacks[0].StackStatusReason))
		}
		if err := s.Wait(ctx, stackPause); err != nil {
			return err
		}
	}
	return fmt.Errorf("an operation on the stack %s did not end", name)
}

// The stack has two minutes for an operation.
const (
	stackTries = 40
	stackPause = 3 * pause
)

// groupsMade are the resources of the stack that were made, also if they were removed again.
func (s *stand) groupsMade(ctx context.Context) (map[string]bool, error) {
	made := map[string]bool{}
	for pages := cloudformation.NewDescribeStackEventsPaginator(s.stacks(), &cloudformation.DescribeStackEventsInput{StackName: aws.String(name)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, e := range page.StackEvents {
			if e.ResourceStatus == cfntypes.ResourceStatusCreateComplete {
				made[aws.ToString(e.LogicalResourceId)] = true
			}
		}
	}
	return made, nil
}

// removeStack removes the stack with its groups. AWS accepts it for a stack that is not
// there.
func (s *stand) removeStack(ctx context.Context) error {
	if err := s.stackEnds(ctx); err != nil && ctx.Err() != nil {
		return err
	}
	if _, err := s.stacks().DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: aws.String(name)}); err != nil {
		return err
	}
	for range stackTries {
		_, err := s.stacks().DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String(name)})
		var api smithy.APIError
		if errors.As(err, &api) && api.ErrorCode() == "ValidationError" {
			return nil
		}
		if err == nil {
			err = s.Wait(ctx, stackPause)
		}
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("the stack %s could not be deleted", name)
}

// stacks is CloudFormation with the rights of the administrator.
func (s *stand) stacks() *cloudformation.Client { return cloudformation.NewFromConfig(s.Config) }
