package audit_test

import (
	"strings"
	"testing"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
)

// A user without a device who cannot enroll one is a finding that says what is in
// the way; one who can, with some network or other key, is not.
func TestAUserWhoCannotEnrollIsAFinding(t *testing.T) {
	document := func(statements string) string { return `{"Version":"2012-10-17","Statement":[` + statements + `]}` }
	const enable = `{"Effect":"Allow","Action":["iam:EnableMFADevice"],"Resource":"arn:aws:iam::*:user/${aws:username}"}`
	const both = `{"Effect":"Allow","Action":["iam:CreateVirtualMFADevice","iam:EnableMFADevice"],"Resource":["arn:aws:iam::*:mfa/*","arn:aws:iam::*:user/${aws:username}"]}`
	const boundary = "arn:aws:iam::" + account + ":policy/Boundary"
	bounded := func(statements string) func(*org.Account) {
		return func(a *org.Account) {
			a.Users[0].Boundary = boundary
			a.Policies = append([]org.Policy{policyOf(boundary, "Boundary", "/", document(statements))}, a.Policies...) // sorted by ARN
		}
	}
	none := func(*org.Account) {}
	keyOnly := func(a *org.Account) { a.Users[0].Password = org.No }
	for _, row := range []struct {
		name, inline string
		change       func(*org.Account)
		scp          string
		want         string // empty: no finding
		severity     audit.Severity
	}{
		{"nothing allows it", `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`, none, "", "no policy allows iam:EnableMFADevice", audit.Medium},
		{"a passkey needs one action", enable, none, "", "", ""},
		{"a passkey, where nobody knows whether there is a password", enable, func(a *org.Account) { a.Users[0].Password = org.Unknown }, "", "", ""},
		{"a virtual device of a key needs two", enable, keyOnly, "", "no policy allows iam:CreateVirtualMFADevice", audit.Low},
		{"a key with both", both, keyOnly, "", "", ""},
		{"only from the office", strings.Replace(both, `"Resource"`, `"Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}},"Resource"`, 1), none, "", "", ""},
		{"only with MFA", strings.Replace(both, `"Resource"`, `"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}},"Resource"`, 1), none, "", "no policy allows iam:EnableMFADevice", audit.Medium},
		{"a device of others", strings.Replace(both, "${aws:username}", "alice", 1), none, "", "no policy allows iam:EnableMFADevice", audit.Medium},
		{"a Deny", both + `,{"Effect":"Deny","Action":"iam:Enable*","Resource":"*"}`, none, "", "inline policy own of user bob, statement 2 denies iam:EnableMFADevice", audit.Medium},
		{"the boundary", both, bounded(`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`), "", "the permissions boundary does not allow iam:EnableMFADevice", audit.Medium},
		{"a boundary that denies", both, bounded(`{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"iam:*","Resource":"*"}`), "", "denies iam:EnableMFADevice", audit.Medium},
		{"an SCP that denies", both, none, `{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"iam:EnableMFADevice","Resource":"*"}`, "denies iam:EnableMFADevice", audit.Medium},
		{"an SCP that does not allow", both, none, `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`, "no service control policy allows iam:EnableMFADevice", audit.Medium},
		{"with a device", `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`, func(a *org.Account) { a.Users[0].MFA = org.Yes }, "", "", ""},
		{"without credentials", `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`, func(a *org.Account) { a.Users[0].Password, a.Users[0].Keys = org.No, nil }, "", "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := quiet(t)
			u := &a.Users[0]
			u.Groups, u.MFA, u.Devices = nil, org.No, nil
			u.Inline = []org.InlinePolicy{{Name: "own", Document: document(row.inline)}}
			header := &org.Header{Partition: "aws"}
			if row.scp != "" {
				header.Organization = &org.Organization{ID: "o-1", ManagementAccount: "999999999999", SCPsEnabled: true}
				header.Units = []org.Unit{{ID: "r-ab12", SCPs: []string{"p-limit"}}}
				header.SCPs = []org.SCP{{ID: "p-limit", Name: "Limit", Document: document(row.scp)}}
				a.Unit, a.SCPs = "r-ab12", []string{"p-limit"}
			}
			row.change(a)
			var seen recording
			audit.New(header, baseline.Default(), now).Account(a, &seen)
			found := audit.Finding{}
			for _, f := range seen.findings {
				if f.Rule == "cannot-enroll" {
					found = f
				}
			}
			if found.Severity != row.severity || !strings.Contains(found.What, row.want) || row.want != seen.users[0].CannotEnroll && !strings.HasSuffix(seen.users[0].CannotEnroll, row.want) {
				t.Errorf("%q %q, user: %q; want %q %q", found.Severity, found.What, seen.users[0].CannotEnroll, row.severity, row.want)
			}
		})
	}
}
