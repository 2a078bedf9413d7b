package planner

import (
	"strings"
	"testing"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/internal/org"
)

func scpsOf(t *testing.T, in *Input) *scpPlanner {
	t.Helper()
	b, err := baseline.Parse("c.yaml", []byte("version: 1\nguard_scp: {targets: [r-ab12], except: [\"arn:aws:iam::*:role/Administrator\"]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := b.GuardSCP("aws")
	if err != nil {
		t.Fatal(err)
	}
	in.Baseline = b
	in.Header = &org.Header{Partition: "aws", Organization: &org.Organization{ID: "o-1", ManagementAccount: "999999999999", SCPsEnabled: true},
		Units: []org.Unit{{ID: "r-ab12", SCPs: []string{"p-guard"}}, {ID: "ou-ab12-11111111", SCPs: []string{"p-guard"}}}, SCPs: []org.SCP{{ID: "p-guard", Name: document.GuardName, Document: text}}}
	return newSCPPlanner(in)
}

// A service control policy reaches accounts that a plan has not looked at.
func TestWhatBlocksAServiceControlPolicy(t *testing.T) {
	for _, row := range []struct {
		story         string
		change        func(*scpPlanner)
		enforce, keep string
	}{
		{"nothing", func(*scpPlanner) {}, "", ""},
		{"selected accounts", func(s *scpPlanner) { s.in.Partial = true }, "covers only the selected accounts", "covers only the selected accounts"},
		{"an account that was not read", func(s *scpPlanner) { s.unread = []string{"111111111111"} }, "accounts that were not read: 111111111111", ""},
		{"a user without a sign-in path", func(s *scpPlanner) { s.blocked, s.first = []string{"111111111111/bob"}, block{"no path", "x"} }, "it would also enforce 111111111111/bob: no path", ""},
		{"its own role", func(s *scpPlanner) { s.shut = []string{"111111111111"} }, "", "it would deny the role that forcemfa assumes: 111111111111"},
	} {
		s := scpsOf(t, new(Input))
		row.change(s)
		for _, is := range []struct{ got, want string }{{s.enforceBlock(nil).why, row.enforce}, {s.guardBlock(nil).why, row.keep}} {
			if !strings.Contains(is.got, is.want) || (is.got == "") != (is.want == "") {
				t.Errorf("%s: %q, want %q", row.story, is.got, is.want)
			}
		}
	}
}

func TestATargetWithoutRoomIsNamed(t *testing.T) {
	for attached, full := range map[int]bool{maxSCPs - 1: false, maxSCPs: true} {
		s := scpsOf(t, new(Input))
		s.attached["r-ab12"] = make([]string, attached)
		if why := s.noTarget("r-ab12"); (why != "") != full {
			t.Errorf("%d attached: %q", attached, why)
		}
	}
	if scpsOf(t, new(Input)).noTarget("ou-ab12-99999999") == "" {
		t.Error("a target that does not exist")
	}
}

// A plan for some accounts detaches nothing from the others.
func TestAPartialPlanDetachesNothing(t *testing.T) {
	for partial, steps := range map[bool]int{true: 0, false: 1} {
		s := scpsOf(t, &Input{Partial: partial})
		if got := s.detach(&s.in.Header.SCPs[0], document.GuardName, []string{"r-ab12"}); len(got) != steps {
			t.Errorf("partial %v: %d steps", partial, len(got))
		}
	}
}

// A window replaces no sign-in at the console that may be possible.
func TestWhoMayGetAnEnrollmentWindow(t *testing.T) {
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	before := now.Add(-time.Hour)
	for _, row := range []struct {
		story   string
		console org.Tri
		reset   org.Tri
		expires *time.Time
		created time.Time
		may     bool
	}{
		{"no password", org.No, org.No, nil, time.Time{}, true},
		{"a password", org.Yes, org.No, nil, time.Time{}, true},
		{"a forced change", org.Yes, org.Yes, nil, time.Time{}, false},
		{"perhaps a forced change", org.Yes, org.Unknown, nil, time.Time{}, false},
		{"an expired password", org.Yes, org.No, &before, time.Time{}, false},
		{"perhaps a password", org.Unknown, org.No, nil, time.Time{}, false},
		{"a new user", org.No, org.No, nil, before, false},
	} {
		g := &guard{accountState: &accountState{in: &Input{Now: now, NoWindowBefore: 24 * time.Hour}}}
		if got := g.mayOpenWindow(&org.User{PasswordReset: row.reset, PasswordExpires: row.expires, Created: row.created}, &audit.User{Console: row.console}); got != row.may {
			t.Errorf("%s: %v", row.story, got)
		}
	}
}

// A group is planned while the account has room for one more.
func TestTheGroupNeedsRoomInTheAccount(t *testing.T) {
	for groups, room := range map[int]bool{0: true, 2: true, 3: false, 4: false} {
		s := &accountState{in: &Input{Baseline: baseline.Default()}, account: &org.Account{Groups: make([]org.Group, groups)}, quotas: org.Quotas{Groups: 3}, usable: true}
		if s.findGroup(); s.openGroup != room {
			t.Errorf("%d of 3 groups: %v", groups, s.openGroup)
		}
	}
}

// A user who was not read is enforced by nothing: nobody knows what would stop.
func TestAUserWhoWasNotReadIsNoCandidate(t *testing.T) {
	in := &Input{Baseline: baseline.Default(), Header: &org.Header{Partition: "aws"}, Now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
	a := &org.Account{ID: "111111111111", Partition: "aws", Read: true, State: "ACTIVE"}
	p := newAccountPlanner(in, new(org.Cache), &audit.Audited{Account: a})
	users := []audit.User{{Name: "ghost", ARN: "arn:aws:iam::111111111111:user/ghost", Account: a.ID, State: audit.Unknown}}
	if got := p.candidates(users); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}
