package audit_test

import (
	"strings"
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

func TestSeveritiesAreRanked(t *testing.T) {
	for i, s := range audit.Severities {
		if s.Rank() != i {
			t.Errorf("%s: %d, want %d", s, s.Rank(), i)
		}
	}
	if got := audit.Severity("odd").Rank(); got != len(audit.Severities) {
		t.Errorf("an unknown severity: %d", got)
	}
}

// What a request on the user itself does depends on all of its conditions; a resource need not be an ARN.
func TestWordsOfTheEdgesOfAnExample(t *testing.T) {
	const own = "arn:aws:iam::111111111111:user/bob"
	tag := map[string][]string{"aws:RequestTag/a": {"x"}}
	for _, row := range []struct {
		example  prove.Counterexample
		boundary string
		want     string
	}{
		{prove.Counterexample{Action: "iam:AttachUserPolicy", Resource: own}, "", "administer account prod"},
		{prove.Counterexample{Action: "iam:PutUserPolicy", Resource: strings.ToUpper(own)}, "", "administer account prod"},
		{prove.Counterexample{Action: "iam:AttachUserPolicy", Resource: own, Keys: tag}, "", "attach policies to user bob, its own, in account prod"},
		{prove.Counterexample{Action: "iam:AttachUserPolicy", Resource: own}, "arn:aws:iam::111111111111:policy/b", "attach policies to user bob, its own, in account prod"},
		{prove.Counterexample{Action: "iam:AttachUserPolicy", Resource: own + "by"}, "", "attach policies to user bobby in account prod"},
		{prove.Counterexample{Action: "dynamodb:GetItem", Resource: "*"}, "", "read table * in account prod"},
		{prove.Counterexample{Action: "dynamodb:GetItem", Resource: "arn:aws:dynamodb:us-east-1::table/t"}, "", "read table t in account prod"},
		{prove.Counterexample{Action: "dynamodb:GetItem", Resource: "arn:aws:dynamodb:us-east-1:222222222222:table/t"}, "", "read table t in account 222222222222"},
		{prove.Counterexample{Action: "dynamodb:GetItem", Resource: "arn:aws:dynamodb:us-east-1:111111111111:table/t"}, "", "read table t in account prod"},
		{prove.Counterexample{Action: "s3:GetObject", Resource: "*"}, "", "read all objects in S3"},
		{prove.Counterexample{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k/l"}, "", "read objects of bucket b"},
		{prove.Counterexample{Action: "s3:ListBucket", Resource: "arn:aws:s3:::b"}, "", "read objects of bucket b"},
		{prove.Counterexample{Action: "quantum:Entangle", Resource: own}, "", "call quantum:Entangle in account prod"},
	} {
		u := audit.User{State: audit.Open, Account: "111111111111", AccountName: "prod", ARN: own, Example: &row.example, Boundary: row.boundary}
		if got := u.Worst(); got != row.want {
			t.Errorf("%s on %s: %q, want %q", row.example.Action, row.example.Resource, got, row.want)
		}
	}
	if got := (&audit.User{}).Worst(); got != "" {
		t.Errorf("without an example: %q", got)
	}
}
