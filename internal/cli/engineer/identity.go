package engineer

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/fleet"
	"forcemfa/internal/secret"
	"forcemfa/policy/arn"
)

// An identity is whom a key belongs to.
type identity struct{ account, user, arn string }

// identify asks STS whose key it is. No policy can refuse that call. Source: STS
// API Reference, GetCallerIdentity.
func (e *machine) identify(ctx context.Context, files *awsfile.Files, profile, region string, k secret.Keys) (identity, error) {
	cfg, err := e.keyConfig(ctx, files, profile, region, k)
	if err != nil {
		return identity{}, err
	}
	out, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return identity{}, err
	}
	who := identity{account: aws.ToString(out.Account), user: aws.ToString(out.Arn), arn: aws.ToString(out.Arn)}
	if a, err := arn.Parse(who.arn); err == nil {
		who.user = lastElement(a.Resource)
	}
	return who, nil
}

// lastElement is the name at the end of a resource with a path: user/a/b/bob.
func lastElement(resource string) string {
	for i := len(resource) - 1; i >= 0; i-- {
		if resource[i] == '/' {
			return resource[i+1:]
		}
	}
	return resource
}

// keyConfig calls AWS with a long-lived key, where and how the profile says.
func (e *machine) keyConfig(ctx context.Context, files *awsfile.Files, profile, region string, k secret.Keys) (aws.Config, error) {
	static := credentials.NewStaticCredentialsProvider(k.AccessKeyID, k.SecretAccessKey.Reveal(), "")
	options := []func(*config.LoadOptions) error{
		config.WithCredentialsProvider(static),
		config.WithSharedConfigFiles([]string{files.Config.Path}),
		config.WithSharedCredentialsFiles([]string{files.Credentials.Path}),
	}
	if files.Has(profile) {
		options = append(options, config.WithSharedConfigProfile(profile))
	}
	cfg, err := command.LoadConfig(ctx, options...)
	var none config.SharedConfigProfileNotExistError
	if errors.As(err, &none) {
		// AWS_PROFILE names the profile that is about to be made.
		cfg, err = aws.Config{Credentials: static, Region: e.Getenv("AWS_REGION"), BaseEndpoint: e.endpoint(), HTTPClient: fleet.Transport(nil)}, nil
	}
	if err != nil {
		return aws.Config{}, fmt.Errorf("load AWS config: %w", err)
	}
	if region != "" {
		cfg.Region = region
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	return cfg, nil
}

func (e *machine) endpoint() *string {
	for _, name := range []string{"AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"} {
		if url := e.Getenv(name); url != "" {
			return &url
		}
	}
	return nil
}

// explainKey adds the next step to what AWS says of a long-lived key.
func explainKey(err error) error {
	var api smithy.APIError
	if errors.As(err, &api) {
		if next := keyHints[api.ErrorCode()]; next != "" {
			return command.WithHint(err, next)
		}
	}
	return err
}

var keyHints = map[string]string{
	"InvalidClientTokenId":        "the key is deleted, inactive or of another partition (give --region): make a new one in the console",
	"UnrecognizedClientException": "the key is deleted, inactive or of another partition (give --region): make a new one in the console",
	"SignatureDoesNotMatch":       "the secret access key does not belong to the access key ID, or this machine's clock is wrong",
}
