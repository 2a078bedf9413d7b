package lint_test

import (
	"strings"
	"testing"

	"forcemfa/policy"
)

// A fix changes the wrong element and keeps those beside it.
func TestFixesKeepWhatIsRight(t *testing.T) {
	for _, row := range []struct {
		code, text string
		has, lacks string // the corrected document
	}{
		{"K-6", doc(`{"Effect":"Deny","Action":["sts:GetCallerIdentity","s3:DeleteBucket"],"Resource":"*"}`), `"s3:DeleteBucket"`, "sts:GetCallerIdentity"},
		{"G-1", doc(guard("", `,"StringEquals":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"},"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/svc-*"}`, noOthers, noKeys)),
			`"ArnNotLike"`, `"StringEquals"`},
		{"G-1", doc(guard("", `,"StringEquals":{"aws:PrincipalArn":"arn:aws:iam::*:user/*","aws:PrincipalTag/team":"a"}`, noOthers, noKeys)),
			`"aws:PrincipalTag/team"`, `"StringEquals":{"aws:PrincipalArn"`},
	} {
		f := find(check(t, policy.Identity, row.text), row.code)
		if f == nil || f.Fix == nil {
			t.Errorf("%s: no fix of %+v", row.text, f)
			continue
		}
		corrected, err := f.Fix.Apply(policy.Identity, row.text)
		if err != nil || !strings.Contains(corrected, row.has) || strings.Contains(corrected, row.lacks) {
			t.Errorf("%s: %v, want %s without %s in %s", row.code, err, row.has, row.lacks, corrected)
		}
	}
}

// Only a Deny about MFA that applies to nothing has an example of a request that it
// fails to refuse.
func TestExamplesOfStatementsThatApplyToNothing(t *testing.T) {
	for condition, want := range map[string]bool{"": false, `,"Condition":{"BoolIfExists":{` + `"aws:MultiFactorAuthPresent":"false"}}`: true} {
		f := find(check(t, policy.Identity, doc(`{"Effect":"Deny","NotAction":"*","Resource":"*"`+condition+`}`)), "K-7")
		if f == nil || (f.Example != nil) != want {
			t.Errorf("condition %q: %+v, want an example: %v", condition, f, want)
		}
	}
}
