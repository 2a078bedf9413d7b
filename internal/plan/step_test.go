package plan_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

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

		"100%": "",
		"101":  "",
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

// Of the state before, a rollback restores the value that was replaced. Versions and
// texts of a policy come from AWS and from the journal.
func TestTheInverseRestoresWhatWasReplaced(t *testing.T) {
	old, want := plan.State{Present: true, Document: "old", Value: "old", Versions: []string{"v1"}, Texts: []string{"a"}}, plan.State{Present: true, Document: "new", Value: "new", Versions: []string{"v2"}, Texts: []string{"b"}}
	for _, row := range []struct {
		op       plan.Op
		replaced plan.Op // undoes it when a value was there before
		made     plan.Op // undoes it when there was none
	}{
		{plan.TagUser, plan.TagUser, plan.UntagUser},
		{plan.PutUserPolicy, plan.PutUserPolicy, plan.DeleteUserPolicy},
		{plan.PutGroupPolicy, plan.PutGroupPolicy, plan.DeleteGroupPolicy},
		{plan.PutRolePolicy, plan.PutRolePolicy, plan.DeleteRolePolicy},
		{plan.UpdatePolicy, plan.RestorePolicy, plan.RestorePolicy},
		{plan.AttachUserPolicy, plan.DetachUserPolicy, plan.DetachUserPolicy},
	} {
		s := plan.NewStep(row.op, account, adaARN, "o", old, want)
		back := plan.Inverse(s)
		wanted := plan.NewStep(row.replaced, account, adaARN, "o", plan.State{Present: true, Document: "new", Value: "new"}, plan.State{Present: true, Document: "old", Value: "old"})
		if d := cmp.Diff(wanted, back); d != "" {
			t.Errorf("%s (-want +got):\n%s", row.op, d)
		}
		s.Expect = plan.State{}
		if back := plan.Inverse(s); back.Op != row.made {
			t.Errorf("%s of what was not there: undone by %s, want %s", row.op, back.Op, row.made)
		}
	}
}

func TestABlockedNeedBlocksTheStep(t *testing.T) {
	open, shut := plan.NewStep(plan.CreateGroup, account, groupARN, "", plan.State{}, plan.State{}), plan.NewStep(plan.CreatePolicy, account, policyARN, "", plan.State{}, plan.State{})
	shut.Block("no room", "delete a policy")
	s := plan.NewStep(plan.AddUserToGroup, account, adaARN, "ForceMFA", plan.State{}, plan.State{})
	s.BlockBy(nil, &open)
	if s.Blocked != "" {
		t.Errorf("blocked by what is not: %s", s.Blocked)
	}
	s.BlockBy(&open, &shut)
	if s.Blocked != "needs "+shut.ID+", which is blocked" || s.Remedy != "delete a policy" {
		t.Errorf("%q, %q", s.Blocked, s.Remedy)
	}
	other := plan.NewStep(plan.AddUserToGroup, account, adaARN, "ForceMFA", plan.State{}, plan.State{})
	other.Block("no device", "enroll")
	other.Block("", "")
	if other.BlockBy(&shut); other.Blocked != "no device" || other.Remedy != "enroll" {
		t.Errorf("the first reason is replaced: %q, %q", other.Blocked, other.Remedy)
	}
}

// Steps come in the order in which they are safe: service control policies are detached
// before and attached after everything else, and users lose a policy last.
func TestStepsAreInOrder(t *testing.T) {
	step := func(op plan.Op, id, subject, object string) plan.Step {
		return plan.NewStep(op, id, subject, object, plan.State{}, plan.State{})
	}
	want := []plan.Step{
		step(plan.DetachSCP, "222222222222", "p", "r"), step(plan.DeleteSCP, "222222222222", "p", ""),
		step(plan.TagUser, "111111111111", "b", "t"), step(plan.CreatePolicy, "111111111111", "p", ""), step(plan.AttachGroupPolicy, "111111111111", "g", "p"),
		step(plan.AddUserToGroup, "111111111111", "a", "g"), step(plan.AddUserToGroup, "111111111111", "b", "f"), step(plan.AddUserToGroup, "111111111111", "b", "g"), step(plan.DeletePolicy, "111111111111", "a", ""),
		step(plan.TagUser, "222222222222", "a", "t"),
		step(plan.CreateSCP, "111111111111", "p", ""), step(plan.UpdateSCP, "111111111111", "p", ""), step(plan.AttachSCP, "111111111111", "p", "r"),
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, plan.Compare)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("order (-want +got):\n%s", d)
	}
	for _, s := range want {
		if of := strings.HasSuffix(string(s.Op), "SCP"); s.OfOrganization() != of {
			t.Errorf("%s: of the organization %v", s.Op, !of)
		}
	}
	if plan.CreateGroup.Before(plan.CreateGroup) || plan.DeletePolicy.Before(plan.CreatePolicy) || !plan.CreatePolicy.Before(plan.AttachGroupPolicy) {
		t.Error("operations are in another order")
	}
}

func TestUserName(t *testing.T) {
	for subject, want := range map[string]string{adaARN: "ada", groupARN: "", "ada": ""} {
		if s := (plan.Step{Subject: subject}); s.UserName() != want {
			t.Errorf("%s: %q, want %q", subject, s.UserName(), want)
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
		{"texts that are present, among others", plan.State{Texts: []string{"a"}}, plan.State{Texts: []string{"b", "a"}}, true},
		{"a text that is absent", plan.State{Texts: []string{"a", "b"}}, plan.State{Texts: []string{"b"}}, false},
		{"a text that is wanted twice", plan.State{Texts: []string{"a", "a"}}, plan.State{Texts: []string{"b", "a"}}, false},
		{"a trust policy in other white space", plan.State{Document: trustAda}, plan.State{Document: trustAda + " "}, true},
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
		Keys:     []org.AccessKey{{ID: "AKIA1", Active: true}, {ID: "AKIA2"}},
		Services: &org.ServiceCredentials{Listed: []org.ServiceCredential{{ID: "ACCA1", Active: true}, {ID: "APKA1"}}},
	}
	amy := org.User{Name: "amy", ARN: "arn:aws:iam::" + account + ":user/amy"}
	role := org.Role{Name: "Ops", ARN: "arn:aws:iam::" + account + ":role/Ops", Trust: denyAll, MaxSession: 2 * time.Hour, Attached: []string{admin}, Inline: []org.InlinePolicy{{Name: "Own", Document: "{}"}}}
	plain := org.Role{Name: "Plain", ARN: role.ARN + "2", Trust: allowAll}
	a := org.Account{ID: account, Users: []org.User{amy, bob}, Roles: []org.Role{role, plain},
		Policies: []org.Policy{{ARN: policyARN, Name: "ForceMFA", Default: "v2", Versions: []org.Version{{ID: "v10", Document: "{}"}, {ID: "v1", Document: "{}"}, {ID: "v2", Document: allowAll}}},
			{ARN: policyARN + "2", Default: "v3", Versions: []org.Version{{ID: "v1"}}}},
		Groups: []org.Group{{Name: "ForceMFA", ARN: groupARN, Attached: []string{policyARN}, Inline: []org.InlinePolicy{{Name: "Own", Document: "{}"}}}}}
	present := plan.State{Present: true}
	policyState := plan.State{Present: true, Document: allowAll, Versions: []string{"v1", "v2", "v10"}}
	inline := plan.State{Present: true, Document: "{}"}
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
		{plan.TagUser, "arn:aws:iam::" + account + ":user/team/bob", "other", plan.State{}, false}, // bob has another path
		{plan.TagUser, "bob", "other", plan.State{}, false},
		{plan.UpdatePolicy, policyARN + "2", "", plan.State{Present: true, Versions: []string{"v1"}}, false}, // its default was not read
		{plan.PutGroupPolicy, groupARN, "Own", inline, true},
		{plan.DeleteGroupPolicy, groupARN, "Other", plan.State{}, true},
		{plan.PutGroupPolicy, groupARN + "x", "Own", plan.State{}, false},
		{plan.CreateRole, role.ARN, "", plan.State{Present: true, Document: denyAll, Value: "7200"}, true},
		{plan.DeleteRole, plain.ARN, "", plan.State{Present: true, Document: allowAll}, true},
		{plan.CreateRole, role.ARN + "x", "", plan.State{}, true},
		{plan.DeleteRole, role.ARN + "x", "", plan.State{}, true},
		{plan.UpdateTrust, role.ARN, "", plan.State{Present: true, Document: denyAll}, true},
		{plan.UpdateEntranceTrust, plain.ARN, "", plan.State{Present: true, Document: allowAll}, true},
		{plan.UpdateTrust, role.ARN + "x", "", plan.State{}, false},
		{plan.AttachRolePolicy, role.ARN, admin, present, true},
		{plan.DetachRolePolicy, plain.ARN, admin, plan.State{}, true},
		{plan.AttachRolePolicy, role.ARN + "x", admin, plan.State{}, false},
		{plan.PutRolePolicy, role.ARN, "Own", inline, true},
		{plan.DeleteRolePolicy, plain.ARN, "Own", plan.State{}, true},
		{plan.DeactivateKey, bob.ARN, "AKIA1", plan.State{Present: true, Value: plan.KeyActive}, true},
		{plan.ActivateKey, bob.ARN, "AKIA2", plan.State{Present: true, Value: plan.KeyInactive}, true},
		{plan.DeleteKey, bob.ARN, "ACCA1", plan.State{Present: true, Value: plan.KeyActive}, true},
		{plan.RestoreKey, bob.ARN, "APKA1", plan.State{Present: true, Value: plan.KeyInactive}, true},
		{plan.DeleteKey, bob.ARN, "AKIA3", plan.State{}, true},
		{plan.DeleteKey, amy.ARN, "AKIA1", plan.State{}, true},
	}
	for _, tt := range tests {
		got, ok := plan.Observe(&a, &plan.Step{Op: tt.op, Subject: tt.subject, Object: tt.object})
		if d := cmp.Diff(tt.want, got); d != "" || ok != tt.ok {
			t.Errorf("%s %s %s: ok %v (-want +got):\n%s", tt.op, tt.subject, tt.object, ok, d)
		}
	}
}
