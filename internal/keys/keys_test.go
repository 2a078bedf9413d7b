package keys

import (
	"strings"
	"testing"
	"time"

	"forcemfa/internal/baseline"
	"forcemfa/internal/impact"
	"forcemfa/internal/org"
)

var now = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func daysAgo(n int) *time.Time {
	t := now.AddDate(0, 0, -n)
	return &t
}

// allow is a document that allows actions on a resource.
func allow(resource string, actions ...string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["` + strings.Join(actions, `","`) + `"],"Resource":"` + resource + `"}]}`
}

// deny is ForceMFA in short.
const deny = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotAction":"sts:GetCallerIdentity","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}]}`

// user is a user with one used key, unless keys are given.
func user(name string, keys []org.AccessKey, documents ...string) org.User {
	u := org.User{Name: name, Path: "/", ARN: "arn:aws:iam::111122223333:user/" + name, Password: org.No, MFA: org.No, Keys: keys}
	for i, d := range documents {
		u.Inline = append(u.Inline, org.InlinePolicy{Name: string(rune('a' + i)), Document: d})
	}
	if keys == nil {
		u.Keys = []org.AccessKey{{ID: "AKIA" + strings.ToUpper(name), Slot: 1, Active: true, Created: daysAgo(400), Used: daysAgo(1)}}
	}
	return u
}

func rank(t *testing.T, recorded *impact.Report, roles []org.Role, users ...org.User) []Key {
	t.Helper()
	a := &org.Account{ID: "111122223333", Partition: "aws", State: "ACTIVE", Read: true, Users: users, Roles: roles}
	a.Sort()
	l := NewLister(&org.Header{Format: org.Format, Partition: "aws"}, baseline.Default(), recorded, now)
	l.Add(a)
	return l.Ranking().Keys
}

func TestTheWorstOfAKeyInWords(t *testing.T) {
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}]}`
	withMFA := strings.Replace(trust, `"sts:AssumeRole"}`, `"sts:AssumeRole","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`, 1)
	role := func(name, trust string) org.Role {
		return org.Role{Name: name, Path: "/", ARN: "arn:aws:iam::111122223333:role/" + name, Trust: trust, Inline: []org.InlinePolicy{{Name: "all", Document: allow("*", "*")}}}
	}
	roles := []org.Role{role("admin", trust), role("guarded", withMFA)}
	for _, row := range []struct {
		name      string
		documents []string
		worst     string
		harm      Harm
	}{
		{"root", []string{allow("*", "*")}, "administer the account", Administers},
		{"group", []string{allow("*", "iam:AddUserToGroup")}, "administer the account", Administers},
		{"other", []string{allow("arn:aws:iam::111122223333:user/*", "iam:CreateAccessKey")}, "administer the account", Administers},
		{"self", []string{allow("arn:aws:iam::111122223333:user/${aws:username}", "iam:CreateAccessKey")}, "call iam:CreateAccessKey", Calls},
		{"role", []string{allow("arn:aws:iam::111122223333:role/admin", "sts:AssumeRole")}, "administer the account as role admin", Administers},
		{"role2", []string{allow("arn:aws:iam::111122223333:role/guarded", "sts:AssumeRole")}, "nothing that is allowed today", Nothing},
		{"reader", []string{allow("*", "s3:Get*")}, "read every S3 bucket", AllData},
		{"tables", []string{allow("*", "dynamodb:GetItem", "dynamodb:PutItem")}, "read and write every table", AllData},
		{"power", []string{`{"Version":"2012-10-17","Statement":{"Effect":"Allow","NotAction":["iam:*","organizations:*","sts:*"],"Resource":"*"}}`}, "read and write all data", AllData},
		{"viewer", []string{allow("*", "s3:Get*", "dynamodb:Get*", "secretsmanager:Get*", "ssm:Get*", "sqs:Receive*", "kinesis:Get*")}, "read all data", AllData},
		{"bucket", []string{allow("arn:aws:s3:::backup-2026/*", "s3:PutObject")}, "write bucket backup-2026", SomeData},
		{"buckets", []string{allow("arn:aws:s3:::a/*", "s3:GetObject"), allow("arn:aws:s3:::b/x/*", "s3:GetObject", "s3:PutObject")}, "read and write bucket a, b", SomeData},
		{"prefix", []string{allow("arn:aws:s3:::logs-*/*", "s3:GetObject")}, "read bucket logs-forcemfa-unnamed", SomeData},
		{"table", []string{allow("arn:aws:dynamodb:eu-west-1:111122223333:table/orders", "dynamodb:Scan")}, "read table orders", SomeData},
		{"code", []string{allow("*", "lambda:UpdateFunctionCode")}, "run code in the account (lambda:UpdateFunctionCode)", RunsCode},
		{"code2", []string{allow("arn:aws:lambda:us-east-1:111122223333:function:f", "lambda:UpdateFunctionCode")}, "run code in the account (lambda:UpdateFunctionCode)", RunsCode},
		{"mail", []string{allow("*", "ses:SendEmail")}, "call ses:SendEmail", Calls},
		{"none", nil, "nothing that is allowed today", Nothing},
		{"enforced", []string{allow("*", "*"), deny}, "nothing without MFA", Nothing},
		{"office", []string{`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}}}`}, "read every S3 bucket", AllData},
	} {
		got := rank(t, nil, roles, user(row.name, nil, row.documents...))
		if len(got) != 1 || got[0].Worst != row.worst || got[0].Harm != row.harm {
			t.Errorf("%s: %q, harm %d; want %q, harm %d", row.name, got[0].Worst, got[0].Harm, row.worst, row.harm)
		}
	}
}

// The first to retire: active before inactive, the most harmful before others, of those
// the unused before the used, and then the oldest.
func TestTheFirstKeyToRetireIsFirst(t *testing.T) {
	key := func(id string, active bool, age, used int) org.AccessKey {
		k := org.AccessKey{ID: id, Active: active, Created: daysAgo(age)}
		if used >= 0 {
			k.Used = daysAgo(used)
		}
		return k
	}
	all := allow("*", "*")
	got := rank(t, nil, nil,
		user("a", []org.AccessKey{key("inactive", false, 900, -1), key("used", true, 800, 1)}, all),
		user("b", []org.AccessKey{key("never", true, 30, -1), key("new", true, 3, -1)}, all),
		user("c", []org.AccessKey{key("old", true, 500, 91), key("edge", true, 700, 90)}, all),
		user("d", []org.AccessKey{key("mail", true, 2000, 400)}, allow("*", "ses:SendEmail")))
	var order []string
	for _, k := range got {
		order = append(order, k.ID)
	}
	if want := "old never used edge new mail inactive"; strings.Join(order, " ") != want {
		t.Errorf("%v, want %s", order, want)
	}
	for i, want := range []string{"retire", "retire", "find out", "find out", "keep", "retire", "delete"} {
		if want != "keep" && !strings.HasPrefix(got[i].Next, want) {
			t.Errorf("%s: next %q, want %s", got[i].ID, got[i].Next, want)
		}
	}
}

// A log that shows a later use than the credential report counts, and names programs.
func TestTheLogSaysWhoUsesAKey(t *testing.T) {
	u := user("deploy", []org.AccessKey{{ID: "AKIA1", Active: true, Created: daysAgo(400), Used: daysAgo(200)}}, allow("*", "*"))
	report := &impact.Report{Calls: impact.Calls{Read: 3}, Users: []impact.User{{ARN: u.ARN, Next: "replace it", NextWhy: "a role needs no key",
		Keys: []impact.Key{{ID: "AKIA1", Calls: 3, Last: "2026-10-31T10:00:00Z", Tools: []string{"Terraform", "AWS CLI"}, Networks: []string{"192.0.2.0/24"}}}}}}
	k := rank(t, report, nil, u)[0]
	if k.Use != recent || k.Unused || k.Calls != 3 || k.Next != "replace it" || strings.Join(k.UsedBy, "; ") != "Terraform from 192.0.2.0/24; AWS CLI" {
		t.Errorf("%+v", k)
	}
}

func TestServiceCredentialsAreKeys(t *testing.T) {
	u := user("sven", []org.AccessKey{}, allow("*", "codecommit:*"), allow("*", "bedrock:InvokeModel"))
	u.Services = &org.ServiceCredentials{Listed: []org.ServiceCredential{
		{ID: "ACCA1", Service: "bedrock.amazonaws.com", Active: true, Created: daysAgo(10)},
		{ID: "ACCA2", Service: "codecommit.amazonaws.com", Active: true, Created: daysAgo(10)},
		{ID: "ACCA3", Service: "codecommit.amazonaws.com", Active: true, Expires: daysAgo(1)},
		{ID: "ACCA4", Service: "newthing.amazonaws.com", Active: true},
		{ID: "APKA1", Service: org.SSH, Created: daysAgo(10)},
	}}
	want := map[string]string{
		"ACCA1": "nothing that is allowed today", "ACCA2": "read and write every Git repository", "ACCA3": "read and write every Git repository",
		"ACCA4": "unknown: what a credential for newthing can do", "APKA1": "read and write every Git repository",
	}
	active := map[string]bool{"ACCA1": true, "ACCA2": true, "ACCA4": true}
	for _, k := range rank(t, nil, nil, u) {
		if k.Worst != want[k.ID] || k.Active != active[k.ID] || k.Use != unknown {
			t.Errorf("%s: %q, active %v, use %s", k.ID, k.Worst, k.Active, k.Use)
		}
		delete(want, k.ID)
	}
	if len(want) > 0 {
		t.Errorf("not listed: %v", want)
	}
}
