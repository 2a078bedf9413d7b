package audit_test

import (
	"testing"

	"forcemfa/internal/audit"
	"forcemfa/policy"
	"forcemfa/policy/prove"
)

func TestTheWorstOfAUserInWords(t *testing.T) {
	const own = "arn:aws:iam::111111111111:user/bob"
	before := audit.Rank(-1)
	for _, row := range []struct{ action, resource, words string }{ // in the order of their ranks
		{"iam:AttachUserPolicy", own, "administer account dev"},
		{"iam:AddUserToGroup", "arn:aws:iam::111111111111:group/Admins", "add users to group Admins in account dev"},
		{"sts:AssumeRole", "arn:aws:iam::222222222222:role/team/Ops", "assume role Ops in account 222222222222"},
		{"s3:GetObject", "arn:aws:s3:::reports/q1.csv", "read objects of bucket reports"},
		{"s3:GetObject", "*", "read all objects in S3"},
		{"ec2:RunInstances", "*", "call ec2:RunInstances in account dev"},
	} {
		u := audit.User{Name: "bob", ARN: own, Account: "111111111111", AccountName: "dev", State: audit.Open,
			Example: &prove.Counterexample{Action: row.action, Resource: row.resource, Credential: policy.LongTermKey}}
		if got := u.Worst(); got != row.words || u.Meaning() != row.words || u.With() != "access key" {
			t.Errorf("%s on %s: %q, want %q", row.action, row.resource, got, row.words)
		}
		if u.Rank() < before || !u.Rank().Exploitable() {
			t.Errorf("%s: rank %d after %d", row.action, u.Rank(), before)
		}
		before = u.Rank()
	}
}

func TestAFindingSaysWhatACredentialAloneCanDo(t *testing.T) {
	f := audit.Finding{Rule: "user-open", Account: "111111111111", AccountName: "dev", ARN: "arn:aws:iam::111111111111:user/bob", What: "allowed: …",
		Example: &prove.Counterexample{Action: "s3:GetObject", Resource: "arn:aws:s3:::reports/q1.csv", Credential: policy.LongTermKey}}
	for severity, want := range map[audit.Severity]string{
		audit.Critical: "the access key alone can read objects of bucket reports (s3:GetObject)",
		audit.High:     "a new access key alone could read objects of bucket reports (s3:GetObject)",
		audit.Medium:   "allowed: …",
	} {
		if f.Severity = severity; f.Words() != want {
			t.Errorf("%s: %q, want %q", severity, f.Words(), want)
		}
	}
	if f.Example = nil; f.Words() != f.What {
		t.Errorf("without an example: %q", f.Words())
	}
}

func TestRanksOfOtherStates(t *testing.T) {
	example := &prove.Counterexample{Action: "s3:GetObject", Resource: "*", Credential: policy.ConsolePassword}
	for _, row := range []struct {
		user    audit.User
		meaning string
	}{
		{audit.User{State: audit.Open, Example: example, NotExploitable: true}, "nothing today, because no policy allows it; MFA is not required for s3:GetObject"},
		{audit.User{State: audit.Unknown, Why: "a policy could not be read"}, "a policy could not be read"},
		{audit.User{State: audit.Exempt, Exemption: "build server"}, "build server"},
		{audit.User{State: audit.Enforced}, "nothing except enroll a device"},
	} {
		if got := row.user.Meaning(); got != row.meaning || row.user.Rank().Exploitable() {
			t.Errorf("%s: %q, want %q", row.user.State, got, row.meaning)
		}
	}
	if u := (audit.User{State: audit.Open, Example: example}); u.With() != "console password" {
		t.Errorf("%q", u.With())
	}
}
