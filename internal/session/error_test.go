package session

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

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
