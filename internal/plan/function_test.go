package plan_test

import (
	"strings"
	"testing"
	"time"

	"forcemfa/internal/baseline"
	"forcemfa/internal/plan"
)

// The function attaches its policy to its own group and to users, and nothing else.
func TestOfFunction(t *testing.T) {
	const id = "111111111111"
	var (
		user   = "arn:aws:iam::" + id + ":user/bob"
		group  = baseline.GroupARN("aws", id)
		others = "arn:aws:iam::" + id + ":group/Developers"
		policy = baseline.PolicyARN("aws", id)
		admin  = "arn:aws:iam::aws:policy/AdministratorAccess"
		none   = plan.State{}
		set    = plan.State{Present: true, Value: "2026-11-02"}
	)
	b := baseline.Default()
	b.Adopt = []string{"/team/EnforceMFA"}
	for _, row := range []struct {
		name            string
		op              plan.Op
		subject, object string
		expect, want    plan.State
		ok              bool
	}{
		{"a user joins the group", plan.AddUserToGroup, user, baseline.GroupName, none, set, true},
		{"a user joins another group", plan.AddUserToGroup, user, "Developers", none, set, false},
		{"the policy on a user", plan.AttachUserPolicy, user, policy, none, set, true},
		{"an adopted policy on a user", plan.AttachUserPolicy, user, "arn:aws:iam::" + id + ":policy/team/EnforceMFA", none, set, true},
		{"an adopted policy of another account", plan.AttachUserPolicy, user, "arn:aws:iam::222222222222:policy/team/EnforceMFA", none, set, false},
		{"another policy on a user", plan.AttachUserPolicy, user, admin, none, set, false},
		{"the policy on its group", plan.AttachGroupPolicy, group, policy, none, set, true},
		{"the policy on another group", plan.AttachGroupPolicy, others, policy, none, set, false},
		{"another policy on its group", plan.AttachGroupPolicy, group, admin, none, set, false},
		{"the policy on a group of the name in another account", plan.AttachGroupPolicy, baseline.GroupARN("aws", "222222222222"), policy, none, set, false},
		{"a window", plan.TagUser, user, "Forcemfa-Enrollment", none, set, true},
		{"a closed window", plan.UntagUser, user, "forcemfa-enrollment", set, none, true},
		{"another tag", plan.TagUser, user, "userType", none, set, false},
		{"the mark of an enrolled user", plan.TagUser, user, baseline.DeviceByKeyTag, none, set, true},
		{"another value of the mark", plan.TagUser, user, baseline.DeviceByKeyTag, set, set, false},
		{"the mark removed", plan.UntagUser, user, baseline.DeviceByKeyTag, set, none, false},
		{"a user out of the group", plan.RemoveUserFromGroup, user, baseline.GroupName, set, none, false},
		{"the policy off a user", plan.DetachUserPolicy, user, policy, set, none, false},
		{"an inline policy", plan.PutUserPolicy, user, baseline.InlinePolicyName, none, set, false},
	} {
		s := plan.NewStep(row.op, id, row.subject, row.object, row.expect, row.want)
		if got := s.OfFunction(b); got != row.ok {
			t.Errorf("%s: %v, want %v", row.name, got, row.ok)
		}
	}
}

// A journal in a bucket is untrusted: a rollback obeys only steps that the function can
// have made, and opens no window for longer than the function would have.
func TestCheckFunctionAcceptsOnlyWhatTheFunctionDoes(t *testing.T) {
	const id, tag = "111111111111", "forcemfa-enrollment"
	user := "arn:aws:iam::" + id + ":user/bob"
	began := time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC)
	none, there := plan.State{}, plan.State{Present: true}
	until := func(date string) plan.State { return plan.State{Present: true, Value: date} }
	opened := plan.NewStep(plan.TagUser, id, user, tag, none, until("2026-11-09"))
	joined := plan.NewStep(plan.AddUserToGroup, id, user, baseline.GroupName, none, there)
	changed := func(s plan.Step, change func(*plan.Step)) plan.Step { change(&s); return s }
	for _, row := range []struct {
		name string
		step plan.Step
		want string // part of the error
	}{
		{"a user joins the group", joined, ""},
		{"a window is opened", opened, ""},
		{"a window is closed", plan.NewStep(plan.UntagUser, id, user, tag, until("2026-11-01"), none), ""},
		{"a window without a date is closed", plan.NewStep(plan.UntagUser, id, user, tag, until("x"), none), ""},
		{"a window is shortened", plan.NewStep(plan.TagUser, id, user, tag, until("2026-12-01"), until("2026-11-09")), ""},
		{"a window of 31 days is closed", plan.NewStep(plan.UntagUser, id, user, tag, until("2026-12-02"), none), ""},
		{"a window of 32 days would open again", plan.NewStep(plan.UntagUser, id, user, tag, until("2026-12-03"), none), "open for more than 31 days"},
		{"a window that was replaced would open for years", plan.NewStep(plan.TagUser, id, user, tag, until("2036-12-03"), until("2026-11-09")), "open for more than 31 days"},
		{"a user leaves the group", plan.NewStep(plan.RemoveUserFromGroup, id, user, baseline.GroupName, there, none), "does not make the change"},
		{"another group", plan.NewStep(plan.AddUserToGroup, id, user, "Admins", none, there), "does not make the change AddUserToGroup Admins"},
		{"an ID of another step", changed(joined, func(s *plan.Step) { s.ID = opened.ID }), "id:"},
		{"a blocked step", changed(joined, func(s *plan.Step) { s.Block("no device", "") }), "a blocked step"},
		{"a document before", changed(joined, func(s *plan.Step) { s.Expect.Document = "{}" }), "more than the change has"},
		{"a document after", changed(joined, func(s *plan.Step) { s.Want.Document = "{}" }), "more than the change has"},
		{"a manager", changed(joined, func(s *plan.Step) { s.Want.ManagedBy = "m" }), "more than the change has"},
		{"a fingerprint", changed(joined, func(s *plan.Step) { s.Want.Fingerprint = "f" }), "more than the change has"},
		{"versions", changed(joined, func(s *plan.Step) { s.Want.Versions = []string{"v1"} }), "more than the change has"},
		{"texts", changed(joined, func(s *plan.Step) { s.Want.Texts = []string{"{}"} }), "more than the change has"},
		{"a value of a membership", changed(joined, func(s *plan.Step) { s.Want.Value = "x" }), "more than the change has"},
		{"a value of an absent tag", changed(opened, func(s *plan.Step) { s.Expect.Value = "2026-11-09" }), "more than the change has"},
		{"a member joins", changed(joined, func(s *plan.Step) { s.Expect.Present = true }), "not those of AddUserToGroup"},
		{"nobody joins", changed(joined, func(s *plan.Step) { s.Want.Present = false }), "not those of AddUserToGroup"},
		{"a tag is set and absent", plan.NewStep(plan.TagUser, id, user, tag, none, none), "not those of TagUser"},
		{"a tag is removed and there", plan.NewStep(plan.UntagUser, id, user, tag, until("2026-11-01"), until("2026-11-01")), "not those of UntagUser"},
		{"an absent tag is removed", plan.NewStep(plan.UntagUser, id, user, tag, none, none), "not those of UntagUser"},
	} {
		err := row.step.CheckFunction(baseline.Default(), began)
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", row.name, err, row.want)
		}
	}
}

func TestTheFunctionMakesNoStepWithoutASubject(t *testing.T) {
	s := plan.Step{Op: plan.AddUserToGroup, Account: "111111111111", Subject: "bob", Object: baseline.GroupName}
	if s.OfFunction(baseline.Default()) {
		t.Error("the subject is no ARN")
	}
}
