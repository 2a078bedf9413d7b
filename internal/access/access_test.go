package access_test

import (
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
	"forcemfa/policy"
)

var now = time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC)

const (
	identity = "111111111111"
	target   = "222222222222"
	readOnly = "arn:aws:iam::aws:policy/ReadOnlyAccess"
	openTo   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + identity + `:root"},"Action":"sts:AssumeRole"}]}`
	withMFA  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + identity + `:root"},"Action":"sts:AssumeRole","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}]}`
	allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	denyS3   = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}`
)

const config = `version: 1
access:
  account: "` + identity + `"
  groups: [{name: Ops, members: [ada, ghost]}]
  grants: [{group: Ops, role: Operator, accounts: ["` + target + `"], policies: [ReadOnlyAccess], actions: ["ec2:*"]}]
`

func input(t *testing.T, accounts ...*org.Account) access.Input {
	t.Helper()
	b, err := baseline.Parse("c.yaml", []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range accounts {
		a.Partition, a.Read, a.State = "aws", true, "ACTIVE"
		a.Sort()
	}
	return access.Input{Header: &org.Header{Format: org.Format, Partition: "aws"}, Baseline: b, Access: b.Access, Accounts: accounts, Now: now}
}

func user(name string) org.User {
	return org.User{
		Name: name, ARN: "arn:aws:iam::" + identity + ":user/" + name, Password: org.Yes, MFA: org.Yes,
		Devices: []org.Device{{Serial: "arn:aws:iam::" + identity + ":mfa/" + name, Kind: org.VirtualMFA}},
		Keys:    []org.AccessKey{{Slot: 1, Active: true}},
	}
}

func role(trust string) org.Role {
	return org.Role{Name: "operator", ARN: "arn:aws:iam::" + target + ":role/operator", Trust: trust}
}

// lines are steps as "Op name object", with the reason of a block.
func lines(steps []plan.Step) []string {
	var out []string
	for _, s := range steps {
		line := string(s.Op) + " " + s.Subject[strings.LastIndexByte(s.Subject, '/')+1:]
		if s.Object != "" {
			line += " " + s.Object[strings.LastIndexByte(s.Object, '/')+1:]
		}
		if s.Blocked != "" {
			line += " BLOCKED"
		}
		out = append(out, line)
	}
	return out
}

func TestPlanCreatesGroupAndRoleAndNamesMissingUsers(t *testing.T) {
	in := input(t, &org.Account{ID: identity, Users: []org.User{user("ada")}}, &org.Account{ID: target})
	p := access.Plan(in)
	want := []string{
		"CreateGroup Ops", "PutGroupPolicy Ops ForceMFA-AssumeRoles", "PutGroupPolicy Ops ForceMFA-OwnAccount",
		"AddUserToGroup ada Ops", "AddUserToGroup ghost Ops BLOCKED",
		"CreateRole Operator", "AttachRolePolicy Operator ReadOnlyAccess", "PutRolePolicy Operator ForceMFA-Actions",
	}
	if d := cmp.Diff(want, lines(p.Steps)); d != "" {
		t.Errorf("steps (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{p.Steps[0].ID}, p.Steps[1].Needs); d != "" {
		t.Errorf("what a group policy needs (-want +got):\n%s", d)
	}
}

func TestPlanBlocksStepsOnUnreadAccounts(t *testing.T) {
	p := access.Plan(input(t))
	if d := cmp.Diff([]string{"CreateGroup Ops BLOCKED", "CreateRole Operator BLOCKED"}, lines(p.Steps)); d != "" {
		t.Errorf("steps (-want +got):\n%s", d)
	}
}

func TestPlanChangesAnExistingRole(t *testing.T) {
	used := now.AddDate(0, 0, -1)
	for _, row := range []struct {
		name string
		role org.Role
		want []string
	}{
		{"as wanted", org.Role{Trust: withMFA, Attached: []string{readOnly}, Inline: []org.InlinePolicy{{Name: baseline.RoleActionsName, Document: document.Actions("aws", []string{"ec2:*"})}}}, nil},
		{"open", org.Role{Trust: openTo, Attached: []string{readOnly}}, []string{"UpdateAssumeRolePolicy operator", "PutRolePolicy operator ForceMFA-Actions"}},
		{"open to one network with MFA", org.Role{Trust: strings.Replace(withMFA, `"Bool"`, `"IpAddress":{"aws:SourceIp":"203.0.113.0/24"},"Bool"`, 1), Attached: []string{readOnly}},
			[]string{"PutRolePolicy operator ForceMFA-Actions"}},
		{"open and in use", org.Role{Trust: openTo, Used: &used}, []string{
			"UpdateAssumeRolePolicy operator BLOCKED", "AttachRolePolicy operator ReadOnlyAccess BLOCKED", "PutRolePolicy operator ForceMFA-Actions BLOCKED"}},
		{"closed to the identity account", org.Role{Trust: strings.ReplaceAll(withMFA, identity, "333333333333"), Attached: []string{readOnly}},
			[]string{"UpdateAssumeRolePolicy operator", "PutRolePolicy operator ForceMFA-Actions"}},
		{"a trust policy that is no policy", org.Role{Trust: "{"}, []string{
			"UpdateAssumeRolePolicy operator BLOCKED", "AttachRolePolicy operator ReadOnlyAccess BLOCKED", "PutRolePolicy operator ForceMFA-Actions BLOCKED"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := row.role
			r.Name, r.ARN, r.MaxSession = "operator", "arn:aws:iam::"+target+":role/operator", 3*time.Hour
			in := input(t, &org.Account{ID: identity, Users: []org.User{user("ada")}}, &org.Account{ID: target, Roles: []org.Role{r}})
			steps := slices.DeleteFunc(access.Plan(in).Steps, func(s plan.Step) bool { return s.Account == identity })
			if d := cmp.Diff(row.want, lines(steps)); d != "" {
				t.Errorf("steps (-want +got):\n%s", d)
			}
		})
	}
}

func TestPlanNotesPermissionsOutsideTheConfigFile(t *testing.T) {
	eve, bare := user("eve"), user("ada")
	eve.Groups, bare.MFA, bare.Devices = []string{"Ops"}, org.No, nil
	r := role(withMFA)
	r.Attached = []string{"arn:aws:iam::aws:policy/PowerUserAccess"}
	in := input(t,
		&org.Account{ID: identity, Users: []org.User{bare, eve}, Groups: []org.Group{{Name: "Ops", ARN: "arn:aws:iam::" + identity + ":group/Ops", Attached: []string{readOnly}}}},
		&org.Account{ID: target, Roles: []org.Role{r}})
	notes := strings.Join(access.Plan(in).Notes, "\n")
	for _, part := range []string{"PowerUserAccess", "user/eve", "user/ada", "group/Ops has " + readOnly} {
		if !strings.Contains(notes, part) {
			t.Errorf("no note has %q:\n%s", part, notes)
		}
	}
}

// With attach: groups every group carries the ForceMFA policy.
func TestPlanNotesNoPolicyOfForceMFA(t *testing.T) {
	attached := []string{readOnly, baseline.PolicyARN("aws", identity), "arn:aws:iam::" + identity + ":policy/ForceMFA"}
	in := input(t,
		&org.Account{ID: identity, Partition: "aws", Groups: []org.Group{{Name: "Ops", ARN: "arn:aws:iam::" + identity + ":group/Ops", Attached: attached}}},
		&org.Account{ID: target})
	notes := strings.Join(access.Plan(in).Notes, "\n")
	for i, noted := range []bool{true, false, true} {
		if strings.Contains(notes, "has "+attached[i]+" attached") != noted {
			t.Errorf("%s is noted: want %v:\n%s", attached[i], noted, notes)
		}
	}
}

func TestPlanRemembersStepsOfTheResumedFile(t *testing.T) {
	before := access.Plan(input(t, &org.Account{ID: identity, Users: []org.User{user("ada")}}, &org.Account{ID: target}))
	ada := user("ada")
	ada.Groups = []string{"Ops"}
	in := input(t, &org.Account{ID: identity, Users: []org.User{ada}, Groups: []org.Group{{Name: "Ops", ARN: "arn:aws:iam::" + identity + ":group/Ops"}}}, &org.Account{ID: target})
	in.Resume = before
	_, done, _ := plan.Intersect(before, access.Plan(in))
	if d := cmp.Diff([]string{"CreateGroup Ops", "AddUserToGroup ada Ops"}, lines(done)); d != "" {
		t.Errorf("done (-want +got):\n%s", d)
	}
}

func TestCanAssumeWithAndWithoutMFA(t *testing.T) {
	from, to := &org.Account{ID: identity, Partition: "aws"}, &org.Account{ID: target, Partition: "aws"}
	ada := user("ada")
	ada.Inline = []org.InlinePolicy{{Name: "all", Document: allowAll}}
	// orIf trusts with MFA, and under another condition without.
	orIf := func(condition string) string {
		_, second, _ := strings.Cut(openTo, `"Statement":[`)
		return strings.Replace(withMFA, `]}`, `,`+strings.Replace(second, `"sts:AssumeRole"`, `"sts:AssumeRole","Condition":{`+condition+`}`, 1), 1)
	}
	for _, row := range []struct {
		name, trust   string
		with, without policy.Verdict
	}{
		{"open", openTo, policy.Allowed, policy.Allowed},
		{"with MFA", withMFA, policy.Allowed, policy.ImplicitDenied},
		{"with MFA, or from one network", orIf(`"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}`), policy.Allowed, policy.Allowed},
		{"with MFA, or with the own name", orIf(`"StringEquals":{"sts:RoleSessionName":"${aws:username}"}`), policy.Allowed, policy.Allowed},
		{"with MFA, or by somebody else", orIf(`"StringEquals":{"aws:username":"bob"}`), policy.Allowed, policy.ImplicitDenied},
		{"another account", strings.ReplaceAll(openTo, identity, "333333333333"), policy.ImplicitDenied, policy.ImplicitDenied},
		{"sessions without MFA", strings.Replace(withMFA, `"true"`, `"false"`, 1), policy.ImplicitDenied, policy.Allowed},
	} {
		r := role(row.trust)
		with, without := access.CanAssume(&org.Header{Partition: "aws"}, from, &ada, to, &r, now)
		if with.Verdict != row.with || without.Verdict != row.without {
			t.Errorf("%s: with MFA %v, without %v; want %v and %v", row.name, with.Verdict, without.Verdict, row.with, row.without)
		}
	}
}

func TestMigrateRemovesPoliciesOnlyFromUsersWithARole(t *testing.T) {
	assume := document.Assume("aws", []string{"arn:aws:iam::" + target + ":role/operator"})
	group := org.Group{Name: "Ops", ARN: "arn:aws:iam::" + identity + ":group/Ops", Inline: []org.InlinePolicy{{Name: baseline.AssumeRolesName, Document: assume}}}
	for _, row := range []struct {
		name, trust string
		change      func(*access.Input, *org.User)
		blocked     string
		roles       int
	}{
		{name: "ready", trust: withMFA, roles: 1},
		{name: "open role", trust: openTo, blocked: "can be assumed without MFA"},
		{name: "closed role", trust: strings.ReplaceAll(withMFA, identity, "333333333333"), blocked: "cannot be assumed with MFA"},
		{name: "closed role, acknowledged", trust: strings.ReplaceAll(withMFA, identity, "333333333333"), change: func(in *access.Input, _ *org.User) {
			in.Acknowledge = []baseline.Acknowledgement{{Guard: baseline.GuardLockout, Name: "ada"}}
		}},
		{name: "no device", trust: withMFA, change: func(_ *access.Input, u *org.User) { u.MFA, u.Devices = org.No, nil }, blocked: "has no MFA device"},
		{name: "device not read", trust: withMFA, change: func(_ *access.Input, u *org.User) { u.MFA = org.Unknown }, blocked: "could not read whether"},
		{name: "no password and no codes", trust: withMFA, change: func(_ *access.Input, u *org.User) { u.Password, u.Devices = org.No, nil }, blocked: "no console password, and no access key"},
		{name: "the caller", trust: withMFA, change: func(in *access.Input, u *org.User) { in.Header.Caller = u.ARN }, blocked: "runs the migration"},
	} {
		t.Run(row.name, func(t *testing.T) {
			ada := user("ada")
			ada.Groups, ada.Attached = []string{"Ops"}, []string{readOnly}
			ada.Inline = []org.InlinePolicy{{Name: "all", Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`}, {Name: "deny", Document: denyS3}}
			account := &org.Account{ID: identity, Users: []org.User{ada}, Groups: []org.Group{group}, Policies: []org.Policy{{ARN: readOnly, Name: "ReadOnlyAccess", Default: "v1",
				Versions: []org.Version{{ID: "v1", Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}`}}}}}
			in := input(t, account, &org.Account{ID: target, Roles: []org.Role{role(row.trust)}})
			if row.change != nil {
				row.change(&in, &account.Users[0])
			}
			m := access.Migrate(in, "ada")
			if len(m.Steps) != 2 || len(m.Kept) != 1 || len(m.Roles) != row.roles {
				t.Fatalf("migration %+v", m)
			}
			for _, s := range m.Steps {
				if (row.blocked == "") != (s.Blocked == "") || !strings.Contains(s.Blocked, row.blocked) {
					t.Errorf("%s: blocked %q, want %q", s.ID, s.Blocked, row.blocked)
				}
			}
		})
	}
	if m := access.Migrate(input(t), "ada"); len(m.Steps) != 0 {
		t.Errorf("without its account: %+v", m)
	}
}

func TestPeopleHaveOneProfileForEachRole(t *testing.T) {
	in := input(t, &org.Account{ID: identity, Users: []org.User{user("ada")}}, &org.Account{ID: target, Name: "Shop Production"})
	people := access.People(in)
	if len(people) != 2 || people[0].Name != "ada" || len(people[0].Profiles) != 1 {
		t.Fatalf("people %+v", people)
	}
	want := access.Profile{
		Name: "Shop-Production-Operator", RoleARN: "arn:aws:iam::" + target + ":role/Operator", Serial: "arn:aws:iam::" + identity + ":mfa/ada",
		Link: "https://signin.aws.amazon.com/switchrole?account=" + target + "&displayName=Shop-Production&roleName=Operator",
	}
	if d := cmp.Diff(want, people[0].Profiles[0]); d != "" {
		t.Errorf("profile (-want +got):\n%s", d)
	}
}
