package apply_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"forcemfa/internal/apply"
	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/policy"
)

// misfortune is an unreliable AWS: 30 % of calls are throttled, 5 % fail with status 500,
// and reads return older states.
func misfortune() *emulator.Strict {
	return &emulator.Strict{PageSize: 3, Throttle: 0.30, Fail: 0.05, Lag: 2 * time.Second, LagShare: 0.5}
}

// For any organization, with an unreliable AWS and a first run that is killed at a random
// write: after the next run every user is enforced or named in a blocked step, a new plan
// is empty, no account loses its last administrator with MFA, and undoing both runs
// restores the organization. For more organizations: go test ./internal/apply -run Unreliable -rapid.checks 500.
func TestAnUnreliableAWSOnlyDelaysTheRun(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := org.Header{Format: org.Format, Taken: start, Partition: "aws"}
		accounts := []org.Account{drawAccount(rt, "111122223333"), drawAccount(rt, "444455556666")}
		for i := range accounts {
			drawUses(rt, &accounts[i])
		}
		r := rigOf(t, h, accounts, misfortune())
		r.baseline.Attach = pick(rt, "attach", baseline.AttachGroup, baseline.AttachGroups, baseline.AttachUser)
		_, before := r.snapshot()

		first, _ := r.plan(t, nil)
		k := &killer{at: rapid.IntRange(1, 2*len(first.Steps)+1).Draw(rt, "killed at write"), after: rapid.Bool().Draw(rt, "after it")}
		begun := r.killed(t, k, first.Steps)
		r.cloud.Advance(time.Minute)

		next, _ := r.plan(t, nil)
		journal := new(memory)
		for _, o := range r.run(next.Steps, journal).Outcomes {
			if !o.Status.Reached() && (o.Status != apply.Blocked || o.Step.Blocked == "") {
				rt.Errorf("%s: %s: %s", o.Step.ID, o.Status, o.Why)
			}
		}
		assertAtItsEnd(rt, r, t, &h, before)

		r.cloud.Advance(time.Minute)
		if odd := became(r.run(journal.record().Undo(), &memory{}), apply.Done); odd != nil {
			rt.Errorf("the next run is not undone: %v", odd)
		}
		r.cloud.Advance(time.Minute)
		if result := r.run(begun.Undo(), &memory{}); !result.Complete() {
			rt.Errorf("the killed run is not undone: %v", became(result, apply.Done))
		}
		if _, undone := r.snapshot(); changes(before, undone) != nil {
			rt.Errorf("after undoing, it differs from before: %v", changes(before, undone))
		}
	})
}

// killed runs steps until it kills the run, and reads the journal.
func (r *rig) killed(t *testing.T, k *killer, steps []plan.Step) *apply.Record {
	t.Helper()
	dir := t.TempDir()
	k.file = r.journal(t, dir)
	r.wrap = k.wrap
	r.run(steps, k)
	r.wrap = nil
	run := k.file.Run()
	if err := k.file.Close(); err != nil {
		t.Fatal(err)
	}
	record, err := apply.ReadJournal(dir, run)
	if err != nil {
		t.Fatal(err)
	}
	return record
}

// assertAtItsEnd checks an organization after its last run.
func assertAtItsEnd(rt *rapid.T, r *rig, t *testing.T, h *org.Header, before []org.Account) {
	last, _ := r.plan(t, nil)
	blocked := map[string]bool{} // users, and accounts whose policy or group is blocked
	for _, s := range last.Steps {
		switch {
		case s.Blocked == "":
			rt.Errorf("planned again: %s", s.ID)
		case s.Remedy == "":
			rt.Errorf("%s is blocked without a remedy: %s", s.ID, s.Blocked)
		case s.UserName() != "":
			blocked[s.Subject] = true
		default:
			blocked[s.Account] = true
		}
	}
	_, after := r.snapshot()
	auditor := audit.New(h, r.baseline, r.cloud.Now())
	for i := range after {
		a := &after[i]
		for j := range a.Users {
			u := auditor.User(a, &a.Users[j])
			if u.State != audit.Enforced && u.State != audit.Exempt && !blocked[u.ARN] && !blocked[a.ID] {
				rt.Errorf("%s is %s, and nothing says why", u.ARN, u.State)
			}
		}
		if had, has := administrators(h, &before[i]), administrators(h, a); len(had) > 0 && len(has) == 0 {
			rt.Errorf("%s lost its administrators with MFA: %v (-before +after):\n%s", a.ID, had, cmp.Diff(before[i], *a))
		}
	}
}

// administrators are the users who can administer an account in an MFA session with a
// device of their own.
func administrators(h *org.Header, a *org.Account) []string {
	var names []string
	documents := new(org.Cache)
	for i := range a.Users {
		u := &a.Users[i]
		codes := false
		for _, d := range u.Devices {
			codes = codes || d.Kind.GivesCodes()
		}
		if len(u.Devices) == 0 || u.Password != org.Yes && (!codes || u.ActiveKeys() == 0) {
			continue
		}
		ctx := a.Context(h, u)
		ctx.SetMFA(policy.SessionTokenMFA, policy.True, start, start)
		r := policy.Request{Principal: a.Principal(u), Action: "iam:CreateUser", Resource: "arn:aws:iam::" + a.ID + ":user/new", Context: ctx}
		if documents.PolicySet(h, a, u).Decide(&r).Verdict == policy.Allowed {
			names = append(names, u.Name)
		}
	}
	return names
}

// drawUses draws the last use of the credentials of users, and names of users for
// emergencies.
func drawUses(t *rapid.T, a *org.Account) {
	for i := range a.Users {
		u := &a.Users[i]
		if days := pick(t, "used", -1, -1, 3, 200); days >= 0 && len(u.Keys) > 0 {
			at := start.AddDate(0, 0, -days)
			u.Keys[0].Used, u.Keys[0].UsedService = &at, pick(t, "for", "s3", "sts")
		}
		u.Services = &org.ServiceCredentials{SSHKeys: pick(t, "SSH keys", 0, 0, 0, 1)}
	}
	if pick(t, "emergency", 0, 0, 1) == 1 {
		name := fmt.Sprintf("break-glass-%s", a.ID[:3])
		a.Users = append(a.Users, person(a.ID, name, nil, []string{"arn:aws:iam::aws:policy/AdministratorAccess"}, phone))
	}
}
