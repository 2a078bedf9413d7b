package attack

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

const everything = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`

func detachPolicy(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).DetachUserPolicy(ctx, &iam.DetachUserPolicyInput{UserName: a.me(), PolicyArn: &a.Enforcement.PolicyARN})
	return err
}

func detachFromGroup(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).DetachGroupPolicy(ctx, &iam.DetachGroupPolicyInput{GroupName: &a.Enforcement.Group, PolicyArn: &a.Enforcement.PolicyARN})
	return err
}

func leaveGroup(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).RemoveUserFromGroup(ctx, &iam.RemoveUserFromGroupInput{GroupName: &a.Enforcement.Group, UserName: a.me()})
	return err
}

func replacePolicy(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{
		PolicyArn: &a.Enforcement.PolicyARN, PolicyDocument: aws.String(everything), SetAsDefault: true,
	})
	return err
}

func revertPolicy(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).SetDefaultPolicyVersion(ctx, &iam.SetDefaultPolicyVersionInput{PolicyArn: &a.Enforcement.PolicyARN, VersionId: aws.String("v1")})
	return err
}

func deletePolicy(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: &a.Enforcement.PolicyARN})
	return err
}

func deleteInline(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: a.me(), PolicyName: &a.Enforcement.InlinePolicy})
	return err
}

func deleteBoundary(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).DeleteUserPermissionsBoundary(ctx, &iam.DeleteUserPermissionsBoundaryInput{UserName: a.me()})
	return err
}

func tagExempt(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	return a.tag(ctx, with, a.Enforcement.ExemptTag.Key, a.Enforcement.ExemptTag.Value)
}

func tagExemptOtherCase(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	return a.tag(ctx, with, otherCase(a.Enforcement.ExemptTag.Key), otherCase(a.Enforcement.ExemptTag.Value))
}

func openWindow(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	return a.tag(ctx, with, a.Enforcement.WindowTag.Key, a.Enforcement.WindowTag.Value)
}

func (a *attempt) tag(ctx context.Context, with aws.CredentialsProvider, key, value string) error {
	_, err := a.iam(with).TagUser(ctx, &iam.TagUserInput{UserName: a.me(), Tags: []types.Tag{{Key: &key, Value: &value}}})
	return err
}

func otherCase(s string) string {
	if upper := strings.ToUpper(s); upper != s {
		return upper
	}
	return strings.ToLower(s)
}

func allowInline(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: a.me(), PolicyName: aws.String("helpful"), PolicyDocument: aws.String(everything)})
	return err
}

func attachAdmin(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	policyARN := "arn:" + a.Partition + ":iam::aws:policy/AdministratorAccess"
	_, err := a.iam(with).AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: a.me(), PolicyArn: &policyARN})
	return err
}

func joinAdmins(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: &a.target, UserName: a.me()})
	return err
}

func relaxTrust(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: &a.target, PolicyDocument: &a.targets.permissiveTrust})
	return err
}
