package plan_test

import (
	"testing"

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
