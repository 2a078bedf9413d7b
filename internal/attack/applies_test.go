package attack

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
)

// subjects are users who differ in what can be stolen from them, by what that is.
func subjects() map[string]*Subject {
	virtual, hardware, passkey := org.Device{Serial: "arn:aws:iam::" + home + ":mfa/alice", Kind: org.VirtualMFA}, org.Device{Serial: "GAHT1", Kind: org.HardwareMFA}, org.Device{Serial: "arn:aws:iam::" + home + ":u2f/user/alice/k", Kind: org.FIDO}
	rich := targets{
		objects: []string{"b/1"}, instances: []string{"i-1"}, tables: []string{"t"},
		other: "bob", otherNoPassword: "bob", otherPassword: "carol", otherNoDevice: "bob", otherWithDevice: "carol", otherDevice: "GAHT2",
		adminGroup: "admins", editableRole: "r", ownRoles: []string{"arn:aws:iam::" + home + ":role/guarded"}, members: []string{away}, permissiveTrust: "{}",
		roles: []role{
			{arn: "arn:aws:iam::" + home + ":role/open", account: home},
			{arn: "arn:aws:iam::" + home + ":role/weak", account: home, mfa: weakMFA},
			{arn: "arn:aws:iam::" + home + ":role/strict", account: home, mfa: requiresMFA, instance: "i-2", table: "t2"},
			{arn: "arn:aws:iam::" + away + ":role/open", account: away},
			{arn: "arn:aws:iam::" + away + ":role/strict", account: away, mfa: requiresMFA, instance: "i-3"},
		},
	}
	subject := func(keys int, console org.Tri, devices []org.Device, change func(*Subject)) *Subject {
		s := &Subject{
			User:      audit.User{Name: "alice", ARN: alice, Account: home, State: audit.Enforced, ActiveKeys: keys, Console: console, MFA: org.TriOf(len(devices) > 0), Devices: devices, Read: &org.User{Name: "alice", ARN: alice}},
			Partition: "aws", SelfService: true, targets: rich,
			Enforcement: Enforcement{PolicyARN: "arn:aws:iam::" + home + ":policy/forcemfa/ForceMFA", Group: "ForceMFA", InlinePolicy: "ForceMFA", ExemptTag: org.Tag{Key: "userType", Value: "workload"},
				WindowTag: org.Tag{Key: "forcemfa-enrollment", Value: "x"}, MarkTag: "forcemfa-device-by-key", ExemptPath: "/workloads/", ExemptName: "svc-1",
				GuardedRoles: []string{"arn:aws:iam::" + home + ":role/guarded", "arn:aws:iam::" + home + ":role/absent"}, Guarded: true},
		}
		if change != nil {
			change(s)
		}
		return s
	}
	exempt := func(s *Subject) { s.User.State = audit.Exempt }
	return map[string]*Subject{
		"no credential":                                        subject(0, org.No, nil, nil),
		"key":                                                  subject(1, org.No, nil, nil),
		"key, window":                                          subject(1, org.No, nil, func(s *Subject) { s.WindowEnd = time.Date(2026, 11, 9, 0, 0, 0, 0, time.UTC) }),
		"key, config lets keys enroll":                         subject(1, org.No, nil, func(s *Subject) { s.EnrollsByKey = true }),
		"key and virtual device":                               subject(1, org.No, []org.Device{virtual}, nil),
		"key and virtual device, boundary":                     subject(1, org.No, []org.Device{virtual}, func(s *Subject) { s.User.Read.Boundary = "arn:aws:iam::aws:policy/ReadOnlyAccess" }),
		"key and virtual device, no self-service":              subject(1, org.No, []org.Device{virtual}, func(s *Subject) { s.SelfService = false }),
		"key and virtual device, no targets":                   subject(1, org.No, []org.Device{virtual}, func(s *Subject) { s.targets = targets{} }),
		"key and virtual device, no guard":                     subject(1, org.No, []org.Device{virtual}, func(s *Subject) { s.Enforcement.Guarded = false }),
		"key and virtual device, exemptions by path and name":  subject(1, org.No, []org.Device{virtual}, func(s *Subject) { s.Enforcement.ExemptByName = true }),
		"key and hardware token":                               subject(1, org.No, []org.Device{hardware}, nil),
		"key and passkey":                                      subject(1, org.No, []org.Device{passkey}, nil),
		"password":                                             subject(0, org.Yes, nil, nil),
		"password, must be changed":                            subject(0, org.Yes, nil, func(s *Subject) { s.MustResetPassword = true }),
		"password and passkey":                                 subject(0, org.Yes, []org.Device{passkey}, nil),
		"password and virtual device":                          subject(0, org.Yes, []org.Device{virtual}, nil),
		"key, password and virtual device":                     subject(1, org.Yes, []org.Device{virtual}, nil),
		"exempt, key":                                          subject(1, org.No, nil, exempt),
		"exempt, password":                                     subject(0, org.Yes, nil, exempt),
		"exempt, break-glass user with a password":             subject(0, org.Yes, []org.Device{passkey}, func(s *Subject) { exempt(s); s.BreakGlass = true }),
		"not exploitable yet, key":                             subject(1, org.No, nil, func(s *Subject) { s.User.State = audit.Open }),
		"password, not read whether it exists, virtual device": subject(0, org.Unknown, []org.Device{virtual}, nil),
	}
}

// The file lists, for each kind of user, which scenarios apply and with which targets. A
// scenario that disappears from it is an attack that nobody tries any more, or expected
// access that nobody checks. FORCEMFATEST_UPDATE=1 writes it anew.
func TestWhichScenariosApplyToWhom(t *testing.T) {
	var out strings.Builder
	kinds := subjects()
	names := make([]string, 0, len(kinds))
	for name := range kinds {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&out, "# %s\n", name)
		for _, table := range []struct {
			what      string
			scenarios []Scenario
		}{{"attack", Attacks}, {"expected", ExpectedAccess}} {
			for _, d := range table.scenarios {
				if list := d.targets(kinds[name]); len(list) > 0 {
					fmt.Fprintln(&out, strings.TrimRight(table.what+" "+d.Name+" "+strings.Join(list, " "), " "))
				}
			}
		}
	}
	golden := filepath.Join("testdata", "applies.txt")
	if os.Getenv("FORCEMFATEST_UPDATE") != "" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(strings.ReplaceAll(string(want), "\r\n", "\n"), "\n"), strings.Split(out.String(), "\n")); d != "" {
		t.Errorf("scenarios (-want +got):\n%s", d)
	}
}
