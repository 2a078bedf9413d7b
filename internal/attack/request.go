package attack

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// A request makes one request with a credential, or the shortest sequence that shows
// one thing.
type request func(ctx context.Context, a *attempt, with aws.CredentialsProvider) error

func (a *attempt) iam(with aws.CredentialsProvider) *iam.Client {
	return iam.NewFromConfig(a.Config, func(o *iam.Options) { o.Credentials = with })
}

func (a *attempt) sts(with aws.CredentialsProvider) *sts.Client {
	return sts.NewFromConfig(a.Config, func(o *sts.Options) { o.Credentials = with })
}

// me is the user's name as a request parameter.
func (a *attempt) me() *string { return aws.String(a.User.Name) }

func callerIdentity(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
	_, err := a.sts(with).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	return err
}
