package lint_test

import (
	"slices"
	"strings"
	"testing"

	"forcemfa/policy"
	"forcemfa/policy/lint"
)

// Exceptions of a guard are listed, and no others; reading IAM is less than writing
// or reading data.
func TestExceptionsAreListedWithTheirSeverity(t *testing.T) {
	for _, row := range []struct {
		exceptions, code string
		severity         lint.Severity
		names            string // in the finding
		others           string // not in it
	}{
		{`,"iam:ListUsers"`, "E-4", lint.Low, "iam:ListUsers", "s3:"},
		{`,"s3:GetObject"`, "E-4", lint.Medium, "s3:GetObject", "iam:ListUsers"},
		{`,"iam:ListUsers","s3:GetObject"`, "E-4", lint.Medium, "iam:ListUsers", "iam:CreateUser"},
		{`,"iam:CreateAccessKey"`, "E-2", lint.High, "iam:CreateAccessKey", "iam:CreateLoginProfile"},
		{`,"iam:ChangePassword"`, "E-2", lint.Low, "iam:ChangePassword", "iam:CreateAccessKey"},
		{`,"iam:AttachUserPolicy"`, "E-3", lint.Critical, "iam:AttachUserPolicy", "iam:PutUserPolicy"},
	} {
		r, err := lint.Check(policy.Identity, doc(guard(row.exceptions, "", noOthers, noKeys)))
		if err != nil {
			t.Fatal(err)
		}
		var f *lint.Finding
		for i := range r.Findings {
			if r.Findings[i].Code == row.code {
				f = &r.Findings[i]
			}
		}
		if f == nil || f.Severity != row.severity || !strings.Contains(f.What, row.names) || strings.Contains(f.What, row.others) {
			t.Errorf("%s: %+v, want %s %v", row.exceptions, f, row.code, row.severity)
		}
	}
}

// A guard whose condition never holds, or not for the requests that every client sends, is critical whatever rule names
// the cause. The same mistake in an Allow grants nothing or too much, and is high.
func TestAGuardThatRefusesNothingIsCritical(t *testing.T) {
	for condition, code := range map[string]string{
		`"Bool":{"aws:MultiFactorAuthPresent":"true"}`:                                                                                "M-1",
		`"StringEquals":{"aws:MultiFactorAuthPresent":"False"}`:                                                                       "M-6",
		`"StringEqualsIfExists":{"aws:MultiFactorAuthPresent":"no"}`:                                                                  "M-7",
		`"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"},"NumericGreaterThan":{"aws:MultiFactorAuthAge":"3600"}`:                "M-8",
		`"Bool":{"aws:MultiFactorAuthPresent":"false"},"Null":{"aws:MultiFactorAuthPresent":"true"}`:                                  "M-8",
		`"Bool":{"aws:MultiFactorAuthPresent":"false"}`:                                                                               "D-8",
		`"NumericGreaterThan":{"aws:MultiFactorAuthAge":"3600"}`:                                                                      "M-2",
		`"BoolIfExists":{"aws:MultiFactorAuthPresent":"false","aws:SecureTransport":"false"}`:                                         "E-7",
		`"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"},"StringEquals":{"aws:PrincipalType":"AssumedRole"}`:                    "G-1",
		`"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"},"Bool":{"aws:PrincipalIsAWSService":"true"}`:                           "G-1",
		`"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"},"StringLike":{"aws:userid":"AROA*"}`:                                   "G-1",
		`"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"},"ForAnyValue:StringEquals":{"aws:CalledVia":["athena.amazonaws.com"]}`: "G-1",
		`"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"},"DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}`:             "G-1",
	} {
		for _, kind := range []policy.Kind{policy.Identity, policy.SCP} {
			text := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotAction":["iam:CreateVirtualMFADevice","iam:EnableMFADevice","iam:GetUser"],"Resource":"*","Condition":{` + condition + `}}]}`
			r, err := lint.Check(kind, text)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(r.Findings, func(f lint.Finding) bool { return f.Code == code && f.Severity == lint.Critical }) {
				t.Errorf("%v, %s: no critical %s in %+v", kind, condition, code, r.Findings)
			}
		}
	}
	gate := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"},"Null":{"aws:MultiFactorAuthPresent":"true"}}}]}`
	if r, err := lint.Check(policy.Identity, gate); err != nil || r.Worst() != lint.High {
		t.Errorf("the Allow that matches nothing: %+v, %v, want high", r, err)
	}
}

func TestTheKindOfADocumentIsGuessedByItsElements(t *testing.T) {
	for elements, want := range map[string]policy.Kind{
		`"Action":"*","Resource":"*"`: policy.Identity, `"Action":"*"`: policy.Identity, `"Action":"*","NotResource":"x"`: policy.Identity,
		`"Principal":"*","Action":"sts:AssumeRole"`: policy.Trust, `"NotPrincipal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"`: policy.Trust,
		`"Principal":"*","Action":"s3:*","Resource":"*"`: policy.Resource, `"Principal":"*","Action":"s3:*","NotResource":"x"`: policy.Resource,
	} {
		for _, text := range []string{`{"Version":"2012-10-17","Statement":{"Effect":"Deny",` + elements + `}}`, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny",` + elements + `}]}`} {
			if got, err := lint.Guess(text); err != nil || got != want {
				t.Errorf("%s: %v, %v, want %v", text, got, err, want)
			}
		}
	}
}

// A guard that only applies to ARNs of users does not refuse the sessions of GetFederationToken.
func TestFederationTokensAreCriticalWhereTheGuardMissesTheirSessions(t *testing.T) {
	for _, row := range []struct {
		scope    string
		severity lint.Severity
	}{
		{"", lint.Medium},
		{`,"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}`, lint.Critical},
		{`,"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}`, lint.Medium},
	} {
		r, err := lint.Check(policy.Identity, doc(guard(`,"sts:GetFederationToken"`, row.scope, noOthers, noKeys)))
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(r.Findings, func(f lint.Finding) bool { return f.Code == "E-3" })
		if i < 0 || r.Findings[i].Severity != row.severity {
			t.Errorf("%s: %+v, want E-3 %v", row.scope, r.Findings, row.severity)
		}
	}
}
