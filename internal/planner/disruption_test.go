package planner_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/baseline"
	"forcemfa/internal/impact"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
)

// used sets the last use of the user's access key.
func used(service string, days int) func(*org.User) {
	at := now.AddDate(0, 0, -days)
	return func(u *org.User) { u.Keys[0].Used, u.Keys[0].UsedService = &at, service }
}

func services(ssh int, names ...string) func(*org.User) {
	return func(u *org.User) { u.Services = &org.ServiceCredentials{ServiceSpecific: names, SSHKeys: ssh} }
}

func inactive(u *org.User) { u.Keys[0].Active = false }

func TestGuardBlocksUsersWhoseWorkloadWouldStop(t *testing.T) {
	const (
		person = "move the workload to a role, exempt bob, or enroll a virtual MFA device if it is a person; or acknowledge with --ack breaks-workload:" + account + "/bob"
		device = "also enroll a virtual MFA device for bob, or deactivate the key; or acknowledge with --ack cli-lockout:" + account + "/bob"
		keyed  = ", and it has no console password and no MFA device that generates codes"
	)
	window := "TagUser"
	tests := []struct {
		name            string
		user            []func(*org.User)
		blocked, remedy string // empty: enforced
		note            string
		guard           string
		needs           string // the step that is needed once the guard is lifted
	}{
		{name: "a key used for S3, neither device nor password", user: []func(*org.User){noDevice, noPassword, used("s3", 1)},
			blocked: "bob is probably a service account: its access key was used for s3 on 2026-11-01" + keyed, remedy: person, guard: "breaks-workload", needs: window},
		{name: "the same 90 days ago", user: []func(*org.User){noDevice, noPassword, used("s3", 90)},
			blocked: "bob is probably a service account: its access key was used for s3 on 2026-08-04" + keyed, remedy: person, guard: "breaks-workload", needs: window},
		{name: "the same 91 days ago", user: []func(*org.User){noDevice, noPassword, used("s3", 91)}},
		{name: "a key used for a service that AWS does not report", user: []func(*org.User){noDevice, noPassword, used("", 1)},
			blocked: "bob is probably a service account: its access key was used for an unknown service on 2026-11-01" + keyed, remedy: person, guard: "breaks-workload", needs: window},
		{name: "a key used only for STS", user: []func(*org.User){noDevice, noPassword, used("sts", 1)}},
		{name: "a key that was never used", user: []func(*org.User){noDevice, noPassword}},
		{name: "an inactive key", user: []func(*org.User){noDevice, noPassword, used("s3", 1), inactive}},
		{name: "a key used for S3, and a TOTP device", user: []func(*org.User){noPassword, used("s3", 1)},
			note: "stops working without MFA: 111122223333/bob (access key used for s3 on 2026-11-01)"},
		{name: "a key used for S3, and a console password", user: []func(*org.User){noDevice, used("s3", 1)},
			note: "stops working without MFA: 111122223333/bob (access key used for s3 on 2026-11-01)"},
		{name: "Git credentials and SSH keys, no device", user: []func(*org.User){noDevice, noKey, services(2, "codecommit.amazonaws.com")},
			blocked: "bob is probably a service account: it has service-specific credentials for codecommit.amazonaws.com and 2 SSH keys, and these credentials do not support MFA", remedy: person, guard: "breaks-workload"},
		{name: "an SSH key and nothing else", user: []func(*org.User){noDevice, noKey, noPassword, services(1)},
			blocked: "bob is probably a service account: it has an SSH key, and these credentials do not support MFA", remedy: person, guard: "breaks-workload"},
		{name: "an SSH key and a TOTP device", user: []func(*org.User){services(1)},
			note: "stops working without MFA: 111122223333/bob (an SSH key)"},
		{name: "service credentials not read, no device", user: []func(*org.User){noDevice},
			note: "SSH keys and service-specific credentials not read (they would stop working): 111122223333/bob"},
		{name: "a security key, a console password and an access key", user: []func(*org.User){fidoOnly},
			blocked: "bob has an active access key, but only MFA devices that do not generate codes (passkeys, security keys): its access key would stop working", remedy: device, guard: "cli-lockout"},
		{name: "a security key and a console password", user: []func(*org.User){fidoOnly, noKey}},
		{name: "a security key and a phone", user: []func(*org.User){fidoOnly, func(u *org.User) {
			u.Devices = append(u.Devices, org.Device{Serial: "GAHT12345678", Kind: org.HardwareMFA})
		}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := scene{account: org.Account{Users: []org.User{user("bob", tt.user...)}}}
			s.account.Policies, s.account.Groups = managed(wanted())
			p := s.plan(t)
			step := find(t, p, plan.AddUserToGroup)
			if step.Blocked != tt.blocked || step.Remedy != tt.remedy {
				t.Errorf("blocked %q\nremedy  %q", step.Blocked, step.Remedy)
			}
			if tt.note != "" && !slices.Contains(p.Sentences(0), tt.note) {
				t.Errorf("notes: %q", p.Notes)
			}
			if tt.guard == "" {
				return
			}
			s.acks = acks(t, tt.guard+":"+account+"/bob")
			p = s.plan(t)
			if step = find(t, p, plan.AddUserToGroup); step.Blocked != "" {
				t.Errorf("acknowledged: blocked %q", step.Blocked)
			}
			if tt.needs != "" {
				find(t, p, plan.Op(tt.needs))
			}
		})
	}
}

func acks(t *testing.T, texts ...string) []baseline.Acknowledgement {
	t.Helper()
	var all []baseline.Acknowledgement
	for _, text := range texts {
		a, err := baseline.ParseAcknowledgement(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

func TestEmergencyUserIsBlocked(t *testing.T) {
	entry := func(expires time.Time) func(*baseline.Baseline) {
		return func(b *baseline.Baseline) {
			b.Exemptions = append(b.Exemptions, baseline.Exemption{
				Match: baseline.Match{Name: "eve"}, Owner: "ciso@example.com", Reason: "envelope", Expires: expires, BreakGlass: true,
			})
		}
	}
	tests := []struct {
		name, user string
		change     func(*baseline.Baseline)
		blocked    string
	}{
		{"named as one", "Break-Glass-1", nil, "Break-Glass-1 is an emergency user: its name says so, and it is not listed under break_glass in the config file"},
		{"its entry has expired", "eve", entry(now.AddDate(0, 0, -2)), "eve is an emergency user: its break_glass entry expired on 2026-10-31"},
	}
	for _, tt := range tests {
		s := scene{baseline: baseline.Default(), account: org.Account{Users: []org.User{user(tt.user)}}}
		if tt.change != nil {
			tt.change(s.baseline)
		}
		step := find(t, s.plan(t), plan.AddUserToGroup)
		if step.Blocked != tt.blocked || !strings.HasSuffix(step.Remedy, "--ack break-glass:"+account+"/"+tt.user) {
			t.Errorf("%s: blocked %q, remedy %q", tt.name, step.Blocked, step.Remedy)
		}
		s.acks = acks(t, "break-glass:"+tt.user)
		if step := find(t, s.plan(t), plan.AddUserToGroup); step.Blocked != "" {
			t.Errorf("%s, acknowledged: blocked %q", tt.name, step.Blocked)
		}
	}
	holds := scene{baseline: baseline.Default(), account: org.Account{Users: []org.User{user("eve")}}}
	entry(now)(holds.baseline)
	if p := holds.plan(t); len(p.Steps) > 0 {
		t.Errorf("its entry holds today: %v", lines(p))
	}
}

// One administrator may be locked out by acknowledgement, but not the last one.
func TestLastAdministratorKeepsASignInPath(t *testing.T) {
	lost := user("ann", fidoOnly, noPassword)
	noRights := user("bob", func(u *org.User) { u.Attached = nil })
	tests := []struct {
		name  string
		other org.User
		acks  []string
		want  string // what blocks the step on ann
	}{
		{"another administrator has a device", user("cyd"), nil, ""},
		{"another administrator can enroll", user("cyd", noDevice, noKey), nil, ""},
		{"another administrator is not enforced", user("cyd", workload), nil, ""},
		{"nobody else is an administrator", noRights, nil,
			"account " + account + " would have no administrator with a sign-in path, and ann is one now"},
		{"the other administrator has no sign-in path either", user("cyd", fidoOnly, noPassword), []string{"lockout:cyd"},
			"account " + account + " would have no administrator with a sign-in path, and ann is one now"},
		{"acknowledged", noRights, []string{"last-administrator:" + account + "/ann"}, ""},
	}
	for _, tt := range tests {
		s := scene{account: org.Account{Users: []org.User{lost, tt.other}}}
		s.acks = acks(t, append(tt.acks, "lockout:ann")...)
		p := s.plan(t)
		i := slices.IndexFunc(p.Steps, func(s plan.Step) bool { return s.Op == plan.AddUserToGroup && s.UserName() == "ann" })
		if i < 0 || p.Steps[i].Blocked != tt.want || (tt.want != "") != strings.HasSuffix(p.Steps[i].Remedy, "--ack last-administrator:"+account+"/ann") {
			t.Errorf("%s: %v", tt.name, lines(p))
		}
	}
}

// The account's own policy denies administration to members of the forcemfa
// group, so the group leaves no administrator.
func TestAdministratorDeniedByThePlanDoesNotCount(t *testing.T) {
	s := scene{baseline: baseline.Default(), account: org.Account{Users: []org.User{user("ann", deny("iam:*User*",
		`,"Condition":{"StringNotEqualsIfExists":{"aws:PrincipalTag/forcemfa-enrollment":"2026-11-09"},"Bool":{"aws:MultiFactorAuthPresent":"true"}}`))}}}
	if step := find(t, s.plan(t), plan.AddUserToGroup); step.Blocked != "account "+account+" would have no administrator with a sign-in path, and ann is one now" {
		t.Errorf("blocked %q", step.Blocked)
	}
}

// Somebody attached an administrator policy to the forcemfa group. An exempt user
// who is the last administrator through it stays in the group.
func TestExemptLastAdministratorStaysInTheGroup(t *testing.T) {
	policies, group := managed(wanted())
	group[0].Attached = append(group[0].Attached, admin)
	byGroup := user("eve", workload, inGroup, func(u *org.User) { u.Attached = nil })
	s := scene{account: org.Account{Policies: policies, Groups: group, Users: []org.User{byGroup}}}
	if step := find(t, s.plan(t), plan.RemoveUserFromGroup); step.Blocked != "account "+account+" would have no administrator with a sign-in path, and eve is one now" {
		t.Errorf("blocked %q", step.Blocked)
	}
	s.account.Users = append(s.account.Users, user("ann"))
	if step := find(t, s.plan(t), plan.RemoveUserFromGroup); step.Blocked != "" {
		t.Errorf("beside ann: blocked %q", step.Blocked)
	}
}

// Somebody edited the forcemfa policy so that it allows everything. It stays
// attached to an exempt user who is the last administrator through it.
func TestExemptLastAdministratorKeepsTheDriftedPolicy(t *testing.T) {
	policies, _ := managed(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	byPolicy := user("eve", workload, attached, func(u *org.User) {
		u.Attached = slices.DeleteFunc(u.Attached, func(a string) bool { return a == admin })
	})
	keyAlone, noneYet := user("kit", fidoOnly, noPassword), user("lea", noDevice) // they do not replace her
	s := scene{account: org.Account{Policies: policies, Users: []org.User{byPolicy, keyAlone, noneYet}}}
	for _, op := range []plan.Op{plan.DetachUserPolicy, plan.UpdatePolicy} {
		if step := find(t, s.plan(t), op); !strings.HasSuffix(step.Blocked, "account "+account+" would have no administrator with a sign-in path, and eve is one now") {
			t.Errorf("%s: blocked %q", op, step.Blocked)
		}
	}
}

// Recorded calls of a program block a user with a device too; those of a person are
// evidence in the note.
func TestGuardCitesRecordedCalls(t *testing.T) {
	for _, row := range []struct {
		kind          impact.Kind
		blocked, note string
	}{
		{impact.ServiceAccount, "bob is probably a service account: CloudTrail has 9 calls that would be denied, the last at 2026-11-01T00:00:00Z, by boto3", ""},
		{impact.Both, "bob is probably a service account: CloudTrail has 9 calls", ""},
		{impact.Person, "", "stops working without MFA: 111122223333/bob (CloudTrail has 9 calls that would be denied"},
	} {
		bob := user("bob")
		s := scene{account: org.Account{Users: []org.User{bob}}, impact: &impact.Report{Users: []impact.User{
			{ARN: bob.ARN, Kind: row.kind, Denied: 9, Last: "2026-11-01T00:00:00Z", Tools: []string{"boto3"}},
		}}}
		p := s.plan(t)
		blocked := ""
		for _, step := range p.Steps {
			if step.Blocked != "" {
				blocked = step.Blocked
			}
		}
		if notes := strings.Join(p.Sentences(0), "\n"); !strings.HasPrefix(blocked, row.blocked) || (row.blocked == "") != (blocked == "") || !strings.Contains(notes, row.note) {
			t.Errorf("%s: blocked %q, notes %s", row.kind, blocked, notes)
		}

		// A run that applies the file, without the recorded calls, blocks and says the same.
		s.resume, s.impact = reread(t, p), nil
		again := s.plan(t)
		if _, _, stale := plan.Intersect(s.resume, again); len(stale) > 0 || !cmp.Equal(again.Notes, p.Notes) || !cmp.Equal(again.Lists, p.Lists) {
			t.Errorf("%s: stale %v, notes (-plan +apply):\n%s", row.kind, stale, cmp.Diff(p.Lists, again.Lists))
		}
	}
}
