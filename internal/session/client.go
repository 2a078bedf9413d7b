package session

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"forcemfa/internal/filefault"
	"forcemfa/internal/fleet"
	"forcemfa/internal/session/cache"
)

// keyConfig signs with the long-lived key of a route.
func (m *Manager) keyConfig(ctx context.Context, r *Route) (aws.Config, error) {
	if err := m.loadKey(ctx, r); err != nil {
		return aws.Config{}, err
	}
	return m.config(r, aws.Credentials{AccessKeyID: r.Key.AccessKeyID, SecretAccessKey: r.Key.SecretAccessKey.Reveal(), Source: "forcemfa"})
}

// entryConfig signs with a session.
func (m *Manager) entryConfig(r *Route, e *cache.Entry) (aws.Config, error) {
	return m.config(r, aws.Credentials{
		AccessKeyID: e.AccessKeyID, SecretAccessKey: e.SecretAccessKey, SessionToken: e.SessionToken,
		CanExpire: true, Expires: e.Expires, Source: "forcemfa",
	})
}

// config is made by hand: the SDK's own loader would read the profile again and
// take other credentials from it.
func (m *Manager) config(r *Route, creds aws.Credentials) (aws.Config, error) {
	client := m.HTTP
	if client == nil {
		own, err := m.network(r.caBundle)
		if err != nil {
			return aws.Config{}, err
		}
		client = own
	}
	return aws.Config{Region: r.stsRegion, Credentials: credentials.StaticCredentialsProvider{Value: creds}, HTTPClient: fleet.PromptTransport(client)}, nil
}

// mostCertificates is more than the bundles of all systems hold.
const mostCertificates = 16 << 20

// network trusts the certificates of AWS_CA_BUNDLE, else those of ca_bundle in the
// profile, as the AWS CLI does.
func (m *Manager) network(bundle string) (HTTPClient, error) {
	client := awshttp.NewBuildableClient()
	path, what := m.Getenv("AWS_CA_BUNDLE"), "AWS_CA_BUNDLE"
	if path == "" {
		path, what = bundle, "ca_bundle"
	}
	if path == "" {
		return client, nil
	}
	text, err := filefault.Read(path, mostCertificates)
	roots := x509.NewCertPool()
	if err == nil && !roots.AppendCertsFromPEM(text) {
		err = fmt.Errorf("%s contains no certificates", path)
	}
	if err != nil {
		return nil, &Problem{Sentence: what + ": " + err.Error(), Next: "set it to a file of PEM certificates, or unset it", Err: err}
	}
	return client.WithTransportOptions(func(t *http.Transport) {
		if t.TLSClientConfig == nil {
			t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		t.TLSClientConfig.RootCAs = roots
	}), nil
}

// bundleOf returns ca_bundle of a profile; empty if it has none.
func (m *Manager) bundleOf(profile string) string {
	files, err := m.files()
	if err != nil {
		return ""
	}
	p, err := files.Profile(profile)
	if err != nil {
		return ""
	}
	return p.Get("ca_bundle")
}

// endpointOptions are FIPS and dual-stack endpoints, from the environment or the profile.
// Source: AWS SDKs and Tools Reference Guide, "Dual-stack and FIPS endpoints".
func (f *follower) endpointOptions() (fips aws.FIPSEndpointState, dual aws.DualStackEndpointState) {
	if f.enabled("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint") {
		fips = aws.FIPSEndpointStateEnabled
	}
	if f.enabled("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint") {
		dual = aws.DualStackEndpointStateEnabled
	}
	return fips, dual
}

func (m *Manager) sts(r *Route, cfg aws.Config) *sts.Client {
	return sts.NewFromConfig(cfg, func(o *sts.Options) {
		o.BaseEndpoint = orNil(r.stsEndpoint)
		o.EndpointOptions.UseFIPSEndpoint, o.EndpointOptions.UseDualStackEndpoint = r.fips, r.dualStack
	})
}

func (m *Manager) iam(r *Route, cfg aws.Config) *iam.Client {
	return iam.NewFromConfig(cfg, func(o *iam.Options) {
		o.BaseEndpoint = orNil(r.iamEndpoint)
		o.EndpointOptions.UseFIPSEndpoint, o.EndpointOptions.UseDualStackEndpoint = r.fips, r.dualStack
	})
}

func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
