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
