package prove_test

import (
	"fmt"
	"strings"
	"testing"

	"forcemfa/policy"
	"forcemfa/policy/prove"
)

func role(name, allows string) prove.Role {
	r := prove.Role{
		ARN:   "arn:aws:iam::" + account + ":role/" + name,
		Trust: policy.ParseSource("trust", policy.Trust, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"`+account+`"},"Action":"sts:AssumeRole"}}`),
		Set:   identity(allows), Context: new(policy.Context),
	}
	return r
}

// The example is the worst that the credentials can do, on the user's own
// resources where documents name them.
func TestTheExampleIsTheWorst(t *testing.T) {
	allow := func(action, resource string) string {
		return fmt.Sprintf(`{"Effect":"Allow","Action":%s,"Resource":%s}`, action, resource)
	}
	assume := allow(`"sts:AssumeRole"`, `"*"`)
	roles := func(s prove.Subject, list ...prove.Role) prove.Subject {
		s.Roles = list
		return s
	}
	reader, administrator := role("Reader", allow(`"s3:Get*"`, `"*"`)), role("Administrator", admin)
	for _, row := range []struct {
		name    string
		subject prove.Subject
		want    string // a prefix
	}{
		{"administering IAM comes before reading data", bob(identity(allow(`["s3:*","iam:*"]`, `"*"`))), "open iam:AttachUserPolicy without MFA by access key on " + self},
		{"whatever the order of the statements", bob(identity(allow(`"ec2:*"`, `"*"`), allow(`"s3:*"`, `"arn:aws:s3:::payroll/*"`), allow(`"iam:PutUserPolicy"`, `"*"`))), "open iam:PutUserPolicy without MFA by access key on " + self},
		{"reading data comes before destroying", bob(identity(allow(`["ec2:*","s3:*"]`, `"*"`))), "open s3:GetObject"},
		{"a bucket of its own policy", bob(identity(allow(`"s3:GetObject"`, `["arn:aws:s3:::payroll","arn:aws:s3:::payroll/*"]`))), "open s3:GetObject without MFA by access key on arn:aws:s3:::payroll/example by"},
		{"a bucket that another statement names", bob(identity(allow(`"s3:*"`, `"*"`), allow(`"s3:ListBucket"`, `"arn:aws:s3:::payroll"`))), "open s3:GetObject without MFA by access key on arn:aws:s3:::payroll/example by"},
		{"a folder of a bucket", bob(identity(allow(`"s3:GetObject"`, `"arn:aws:s3:::payroll/2026/*"`))), "open s3:GetObject without MFA by access key on arn:aws:s3:::payroll/2026/example by"},
		{"listing the bucket that only the objects name", bob(identity(allow(`"s3:*"`, `"arn:aws:s3:::payroll/*"`), allow(`"s3:ListBucket"`, `"*"`), `{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::*/*"}`)),
			"open s3:ListBucket without MFA by access key on arn:aws:s3:::payroll by"},
		{"a table of its own policy", bob(identity(allow(`"dynamodb:*"`, `"arn:aws:dynamodb:eu-west-1:*:table/wages"`))), "open dynamodb:GetItem without MFA by access key on arn:aws:dynamodb:eu-west-1:111111111111:table/wages by"},
		{"its own key is no administration", bob(identity(allow(`"iam:CreateAccessKey"`, `"arn:aws:iam::*:user/${aws:username}"`), allow(`"s3:GetObject"`, `"*"`))), "open s3:GetObject"},
		{"another's key is", with(bob(identity(allow(`"iam:CreateAccessKey"`, `"*"`), allow(`"s3:GetObject"`, `"*"`))),
			func(s *prove.Subject) { s.Known = map[string]string{"OtherUserName": "ops/alice"} }), "open iam:CreateAccessKey without MFA by access key on arn:aws:iam::" + account + ":user/ops/alice by"},
		{"a bucket that the account knows", with(bob(identity(allow(`"s3:*"`, `"*"`))), func(s *prove.Subject) { s.Known = map[string]string{"BucketName": "wages"} }), "open s3:GetObject without MFA by access key on arn:aws:s3:::wages/example by"},
		{"a group that exists", with(bob(identity(allow(`"iam:AddUserToGroup"`, `"*"`))), func(s *prove.Subject) { s.Known = map[string]string{"GroupNameWithPath": "ops/Admins"} }), "open iam:AddUserToGroup without MFA by access key on arn:aws:iam::" + account + ":group/ops/Admins by"},
		{"a role that administers IAM", roles(bob(identity(assume, allow(`"s3:GetObject"`, `"*"`))), reader, administrator), "open sts:AssumeRole without MFA by access key on " + administrator.ARN + " by"},
		{"a role that reads no more than the user", roles(bob(identity(assume, allow(`"s3:GetObject"`, `"*"`))), reader), "open s3:GetObject"},
		{"a role that it may not assume", roles(bob(identity(allow(`"s3:GetObject"`, `"*"`))), administrator), "open s3:GetObject"},
		{"the worst role of those it can assume", roles(bob(identity(assume)), reader, administrator), "open sts:AssumeRole without MFA by access key on " + administrator.ARN},
	} {
		t.Run(row.name, func(t *testing.T) {
			for range 3 { // the order does not depend on chance
				if got := text(prove.User(row.subject)); !strings.HasPrefix(got, row.want) {
					t.Fatalf("%s\nwant %s", got, row.want)
				}
			}
		})
	}
}

// An answer that is remembered from another user names this user's own resources.
func TestTheExampleOfAnotherUserIsTranslated(t *testing.T) {
	set := identity(`{"Effect":"Allow","Action":["iam:CreateAccessKey","s3:GetObject"],"Resource":"*"}`)
	var p prove.Prover
	for _, row := range [][2]string{{"alice", "bob"}, {"bob", "alice"}, {"carol", "alice"}} {
		s := user("/", row[0], set)
		s.Known = map[string]string{"OtherUserName": row[1]}
		if a := p.User(s); a.Counterexample == nil || a.Counterexample.Resource != "arn:aws:iam::"+account+":user/"+row[1] {
			t.Errorf("%s: %v", row[0], text(a))
		}
	}
}

// Administers is about what is allowed without MFA, not about what only a Deny could refuse.
func TestAdministers(t *testing.T) {
	const users = `{"Effect":"Allow","Action":"iam:AttachUserPolicy","Resource":"*"}`
	for _, row := range []struct {
		name       string
		statements []string
		want       string
	}{
		{"administrator", []string{admin}, "iam:"},
		{"administrator of users", []string{users}, "iam:AttachUserPolicy"},
		{"enforced administrator", append([]string{admin}, force...), ""},
		{"administrator with MFA", []string{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`}, ""},
		{"reader of data", []string{`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`}, ""},
		{"no permission", []string{`{"Effect":"Deny","Action":"s3:*","Resource":"*"}`}, ""},
	} {
		var p prove.Prover
		action, resource := p.Administers(bob(identity(row.statements...)), policy.LongTermKey)
		if !strings.HasPrefix(action, row.want) || (row.want == "") != (action == "") || (action == "") != (resource == "") {
			t.Errorf("%s: %q on %q", row.name, action, resource)
		}
	}
}
