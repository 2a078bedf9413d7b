package attack

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// assume assumes the targeted role without a code in the call.
func assume(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.assumed(ctx, with, nil)
	return err
}

// assumed returns a session of the targeted role. With a device, the call carries its
// code.
func (a *attempt) assumed(ctx context.Context, with aws.CredentialsProvider, device *Device) (aws.CredentialsProvider, error) {
	in := &sts.AssumeRoleInput{RoleArn: &a.target, RoleSessionName: aws.String("attack")}
	if device != nil {
		code, err := device.Code()
		if err != nil {
			return nil, err
		}
		in.SerialNumber, in.TokenCode = &device.Serial, &code
	}
	out, err := a.sts(with).AssumeRole(ctx, in)
	if err != nil {
		return nil, err
	}
	return static(out.Credentials), nil
}

func federate(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.federated(ctx, with)
	return err
}

func (a *attempt) federated(ctx context.Context, with aws.CredentialsProvider) (aws.CredentialsProvider, error) {
	out, err := a.sts(with).GetFederationToken(ctx, &sts.GetFederationTokenInput{Name: aws.String("attack"), Policy: aws.String(everything)})
	if err != nil {
		return nil, err
	}
	return static(out.Credentials), nil
}

// webIdentity gets a token that proves the user's identity to a service outside AWS.
func webIdentity(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.sts(with).GetWebIdentityToken(ctx, &sts.GetWebIdentityTokenInput{
		Audience: []string{"https://attacker.example.com"}, SigningAlgorithm: aws.String("ES384"),
	})
	return err
}

// delegatedToken asks with a trade-in token that AWS did not issue. Whoever may do so
// learns that the token is not valid.
func delegatedToken(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.sts(with).GetDelegatedAccessToken(ctx, &sts.GetDelegatedAccessTokenInput{TradeInToken: aws.String("attack")})
	return err
}

// rootSession starts a session of the root user of the targeted account, after it tried
// to turn central root access on.
// Source: IAM User Guide, "Centralize root access for member accounts".
func rootSession(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	access := organizations.NewFromConfig(a.Config, func(o *organizations.Options) { o.Credentials = with })
	_, _ = access.EnableAWSServiceAccess(ctx, &organizations.EnableAWSServiceAccessInput{ServicePrincipal: aws.String("iam.amazonaws.com")})
	_, _ = a.iam(with).EnableOrganizationsRootCredentialsManagement(ctx, &iam.EnableOrganizationsRootCredentialsManagementInput{})
	task := "arn:" + a.Partition + ":iam::aws:policy/root-task/IAMAuditRootUserCredentials"
	_, err := a.sts(with).AssumeRoot(ctx, &sts.AssumeRootInput{TargetPrincipal: &a.target, TaskPolicyArn: &ststypes.PolicyDescriptorType{Arn: &task}})
	return err
}

// session returns a GetSessionToken session; device nil: without MFA.
func (a *attempt) session(ctx context.Context, with aws.CredentialsProvider, device *Device) (aws.CredentialsProvider, error) {
	in := &sts.GetSessionTokenInput{}
	if device != nil {
		code, err := device.Code()
		if err != nil {
			return nil, err
		}
		in.SerialNumber, in.TokenCode = &device.Serial, &code
	}
	return a.sessionWith(ctx, with, in)
}

func (a *attempt) sessionWith(ctx context.Context, with aws.CredentialsProvider, in *sts.GetSessionTokenInput) (aws.CredentialsProvider, error) {
	out, err := a.sts(with).GetSessionToken(ctx, in)
	if err != nil {
		return nil, err
	}
	return static(out.Credentials), nil
}

func static(c *ststypes.Credentials) aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
}
