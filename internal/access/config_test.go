package access_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/access"
	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
)

var groupARN = "arn:aws:iam::" + identity + ":group/Ops"

// with is an input with another access section.
func with(t *testing.T, section string, accounts ...*org.Account) access.Input {
	t.Helper()
	in := input(t, accounts...)
	b, err := baseline.Parse("c.yaml", []byte("version: 1\n"+section))
	if err != nil {
		t.Fatal(err)
	}
	in.Baseline, in.Access = b, b.Access
	return in
}

// An account that is listed, but was not read, gets no step that could be wrong.
func TestAnAccountThatWasNotReadIsNotPlanned(t *testing.T) {
	identities, targets := &org.Account{ID: identity, Users: []org.User{user("ada")}}, &org.Account{ID: target}
	in := input(t, identities, targets)
	before := access.Plan(in)
	identities.Read, targets.Read = false, false
	in.Resume = before
	if d := cmp.Diff([]string{"CreateGroup Ops BLOCKED", "CreateRole Operator BLOCKED"}, lines(access.Plan(in).Steps)); d != "" {
		t.Errorf("steps (-want +got):\n%s", d)
	}
	_, done, stale := plan.Intersect(before, access.Plan(in))
	if len(done) != 0 || len(stale) != len(before.Steps) {
		t.Errorf("%d done, %d of %d stale", len(done), len(stale), len(before.Steps))
	}
	for _, s := range stale {
		if s.Op == plan.AttachRolePolicy && !strings.HasPrefix(s.Why, "its account was not read") {
			t.Errorf("%s: %s", s.ID, s.Why)
		}
	}
}

func TestPlanKeepsTheSessionDurationOfARole(t *testing.T) {
	for duration, noted := range map[time.Duration]bool{0: false, time.Hour: false, 3 * time.Hour: true} {
		r := role(withMFA)
		r.MaxSession = duration
		notes := strings.Join(access.Plan(input(t, &org.Account{ID: identity}, &org.Account{ID: target, Roles: []org.Role{r}})).Notes, "\n")
		if strings.Contains(notes, "role/operator keeps its maximum session duration of 3h0m0s") != noted || !noted && strings.Contains(notes, "duration") {
			t.Errorf("%s is noted: want %v:\n%s", duration, noted, notes)
		}
	}
}

// A role in use gets an Allow for the identity account without an acknowledgement only
// when its other callers need nothing more than before.
func TestPlanOpensARoleInUseToTheIdentityAccount(t *testing.T) {
	const other = "333333333333"
	used := now.AddDate(0, 0, -1)
	for _, row := range []struct {
		name, trust string
		ack         []baseline.Acknowledgement
		blocked     bool
	}{
		{name: "its other callers use MFA already", trust: strings.ReplaceAll(withMFA, identity, other)},
		{name: "its other callers would need MFA", trust: strings.ReplaceAll(openTo, identity, other), blocked: true},
		{name: "they would, as acknowledged", trust: strings.ReplaceAll(openTo, identity, other), ack: []baseline.Acknowledgement{{Guard: baseline.GuardTrust, Name: "operator"}}},
	} {
		r := role(row.trust)
		r.Used, r.Attached = &used, []string{readOnly}
		in := input(t, &org.Account{ID: identity}, &org.Account{ID: target, Roles: []org.Role{r}})
		in.Acknowledge = row.ack
		i := slices.IndexFunc(access.Plan(in).Steps, func(s plan.Step) bool { return s.Op == plan.UpdateTrust })
		if i < 0 {
			t.Fatalf("%s: no step", row.name)
		}
		s := access.Plan(in).Steps[i]
		if (s.Blocked != "") != row.blocked || !row.blocked && !strings.Contains(s.Want.Document, identity) {
			t.Errorf("%s: blocked %q, trust policy %s", row.name, s.Blocked, s.Want.Document)
		}
		in.Acknowledge, in.Baseline.Acknowledge = nil, row.ack // in the config file
		if s := access.Plan(in).Steps[i]; (s.Blocked != "") != row.blocked {
			t.Errorf("%s, by the config file: blocked %q", row.name, s.Blocked)
		}
	}
}

// Whether a role lets the identity account in is decided about the trust policy that it
// will have. An account that was not read decides nothing.
func TestPlanLeavesATrustPolicyOfAnUnreadIdentityAccount(t *testing.T) {
	r := role(strings.ReplaceAll(withMFA, identity, "333333333333"))
	p := access.Plan(input(t, &org.Account{ID: target, Roles: []org.Role{r}}))
	if slices.ContainsFunc(p.Steps, func(s plan.Step) bool { return s.Op == plan.UpdateTrust }) {
		t.Errorf("steps %v", lines(p.Steps))
	}
	open := role(openTo)
	for _, s := range access.Plan(input(t, &org.Account{ID: identity}, &org.Account{ID: target, Roles: []org.Role{open}})).Steps {
		if s.Op == plan.UpdateTrust && strings.Count(s.Want.Document, "Allow") != 1 {
			t.Errorf("an Allow is repeated: %s", s.Want.Document)
		}
	}
}

// What access does not grant is taken from no role, except the inline policy that only
// access writes.
func TestPlanRemovesOnlyItsOwnInlinePolicyFromARole(t *testing.T) {
	const policies = `access:
  account: "` + identity + `"
  groups: [{name: Ops, members: [ada]}]
  grants: [{group: Ops, role: Operator, accounts: ["` + target + `"], policies: [ReadOnlyAccess]}]
`
	r := role(withMFA)
	r.Attached = []string{readOnly}
	r.Inline = []org.InlinePolicy{{Name: baseline.RoleActionsName, Document: document.Actions("aws", []string{"ec2:*"})}, {Name: "own", Document: allowAll}}
	in := with(t, policies, &org.Account{ID: identity}, &org.Account{ID: target, Roles: []org.Role{r}})
	steps := slices.DeleteFunc(access.Plan(in).Steps, func(s plan.Step) bool { return s.Account == identity })
	if d := cmp.Diff([]string{"DeleteRolePolicy operator ForceMFA-Actions"}, lines(steps)); d != "" {
		t.Errorf("steps (-want +got):\n%s", d)
	}
	if notes := strings.Join(access.Plan(in).Notes, "\n"); strings.Contains(notes, readOnly) {
		t.Errorf("a granted policy is noted:\n%s", notes)
	}
	in.Accounts[1].Roles[0].Inline = nil
	if steps := slices.DeleteFunc(access.Plan(in).Steps, func(s plan.Step) bool { return s.Account == identity }); len(steps) != 0 {
		t.Errorf("a role as wanted is changed: %v", lines(steps))
	}
}

func TestPlanOfAGroup(t *testing.T) {
	assume := document.Assume("aws", []string{"arn:aws:iam::" + target + ":role/Operator"})
	own := document.OwnAccount("aws")
	full := make([]string, 10)
	for i := range full {
		full[i] = fmt.Sprint("other", i)
	}
	for _, row := range []struct {
		name  string
		group org.Group
		ada   []string // her groups
		want  []string
	}{
		{"under another path", org.Group{Name: "ops", ARN: "arn:aws:iam::" + identity + ":group/team/ops"}, []string{"OPS"},
			[]string{"PutGroupPolicy ops ForceMFA-AssumeRoles", "PutGroupPolicy ops ForceMFA-OwnAccount"}},
		{"as wanted", org.Group{Name: "Ops", ARN: groupARN, Inline: []org.InlinePolicy{{Name: baseline.AssumeRolesName, Document: assume}, {Name: baseline.OwnAccountName, Document: own}}}, []string{"Ops"}, nil},
		{"with other roles", org.Group{Name: "Ops", ARN: groupARN, Inline: []org.InlinePolicy{{Name: baseline.AssumeRolesName, Document: allowAll}, {Name: baseline.OwnAccountName, Document: own}}}, []string{"Ops"},
			[]string{"PutGroupPolicy Ops ForceMFA-AssumeRoles"}},
		{"with other long policies", org.Group{Name: "Ops", ARN: groupARN, Inline: []org.InlinePolicy{{Name: "own", Document: strings.Repeat("x", 5120)}}}, []string{"Ops"},
			[]string{"PutGroupPolicy Ops ForceMFA-AssumeRoles BLOCKED", "PutGroupPolicy Ops ForceMFA-OwnAccount BLOCKED"}},
		{"with a long policy that is replaced", org.Group{Name: "Ops", ARN: groupARN, Inline: []org.InlinePolicy{{Name: baseline.AssumeRolesName, Document: strings.Repeat("x", 5120)}, {Name: baseline.OwnAccountName, Document: own}}}, []string{"Ops"},
			[]string{"PutGroupPolicy Ops ForceMFA-AssumeRoles"}},
		{"a user in nine groups", org.Group{Name: "Ops", ARN: groupARN, Inline: []org.InlinePolicy{{Name: baseline.AssumeRolesName, Document: assume}, {Name: baseline.OwnAccountName, Document: own}}}, full[:9],
			[]string{"AddUserToGroup ada Ops"}},
		{"a user in ten groups", org.Group{Name: "Ops", ARN: groupARN, Inline: []org.InlinePolicy{{Name: baseline.AssumeRolesName, Document: assume}, {Name: baseline.OwnAccountName, Document: own}}}, full,
			[]string{"AddUserToGroup ada Ops BLOCKED"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			ada := user("ada")
			ada.Groups = row.ada
			in := input(t, &org.Account{ID: identity, Users: []org.User{ada, user("ghost")}, Groups: []org.Group{row.group}}, &org.Account{ID: target})
			in.Access.Groups[0].Members = []string{"ada"}
			steps := slices.DeleteFunc(access.Plan(in).Steps, func(s plan.Step) bool { return s.Account == target })
			if d := cmp.Diff(row.want, lines(steps)); d != "" {
				t.Errorf("steps (-want +got):\n%s", d)
			}
			for _, s := range steps {
				if s.Op == plan.PutGroupPolicy && s.Subject != row.group.ARN {
					t.Errorf("%s, not %s", s.Subject, row.group.ARN)
				}
			}
		})
	}
}

// The quota counts characters: a document of exactly the quota fits.
func TestPlanFillsTheQuotaOfAGroup(t *testing.T) {
	for more, blocked := range map[int]bool{0: false, 1: true} {
		wanted := len(document.OwnAccount("aws")) + len(document.Assume("aws", []string{"arn:aws:iam::" + target + ":role/Operator"}))
		group := org.Group{Name: "Ops", ARN: groupARN, Inline: []org.InlinePolicy{{Name: "own", Document: strings.Repeat("x", 5120-wanted+more)}}}
		for _, s := range access.Plan(input(t, &org.Account{ID: identity, Groups: []org.Group{group}}, &org.Account{ID: target})).Steps {
			if s.Op == plan.PutGroupPolicy && (s.Blocked != "") != blocked {
				t.Errorf("%d characters more: %s blocked %q", more, s.ID, s.Blocked)
			}
		}
	}
}

// A group without grants gets no policy for roles, and its members wait for the group.
func TestPlanOfAGroupWithoutRoles(t *testing.T) {
	in := input(t, &org.Account{ID: identity, Users: []org.User{user("ada"), user("ghost")}}, &org.Account{ID: target})
	in.Access.Grants = nil
	steps := access.Plan(in).Steps
	want := []string{"CreateGroup Ops", "PutGroupPolicy Ops ForceMFA-OwnAccount", "AddUserToGroup ada Ops", "AddUserToGroup ghost Ops"}
	if d := cmp.Diff(want, lines(steps)); d != "" {
		t.Fatalf("steps (-want +got):\n%s", d)
	}
	for _, s := range steps[1:] {
		if d := cmp.Diff([]string{steps[0].ID}, s.Needs); d != "" {
			t.Errorf("what %s needs (-want +got):\n%s", s.ID, d)
		}
	}
}

// Only members whom the config file has nowhere are noted, also when a part of it is
// planned.
func TestPlanNotesMembersWhomTheConfigFileHasNot(t *testing.T) {
	var users []org.User
	for _, name := range []string{"ada", "amy", "eve"} {
		u := user(name)
		u.Groups = []string{"Ops"}
		users = append(users, u)
	}
	bob := user("bob")
	bob.Groups = []string{"Other"}
	in := with(t, `access:
  account: "`+identity+`"
  groups: [{name: Ops, members: [ada, amy]}, {name: Other, members: [bob, eve]}]
  grants: [{group: Ops, role: Operator, accounts: ["`+target+`"], policies: [ReadOnlyAccess]}]
`, &org.Account{ID: identity, Users: append(users, bob), Groups: []org.Group{{Name: "Ops", ARN: groupARN}, {Name: "Other", ARN: groupARN + "2"}}}, &org.Account{ID: target})
	for name, part := range map[string]*baseline.Access{"the whole": in.Access, "ada's part": in.Access.Of([]string{"ada"})} {
		in.Access = part
		var noted []string
		for _, note := range access.Plan(in).Notes {
			if strings.Contains(note, "not in the config file") {
				noted = append(noted, note)
			}
		}
		if d := cmp.Diff([]string{"arn:aws:iam::" + identity + ":user/eve is in the group Ops, but not in the config file"}, noted); d != "" {
			t.Errorf("%s: notes (-want +got):\n%s", name, d)
		}
	}
	in.Baseline.Access = nil // a section from elsewhere
	in.Access = &baseline.Access{Account: identity, Groups: []baseline.AccessGroup{{Name: "Ops", Members: []string{"ada"}}}}
	if notes := strings.Join(access.Plan(in).Notes, "\n"); !strings.Contains(notes, "user/amy is in the group Ops") || strings.Contains(notes, "no MFA device") {
		t.Errorf("notes:\n%s", notes)
	}
}

// The decision about a role is that of a request of today, from a network and with other
// keys that the user chooses.
func TestCanAssumeIsAskedWithTheKeysOfARequest(t *testing.T) {
	from, to := &org.Account{ID: identity, Partition: "aws"}, &org.Account{ID: target, Partition: "aws"}
	ada := user("ada")
	ada.Inline = []org.InlinePolicy{{Name: "all", Document: allowAll}}
	for _, row := range []struct {
		condition string
		allowed   bool
	}{
		{`"Bool":{"aws:SecureTransport":"true"}`, true},
		{`"Bool":{"aws:ViaAWSService":"false"}`, true},
		{`"Bool":{"aws:ViaAWSService":"true"}`, false},
		{`"DateLessThan":{"aws:CurrentTime":"2026-11-02T09:00:01Z"}`, true},
		{`"DateLessThan":{"aws:CurrentTime":"2026-11-02T09:00:00Z"}`, false},
		{`"StringEquals":{"aws:RequestedRegion":"us-east-1"}`, true},
		{`"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}`, true},
		{`"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}`, true},
		{`"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}`, false},
		{`"StringEquals":{"aws:SourceVpce":"vpce-1a2b3c4d"}`, true},
		{`"StringEquals":{"aws:RequestedRegion":"eu-central-1"}`, true},
		{`"StringEquals":{"sts:RoleSessionName":"forcemfa"}`, true},
		{`"StringEquals":{"sts:RoleSessionName":"${aws:username}"}`, true},
		{`"StringLike":{"sts:RoleSessionName":"${aws:username}-*"}`, true},
		{`"StringEquals":{"sts:ExternalId":"a8f5f167"}`, true},
		{`"StringEquals":{"aws:username":"bob"}`, false},
		{`"StringEquals":{"aws:PrincipalTag/team":"ops"}`, false},
		{`"DateGreaterThan":{"aws:CurrentTime":"2026-11-02T09:00:00Z"}`, false},
		{`"DateLessThan":{"aws:EpochTime":"1793610000"}`, false},
		{`"NumericGreaterThan":{"aws:MultiFactorAuthAge":"7200"}`, true},
		{`"NumericLessThan":{"aws:MultiFactorAuthAge":"30"}`, true},
		{`"NumericLessThan":{"aws:MultiFactorAuthAge":"0"}`, false},
		{`"NumericLessThan":{"aws:MultiFactorAuthAge":"300"}`, true},
	} {
		r := role(strings.Replace(openTo, `"Action":"sts:AssumeRole"`, `"Action":"sts:AssumeRole","Condition":{`+row.condition+`}`, 1))
		got, _ := access.CanAssume(&org.Header{Partition: "aws"}, from, &ada, to, &r, now)
		if (got.Verdict.String() == "allowed") != row.allowed {
			t.Errorf("%s: %v, want allowed %v", row.condition, got.Verdict, row.allowed)
		}
	}
}
