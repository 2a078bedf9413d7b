package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"
)

func TestAWrongDeviceIsToldFromAWrongCode(t *testing.T) {
	api := func(message string) error {
		return fmt.Errorf("call: %w", &smithy.GenericAPIError{Code: "AccessDenied", Message: message})
	}
	for _, row := range []struct {
		err          error
		code, device bool
	}{
		{api("MultiFactorAuthentication failed with invalid MFA one time pass code."), true, false},
		{api("MultiFactorAuthentication failed, unable to validate MFA code."), false, true},
		{api("not authorized"), false, false},
		{errors.New("unable to validate MFA code"), false, false},
		{nil, false, false},
	} {
		if code, device := isWrongCode(row.err), isWrongDevice(row.err); code != row.code || device != row.device {
			t.Errorf("%v: wrong code %v, wrong device %v", row.err, code, device)
		}
	}
}

func TestTheCertificatesOfAProfileAreFound(t *testing.T) {
	home := t.TempDir()
	config := filepath.Join(home, "config")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := map[string]string{"AWS_CONFIG_FILE": config, "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(home, "credentials")}
	m := &Manager{Home: home, Getenv: func(name string) string { return env[name] }}
	write("[profile work]\nca_bundle = /etc/work.pem\n[profile home]\nregion = eu-west-1\n")
	for profile, want := range map[string]string{"work": "/etc/work.pem", "home": "", "absent": ""} {
		if got := m.bundleOf(profile); got != want {
			t.Errorf("%s: %q, want %q", profile, got, want)
		}
	}
	env["AWS_CONFIG_FILE"] = home // a folder cannot be read
	if got := m.bundleOf("work"); got != "" {
		t.Errorf("files that cannot be read: %q", got)
	}
}

func TestACodeHasSixDigits(t *testing.T) {
	for text, want := range map[string]bool{"123456": true, "000000": true, "099990": true, "12345": false, "1234567": false, "12345a": false, "12345/": false, "12345:": false, "": false} {
		if SixDigits(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

func TestACodeThatCannotBeOneIsNamed(t *testing.T) {
	for code, want := range map[string]string{"12": "an MFA code has six digits", "123456": "this is the same code", "654321": ""} {
		m := &Manager{Codes: CodeSource{Code: func(context.Context, string) (string, error) { return code, nil }}}
		got, err := m.newCode(t.Context(), "", "123456")
		if want == "" && (err != nil || got != code) || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%s: %q, %v, want %q", code, got, err, want)
		}
	}
}

func TestADeviceHasASerialNumberOfADevice(t *testing.T) {
	for serial, want := range map[string]bool{"arn:aws:iam::111111111111:mfa/bob": true, "arn:aws:iam::111111111111:user/bob": false, "bob": false, "": false} {
		if _, err := newDevice(&types.VirtualMFADevice{SerialNumber: &serial, Base32StringSeed: []byte("JBSWY3DPEHPK3PXP")}, "bob"); (err == nil) != want {
			t.Errorf("%q: %v", serial, err)
		}
	}
}

// Only a refusal says that an access key may not enroll a device.
func TestOnlyARefusalIsAnEnrollmentDenied(t *testing.T) {
	a := &Access{Bare: true, manager: &Manager{Getenv: func(string) string { return "" }}}
	for code, want := range map[string]bool{"AccessDenied": true, "ValidationError": false, "ServiceFailure": false} {
		var denied *EnrollmentDenied
		if got := errors.As(a.notEnrolled(&smithy.GenericAPIError{Code: code, Message: "no"}, "bob"), &denied); got != want {
			t.Errorf("%s: denied %v", code, got)
		}
	}
}

// A key that was used has an owner who knows its secret, so it is not deleted.
func TestAUsedKeyIsNotDeleted(t *testing.T) {
	for used, want := range map[string][]string{
		"<LastUsedDate>2026-11-01T00:00:00Z</LastUsedDate>": {"GetAccessKeyLastUsed"},
		"": {"GetAccessKeyLastUsed", "UpdateAccessKey", "DeleteAccessKey"},
	} {
		var asked []string
		client := doer(func(r *http.Request) (*http.Response, error) {
			body, _ := io.ReadAll(r.Body)
			form, _ := url.ParseQuery(string(body))
			action := form.Get("Action")
			asked = append(asked, action)
			text := "<" + action + "Response><" + action + "Result><AccessKeyLastUsed>" + used + "<Region>N/A</Region><ServiceName>N/A</ServiceName></AccessKeyLastUsed></" + action + "Result></" + action + "Response>"
			return &http.Response{StatusCode: 200, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text))}, nil
		})
		a := &Access{manager: &Manager{}, Config: aws.Config{Region: "us-east-1", HTTPClient: client, Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIA", SecretAccessKey: "x"}, nil
		})}}
		if err := a.deleteUnused(t.Context(), "AKIAOLD"); err != nil || !slices.Equal(asked, want) {
			t.Errorf("used %q: %v, calls %v, want %v", used, err, asked, want)
		}
	}
}

type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }
