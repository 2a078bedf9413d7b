package lint_test

import (
	"slices"
	"strings"
	"testing"

	"forcemfa/internal/testdepth"
	"forcemfa/policy"
	"forcemfa/policy/lint"
	"forcemfa/policy/prove"
)

// aboutGaps are the rules that say that requests without MFA pass.
var aboutGaps = []string{"G-1", "G-2", "G-3", "D-8", "D-9", "M-1", "M-2", "M-3", "M-4", "M-5", "M-6", "M-7", "M-8", "M-9", "E-5", "E-7", "E-10",
	"K-1", "K-4", "K-5", "K-7", "K-8", "K-10", "T-1", "T-2", "R-1"}

// A shape is a document with a place for conditions.
type shape struct {
	name string
	kind policy.Kind
	text func(conditions string) string
}

const requiresMFA = `"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}`

// denies is a statement that denies, with the statements that a sound guard has.
func denies(what string) func(string) string {
	return func(conditions string) string {
		return doc(`{"Sid":"Guard","Effect":"Deny",`+what+`,"Condition":{`+conditions+`}}`, noOthers, noKeys)
	}
}

const (
	allButEnrolling = `"NotAction":[` + enrollList + `],"Resource":"*"`
	everything      = `"Action":"*","NotResource":["arn:aws:iam::123456789012:mfa/*","arn:aws:iam::123456789012:user/${aws:username}","arn:aws:iam::123456789012:user/*/${aws:username}"]`
)

var guardShapes = []shape{
	{"identity", policy.Identity, denies(allButEnrolling)},
	{"scp", policy.SCP, denies(allButEnrolling)},
	{"boundary", policy.Boundary, denies(allButEnrolling)},
	{"resources", policy.Identity, denies(everything)},
}

// With these conditions beside the one on MFA, a guard reaches no user, or not the
// access keys, or not the console sessions, or only requests that the sender chooses.
// Source: IAM User Guide, "AWS global condition context keys" and "IAM JSON policy
// elements: Condition operators".
var conditionsThatMiss = []string{
	// The type of the principal is User.
	`"StringEquals":{"aws:PrincipalType":"IAMUser"}`, `"StringEquals":{"aws:PrincipalType":"user"}`, `"StringEquals":{"aws:PrincipalType":["AssumedRole","FederatedUser"]}`,
	`"StringLike":{"aws:PrincipalType":"IAM*"}`, `"StringEqualsIgnoreCase":{"aws:PrincipalType":"iam-user"}`, `"StringNotEquals":{"aws:PrincipalType":"User"}`,
	`"StringNotLike":{"aws:PrincipalType":"U*"}`, `"StringNotEqualsIgnoreCase":{"aws:PrincipalType":"user"}`, `"Null":{"aws:PrincipalType":"true"}`,
	`"ForAnyValue:StringEquals":{"aws:PrincipalType":"Account"}`, `"StringEqualsIfExists":{"aws:PrincipalType":"AssumedRole"}`,
	// The ARN of a user.
	`"StringEquals":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}`, `"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:users/*"}`,
	`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}`, `"ArnEquals":{"aws:PrincipalArn":"arn:aws:sts::*:assumed-role/*"}`, `"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:root"}`,
	`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:group/*"}`, `"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}`, `"StringNotLike":{"aws:PrincipalArn":"*user*"}`,
	`"StringLike":{"aws:PrincipalArn":"user/*"}`, `"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:User/*"}`, `"ArnLike":{"aws:PrincipalArn":"arn:aws:iam:us-east-1:*:user/*"}`,
	`"ArnNotEquals":{"aws:PrincipalArn":"arn:*:iam::*:user/*"}`, `"StringEqualsIgnoreCase":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}`, `"Null":{"aws:PrincipalArn":"true"}`,
	`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::<account>:user/*"}`, `"ArnLikeIfExists":{"aws:PrincipalArn":"arn:aws:iam::*:federated-user/*"}`,
	`"ArnLike":{"aws:PrincipalArn":"arn:aws:s3:::user/*"}`,
	// The name and the ID of a user.
	`"StringEquals":{"aws:username":"*"}`, `"StringLike":{"aws:username":""}`, `"Null":{"aws:username":"true"}`, `"StringNotLike":{"aws:username":"*"}`, `"StringNotLike":{"aws:username":"?*"}`,
	`"StringEquals":{"aws:username":"user/*"}`, `"StringLike":{"aws:username":"arn:aws:iam::*:user/*"}`, `"StringNotEqualsIfExists":{"aws:username":"${aws:username}"}`,
	`"StringLike":{"aws:userid":"AROA*"}`, `"StringEquals":{"aws:userid":"AIDA*"}`, `"StringNotLike":{"aws:userid":"AIDA*"}`, `"StringLike":{"aws:userid":"*:*"}`, `"Null":{"aws:userid":"true"}`,
	// Access keys have no time of issue, sessions do.
	`"Null":{"aws:TokenIssueTime":"false"}`, `"Null":{"aws:TokenIssueTime":"true"}`, `"DateGreaterThan":{"aws:TokenIssueTime":"2020-01-01T00:00:00Z"}`,
	`"DateLessThan":{"aws:TokenIssueTime":"2090-01-01T00:00:00Z"}`, `"DateLessThanIfExists":{"aws:TokenIssueTime":"2020-01-01T00:00:00Z"}`,
	// The way of the request.
	`"Bool":{"aws:PrincipalIsAWSService":"true"}`, `"Bool":{"aws:ViaAWSService":"true"}`, `"ForAnyValue:StringEquals":{"aws:CalledVia":"athena.amazonaws.com"}`,
	`"Null":{"aws:CalledVia":"false"}`, `"StringLike":{"aws:PrincipalIsAWSService":"t*"}`, `"StringEquals":{"aws:CalledViaFirst":"cloudformation.amazonaws.com"}`, `"StringEqualsIfExists":{"aws:PrincipalIsAWSService":"true"}`,
	`"Bool":{"aws:SecureTransport":"false"}`, `"Null":{"aws:SourceArn":"false"}`, `"StringEquals":{"aws:SourceAccount":"123456789012"}`, `"Null":{"aws:FederatedProvider":"false"}`,
	`"Null":{"aws:SourceIdentity":"false"}`, `"StringLike":{"aws:PrincipalServiceName":"*.amazonaws.com"}`, `"Null":{"aws:Ec2InstanceSourceVpc":"false"}`, `"Null":{"ec2:SourceInstanceARN":"false"}`,
	// The account and the organization.
	`"StringEquals":{"aws:PrincipalAccount":"${account_id}"}`, `"StringEquals":{"aws:PrincipalAccount":"$ACCOUNT"}`, `"StringNotLike":{"aws:PrincipalAccount":"*"}`,
	`"StringEquals":{"aws:PrincipalAccount":"*"}`, `"StringEquals":{"aws:PrincipalOrgID":"*"}`, `"StringEquals":{"aws:PrincipalOrgID":"${var.org}"}`,
	`"StringNotLike":{"aws:PrincipalOrgID":"o-*"}`, `"StringLike":{"aws:PrincipalOrgID":"ou-*"}`, `"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"ou-*"}`,
	// What the sender chooses.
	`"StringEquals":{"aws:RequestedRegion":"us-east-1"}`, `"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}`, `"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}`, `"StringLike":{"aws:UserAgent":"*Mozilla*"}`,
	`"StringNotLike":{"aws:UserAgent":"*terraform*"}`, `"Null":{"aws:SourceVpc":"false"}`, `"StringNotEquals":{"aws:SourceVpce":"vpce-0123"}`, `"DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}`,
	`"DateGreaterThan":{"aws:CurrentTime":"2090-01-01T00:00:00Z"}`, `"NumericLessThan":{"aws:EpochTime":"1000"}`, `"StringLike":{"aws:Referer":"https://example.com/*"}`,
	`"StringEquals":{"aws:RequestTag/team":"a"}`, `"ForAnyValue:StringEquals":{"aws:TagKeys":"team"}`, `"StringEquals":{"aws:ResourceTag/mfa":"required"}`, `"Null":{"aws:RequestTag/breakglass":"false"}`,
	`"StringEquals":{"aws:ResourceAccount":"123456789012"}`, `"StringEquals":{"aws:ResourceOrgID":"o-aaaaaaaaaa"}`, `"StringLike":{"s3:prefix":"home/*"}`, `"StringNotEquals":{"aws:RequestTag/breakglass":"true"}`,
	`"Null":{"aws:PrincipalArn":"false","aws:TokenIssueTime":"false"}`,
	`"StringEquals":{"aws:username":"alice"},"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/bob"}`, `"StringEquals":{"aws:username":"alice","aws:PrincipalType":"AssumedRole"}`,
}

// Conditions on MFA alone with which a Deny misses access keys, console sessions, or
// both.
var denyConditionsThatMiss = []string{
	`"Bool":{"aws:MultiFactorAuthPresent":"false"}`, `"Bool":{"aws:MultiFactorAuthPresent":false}`, `"Null":{"aws:MultiFactorAuthPresent":"true"}`, `"Null":{"aws:MultiFactorAuthPresent":"false"}`,
	`"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}`, `"Bool":{"aws:MultiFactorAuthPresent":"true"}`, `"StringEquals":{"aws:MultiFactorAuthPresent":"false"}`,
	`"StringEqualsIfExists":{"aws:MultiFactorAuthPresent":"False"}`, `"StringLike":{"aws:MultiFactorAuthPresent":"f*"}`, `"StringNotEquals":{"aws:MultiFactorAuthPresent":"false"}`,
	`"StringNotEquals":{"aws:MultiFactorAuthPresent":["true","false"]}`, `"ForAnyValue:Bool":{"aws:MultiFactorAuthPresent":"false"}`, `"ForAllValues:Bool":{"aws:MultiFactorAuthPresent":"true"}`,
	`"BoolIfExists":{"aws:MultiFactorAuthPresent":"no"}`, `"BoolIfExists":{"aws:MultiFactorAuthPresent":[]}`, `"NumericEquals":{"aws:MultiFactorAuthPresent":"0"}`,
	`"NumericGreaterThan":{"aws:MultiFactorAuthAge":"3600"}`, `"NumericGreaterThanEquals":{"aws:MultiFactorAuthAge":"900"}`, `"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}`,
	`"Null":{"aws:MultiFactorAuthAge":"false"}`, `"NumericLessThanIfExists":{"aws:MultiFactorAuthAge":"3600"}`, `"NumericGreaterThan":{"aws:MultiFactorAuthAge":"1h"}`,
	`"Bool":{"aws:MultiFactorAuthPresent":"false"},"Null":{"aws:MultiFactorAuthAge":"true"}`, `"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"},"Null":{"aws:MultiFactorAuthPresent":"true"}`,
	`"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"},"Bool":{"aws:MultiFactorAuthPresent":"false"}`, `"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"},"Null":{"aws:MultiFactorAuthAge":"false"}`,
	`"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"},"NumericGreaterThan":{"aws:MultiFactorAuthAge":"3600"}`, `"BoolIfExists":{"aws:MultiFactorAuthPresent":["true","false"]}`,
	`"BoolIfExists":{"aws:MultifactorAuthentication":"false"}`, `"Bool":{"aws:MFAPresent":"false"}`, `"BoolIfExists":{"MultiFactorAuthPresent":"false"}`, `"BoolIfExists":{"aws:MultiFactorAuthPresents":"true"}`,
}

// Conditions with which an Allow that appears to require MFA matches without it.
var allowConditionsThatMatch = []string{
	`"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}`, `"Null":{"aws:MultiFactorAuthPresent":"false"}`, `"ForAllValues:Bool":{"aws:MultiFactorAuthPresent":"true"}`,
	`"StringNotEquals":{"aws:MultiFactorAuthPresent":"false"}`, `"StringEqualsIfExists":{"aws:MultiFactorAuthPresent":"true"}`, `"Bool":{"aws:MultiFactorAuthPresent":["true","false"]}`,
	`"NumericLessThanIfExists":{"aws:MultiFactorAuthAge":"3600"}`, `"Bool":{"aws:MultiFactorAuthPresent":"false"}`, `"Null":{"aws:MultiFactorAuthPresent":"true"}`, `"Null":{"aws:MultiFactorAuthAge":"true"}`,
	`"StringNotLike":{"aws:MultiFactorAuthPresent":"f*"}`, `"NumericNotEquals":{"aws:MultiFactorAuthAge":"0"}`, `"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}`,
	`"StringNotEqualsIgnoreCase":{"aws:MultiFactorAuthPresent":"FALSE"}`, `"Bool":{"aws:MultiFactorAuthPresent":"TRUE "}`,
}

var allowShapes = []shape{
	{"identity", policy.Identity, func(c string) string { return doc(gate(c)) }},
	{"trust", policy.Trust, func(c string) string { return doc(trust(external, c)) }},
	{"trust of a user", policy.Trust, func(c string) string { return doc(trust(alice, c)) }},
	{"bucket", policy.Resource, func(c string) string {
		return doc(`{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":{` + c + `}}`)
	}},
}

var resourceDenies = []shape{
	{"bucket", policy.Resource, func(c string) string {
		return doc(`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"],"Condition":{` + c + `}}`)
	}},
	{"trust", policy.Trust, func(c string) string {
		return doc(`{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}`, `{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Condition":{`+c+`}}`)
	}},
	{"rcp", policy.RCP, func(c string) string {
		return doc(`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{` + c + `}}`)
	}},
}

// ofTheResource reports whether a condition limits what a policy of a resource is about.
func ofTheResource(condition string) bool {
	return strings.Contains(condition, "aws:Resource") || strings.Contains(condition, "s3:prefix")
}

type gapCase struct {
	name string
	kind policy.Kind
	text string
}

// gapCases are documents that appear to require MFA and leave requests without it open.
func gapCases() (out []gapCase) {
	add := func(shapes []shape, conditions []string, before string) {
		for _, s := range shapes {
			for _, c := range conditions {
				out = append(out, gapCase{s.name + " " + c, s.kind, s.text(before + c)})
			}
		}
	}
	add(guardShapes, conditionsThatMiss, requiresMFA+",")
	add(guardShapes, denyConditionsThatMiss, "")
	add(allowShapes, allowConditionsThatMatch, "")
	add(resourceDenies, denyConditionsThatMiss, "")
	add(resourceDenies, slices.DeleteFunc(slices.Clone(conditionsThatMiss), ofTheResource), requiresMFA+",")
	return out
}

func TestGapsAreNeverNothingFound(t *testing.T) {
	for _, c := range gapCases() {
		report, err := lint.Inspect(c.kind, c.text)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if !slices.ContainsFunc(report.Findings, func(f lint.Finding) bool { return slices.Contains(aboutGaps, f.Code) && serious(&f, lint.Medium) }) {
			t.Errorf("%s: %s", c.name, strings.Join(foundCodes(report), ", "))
		}
	}
}

// serious reports whether a finding has a severity or a worse one.
func serious(f *lint.Finding, least lint.Severity) bool {
	order := []lint.Severity{lint.Critical, lint.High, lint.Medium, lint.Low, lint.Info}
	return slices.Index(order, f.Severity) <= slices.Index(order, least)
}

// Conditions beside the one on MFA with which a guard still reaches users, all of them
// or those that it names.
var conditionsThatReach = []string{
	`"StringEquals":{"aws:PrincipalType":"User"}`, `"StringLike":{"aws:PrincipalType":"U*"}`, `"StringEqualsIgnoreCase":{"aws:PrincipalType":"user"}`, `"StringNotEquals":{"aws:PrincipalType":"AssumedRole"}`,
	`"ArnLike":{"aws:PrincipalArn":"arn:*:iam::*:user/*"}`, `"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}`, `"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}`,
	`"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}`, `"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/svc/*"}`, `"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::123456789012:user/break-glass"}`,
	`"StringLike":{"aws:PrincipalArn":"*:user/*"}`, `"ArnLike":{"aws:PrincipalArn":["arn:aws:iam::*:user/*","arn:aws:iam::*:role/*"]}`, `"ArnLikeIfExists":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}`,
	`"StringLike":{"aws:username":"*"}`, `"Null":{"aws:username":"false"}`, `"StringNotLike":{"aws:username":"svc-*"}`, `"StringNotEquals":{"aws:username":["break-glass","emergency"]}`,
	`"StringNotEqualsIgnoreCase":{"aws:username":"BREAK-GLASS"}`, `"StringLike":{"aws:userid":"AIDA*"}`, `"StringNotLike":{"aws:userid":"AROA*"}`, `"StringNotLike":{"aws:userid":"*:*"}`,
	`"Null":{"aws:PrincipalArn":"false"}`, `"Bool":{"aws:PrincipalIsAWSService":"false"}`, `"Bool":{"aws:ViaAWSService":"false"}`, `"Null":{"aws:CalledVia":"true"}`,
	`"StringEquals":{"aws:PrincipalAccount":"123456789012"}`, `"StringEquals":{"aws:PrincipalOrgID":"o-aaaaaaaaaa"}`, `"StringLike":{"aws:PrincipalOrgID":"o-*"}`, `"Null":{"aws:PrincipalOrgID":"false"}`, `"ForAllValues:StringNotLike":{"aws:PrincipalOrgPaths":"o-aaaaaaaaaa/r-ab12/ou-ab12-11111111/*"}`, `"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-aaaaaaaaaa/r-ab12/*"}`,
	`"StringNotEquals":{"aws:PrincipalTag/mfa":"exempt"}`, `"StringNotEqualsIfExists":{"aws:PrincipalTag/kind":"service"}`, `"Null":{"aws:PrincipalTag/mfa-exempt":"true"}`,
	`"Null":{"aws:FederatedProvider":"true"}`, `"Null":{"aws:SourceArn":"true"}`, `"StringNotEquals":{"aws:SourceAccount":"123456789012"}`, `"StringNotLike":{"aws:PrincipalServiceName":"*.amazonaws.com"}`,
}

// Conditions on MFA alone that hold for access keys and console sessions without it.
var denyConditionsThatHold = []string{
	`"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}`, `"BoolIfExists":{"aws:MultiFactorAuthPresent":false}`, `"BoolIfExists":{"aws:MultiFactorAuthPresent":"False"}`,
	`"BoolIfExists":{"AWS:multifactorauthpresent":["false"]}`, `"Null":{"aws:MultiFactorAuthAge":"true"}`, `"Null":{"aws:MultiFactorAuthAge":true}`,
	`"NumericGreaterThanIfExists":{"aws:MultiFactorAuthAge":"43200"}`, `"NumericGreaterThanEqualsIfExists":{"aws:MultiFactorAuthAge":"3600"}`, `"StringNotEquals":{"aws:MultiFactorAuthPresent":"true"}`,
	`"StringNotEqualsIfExists":{"aws:MultiFactorAuthPresent":"true"}`, `"StringEqualsIfExists":{"aws:MultiFactorAuthPresent":"false"}`, `"StringNotLike":{"aws:MultiFactorAuthPresent":"true"}`,
	`"StringNotEqualsIgnoreCase":{"aws:MultiFactorAuthPresent":"TRUE"}`, `"StringEqualsIgnoreCaseIfExists":{"aws:MultiFactorAuthPresent":"False"}`,
	`"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"},"Null":{"aws:MultiFactorAuthAge":"true"}`,
	`"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"},"Bool":{"aws:SecureTransport":["true","false"]}`,
}

// Conditions with which an Allow matches with MFA alone.
var allowConditionsThatHold = []string{
	`"Bool":{"aws:MultiFactorAuthPresent":"true"}`, `"Bool":{"aws:MultiFactorAuthPresent":true}`, `"StringEquals":{"aws:MultiFactorAuthPresent":"true"}`, `"Null":{"aws:MultiFactorAuthAge":"false"}`,
	`"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}`, `"NumericLessThanEquals":{"aws:MultiFactorAuthAge":3600}`, `"Bool":{"aws:MultiFactorAuthPresent":"true"},"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}`,
	`"StringEqualsIgnoreCase":{"aws:MultiFactorAuthPresent":"True"}`, `"StringLike":{"aws:MultiFactorAuthPresent":"true"}`, `"ForAnyValue:Bool":{"aws:MultiFactorAuthPresent":"true"}`,
}

// soundCases are documents that do require MFA.
func soundCases() (out []gapCase) {
	add := func(s shape, conditions []string, before, after string) {
		for _, c := range conditions {
			out = append(out, gapCase{s.name + " " + c, s.kind, s.text(before + c + after)})
		}
	}
	const users = `,"ArnLike":{"aws:PrincipalArn":"arn:*:iam::*:user/*"}`
	scp := func(c string) string {
		return strings.Replace(guardShapes[1].text(c), noOthers, strings.Replace(noOthers, noMFA, noMFA+users, 1), 1)
	}
	for _, s := range []shape{guardShapes[0], {"scp", policy.SCP, scp}} {
		add(s, denyConditionsThatHold, "", users)
	}
	add(guardShapes[0], conditionsThatReach, requiresMFA+",", "")
	for _, s := range allowShapes {
		add(s, allowConditionsThatHold, "", "")
	}
	for _, s := range resourceDenies {
		add(s, denyConditionsThatHold, "", users)
	}
	return out
}

func TestSoundDocumentsAreNotAccused(t *testing.T) {
	for _, c := range soundCases() {
		report, err := lint.Inspect(c.kind, c.text)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		for _, f := range report.Findings {
			if serious(&f, lint.High) {
				t.Errorf("%s: %s %s: %s", c.name, f.Code, f.Severity, f.What)
			}
		}
	}
}

// brought returns a finding of a corrected document that the original has not, or has with less severity; info is a choice.
func brought(before, after []lint.Finding) *lint.Finding {
	for i, f := range after {
		same := func(list []lint.Finding) (n int) {
			for _, g := range list {
				if g.Code == f.Code && serious(&g, f.Severity) {
					n++
				}
			}
			return n
		}
		if serious(&f, lint.Low) && same(after) > same(before) {
			return &after[i]
		}
	}
	return nil
}

// A corrected document has no finding that it did not have before, apart from info.
func TestCorrectionsOfGapsBringNoFindings(t *testing.T) {
	fixes, tried := 0, 0
	for i, c := range gapCases() {
		if i%testdepth.Each(12) != 0 {
			continue
		}
		tried++
		before, err := lint.Check(c.kind, c.text)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		for _, f := range before.Findings {
			if f.Fix == nil {
				continue
			}
			fixes++
			corrected, err := f.Fix.Apply(c.kind, c.text)
			if err != nil {
				t.Errorf("%s: %s: %v", c.name, f.Code, err)
				continue
			}
			after, err := lint.Inspect(c.kind, corrected)
			if err != nil {
				t.Errorf("%s: %s: %v", c.name, f.Code, err)
				continue
			}
			if g := brought(before.Findings, after.Findings); g != nil {
				t.Errorf("%s: the fix of %s brings %s %s: %s", c.name, f.Code, g.Code, g.Severity, g.What)
			}
		}
	}
	t.Logf("%d fixes of %d documents", fixes, tried)
	if fixes < tried/2 {
		t.Errorf("only %d fixes for %d documents", fixes, tried)
	}
}

// What lint does not find in a corrected document, the prover does not find either.
func TestCorrectedGapsAreProved(t *testing.T) {
	proved, left, step := 0, 0, testdepth.Each(18)
	for i, c := range gapCases() {
		if i%step != 0 {
			continue
		}
		if c.kind != policy.Identity && c.kind != policy.SCP || strings.HasPrefix(c.name, "identity ") && !strings.Contains(c.text, `"Deny"`) {
			continue
		}
		fixed, err := lint.Correct(c.kind, c.text)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		before, err := lint.Check(c.kind, c.text)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if g := brought(before.Findings, fixed.Left); g != nil {
			t.Errorf("%s: the corrected document has %s %s: %s\n%s", c.name, g.Code, g.Severity, g.What, fixed.Text)
		}
		if code := more(before.Findings, fixed.Left); code != "" {
			t.Errorf("%s: the corrected document has more of %s\n%s", c.name, code, fixed.Text)
		}
		if slices.ContainsFunc(fixed.Left, func(f lint.Finding) bool { return serious(&f, lint.Medium) }) {
			left++
			continue
		}
		proved++
		if a := prove.User(administrator(c.kind, fixed.Text)); a.Outcome != prove.Enforced {
			t.Errorf("%s: %v %s\n%s", c.name, a.Counterexample, a.Why, fixed.Text)
		}
	}
	t.Logf("%d corrected documents are proved, %d have findings left", proved, left)
	if proved < 200/step { // 238 of all
		t.Errorf("only %d corrected documents without a finding", proved)
	}
}

// administrator is a user with all permissions and a document.
func administrator(kind policy.Kind, text string) prove.Subject {
	const account, name = "123456789012", "arn:aws:iam::123456789012:user/alice"
	s := prove.Subject{
		Principal: policy.Principal{Kind: policy.IAMUser, Account: account, ARN: name}, Context: new(policy.Context), ForwardedCallsPass: true,
		Set:        &policy.Set{Identity: []policy.Source{policy.ParseSource("admin", policy.Identity, doc(allow("*", `"*"`)))}},
		Enrollment: strings.Split(strings.ReplaceAll(enrollList, `"`, ""), ","),
	}
	if kind == policy.SCP {
		s.Set.SCPs = [][]policy.Source{{policy.ParseSource("all", policy.SCP, doc(allow("*", `"*"`))), policy.ParseSource("guard", policy.SCP, text)}}
	} else {
		s.Set.Identity = append(s.Set.Identity, policy.ParseSource("guard", policy.Identity, text))
	}
	for key, value := range map[string]string{"aws:username": "alice", "aws:PrincipalArn": name, "aws:PrincipalAccount": account, "aws:PrincipalType": "User",
		"aws:userid": "AIDAALICE", "aws:PrincipalOrgID": "o-aaaaaaaaaa", "aws:PrincipalIsAWSService": "false"} {
		s.Context.Set(key, value)
	}
	return s
}
