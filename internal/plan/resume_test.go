package plan_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/org"
	"forcemfa/internal/plan"
)

// A step of a saved plan is made only when today's plan has the same one. Everything
// else is stale, with the reason.
func TestOnlyStepsOfBothPlansAreMade(t *testing.T) {
	step := func(change func(*plan.Step)) *plan.Step {
		s := plan.NewStep(plan.AddUserToGroup, account, adaARN, "ForceMFA", plan.State{}, plan.State{Present: true})
		change(&s)
		return &s
	}
	same := func(*plan.Step) {}
	blocked := func(why string) func(*plan.Step) {
		return func(s *plan.Step) { s.Block(why, "enroll a device") }
	}
	for _, row := range []struct {
		name        string
		file, today *plan.Step // today is nil: the step is no longer planned
		unread      bool       // its account was not read
		reached     bool       // its wanted state is in force
		result      string     // do, done, or part of the reason why it is stale
	}{
		{name: "the same", file: step(same), today: step(same), result: "do"},
		{name: "both blocked for one reason", file: step(blocked("no device")), today: step(blocked("no device")), result: "do"},
		{name: "done since", file: step(same), reached: true, result: "done"},
		{name: "no longer planned", file: step(same), result: "it is no longer needed"},
		{name: "blocked when it was saved", file: step(blocked("no device")), result: "it was blocked when the plan was saved, and is no longer planned"},
		{name: "an account that was not read", file: step(same), unread: true, result: "its account was not read"},
		{name: "a blocked step of an account that was not read", file: step(blocked("no device")), unread: true, result: "its account was not read"},
		{name: "blocked by a guard today", file: step(same), today: step(blocked("no device")), result: "a guard blocks it now: no device"},
		{name: "no longer blocked", file: step(blocked("no device")), today: step(same), result: "it was blocked when the plan was saved, and the saved plan does not allow it"},
		{name: "blocked for another reason", file: step(blocked("no device")), today: step(blocked("no password")), result: "it is blocked for another reason now: no password"},
		{name: "another state before", file: step(same), today: step(func(s *plan.Step) { s.Expect.Value = "x" }), result: "its subject changed after the plan was saved"},
		{name: "another wanted state", file: step(same), today: step(func(s *plan.Step) { s.Want.Value = "x" }), result: "the wanted state changed"},
		{name: "a wanted state of a changed file", file: step(func(s *plan.Step) { s.Want.Document = allowAll }), today: step(same), result: "the wanted state changed"},
		{name: "other needs", file: step(same), today: step(func(s *plan.Step) { s.Needs = []string{"x"} }), result: "the steps that it needs changed"},
		{name: "other findings", file: step(same), today: step(func(s *plan.Step) { s.Because = []string{"x"} }), result: "the reasons for it changed"},
	} {
		t.Run(row.name, func(t *testing.T) {
			file, today := plan.New(now, "c"), plan.New(now, "c")
			file.Steps = append(file.Steps, *row.file)
			if row.today != nil {
				today.Steps = append(today.Steps, *row.today)
			}
			if !row.unread {
				today.MarkState(row.file, plan.State{Present: row.reached}, true)
			}
			do, done, stale := plan.Intersect(file, today)
			if len(do)+len(done)+len(stale) != 1 {
				t.Fatalf("%d to do, %d done, %d stale", len(do), len(done), len(stale))
			}
			result := "do"
			switch {
			case len(done) > 0:
				result = "done"
			case len(stale) > 0:
				result = stale[0].Why
			}
			if !strings.HasPrefix(result, row.result) || len(do) > 0 && !do[0].Equal(row.today) {
				t.Errorf("%q, want %q", result, row.result)
			}
		})
	}
}

func TestAStepThatIsOnlyInTodaysPlanIsNotMade(t *testing.T) {
	today := plan.New(now, "c")
	today.Steps = append(today.Steps, plan.NewStep(plan.DeletePolicy, account, policyARN, "", plan.State{Present: true}, plan.State{}))
	if do, done, stale := plan.Intersect(plan.New(now, "c"), today); len(do)+len(done)+len(stale) != 0 {
		t.Errorf("do %v, done %v, stale %v", do, done, stale)
	}
}

// A killed run has created the group and deleted the oldest version of the policy. The
// saved plan is applied again, and goes on from there.
func TestTheRestOfAKilledRunIsMade(t *testing.T) {
	group := plan.NewStep(plan.CreateGroup, account, groupARN, "", plan.State{}, plan.State{Present: true})
	update := func(fingerprint string, versions ...string) plan.Step {
		return plan.NewStep(plan.UpdatePolicy, account, policyARN, "",
			plan.State{Present: true, Document: allowAll, Versions: versions, Fingerprint: fingerprint}, plan.State{Present: true, Document: denyAll, Fingerprint: "new"})
	}
	five := []string{"v1", "v2", "v3", "v4", "v5"}
	for _, row := range []struct {
		name        string
		file, today plan.Step
		made        bool
	}{
		{"nothing was done", update("old", five...), update("old", five...), true},
		{"the oldest version is gone", update("old", five...), update("old", five[1:]...), true},
		{"a version between is gone", update("old", five...), update("old", "v1", "v2", "v4", "v5"), true},
		{"the newest version is gone", update("old", five...), update("old", five[:4]...), true},
		{"two versions are gone", update("old", five...), update("old", five[2:]...), false},
		{"one is gone and one is new", update("old", five...), update("old", "v2", "v3", "v4", "v5", "v6"), false},
		{"two are gone and one is new", update("old", five...), update("old", "v3", "v4", "v5", "v6"), false},
		{"the fingerprint is written", update("old", five...), update("new", five...), true},
		{"another fingerprint", update("old", five...), update("other", five...), false},
	} {
		file, today := plan.New(now, "c"), plan.New(now, "c")
		s := row.file
		s.Needs = plan.IDs(&group)
		file.Steps, today.Steps = append(file.Steps, group, s), append(today.Steps, row.today)
		today.MarkState(&group, plan.State{Present: true}, true)
		do, done, stale := plan.Intersect(file, today)
		if made := len(do) == 1 && do[0].Equal(&row.today); made != row.made || len(done) != 1 || len(stale) == len(do) {
			t.Errorf("%s: do %v, stale %v", row.name, do, stale)
		}
	}
	// Only the update of a policy deletes versions.
	restore := func(versions ...string) plan.Step {
		return plan.NewStep(plan.RestorePolicy, account, policyARN, "", plan.State{Present: true, Versions: versions}, plan.State{Present: true})
	}
	file, today := plan.New(now, "c"), plan.New(now, "c")
	file.Steps, today.Steps = append(file.Steps, restore(five...)), append(today.Steps, restore(five[1:]...))
	if do, _, _ := plan.Intersect(file, today); len(do) != 0 {
		t.Errorf("another operation is made with a version less: %v", do)
	}
}

// A step is done only when its subject was read and is as wanted.
func TestMarkDone(t *testing.T) {
	const roleARN = "arn:aws:iam::" + account + ":role/Ops"
	create := plan.NewStep(plan.CreateRole, account, roleARN, "", plan.State{}, plan.State{Present: true, Document: allowAll, Value: "3600"})
	tag := plan.NewStep(plan.UntagUser, account, adaARN, "forcemfa-enrollment", plan.State{Present: true, Value: "x"}, plan.State{})
	role := func(trust string, change func(*org.Role)) *org.Account {
		r := org.Role{Name: "Ops", ARN: roleARN, Trust: trust}
		change(&r)
		return &org.Account{ID: account, Roles: []org.Role{r}}
	}
	same := func(*org.Role) {}
	for _, row := range []struct {
		name string
		step plan.Step
		in   *org.Account
		done bool
	}{
		{"the role as wanted", create, role(allowAll, func(r *org.Role) { r.MaxSession = 3600e9 }), true},
		{"a snapshot without session durations", create, role(allowAll, same), true},
		{"another session duration", create, role(allowAll, func(r *org.Role) { r.MaxSession = 7200e9 }), false},
		{"another trust policy", create, role(denyAll, same), false},
		{"no role", create, &org.Account{ID: account}, false},
		{"the tag is gone", tag, &org.Account{ID: account, Users: []org.User{{Name: "ada", ARN: adaARN}}}, true},
		{"the user is gone", tag, &org.Account{ID: account}, false},
	} {
		file, today := plan.New(now, "c"), plan.New(now, "c")
		file.Steps = append(file.Steps, row.step)
		today.MarkDone(row.in, file.ByAccount()[account])
		_, done, stale := plan.Intersect(file, today)
		if (len(done) == 1) != row.done || len(done)+len(stale) != 1 {
			t.Errorf("%s: done %v, stale %v", row.name, done, stale)
		}
	}
}

func TestStepsOfNoPlan(t *testing.T) {
	if all := (*plan.Plan)(nil).ByAccount(); all == nil || len(all) != 0 {
		t.Errorf("%v", all)
	}
	p := busy()
	if d := cmp.Diff(len(p.Steps), len(p.ByAccount()[account])); d != "" {
		t.Error(d)
	}
}

func TestListsNameEverybody(t *testing.T) {
	users := []plan.Affected{{Account: account, User: "ada", Why: "an SSH key"}, {Account: account, User: "bob"}, {Account: account}}
	l := plan.List{Kind: plan.KindStops, What: "stops working", Users: users}
	for most, want := range map[int]string{
		0: "stops working: 111122223333/ada (an SSH key), 111122223333/bob, 111122223333",
		1: "stops working: 111122223333/ada (an SSH key) and 2 more",
		2: "stops working: 111122223333/ada (an SSH key), 111122223333/bob and 1 more",
		3: "stops working: 111122223333/ada (an SSH key), 111122223333/bob, 111122223333",
	} {
		if got := l.Sentence(most); got != want {
			t.Errorf("at most %d: %q, want %q", most, got, want)
		}
	}
	p := &plan.Plan{Notes: []string{"a note"}, Lists: []plan.List{{Kind: plan.KindWindow, What: "window", Users: users[1:2]}, l}}
	if d := cmp.Diff([]string{"a note", "window: 111122223333/bob", "stops working: 111122223333/ada (an SSH key) and 2 more"}, p.Sentences(1)); d != "" {
		t.Errorf("sentences (-want +got):\n%s", d)
	}
	if d := cmp.Diff(users, p.List(plan.KindStops)); d != "" {
		t.Errorf("the list of a kind (-want +got):\n%s", d)
	}
	if none := p.List(plan.KindInline); none != nil {
		t.Errorf("a list that is absent: %v", none)
	}
}
