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

// config is the baseline of a file; exempt is who has the tag userType=Service.
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

// carrying are groups of these names with our policy.
func carrying(names ...string) []org.Group {
	var all []org.Group
	for _, name := range names {
		all = append(all, org.Group{Name: name, Path: "/", ARN: "arn:aws:iam::" + account + ":group/" + name, Attached: []string{policyARN}})
	}
	return all
}

func TestAttachGroupsReachesEveryGroup(t *testing.T) {
	policies, ourGroup := ours(wanted())
	drifted, _ := ours("{}", allowAll)
	b := config(t, "attach: groups")
	const noCodes = "no way in: fay has an access key and no MFA device that gives codes, and no console password"
	tests := []struct {
		name string
		scene
		want []string
	}{
		{"every group gets it", scene{account: org.Account{Groups: groups(2), Users: []org.User{user("ada", in("ga")), user("bob", in("ga"))}}},
			[]string{"CreatePolicy ForceMFA", "AttachGroupPolicy ga ForceMFA", "AttachGroupPolicy gb ForceMFA"}},
		{"nobody asks for it", scene{account: org.Account{Groups: groups(2)}}, nil},
		{"a group waits for who would be locked out, whose inline policy of ours drifted", scene{account: org.Account{Policies: policies, Groups: groups(1),
			Users: []org.User{user("fay", in("ga"), fidoOnly, noPassword, inline(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}`))}}},
			[]string{"AttachGroupPolicy ga ForceMFA BLOCKED enforces fay as well: " + noCodes, "PutUserPolicy fay ForceMFA BLOCKED " + noCodes}},
		{"a user in no group is blocked", scene{account: org.Account{Users: []org.User{user("ada")}}},
			[]string{"AddUserToGroup ada ForceMFA BLOCKED in no group, and attach groups reaches groups alone"}},
		{"a group with somebody exempt is passed over, and the others get it themselves", scene{account: org.Account{Groups: groups(1),
			Users: []org.User{user("ada", in("ga")), user("robby", workload, in("ga"))}}},
			[]string{"CreatePolicy ForceMFA", "AttachUserPolicy ada ForceMFA"}},
		{"somebody becomes exempt", scene{account: org.Account{Policies: policies, Groups: carrying("ga"),
			Users: []org.User{user("ada", in("ga")), user("robby", workload, in("ga"))}}},
			[]string{"AttachUserPolicy ada ForceMFA", "DetachGroupPolicy ga ForceMFA"}},
		{"a full group is passed over", scene{account: org.Account{Groups: groups(1), Quotas: org.Quotas{AttachedPoliciesPerGroup: 1},
			Users: []org.User{user("ada", in("ga"))}, Policies: nil}},
			[]string{"CreatePolicy ForceMFA", "AttachGroupPolicy ga ForceMFA"}},
		{"one that would be locked out blocks the group", scene{account: org.Account{Groups: groups(1),
			Users: []org.User{user("ada", in("ga")), user("fiona", in("ga"), fidoOnly, noPassword)}}},
			[]string{"CreatePolicy ForceMFA", "AttachGroupPolicy ga ForceMFA BLOCKED enforces fiona as well: no way in: fiona has an access key and no MFA device that gives codes, and no console password"}},
		{"alone, too, and then no policy is made", scene{account: org.Account{Groups: groups(1), Users: []org.User{user("fiona", in("ga"), fidoOnly, noPassword)}}},
			[]string{"AttachGroupPolicy ga ForceMFA BLOCKED enforces fiona as well: no way in: fiona has an access key and no MFA device that gives codes, and no console password"}},
		{"a window opens first", scene{account: org.Account{Groups: groups(1), Users: []org.User{user("bob", in("ga"), noDevice, noPassword)}}},
			[]string{"TagUser bob forcemfa-enrollment=2026-11-09", "CreatePolicy ForceMFA", "AttachGroupPolicy ga ForceMFA"}},
		{"drift is seen through any group", scene{account: org.Account{Policies: drifted, Groups: carrying("ga"),
			Users: []org.User{user("fiona", in("ga"), fidoOnly, noPassword)}}},
			[]string{"UpdatePolicy ForceMFA BLOCKED enforces fiona as well: no way in: fiona has an access key and no MFA device that gives codes, and no console password"}},
		{"what is there is left", scene{account: org.Account{Policies: policies, Groups: append(carrying("ga"), ourGroup...),
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

func TestAWaveIsScheduledBeforeItsDay(t *testing.T) {
	b := config(t, `waves: [{name: "pilot 5%", match: {name: "a*"}, from: 2026-11-05}, {name: all, from: 2026-12-01}]`)
	policies, ourGroup := ours(wanted())
	s := scene{baseline: b, account: org.Account{Policies: policies, Groups: ourGroup,
		Users: []org.User{user("ada"), user("abe"), user("bob"), user("in", inGroup), user("robby", workload)}}}
	p := s.plan(t)
	if len(p.Steps) > 0 {
		t.Errorf("before its day: %v", lines(p))
	}
	said := strings.Join(p.Notes, "\n")
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

func TestAGroupWaitsForTheLastOfItsUsers(t *testing.T) {
	b := config(t, "attach: groups", `waves: [{name: pilot, match: {name: "a*"}, from: 2026-11-01}, {name: all, from: 2026-12-01}]`)
	s := scene{baseline: b, account: org.Account{Groups: groups(2), Users: []org.User{user("ada", in("ga")), user("bob", in("ga")), user("abe", in("gb"))}}}
	want := []string{"CreatePolicy ForceMFA", "AttachGroupPolicy gb ForceMFA",
		"AddUserToGroup ada ForceMFA BLOCKED its group ga has users of a later wave: bob"}
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
	if said := strings.Join(p.Notes, "\n"); !strings.Contains(said, "have a device and stay as they are, by scope without-device: 111122223333/ada") {
		t.Errorf("notes:\n%s", said)
	}
}

func TestRemovingTakesEverythingOfOursInASafeOrder(t *testing.T) {
	policies, ourGroup := ours(allowAll, wanted())
	all := func() org.Account {
		return org.Account{Policies: policies, Groups: append(carrying("ga"), ourGroup...), Users: []org.User{
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
		{"all of it", func(*org.Account) {}, append(slices.Clone(whole), "DeleteGroup ForceMFA", "DeletePolicy ForceMFA")},
		{"nothing is there", func(a *org.Account) { *a = org.Account{Users: []org.User{user("ada")}} }, nil},
		{"our group gives more", func(a *org.Account) {
			g := &a.Groups[len(a.Groups)-1]
			g.Attached = []string{admin, policyARN}
		}, append(slices.Clone(whole), "DeleteGroup ForceMFA BLOCKED somebody gave the group policies that are not ours", "DeletePolicy ForceMFA")},
		{"a role uses our policy", func(a *org.Account) {
			a.Roles = []org.Role{{Name: "ops", Path: "/", ARN: "arn:aws:iam::" + account + ":role/ops", Attached: []string{policyARN}}}
		}, append(slices.Clone(whole), "DeleteGroup ForceMFA", "DeletePolicy ForceMFA BLOCKED something uses it that forcemfa did not attach: role ops")},
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
			if !p.Remove || !strings.HasPrefix(strings.Join(p.Notes, "\n"), "takes away everything that forcemfa made") {
				t.Errorf("head: %v %v", p.Remove, p.Notes)
			}
		})
	}
}
