package planner_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/policy"
)

const scpARN = "arn:aws:organizations::999999999999:policy/o-exampleorgid/service_control_policy/ForceMFA"

// withoutRights has no policy.
func withoutRights(u *org.User) { u.Attached = nil }

// bounded sets a permissions boundary that allows S3 only.
func bounded(u *org.User) { u.Boundary = boundaryARN }

const (
	boundaryARN = "arn:aws:iam::" + account + ":policy/OnlyS3"
	onlyS3      = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`
	denyDevices = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["iam:CreateVirtualMFADevice","iam:EnableMFADevice"],"Resource":"*"}]}`
)

// Members of the organization are enforced by the SCP. Only users for whom the
// group makes a difference are added to it as well.
func TestCoveredUsersJoinTheGroupOnlyForItsRights(t *testing.T) {
	group := []string{"CreatePolicy ForceMFA", "CreateGroup ForceMFA", "AttachGroupPolicy ForceMFA ForceMFA", "AddUserToGroup bob ForceMFA"}
	scp := []string{"CreateSCP ForceMFA", "AttachSCP ForceMFA r-abcd"}
	blocked := func(why string) []string {
		return []string{scp[0] + " BLOCKED " + why, scp[1] + " BLOCKED " + why}
	}
	const noCodes = "it would also enforce 111122223333/bob: no sign-in path: bob has an access key, but no console password and no MFA device that generates codes"
	for _, row := range []struct {
		name, config string
		user         []func(*org.User)
		change       func(*scene)
		want         []string
	}{
		{name: "an administrator with a device", want: scp},
		{name: "an administrator who can enroll", user: []func(*org.User){noDevice, noKey}, want: scp},
		{name: "an exempt user", config: "exemptions: [{match: {tag: userType=Service}, owner: a, reason: b}]\n", user: []func(*org.User){workload, withoutRights}, want: scp},
		{name: "no right to manage the device", user: []func(*org.User){withoutRights}, want: slices.Concat(group, scp)},
		{name: "no right to manage the device, and self_service none", config: "policy: {self_service: none}\n", user: []func(*org.User){withoutRights}, want: scp},
		{name: "no right to enroll at the console", user: []func(*org.User){withoutRights, noDevice, noKey}, want: slices.Concat(group, scp)},
		{name: "no right to enroll by access key", user: []func(*org.User){withoutRights, noDevice, noPassword},
			want: slices.Concat([]string{"TagUser bob forcemfa-enrollment=2026-11-04"}, group, scp)},
		{name: "neither password nor key nor rights", user: []func(*org.User){withoutRights, noDevice, noPassword, noKey}, want: scp},
		{name: "a permissions boundary without IAM", user: []func(*org.User){bounded}, want: scp},
		{name: "an SCP that denies enrollment", user: []func(*org.User){withoutRights}, change: func(s *scene) {
			s.header.SCPs = append(s.header.SCPs, org.SCP{ID: "p-2", Name: "NoDevices", Document: denyDevices})
			s.account.SCPs = append(s.account.SCPs, "p-2")
		}, want: scp},
		{name: "no SCP that allows anything on the account", change: func(s *scene) { s.account.SCPs = nil }, want: scp},
		{name: "in the group already", user: []func(*org.User){withoutRights, inGroup}, change: func(s *scene) {
			s.account.Policies, s.account.Groups = managed(wanted())
			s.account.Groups[0].Attached = nil
		}, want: append([]string{"AttachGroupPolicy ForceMFA ForceMFA"}, scp...)},
		{name: "under the policy already", user: []func(*org.User){withoutRights, inGroup}, change: func(s *scene) {
			s.account.Policies, s.account.Groups = managed(wanted())
		}, want: scp},
		{name: "in as many groups as the account allows", user: []func(*org.User){withoutRights, fullOf(10)}, change: func(s *scene) {
			s.account.Groups = groups(10)
		}, want: scp},
		{name: "in as many groups as the account allows, without a device", user: []func(*org.User){withoutRights, noDevice, noKey, fullOf(10)}, change: func(s *scene) {
			s.account.Groups = groups(10)
		}, want: blocked("it would also enforce 111122223333/bob: no sign-in path: iam:CreateVirtualMFADevice is not allowed")},
		{name: "a group that grants more", user: []func(*org.User){withoutRights}, change: func(s *scene) {
			s.account.Policies, s.account.Groups = managed(wanted())
			s.account.Groups[0].Attached = append(s.account.Groups[0].Attached, admin)
		}, want: scp},
		{name: "no device that gives codes", user: []func(*org.User){fidoOnly, noPassword}, want: blocked(noCodes)},
		{name: "no device that gives codes, acknowledged", user: []func(*org.User){fidoOnly, noPassword}, change: func(s *scene) {
			s.acks = acks(t, "lockout:bob", "last-administrator:bob")
		}, want: scp},
		{name: "the management account", change: func(s *scene) {
			s.header.Organization.ManagementAccount, s.account.Management, s.account.SCPs = account, true, nil
		}, want: slices.Concat(group, scp)},
		{name: "an account outside the targets", config: "scp: {targets: [ou-abcd-12345678]}\n", change: func(s *scene) {
			s.header.Units = append(s.header.Units, org.Unit{ID: "ou-abcd-12345678", Name: "Other", Parent: rootID})
		}, want: append(slices.Clone(group), "CreateSCP ForceMFA", "AttachSCP ForceMFA ou-abcd-12345678")},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := scpScene(t, "attach: scp\n"+row.config, user("bob", row.user...))
			if row.change != nil {
				row.change(s)
			}
			s.account.Policies = append(s.account.Policies, org.Policy{ARN: boundaryARN, Name: "OnlyS3", Path: "/", Default: "v1",
				Versions: []org.Version{{ID: "v1", Document: onlyS3}}})
			if d := cmp.Diff(row.want, lines(s.plan(t))); d != "" {
				t.Errorf("steps (-want +got):\n%s", d)
			}
		})
	}
}

// What the plan relies on: members of the group can manage their devices under the
// SCP, and only with MFA.
func TestMembersOfTheGroupManageTheirDevicesUnderTheSCP(t *testing.T) {
	s := scpScene(t, "attach: scp\n", user("bob", withoutRights, inGroup))
	s.account.Policies, s.account.Groups = managed(wanted())
	in := s.input()
	text, err := s.baseline.EnforceSCP("aws", now)
	if err != nil {
		t.Fatal(err)
	}
	in.Header.SCPs = append(in.Header.SCPs, org.SCP{ID: "p-1", Name: document.SCPName, Document: text})
	s.account.SCPs = append(s.account.SCPs, "p-1")
	bob := &s.account.Users[0]
	for _, row := range []struct {
		action     string
		credential policy.Credential
		present    policy.Presence
		want       policy.Verdict
	}{
		{"iam:ListMFADevices", policy.SessionTokenMFA, policy.True, policy.Allowed},
		{"iam:EnableMFADevice", policy.SessionTokenMFA, policy.True, policy.Allowed},
		{"iam:EnableMFADevice", policy.ConsolePassword, policy.False, policy.Allowed},
		{"iam:EnableMFADevice", policy.LongTermKey, policy.Absent, policy.ExplicitDenied},
	} {
		ctx := s.account.Context(in.Header, bob)
		ctx.Set("aws:ViaAWSService", "false")
		ctx.SetMFA(row.credential, row.present, now, now)
		d := s.account.PolicySet(in.Header, bob).Decide(&policy.Request{Principal: s.account.Principal(bob), Action: row.action, Resource: bob.ARN, Context: ctx})
		if d.Verdict != row.want {
			t.Errorf("%s with %v: %v, want %v", row.action, row.credential, d.Verdict, row.want)
		}
	}
}

func TestSCPStepsOfAFileAreResumed(t *testing.T) {
	first := scpScene(t, "attach: scp\n", user("ann"))
	file := reread(t, first.plan(t))
	text := file.Steps[0].Want.Document
	created := org.SCP{ID: "p-1", Name: document.SCPName, Document: text}
	create, attach := "CreateSCP ForceMFA", "AttachSCP ForceMFA r-abcd"
	for _, row := range []struct {
		name   string
		change func(*scene)
		want   split
	}{
		{"nothing was done", func(*scene) {}, split{Do: []string{create, attach}}},
		{"the policy was created", func(s *scene) { s.header.SCPs = append(s.header.SCPs, created) },
			split{Do: []string{attach}, Done: []string{create}}},
		{"it was attached as well", func(s *scene) {
			s.header.SCPs = append(s.header.SCPs, created)
			s.header.Units[0].SCPs = append(s.header.Units[0].SCPs, created.ID)
		}, split{Done: []string{create, attach}}},
		{"somebody else created a policy of that name", func(s *scene) {
			s.header.SCPs = append(s.header.SCPs, org.SCP{ID: "p-1", Name: document.SCPName, Document: allowAll})
		}, split{Stale: []string{create, attach}}},
		{"a user was added who would be locked out", func(s *scene) {
			s.account.Users = append(s.account.Users, user("fay", fidoOnly, noPassword))
		}, split{Stale: []string{create, attach}}},
		{"the config file no longer says attach scp", func(s *scene) { s.baseline = baseline.Default() },
			split{Stale: []string{create, attach}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			later := scpScene(t, "attach: scp\n", user("ann"))
			later.resume = file
			row.change(later)
			if d := cmp.Diff(row.want, intersect(file, later.plan(t))); d != "" {
				t.Errorf("split (-want +got):\n%s", d)
			}
		})
	}
	if file.Steps[0].Op != plan.CreateSCP || file.Steps[0].Subject != scpARN {
		t.Errorf("first step %+v", file.Steps[0])
	}
}
