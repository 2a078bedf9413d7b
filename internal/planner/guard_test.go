package planner_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/planner"
)

// deny is an inline policy of the user that refuses an action.
func deny(action, condition string) func(*org.User) {
	return func(u *org.User) {
		u.Inline = append(u.Inline, org.InlinePolicy{Name: "deny-" + strings.ReplaceAll(action, ":", "-"),
			Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"` + action + `","Resource":"*"` + condition + `}]}`})
	}
}

// Every case decides whether a user can still get an MFA session. Sources: IAM User Guide, "AWS
// multi-factor authentication in IAM" (a passkey cannot be passed to STS), "AWS:
// Allows MFA-authenticated IAM users to manage their own credentials" (a forced
// password change is denied).
func TestGuardBlocksUsersWithoutASignInPath(t *testing.T) {
	const end = "; or exempt bob, or acknowledge with --ack lockout:111122223333/bob"
	unreadable := func(u *org.User) { u.Attached = append(u.Attached, "arn:aws:iam::"+account+":policy/unread") }
	noIAM := func(u *org.User) { u.Attached = nil }
	tests := []struct {
		name    string
		user    []func(*org.User)
		change  func(*baseline.Baseline)
		blocked string // empty: enforced
		remedy  string
	}{
		{name: "TOTP device and key", user: []func(*org.User){noPassword}},
		{name: "TOTP device and password", user: []func(*org.User){noKey}},
		{name: "TOTP device and password that must be changed", user: []func(*org.User){noKey, mustReset}},
		{name: "security key and password", user: []func(*org.User){fidoOnly, noKey}},
		{name: "security key, access key, no password", user: []func(*org.User){fidoOnly, noPassword},
			blocked: "no sign-in path: bob has an access key, but no console password and no MFA device that generates codes",
			remedy:  "enroll a virtual MFA device for bob as an administrator, or give the user a console password" + end},
		{name: "password, no device", user: []func(*org.User){noDevice, noKey}},
		{name: "password and no rights of its own", user: []func(*org.User){noDevice, noKey, noIAM}},
		{name: "password that must be changed, no device, no key", user: []func(*org.User){noDevice, noKey, mustReset},
			blocked: "no sign-in path: bob must change the password at the next sign-in, and the policy denies that without MFA",
			remedy:  "let bob sign in and change the password first, or set allow_password_change_before_mfa" + end},
		{name: "the same with allow_password_change_before_mfa", user: []func(*org.User){noDevice, noKey, mustReset},
			change: func(b *baseline.Baseline) { b.Policy.PasswordChangeBeforeMFA = true }},
		{name: "not known whether the password must be changed", user: []func(*org.User){noDevice, noKey, resetUnknown},
			blocked: "no sign-in path: could not read whether bob must change the password at the next sign-in",
			remedy:  "let the role that forcemfa assumes call iam:GetLoginProfile" + end},
		{name: "no credentials at all", user: []func(*org.User){noDevice, noKey, noPassword}},
		{name: "key alone, enrollment any", user: []func(*org.User){noDevice, noPassword},
			change: func(b *baseline.Baseline) { b.Policy.Enrollment = document.EnrollmentAny }},
		{name: "denied to enable a device", user: []func(*org.User){noDevice, noKey, deny("iam:EnableMFADevice", "")},
			blocked: "no sign-in path: iam:EnableMFADevice is denied by inline policy deny-iam-EnableMFADevice of user bob",
			remedy:  "let bob enroll its own device, or enroll one as an administrator" + end},
		{name: "denied to enable a device directly", user: []func(*org.User){noDevice, noKey, deny("iam:EnableMFADevice", `,"Condition":{"Bool":{"aws:ViaAWSService":"false"}}`)},
			blocked: "no sign-in path: iam:EnableMFADevice is denied by inline policy deny-iam-EnableMFADevice of user bob",
			remedy:  "let bob enroll its own device, or enroll one as an administrator" + end},
		{name: "denied to enable a device except from the office", user: []func(*org.User){noDevice, noKey,
			deny("*", `,"Condition":{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`)}},
		{name: "denied to everybody without MFA, key alone", user: []func(*org.User){noDevice, noPassword,
			deny("iam:*", `,"Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}`)},
			blocked: "no sign-in path: bob has neither an MFA device nor a console password, and with the access key iam:CreateVirtualMFADevice is denied by inline policy deny-iam-* of user bob",
			remedy:  "give bob a console password, or enroll a device as an administrator" + end},
		{name: "nothing granted and no rights", user: []func(*org.User){noDevice, noKey, noIAM},
			change:  func(b *baseline.Baseline) { b.Policy.SelfService = document.SelfServiceNone },
			blocked: "no sign-in path: iam:CreateVirtualMFADevice is not allowed",
			remedy:  "let bob enroll its own device, or enroll one as an administrator" + end},
		{name: "a document that could not be read", user: []func(*org.User){noDevice, noKey, unreadable},
			blocked: "no sign-in path: could not decide whether iam:CreateVirtualMFADevice is allowed: ",
			remedy:  "let bob enroll its own device, or enroll one as an administrator" + end},
		{name: "the same with a device", user: []func(*org.User){unreadable}},
		{name: "device not known, password", user: []func(*org.User){func(u *org.User) { u.MFA, u.Devices = org.Unknown, nil }}},
		{name: "device not known, no password", user: []func(*org.User){noPassword, func(u *org.User) { u.MFA, u.Devices = org.Unknown, nil }},
			blocked: "no sign-in path: could not read whether bob has an MFA device",
			remedy:  "let the role that forcemfa assumes call iam:GenerateCredentialReport, iam:GetCredentialReport and iam:ListMFADevices" + end},
		{name: "kind of device not known, no password", user: []func(*org.User){noPassword, func(u *org.User) { u.Devices = nil }},
			blocked: "no sign-in path: could not read the type of the MFA device of bob",
			remedy:  "let the role that forcemfa assumes call iam:ListMFADevices" + end},
		{name: "password not known", user: []func(*org.User){noDevice, noKey, func(u *org.User) { u.Password = org.Unknown }},
			blocked: "no sign-in path: could not read whether bob has a console password",
			remedy:  "let the role that forcemfa assumes call iam:GetCredentialReport or iam:GetLoginProfile" + end},
	}
	policies, group := managed(wanted())
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := scene{baseline: baseline.Default(), account: org.Account{Policies: policies, Groups: group, Users: []org.User{user("bob", tt.user...)}}}
			if tt.change != nil {
				tt.change(s.baseline)
				s.account.Policies, s.account.Groups = nil, nil
			}
			step := find(t, s.plan(t), plan.AddUserToGroup)
			if tt.blocked == "" && step.Blocked != "" || !strings.HasPrefix(step.Blocked, tt.blocked) || step.Remedy != tt.remedy {
				t.Errorf("blocked %q\nremedy  %q", step.Blocked, step.Remedy)
			}
		})
	}
}

func find(t *testing.T, p *plan.Plan, op plan.Op) plan.Step {
	t.Helper()
	i := slices.IndexFunc(p.Steps, func(s plan.Step) bool { return s.Op == op })
	if i < 0 {
		t.Fatalf("no %s in %v", op, lines(p))
	}
	return p.Steps[i]
}

func TestAcknowledgementLiftsTheGuardForOneUser(t *testing.T) {
	locked := []func(*org.User){noDevice, noKey, mustReset}
	ack := baseline.Acknowledgement{Guard: baseline.GuardLockout, Account: account, Name: "ann"}
	for _, where := range []string{"flag", "config"} {
		s := scene{baseline: baseline.Default(), account: org.Account{Users: []org.User{user("ann", locked...), user("bob", locked...)}}}
		if where == "flag" {
			s.acks = []baseline.Acknowledgement{ack}
		} else {
			s.baseline.Acknowledge = []baseline.Acknowledgement{ack}
		}
		var enforced, blocked []string
		for _, step := range s.plan(t).Steps {
			switch {
			case step.Op == plan.AddUserToGroup && step.Blocked == "":
				enforced = append(enforced, step.UserName())
			case step.Blocked != "":
				blocked = append(blocked, step.UserName())
			}
		}
		if !slices.Equal(enforced, []string{"ann"}) || !slices.Equal(blocked, []string{"bob"}) {
			t.Errorf("by %s: enforced %v, blocked %v", where, enforced, blocked)
		}
	}
}

func TestPlanDoesNotEnforceItsCaller(t *testing.T) {
	bob := user("bob")
	for name, set := range map[string]func(*scene){
		"of the organization": func(s *scene) { s.header.Caller = bob.ARN },
		"of the account":      func(s *scene) { s.account.Caller = bob.ARN },
	} {
		s := scene{account: org.Account{Users: []org.User{bob, user("ann")}}}
		set(&s)
		p := s.plan(t)
		step := p.Steps[slices.IndexFunc(p.Steps, func(s plan.Step) bool { return s.UserName() == "bob" })]
		if step.Blocked != "bob is the user who runs the plan, and could lose access during the run" || step.Remedy != "run it as another administrator, preferably in a role session; or acknowledge with --ack caller:111122223333/bob" {
			t.Errorf("%s: blocked %q, remedy %q", name, step.Blocked, step.Remedy)
		}
		if !slices.Contains(lines(p), "AddUserToGroup ann ForceMFA") {
			t.Errorf("%s: ann is left out: %v", name, lines(p))
		}
	}
}

// A step on the policy or group enforces everybody behind it, so one of them
// without a sign-in path blocks it, and what needs it.
func TestRepairThatLocksAUserOutIsBlocked(t *testing.T) {
	drifted, group := managed(allowAll)
	s := scene{account: org.Account{Policies: drifted, Groups: group, Users: []org.User{
		user("lou", fidoOnly, noPassword, inGroup), user("kim", noDevice, noPassword, inGroup), user("ann"),
	}}}
	const why = "also enforces lou: no sign-in path: lou has an access key, but no console password and no MFA device that generates codes"
	want := []string{
		"UpdatePolicy ForceMFA BLOCKED " + why,
		"AddUserToGroup ann ForceMFA BLOCKED needs UpdatePolicy/" + account + "/" + policyARN + ", which is blocked",
	}
	if got := lines(s.plan(t)); !slices.Equal(got, want) {
		t.Errorf("plan:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	s.acks = []baseline.Acknowledgement{{Guard: baseline.GuardLockout, Name: "lou"}}
	want = []string{"TagUser kim forcemfa-enrollment=2026-11-09", "UpdatePolicy ForceMFA", "AddUserToGroup ann ForceMFA"}
	if got := lines(s.plan(t)); !slices.Equal(got, want) {
		t.Errorf("acknowledged:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A user who is enforced and enrolls by key as the old document allows would
// lose the sign-in path when the new one denies it: an enrollment window opens
// first.
func TestRepairKeepsTheSignInPathOfEnforcedUsers(t *testing.T) {
	any := baseline.Default()
	any.Policy.Enrollment = document.EnrollmentAny
	drifted, group := managed(any.Document("aws"))
	s := scene{account: org.Account{Policies: drifted, Groups: group, Users: []org.User{user("kim", noDevice, noPassword, inGroup), user("ann", inGroup)}}}
	want := []string{"TagUser kim forcemfa-enrollment=2026-11-09", "UpdatePolicy ForceMFA"}
	if got := lines(s.plan(t)); !slices.Equal(got, want) {
		t.Errorf("plan:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestUnreadableDefaultVersionIsNotOverwritten(t *testing.T) {
	policies, group := managed(wanted())
	policies[0].Default = "v9"
	s := scene{account: org.Account{Policies: policies, Groups: group, Users: []org.User{user("ann"), user("in", inGroup)}}}
	p := s.plan(t)
	if step := find(t, p, plan.UpdatePolicy); step.Blocked == "" || step.Remedy == "" {
		t.Errorf("blocked %q, remedy %q", step.Blocked, step.Remedy)
	}
	if step := find(t, p, plan.PutUserPolicy); step.UserName() != "ann" || step.Want.Document != wanted() {
		t.Errorf("step %+v", step)
	}
}

// In a run that nobody watches, a new user gets no enrollment window: who created it may
// have had no MFA.
func TestNewUsersGetNoWindowInUnattendedRuns(t *testing.T) {
	for _, row := range []struct {
		name   string
		age    time.Duration
		limit  time.Duration
		window bool
	}{
		{"created minutes ago, by the function", 10 * time.Minute, 24 * time.Hour, false},
		{"created two days ago, by the function", 48 * time.Hour, 24 * time.Hour, true},
		{"created minutes ago, by an administrator's apply", 10 * time.Minute, 0, true},
	} {
		policies, group := managed(wanted())
		s := scene{account: org.Account{Policies: policies, Groups: group, Users: []org.User{user("bob", noDevice, noPassword, func(u *org.User) { u.Created = now.Add(-row.age) })}}}
		in := s.input()
		in.NoWindowBefore = row.limit
		p, err := planner.Make(in)
		if err != nil {
			t.Fatal(err)
		}
		window := slices.ContainsFunc(p.Steps, func(s plan.Step) bool { return s.Op == plan.TagUser })
		blocked := slices.ContainsFunc(p.Steps, func(s plan.Step) bool { return s.Blocked != "" })
		if window != row.window || blocked == row.window {
			t.Errorf("%s: window %v, blocked %v, want a window: %v", row.name, window, blocked, row.window)
		}
	}
}

// A password that has expired, or expires by the password policy, opens no sign-in path
// that ForceMFA leaves.
func TestExpiredPasswordsAreNoSignInPath(t *testing.T) {
	expired := func(u *org.User) { at := now.Add(-12 * time.Hour); u.PasswordExpires = &at }
	later := func(u *org.User) { at := now.Add(time.Hour); u.PasswordExpires = &at }
	fido := func(u *org.User) {
		u.MFA, u.Devices = org.Yes, []org.Device{{Serial: "arn:aws:iam::" + account + ":u2f/user/x", Kind: org.FIDO}}
	}
	early := func(b *baseline.Baseline) { b.Policy.PasswordChangeBeforeMFA = true }
	for _, row := range []struct {
		name   string
		change func(*baseline.Baseline)
		user   []func(*org.User)
		hard   org.Tri
		want   string // part of why the step is blocked; empty: it is not
	}{
		{"expired, no device", nil, []func(*org.User){noDevice, noKey, expired}, org.No, "expired on 2026-11-01, and the policy denies changing it without MFA"},
		{"expired, no device, may change it first", early, []func(*org.User){noDevice, noKey, expired}, org.No, ""},
		{"expired for good, no device", early, []func(*org.User){noDevice, noKey, expired}, org.Yes, "only an administrator can replace it"},
		{"expired, no device, policy not read", early, []func(*org.User){noDevice, noKey, expired}, org.Unknown, "the password policy could not be read"},
		{"expires later, no device", nil, []func(*org.User){noDevice, noKey, later}, org.Yes, ""},
		{"expired for good, security key", nil, []func(*org.User){fido, noKey, expired}, org.Yes, "only an administrator can replace it"},
		{"expired, security key", nil, []func(*org.User){fido, noKey, expired}, org.No, ""},
		{"expired for good, device with codes and a key", nil, []func(*org.User){expired}, org.Yes, ""},
		{"expired, no device, a key: no window", nil, []func(*org.User){noDevice, expired}, org.No, "expired on 2026-11-01"},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := baseline.Default()
			if row.change != nil {
				row.change(b)
			}
			policies, group := managed(b.Document("aws"))
			s := scene{baseline: b, account: org.Account{Policies: policies, Groups: group, HardExpiry: row.hard, Users: []org.User{user("bob", row.user...)}}}
			var why []string
			for _, step := range s.plan(t).Steps {
				why = append(why, step.Blocked)
			}
			if got := strings.Join(why, ""); (got == "") != (row.want == "") || !strings.Contains(got, row.want) {
				t.Errorf("blocked %q, want %q", got, row.want)
			}
		})
	}
}

// A device is no sign-in path when another policy denies every session with it.
func TestSessionsThatSomethingElseDeniesAreNoSignInPath(t *testing.T) {
	policies, group := managed(wanted())
	for name, want := range map[string]bool{
		`,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`:           true,
		`,"Condition":{"Null":{"aws:TokenIssueTime":"false"}}`:                  true,
		`,"Condition":{"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}}`:         false,
		`,"Condition":{"NotIpAddress":{"aws:SourceIp":"198.51.100.0/24"}}`:      false,
		`,"Condition":{"NumericGreaterThan":{"aws:MultiFactorAuthAge":"3600"}}`: false,
	} {
		s := scene{account: org.Account{Policies: policies, Groups: group, Users: []org.User{user("bob", deny("*", name))}}}
		blocked := slices.ContainsFunc(s.plan(t).Steps, func(s plan.Step) bool { return strings.Contains(s.Blocked, "also in a session with MFA") })
		if blocked != want {
			t.Errorf("%s: blocked %v, want %v", name, blocked, want)
		}
	}
	s := scene{account: org.Account{Policies: policies, Groups: group, Users: []org.User{user("bob", deny("s3:*", `,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`))}}}
	for _, step := range s.plan(t).Steps {
		if step.Blocked != "" {
			t.Errorf("one denied service blocks: %s", step.Blocked)
		}
	}
}

// What could not be read is never a sign-in path.
func TestAnUnknownConsoleIsNoSignInPath(t *testing.T) {
	policies, group := managed(wanted())
	unknown := func(u *org.User) { u.Password, u.Keys = org.Unknown, nil }
	for name, also := range map[string]func(*org.User){"without a device": noDevice, "with a device": func(*org.User) {}} {
		s := scene{account: org.Account{Policies: policies, Groups: group, Users: []org.User{user("bob", unknown, also)}}}
		if !slices.ContainsFunc(s.plan(t).Steps, func(s plan.Step) bool {
			return strings.Contains(s.Blocked, "could not read whether bob has a console password")
		}) {
			t.Errorf("%s: not blocked: %+v", name, s.plan(t).Steps)
		}
	}
}
