package rehearse

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/emulator/world"
	_ "forcemfa/internal/heapfloor" // tests make as much garbage as commands
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/survey"
	"forcemfa/internal/view"
)

// snapshotFile is the lab as a snapshot file.
func snapshotFile(t *testing.T) string {
	t.Helper()
	var text bytes.Buffer
	header := org.Header{Format: org.Format, Partition: "aws", Taken: time.Unix(1700000000, 0).UTC(), Accounts: 1}
	if err := org.Write(&text, header, stream([]org.Account{*labAccount()})); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "snapshot.jsonl")
	if err := os.WriteFile(name, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func openLab(t *testing.T) *Sandbox {
	t.Helper()
	box, err := OpenSandbox(snapshotFile(t), emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func TestARehearsalEnforcesMFAForEveryUser(t *testing.T) {
	var stages []string
	options := Options{Baseline: baseline.Default(), Now: time.Now, Log: func(stage string) { stages = append(stages, stage) }}
	got, err := Run(context.Background(), openLab(t), options)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Passed() {
		t.Errorf("not passed: %+v, %+v", got.NotRefused, got.NotWorking)
	}
	if diff := cmp.Diff(audit.Counts{Users: 4, Open: 4}, got.Before); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(audit.Counts{Users: 4, Enforced: 4}, got.After); diff != "" {
		t.Errorf("after (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]view.AccountChange{{ID: labID, Before: got.Before, After: got.After}}, got.Accounts); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
	if got.AttacksBefore.Succeeded == 0 || got.AttacksAfter.Refused != got.AttacksAfter.Tried || got.AttacksAfter.Tried < 100 {
		t.Errorf("attacks %+v before, %+v after", got.AttacksBefore, got.AttacksAfter)
	}
	if got.Plan.Done != got.Plan.Steps || got.Plan.Steps == 0 {
		t.Errorf("plan %+v", got.Plan)
	}
	if len(stages) != 7 {
		t.Errorf("stages %q", stages)
	}
}

// The user that the plan leaves out stays open, and the attacks on it succeed.
func TestAPlanThatLeavesAUserOutIsNotPassed(t *testing.T) {
	p := labPlan(t)
	n := len(p.Steps)
	p.Steps = slices.DeleteFunc(p.Steps, func(s plan.Step) bool { return s.UserName() == "carol" })
	if len(p.Steps) != n-1 {
		t.Fatalf("%d steps for carol among %d", n-len(p.Steps), n)
	}
	got, err := Run(context.Background(), openLab(t), Options{Baseline: baseline.Default(), Now: time.Now, Plan: p})
	if err != nil {
		t.Fatal(err)
	}
	if got.Passed() || got.After != (audit.Counts{Users: 4, Enforced: 3, Open: 1}) || got.Plan.Steps != n-1 {
		t.Errorf("passed %v, after %+v, plan %+v; want carol open and %d steps", got.Passed(), got.After, got.Plan, n-1)
	}
	if got.AttacksAfter.Succeeded == 0 || len(got.NotRefused) != got.AttacksAfter.Succeeded {
		t.Errorf("attacks %+v, listed %d", got.AttacksAfter, len(got.NotRefused))
	}
	for _, u := range got.NotRefused {
		if u.User != "carol" {
			t.Errorf("%s succeeds for %s", u.Scenario, u.User)
		}
	}
}

// A step whose target changed after the plan was saved is not applied.
func TestStaleStepsOfAPlanAreCounted(t *testing.T) {
	p := labPlan(t)
	box := openLab(t)
	box.Cloud.Update(func(w *world.World) { delete(w.Edit(labID).Users, "bert") })
	got, err := Run(context.Background(), box, Options{Baseline: baseline.Default(), Now: time.Now, Plan: p})
	if err != nil {
		t.Fatal(err)
	}
	if got.Plan.Stale != 1 {
		t.Errorf("plan %+v, want one stale step", got.Plan)
	}
}

// labPlan is the plan for the lab, as saved by another run.
func labPlan(t *testing.T) *plan.Plan {
	t.Helper()
	r := rehearsal{box: openLab(t), Options: Options{Baseline: baseline.Default(), Now: time.Now, Progress: func(string, int, int) {}}}
	r.box.CompleteReports()
	s, err := r.survey(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Plan(context.Background(), survey.PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestACanceledRehearsalFails(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, openLab(t), Options{Baseline: baseline.Default(), Now: time.Now}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestOpenSandbox(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, row := range []struct{ name, file, want string }{
		{"the sample", Sample, ""},
		{"the sample by default", "", ""},
		{"a snapshot", snapshotFile(t), ""},
		{"a missing file", filepath.Join(dir, "absent"), "absent: no such file"},
		{"no snapshot", file("broken", `{"format":`), "broken: "},
		{"no account", file("empty", `{"format":1,"partition":"aws","taken":"2026-01-01T00:00:00Z","accounts":0}`+"\n"), "empty: "},
	} {
		t.Run(row.name, func(t *testing.T) {
			box, err := OpenSandbox(row.file, emulator.Options{})
			var snapshot *SnapshotError
			switch {
			case row.want == "" && err != nil:
				t.Fatal(err)
			case row.want == "":
				if _, err := box.Baseline(); err != nil || box.Home == "" {
					t.Errorf("home %q, baseline %v", box.Home, err)
				}
			case !errors.As(err, &snapshot) || !strings.Contains(err.Error(), row.want):
				t.Errorf("error %v, want %s", err, row.want)
			}
		})
	}
}

// The guard SCP refuses a user with MFA what ForceMFA allows it: ending MFA.
func TestTheGuardSCPRefusesUsersWithMFA(t *testing.T) {
	more := "exemptions:\n  - {match: {path: \"/workloads/*\"}, owner: a, reason: b}\n"
	config := strings.Replace(string(sample.Config()), "exemptions:\n", more, 1) + "\nguard_scp: {targets: [r-acme], except: [\"arn:aws:iam::*:role/OrganizationAccountAccessRole\"]}\n"
	b, err := baseline.Parse("c.yaml", []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	box, err := OpenSandbox(Sample, emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	box.Cloud.Update(withoutLeaveRule)
	got, err := Run(context.Background(), box, Options{Baseline: b, Now: box.Cloud.Now})
	if err != nil {
		t.Fatal(err)
	}
	if !got.Passed() {
		t.Errorf("not passed: %+v, %+v", got.NotRefused, got.NotWorking)
	}
	before := map[string]int{}
	for _, s := range got.AttackScenarios {
		if strings.HasPrefix(s.Name, "insider/") {
			before[s.Name] = s.SucceededBefore
		}
	}
	for _, name := range []string{"create-guarded-role", "trust-self", "move-exempt", "create-exempt", "tag-exempt", "open-window", "delete-boundary", "leave-organization", "join-organization"} {
		if before["insider/"+name] == 0 {
			t.Errorf("insider/%s does not succeed without the guard: %v", name, before)
		}
	}
}

// withoutLeaveRule removes the sample's own rule against leaving the organization.
func withoutLeaveRule(w *world.World) {
	o := w.EditOrganization()
	for id, scp := range o.SCPs {
		scp.Document = strings.Replace(scp.Document, `"organizations:LeaveOrganization"`, `"account:CloseAccount"`, 1)
		o.SCPs[id] = scp
	}
}
