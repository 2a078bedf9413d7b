package accesskey

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/session"
)

// seal writes a made-up file as the library of granted does.
func seal(t *testing.T, path, passphrase string, credentials map[string]any) {
	t.Helper()
	data, err := json.Marshal(credentials)
	if err != nil {
		t.Fatal(err)
	}
	item, err := json.Marshal(map[string]any{"Key": filepath.Base(path), "Data": data})
	if err != nil {
		t.Fatal(err)
	}
	to, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.PBES2_HS256_A128KW, Key: []byte(passphrase), PBES2Count: 8192}, nil)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := to.Encrypt(item)
	if err != nil {
		t.Fatal(err)
	}
	text, err := sealed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTheFilesOfGrantedAreRead(t *testing.T) {
	home := t.TempDir()
	key := map[string]any{"AccessKeyID": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "canary", "SessionToken": "", "Source": "", "CanExpire": false}
	usual := filepath.Join(home, ".granted", "secure-storage-aws-iam-credentials")
	seal(t, filepath.Join(usual, "team%2Falice"), "passphrase", key)
	seal(t, filepath.Join(usual, "session"), "passphrase", map[string]any{"AccessKeyID": "ASIAIOSFODNN7EXAMPLE", "SecretAccessKey": "canary", "SessionToken": "canary"})
	seal(t, filepath.Join(home, "keys", "bob"), "passphrase", key)
	if err := os.WriteFile(filepath.Join(usual, "other"), []byte("canary"), 0o600); err != nil {
		t.Fatal(err)
	}
	ask := func(answer string) func(context.Context, string) (string, error) {
		return func(context.Context, string) (string, error) { return answer, nil }
	}
	found, err := FromGranted(t.Context(), Granted{home, ask("passphrase")}, "team/alice")
	if err != nil || found.Keys.AccessKeyID != "AKIAIOSFODNN7EXAMPLE" || found.Keys.SecretAccessKey.Reveal() != "canary" || found.Path != "" || !strings.HasPrefix(found.Rest, "granted, as team/alice") {
		t.Errorf("%+v, %v", found, err)
	}
	for _, row := range []struct {
		profile string
		ask     func(context.Context, string) (string, error)
		want    string
	}{
		{"team/alice", ask("wrong"), "the passphrase is wrong"},
		{"team/alice", nil, "there is no terminal to prompt for it"},
		{"session", ask("passphrase"), "granted gives temporary credentials"},
		{"other", ask("passphrase"), "is not a key of granted"},
		{"bob", ask("passphrase"), "granted has no key of profile bob"},
	} {
		if _, err := FromGranted(t.Context(), Granted{home, row.ask}, row.profile); err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v, want %s", row.profile, err, row.want)
		}
	}
	if err := os.WriteFile(filepath.Join(home, ".granted", "config"), []byte("DefaultBrowser = \"FIREFOX\"\n[Other]\nFileDir = \"/none\"\n[Keyring]\n  Backend = \"file\"\n  FileDir = \"~/keys\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := FromGranted(t.Context(), Granted{home, ask("passphrase")}, "bob"); err != nil {
		t.Errorf("the folder of the config file: %v", err)
	}
}

const (
	longTermKey = "[bob-long-term]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = canary\naws_mfa_device = arn:aws:iam::111111111111:mfa/bob\n"
	shortTerm   = "[bob]\n# mine\nregion = eu-west-1\nassumed_role = False\naws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = other\naws_session_token = token\naws_security_token = token\nexpiration = 2026-01-02 03:04:05\n"
)

func TestTheKeyOfAWSMFAIsMovedWithItsSession(t *testing.T) {
	for _, row := range []struct{ story, credentials, left string }{
		{"with a session", longTermKey + shortTerm, "[bob-long-term]\naws_mfa_device = arn:aws:iam::111111111111:mfa/bob\n[bob]\n# mine\nregion = eu-west-1\n"},
		{"without one", longTermKey, "[bob-long-term]\naws_mfa_device = arn:aws:iam::111111111111:mfa/bob\n"},
	} {
		files := &awsfile.Files{Config: awsfile.Parse("config", nil), Credentials: awsfile.Parse("credentials", []byte(row.credentials))}
		found, err := FromAWSMFA(files, "bob")
		if err != nil || found.Keys.AccessKeyID != "AKIAIOSFODNN7EXAMPLE" || found.Keys.SecretAccessKey.Reveal() != "canary" {
			t.Fatalf("%s: %+v, %v", row.story, found, err)
		}
		if err := found.unchanged(files.Credentials); err != nil {
			t.Errorf("%s: %v", row.story, err)
		}
		found.remove(files.Credentials)
		if got := string(files.Credentials.Bytes()); got != row.left {
			t.Errorf("%s: left\n%s", row.story, got)
		}
	}
	for _, row := range []struct{ credentials, want, next string }{
		{shortTerm, "has no section [bob-long-term]", "rename the section"},
		{longTermKey + "[bob]\naws_access_key_id = AKIAIOSFODNN7EXAMPL2\naws_secret_access_key = canary\n", "profile bob holds a long-lived key of its own", "without --from"},
		{"[bob-long-term]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n", "must have one access key with its secret", "keep the one"},
	} {
		files := &awsfile.Files{Config: awsfile.Parse("config", nil), Credentials: awsfile.Parse("credentials", []byte(row.credentials))}
		_, err := FromAWSMFA(files, "bob")
		var problem *session.Problem
		if !errors.As(err, &problem) || !strings.Contains(err.Error(), row.want) || !strings.Contains(problem.Next, row.next) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%v, want %s", err, row.want)
		}
	}
	files := &awsfile.Files{Config: awsfile.Parse("config", nil), Credentials: awsfile.Parse("credentials", []byte(longTermKey+shortTerm))}
	if _, err := FromFiles(files, "bob"); err == nil || !strings.Contains(err.Error(), "temporary credentials of aws-mfa") {
		t.Errorf("without --from: %v", err)
	}
}
