package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/cli/command"
	_ "forcemfa/internal/heapfloor" // tests make as much garbage as commands
	"forcemfa/internal/view"
)

// verb runs the program in this process.
func verb(args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	e := &command.Env{
		Args: args, Stdin: bytes.NewReader(nil), Stdout: &out, Stderr: &errs,
		Getenv: func(string) string { return "" }, Now: time.Now,
	}
	return Main(context.Background(), e), out.String(), errs.String()
}

func TestRehearsalOfTheSampleKeepsItsContract(t *testing.T) {
	// Nothing of the environment may matter.
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	t.Setenv("AWS_PROFILE", "no-such-profile")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "absent"))
	t.Chdir(t.TempDir())
	status, stdout, stderr := verb("rehearse", "-o", "json")
	if status != command.StatusOK {
		t.Fatalf("exit %d\n%s%s", status, stdout, stderr)
	}
	assertContract(t, stdout)
	var got view.Rehearsal
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	assertEnough(t, &got)
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Errorf("files left behind: %v, %v", left, err)
	}
}

// assertContract checks the JSON members of design.md section 5, which scripts rely on.
func assertContract(t *testing.T, text string) {
	t.Helper()
	var whole map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &whole); err != nil {
		t.Fatal(err)
	}
	states := []string{"users", "enforced", "exempt", "open", "unknown"}
	for name, members := range map[string][]string{
		"before": states, "after": states,
		"plan": {"steps", "blocked"}, "attacks_before": {"tried", "refused", "succeeded", "failed"},
		"attacks_after": {"tried", "refused", "succeeded", "failed"}, "expected_access": {"tried", "worked"},
	} {
		var numbers map[string]int
		if err := json.Unmarshal(whole[name], &numbers); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, member := range members {
			if _, ok := numbers[member]; !ok {
				t.Errorf("%s has no %s: %v", name, member, slices.Collect(maps.Keys(numbers)))
			}
		}
	}
	var unread []map[string]string
	if err := json.Unmarshal(whole["unread"], &unread); err != nil || len(unread) == 0 {
		t.Fatalf("unread %s: %v", whole["unread"], err)
	}
	for _, member := range []string{"account", "what", "why"} {
		if unread[0][member] == "" {
			t.Errorf("the first of unread has no %s: %v", member, unread[0])
		}
	}
	var scenarios []map[string]any
	if err := json.Unmarshal(whole["attack_scenarios"], &scenarios); err != nil || len(scenarios) == 0 {
		t.Fatalf("attack_scenarios %s: %v", whole["attack_scenarios"], err)
	}
}

func assertEnough(t *testing.T, got *view.Rehearsal) {
	t.Helper()
	for name, c := range map[string]audit.Counts{"before": got.Before, "after": got.After} {
		if c.Users != c.Enforced+c.Exempt+c.Open+c.Unknown || c.Users != 67 || c.Unknown != 0 {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if got.Before.Open < 20 || got.After.Open != 0 {
		t.Errorf("open %d before, %d after; want at least 20, and 0", got.Before.Open, got.After.Open)
	}
	if got.AttacksBefore.Succeeded < 200 || got.AttacksAfter.Tried < 500 || got.AttacksAfter.Refused != got.AttacksAfter.Tried {
		t.Errorf("attacks %+v before, %+v after", got.AttacksBefore, got.AttacksAfter)
	}
	if got.AttacksBefore.Failed+got.AttacksAfter.Failed > 0 {
		t.Errorf("inconclusive attacks: %d before, %d after", got.AttacksBefore.Failed, got.AttacksAfter.Failed)
	}
	if got.ExpectedAccess.Tried < 30 || got.ExpectedAccess.Worked != got.ExpectedAccess.Tried {
		t.Errorf("expected access %+v, not working %+v", got.ExpectedAccess, got.NotWorking)
	}
	for _, w := range got.AccessScenarios {
		if w.Tried == 0 {
			t.Errorf("the sample has no user for %s", w.Name)
		}
	}
	for _, a := range got.AttackScenarios {
		// Package rehearse tests those with a guard SCP, which the sample does not have.
		if a.Tried == 0 && !strings.HasPrefix(a.Name, "insider/") {
			t.Errorf("the sample has no user for %s", a.Name)
		}
	}
	if len(got.Windows) == 0 {
		t.Error("the sample opens no enrollment window")
	}
}

func TestARehearsalIsPrintedAsText(t *testing.T) {
	status, stdout, stderr := verb("rehearse")
	if status != command.StatusOK {
		t.Fatalf("exit %d\n%s%s", status, stdout, stderr)
	}
	for _, want := range []string{
		"read an S3 object with the access key",
		"enroll a first device in the console, and use it",
		"Passed: MFA is enforced for every readable user that is not exempt (",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("stdout does not contain %q:\n%s", want, stdout)
		}
	}
	if !strings.Contains(stderr, "trying attacks after") {
		t.Errorf("stderr does not show the progress:\n%s", stderr)
	}
}

func TestBadInputOfARehearsal(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, row := range []struct {
		name string
		args []string
		says string
	}{
		{"a snapshot that is not there", []string{"--org", filepath.Join(dir, "absent")}, "absent"},
		{"a broken snapshot", []string{"--org", file("broken.jsonl", `{"format":2,`)}, "broken.jsonl"},
		{"a config with an unknown key", []string{"--config", file("c.yaml", "version: 1\natach: group\n")}, "c.yaml:2"},
		{"a plan that is none", []string{file("plan.json", `{"steps":1}`)}, "plan.json"},
		{"an output that there is not", []string{"-o", "xml"}, "xml"},
		{"a guard that there is not", []string{"--ack", "gravity:bob"}, "gravity"},
	} {
		t.Run(row.name, func(t *testing.T) {
			status, stdout, stderr := verb(append([]string{"rehearse"}, row.args...)...)
			if status != command.StatusFailed || stdout != "" {
				t.Errorf("exit %d, stdout %q", status, stdout)
			}
			if first, _, _ := strings.Cut(stderr, "\n"); !strings.HasPrefix(first, "forcemfa: ") || !strings.Contains(first, row.says) {
				t.Errorf("stderr %q does not name %s", stderr, row.says)
			}
		})
	}
}

// BenchmarkRehearse is the whole job on the sample organization, warm: the
// budget is 3 s.
func BenchmarkRehearse(b *testing.B) {
	for b.Loop() {
		if status, _, stderr := verb("rehearse", "-q"); status != command.StatusOK {
			b.Fatalf("exit %d: %s", status, stderr)
		}
	}
}
