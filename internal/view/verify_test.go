package view

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/audit"
)

func TestVerdictsOfAVerification(t *testing.T) {
	for _, row := range []struct {
		name     string
		verified Verification
		total    audit.Counts
		want     string
	}{
		{"proved", Verification{Assumptions: []string{"forwarded calls"}, Accepted: 2, AnyAction: 1}, audit.Counts{Users: 3, Enforced: 2, Exempt: 1}, `
assumed: forwarded calls
proofs independently checked for 2 users (1 cover any AWS action, 1 only the known ones)
Proved: without MFA, no IAM user can do anything except enroll a device (2 users, 1 exempt).
`},
		{"open", Verification{}, audit.Counts{Users: 1, Open: 1}, `
Not proved: 1 user can act without MFA.
`},
		{"unknown", Verification{Accepted: 1, AnyAction: 1}, audit.Counts{Users: 2, Enforced: 1, Unknown: 1}, `
proofs independently checked for 1 user (1 cover any AWS action, 0 only the known ones)
Proved for 1 user; 1 could not be decided.
`},
		{"simulated", Verification{Opinions: []Opinion{{ARN: "bob", Allowed: []string{"s3:GetObject", "kms:Decrypt"}}, {ARN: "eve", Error: "Throttling"}, {ARN: "tom"}}}, audit.Counts{}, `
AWS's policy simulator allows bob without MFA: s3:GetObject, kms:Decrypt
AWS's policy simulator failed for eve: Throttling
second opinion: asked AWS's policy simulator about 3 users
Proved: without MFA, no IAM user can do anything except enroll a device (0 users, 0 exempt).
`},
	} {
		t.Run(row.name, func(t *testing.T) {
			var out strings.Builder
			row.verified.Text(&out, row.total)
			assertText(t, out.String(), row.want)
		})
	}
}

func TestProofsPassOnUsersWithoutFindings(t *testing.T) {
	var out strings.Builder
	sink := NewAuditText(&out, Style{})
	proofs := &Proofs{Sink: sink}
	proofs.Finding(audit.Finding{Rule: "root-no-mfa"})
	proofs.User(audit.User{Name: "bob", State: audit.Enforced, Proof: audit.EveryAction, Assumptions: []string{"b", "a"}})
	proofs.User(audit.User{Name: "eve", State: audit.Enforced, Assumptions: []string{"a"}})
	proofs.User(audit.User{Name: "tom", State: audit.Open})
	if len(sink.findings) != 0 || len(sink.users) != 1 {
		t.Errorf("passed on %d findings and %d users, want none and tom", len(sink.findings), len(sink.users))
	}
	want := Verification{Assumptions: []string{"a", "b"}, Accepted: 2, AnyAction: 1}
	if diff := cmp.Diff(want, proofs.Verification(nil)); diff != "" {
		t.Errorf("verification (-want +got):\n%s", diff)
	}
}
