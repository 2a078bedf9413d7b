package session

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/fleet"
	"forcemfa/internal/secret"
	"forcemfa/policy/arn"
)

// KeySettings are where a long-lived key is used: Region, endpoints and proxies
// come from a profile, which need not exist yet.
type KeySettings struct {
	Files   *awsfile.Files
	Getenv  func(string) string
	Profile string
	Region  string // overrides the profile's
}

// Config returns a config that signs with the key. It is the SDK's own loader,
// so that whatever works with the AWS CLI works here.
func (s KeySettings) Config(ctx context.Context, k secret.Keys) (aws.Config, error) {
	static := credentials.NewStaticCredentialsProvider(k.AccessKeyID, k.SecretAccessKey.Reveal(), "")
	options := []func(*config.LoadOptions) error{
		config.WithCredentialsProvider(static),
		config.WithSharedConfigFiles([]string{s.Files.Config.Path}),
		config.WithSharedCredentialsFiles([]string{s.Files.Credentials.Path}),
	}
	if s.Files.Has(s.Profile) {
		options = append(options, config.WithSharedConfigProfile(s.Profile))
	}
	var cfg aws.Config
	err := awsfile.Opening(s.Files.Config.Path, s.Files.Credentials.Path, s.Getenv, func() (err error) {
		cfg, err = config.LoadDefaultConfig(ctx, options...)
		return err
	})
	var none config.SharedConfigProfileNotExistError
	if errors.As(err, &none) {
		// AWS_PROFILE names a profile that import is about to create.
		cfg, err = aws.Config{Credentials: static, Region: s.Getenv("AWS_REGION"), BaseEndpoint: s.endpoint()}, nil
	}
	if err != nil {
		return aws.Config{}, &Problem{
			Sentence: "load AWS config: " + err.Error(),
			Next:     "check the profile with \"aws sts get-caller-identity --profile " + awsfile.Word(s.Profile) + "\"", Err: err,
		}
	}
	cfg.HTTPClient = fleet.PromptTransport(cfg.HTTPClient)
	cfg.Region = or(s.Region, cfg.Region, s.homeRegion())
	return cfg, nil
}

// homeRegion is that of the partition of the profile's MFA device or role: a key is
// valid only in its partition.
func (s KeySettings) homeRegion() string {
	p, err := s.Files.Profile(s.Profile)
	if err != nil {
		return arn.HomeRegion("")
	}
	for _, key := range []string{"mfa_serial", "role_arn"} {
		if a, err := arn.Parse(p.Get(key)); err == nil {
			return arn.HomeRegion(a.Partition)
		}
	}
	return arn.HomeRegion("")
}

func (s KeySettings) endpoint() *string {
	return orNil(or(s.Getenv("AWS_ENDPOINT_URL_STS"), s.Getenv("AWS_ENDPOINT_URL")))
}

// An Identity is the owner of a key.
type Identity struct {
	Account, ARN string
	User         string // name of the IAM user; "root" for the root user
}

// Identify asks STS who owns a key. No policy can deny this call.
// Source: STS API Reference, GetCallerIdentity.
func (s KeySettings) Identify(ctx context.Context, k secret.Keys) (Identity, error) {
	cfg, err := s.Config(ctx, k)
	if err != nil {
		return Identity{}, err
	}
	out, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return Identity{}, err
	}
	who := Identity{Account: aws.ToString(out.Account), User: aws.ToString(out.Arn), ARN: aws.ToString(out.Arn)}
	if a, err := arn.Parse(who.ARN); err == nil {
		who.User = a.Resource[strings.LastIndexByte(a.Resource, '/')+1:]
	}
	return who, nil
}

// ExplainKey adds the next step to an error of a call that a long-lived key
// signed; an error without a known next step is returned as it is.
func ExplainKey(err error) error {
	code, _, _ := apiError(err)
	if next := keyHints[code]; next != "" {
		return &Problem{Sentence: err.Error(), Next: next, Err: err}
	}
	return err
}

const (
	deadKey    = "the key is deleted, inactive or of another partition (give --region): create a new one in the console"
	wrongClock = "set this machine's clock"
)

// keyHints is by error code.
var keyHints = map[string]string{
	"InvalidClientTokenId":        deadKey,
	"UnrecognizedClientException": deadKey,
	"SignatureDoesNotMatch":       "the secret access key does not belong to the access key ID, or this machine's clock is wrong",
	"RequestExpired":              wrongClock,
	"RequestTimeTooSkewed":        wrongClock,
}
