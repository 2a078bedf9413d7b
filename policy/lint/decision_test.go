package lint_test

import (
	"strings"
	"testing"

	"forcemfa/policy"
	"forcemfa/policy/lint"
)

// An Allow of everything on a key to everybody is no delegation to an account.
func TestAKeyForEverybodyIsNotDelegated(t *testing.T) {
	text := doc(`{"Effect":"Allow","Principal":` + user + `,"Action":"kms:Decrypt","Resource":"*","Condition":{` + mfa + `}},{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}`)
	report, err := lint.Check(policy.Resource, text)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		if f.Code == "R-1" && f.Severity == lint.High {
			return
		}
	}
	t.Errorf("%+v", report.Findings)
}

// The correction of a large document keeps each Deny, with a condition on MFA or without.
func TestTheCorrectionOfALargeDocumentKeepsAllDenies(t *testing.T) {
	text := doc(guard("", "", `{"Sid":"Never","Effect":"Deny","Action":"organizations:LeaveOrganization","Resource":"*"}`, allow("s3:GetObject", long(6000))))
	report, err := lint.Check(policy.Identity, text)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		if f.Code != "D-20" || f.Fix == nil {
			continue
		}
		if corrected, err := f.Fix.Apply(policy.Identity, text); err != nil || !strings.Contains(corrected, `"Never"`) {
			t.Errorf("%v: %s", err, corrected)
		}
		return
	}
	t.Errorf("%+v", report.Findings)
}

// Names of actions have no case: a trust policy with a Resource is still one.
func TestATrustPolicyIsGuessedInAnyCase(t *testing.T) {
	if kind, err := lint.Guess(doc(`{"Effect":"Allow","Principal":` + user + `,"Action":"STS:assumerole","Resource":"*"}`)); kind != policy.Trust || err != nil {
		t.Errorf("%v, %v", kind, err)
	}
}

// A Deny that refuses requests with MFA as well is M-9, not one of roles.
func TestADenyOfEverybodyIsNotOneOfRoles(t *testing.T) {
	report := check(t, policy.Resource, doc(`{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":{"NumericGreaterThanEqualsIfExists":{"aws:MultiFactorAuthAge":"0"}}}`))
	if find(report, "M-9") == nil || find(report, "R-2") != nil {
		t.Error(foundCodes(report))
	}
}

// The correction of a control policy that denies roles replaces the condition that names
// them, and keeps the one that exempts users.
func TestTheCorrectionForRolesKeepsExemptions(t *testing.T) {
	for _, row := range []struct{ condition, kept string }{
		{`"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}`, ""},
		{`"StringLike":{"aws:PrincipalArn":["arn:aws:iam::*:role/*","arn:aws:iam::*:user/*"]}`, ""},
		{`"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/svc-*"}`, "user/svc-*"},
	} {
		text := doc(guard("", ","+row.condition, noOthers, noKeys))
		f := find(check(t, policy.SCP, text), "O-1")
		if f == nil || f.Fix == nil {
			t.Errorf("%s: %+v", row.condition, f)
			continue
		}
		got := string(f.Fix.Changes[0].Text)
		if strings.Contains(got, "role/*") || !strings.Contains(got, "arn:*:iam::*:user/*") || !strings.Contains(got, row.kept) {
			t.Errorf("%s: %s", row.condition, got)
		}
	}
}

// An operator that ignores case names users in any case: nobody is a stranger whose name
// differs in case only.
func TestAGuardThatIgnoresCaseMissesUsersWithOtherNames(t *testing.T) {
	names := `"alice","bob"`
	for _, r := range "zqxjkvwyghubpfcmdlnortsiea0123456789" {
		names += `,"` + strings.Repeat(string(r), 5) + `"`
	}
	if report := check(t, policy.Identity, doc(guard("", `,"StringEqualsIgnoreCase":{"aws:username":[`+names+`]}`, noOthers, noKeys))); find(report, "G-1") == nil {
		t.Error(foundCodes(report))
	}
}

// A guard of access keys alone does not test the key of forwarded calls.
func TestAGuardOfKeysSaysNothingOfForwardedCalls(t *testing.T) {
	report := check(t, policy.Identity, doc(strings.Replace(guard("", "", noOthers, noKeys), noMFA, `"Null":{"aws:MultiFactorAuthPresent":"true"}`, 1)))
	for _, f := range report.Findings {
		if f.Code == "E-8" || f.Code == "D-7" && !strings.HasPrefix(f.What, "once ") {
			t.Errorf("%+v", f)
		}
	}
}

// Unique IDs are in capitals: other names beginning so are placeholders.
func TestUniqueIDsAreInCapitals(t *testing.T) {
	for name, want := range map[string]string{"AIDAJQABLZS4A3QDU576Q": "T-2", "AIDA-of-the-new-user": "K-4"} {
		if report := check(t, policy.Trust, doc(trust(`{"AWS":"`+name+`"}`, mfa))); find(report, want) == nil {
			t.Errorf("%s: %v", name, foundCodes(report))
		}
	}
}
