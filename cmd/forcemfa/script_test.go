package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"forcemfa/internal/testclients"
	"forcemfa/internal/testdepth"
)

// testKey is the key of a script's test among its values.
type testKey struct{}

func needs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: needs CLIENT…")
	}
	testclients.Need(ts.Value(testKey{}).(testscript.T), args...)
	if slices.Contains(args, "awscli2") {
		ts.Setenv("AWSCLI2", testclients.AWSCLI2())
	}
}

// holds evaluates a condition of a script.
func holds(condition string) (bool, error) {
	if condition == "long" {
		return testdepth.Long(), nil
	}
	name, ok := strings.CutPrefix(condition, "client:")
	if !ok {
		return false, fmt.Errorf("no such condition: %s", condition)
	}
	return testclients.Has(name, "lines of a script")
}

func moto(ts *testscript.TestScript, neg bool, args []string) {
	needs(ts, neg, []string{"moto_server"})
	url, stop, err := testclients.StartMoto()
	ts.Check(err)
	ts.Defer(stop)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": url, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
		"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_SESSION_TOKEN": "",
	} {
		ts.Setenv(name, value)
	}
}

// providerVariables are the variables of a script that Terraform's provider for AWS
// and the credential helper that it starts read.
var providerVariables = []string{
	"PATH", "HOME", "XDG_STATE_HOME", offsetVariable,
	"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_EC2_METADATA_DISABLED",
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
}

func terraformProvider(ts *testscript.TestScript, neg bool, args []string) {
	needs(ts, neg, []string{"terraform"})
	var env []string
	for _, name := range providerVariables {
		env = append(env, name+"="+ts.Getenv(name))
	}
	attach, stop, err := testclients.StartTerraformProvider(env)
	ts.Check(err)
	ts.Defer(stop)
	ts.Setenv(testclients.AttachVariable, attach)
}

func useSession(ts *testscript.TestScript, neg bool, args []string) {
	var out struct {
		Credentials struct{ AccessKeyID, SecretAccessKey, SessionToken string }
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &out))
	ts.Setenv("AWS_ACCESS_KEY_ID", out.Credentials.AccessKeyID)
	ts.Setenv("AWS_SECRET_ACCESS_KEY", out.Credentials.SecretAccessKey)
	ts.Setenv("AWS_SESSION_TOKEN", out.Credentials.SessionToken)
}

// awsConfigure writes the key as "aws configure" would.
func awsConfigure(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: awsconfigure PROFILE")
	}
	path := filepath.Join(ts.Getenv("HOME"), ".aws", "credentials")
	ts.Check(os.MkdirAll(filepath.Dir(path), 0o700))
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = []byte("# mine\n"), nil
	}
	ts.Check(err)
	text = fmt.Appendf(text, "[%s]\naws_access_key_id = %s\naws_secret_access_key=%s\n", args[0], ts.Getenv("AWS_ACCESS_KEY_ID"), ts.Getenv("AWS_SECRET_ACCESS_KEY"))
	ts.Check(os.WriteFile(path, text, 0o600))
	ts.Setenv("OWN_KEY", ts.Getenv("AWS_ACCESS_KEY_ID"))
	ts.Setenv("OWN_SECRET", ts.Getenv("AWS_SECRET_ACCESS_KEY"))
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		ts.Setenv(name, "")
	}
}

func status(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: status N COMMAND…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

func capture(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: capture VAR")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

func expand(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		text := os.Expand(ts.ReadFile(name), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

func mode(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: mode MODE FILE…")
	}
	want, err := strconv.ParseUint(args[0], 8, 32)
	ts.Check(err)
	for _, name := range args[1:] {
		info, err := os.Stat(ts.MkAbs(name))
		ts.Check(err)
		if got := info.Mode().Perm(); got != fs.FileMode(want) {
			ts.Fatalf("%s has mode %o, want %o", name, got, want)
		}
	}
}

func onlyIn(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 || ts.Getenv(args[0]) == "" {
		ts.Fatalf("usage: onlyin VAR FILE…")
	}
	var allowed []string
	for _, name := range args[1:] {
		allowed = append(allowed, ts.MkAbs(name))
	}
	found := 0
	ts.Check(filepath.WalkDir(ts.Getenv("WORK"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(text), ts.Getenv(args[0])) {
			if found++; !slices.Contains(allowed, path) {
				err = fmt.Errorf("%s holds the value of %s", path, args[0])
			}
		}
		return err
	}))
	if len(allowed) > 0 && found == 0 {
		ts.Fatalf("not even %s holds the value of %s", strings.Join(args[1:], ", "), args[0])
	}
}
