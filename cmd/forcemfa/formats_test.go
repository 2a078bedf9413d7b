package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"forcemfa/internal/testclients"
)

// formats are files that an earlier version wrote, in testdata/formats, each with the
// command that reads it: NAME is its path. The files stay as they are when a format
// changes; the new format gets files of its own.
var formats = []struct{ name, command, says string }{
	{"forcemfa.yaml", "policy --config NAME", "DenyAllExceptEnrollmentWithoutMFA"},
	{"snapshot.jsonl", "explain quentin --sandbox=NAME", "user/quentin"},
	{"plan.json", "apply NAME --sandbox=SNAPSHOT --yes", ": 3 steps done, 1 blocked"},
	{"journal.jsonl", "rollback 20261129T044012Z --sandbox=SNAPSHOT --yes", "20261129T044012Z"},
	{"run.jsonl", "report NAME", "users can act without MFA"},
	{"impact.jsonl", "plan --impact NAME --sandbox=SNAPSHOT", "Plan: "},
	{"evidence.zip", "evidence check NAME --key testdata/formats/evidence.pub", "policy evaluator"},
}

// readFormat runs the command that reads a file, and returns its status and output.
func readFormat(t *testing.T, line, name string) (status int, stdout, stderr string) {
	t.Helper()
	home := t.TempDir()
	if strings.HasPrefix(line, "rollback") {
		runs := filepath.Join(home, "state", "forcemfa", "runs")
		if err := os.MkdirAll(runs, 0o700); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(runs, strings.Fields(line)[1]+".jsonl"), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	line = strings.NewReplacer("NAME", name, "SNAPSHOT", filepath.Join("testdata", "formats", "snapshot.jsonl")).Replace(line)
	c := exec.Command("forcemfa", strings.Fields(line)...)
	c.Env = append(testclients.Environment(), "PATH="+os.Getenv("PATH"), "HOME="+home, "XDG_STATE_HOME="+filepath.Join(home, "state"))
	var out, errors bytes.Buffer
	c.Stdout, c.Stderr = &out, &errors
	_ = c.Run() // the status says more
	return c.ProcessState.ExitCode(), out.String(), errors.String()
}

func TestFilesOfEarlierVersionsAreRead(t *testing.T) {
	for _, f := range formats {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			status, stdout, stderr := readFormat(t, f.command, filepath.Join("testdata", "formats", f.name))
			if status == 1 || !regexp.MustCompile(f.says).MatchString(stdout) {
				t.Errorf("status %d, want %q on stdout\n%s%s", status, f.says, stdout, stderr)
			}
		})
	}
}

// formatOf is the version of a format, in JSON or in YAML.
var formatOf = regexp.MustCompile(`("format": ?|version: )\d+`)

func TestFilesOfNewerVersionsAreRefusedByName(t *testing.T) {
	for _, f := range formats {
		if f.name == "evidence.zip" {
			continue // it is signed: see TestForgeriesAreRefused in internal/evidence
		}
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join("testdata", "formats", f.name))
			if err != nil {
				t.Fatal(err)
			}
			at := formatOf.FindSubmatchIndex(text)
			if at == nil {
				t.Fatal("the file has no version")
			}
			newer := append(append(bytes.Clone(text[:at[3]]), "99"...), text[at[1]:]...)
			name := filepath.Join(t.TempDir(), f.name)
			if err := os.WriteFile(name, newer, 0o600); err != nil {
				t.Fatal(err)
			}
			status, stdout, stderr := readFormat(t, f.command, name)
			message, hint, _ := strings.Cut(strings.TrimSuffix(stderr, "\n"), "\n")
			base := filepath.Base(name)
			if f.name == "journal.jsonl" {
				base = "20261129T044012Z.jsonl"
			}
			if status != 1 || stdout != "" || !strings.Contains(message, base) || !strings.Contains(message, "99") ||
				!regexp.MustCompile(`reads (up to )?(format|version) \d`).MatchString(message) || hint != "" && !strings.HasPrefix(hint, "hint: ") {
				t.Errorf("status %d, stdout %q, stderr:\n%s", status, stdout, stderr)
			}
		})
	}
}
