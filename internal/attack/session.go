package attack

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
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

// session returns a GetSessionToken session; device nil: without MFA.
// webIdentity gets a token that proves the user's identity to a service outside AWS.
func webIdentity(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.sts(with).GetWebIdentityToken(ctx, &sts.GetWebIdentityTokenInput{
		Audience: []string{"https://attacker.example.com"}, SigningAlgorithm: aws.String("ES384"),
	})
	return err
}

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
