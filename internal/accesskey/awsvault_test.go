package accesskey

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// The files of testdata/aws-vault were written by aws-vault 7.2.0 (aws-vault add --env) with
// AWS_VAULT_BACKEND=file.
const vaultTestPassphrase = "correct-horse-battery"

func vaultOf(env map[string]string, answers ...string) AWSVault {
	v := AWSVault{Getenv: func(name string) string { return env[name] }, Home: "/nonexistent"}
	if answers != nil {
		v.Ask = func(context.Context, string) (string, error) { return answers[0], nil }
	}
	return v
}

func TestTheFilesOfAWSVaultAreRead(t *testing.T) {
	dir := map[string]string{vaultDir: "testdata/aws-vault"}
	for profile, id := range map[string]string{"alice": "AKIAIOSFODNN7EXAMPLE", "team/alice": "AKIAIOSFODNN7EXAMPL2"} {
		found, err := FromAWSVault(t.Context(), vaultOf(dir, vaultTestPassphrase), profile)
		if err != nil || found.Keys.AccessKeyID != id || !strings.HasPrefix(found.Keys.SecretAccessKey.Reveal(), "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKE") || Check(found.Keys) != nil {
			t.Errorf("%s: %+v, %v", profile, found, err)
		}
		if err == nil && (found.Path != "" || !strings.Contains(found.Rest, "aws-vault, as "+profile)) {
			t.Errorf("%s: path %q, rest %q", profile, found.Path, found.Rest)
		}
	}
	env := map[string]string{vaultDir: "testdata/aws-vault", vaultPassphrase: vaultTestPassphrase}
	if _, err := FromAWSVault(t.Context(), vaultOf(env), "alice"); err != nil {
		t.Errorf("the passphrase of the environment: %v", err)
	}
}

func TestWhatIsNoKeyOfAWSVaultIsAnError(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"plain": "[default]\naws_secret_access_key = canary\n", "empty": "",
		// The work factor would take hours.
		"costly": "eyJhbGciOiJQQkVTMi1IUzI1NitBMTI4S1ciLCJlbmMiOiJBMjU2R0NNIiwicDJjIjo5MDAwMDAwMDAwMDAsInAycyI6ImFhYWFhYWFhYWFhYWFhYWEifQ.AAAA.AAAA.AAAA.AAAA",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for profile, want := range map[string]string{
		"plain": "is not a key of aws-vault", "empty": "is not a key of aws-vault", "costly": "the passphrase is wrong, or the file is damaged", "nobody": "aws-vault has no key of profile nobody",
	} {
		_, err := FromAWSVault(t.Context(), vaultOf(map[string]string{vaultDir: dir, vaultBackend: "file"}, "x"), profile)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v, want %q", profile, err, want)
		}
	}
	files := map[string]string{vaultDir: "testdata/aws-vault"}
	if _, err := FromAWSVault(t.Context(), vaultOf(files, "wrong"), "alice"); err == nil || !strings.Contains(err.Error(), "the passphrase is wrong") {
		t.Errorf("a wrong passphrase: %v", err)
	}
	if _, err := FromAWSVault(t.Context(), vaultOf(files), "alice"); err == nil || !strings.Contains(err.Error(), "no terminal") {
		t.Errorf("no terminal: %v", err)
	}
}

// Keys in a keyring are read by aws-vault itself.
func TestAWSVaultOpensItsKeyring(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the program is a shell script")
	}
	bin := t.TempDir()
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	script := "#!/bin/sh\n[ \"$*\" = 'export --no-session --format=json -- alice' ] && [ -z \"$AWS_VAULT$FORCEMFA_SECRET_PASSPHRASE\" ] || exit 1\n" +
		`echo '{"Version":1,"AccessKeyId":"AKIAIOSFODNN7EXAMPLE","SecretAccessKey":"wJalr"}'` + "\n"
	if err := os.WriteFile(filepath.Join(bin, vaultProgram), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_VAULT", "alice")
	t.Setenv("FORCEMFA_SECRET_PASSPHRASE", "hunter2")
	found, err := FromAWSVault(t.Context(), vaultOf(nil), "alice")
	if err != nil || found.Keys.AccessKeyID != "AKIAIOSFODNN7EXAMPLE" || found.Keys.SecretAccessKey.Reveal() != "wJalr" {
		t.Errorf("%+v, %v", found, err)
	}
	if _, err := FromAWSVault(t.Context(), vaultOf(nil), "bob"); err == nil {
		t.Error("aws-vault failed, and there is no error")
	}
}
