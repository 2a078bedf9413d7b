package main

import (
	"encoding/base32"
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
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(cleaned{m}, map[string]func(){"forcemfa": main})
}

// cleaned are tests that leave no helper behind.
type cleaned struct{ *testing.M }

func (m cleaned) Run() int {
	status := m.M.Run()
	if dir, err := helperDir(); err == nil {
		_ = os.RemoveAll(dir)
	}
	return status
}

// TestScenarios runs the scripts in testdata with the real binary. Besides
// testscript's own commands there are:
//
//	emulate [FLAG…]        serve the sample organization (or --org FILE) and be its administrator
//	as ACCOUNT/USER        be that user, by access key
//	session                be the session whose credentials stand in the JSON of the last stdout
//	keep VAR               set VAR to the last stdout
//	code VAR STEP [SEED]   the code, STEP steps of 30 s from now, of the current user's device or of the seed in a file
//	status N CMD…          run and want this exit status
//	own PROFILE            put the current user's key into ~/.aws/credentials and out of the environment
//	subst FILE…            fill in the $VARIABLES of files
//	nowhere VAR FILE…      no file but these, below the work directory, holds the value of VAR
//	canary VAR…            what these hold now must not get out of any command that guarded runs
//	hook VAR FILE ANSWER   serve a webhook that answers so (ok, or STATUS:BODY); VAR is its URL, FILE what came
//	moto                   serve moto_server, another AWS in memory, and be its administrator
//	guarded N VERB…        as status N forcemfa VERB…: no canary on stdout or stderr, in an argument, or in a child's environment
//
// and the condition [terraform]: it is here, with its provider for AWS.
func TestScenarios(t *testing.T) {
	scripts := scenarios(setup)
	scripts.Dir = "testdata"
	testscript.Run(t, scripts)
}

// Whether a code sent with AssumeRole satisfies a Deny of the caller's own
// policies is not documented: the walk-throughs of the seeds work by the other
// reading too.
func TestTheSeedsWorkByTheOtherReading(t *testing.T) {
	scripts := scenarios(func(e *testscript.Env) error {
		e.Setenv(emulateFlags, "--code-in-call-is-not-mfa")
		return setup(e)
	})
	for _, name := range []string{"access", "migrate", "walk"} {
		scripts.Files = append(scripts.Files, filepath.Join("testdata", name+".txtar"))
	}
	testscript.Run(t, scripts)
}

func scenarios(setup func(*testscript.Env) error) testscript.Params {
	return testscript.Params{
		Setup:     setup,
		Condition: installed,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"emulate": emulate, "as": as, "session": session, "keep": keep, "code": code, "status": status,
			"own": own, "subst": subst, "nowhere": nowhere, "moto": moto,
			"canary": canary, "guarded": guarded, "hook": hook,
		},
	}
}

// emulateFlags is the variable with flags that each emulate of a script gets.
const emulateFlags = "EMULATE_FLAGS"

// setup keeps the scripts away from the AWS config of whoever runs them.
func setup(e *testscript.Env) error {
	home := filepath.Join(e.WorkDir, "home")
	e.Values[canariesKey{}] = canaries{}
	e.Setenv("HOME", home)
	e.Setenv("XDG_STATE_HOME", filepath.Join(e.WorkDir, "state"))
	e.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	e.Setenv("AWS_DEFAULT_OUTPUT", "json")
	e.Setenv("AWS_PAGER", "")
	helper, err := helperDir()
	if err != nil {
		return err
	}
	e.Setenv("PATH", helper+string(os.PathListSeparator)+e.Getenv("PATH"))
	e.Setenv("HELPER", filepath.Join(helper, helperName))
	e.Setenv("TERRAFORM_PLUGINS", terraformPlugins())
	e.Setenv("CHECKPOINT_DISABLE", "1") // terraform asks its maker for news otherwise
	e.Setenv("PYENV_VERSION", os.Getenv("PYENV_VERSION"))
	if root := os.Getenv("PYENV_ROOT"); root != "" {
		e.Setenv("PYENV_ROOT", root)
	} else if own, err := os.UserHomeDir(); err == nil {
		e.Setenv("PYENV_ROOT", filepath.Join(own, ".pyenv"))
	}
	return os.MkdirAll(home, 0o700)
}

// A served is what emulate prints.
type served struct {
	Endpoint   string
	Region     string
	Principals []principal
}

type principal struct {
	Name, Account   string
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
	MFA             []struct {
		Serial string
		Seed   string `json:"seed_base32"`
	}
}

func emulate(ts *testscript.TestScript, neg bool, args []string) {
	out, err := os.Create(ts.MkAbs("world.json"))
	ts.Check(err)
	program, err := lookIn(ts.Getenv("PATH"), "forcemfa")
	ts.Check(err)
	cmd := exec.Command(program, slices.Concat([]string{"emulate", "-o", "json"}, strings.Fields(ts.Getenv(emulateFlags)), args)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = ts.MkAbs("."), out, os.Stderr
	ts.Check(cmd.Start())
	ts.Defer(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		_ = out.Close()
	})
	var w served
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if w, err = readWorld(ts); err == nil {
			break
		}
		if time.Now().After(deadline) {
			ts.Fatalf("emulate did not get ready: %v", err)
		}
	}
	ts.Setenv("AWS_ENDPOINT_URL", w.Endpoint)
	ts.Setenv("AWS_REGION", w.Region)
	ts.Setenv("AWS_DEFAULT_REGION", w.Region)
	ts.Setenv("FORCEMFA_RATE", "0")
	ts.Setenv("ADMIN_KEY", w.Principals[0].AccessKeyID)
	ts.Setenv("ADMIN_SECRET", w.Principals[0].SecretAccessKey)
	become(ts, w.Principals[0])
}

// lookIn finds a program in a PATH that is not this process's own.
func lookIn(path, name string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		if found, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return found, nil
		}
	}
	return "", fmt.Errorf("%s is not in %s", name, path)
}

func readWorld(ts *testscript.TestScript) (w served, err error) {
	text, err := os.ReadFile(ts.MkAbs("world.json"))
	if err == nil {
		err = json.Unmarshal(text, &w)
	}
	return w, err
}

func become(ts *testscript.TestScript, p principal) {
	ts.Setenv("AWS_ACCESS_KEY_ID", p.AccessKeyID)
	ts.Setenv("AWS_SECRET_ACCESS_KEY", p.SecretAccessKey)
	ts.Setenv("AWS_SESSION_TOKEN", "")
	ts.Setenv("USER_PRINCIPAL", p.Account+"/"+p.Name)
	ts.Setenv("SERIAL", "")
	if len(p.MFA) > 0 {
		ts.Setenv("SERIAL", p.MFA[0].Serial)
	}
}

func find(ts *testscript.TestScript, name string) principal {
	w, err := readWorld(ts)
	ts.Check(err)
	for _, p := range w.Principals {
		if p.Account+"/"+p.Name == name {
			return p
		}
	}
	ts.Fatalf("%s has no access key in this world", name)
	return principal{}
}

func as(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: as ACCOUNT/USER")
	}
	become(ts, find(ts, args[0]))
}

func session(ts *testscript.TestScript, neg bool, args []string) {
	var out struct {
		Credentials struct{ AccessKeyID, SecretAccessKey, SessionToken string }
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &out))
	ts.Setenv("AWS_ACCESS_KEY_ID", out.Credentials.AccessKeyID)
	ts.Setenv("AWS_SECRET_ACCESS_KEY", out.Credentials.SecretAccessKey)
	ts.Setenv("AWS_SESSION_TOKEN", out.Credentials.SessionToken)
}

func keep(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: keep VAR")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

// code waits for the next step when this one is nearly over, so that a slow
// client does not send a code of the step before last.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 && len(args) != 3 {
		ts.Fatalf("usage: code VAR STEP [SEED]")
	}
	step, err := strconv.Atoi(args[1])
	ts.Check(err)
	var seed string
	if len(args) == 3 {
		seed = strings.TrimSpace(ts.ReadFile(args[2]))
	} else {
		p := find(ts, ts.Getenv("USER_PRINCIPAL"))
		if len(p.MFA) == 0 {
			ts.Fatalf("%s has no device that gives codes", p.Name)
		}
		seed = p.MFA[0].Seed
	}
	if _, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimRight(seed, "=")); err != nil {
		ts.Fatalf("seed of %s: %v", args[len(args)-1], err)
	}
	const period, spare = 30 * time.Second, 15 * time.Second
	if left := period - time.Duration(time.Now().UnixNano())%period; left < spare {
		time.Sleep(left)
	}
	c, err := totp.GenerateCode(seed, time.Now().Add(time.Duration(step)*30*time.Second))
	ts.Check(err)
	ts.Setenv(args[0], c)
}

func status(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: status N CMD…")
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

// own moves the key as "aws configure" would have put it.
func own(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: own PROFILE")
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

func subst(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		text := os.Expand(ts.ReadFile(name), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

func nowhere(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 || ts.Getenv(args[0]) == "" {
		ts.Fatalf("usage: nowhere VAR FILE…")
	}
	var may []string
	for _, name := range args[1:] {
		may = append(may, ts.MkAbs(name))
	}
	found := 0
	ts.Check(filepath.WalkDir(ts.Getenv("WORK"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(text), ts.Getenv(args[0])) {
			if found++; !slices.Contains(may, path) {
				err = fmt.Errorf("%s holds the value of %s", path, args[0])
			}
		}
		return err
	}))
	if len(may) > 0 && found == 0 {
		ts.Fatalf("not even %s holds the value of %s", strings.Join(args[1:], ", "), args[0])
	}
}
