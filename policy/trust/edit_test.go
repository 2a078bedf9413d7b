package trust_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/policy"
	"forcemfa/policy/trust"
)

var now = time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC)

const (
	account  = "111122223333"
	root     = "arn:aws:iam::" + account + ":root"
	roleARN  = "arn:aws:iam::" + account + ":role/Ops"
	askMFA   = `"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`
	allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
)

func document(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// assumes decides whether a principal can assume the role by its trust policy
// alone: it may do everything by its own policies.
func assumes(t *testing.T, document, principal string, c policy.Credential, present policy.Presence, action string) bool {
	t.Helper()
	p := policy.Principal{Kind: policy.IAMUser, Account: account, ARN: principal}
	ctx := new(policy.Context)
	switch {
	case strings.HasSuffix(principal, ".amazonaws.com"):
		p = policy.Principal{Kind: policy.AWSService, ARN: principal}
	case strings.Contains(principal, "provider/"):
		p = policy.Principal{Kind: policy.Federated, ARN: principal}
	case strings.Contains(principal, ":assumed-role/"):
		p.Kind, p.Issuer = policy.RoleSession, "arn:aws:iam::"+account+":role/Workload"
	}
	ctx.Set("aws:PrincipalArn", principal)
	ctx.SetMFA(c, present, now.Add(-time.Minute), now)
	set := &policy.Set{Identity: []policy.Source{policy.ParseSource("all", policy.Identity, allowAll)}}
	return set.Decide(&policy.Request{
		Principal: p, Action: action, Resource: roleARN, ResourceAccount: account, Context: ctx,
		Policies: []policy.Source{policy.ParseSource("trust", policy.Trust, document)},
	}).Verdict == policy.Allowed
}

func TestPeopleAreAskedForMFAAndNobodyElseIs(t *testing.T) {
	service := `{"Effect": "Allow",  "Principal": {"Service":"ec2.amazonaws.com"}, "Action":"sts:AssumeRole"}`
	saml := `{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::` + account + `:saml-provider/okta"},"Action":["sts:AssumeRoleWithSAML","sts:TagSession"]}`
	people := `{"Effect":"Allow","Principal":{"AWS":"` + root + `"},"Action":"sts:AssumeRole"`
	user := `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `:user/ada"},"Action":"sts:AssumeRole"`
	for _, row := range []struct {
		name          string
		maxAge        time.Duration
		before, after string // after is empty: as before
	}{
		{name: "an account", before: document(people + `}`), after: document(people + `,` + askMFA + `}`)},
		{name: "a single statement without brackets", before: `{"Version":"2012-10-17","Statement":` + people + `}}`,
			after: `{"Version":"2012-10-17","Statement":` + people + `,` + askMFA + `}}`},
		{name: "a user", before: document(user + `}`), after: document(user + `,` + askMFA + `}`)},
		{name: "asked already", before: document(people + `,` + askMFA + `}`)},
		{name: "asked by age already", before: document(people + `,"Condition":{"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}}`)},
		{name: "a weak BoolIfExists", before: document(people + `,"Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}}`),
			after: document(people + `,` + askMFA + `}`)},
		{name: "a weak Null", before: document(people + `,"Condition":{"Null":{"aws:MultiFactorAuthPresent":"false"},"StringEquals":{"sts:ExternalId": "x"}}}`),
			after: document(people + `,"Condition":{"StringEquals":{"sts:ExternalId": "x"},"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`)},
		{name: "another Bool", before: document(people + `,"Condition":{"Bool":{"aws:SecureTransport": true}}}`),
			after: document(people + `,"Condition":{"Bool":{"aws:SecureTransport":true,"aws:MultiFactorAuthPresent":"true"}}}`)},
		{name: "a service and a provider alone", before: document(service, saml)},
		{name: "a service beside people stays byte for byte", before: document(service, people+`}`), after: document(service, people+`,`+askMFA+`}`)},
		{name: "a mixed statement is split",
			before: document(`{"Sid":"Both","Effect":"Allow","Principal":{"AWS":["` + root + `","arn:aws:iam::` + account + `:role/Workload"],"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`),
			after: document(`{"Sid":"Both","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::`+account+`:role/Workload","Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`,
				`{"Sid":"BothWithMFA","Effect":"Allow","Principal":{"AWS":"`+root+`"},"Action":"sts:AssumeRole",`+askMFA+`}`)},
		{name: "everybody, with federated actions",
			before: document(`{"Effect":"Allow","Principal":"*","Action":["sts:AssumeRole*","sts:TagSession"]}`),
			after: document(`{"Effect":"Allow","Principal":"*","Action":["sts:AssumeRoleWithSAML","sts:AssumeRoleWithWebIdentity","sts:TagSession"]}`,
				`{"Effect":"Allow","Principal":"*","Action":["sts:AssumeRole","sts:TagSession"],`+askMFA+`}`)},
		{name: "a role is not asked", before: document(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `:role/Workload"},"Action":"sts:AssumeRole"}`)},
		{name: "a Deny that asks for everybody", before: document(people+`}`, `{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`)},
		{name: "a Deny of the account", before: document(people+`}`, `{"Effect":"Deny","Principal":{"AWS":"`+root+`"},"Action":"sts:*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`)},
		{name: "a Deny of all users for a user", before: document(user+`}`,
			`{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"},"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}}}`)},
		{name: "a Deny of one network",
			before: document(user+`}`, `{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"},"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}}`),
			after:  document(user+`,`+askMFA+`}`, `{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"},"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}}`)},
		{name: "a Deny of another user", before: document(people+`}`, `{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::`+account+`:user/bob"},"Action":"sts:AssumeRole","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`),
			after: document(people+`,`+askMFA+`}`, `{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::`+account+`:user/bob"},"Action":"sts:AssumeRole","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`)},
		{name: "an undocumented condition", before: document(people + `,"Condition":{"ForAnyValue:BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}}`),
			after: document(people + `,` + askMFA + `}`)},
		{name: "an age", maxAge: time.Hour, before: document(people + `,` + askMFA + `}`),
			after: document(people + `,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"},"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}}`)},
	} {
		t.Run(row.name, func(t *testing.T) {
			if row.after == "" {
				row.after = row.before
			}
			got, err := trust.RequireMFA(row.before, row.maxAge)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(row.after, got); d != "" {
				t.Errorf("trust policy (-want +got):\n%s", d)
			}
			if again, err := trust.RequireMFA(got, row.maxAge); err != nil || again != got {
				t.Errorf("secured twice it is %s, %v", again, err)
			}
			same(t, row.before, got)
		})
	}
}

// same tells of a secured trust policy: people need MFA, and whoever else came
// in still does.
func same(t *testing.T, before, after string) {
	t.Helper()
	const ada = "arn:aws:iam::" + account + ":user/ada"
	if assumes(t, after, ada, policy.LongTermKey, policy.Absent, "sts:AssumeRole") ||
		assumes(t, after, ada, policy.SessionToken, policy.False, "sts:AssumeRole") {
		t.Error("a user comes in without MFA")
	}
	for _, other := range []struct{ principal, action string }{
		{"ec2.amazonaws.com", "sts:AssumeRole"},
		{"arn:aws:iam::" + account + ":saml-provider/okta", "sts:AssumeRoleWithSAML"},
	} {
		if strings.Contains(before, `"*"`) && !strings.Contains(other.principal, ":") {
			continue // everybody: a service cannot be told from people
		}
		was := assumes(t, before, other.principal, policy.NoCredential, policy.Absent, other.action)
		if is := assumes(t, after, other.principal, policy.NoCredential, policy.Absent, other.action); is != was {
			t.Errorf("%s: came in %v, comes in %v", other.principal, was, is)
		}
	}
	was := assumes(t, before, ada, policy.SessionTokenMFA, policy.True, "sts:AssumeRole")
	if is := assumes(t, after, ada, policy.SessionTokenMFA, policy.True, "sts:AssumeRole"); is != was {
		t.Errorf("with MFA: came in %v, comes in %v", was, is)
	}
}

func TestATrustPolicyThatCannotBeMendedIsRefused(t *testing.T) {
	for _, bad := range []string{
		document(`{"Effect":"Allow","Principal":{"AWS":"` + root + `"},"Action":"sts:AssumeRole","Condition":{"Null":{"aws:MultiFactorAuthPresent":"true"}}}`),
		document(`{"Effect":"Allow","Principal":"*","NotAction":"sts:AssumeRoleWithSAML"}`),
		`{`,
	} {
		if got, err := trust.RequireMFA(bad, 0); err == nil {
			t.Errorf("%s became %s", bad, got)
		}
	}
}
