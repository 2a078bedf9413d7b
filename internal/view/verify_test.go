package view

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/audit"
	"forcemfa/internal/run"
)

func TestVerdictsOfAVerification(t *testing.T) {
	for _, row := range []struct {
		name     string
		verified Verification
		end      Conclusion
		want     string
	}{
		{"proved", Verification{Assumptions: []string{"forwarded calls"}, Accepted: 2, AnyAction: 1}, conclusion(audit.Counts{Users: 3, Enforced: 2, Exempt: 1}, 0), `
assumed: forwarded calls
proofs independently checked for 2 users (1 cover any AWS action, 1 only the known ones)
Proved: without MFA, no IAM user can do anything except enroll a device (2 users, 1 exempt).
`},
		{"open", Verification{}, conclusion(audit.Counts{Users: 1, Open: 1}, 1), `
Not proved: 1 user can act without MFA. 1 account was not read.
`},
		{"unknown", Verification{Accepted: 1, AnyAction: 1}, conclusion(audit.Counts{Users: 2, Enforced: 1, Unknown: 1}, 0), `
proofs independently checked for 1 user (1 cover any AWS action, 0 only the known ones)
Proved for 1 user; 1 user could not be decided.
`},
		{"an account that was not read is no user", Verification{}, conclusion(audit.Counts{Users: 2, Enforced: 2}, 1), `
Proved for 2 users in 1 account, but not everything was read. 1 account was not read.
`},
		{"nothing read", Verification{}, Conclusion{End: run.End{Totals: audit.Totals{AccountsUnread: 1}}}, `
Nothing proved: no account was read.
`},
		{"simulated", Verification{Opinions: []Opinion{{ARN: "bob", Allowed: []string{"s3:GetObject", "kms:Decrypt"}}, {ARN: "eve", Error: "Throttling"}, {ARN: "tom"}}}, conclusion(audit.Counts{}, 0), `
AWS's policy simulator allows bob without MFA: s3:GetObject, kms:Decrypt
AWS's policy simulator failed for eve: Throttling
second opinion: asked AWS's policy simulator about 3 users
Proved: without MFA, no IAM user can do anything except enroll a device (0 users, 0 exempt).
`},
	} {
		t.Run(row.name, func(t *testing.T) {
			var out strings.Builder
			row.verified.Text(&out, Style{}, row.end)
			assertText(t, out.String(), row.want)
		})
	}
}

// conclusion is that of an audit of one account, with others that could not be read.
func conclusion(c audit.Counts, unread int) Conclusion {
	return Conclusion{End: run.End{Totals: audit.Totals{Counts: c, AccountsRead: 1, AccountsUnread: unread}, Complete: unread == 0 && c.Unknown == 0}}
}

func TestProofsPassOnUsersAndTheFindingsAboutThem(t *testing.T) {
	var out strings.Builder
	sink := NewAuditText(&out, Style{})
	sink.All = true
	proofs := &Proofs{Sink: Enforcement{sink}}
	proofs.Finding(audit.Finding{Rule: "root-no-mfa"})
	proofs.Finding(audit.Finding{Rule: "user-open"})
	proofs.User(audit.User{Name: "bob", State: audit.Enforced, Proof: audit.EveryAction, Assumptions: []string{"b", "a"}})
	proofs.User(audit.User{Name: "eve", State: audit.Enforced, Assumptions: []string{"a"}})
	proofs.User(audit.User{Name: "tom", State: audit.Open})
	if len(sink.rows) != 1 || sink.rows[0].Rule != "user-open" || len(sink.users) != 3 {
		t.Errorf("passed on the findings %v and %d users, want user-open and 3", sink.rows, len(sink.users))
	}
	want := Verification{Assumptions: []string{"a", "b"}, Accepted: 2, AnyAction: 1}
	if diff := cmp.Diff(want, proofs.Verification(nil)); diff != "" {
		t.Errorf("verification (-want +got):\n%s", diff)
	}
}
