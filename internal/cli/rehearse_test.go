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
	"forcemfa/internal/org"
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
	var got rehearsed
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	assertEnough(t, &got)
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Errorf("files left behind: %v, %v", left, err)
	}
}

// assertContract holds the names of design section 5 fast, which scripts rely
// on.
func assertContract(t *testing.T, text string) {
	t.Helper()
	var whole map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &whole); err != nil {
		t.Fatal(err)
	}
	states := []string{"users", "enforced", "exempt", "open", "unknown"}
	for name, members := range map[string][]string{
		"before": states, "after": states,
		"plan": {"steps", "blocked"}, "doors_before": {"tried", "closed", "open"}, "doors": {"tried", "closed", "open"},
		"must_work": {"tried", "worked"},
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
	var gaps []map[string]string
	if err := json.Unmarshal(whole["gaps"], &gaps); err != nil || len(gaps) == 0 {
		t.Fatalf("gaps %s: %v", whole["gaps"], err)
	}
	for _, member := range []string{"account", "what", "why"} {
		if gaps[0][member] == "" {
			t.Errorf("the first gap has no %s: %v", member, gaps[0])
		}
	}
}

func assertEnough(t *testing.T, got *rehearsed) {
	t.Helper()
	for name, c := range map[string]audit.Counts{"before": got.Before, "after": got.After} {
		if c.Users != c.Enforced+c.Exempt+c.Open+c.Unknown || c.Users < 55 || c.Unknown == 0 {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if got.Before.Open < 20 || got.After.Open != 0 {
		t.Errorf("open %d before, %d after; want at least 20, and 0", got.Before.Open, got.After.Open)
	}
	if got.DoorsBefore.Open < 200 || got.Doors.Tried < 500 || got.Doors.Closed != got.Doors.Tried {
		t.Errorf("doors %+v before, %+v after", got.DoorsBefore, got.Doors)
	}
	if got.DoorsBefore.Failed+got.Doors.Failed > 0 {
		t.Errorf("attempts that showed nothing: %d before, %d after", got.DoorsBefore.Failed, got.Doors.Failed)
	}
	if got.MustWork.Tried < 30 || got.MustWork.Worked != got.MustWork.Tried {
		t.Errorf("must work %+v, broken %+v", got.MustWork, got.Broken)
	}
	for _, w := range got.Works {
		if w.Tried == 0 {
			t.Errorf("the sample has nobody for %s", w.Name)
		}
	}
	for _, a := range got.Attacks {
		if a.Tried == 0 {
			t.Errorf("the sample has nobody for %s", a.Name)
		}
	}
	if len(got.Windows) == 0 {
		t.Error("the sample opens no enrollment window")
	}
}

// smallOrganization is the lab as a snapshot file. Its carol and dave are open.
func smallOrganization(t *testing.T) string {
	t.Helper()
	var text bytes.Buffer
	header := org.Header{Format: org.Format, Partition: "aws", Taken: time.Unix(1700000000, 0).UTC(), Accounts: 1}
	if err := org.Write(&text, header, streamed([]org.Account{*labAccount()})); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "snapshot.jsonl")
	if err := os.WriteFile(name, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestASnapshotIsRehearsedForAPerson(t *testing.T) {
	status, stdout, stderr := verb("rehearse", "--org", smallOrganization(t))
	if status != command.StatusOK {
		t.Fatalf("exit %d\n%s%s", status, stdout, stderr)
	}
	for _, want := range []string{
		"4  4 → 0  0 → 4",
		"read an S3 object with the access key",
		"enroll a first device in the console, and use it",
		"Done: no user that could be read is open (4 were)",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("stdout does not say %q:\n%s", want, stdout)
		}
	}
	if !strings.Contains(stderr, "trying doors after") {
		t.Errorf("stderr does not say how far it is:\n%s", stderr)
	}
}

// What the plan leaves undone stays open, and that is what rehearse finds.
func TestAPlanThatDoesLessLeavesDoorsOpen(t *testing.T) {
	organization := smallOrganization(t)
	file := filepath.Join(t.TempDir(), "plan.json")
	if status, stdout, stderr := verb("plan", "--sandbox="+organization, "--out", file); status != command.StatusOK {
		t.Fatalf("exit %d\n%s%s", status, stdout, stderr)
	}
	p, err := readPlan(file, "plan")
	if err != nil {
		t.Fatal(err)
	}
	n := len(p.Steps)
	for i := range p.Steps {
		if p.Steps[i].UserName() == "carol" {
			p.Steps = slices.Delete(p.Steps, i, i+1)
			break
		}
	}
	if len(p.Steps) != n-1 {
		t.Fatalf("no step for carol among %d", n)
	}
	if err := savePlan(file, p); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := verb("rehearse", "--org", organization, "-o", "json", file)
	if status != command.StatusFound {
		t.Fatalf("exit %d, want %d\n%s%s", status, command.StatusFound, stdout, stderr)
	}
	var got rehearsed
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	if got.After != (audit.Counts{Users: 4, Enforced: 3, Open: 1}) || got.Plan.Steps != n-1 {
		t.Errorf("after %+v, plan %+v; want carol open and %d steps", got.After, got.Plan, n-1)
	}
	if got.Doors.Open == 0 || len(got.Ajar) != got.Doors.Open {
		t.Errorf("doors %+v, named %d", got.Doors, len(got.Ajar))
	}
	for _, d := range got.Ajar {
		if d.User != "carol" {
			t.Errorf("%s is open for %s", d.Door, d.User)
		}
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
