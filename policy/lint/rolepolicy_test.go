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
		{guard("", `,"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}`), "", ""},
		{allow("s3:*", `"*"`), "", ""},
		{`{"Effect":"Deny","Action":"iam:*","Resource":"*"}`, "", ""},
	} {
		report, err := lint.CheckRole(doc(row.statement))
		if err != nil {
			t.Fatal(err)
		}
		found := find(report, "T-3")
		switch {
		case row.severity == "":
			if found != nil {
				t.Errorf("%s: %s", row.statement, found.What)
			}
		case found == nil || found.Severity != row.severity || !strings.Contains(found.What, row.says):
			t.Errorf("%s: %+v, want %s %q", row.statement, found, row.severity, row.says)
		default:
			checkExample(t, policy.Identity, doc(row.statement), found)
		}
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
