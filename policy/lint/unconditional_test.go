package lint_test

import (
	"encoding/json"
	"strings"
	"testing"

	"forcemfa/policy"
	"forcemfa/policy/lint"
)

// A guard without a condition on MFA locks users with MFA out as well. Where a key is misspelled, that is what to say.
func TestAGuardWithoutACondition(t *testing.T) {
	for _, row := range []struct{ conditions, want, not string }{
		{``, "M-9", "K-1"},
		{`,"Condition":{"StringEquals":{"aws:PrincipalType":"User"}}`, "M-9", "K-1"},
		{`,"Condition":{"ArnLike":{"aws:PrincipalArn":"arn:*:iam::*:user/*"}}`, "M-9", "K-1"},
		{`,"Condition":{"BoolIfExists":{"aws:MFAPresent":"false"}}`, "K-1", "M-9"},
		{`,"Condition":{"BoolIfExists":{"aws:MFAPresent":"false"},"StringEquals":{"aws:PrincipalType":"User"}}`, "K-1", "M-9"},
		{`,"Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}`, "", "M-9"},
	} {
		text := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotAction":["iam:CreateVirtualMFADevice","iam:EnableMFADevice","iam:GetUser"],"Resource":"*"` + row.conditions + `}]}`
		report, err := lint.Check(policy.Identity, text)
		if err != nil {
			t.Fatal(err)
		}
		if row.want != "" && find(report, row.want) == nil || find(report, row.not) != nil {
			t.Errorf("%s: want %q and not %s: %v", row.conditions, row.want, row.not, foundCodes(report))
		}
	}
	other := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotAction":["s3:*","ec2:*"],"Resource":"*"}]}`
	if report, err := lint.Check(policy.Identity, other); err != nil || find(report, "M-9") != nil {
		t.Errorf("a Deny that exempts no enrollment: %v %v", report, err)
	}
}

// A guard for the users that it names is corrected by leaving the names out.
func TestAGuardForSomeNamesIsCorrected(t *testing.T) {
	for _, condition := range []string{`"StringEquals":{"aws:username":["alice","bob"]}`, `"StringLike":{"aws:username":"svc-*"}`} {
		text := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotAction":["iam:CreateVirtualMFADevice","iam:EnableMFADevice","iam:GetUser"],"Resource":"*",
			"Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"},` + condition + `}}]}`
		report, err := lint.Check(policy.Identity, text)
		if err != nil {
			t.Fatal(err)
		}
		f := find(report, "G-1")
		if f == nil || f.Fix == nil {
			t.Errorf("%s: %v, no fix", condition, foundCodes(report))
			continue
		}
		fixed, err := f.Fix.Apply(policy.Identity, text)
		if err != nil || strings.Contains(fixed, "aws:username\":") || !strings.Contains(fixed, "aws:MultiFactorAuthPresent") || !json.Valid([]byte(fixed)) {
			t.Errorf("%s: %v %s", condition, err, fixed)
		}
	}
}

// A pattern that ends where the name of a user begins names no user.
func TestAGuardForAnEmptyNameReachesNobody(t *testing.T) {
	for _, value := range []string{"arn:aws:iam::123456789012:user/", "arn:aws:iam::*:user/", "arn:aws:iam::123456789012:user/team/"} {
		report, err := lint.Check(policy.Identity, doc(guard("", `,"ArnEquals":{"aws:PrincipalArn":"`+value+`"}`, noOthers, noKeys)))
		if err != nil {
			t.Fatal(err)
		}
		if f := find(report, "G-1"); f == nil || f.Severity != lint.Critical || !strings.Contains(f.What, "no IAM user") {
			t.Errorf("%s: %v", value, f)
		}
	}
}
