package planner_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/planner"
)

// config is the baseline of a config file that exempts users with the tag
// userType=Service.
func config(t *testing.T, lines ...string) *baseline.Baseline {
	t.Helper()
	text := "version: 1\nexemptions: [{match: {tag: userType=Service}, owner: a, reason: b}]\n" + strings.Join(lines, "\n") + "\n"
	b, err := baseline.Parse("c.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// in puts a user into groups.
func in(names ...string) func(*org.User) {
	return func(u *org.User) {
		u.Groups = append(u.Groups, names...)
		slices.Sort(u.Groups)
	}
}

// carrying are groups of these names with the policy attached.
func carrying(names ...string) []org.Group {
	var all []org.Group
	for _, name := range names {
		all = append(all, org.Group{Name: name, Path: "/", ARN: "arn:aws:iam::" + account + ":group/" + name, Attached: []string{policyARN}})
	}
	return all
}

func TestAttachGroupsReachesEveryGroup(t *testing.T) {
	policies, group := managed(wanted())
	drifted, _ := managed("{}", allowAll)
	b := config(t, "attach: groups")
	const noCodes = "no sign-in path: fay has an access key, but no console password and no MFA device that generates codes"
	tests := []struct {
		name string
		scene
		want []string
	}{
		{"every group gets it", scene{account: org.Account{Groups: groups(2), Users: []org.User{user("ada", in("ga")), user("bob", in("ga"))}}},
			[]string{"CreatePolicy ForceMFA", "AttachGroupPolicy ga ForceMFA", "AttachGroupPolicy gb ForceMFA"}},
		{"no user needs it", scene{account: org.Account{Groups: groups(2)}}, nil},
		{"a group waits for a user who would be locked out and has a drifted inline policy", scene{account: org.Account{Policies: policies, Groups: groups(1),
			Users: []org.User{user("fay", in("ga"), fidoOnly, noPassword, inline(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}`))}}},
			[]string{"AttachGroupPolicy ga ForceMFA BLOCKED also enforces fay: " + noCodes, "PutUserPolicy fay ForceMFA BLOCKED " + noCodes}},
		{"a user in no group is blocked", scene{account: org.Account{Users: []org.User{user("ada")}}},
			[]string{"AddUserToGroup ada ForceMFA BLOCKED ada is in no group, and attach: groups enforces only members of groups"}},
		{"a group with an exempt user is skipped, and the others are enforced directly", scene{account: org.Account{Groups: groups(1),
			Users: []org.User{user("ada", in("ga")), user("robby", workload, in("ga"))}}},
			[]string{"CreatePolicy ForceMFA", "AttachUserPolicy ada ForceMFA"}},
		{"a user becomes exempt", scene{account: org.Account{Policies: policies, Groups: carrying("ga"),
			Users: []org.User{user("ada", in("ga")), user("robby", workload, in("ga"))}}},
			[]string{"AttachUserPolicy ada ForceMFA", "DetachGroupPolicy ga ForceMFA"}},
		{"a full group is skipped", scene{account: org.Account{Groups: groups(1), Quotas: org.Quotas{AttachedPoliciesPerGroup: 1},
			Users: []org.User{user("ada", in("ga"))}, Policies: nil}},
			[]string{"CreatePolicy ForceMFA", "AttachGroupPolicy ga ForceMFA"}},
		{"one that would be locked out blocks the group", scene{account: org.Account{Groups: groups(1),
			Users: []org.User{user("ada", in("ga")), user("fiona", in("ga"), fidoOnly, noPassword)}}},
			[]string{"CreatePolicy ForceMFA", "AttachGroupPolicy ga ForceMFA BLOCKED also enforces fiona: no sign-in path: fiona has an access key, but no console password and no MFA device that generates codes"}},
		{"alone, too, and then no policy is made", scene{account: org.Account{Groups: groups(1), Users: []org.User{user("fiona", in("ga"), fidoOnly, noPassword)}}},
			[]string{"AttachGroupPolicy ga ForceMFA BLOCKED also enforces fiona: no sign-in path: fiona has an access key, but no console password and no MFA device that generates codes"}},
		{"an enrollment window opens first", scene{account: org.Account{Groups: groups(1), Users: []org.User{user("bob", in("ga"), noDevice, noPassword)}}},
			[]string{"TagUser bob forcemfa-enrollment=2026-11-04", "CreatePolicy ForceMFA", "AttachGroupPolicy ga ForceMFA"}},
		{"drift is seen through any group", scene{account: org.Account{Policies: drifted, Groups: carrying("ga"),
			Users: []org.User{user("fiona", in("ga"), fidoOnly, noPassword)}}},
			[]string{"UpdatePolicy ForceMFA BLOCKED also enforces fiona: no sign-in path: fiona has an access key, but no console password and no MFA device that generates codes"}},
		{"existing attachments stay", scene{account: org.Account{Policies: policies, Groups: append(carrying("ga"), group...),
			Users: []org.User{user("ada", in("ga")), user("bob", inGroup)}}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.baseline = b
			if d := cmp.Diff(tt.want, lines(tt.plan(t))); d != "" {
				t.Errorf("plan (-want +got):\n%s", d)
			}
		})
	}
}

func TestWaveIsScheduledBeforeItsStart(t *testing.T) {
	b := config(t, `waves: [{name: "pilot 5%", match: {name: "a*"}, from: 2026-11-05}, {name: all, from: 2026-12-01}]`)
	policies, group := managed(wanted())
	s := scene{baseline: b, account: org.Account{Policies: policies, Groups: group,
		Users: []org.User{user("ada"), user("abe"), user("bob"), user("in", inGroup), user("robby", workload)}}}
	p := s.plan(t)
	if len(p.Steps) > 0 {
		t.Errorf("before its day: %v", lines(p))
	}
	said := strings.Join(p.Sentences(0), "\n")
	for _, want := range []string{
		"scheduled: wave pilot 5% from 2026-11-05: 111122223333/abe, 111122223333/ada",
		"scheduled: wave all from 2026-12-01: 111122223333/bob",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("notes lack %q:\n%s", want, said)
		}
	}
	if len(p.Scheduled) != 2 || p.Scheduled[0].Users != 2 || p.Scheduled[1].Users != 1 {
		t.Errorf("scheduled %+v", p.Scheduled)
	}
	var file strings.Builder
	if err := plan.Write(&file, p); err != nil {
		t.Fatal(err)
	}
	if back, err := plan.Read("p", strings.NewReader(file.String())); err != nil || len(back.Scheduled) != 2 || back.Scheduled[0].Wave != "pilot 5%" {
		t.Errorf("the file does not hold the waves: %v", err)
	}
	s.now = time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC)
	if d := cmp.Diff([]string{"AddUserToGroup abe ForceMFA", "AddUserToGroup ada ForceMFA"}, lines(s.plan(t))); d != "" {
		t.Errorf("on its day (-want +got):\n%s", d)
	}
}

func TestGroupWaitsForTheLastWaveOfItsUsers(t *testing.T) {
	b := config(t, "attach: groups", `waves: [{name: pilot, match: {name: "a*"}, from: 2026-11-01}, {name: all, from: 2026-12-01}]`)
	s := scene{baseline: b, account: org.Account{Groups: groups(2), Users: []org.User{user("ada", in("ga")), user("bob", in("ga")), user("abe", in("gb"))}}}
	want := []string{"CreatePolicy ForceMFA", "AttachGroupPolicy gb ForceMFA",
		"AddUserToGroup ada ForceMFA BLOCKED its group ga also has users of a later wave: bob"}
	if d := cmp.Diff(want, lines(s.plan(t))); d != "" {
		t.Errorf("plan (-want +got):\n%s", d)
	}
}

func TestScopeWithoutDeviceLeavesOthersAlone(t *testing.T) {
	s := scene{baseline: config(t, "scope: without-device"), account: org.Account{Users: []org.User{user("ada"), user("bob", noDevice)}}}
	p := s.plan(t)
	want := []string{"CreatePolicy ForceMFA", "CreateGroup ForceMFA", "AttachGroupPolicy ForceMFA ForceMFA", "AddUserToGroup bob ForceMFA"}
	if d := cmp.Diff(want, lines(p)); d != "" {
		t.Errorf("plan (-want +got):\n%s", d)
	}
	if said := strings.Join(p.Sentences(0), "\n"); !strings.Contains(said, "not changed, because they have a device (scope: without-device): 111122223333/ada") {
		t.Errorf("notes:\n%s", said)
	}
}

func TestRemovalOrdersStepsSafely(t *testing.T) {
	policies, group := managed(allowAll, wanted())
	all := func() org.Account {
		return org.Account{Policies: policies, Groups: append(carrying("ga"), group...), Users: []org.User{
			user("ada", inGroup), user("bob", attached, in("ga")), user("own", inline(wanted())), user("robby", workload, inGroup, window("2026-11-05")),
		}}
	}
	whole := []string{
		"RemoveUserFromGroup ada ForceMFA", "RemoveUserFromGroup robby ForceMFA", "DetachUserPolicy bob ForceMFA", "DeleteUserPolicy own ForceMFA",
		"UntagUser robby forcemfa-enrollment", "DetachGroupPolicy ForceMFA ForceMFA", "DetachGroupPolicy ga ForceMFA",
	}
	tests := []struct {
		name   string
		change func(*org.Account)
		want   []string
	}{
		{"everything exists", func(*org.Account) {}, append(slices.Clone(whole), "DeleteGroup ForceMFA", "DeletePolicy ForceMFA")},
		{"nothing exists", func(a *org.Account) { *a = org.Account{Users: []org.User{user("ada")}} }, nil},
		{"the group has another policy", func(a *org.Account) {
			g := &a.Groups[len(a.Groups)-1]
			g.Attached = []string{admin, policyARN}
		}, append(slices.Clone(whole), "DeleteGroup ForceMFA BLOCKED the group has policies that forcemfa did not attach", "DeletePolicy ForceMFA")},
		{"a role uses the policy", func(a *org.Account) {
			a.Roles = []org.Role{{Name: "ops", Path: "/", ARN: "arn:aws:iam::" + account + ":role/ops", Attached: []string{policyARN}}}
		}, append(slices.Clone(whole), "DeleteGroup ForceMFA", "DeletePolicy ForceMFA BLOCKED it is also used where forcemfa did not attach it: role ops")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := scene{account: all()}
			tt.change(&s.account)
			in := s.input()
			in.Remove = true
			p, err := planner.Make(in)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, lines(p)); d != "" {
				t.Errorf("plan (-want +got):\n%s", d)
			}
			if !p.Remove || !strings.HasPrefix(strings.Join(p.Notes, "\n"), "removes everything that forcemfa manages") {
				t.Errorf("head: %v %v", p.Remove, p.Notes)
			}
		})
	}
}
