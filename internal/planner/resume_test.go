package planner_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
)

// reread is a plan after a round trip through its file.
func reread(t *testing.T, p *plan.Plan) *plan.Plan {
	t.Helper()
	var text bytes.Buffer
	if err := plan.Write(&text, p); err != nil {
		t.Fatal(err)
	}
	file, err := plan.Read("plan.json", &text)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// split are the steps of a plan file by their outcome, as lines.
type split struct{ Do, Done, Stale []string }

func intersect(file, today *plan.Plan) split {
	do, done, stale := plan.Intersect(file, today)
	short := func(steps []plan.Step) []string { return lines(&plan.Plan{Steps: steps}) }
	var old []plan.Step
	for _, s := range stale {
		old = append(old, s.Step)
	}
	return split{short(do), short(done), short(old)}
}

func messy() org.Account {
	return org.Account{Users: []org.User{user("ada", noDevice, noPassword), user("bob")}}
}

func TestPlanFileCanBeAppliedWhileNothingChanged(t *testing.T) {
	first := scene{account: messy()}
	file := reread(t, first.plan(t))
	later := scene{account: messy(), resume: file, now: now.AddDate(0, 0, 3)}
	if d := cmp.Diff(split{Do: lines(file)}, intersect(file, later.plan(t))); d != "" {
		t.Errorf("split (-want +got):\n%s", d)
	}
}

func TestKilledRunIsResumedFromItsPlanFile(t *testing.T) {
	first := scene{account: messy()}
	file := reread(t, first.plan(t))
	half := messy()
	half.Policies, half.Groups = managed(wanted())
	half.Groups[0].Attached = nil
	half.Users[0].Tags = []org.Tag{{Key: "forcemfa-enrollment", Value: "2026-11-09"}}
	later := scene{account: half, resume: file, now: now.Add(time.Hour)}
	want := split{
		Do:   []string{"AttachGroupPolicy ForceMFA ForceMFA", "AddUserToGroup ada ForceMFA", "AddUserToGroup bob ForceMFA"},
		Done: []string{"TagUser ada forcemfa-enrollment=2026-11-09", "CreatePolicy ForceMFA", "CreateGroup ForceMFA"},
	}
	today := later.plan(t)
	if d := cmp.Diff(want, intersect(file, today)); d != "" {
		t.Errorf("split (-want +got):\n%s", d)
	}
	if do, _, _ := plan.Intersect(file, today); len(do) > 0 && do[0].Needs != nil {
		t.Errorf("%s still needs %v", do[0].ID, do[0].Needs)
	}
}

func TestRunKilledAfterPruningIsResumed(t *testing.T) {
	policies, group := managed("{}", "{}", "{}", "{}", allowAll)
	first := scene{account: org.Account{Policies: policies, Groups: group}}
	file := reread(t, first.plan(t))
	after := policies[0]
	after.Tags = []org.Tag{{Key: baseline.FingerprintTag, Value: baseline.Fingerprint(baseline.Default().Document("aws"))}}
	after.Versions = after.Versions[1:]
	later := scene{account: org.Account{Policies: []org.Policy{after}, Groups: group}, resume: file}
	want := split{Do: []string{"UpdatePolicy ForceMFA"}}
	if d := cmp.Diff(want, intersect(file, later.plan(t))); d != "" {
		t.Errorf("split (-want +got):\n%s", d)
	}
	after.Versions = after.Versions[1:]
	later.account.Policies = []org.Policy{after}
	if d := cmp.Diff(split{Stale: []string{"UpdatePolicy ForceMFA"}}, intersect(file, later.plan(t))); d != "" {
		t.Errorf("two versions gone (-want +got):\n%s", d)
	}
	after.Versions, after.Tags = policies[0].Versions, []org.Tag{{Key: baseline.FingerprintTag, Value: "somebody else's"}}
	later.account.Policies = []org.Policy{after}
	if d := cmp.Diff(split{Stale: []string{"UpdatePolicy ForceMFA"}}, intersect(file, later.plan(t))); d != "" {
		t.Errorf("another fingerprint (-want +got):\n%s", d)
	}
}

func TestStepsOfUsersWhoChangedAreStale(t *testing.T) {
	first := scene{account: org.Account{Users: []org.User{user("ada"), user("bob"), user("cyd"), user("dan")}}}
	file := reread(t, first.plan(t))
	later := scene{resume: file, account: org.Account{Groups: groups(10), Users: []org.User{
		user("ada", workload), user("bob", fullOf(10)), user("cyd"), user("eve"),
	}}}
	want := split{
		Do: []string{"CreatePolicy ForceMFA", "CreateGroup ForceMFA", "AttachGroupPolicy ForceMFA ForceMFA", "AddUserToGroup cyd ForceMFA"},
		Stale: []string{"AddUserToGroup ada ForceMFA", "AddUserToGroup bob ForceMFA",
			"AddUserToGroup dan ForceMFA"},
	}
	if d := cmp.Diff(want, intersect(file, later.plan(t))); d != "" {
		t.Errorf("split (-want +got):\n%s", d)
	}
}

// Whatever is changed in a plan file, only steps of the current plan are returned.
func TestTamperedPlanFileAddsNoStep(t *testing.T) {
	lockedOut := user("lou", fidoOnly, noPassword)
	account := messy()
	account.Users = append(account.Users, lockedOut)
	tamper := map[string]func(*plan.Plan){
		"document":             func(p *plan.Plan) { at(p, plan.CreatePolicy).Want.Document = allowAll },
		"unblock":              func(p *plan.Plan) { last := &p.Steps[len(p.Steps)-1]; last.Blocked, last.Remedy = "", "" },
		"needs":                func(p *plan.Plan) { at(p, plan.AttachGroupPolicy).Needs = nil },
		"window":               func(p *plan.Plan) { at(p, plan.TagUser).Want.Value = "2099-01-01" },
		"expect":               func(p *plan.Plan) { at(p, plan.AddUserToGroup).Expect.Present = true },
		"a date in the future": func(p *plan.Plan) { p.Made = now.AddDate(50, 0, 0) },
		"a date long ago":      func(p *plan.Plan) { p.Made = now.AddDate(-1, 0, 0) },
		"another policy": func(p *plan.Plan) {
			s := at(p, plan.AttachGroupPolicy)
			s.ID, s.Object = strings.ReplaceAll(s.ID, policyARN, admin), admin
			for i := range p.Steps {
				p.Steps[i].Needs = nil
			}
		},
	}
	for name, change := range tamper {
		t.Run(name, func(t *testing.T) {
			first := scene{account: account}
			file := first.plan(t)
			change(file)
			file = reread(t, file)
			later := scene{account: account, resume: file, now: now.Add(time.Minute)}
			honest := scene{account: account, now: now.Add(time.Minute)}
			do, _, stale := plan.Intersect(file, later.plan(t))
			allowed := honest.plan(t).Steps
			for i := range do {
				if !slices.ContainsFunc(allowed, func(s plan.Step) bool { return s.Equal(&do[i]) }) {
					t.Errorf("does %s, which today's plan does not have: %+v", do[i].ID, do[i])
				}
			}
			if len(stale) == 0 && !strings.HasPrefix(name, "a date") {
				t.Error("nothing is stale")
			}
		})
	}
}

// at is the first step of a kind.
func at(p *plan.Plan, op plan.Op) *plan.Step {
	i := slices.IndexFunc(p.Steps, func(s plan.Step) bool { return s.Op == op })
	return &p.Steps[i]
}
