package rehearse

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/emulator"
	"forcemfa/internal/org"
)

// digestOf is the digest of a world, as of a snapshot of it.
func digestOf(t *testing.T, b *Sandbox) string {
	t.Helper()
	header, accounts := b.copy().Snapshot(b.Cloud.Now())
	var all []string
	for a, err := range accounts {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, a.Digest(&header))
	}
	return org.Digest(&header, all)
}

func saved(t *testing.T, b *Sandbox, name string) {
	t.Helper()
	var snapshot, secrets bytes.Buffer
	if err := b.Save(&snapshot); err != nil {
		t.Fatal(err)
	}
	if err := b.SaveSecrets(&secrets); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string][]byte{name: snapshot.Bytes(), SecretsOf(name): secrets.Bytes()} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// What was saved is loaded with the same digest and secrets, after changes too, and a
// second generation gives out no ID of the first.
func TestSavedOrganizationLoadsWithTheSameDigestAndSecrets(t *testing.T) {
	b, err := OpenSandbox(Sample, emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	create := func(b *Sandbox, name string) {
		t.Helper()
		client := iam.NewFromConfig(b.Config)
		if _, err := client.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String(name)}); err != nil {
			t.Fatal(err)
		}
		key, err := client.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: aws.String(name)})
		if err != nil {
			t.Fatal(err)
		}
		if id := *key.AccessKey.AccessKeyId; ids[id] {
			t.Errorf("the access key ID %s was given out twice", id)
		} else {
			ids[id] = true
		}
		if _, err := client.CreateVirtualMFADevice(t.Context(), &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String(name)}); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(t.TempDir(), "state.jsonl")
	for _, user := range []string{"first", "second", "third"} {
		create(b, user)
		saved(t, b, name)
		loaded, err := OpenSandbox(name, emulator.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := loaded.LoadSecrets(name); err != nil {
			t.Fatal(err)
		}
		if loaded.Administrator != sampleAdministrator {
			t.Errorf("the administrator is %q", loaded.Administrator)
		}
		if before, after := digestOf(t, b), digestOf(t, loaded); before != after {
			t.Errorf("the digest was %s and is %s", before, after)
		}
		if diff := cmp.Diff(b.copy().Secrets(), loaded.copy().Secrets()); diff != "" {
			t.Errorf("secrets (-saved +loaded):\n%s", diff)
		}
		b = loaded
	}
}

func TestSnapshotOfASaveContainsNoSecrets(t *testing.T) {
	b, err := OpenSandbox(Sample, emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := b.Save(&text); err != nil {
		t.Fatal(err)
	}
	secrets := b.copy().Secrets()
	if len(secrets.Keys) < 20 || len(secrets.Seeds) == 0 || len(secrets.Passwords) == 0 {
		t.Fatalf("%d keys, %d seeds, passwords of %d accounts", len(secrets.Keys), len(secrets.Seeds), len(secrets.Passwords))
	}
	for id, secret := range secrets.Keys {
		if strings.Contains(text.String(), secret) {
			t.Errorf("the snapshot contains the secret of %s", id)
		}
	}
	for serial, seed := range secrets.Seeds {
		if strings.Contains(text.String(), seed) {
			t.Errorf("the snapshot contains the seed of %s", serial)
		}
	}
}

func TestDamagedSecretsAreRefused(t *testing.T) {
	b, err := OpenSandbox(Sample, emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	before := b.copy().Secrets()
	name := filepath.Join(t.TempDir(), "state.jsonl")
	for _, text := range []string{`{"keys":`, `{"keys":3}`, `{"seeds":{"arn:aws:iam::222222222222:mfa/jonas":"0189"}}`} {
		if err := os.WriteFile(SecretsOf(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := b.LoadSecrets(name); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if diff := cmp.Diff(before, b.copy().Secrets()); diff != "" {
		t.Errorf("secrets changed:\n%s", diff)
	}
}
