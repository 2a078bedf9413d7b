package doors

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// A deed is one request, or the shortest series that shows one thing, made
// with a credential.
type deed func(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error

func (a *Attempt) iam(with aws.CredentialsProvider) *iam.Client {
	return iam.NewFromConfig(a.Config, func(o *iam.Options) { o.Credentials = with })
}

func (a *Attempt) sts(with aws.CredentialsProvider) *sts.Client {
	return sts.NewFromConfig(a.Config, func(o *sts.Options) { o.Credentials = with })
}

// me is the user's name as requests carry it.
func (a *Attempt) me() *string { return aws.String(a.User.Name) }

func whoAmI(ctx context.Context, a *Attempt, with aws.CredentialsProvider) error {
	_, err := a.sts(with).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	return err
}
