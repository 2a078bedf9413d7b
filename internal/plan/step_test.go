package plan_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/org"
	"forcemfa/internal/plan"
)

func TestInverseOfTheInverseIsTheStep(t *testing.T) {
	there, gone := plan.State{Present: true, Document: "new", Value: "new"}, plan.State{}
	replaced := plan.State{Present: true, Document: "old", Value: "old"}
	for _, op := range plan.Ops() {
		for name, before := range map[string]plan.State{"absent": gone, "present": replaced} {
			s := plan.Step{ID: string(op) + "/1/s/o", Op: op, Account: "1", Subject: "s", Object: "o", Expect: before, Want: there, Because: []string{"f"}}
			switch op {
			case plan.UntagUser, plan.RemoveUserFromGroup, plan.DetachUserPolicy, plan.DeleteUserPolicy,
				plan.DetachGroupPolicy, plan.DeleteGroup, plan.DeletePolicy, plan.DetachSCP, plan.DeleteSCP,
				plan.DeleteGroupPolicy, plan.DeleteRole, plan.DetachRolePolicy, plan.DeleteRolePolicy:
				s.Expect, s.Want = there, before
				if before.Present {
					continue // what takes away does not leave something else
				}
			case plan.UpdatePolicy, plan.RestorePolicy, plan.UpdateSCP, plan.UpdateTrust, plan.UpdateEntranceTrust:
				if !before.Present {
					continue
				}
			case plan.DeleteKey, plan.RestoreKey:
				continue // see TestADeletedKeyCannotBeRestored
			case plan.DeactivateKey, plan.ActivateKey:
				if !before.Present {
					continue
				}
			case plan.TagUser, plan.PutUserPolicy, plan.PutGroupPolicy, plan.PutRolePolicy:
			default:
				if before.Present {
					continue // what makes does not replace
				}
			}
			back := plan.Inverse(s)
			if back.Op == "" || back.Expect.Document != s.Want.Document || back.Want.Document != s.Expect.Document {
				t.Errorf("%s of what is %s: inverse %+v", op, name, back)
			}
			if d := cmp.Diff(s, plan.Inverse(back)); d != "" {
				t.Errorf("%s of what is %s: twice inverted (-want +got):\n%s", op, name, d)
			}
		}
	}
}

func TestADeletedKeyCannotBeRestored(t *testing.T) {
	s := plan.NewStep(plan.DeleteKey, "111122223333", "arn:aws:iam::111122223333:user/bob", "AKIA1", plan.State{Present: true, Value: plan.KeyInactive}, plan.State{})
	if back := plan.Inverse(s); back.Op != plan.RestoreKey || back.Blocked == "" || back.Remedy == "" {
		t.Errorf("%+v", back)
	}
}

func TestParseLimitAndCheck(t *testing.T) {
	p := &plan.Plan{Users: 100, Steps: []plan.Step{
		{Op: plan.CreatePolicy, Account: "1", Subject: policyARN},
		{Op: plan.TagUser, Account: "1", Subject: "arn:aws:iam::1:user/ada"},
		{Op: plan.AddUserToGroup, Account: "1", Subject: "arn:aws:iam::1:user/ada"},
		{Op: plan.AddUserToGroup, Account: "2", Subject: "arn:aws:iam::2:user/ada"},
		{Op: plan.AddUserToGroup, Account: "2", Subject: "arn:aws:iam::2:user/bob", Blocked: "no way in"},
	}}
	sum := plan.Summary{Steps: 4, Blocked: 1, Accounts: 2, Users: 2,
		Ops: map[plan.Op]int{plan.CreatePolicy: 1, plan.TagUser: 1, plan.AddUserToGroup: 2}}
	if d := cmp.Diff(sum, p.Summary()); d != "" {
		t.Errorf("summary (-want +got):\n%s", d)
	}
	for limit, want := range map[string]string{
		"":   "",
		"4":  "",
		"3":  "the plan has 4 steps, more than the limit of 3",
		"2%": "",
		"1%": "the plan changes 2 of 100 users, more than the limit of 1%",
		"0%": "the plan changes 2 of 100 users, more than the limit of 0%",
		"0":  "the plan has 4 steps, more than the limit of 0",
	} {
		l, err := plan.ParseLimit(limit)
		if err != nil || l.String() != limit {
			t.Fatalf("limit %q: %q, %v", limit, l, err)
		}
		err = l.Check(p)
		var refused *plan.TooManyChangesError
		if (want == "") != (err == nil) || err != nil && (!errors.As(err, &refused) || err.Error() != want) {
			t.Errorf("limit %q: %v, want %q", limit, err, want)
		}
	}
	for _, bad := range []string{"-1", "x", "101%", "%", "1.5", "99999999999"} {
		if _, err := plan.ParseLimit(bad); err == nil {
			t.Errorf("limit %q is taken", bad)
		}
	}
}

func TestStatesHold(t *testing.T) {
	versions := plan.State{Present: true, Document: "{}", Versions: []string{"v1"}}
	tests := []struct {
		name      string
		want, now plan.State
		holds     bool
	}{
		{"absent", plan.State{}, plan.State{}, true},
		{"present is not absent", plan.State{}, plan.State{Present: true}, false},
		{"another value", plan.State{Present: true, Value: "a"}, plan.State{Present: true, Value: "b"}, false},
		{"versions that are not asked for", plan.State{Present: true, Document: "{}"}, versions, true},
		{"other versions", versions, plan.State{Present: true, Document: "{}", Versions: []string{"v1", "v2"}}, false},
		{"white space", plan.State{Present: true, Document: allowAll}, plan.State{Present: true, Document: " " + allowAll}, true},
		{"another document", plan.State{Present: true, Document: allowAll}, plan.State{Present: true, Document: denyAll}, false},
		{"unreadable documents that are the same text", plan.State{Document: "x"}, plan.State{Document: "x"}, true},
		{"unreadable documents that differ", plan.State{Document: "x"}, plan.State{Document: "x "}, false},
	}
	for _, tt := range tests {
		if got := tt.want.Holds(tt.now); got != tt.holds {
			t.Errorf("%s: holds %v", tt.name, got)
		}
	}
}

func TestObserveReturnsTheStateOfEachOp(t *testing.T) {
	bob := org.User{
		Name: "bob", ARN: "arn:aws:iam::" + account + ":user/bob", Groups: []string{"ForceMFA"}, Attached: []string{policyARN},
		Inline: []org.InlinePolicy{{Name: "ForceMFA", Document: "{}"}}, Tags: []org.Tag{{Key: "forcemfa-enrollment", Value: "x"}},
	}
	a := org.Account{ID: account, Users: []org.User{bob},
		Policies: []org.Policy{{ARN: policyARN, Name: "ForceMFA", Default: "v2", Versions: []org.Version{{ID: "v1", Document: "{}"}, {ID: "v2", Document: allowAll}}}},
		Groups:   []org.Group{{Name: "ForceMFA", ARN: groupARN, Attached: []string{policyARN}}}}
	present := plan.State{Present: true}
	policyState := plan.State{Present: true, Document: allowAll, Versions: []string{"v1", "v2"}}
	tests := []struct {
		op              plan.Op
		subject, object string
		want            plan.State
		ok              bool
	}{
		{plan.CreatePolicy, policyARN, "", policyState, true},
		{plan.UpdatePolicy, policyARN + "x", "", plan.State{}, true},
		{plan.CreateGroup, groupARN, "", present, true},
		{plan.DeleteGroup, groupARN + "x", "", plan.State{}, true},
		{plan.AttachGroupPolicy, groupARN, policyARN, present, true},
		{plan.DetachGroupPolicy, groupARN, admin, plan.State{}, true},
		{plan.AttachGroupPolicy, groupARN + "x", policyARN, plan.State{}, false},
		{plan.AddUserToGroup, bob.ARN, "ForceMFA", present, true},
		{plan.RemoveUserFromGroup, bob.ARN, "Other", plan.State{}, true},
		{plan.AttachUserPolicy, bob.ARN, policyARN, present, true},
		{plan.PutUserPolicy, bob.ARN, "ForceMFA", plan.State{Present: true, Document: "{}"}, true},
		{plan.DeleteUserPolicy, bob.ARN, "forcemfa", plan.State{}, true},
		{plan.TagUser, bob.ARN, "Forcemfa-Enrollment", plan.State{Present: true, Value: "x"}, true},
		{plan.UntagUser, bob.ARN, "other", plan.State{}, true},
		{plan.TagUser, bob.ARN + "by", "other", plan.State{}, false},
	}
	for _, tt := range tests {
		got, ok := plan.Observe(&a, &plan.Step{Op: tt.op, Subject: tt.subject, Object: tt.object})
		if d := cmp.Diff(tt.want, got); d != "" || ok != tt.ok {
			t.Errorf("%s %s %s: ok %v (-want +got):\n%s", tt.op, tt.subject, tt.object, ok, d)
		}
	}
}
