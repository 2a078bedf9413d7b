package session_test

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/secret"
	"forcemfa/internal/session"
)

// hosts records the hosts of requests and refuses all of them.
type hosts struct{ seen []string }

func (h *hosts) Do(r *http.Request) (*http.Response, error) {
	h.seen = append(h.seen, r.URL.Host)
	return &http.Response{StatusCode: http.StatusForbidden, Body: http.NoBody, Request: r}, nil
}

func TestEndpointsFollowTheSettingsOfAWS(t *testing.T) {
	const custom = "endpoint_url = http://custom.example\n"
	for _, row := range []struct {
		name, settings, host string
		env                  map[string]string
	}{
		{name: "FIPS of the profile", settings: "region = us-east-2\nuse_fips_endpoint = true\n", host: "sts-fips.us-east-2.amazonaws.com"},
		{name: "FIPS of the environment", settings: "region = us-east-2\n", env: map[string]string{"AWS_USE_FIPS_ENDPOINT": "TRUE"}, host: "sts-fips.us-east-2.amazonaws.com"},
		{name: "the environment comes first", settings: "region = us-east-2\nuse_fips_endpoint = true\n", env: map[string]string{"AWS_USE_FIPS_ENDPOINT": "false"}, host: "sts.us-east-2.amazonaws.com"},
		{name: "dual-stack of the profile", settings: "region = eu-west-1\nuse_dualstack_endpoint = true\n", host: "sts.eu-west-1.api.aws"},
		{name: "dual-stack of the environment", settings: "region = eu-west-1\n", env: map[string]string{"AWS_USE_DUALSTACK_ENDPOINT": "true"}, host: "sts.eu-west-1.api.aws"},
		{name: "endpoint of the profile", settings: "region = eu-west-1\n" + custom, host: "custom.example"},
		{name: "ignored by the profile", settings: "region = eu-west-1\nignore_configured_endpoint_urls = true\n" + custom, host: "sts.eu-west-1.amazonaws.com"},
		{name: "of the environment, ignored by the profile", settings: "region = eu-west-1\nignore_configured_endpoint_urls = true\n",
			env: map[string]string{"AWS_ENDPOINT_URL": "http://other.example"}, host: "sts.eu-west-1.amazonaws.com"},
		{name: "not ignored after all", settings: "region = eu-west-1\nignore_configured_endpoint_urls = true\n" + custom,
			env: map[string]string{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false"}, host: "custom.example"},
	} {
		t.Run(row.name, func(t *testing.T) {
			expectHost(t, "arn:aws:iam::222222222222:mfa/phone", row.settings, row.env, row.host)
		})
	}
}

func TestPartitionsWithoutARegion(t *testing.T) {
	for partition, host := range map[string]string{
		"aws-cn": "sts.cn-north-1.amazonaws.com.cn", "aws-us-gov": "sts.us-gov-west-1.amazonaws.com", "aws-eusc": "sts.eusc-de-east-1.amazonaws.eu",
		"aws-iso": "sts.us-iso-east-1.c2s.ic.gov", "aws-iso-b": "sts.us-isob-east-1.sc2s.sgov.gov", "aws-iso-e": "sts.eu-isoe-west-1.cloud.adc-e.uk",
		"aws-iso-f": "sts.us-isof-south-1.csp.hci.ic.gov",
	} {
		t.Run(partition, func(t *testing.T) {
			expectHost(t, "arn:"+partition+":iam::222222222222:mfa/phone", "", nil, host)
		})
	}
}

// expectHost checks the host of the first request of a login and, where no
// endpoint is set, of the check of a key before it is imported.
func expectHost(t *testing.T, serial, settings string, env map[string]string, host string) {
	t.Helper()
	r := newRig(t)
	seen := &hosts{}
	r.http = seen
	r.settings(identity, "[profile jonas]\nmfa_serial = "+serial+"\n"+settings, "jonas")
	for name, value := range env {
		r.env[name] = value
	}
	m := r.manager()
	m.Codes = session.CodeSource{Default: true, Person: true, Code: func(context.Context, string) (string, error) { return "123456", nil }}
	_, err := m.Session(t.Context(), session.Request{Profile: "jonas"})
	if err == nil || len(seen.seen) == 0 || seen.seen[0] != host {
		t.Errorf("the hosts are %q, want %s; error %v", seen.seen, host, err)
	}
	if settings != "" {
		return
	}
	files, err := awsfile.Load(r.getenv, r.home)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	cfg, err := session.KeySettings{Files: files, Getenv: r.getenv, Profile: "jonas"}.Config(t.Context(), secret.Keys{AccessKeyID: "AKIA", SecretAccessKey: secret.NewText("s")})
	if err != nil || !strings.Contains(host, cfg.Region) {
		t.Errorf("the key is checked in %q, want the Region of %s; error %v", cfg.Region, host, err)
	}
}

func TestCertificatesOfTheProfile(t *testing.T) {
	t.Parallel() // the SDK waits
	r := newRig(t)
	server := httptest.NewTLSServer(r.cloud)
	t.Cleanup(server.Close)
	bundle := filepath.Join(r.home, "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(bundle, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ name, bundle, variable, want string }{
		{name: "of the profile", bundle: bundle},
		{name: "of the environment", variable: bundle},
		{name: "the environment comes first", bundle: bundle, variable: filepath.Join(r.home, "gone.pem"), want: "AWS_CA_BUNDLE: "},
		{name: "no such file", bundle: filepath.Join(r.home, "gone.pem"), want: "ca_bundle: "},
		{name: "none", want: "certificate"},
	} {
		t.Run(row.name, func(t *testing.T) {
			settings := "[profile jonas]\nregion = eu-west-1\nendpoint_url = " + server.URL + "\n"
			if row.bundle != "" {
				settings += "ca_bundle = " + row.bundle + "\n"
			}
			r.settings(identity, settings, "jonas")
			r.env["AWS_CA_BUNDLE"] = row.variable
			m := r.manager()
			m.HTTP = nil
			_, err := m.Session(t.Context(), session.Request{Profile: "jonas", Fresh: true})
			if row.want == "" && err != nil || row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)) {
				t.Errorf("error %v, want %q", err, row.want)
			}
		})
	}
}

func TestDefaultProfileOfTheEnvironment(t *testing.T) {
	r := newRig(t)
	r.settings(identity, "", "jonas", "deepak")
	r.env["AWS_DEFAULT_PROFILE"] = "deepak"
	if got := r.who(r.session("")); got != "arn:aws:iam::222222222222:user/deepak" {
		t.Errorf("AWS_DEFAULT_PROFILE: %s", got)
	}
	r.env["AWS_PROFILE"] = "jonas"
	if got := r.who(r.session("")); got != "arn:aws:iam::222222222222:user/jonas" {
		t.Errorf("with AWS_PROFILE: %s", got)
	}
}
