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
