package attack

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// newPassword satisfies AWS's default password policy.
// Source: IAM User Guide, "Set an account password policy for IAM users".
const newPassword = "Correct-horse-7-battery"

func listUsers(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).ListUsers(ctx, &iam.ListUsersInput{})
	return err
}

func readAccount(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).GetAccountAuthorizationDetails(ctx, &iam.GetAccountAuthorizationDetailsInput{})
	return err
}

func createUser(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("svc-backup-2")})
	return err
}

func createOwnKey(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: a.me()})
	return err
}

func createKeyOf(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &a.target})
	return err
}

func createOwnPassword(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: a.me(), Password: aws.String(newPassword)})
	return err
}

func createPasswordOf(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: &a.target, Password: aws.String(newPassword)})
	return err
}

func resetOwnPassword(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).UpdateLoginProfile(ctx, &iam.UpdateLoginProfileInput{UserName: a.me(), Password: aws.String(newPassword)})
	return err
}

func resetPasswordOf(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).UpdateLoginProfile(ctx, &iam.UpdateLoginProfileInput{UserName: &a.target, Password: aws.String(newPassword)})
	return err
}

func changePassword(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.iam(with).ChangePassword(ctx, &iam.ChangePasswordInput{OldPassword: &a.Password, NewPassword: aws.String(newPassword)})
	return err
}
