package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"forcemfa/internal/org"
)

// startEmulate starts emulate with flags. end ends it with a signal, and returns its
// exit status.
func startEmulate(t *testing.T, flags ...string) (w served, end func(os.Signal) int) {
	t.Helper()
	cmd := exec.Command("forcemfa", append([]string{"emulate", "-o", "json"}, flags...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // fails when it has ended
	if err := json.NewDecoder(out).Decode(&w); err != nil {
		t.Fatal(err)
	}
	return w, func(s os.Signal) int {
		_ = cmd.Process.Signal(s)
		_ = cmd.Wait()
		return cmd.ProcessState.ExitCode()
	}
}

func administratorsClient(w served) *iam.Client {
	first := w.Principals[0]
	return iam.NewFromConfig(aws.Config{
		Region: w.Region, BaseEndpoint: &w.Endpoint,
		Credentials: credentials.NewStaticCredentialsProvider(first.AccessKeyID, first.SecretAccessKey, ""),
	})
}

// digestOfFile is the digest of a snapshot file.
func digestOfFile(t *testing.T, name string) string {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	header, accounts, err := org.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for a, err := range accounts {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, a.Digest(&header))
	}
	return org.Digest(&header, all)
}

// What emulate saves when SIGTERM ends it is there after a restart: the user, the keys,
// the devices and the digest.
func TestEmulateSavesAndLoadsTheOrganization(t *testing.T) {
	t.Parallel()
	first, second := filepath.Join(t.TempDir(), "first.jsonl"), filepath.Join(t.TempDir(), "second.jsonl")
	w, end := startEmulate(t, "--save", first)
	if _, err := administratorsClient(w).CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("eve")}); err != nil {
		t.Fatal(err)
	}
	end(syscall.SIGTERM)
	for _, name := range []string{first, first + ".secrets"} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("%s: %v %v", name, info, err)
		}
	}
	again, end := startEmulate(t, "--org", first, "--save", second)
	if len(again.Principals) != len(w.Principals) || again.Principals[0].SecretAccessKey != w.Principals[0].SecretAccessKey || again.Principals[0].MFA[0] != w.Principals[0].MFA[0] {
		t.Errorf("the administrator was %v and is %v", w.Principals[0].Name, again.Principals[0].Name)
	}
	if _, err := administratorsClient(w.at(again.Endpoint)).GetUser(t.Context(), &iam.GetUserInput{UserName: aws.String("eve")}); err != nil {
		t.Error(err)
	}
	end(os.Interrupt)
	if a, b := digestOfFile(t, first), digestOfFile(t, second); a != b {
		t.Errorf("the digest was %s and is %s", a, b)
	}
}

// at is w at another endpoint.
func (w served) at(endpoint string) served {
	w.Endpoint = endpoint
	return w
}

// A place that cannot be written is reported at the start.
func TestEmulateReportsAtOnceThatItCannotSave(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "missing", "state.jsonl")
	if out, err := exec.Command("forcemfa", "emulate", "--save", name).CombinedOutput(); err == nil {
		t.Errorf("it ended well: %s", out)
	}
}
