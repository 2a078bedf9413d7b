package planner_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/planner"
)

func TestUsersAreAddedToTheGroup(t *testing.T) {
	s := scene{account: org.Account{Users: []org.User{user("bob"), user("ada"), user("robby", workload)}}}
	want := []string{
		"CreatePolicy ForceMFA",
		"CreateGroup ForceMFA",
		"AttachGroupPolicy ForceMFA ForceMFA",
		"AddUserToGroup ada ForceMFA",
		"AddUserToGroup bob ForceMFA",
	}
	p := s.plan(t)
	if d := cmp.Diff(want, lines(p)); d != "" {
		t.Errorf("plan (-want +got):\n%s", d)
	}
	attach, add := p.Steps[2], p.Steps[3]
	wholeAdd := plan.Step{
		ID: "AddUserToGroup/" + account + "/arn:aws:iam::" + account + ":user/ada/ForceMFA",
		Op: plan.AddUserToGroup, Account: account, Subject: "arn:aws:iam::" + account + ":user/ada", Object: "ForceMFA",
		Want: plan.State{Present: true}, Needs: []string{attach.ID}, Because: []string{"user-open/" + account + "/user/ada"},
	}
	if d := cmp.Diff(wholeAdd, add); d != "" {
		t.Errorf("step (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{p.Steps[0].ID, p.Steps[1].ID}, attach.Needs); d != "" {
		t.Errorf("needs of the attachment (-want +got):\n%s", d)
	}
	if p.Users != 3 || p.Format != plan.Format || !p.Made.Equal(now) || p.Config != s.baseline.Hash() {
		t.Errorf("head: users %d, format %d, made %s, config %s", p.Users, p.Format, p.Made, p.Config)
	}
}

func TestPlannedSteps(t *testing.T) {
	policies, group := managed(wanted())
	drifted, driftedGroup := managed("{}", allowAll)
	old := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}`
	bare := []org.Group{{Name: "ForceMFA", Path: "/forcemfa/", ARN: groupARN}}
	long := strings.Repeat("s3:GetObject,", 100)
	const onlyFIDO = "no sign-in path: in has an access key, but no console password and no MFA device that generates codes"
	tests := []struct {
		name string
		scene
		want []string
	}{
		{"no users", scene{}, nil},
		{"enforced users get no steps", scene{account: org.Account{Policies: policies, Groups: group,
			Users: []org.User{user("in", inGroup), user("by", attached), user("own", inline(wanted()))}}}, nil},
		{"the policy was detached from the group", scene{account: org.Account{Policies: policies,
			Groups: bare,
			Users:  []org.User{user("in", inGroup), user("robby", workload, inGroup)}}},
			[]string{"RemoveUserFromGroup robby ForceMFA", "AttachGroupPolicy ForceMFA ForceMFA"}},
		{"a drifted document is repaired", scene{account: org.Account{Policies: drifted, Groups: driftedGroup,
			Users: []org.User{user("in", inGroup), user("out")}}},
			[]string{"UpdatePolicy ForceMFA", "AddUserToGroup out ForceMFA"}},
		{"white space is no drift", scene{account: func() org.Account {
			p, g := managed(strings.ReplaceAll(wanted(), ",", ", "))
			return org.Account{Policies: p, Groups: g, Users: []org.User{user("in", inGroup)}}
		}()}, nil},
		{"a drifted inline policy is repaired", scene{account: org.Account{Users: []org.User{user("own", inline(old))}}},
			[]string{"PutUserPolicy own ForceMFA"}},
		{"a member of the group is enforced by it, and its inline policy is repaired", scene{account: org.Account{Policies: policies, Groups: bare,
			Users: []org.User{user("own", inGroup, inline(old))}}},
			[]string{"AttachGroupPolicy ForceMFA ForceMFA", "PutUserPolicy own ForceMFA"}},
		{"a drifted inline policy of a user enforced otherwise is repaired", scene{account: org.Account{Policies: policies, Groups: group,
			Users: []org.User{user("by", attached, inline(old)), user("in", inGroup, inline(old))}}},
			[]string{"PutUserPolicy by ForceMFA", "PutUserPolicy in ForceMFA"}},
		{"a drifted inline policy is repaired after the policy and the enrollment window", scene{account: org.Account{Policies: drifted, Groups: driftedGroup,
			Users: []org.User{user("in", inGroup, noDevice, noPassword, inline(old))}}},
			[]string{"TagUser in forcemfa-enrollment=2026-11-09", "UpdatePolicy ForceMFA", "PutUserPolicy in ForceMFA"}},
		{"a drifted inline policy is not repaired for a user who would be locked out", scene{account: org.Account{Policies: drifted, Groups: driftedGroup,
			Users: []org.User{user("in", inGroup, fidoOnly, noPassword, inline(old))}}},
			[]string{"UpdatePolicy ForceMFA BLOCKED also enforces in: " + onlyFIDO, "PutUserPolicy in ForceMFA BLOCKED " + onlyFIDO}},
		{"a drifted inline policy waits with its enrollment window for a blocked step", scene{account: org.Account{Policies: drifted, Groups: driftedGroup,
			Users: []org.User{user("fay", inGroup, fidoOnly, noPassword), user("in", inGroup, noDevice, noPassword, inline(old))}}},
			[]string{"UpdatePolicy ForceMFA BLOCKED also enforces fay: " + strings.Replace(onlyFIDO, "in has", "fay has", 1),
				"PutUserPolicy in ForceMFA BLOCKED the enrollment window of in is not opened, because the step that enforces the user is blocked"}},
		{"a drifted inline policy without room is named", scene{account: org.Account{Policies: policies, Groups: group,
			Users: []org.User{user("in", inGroup, inline(old), func(u *org.User) {
				u.Inline = append(u.Inline, org.InlinePolicy{Name: "big", Document: `{"Statement":"` + long + `"}`})
			})}}},
			[]string{"PutUserPolicy in ForceMFA BLOCKED no room for the policy: in 1 of 10 groups, 1 of 10 policies attached, 732 characters left for inline policies"}},
		{"ten groups: attached directly", scene{account: org.Account{Groups: groups(10), Users: []org.User{user("bob", fullOf(10))}}},
			[]string{"CreatePolicy ForceMFA", "AttachUserPolicy bob ForceMFA"}},
		{"exempt users are detached", scene{account: org.Account{Policies: policies, Groups: group, Users: []org.User{
			user("robby", workload, inGroup, attached, inline(old), window("2026-11-05"))}}},
			[]string{"RemoveUserFromGroup robby ForceMFA", "DetachUserPolicy robby ForceMFA", "DeleteUserPolicy robby ForceMFA",
				"UntagUser robby forcemfa-enrollment"}},
		{"an inline policy with a name collision stays with an exempt user", scene{account: org.Account{Users: []org.User{
			user("robby", workload, inline(strings.ReplaceAll(old, "Deny", "Allow")))}}}, nil},
		{"and is not overwritten", scene{account: org.Account{Policies: policies, Groups: group, Users: []org.User{
			user("bob", inline(strings.ReplaceAll(old, "Deny", "Allow")))}}},
			[]string{"AddUserToGroup bob ForceMFA"}},
		{"key only, no device: a window", scene{account: org.Account{Users: []org.User{user("bob", noDevice, noPassword)}}},
			[]string{"TagUser bob forcemfa-enrollment=2026-11-09", "CreatePolicy ForceMFA", "CreateGroup ForceMFA",
				"AttachGroupPolicy ForceMFA ForceMFA", "AddUserToGroup bob ForceMFA"}},
		{"forced reset, key, no device: no window", scene{account: org.Account{Policies: policies, Groups: group,
			Users: []org.User{user("bob", noDevice, mustReset)}}},
			[]string{"AddUserToGroup bob ForceMFA BLOCKED no sign-in path: bob must change the password at the next sign-in, and the policy denies that without MFA, " +
				"and with the access key iam:CreateVirtualMFADevice is denied by policy arn:aws:iam::111122223333:policy/forcemfa/ForceMFA"}},
		{"a drifted document waits for the enrollment window", scene{account: org.Account{Policies: drifted, Groups: driftedGroup,
			Users: []org.User{user("bob", noDevice, noPassword, inGroup)}}},
			[]string{"TagUser bob forcemfa-enrollment=2026-11-09", "UpdatePolicy ForceMFA"}},
		{"an enrollment window closes once the device is there", scene{account: org.Account{Policies: policies, Groups: group,
			Users: []org.User{user("bob", inGroup, window("2026-11-05"))}}},
			[]string{"TagUser bob forcemfa-device-by-key=2026-11-02", "UntagUser bob forcemfa-enrollment"}},
		{"a user who used a window is marked once", scene{account: org.Account{Policies: policies, Groups: group,
			Users: []org.User{user("bob", inGroup, window("2026-11-05"), func(u *org.User) {
				u.Tags = append(u.Tags, org.Tag{Key: "ForceMFA-Device-By-Key", Value: "2026-11-01"})
			})}}},
			[]string{"UntagUser bob forcemfa-enrollment"}},
		{"an enrollment window stays open until the end of its day", scene{account: org.Account{Policies: policies, Groups: group,
			Users: []org.User{user("bob", inGroup, noDevice, noPassword, window("2026-11-02"))}}}, nil},
		{"an enrollment window closes after its day", scene{account: org.Account{Policies: policies, Groups: group,
			Users: []org.User{user("bob", inGroup, noDevice, noPassword, window("2026-11-01"))}}},
			[]string{"UntagUser bob forcemfa-enrollment"}},
		{"an enrollment window without a date closes", scene{account: org.Account{Policies: policies, Groups: group,
			Users: []org.User{user("bob", inGroup, noDevice, noPassword, window("for ever"))}}},
			[]string{"UntagUser bob forcemfa-enrollment"}},
		{"an enrollment window that is too long is shortened", scene{account: org.Account{Policies: policies, Groups: group,
			Users: []org.User{user("bob", inGroup, noDevice, noPassword, window("2099-01-01"))}}},
			[]string{"TagUser bob forcemfa-enrollment=2026-11-09"}},
		{"an expired enrollment window of a user who is still open opens again", scene{account: org.Account{Policies: policies, Groups: group,
			Users: []org.User{user("bob", noDevice, noPassword, window("2026-10-01"))}}},
			[]string{"TagUser bob forcemfa-enrollment=2026-11-09", "AddUserToGroup bob ForceMFA"}},
		{"a name collision of the policy leaves only an inline policy", scene{account: org.Account{
			Policies: []org.Policy{{ARN: "arn:aws:iam::" + account + ":policy/ForceMFA", Name: "ForceMFA", Path: "/", Default: "v1",
				Versions: []org.Version{{ID: "v1", Document: allowAll}}}},
			Users: []org.User{user("bob")}}},
			[]string{"PutUserPolicy bob ForceMFA"}},
		{"a forcemfa group with other policies is not used", scene{account: org.Account{Policies: policies,
			Groups: []org.Group{{Name: "ForceMFA", Path: "/forcemfa/", ARN: groupARN, Attached: []string{admin, policyARN}}},
			Users:  []org.User{user("bob")}}},
			[]string{"AttachUserPolicy bob ForceMFA"}},
		{"a group with a name collision is not used", scene{account: org.Account{Policies: policies,
			Groups: []org.Group{{Name: "forcemfa", Path: "/", ARN: "arn:aws:iam::" + account + ":group/forcemfa"}},
			Users:  []org.User{user("bob")}}},
			[]string{"AttachUserPolicy bob ForceMFA"}},
		{"no room anywhere is blocked", scene{account: org.Account{Groups: groups(10), Quotas: org.Quotas{AttachedPoliciesPerUser: 1},
			Users: []org.User{user("bob", fullOf(10), func(u *org.User) {
				u.Inline = []org.InlinePolicy{{Name: "big", Document: `{"Statement":"` + long + `"}`}}
			})}}},
			[]string{"AddUserToGroup bob ForceMFA BLOCKED no room for the policy: in 10 of 10 groups, 1 of 1 policies attached, 732 characters left for inline policies"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, lines(tt.plan(t))); d != "" {
				t.Errorf("plan (-want +got):\n%s", d)
			}
		})
	}
}

func TestAccountsOutOfReachHaveNoSteps(t *testing.T) {
	for _, change := range []func(*org.Account){
		func(a *org.Account) { a.Read = false },
		func(a *org.Account) { a.State = "SUSPENDED" },
	} {
		s := scene{account: org.Account{Users: []org.User{user("bob")}}}
		in := s.input()
		a := s.account
		change(&a)
		in.Accounts = audited(in.Header, []org.Account{a}, in.Baseline, now)
		p, err := planner.Make(in)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Steps) > 0 {
			t.Errorf("account %s, read %v: %v", a.State, a.Read, lines(p))
		}
	}
}

func TestNotesAreOrdered(t *testing.T) {
	s := scene{account: org.Account{
		Quotas: org.Quotas{AttachedPoliciesPerUser: 20},
		Groups: groups(10),
		Users: []org.User{
			user("ada", noDevice, noPassword), user("bob", fullOf(10)),
			user("eve", noDevice, noPassword, noKey), user("lou", fidoOnly, noPassword),
		},
	}, acks: []baseline.Acknowledgement{{Guard: baseline.GuardLockout, Name: "LOU"}, {Guard: baseline.GuardLockout, Name: "luo"}}}
	want := append(s.plan(t).Notes[:len(baseline.Default().Notes()):len(baseline.Default().Notes())],
		"role sessions that started before the apply stay valid for up to 12 hours, until 2026-11-02T21:00:00Z if the plan is applied now",
		"unused acknowledgement lockout:luo: no user or role with that name was read",
		"WARNING: will be locked out (acknowledged): 111122223333/lou (lou has an access key, but no console password and no MFA device that generates codes)",
		"SSH keys and service-specific credentials not read (they would stop working): 111122223333/ada, 111122223333/eve, 111122223333/lou",
		"enrollment window, enrolls with an access key until the end of 2026-11-09 (tag forcemfa-enrollment): 111122223333/ada",
		"policy attached directly, because the group is full or cannot be used: 111122223333/bob",
		"quotas not read, AWS defaults assumed: 111122223333",
	)
	if d := cmp.Diff(want, s.plan(t).Sentences(0)); d != "" {
		t.Errorf("notes (-want +got):\n%s", d)
	}
}

func TestUnusedExemptionIsNoted(t *testing.T) {
	e := func(line int, m baseline.Match) baseline.Exemption {
		return baseline.Exemption{Match: m, Owner: "o", Reason: "r", Line: line}
	}
	b := baseline.Default()
	b.Exemptions = []baseline.Exemption{
		e(3, baseline.Match{Name: "ada"}), e(7, baseline.Match{Name: "a*"}), e(11, baseline.Match{OU: "nosuch"}), e(0, baseline.Match{Name: "default"}),
		{Match: baseline.Match{Name: "gone"}, Owner: "o", Reason: "r", Line: 15, Expires: now.AddDate(-1, 0, 0)},
	}
	s := scene{account: org.Account{Users: []org.User{user("ada")}}, baseline: b}
	const want = "unused exemption ou nosuch, owner o: r (line 11 of the config file): no user that was read matches"
	var got []string
	for _, note := range s.plan(t).Notes {
		if strings.HasPrefix(note, "unused exemption") {
			got = append(got, note)
		}
	}
	if d := cmp.Diff([]string{want}, got); d != "" {
		t.Errorf("notes (-want +got):\n%s", d)
	}
}

func TestPlanWithoutEnforcementHasNoNoteOnSessions(t *testing.T) {
	s := scene{}
	if d := cmp.Diff(baseline.Default().Notes(), s.plan(t).Notes); d != "" {
		t.Errorf("notes (-want +got):\n%s", d)
	}
}

func TestNeedsDetailReturnsUsersThatStepsWouldEnforce(t *testing.T) {
	policies, group := managed(wanted())
	s := scene{account: org.Account{Policies: policies, Groups: group, Users: []org.User{
		user("open"), user("in", inGroup), user("robby", workload), user("also", noDevice),
	}}}
	in := s.input()
	for a := range in.Accounts {
		if d := cmp.Diff([]string{"also", "open"}, planner.NeedsDetail(&in, a)); d != "" {
			t.Errorf("names (-want +got):\n%s", d)
		}
	}
}

func TestAccountsAreReadToTheFirstError(t *testing.T) {
	s := scene{}
	in := s.input()
	broken := errors.New("line 3: cut off")
	in.Accounts = func(yield func(*audit.Audited, error) bool) { yield(nil, broken) }
	if _, err := planner.Make(in); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

// --remove keeps a policy that something else uses: a boundary without its policy allows
// nothing.
func TestRemoveKeepsAPolicyThatSomethingElseUses(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*org.Account)
		want   string // part of why DeletePolicy is blocked; empty: it is not
	}{
		{"only the group has it", func(*org.Account) {}, ""},
		{"a user has it as its boundary", func(a *org.Account) { a.Users[0].Boundary = policyARN }, "user bob, as its boundary"},
		{"a role has it as its boundary", func(a *org.Account) { a.Roles = []org.Role{{Name: "App", Boundary: policyARN}} }, "role App, as its boundary"},
		{"a role has it attached", func(a *org.Account) { a.Roles = []org.Role{{Name: "App", Attached: []string{policyARN}}} }, "role App"},
		{"a user has another boundary", func(a *org.Account) { a.Users[0].Boundary = admin }, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			policies, group := managed(wanted())
			s := scene{account: org.Account{Policies: policies, Groups: group, Users: []org.User{user("bob", inGroup)}}}
			row.change(&s.account)
			in := s.input()
			in.Remove = true
			p, err := planner.Make(in)
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(p.Steps, func(s plan.Step) bool { return s.Op == plan.DeletePolicy })
			if i < 0 {
				t.Fatal("DeletePolicy is not planned")
			}
			if got := p.Steps[i].Blocked; (got == "") != (row.want == "") || !strings.Contains(got, row.want) {
				t.Errorf("blocked %q, want %q", got, row.want)
			}
		})
	}
}
