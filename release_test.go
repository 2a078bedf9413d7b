package forcemfa_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"forcemfa/internal/cli"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/testclients"
)

// The script of the GitHub Action annotates the lines of a fixture, and ends with the
// status of the command.
func TestTheGitHubActionReportsFindings(t *testing.T) {
	run := actionOf(t)
	policies := filepath.Join(t.TempDir(), "po,li:cies%")
	if err := os.Mkdir(policies, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(policies, "mfa.json"), `{"Version":"2012-10-17","Statement":[
{"Sid":"NoMFA","Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}}]}`)
	a := run("INPUT_COMMAND=lint", "INPUT_PATHS="+policies)
	if a.status != 3 || !strings.Contains(a.github, "status=3\n") {
		t.Errorf("status %d, outputs %s", a.status, a.github)
	}
	if !strings.Contains(a.stdout, "::error file=") || !strings.Contains(a.stdout, "po%2Cli%3Acies%25/mfa.json,line=2,col=1,title=forcemfa D-8::") {
		t.Errorf("no annotation at the line of the statement:\n%s", a.stdout)
	}
	if !strings.Contains(a.summary, "### forcemfa lint: 1 document: ") {
		t.Errorf("summary:\n%s", a.summary)
	}
	sarif := strings.TrimSpace(strings.TrimPrefix(strings.Split(a.github, "\n")[0], "sarif="))
	if text, err := os.ReadFile(filepath.Join(a.dir, sarif)); err != nil || !strings.Contains(string(text), `"2.1.0"`) {
		t.Errorf("SARIF file %q: %v", sarif, err)
	}
}

func TestTheGitHubActionShowsThePlan(t *testing.T) {
	run := actionOf(t)
	a := run("INPUT_COMMAND=plan", "INPUT_ARGS=--sandbox")
	// The sample has an account that cannot be entered: status 4.
	if a.status != 4 || !strings.Contains(a.summary, "Plan: ") || !strings.Contains(a.stdout, "Plan: ") {
		t.Errorf("status %d\n%s\n%s", a.status, a.stdout, a.summary)
	}
}

// The text of the plan has names that others chose. The runner takes a line that begins
// with :: for a command, unless commands are stopped.
func TestTheGitHubActionStopsCommandsInTheText(t *testing.T) {
	stopped := regexp.MustCompile(`(?s)^::stop-commands::([0-9a-f]{32})\n(.*)\n::([0-9a-f]{32})::\n$`)
	last := ""
	for _, command := range []string{"plan", "audit"} {
		a := actionOf(t)("INPUT_COMMAND="+command, "INPUT_ARGS=--sandbox")
		part := stopped.FindStringSubmatch(a.stdout)
		if part == nil || part[1] != part[3] || part[1] == last {
			t.Fatalf("%s: %s", command, a.stdout)
		}
		last = part[1]
	}
}

// Inputs are never commands: what a pull request can name is text.
func TestTheGitHubActionExecutesNoInput(t *testing.T) {
	run := actionOf(t)
	for _, env := range []string{
		"INPUT_COMMAND=lint; touch broken", "INPUT_COMMAND=$(touch broken)", "INPUT_PATHS=$(touch broken)", "INPUT_PATHS=`touch broken`",
		"INPUT_ARGS=$(touch broken)", "INPUT_ARGS=; touch broken", "INPUT_PATHS=--write",
	} {
		a := run(env)
		if a.status == 0 {
			t.Errorf("%s: status 0", env)
		}
		if _, err := os.Stat(filepath.Join(a.dir, "broken")); err == nil {
			t.Errorf("%s was executed", env)
		}
	}
}

// An action is one run of the action's script.
type action struct {
	dir, stdout, summary, github string
	status                       int
}

// TestMain makes the test program act as forcemfa when it is called so, which saves a
// build.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "forcemfa" {
		os.Exit(cli.Main(context.Background(), command.ProcessEnv()))
	}
	os.Exit(testclients.Run(m))
}

// actionOf returns a function that runs the action's script in an empty folder, with
// forcemfa on PATH.
func actionOf(t *testing.T) func(env ...string) action {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the action runs in bash")
	}
	script, err := filepath.Abs("packaging/ci/action")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(self, filepath.Join(bin, "forcemfa")); err != nil {
		t.Fatal(err)
	}
	return func(env ...string) action {
		a := action{dir: t.TempDir()}
		c := testclients.Command(t, "bash", script)
		c.Dir = a.dir
		c.Env = append([]string{
			"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + a.dir,
			"GITHUB_STEP_SUMMARY=" + filepath.Join(a.dir, "summary"), "GITHUB_OUTPUT=" + filepath.Join(a.dir, "output"),
		}, env...)
		out, err := c.Output()
		if err != nil && c.ProcessState == nil {
			t.Fatal(err)
		}
		a.stdout, a.status = string(out), c.ProcessState.ExitCode()
		a.summary, a.github = optional(a.dir, "summary"), optional(a.dir, "output")
		return a
	}
}

func optional(dir, name string) string {
	text, _ := os.ReadFile(filepath.Join(dir, name)) // absent when the script stopped before
	return string(text)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
