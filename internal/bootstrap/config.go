package bootstrap

import (
	"context"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"forcemfa/internal/fleet"
)

// config takes Region and credentials from where Lambda puts them. The SDK's own
// loader would link four more clients, for sources that a function does not have.
// Source: Lambda Developer Guide, "Defined runtime environment variables".
func config(e *Environment) aws.Config {
	getenv := e.Getenv
	client := e.HTTP
	if client == nil {
		client = fleet.Transport(nil)
	}
	cfg := aws.Config{
		Region:     getenv("AWS_REGION"),
		HTTPClient: client,
		Credentials: credentials.NewStaticCredentialsProvider(
			getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"), getenv("AWS_SESSION_TOKEN")),
		ConfigSources: []any{endpoints{fips: isTrue(getenv("AWS_USE_FIPS_ENDPOINT")), dual: isTrue(getenv("AWS_USE_DUALSTACK_ENDPOINT"))}},
	}
	if endpoint := getenv("AWS_ENDPOINT_URL"); endpoint != "" {
		cfg.BaseEndpoint = &endpoint
	}
	return cfg
}

func isTrue(text string) bool {
	yes, err := strconv.ParseBool(text)
	return err == nil && yes
}

// endpoints answer the SDK's questions of which endpoints to use.
type endpoints struct{ fips, dual bool }

// GetUseFIPSEndpoint reports whether FIPS endpoints are requested.
func (e endpoints) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	return aws.FIPSEndpointStateEnabled, e.fips, nil
}

// GetUseDualStackEndpoint reports whether dual-stack endpoints are requested.
func (e endpoints) GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error) {
	return aws.DualStackEndpointStateEnabled, e.dual, nil
}
