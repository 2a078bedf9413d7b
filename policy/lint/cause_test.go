package lint_test

import (
	"strings"
	"testing"

	"forcemfa/policy"
	"forcemfa/policy/arn"
	"forcemfa/policy/lint"
)

// users limits a statement to IAM users.
const users = `,"ArnLike":{"aws:PrincipalArn":"arn:*:iam::*:user/*"}`

// gateAll is an Allow of everything that requires MFA.
const gateAll = `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`

func bucket(conditions string) string {
	return doc(`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"],"Condition":{` + noMFA + conditions + `}}`)
}

func rcp(action, conditions string) string {
	return doc(`{"Effect":"Deny","Principal":"*","Action":"` + action + `","Resource":"*","Condition":{` + conditions + users + `}}`)
}

// like is a Deny of everything but enrollment with conditions of its own.
func like(conditions string) string { return denies(allButEnrolling)(conditions) }

// The rule and the sentence name the cause: the condition that is at fault, or the
// element.
func TestFindingsNameTheCause(t *testing.T) {
	const own = `{"Effect":"Allow","Action":["iam:CreateVirtualMFADevice","iam:EnableMFADevice"],"Resource":"`
	for _, row := range []struct {
		kind       policy.Kind
		text, code string
		severity   lint.Severity
		says       string
	}{
		// Another condition than the one on MFA misses the console sessions.
		{policy.Identity, doc(guard("", `,"Null":{"aws:TokenIssueTime":"true"}`, noOthers, noKeys)), "G-1", lint.Critical, "misses every console session: Null aws:TokenIssueTime true"},
		{policy.Identity, like(`"Null":{"aws:TokenIssueTime":"true"}`), "G-1", lint.Critical, "misses every console session"},
		// A key that no request has, where a guard has its condition on MFA.
		{policy.Identity, like(`"Bool":{"aws:2FAPresent":"false"}`), "K-1", lint.Critical, "did you mean aws:MultiFactorAuthPresent?"},
		{policy.Identity, like(`"Bool":{"aws:StrongAuth":"false"}`), "K-1", lint.Critical, "did you mean aws:MultiFactorAuthPresent?"},
		{policy.Identity, like(`"Bool":{"aws.MultiFactorAuthPresent":"false"}`), "K-1", lint.Critical, "did you mean aws:MultiFactorAuthPresent?"},
		{policy.Identity, like(`"BoolIfExists":{"aws:MultifactorAuth":"false"}`), "K-1", lint.Critical, "did you mean aws:MultiFactorAuthPresent?"},
		{policy.Identity, like(`"BoolIfExists":{"sessionContext.attributes.mfaAuthenticated":"false"}`), "K-1", lint.Critical, "did you mean aws:MultiFactorAuthPresent?"},
		{policy.Identity, like(`"NumericGreaterThanIfExists":{"aws:MultifactorAuth":"3600"}`), "K-1", lint.Critical, "did you mean aws:MultiFactorAuthAge?"},
		{policy.Identity, like(`"NumericGreaterThanIfExists":{"aws:SessionAge":"3600"}`), "K-1", lint.Critical, "did you mean aws:MultiFactorAuthAge?"},
		{policy.Identity, like(`"BoolIfExists":{"aws:MFAAge":"false"}`), "K-1", lint.Critical, "did you mean aws:MultiFactorAuthPresent?"},
		// The next is about tags: its guard is another statement.
		{policy.Identity, doc(guard("", "", noOthers, noKeys), `{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:StrongAuth":"false"}}}`), "K-2", lint.Low, "no request has the condition key aws:StrongAuth"},
		// An age at which a session ends at once, whatever the exceptions.
		{policy.Identity, like(`"NumericGreaterThanIfExists":{"aws:MultiFactorAuthAge":"10"}`), "M-10", lint.High, "a session with MFA is over after 10 seconds"},
		// Numbers that AWS does not document.
		{policy.Identity, doc(guard("", `,"NumericGreaterThanIfExists":{"aws:MultiFactorAuthAge":"NaN"}`)), "M-10", lint.Medium, `"NaN" sets no limit`},
		{policy.Identity, doc(guard("", `,"NumericGreaterThanIfExists":{"aws:MultiFactorAuthAge":"1_000"}`)), "M-10", lint.Medium, `"1_000" sets no limit`},
		{policy.Identity, doc(guard("", `,"NumericGreaterThanIfExists":{"aws:MultiFactorAuthAge":"+3600"}`)), "M-10", lint.Medium, `"+3600" sets no limit`},
		{policy.Trust, doc(trust(alice, `"NumericGreaterThan":{"aws:MultiFactorAuthAge":"3600"}`)), "M-1", lint.Medium, "only when it is old"},
		// The resource types of each action, and a name without a slash.
		{policy.Identity, doc(own+`arn:aws:iam::*:group/x"}`, guard("", "")), "K-9", lint.High, ":mfa/${MfaTokenIdWithPath} or arn:${Partition}:iam::${Account}:user/${UserNameWithPath}"},
		{policy.Identity, doc(own+`arn:aws:iam::*:${aws:username}"}`, guard("", "")), "K-9", lint.High, "iam:CreateVirtualMFADevice, iam:EnableMFADevice never acts"},
		{policy.Identity, doc(own + `arn:aws:iam::aws:user/${aws:username}"}`), "K-4", lint.Medium, "arn:aws:iam::aws:user/${aws:username} is not filled in"},
		// Sessions of roles and deliveries of services.
		{policy.Trust, doc(trust(`{"AWS":"arn:aws:sts::123456789012:assumed-role/x/y"}`, mfa)), "D-15", lint.Low, "arn:aws:sts::123456789012:assumed-role/x/y has MFA only if"},
		{policy.Resource, bucket(`,"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}`), "R-2", lint.High, "refuses delivery.logs.amazonaws.com"},
		{policy.Resource, doc(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"kms:*","Resource":"*"}`,
			`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/bob"},"Action":"kms:Decrypt","Resource":"*","Condition":{`+mfa+`}}`), "R-1", lint.Medium, "user/bob is allowed kms:Decrypt without MFA"},
		// Control policies and boundaries.
		{policy.SCP, doc(gateAll), "A-1", lint.Info, "another policy that allows the same actions"},
		{policy.RCP, doc(`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{` + mfa + `}}`), "A-1", lint.Info, "another policy that allows the same actions"},
		{policy.Boundary, doc(gateAll), "L-1", lint.High, "iam:EnableMFADevice is allowed with MFA only"},
		{policy.RCP, rcp("iam:*", noMFA), "G-1", lint.High, "resource control policies do not apply to iam:"},
		{policy.RCP, rcp("sts:AssumeRole", noMFA), "G-3", lint.Medium, "for example ec2:TerminateInstances"},
		{policy.SCP, doc(guard("", `,"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::444455556666:*"}`)), "E-6", lint.Low, "aws:PrincipalArn exempts some principals"},
		{policy.SCP, doc(guard("", `,"StringNotEquals":{"aws:PrincipalAccount":"111122223333"}`)), "E-6", lint.Low, "aws:PrincipalAccount exempts some principals"},
	} {
		f := find(check(t, row.kind, row.text), row.code)
		if f == nil || f.Severity != row.severity || !strings.Contains(f.What, row.says) {
			t.Errorf("%s: %+v, want %s %s", row.text, f, row.code, row.says)
		}
	}
}

// What a document does in another way, or on purpose, is no finding.
func TestFindingsThatWouldBeUntrue(t *testing.T) {
	const byKey = `{"Sid":"NoKeys","Effect":"Deny","Action":["iam:CreateVirtualMFADevice","iam:EnableMFADevice"],"Resource":"*","Condition":{` + noMFA + `,"Null":{"aws:TokenIssueTime":"true"}}}`
	half := func(value string) string {
		return `{"Effect":"Deny",` + allButEnrolling + `,"Condition":{` + noMFA + `,"Null":{"aws:TokenIssueTime":"` + value + `"}}}`
	}
	for _, row := range []struct {
		kind policy.Kind
		text string
		code string
	}{
		{policy.Identity, doc(guard("", "", noOthers), byKey), "D-8"},
		{policy.Identity, doc(half("true"), half("false"), noOthers, noKeys), "G-1"},
		{policy.Identity, doc(half("true"), half("false"), noOthers, noKeys), "D-8"},
		{policy.SCP, doc(guard("", `,"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::444455556666:*"}`)), "G-1"},
		{policy.SCP, doc(guard("", `,"StringNotLike":{"aws:PrincipalArn":["arn:aws:iam::*:role/*","arn:aws:iam::111122223333:user/*"]}`)), "G-1"},
		{policy.SCP, doc(guard("", `,"StringNotEquals":{"aws:PrincipalAccount":["111122223333","444455556666"]}`)), "G-1"},
		{policy.Identity, doc(guard("", `,"StringNotLike":{"aws:username":"^svc-.*$"}`)), "K-4"},
		{policy.Resource, bucket(users), "R-2"},
		{policy.Resource, bucket(`,"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"},"Bool":{"aws:PrincipalIsAWSService":"false"}`), "R-2"},
		{policy.Boundary, doc(gateAll, allow("iam:*", `"*"`)), "L-1"},
		{policy.Boundary, doc(strings.Replace(gateAll, "Bool", "BoolIfExists", 1)), "L-1"},
		{policy.RCP, rcp("s3:*", noMFA), "G-1"},
		{policy.Resource, strings.Replace(bucket(users), "arn:aws:s3:::b/*", "execute-api:/*", 1), "G-1"},
		{policy.Trust, doc(trust(alice, `"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}`)), "M-1"},
	} {
		if f := find(check(t, row.kind, row.text), row.code); f != nil {
			t.Errorf("%s: %+v", row.text, f)
		}
	}
}

// A statement that reaches nobody beside a guard that reaches everybody opens nothing.
func TestADeadStatementBesideAGuardIsLow(t *testing.T) {
	dead := `{"Effect":"Deny",` + allButEnrolling + `,"Condition":{` + noMFA + `,"StringEquals":{"aws:PrincipalType":"IAMUser"}}}`
	for text, want := range map[string]lint.Severity{doc(dead, guard("", "", noOthers, noKeys)): lint.Low, doc(dead): lint.Critical} {
		if f := find(check(t, policy.Identity, text), "G-1"); f == nil || f.Severity != want {
			t.Errorf("%s: %+v, want %s", text, f, want)
		}
	}
}

// Names that IAM refuses, and what people write where a name belongs.
func TestNamesThatMatchNothing(t *testing.T) {
	for name, says := range map[string]string{
		"{user}": `no name in IAM contains "{"`, "{0}": `contains "{"`, "user name": `contains " "`, "${aws:username}}": `contains "}"`, "team/«user»": `contains "«"`, "…": `contains "…"`,
		"{% user %}": "is not filled in", "%(user)s": "is not filled in", "%v": "is not filled in", "ENTER_USER": "is not filled in", "insert-name": "is not filled in", "username-here": "is not filled in",
		"$ {aws:username}": "did you mean arn:aws:iam::123456789012:user/${aws:username}?",
	} {
		f := find(check(t, policy.Identity, doc(allow("iam:EnableMFADevice", `"arn:aws:iam::123456789012:user/`+name+`"`))), "K-4")
		if f == nil || !strings.Contains(f.What, says) {
			t.Errorf("%s: %+v, want %s", name, f, says)
		}
	}
	for _, name := range []string{"a+b=c,d.e@f_g-h", "*", "te{am}/bob", "Adhere", "inserted", "enterprise"} {
		if f := find(check(t, policy.Identity, doc(allow("iam:EnableMFADevice", `"arn:aws:iam::123456789012:user/`+name+`"`))), "K-4"); f != nil {
			t.Errorf("%s: %s", name, f.What)
		}
	}
}

// A fix for the last of three statements with one Sid helps all of them.
func TestASidThatStandsThreeTimesIsCorrected(t *testing.T) {
	st := func(action string) string {
		return `{"Sid":"A","Effect":"Allow","Action":"` + action + `","Resource":"*"}`
	}
	c, err := lint.Correct(policy.Identity, doc(st("s3:ListAllMyBuckets"), st("ec2:DescribeInstances"), st("iam:ListUsers")))
	if err != nil || strings.Count(c.Text, `"Sid"`) != 1 || len(c.Left) != 0 {
		t.Errorf("%+v, %v", c, err)
	}
}

// A correction never opens more to users with a path than enrollment.
func TestAnExemptionOfAllActionsIsNotExtended(t *testing.T) {
	const own = `"NotResource":["arn:aws:iam::*:user/${aws:username}","arn:aws:iam::*:mfa/*"],"Condition":{` + noMFA + `}}`
	for action, fixed := range map[string]bool{`"*"`: false, `"iam:*"`: false, `["iam:EnableMFADevice","iam:ResyncMFADevice"]`: true} {
		f := find(check(t, policy.Identity, doc(`{"Effect":"Deny","Action":`+action+`,`+own)), "D-2")
		if f == nil || (f.Fix != nil) != fixed {
			t.Errorf("%s: %+v", action, f)
		}
	}
}

// AWS refuses a trust policy with a Resource, so it is none of a resource.
func TestATrustPolicyWithAResourceIsNotRead(t *testing.T) {
	text := doc(strings.Replace(trust(alice, mfa), `"Action"`, `"Resource":"*","Action"`, 1))
	if _, err := lint.Check(0, text); err == nil || !strings.Contains(err.Error(), "a trust policy has no Resource") {
		t.Errorf("%v", err)
	}
}

// Two globs overlap where a text of theirs matches both.
func TestGlobsOverlapWhereATextMatchesBoth(t *testing.T) {
	var globs, texts []string
	for _, a := range []string{"", "a", "b", "*", "?"} {
		for _, b := range []string{"", "a", "*", "?"} {
			for _, c := range []string{"", "b", "*"} {
				globs = append(globs, a+b+c)
			}
		}
	}
	for n := range 4 {
		for i := range 1 << n {
			text := ""
			for bit := range n {
				text += string("ab"[i>>bit&1])
			}
			texts = append(texts, text)
		}
	}
	for _, a := range globs {
		for _, b := range globs {
			want := false
			ga, gb := arn.Compile(a), arn.Compile(b)
			for _, text := range texts {
				want = want || ga.Match(text) && gb.Match(text)
			}
			if got := lint.Overlap(a, b); got != want {
				t.Errorf("%q and %q: %v, want %v", a, b, got, want)
			}
		}
	}
}

// The correction of a pattern with the user's name keeps the other resources.
func TestCorrectingThePatternOfAUserKeepsOtherResources(t *testing.T) {
	text := doc(allow("iam:*", `"arn:aws:iam::123456789012:user/${aws:username}*","arn:aws:iam::123456789012:mfa/*"`))
	text = strings.Replace(strings.Replace(text, `"Resource":"`, `"Resource":["`, 1), `mfa/*"`, `mfa/*"]`, 1)
	f := find(check(t, policy.Identity, text), "U-1")
	if f == nil || f.Fix == nil || !strings.Contains(string(f.Fix.Changes[0].Text), ":mfa/*") || !strings.Contains(string(f.Fix.Changes[0].Text), ":user/*/${aws:username}") {
		t.Errorf("%+v", f)
	}
}
