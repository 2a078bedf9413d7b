package audit_test

import (
	"fmt"
	"strings"
	"testing"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
)

// severityOf audits an account with one role, and returns the severity of a rule's finding.
func severityOf(t *testing.T, rule, principal, action, condition string) (audit.Severity, string) {
	t.Helper()
	if condition != "" {
		condition = `,"Condition":` + condition
	}
	a := quiet(t)
	a.Roles = []org.Role{{Name: "R", Path: "/", ARN: "arn:aws:iam::" + account + ":role/R",
		Trust: fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":%s,"Action":%q%s}]}`, principal, action, condition)}}
	var list recording
	audit.New(&org.Header{Partition: "aws"}, baseline.Default(), now).Account(a, &list)
	for _, f := range list.findings {
		if f.Rule == rule {
			return f.Severity, f.What
		}
	}
	return "", ""
}

// A condition on MFA that requests without it meet has its own finding.
func TestAWeakConditionForEverybodyIsOneFinding(t *testing.T) {
	const weak = `{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}`
	if severity, what := severityOf(t, "role-trust-open", `"*"`, "sts:AssumeRole", weak); severity != "" {
		t.Errorf("%s: %s", severity, what)
	}
	if severity, _ := severityOf(t, "role-trust-weak", `"*"`, "sts:AssumeRole", weak); severity == "" {
		t.Error("no finding about the weak condition")
	}
}

// An own policy of a role that asks for MFA is a finding: sessions of services and identity providers never carry it.
func TestAnOwnPolicyOfARoleThatDependsOnMFA(t *testing.T) {
	const service, people = `{"Service":"lambda.amazonaws.com"}`, `{"AWS":"111111111111"}`
	deny := `{"Version":"2012-10-17","Statement":{"Sid":"Guard","Effect":"Deny","NotAction":"iam:GetUser","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}}`
	allow := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}}`
	plain := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`
	for _, row := range []struct {
		name, trust, document string
		attached              bool
		want                  audit.Severity
	}{
		{"a Deny, for a service", service, deny, false, audit.Medium}, {"an Allow, for a service", service, allow, false, audit.Medium},
		{"a Deny, attached", service, deny, true, audit.Medium}, {"a Deny, for users", people, deny, false, audit.Low}, {"an Allow, for users", people, allow, true, audit.Low},
		{"an identity provider", `{"Federated":"arn:aws:iam::111111111111:saml-provider/idp"}`, deny, false, audit.Medium},
		{"no condition on MFA", service, plain, false, ""}, {"not a policy", service, `{"aws:MultiFactorAuthPresent"`, false, ""},
	} {
		a := quiet(t)
		role := org.Role{Name: "R", Path: "/x/", ARN: "arn:aws:iam::" + account + ":role/x/R",
			Trust: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":` + row.trust + `,"Action":"sts:AssumeRole"}}`}
		if row.attached {
			p := org.Policy{ARN: "arn:aws:iam::" + account + ":policy/own", Name: "own", Path: "/", Default: "v1", Versions: []org.Version{{ID: "v1", Document: row.document}}}
			a.Policies, role.Attached = append(a.Policies, p), []string{p.ARN}
		} else {
			role.Inline = []org.InlinePolicy{{Name: "own", Document: row.document}}
		}
		a.Roles = []org.Role{role}
		var list recording
		audit.New(&org.Header{Partition: "aws"}, baseline.Default(), now).Account(a, &list)
		var got audit.Severity
		for _, f := range list.findings {
			if f.Rule == "role-policy-mfa" {
				if got = f.Severity; f.Subject != "role/x/R/own" || f.ARN != role.ARN || !strings.Contains(f.What, "own of R depends on MFA: ") {
					t.Errorf("%s: %+v", row.name, f)
				}
			}
		}
		if got != row.want {
			t.Errorf("%s: severity %q, want %q", row.name, got, row.want)
		}
	}
}

// An external ID counts when the condition refuses callers that do not know it, and
// only then.
func TestTheSeverityOfATrustPolicyIsWhatItsConditionRefuses(t *testing.T) {
	everybody, other := `{"AWS":"*"}`, `{"AWS":"999999999999"}`
	for _, row := range []struct {
		principal, condition string
		want                 audit.Severity
	}{
		{everybody, "", audit.High},
		{`"*"`, "", audit.High},
		{everybody, `{"StringEquals":{"sts:ExternalId":"acme-4711"}}`, audit.Low},
		{everybody, `{"StringLike":{"sts:ExternalId":"*"}}`, audit.High},
		{everybody, `{"StringLike":{"sts:ExternalId":"?*"}}`, audit.High},
		{everybody, `{"StringLike":{"sts:ExternalId":"a*"}}`, audit.High},
		{everybody, `{"StringLike":{"sts:ExternalId":"acme-4711-*"}}`, audit.Low},
		{everybody, `{"StringNotEquals":{"sts:ExternalId":"acme-4711"}}`, audit.High},
		{everybody, `{"StringNotLike":{"sts:ExternalId":"acme-*"}}`, audit.High},
		{everybody, `{"Null":{"sts:ExternalId":"true"}}`, audit.High},
		{everybody, `{"Null":{"sts:ExternalId":"false"}}`, audit.High},
		{everybody, `{"StringEqualsIfExists":{"sts:ExternalId":"acme-4711"}}`, audit.High},
		{everybody, `{"StringEquals":{"sts:ExternalId":"${aws:PrincipalAccount}"}}`, audit.High},
		{everybody, `{"StringEquals":{"sts:ExternalId":"acme-4711","aws:PrincipalOrgID":"o-acme000000"}}`, audit.Low},
		{everybody, `{"StringEquals":{"aws:PrincipalOrgID":"o-acme000000"}}`, audit.Medium},
		{everybody, `{"StringNotEquals":{"aws:PrincipalOrgID":"o-acme000000"}}`, audit.High},
		{everybody, `{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}}`, audit.High},
		{everybody, `{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::999999999999:user/*"}}`, audit.Medium},
		{everybody, `{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`, audit.Medium},
		{everybody, `{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-acme000000/*"}}`, audit.Medium},
		{everybody, `{"ForAnyValue:StringNotLike":{"aws:PrincipalOrgPaths":"o-acme000000/*"}}`, audit.High},
		{everybody, `{"StringLike":{"sts:RoleSessionName":"x*"}}`, audit.High},
		{everybody, `{"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-acme000000"}}`, audit.High},
		{everybody, `{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/Admin"}}`, audit.High},
		{everybody, `{"StringEquals":{"aws:PrincipalTag/team":"ops"}}`, audit.High},
		{everybody, `{"StringEquals":{"aws:username":"bob"}}`, audit.High},
		{everybody, `{"StringEquals":{"aws:PrincipalAccount":"999999999999"}}`, audit.Medium},
		{everybody, `{"IpAddress":{"aws:SourceIp":["0.0.0.0/1","128.0.0.0/1"]}}`, audit.High},
		{everybody, `{"DateGreaterThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}}`, audit.High},
		{everybody, `{"Bool":{"aws:ViaAWSService":"false"}}`, audit.High},
		{everybody, `{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`, audit.High}, // of the stranger's own account
		{everybody, `{"Bool":{"aws:MultiFactorAuthPresent":"true"},"StringEquals":{"aws:PrincipalOrgID":"o-acme000000"}}`, ""},
		{everybody, `{"Bool":{"aws:MultiFactorAuthPresent":"true"},"StringEquals":{"sts:ExternalId":"acme-4711"}}`, ""},
		{other, `{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`, ""},
		{other, "", audit.Medium},
		{other, `{"StringEquals":{"sts:ExternalId":"acme-4711"}}`, audit.Low},
		{other, `{"StringLike":{"sts:ExternalId":"*"}}`, audit.Medium},
		{other, `{"Null":{"sts:ExternalId":"true"}}`, audit.Medium},
	} {
		if got, what := severityOf(t, "role-trust-open", row.principal, "sts:AssumeRole", row.condition); got != row.want {
			t.Errorf("%s %s: %q (%s), want %s", row.principal, row.condition, got, what, row.want)
		}
	}
}

// Each finding is about its own statements: a statement for everybody makes no other
// statement worse.
func TestAStatementForAnAccountIsNoWorseBesideOneForEverybody(t *testing.T) {
	principals := `"*","Action":"sts:AssumeRole","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}},{"Effect":"Allow","Principal":{"AWS":"999999999999"}`
	got := map[string]audit.Severity{}
	for _, rule := range []string{"role-trust-open", "role-trust-weak"} {
		got[rule], _ = severityOf(t, rule, principals, "sts:AssumeRole", "")
	}
	if got["role-trust-open"] != audit.Medium || got["role-trust-weak"] != audit.High {
		t.Errorf("%v", got)
	}
}

// Principals of identity providers are findings, the worse the more the conditions accept.
func TestFederatedTrustIsAFinding(t *testing.T) {
	oidc := func(issuer string) string {
		return `{"Federated":"arn:aws:iam::` + account + `:oidc-provider/` + issuer + `"}`
	}
	const web, github, eks, cognito = "sts:AssumeRoleWithWebIdentity", "token.actions.githubusercontent.com", "oidc.eks.eu-west-1.amazonaws.com/id/AB", "cognito-identity.amazonaws.com"
	pool := `"` + cognito + `:aud":"eu-west-1:1234"`
	for _, row := range []struct {
		principal, action, condition string
		want                         audit.Severity
		what                         string
	}{
		{oidc(github), web, `{"StringEquals":{"` + github + `:aud":"sts.amazonaws.com"}}`, audit.High, "any subject"},
		{oidc(github), web, `{"StringLike":{"` + github + `:sub":"repo:*"}}`, audit.High, "any subject"},
		{oidc(github), web, `{"StringLike":{"` + github + `:sub":"*"}}`, audit.High, "any subject"},
		{oidc(github), web, `{"StringEqualsIfExists":{"` + github + `:sub":"repo:acme/x:ref:refs/heads/main"}}`, audit.High, "any subject"},
		{oidc(github), web, `{"StringNotEquals":{"` + github + `:sub":"repo:acme/x:ref:refs/heads/main"}}`, audit.High, "any subject"},
		{oidc(github), web, `{"StringLike":{"` + github + `:sub":"repo:acme/*"}}`, audit.Info, "cannot require MFA"},
		{oidc(eks), web, "", audit.Medium, "any subject"},
		{oidc(eks), web, `{"StringEquals":{"` + eks + `:sub":"system:serviceaccount:web:api"}}`, audit.Info, "cannot require MFA"},
		{`{"Federated":"` + cognito + `"}`, web, "", audit.High, "any identity pool"},
		{`{"Federated":"` + cognito + `"}`, web, `{"StringEquals":{` + pool + `}}`, audit.Medium, "have not signed in"},
		{`{"Federated":"` + cognito + `"}`, web, `{"StringEquals":{` + pool + `},"ForAnyValue:StringLike":{"` + cognito + `:amr":"unauthenticated"}}`, audit.Medium, "have not signed in"},
		{`{"Federated":"` + cognito + `"}`, web, `{"StringEquals":{` + pool + `},"ForAnyValue:StringLike":{"` + cognito + `:amr":"authenticated"}}`, audit.Info, "Cognito"},
		{`{"Federated":"arn:aws:iam::` + account + `:saml-provider/okta"}`, "sts:AssumeRoleWithSAML", `{"StringEquals":{"SAML:aud":"https://signin.aws.amazon.com/saml"}}`, audit.Info, "saml-provider/okta"},
		{`{"Service":"rolesanywhere.amazonaws.com"}`, "sts:AssumeRole", "", audit.Low, "any certificate"},
		{`{"Service":"rolesanywhere.amazonaws.com"}`, "sts:AssumeRole", `{"ArnEquals":{"aws:SourceArn":"arn:aws:rolesanywhere:eu-west-1:111111111111:trust-anchor/1"}}`, audit.Info, "Roles Anywhere"},
		{`{"Service":"rolesanywhere.amazonaws.com"}`, "sts:AssumeRole", `{"StringEquals":{"aws:PrincipalTag/x509Subject/CN":"build"}}`, audit.Info, "Roles Anywhere"},
		{`{"Service":"ec2.amazonaws.com"}`, "sts:AssumeRole", "", "", ""},
	} {
		got, what := severityOf(t, "role-trust-federated", row.principal, row.action, row.condition)
		if got != row.want || !strings.Contains(what, row.what) {
			t.Errorf("%s %s: %q (%s), want %q (%s)", row.principal, row.condition, got, what, row.want, row.what)
		}
	}
}

// The worst statement of a trust policy counts, in whichever order they stand.
func TestTheWorstStatementOfATrustPolicyCounts(t *testing.T) {
	statement := func(principal string) string {
		return `{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"}`
	}
	for _, list := range []string{statement(`"*"`) + "," + statement(`{"AWS":"111111111111"}`), statement(`{"AWS":"111111111111"}`) + "," + statement(`"*"`)} {
		a := quiet(t)
		a.Roles = []org.Role{{Name: "R", Path: "/", ARN: "arn:aws:iam::" + account + ":role/R", Trust: `{"Version":"2012-10-17","Statement":[` + list + `]}`}}
		var found recording
		audit.New(&org.Header{Partition: "aws"}, baseline.Default(), now).Account(a, &found)
		for _, f := range found.findings {
			if f.Rule == "role-trust-open" && f.Severity != audit.High {
				t.Errorf("%s: %s", list, f.Severity)
			}
		}
	}
}

// A window that is over is none.
func TestAnExpiredWindowIsNoWindow(t *testing.T) {
	for until, want := range map[string]string{"2000-01-01": "", "2099-01-01": "2099-01-01"} {
		b := wanted(t)
		b.Window.Tag = "enroll-until"
		a := quiet(t)
		a.Users[0].Tags = []org.Tag{{Key: "enroll-until", Value: until}}
		if u := audit.New(new(org.Header), b, now).User(a, &a.Users[0]); u.Window != want {
			t.Errorf("%s: %q", until, u.Window)
		}
	}
}

// A condition whose effect AWS does not document is no proof that MFA is required.
func TestATrustPolicyWithAnUndocumentedConditionIsUnknown(t *testing.T) {
	severity, what := severityOf(t, "role-trust-unknown", `{"AWS":"`+account+`"}`, "sts:AssumeRole", `{"ForAnyValue:BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}`)
	if severity != audit.Medium || !strings.Contains(what, "account "+account+" is true without MFA: ForAnyValue:BoolIfExists") {
		t.Errorf("%q: %s", severity, what)
	}
	if severity, what = severityOf(t, "role-trust-unknown", `{"AWS":"`+account+`"}`, "sts:AssumeRole", withMFA); severity != "" {
		t.Errorf("%q: %s", severity, what)
	}
}
