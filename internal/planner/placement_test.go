package planner

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/policy"
)

// A drifted policy is not repaired when that is blocked, and then nothing that rests on
// the policy is prepared. A policy as it should be blocks nobody.
func TestPlacementsRestOnWhatIsNotBlocked(t *testing.T) {
	repair := candidate{place: throughPolicy, blocked: "a reason"}
	attach := candidate{place: throughNewAttachment, blocked: "a reason"}
	for _, row := range []struct {
		name     string
		is       accountState
		blocked  []candidate
		policy   bool // blocked through the policy
		newGroup bool // blocked through a new attachment
	}{
		{"the policy is as it should be", accountState{readable: true}, []candidate{repair}, false, false},
		{"the policy was not read, and is as it should be", accountState{}, nil, false, false},
		{"the policy drifted", accountState{drifted: true, readable: true}, nil, false, false},
		{"its repair is blocked", accountState{drifted: true, readable: true}, []candidate{repair}, true, true},
		{"it drifted and cannot be read", accountState{drifted: true}, nil, true, true},
		{"the attachment is blocked", accountState{readable: true}, []candidate{attach}, false, true},
		{"the group has the policy already", accountState{readable: true, carries: true}, []candidate{attach}, false, false},
		{"another repair is not blocked", accountState{drifted: true, readable: true}, []candidate{{place: throughPolicy}}, false, false},
	} {
		p := &accountPlanner{accountState: &row.is}
		for place, want := range map[placement]bool{
			throughPolicy: row.policy, throughAttachment: row.policy, throughGroups: row.policy,
			throughGroup: row.newGroup, throughNewAttachment: row.newGroup, throughInline: false, nowhere: false,
		} {
			if got := p.placementBlocked(row.blocked, place); got != want {
				t.Errorf("%s, place %v: blocked %v, want %v", row.name, place, got, want)
			}
		}
	}
}

func TestAddressesComeFromEveryKindOfPolicy(t *testing.T) {
	source := func(network string) policy.Source {
		return policy.ParseSource("x", policy.Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"`+network+`"}}}}`)
	}
	boundary := source("198.51.100.77/24")
	set := &policy.Set{
		Identity: []policy.Source{source("203.0.113.9"), {Name: "not read"}},
		Boundary: &boundary,
		SCPs:     [][]policy.Source{{source("10.0.0.0/8")}, {source("203.0.113.9")}},
	}
	if diff := cmp.Diff([]string{"192.0.2.1", "10.0.0.0", "198.51.100.0", "203.0.113.9"}, addresses(set)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	set.Boundary = nil
	if diff := cmp.Diff([]string{"192.0.2.1", "10.0.0.0", "203.0.113.9"}, addresses(set)); diff != "" {
		t.Errorf("without a boundary (-want +got):\n%s", diff)
	}
}

func TestATrustPolicyKeepsItsQuota(t *testing.T) {
	text := func(n int) string { return strings.Repeat("x", n) }
	for _, row := range []struct {
		before, after int
		want          bool
	}{
		{100, trustSize, false}, {100, trustSize + 1, true}, {trustSize, trustSize + 1, true},
		{trustSize + 1, trustSize + 2, false}, {trustSize + 1, trustSizeLimit, false}, {trustSize + 1, trustSizeLimit + 1, true},
	} {
		if got := tooLong(text(row.before), text(row.after)); got != row.want {
			t.Errorf("from %d to %d characters: too long %v", row.before, row.after, got)
		}
	}
}

func TestAnAccountThatWasNotReadIsOutOfReach(t *testing.T) {
	for _, row := range []struct {
		read  bool
		state string
		want  bool
	}{{true, "", true}, {true, "ACTIVE", true}, {true, "SUSPENDED", false}, {false, "", false}, {false, "ACTIVE", false}} {
		s := &accountState{account: &org.Account{Read: row.read, State: row.state}}
		if got := s.inReach(); got != row.want {
			t.Errorf("read %v, state %q: in reach %v", row.read, row.state, got)
		}
	}
}

// Findings name users by name alone, and roles with their path.
func TestAStepResolvesTheFindingsOfItsSubject(t *testing.T) {
	f := findings{
		"user/bob":      {{ID: "a", Rule: "user-open"}, {ID: "b", Rule: "old-key"}},
		"role/team/App": {{ID: "c", Rule: "role-trust-open"}},
		"role/App":      {{ID: "d", Rule: "role-trust-open"}},
	}
	for _, row := range []struct {
		op      plan.Op
		subject string
		want    []string
	}{
		{plan.AddUserToGroup, "arn:aws:iam::111111111111:user/team/bob", []string{"a"}},
		{plan.UpdateTrust, "arn:aws:iam::111111111111:role/team/App", []string{"c"}},
		{plan.UpdateTrust, "arn:aws:iam::111111111111:role/other/App", []string{}},
		{plan.AddUserToGroup, "no ARN", []string{}},
	} {
		if diff := cmp.Diff(row.want, f.resolvedBy(&plan.Step{Op: row.op, Subject: row.subject})); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", row.op, row.subject, diff)
		}
	}
}
