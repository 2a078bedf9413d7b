package lint_test

import (
	"strings"
	"testing"

	"forcemfa/policy"
	"forcemfa/policy/lint"
)

// A condition on MFA in a role's own policy decides about sessions that usually carry
// aws:MultiFactorAuthPresent false.
// Source: IAM User Guide, "Secure API access with MFA".
func TestOwnPoliciesOfRolesCannotRequireMFA(t *testing.T) {
	for _, row := range []struct {
		statement string
		severity  lint.Severity // empty: no T-3
		says      string
	}{
		{guard("", ""), lint.High, "the Deny applies to sessions"},
		{guard("", `,"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/Admin*"}`), lint.High, "the Deny applies to sessions"},
		{strings.Replace(guard("", ""), "BoolIfExists", "Bool", 1), lint.High, "the Deny applies to sessions"},
		{deny(noMFA), lint.Medium, "the Deny applies to sessions"},
		{deny(mfa), lint.Medium, "the Deny does not apply"},
		{deny(`"NumericGreaterThan":{"aws:MultiFactorAuthAge":"3600"}`), lint.Medium, "the Deny does not apply"},
		{deny(`"Null":{"aws:MultiFactorAuthPresent":"true"}`), lint.Medium, "the Deny does not apply"},
		{gate(mfa), lint.Medium, "the Allow matches no session"},
		{gate(`"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}`), lint.Medium, "the Allow matches no session"},
		{gate(`"Null":{"aws:MultiFactorAuthPresent":"false"}`), lint.Medium, "matches each session"},
		{gate(noMFA), lint.Medium, "matches each session"},
		{guard("", `,"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}`), lint.Medium, "the Deny applies to no session"},
		{guard("", `,"StringEquals":{"aws:PrincipalType":"IAMUser"}`), lint.Medium, "StringEquals aws:PrincipalType IAMUser"},
		{guard("", `,"StringLike":{"aws:username":"deploy-*"}`), lint.Medium, "the Deny applies to no session"},
		{gate(mfa + `,"StringLike":{"aws:username":"*"}`), lint.Medium, "the Allow applies to no session"},
		{allow("s3:*", `"*"`), "", ""},
		{`{"Effect":"Deny","Action":"iam:*","Resource":"*"}`, "", ""},
	} {
		checkRoleFinding(t, policy.Identity, doc(row.statement), row.severity, row.says)
		checkRoleFinding(t, policy.Session, doc(row.statement), row.severity, row.says)
	}
}

// checkRoleFinding compares T-3 of a role's own policy, or of a session policy, with
// what it should say; without a severity there is none.
func checkRoleFinding(t *testing.T, kind policy.Kind, text string, severity lint.Severity, says string) {
	t.Helper()
	report, err := lint.CheckRole(text)
	if kind == policy.Session {
		report, err = lint.Check(kind, text)
	}
	if err != nil {
		t.Fatal(err)
	}
	found := find(report, "T-3")
	switch {
	case severity == "":
		if found != nil {
			t.Errorf("%s: %s", text, found.What)
		}
	case found == nil || found.Severity != severity || !strings.Contains(found.What, says):
		t.Errorf("%v, %s: %+v, want %s %q", kind, text, found, severity, says)
	case found.Example != nil:
		checkExample(t, kind, text, found)
	case !strings.Contains(says, "to no session") && !strings.Contains(says, "PrincipalType"):
		t.Errorf("%v, %s: no example request", kind, text)
	}
}

// The rules about users don't apply to a role.
func TestOwnPoliciesOfRolesAreNotCheckedAsGuards(t *testing.T) {
	text := doc(guard(`,"iam:DeactivateMFADevice","s3:*"`, ""), allow("iam:CreateVirtualMFADevice", `"arn:aws:iam::*:mfa/${aws:username}"`))
	report, err := lint.CheckRole(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		if f.Code != "T-3" && f.Code != "D-4" {
			t.Errorf("%s: %s", f.Code, f.What)
		}
	}
	if c, err := lint.CorrectRole(text); err != nil || c.Text != text {
		t.Errorf("a role's policy was changed: %v", err)
	}
}
