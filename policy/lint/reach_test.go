package lint_test

import (
	"strings"
	"testing"

	"forcemfa/policy"
	"forcemfa/policy/lint"
)

// A guard with one more condition that no user meets, or that no access key meets.
// Source: IAM User Guide, "AWS global condition context keys" (aws:PrincipalType, aws:PrincipalArn, aws:username,
// aws:TokenIssueTime) and "String condition operators".
func TestGuardsThatMissUsersAreCritical(t *testing.T) {
	for _, row := range []struct{ condition, says string }{
		{`"StringEquals":{"aws:PrincipalType":"IAMUser"}`, "the type of an IAM user is User"},
		{`"StringEquals":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}`, "ArnLike has wildcards"},
		{`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:users/*"}`, "user/, not users/"},
		{`"StringEquals":{"aws:username":"*"}`, "StringLike has wildcards"},
		{`"StringEquals":{"aws:PrincipalAccount":"${account_id}"}`, "fill in ${account_id}"},
		{`"StringEquals":{"aws:PrincipalAccount":"$ACCOUNT"}`, "fill in $ACCOUNT"},
		{`"Null":{"aws:TokenIssueTime":"false"}`, "access keys have no aws:TokenIssueTime"},
		{`"DateGreaterThan":{"aws:TokenIssueTime":"2020-01-01T00:00:00Z"}`, "access key"},
		{`"Null":{"aws:username":"true"}`, "no IAM user"},
		{`"Bool":{"aws:PrincipalIsAWSService":"true"}`, "no IAM user"},
		{`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}`, "no IAM user"},
		{`"StringLike":{"aws:userid":"AROA*"}`, "no IAM user"},
		{`"Bool":{"aws:ViaAWSService":"true"}`, ""},
	} {
		for _, kind := range []policy.Kind{policy.Identity, policy.Boundary, policy.SCP} {
			text := doc(guard("", ","+row.condition, noOthers, noKeys))
			report, err := lint.Check(kind, text)
			if err != nil {
				t.Fatalf("%s: %v", row.condition, err)
			}
			found := find(report, "G-1")
			switch {
			case found == nil || found.Severity != lint.Critical:
				t.Errorf("kind %v, %s: no critical G-1: %v", kind, row.condition, foundCodes(report))
			case !strings.Contains(found.What, row.says):
				t.Errorf("kind %v, %s: %q does not say %q", kind, row.condition, found.What, row.says)
			case found.Example == nil:
				t.Errorf("kind %v, %s: no example request", kind, row.condition)
			}
		}
	}
}

// A guard for users by name misses all others, also where the name is the one that lint
// makes up. A guard that excepts users by name is as safe as the right to take the name.
func TestGuardsByNameSayWhomTheyMiss(t *testing.T) {
	for _, row := range []struct {
		condition, code string // without a code, nobody is missed
		severity        lint.Severity
	}{
		{`"StringEquals":{"aws:username":"bob"}`, "G-1", lint.Critical},
		{`"StringEquals":{"aws:username":"alice"}`, "G-1", lint.Critical},
		{`"StringLike":{"aws:username":"a*"}`, "G-1", lint.Critical},
		{`"StringEqualsIfExists":{"aws:username":["alice","carol"]}`, "G-1", lint.Critical},
		{`"ForAnyValue:StringLike":{"aws:username":"deploy-*"}`, "G-1", lint.Critical},
		{`"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::123456789012:user/bob"}`, "G-1", lint.Critical},
		{`"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/admin-*"}`, "G-1", lint.Critical},
		{`"StringEquals":{"aws:username":["alice","bob"]}`, "G-1", lint.Critical},
		{`"StringLike":{"aws:username":["a*","b*","*e*"]}`, "G-1", lint.Critical},
		{`"StringLike":{"aws:username":"???*"}`, "G-1", lint.Critical},
		{`"ArnLike":{"aws:PrincipalArn":["arn:aws:iam::*:user/alice","arn:aws:iam::*:user/bob","arn:aws:iam::*:user/team/*"]}`, "G-1", lint.Critical},
		{`"StringNotEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}`, "G-1", lint.Critical},
		{`"ForAllValues:StringNotLike":{"aws:PrincipalOrgPaths":"o-a1b2c3d4e5/*"}`, "G-1", lint.Critical},
		{`"StringEquals":{"aws:PrincipalOrgID":"o-abc"}`, "G-1", lint.Critical},
		{`"ForAnyValue:StringEquals":{"aws:PrincipalOrgPaths":"o-a1b2c3d4e5"}`, "G-1", lint.Critical},
		{`"StringEquals":{"aws:userid":"AIDAJQABLZS4A3QDU576Q"}`, "G-1", lint.Critical},
		{`"StringLike":{"aws:userid":"AIDAEXAMPLE*"}`, "G-1", lint.Critical},
		{`"StringNotLike":{"aws:username":"svc-*"}`, "E-6", lint.Low},
		{`"StringNotEquals":{"aws:username":["svc-a","svc-b"]}`, "E-6", lint.Low},
		{`"StringNotEqualsIgnoreCase":{"aws:username":"Break-Glass"}`, "E-6", lint.Low},
		{`"StringNotLike":{"aws:PrincipalArn":"*/svc-*"}`, "E-6", lint.Low},
		{`"StringNotLike":{"aws:userid":"AIDAXYZ*"}`, "E-6", lint.Low},
		{`"StringNotEquals":{"aws:PrincipalAccount":"210987654321"}`, "E-6", lint.Low},
		{`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::123456789012:user/team/*"}`, "E-6", lint.High},
		{`"ForAllValues:StringNotLike":{"aws:PrincipalOrgPaths":"o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/*"}`, "E-6", lint.Low},
		{`"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"*/ou-ab12-11111111/*"}`, "", ""},
		{`"StringLike":{"aws:PrincipalOrgID":"o-a*"}`, "", ""},
		{`"StringLike":{"aws:userid":"AIDA*"}`, "", ""},
		{`"StringNotLike":{"aws:userid":"AROA*:*"}`, "", ""},
		{`"StringEquals":{"aws:PrincipalAccount":"123456789012"}`, "", ""},
		{`"StringEquals":{"aws:PrincipalAccount":["210987654321","123456789012"]}`, "", ""},
		{`"StringEquals":{"aws:PrincipalAccount":"210987654321"},"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}`, "", ""},
	} {
		text := doc(guard("", ","+row.condition, noKeys))
		report, err := lint.Check(policy.Identity, text)
		if err != nil {
			t.Fatalf("%s: %v", row.condition, err)
		}
		for _, code := range []string{"G-1", "E-6"} {
			found := find(report, code)
			switch {
			case code != row.code && found != nil:
				t.Errorf("%s: %s: %s", row.condition, code, found.What)
			case code == row.code && (found == nil || found.Severity != row.severity):
				t.Errorf("%s: %v, want %s %s", row.condition, foundCodes(report), row.severity, code)
			case code == row.code:
				checkExample(t, policy.Identity, text, found)
			}
		}
	}
}

// A guard for users with a tag, or below a path, misses all others; one that exempts users
// by a tag includes the next one that is created.
func TestGuardsThatUsersAreIncludedInAreHigh(t *testing.T) {
	for _, row := range []struct {
		condition string
		severity  lint.Severity
		says      string
	}{
		{`"StringEquals":{"aws:PrincipalTag/mfa":"required"}`, lint.High, "only users with the tag mfa are behind MFA: "},
		{`"StringLike":{"AWS:principaltag/mfa":["a","b*"]}`, lint.High, "only users with the tag mfa are behind MFA: "},
		{`"ForAnyValue:StringEquals":{"aws:PrincipalTag/mfa":"required"}`, lint.High, "only users with the tag mfa are behind MFA: "},
		{`"Bool":{"aws:PrincipalTag/mfa":"true"}`, lint.High, "only users with the tag mfa are behind MFA: "},
		{`"Null":{"aws:PrincipalTag/mfa":"false"}`, lint.High, "only users with the tag mfa are behind MFA: "},
		{`"StringNotEquals":{"aws:PrincipalTag/mfa":"exempt"},"Null":{"aws:PrincipalTag/mfa":"false"}`, lint.High, "only users with the tag mfa are behind MFA: "},
		{`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/team/*"}`, lint.High, "only users named in ArnLike aws:PrincipalArn arn:aws:iam::*:user/team/* are behind MFA: "},
		{`"StringLike":{"aws:PrincipalArn":["*alice","*bob"]}`, lint.High, "only users named in StringLike aws:PrincipalArn *alice, *bob are behind MFA: "},
		{`"StringNotEquals":{"aws:PrincipalTag/mfa":"exempt"}`, lint.Low, "exempts"},
		{`"StringNotEquals":{"aws:PrincipalTag/mfa":["exempt","none"]},"StringNotLike":{"aws:PrincipalTag/mfa":"x*"}`, lint.Low, "exempts"},
		{`"StringEqualsIfExists":{"aws:PrincipalTag/mfa":"required"}`, lint.Low, "exempts"},
		{`"Null":{"aws:PrincipalTag/exempt":"true"}`, lint.Low, "exempts"},
		{`"StringNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/team/*"}`, lint.Low, "exempts"},
		{`"StringNotEquals":{"aws:username":"svc-a"},"StringNotLike":{"aws:username":"svc-*"}`, lint.Low, "exempts"},
	} {
		for _, kind := range []policy.Kind{policy.Identity, policy.Boundary, policy.SCP} {
			text := doc(guard("", ","+row.condition, noOthers, noKeys))
			report := check(t, kind, text)
			n := 0
			for _, f := range report.Findings {
				if f.Code == "E-6" {
					n++
				}
			}
			f := find(report, "E-6")
			if n != 1 || f.Severity != row.severity || !strings.Contains(f.What, row.says) {
				t.Errorf("kind %v, %s: %d of %+v", kind, row.condition, n, f)
				continue
			}
			checkExample(t, kind, text, f)
		}
	}
	// Two guards that are opposites include everybody.
	both := doc(guard("", `,"StringEquals":{"aws:PrincipalTag/mfa":"a"}`), guard("", `,"StringNotEquals":{"aws:PrincipalTag/mfa":"a"}`), noOthers, noKeys)
	if f := find(check(t, policy.Identity, both), "E-6"); f != nil {
		t.Errorf("%+v", f)
	}
	// What passes for users with the tag as well is still reported.
	gap := doc(guard("", `,"StringEquals":{"aws:PrincipalTag/mfa":"a"},"NumericLessThan":{"aws:RequestTag/x":"10"}`),
		guard("", `,"StringEquals":{"aws:PrincipalTag/mfa":"a"},"StringNotEquals":{"aws:RequestTag/x":"abc"}`), noOthers, noKeys)
	if report := check(t, policy.Identity, gap); find(report, "G-1") == nil {
		t.Error(foundCodes(report))
	}
}

func TestGuardsThatReachUsersAreFine(t *testing.T) {
	for _, condition := range []string{"", `,"StringEquals":{"aws:PrincipalType":"User"}`, `,"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}`,
		`,"StringLike":{"aws:username":"*"}`, `,"StringEquals":{"aws:PrincipalAccount":"123456789012"}`, `,"StringNotEquals":{"aws:username":"break-glass"}`,
		`,"StringNotLike":{"aws:username":"svc-*"}`, `,"StringEquals":{"aws:PrincipalTag/mfa":"required"}`, `,"Null":{"aws:PrincipalArn":"false"}`} {
		for _, kind := range []policy.Kind{policy.Identity, policy.SCP} {
			report, err := lint.Check(kind, doc(guard("", condition, noOthers, noKeys)))
			if err != nil {
				t.Fatal(err)
			}
			if f := find(report, "G-1"); f != nil {
				t.Errorf("kind %v, %s: %s", kind, condition, f.What)
			}
			if f := find(report, "G-2"); f != nil {
				t.Errorf("kind %v, %s: %s", kind, condition, f.What)
			}
		}
	}
}

// Conditions that hold each, but not together, leave everything open as well.
func TestGuardsWithConditionsThatNeverHoldTogether(t *testing.T) {
	text := doc(guard("", `,"StringEquals":{"aws:username":"alice"},"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/bob"}`, noOthers, noKeys))
	report, err := lint.Check(policy.Identity, text)
	if err != nil {
		t.Fatal(err)
	}
	if find(report, "G-1") == nil {
		t.Errorf("nothing about a guard that applies to nobody: %v", foundCodes(report))
	}
}

func find(r *lint.Report, code string) *lint.Finding {
	for i := range r.Findings {
		if r.Findings[i].Code == code {
			return &r.Findings[i]
		}
	}
	return nil
}

func foundCodes(r *lint.Report) (out []string) {
	for _, f := range r.Findings {
		out = append(out, f.Code+" "+string(f.Severity))
	}
	return out
}

// A finding about something else than requests that pass does not hide a gap that only the prover sees.
func TestOtherFindingsDoNotHideAGap(t *testing.T) {
	gap := guard("", `,"NumericLessThan":{"aws:RequestTag/x":"10"}`) + "," + guard("", `,"StringNotEquals":{"aws:RequestTag/x":"abc"}`)
	for _, row := range []struct{ code, more string }{
		{"", noOthers + "," + noKeys},
		{"D-12", noOthers},
		{"K-9", noOthers + "," + noKeys + "," + allow("iam:CreateVirtualMFADevice", `"arn:aws:iam::*:user/*"`)},
		{"K-11", noOthers + "," + noKeys + `,{"Sid":"a b","Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`},
		{"M-10", noOthers + "," + noKeys + `,{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"NumericLessThan":{"aws:MultiFactorAuthAge":"3600000"}}}`},
	} {
		got := strings.Join(codes(check(t, policy.Identity, doc(gap, row.more))), ",")
		if !strings.Contains(got, "G-1 document") || !strings.Contains(got, row.code) {
			t.Errorf("%s and %s: %v", gap, row.more, got)
		}
	}
}

// Statements that name users, each other ones, miss those that none of them names.
func TestGuardsByNameTogetherMissUsers(t *testing.T) {
	const keysOnly = `{"Effect":"Deny",` + allButEnrolling + `,"Condition":{"Null":{"aws:MultiFactorAuthPresent":"true"}}}`
	named := func(conditions string) string {
		return `{"Effect":"Deny",` + allButEnrolling + `,"Condition":{` + conditions + `}}`
	}
	for _, row := range []struct{ text, code string }{
		{doc(guard("", `,"StringLike":{"aws:username":"a*"}`), guard("", `,"StringLike":{"aws:username":"b*"}`), noKeys), "G-1 Guard"},
		{doc(keysOnly, named(`"Bool":{"aws:MultiFactorAuthPresent":"false"},"StringLike":{"aws:username":"a*"}`), noKeys), "G-1 document"},
		{doc(guard("", `,"StringLike":{"aws:username":"a*"}`), guard("", `,"StringNotLike":{"aws:username":"a*"}`), noKeys), ""},
		// An exemption by name does not hide what else passes.
		{doc(guard("", `,"StringNotLike":{"aws:username":"svc-*"},"NumericLessThan":{"aws:RequestTag/x":"10"}`), guard("", `,"StringNotEquals":{"aws:RequestTag/x":"abc"}`), noOthers, noKeys), "G-1 document"},
		{doc(guard("", `,"StringNotLike":{"aws:username":"svc-*"}`), noOthers, noKeys), ""},
		{doc(guard("", `,"StringEquals":{"aws:PrincipalTag/d":"a"}`), guard("", `,"StringEquals":{"aws:PrincipalTag/d":"b"}`), noOthers, noKeys), ""},
	} {
		got := strings.Join(codes(check(t, policy.Identity, row.text)), ", ")
		if !strings.Contains(got, row.code) || row.code == "" && strings.Contains(got, "G-1") {
			t.Errorf("%s: %s, want %s", row.text, got, row.code)
		}
	}
}

// A condition that compares with a variable that the sender chooses holds for some
// requests, and passes others.
func TestGuardsThatCompareWithAChosenVariable(t *testing.T) {
	for _, row := range []struct{ condition, key string }{
		{`"StringEquals":{"aws:PrincipalAccount":"${aws:ResourceAccount}"}`, "aws:ResourceAccount"},
		{`"StringEquals":{"aws:username":"${aws:ResourceTag/owner}"}`, "aws:ResourceTag/owner"},
		{`"StringEquals":{"aws:username":"${aws:RequestTag/owner, 'nobody'}"}`, "aws:RequestTag/owner"},
		{`"StringNotEquals":{"aws:username":"${aws:ResourceTag/owner}"}`, "aws:ResourceTag/owner"},
	} {
		text := doc(guard("", ","+row.condition, noOthers, noKeys))
		report := check(t, policy.Identity, text)
		f := find(report, "E-7")
		if f == nil || !strings.Contains(f.What, row.key) {
			t.Errorf("%s: %v", row.condition, foundCodes(report))
			continue
		}
		checkExample(t, policy.Identity, text, f)
		if find(report, "G-1") != nil {
			t.Errorf("%s: %v", row.condition, foundCodes(report))
		}
	}
}

// A control policy for some accounts leaves the users of all others without a guard; one that exempts accounts includes the next one.
func TestControlPolicyForSomeAccounts(t *testing.T) {
	const users = `,"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}`
	for _, row := range []struct {
		condition string
		severity  lint.Severity
		says      string
	}{
		{`"StringEquals":{"aws:PrincipalAccount":["210987654321","999999999999"]}` + users, lint.High, "only users named in StringEquals aws:PrincipalAccount "},
		{`"StringLike":{"aws:PrincipalAccount":"1234*"}` + users, lint.High, "only users named in "},
		{`"ArnLike":{"aws:PrincipalArn":["arn:aws:iam::123456789012:user/*","arn:aws:iam::210987654321:user/*"]}`, lint.High, "only users named in ArnLike aws:PrincipalArn "},
		{`"StringNotEquals":{"aws:PrincipalAccount":["210987654321","999999999999"]}` + users, lint.Low, "exempts"},
		{`"StringNotLike":{"aws:PrincipalAccount":"9*"}` + users, lint.Low, "exempts"},
		{`"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::999999999999:user/*"}`, lint.Low, "exempts"},
		{`"StringLike":{"aws:PrincipalAccount":"*"}` + users, "", ""},
		{`"ArnLike":{"aws:PrincipalArn":["arn:aws:iam::123456789012:user/*","arn:aws:iam::*:user/*"]}`, "", ""},
	} {
		text := doc(guard("", ","+row.condition, noOthers, noKeys))
		f := find(check(t, policy.SCP, text), "E-6")
		switch {
		case f == nil && row.says == "":
		case f == nil || row.says == "" || f.Severity != row.severity || !strings.Contains(f.What, row.says):
			t.Errorf("%s: %+v, want %s %q", row.condition, f, row.severity, row.says)
		default:
			checkExample(t, policy.SCP, text, f)
		}
	}
}

// The example of a guard for ARNs only is a request that has no ARN.
func TestGuardForARNsLeavesActionsWithoutResources(t *testing.T) {
	text := doc(strings.Replace(guard("", "", noOthers, noKeys), `"Resource":"*"`, `"Resource":"arn:*:*:*:*:*"`, 1))
	report := check(t, policy.Identity, text)
	f := find(report, "E-5")
	if f == nil || f.Example == nil || f.Example.Action != "ec2:DescribeInstances" || f.Example.Resource != "*" {
		t.Errorf("%v, %+v", foundCodes(report), f)
	}
}

// AWS refuses GetFederationToken to console sessions, so only the access key counts.
func TestLimitsOfCredentialsAreNoGaps(t *testing.T) {
	exempt := strings.Replace(guard("", "", noOthers, noKeys), `"sts:GetSessionToken"`, `"sts:GetSessionToken","sts:GetFederationToken"`, 1)
	if find(check(t, policy.Identity, doc(exempt)), "E-3") == nil {
		t.Error("nothing about GetFederationToken by access key")
	}
	const noFederation = `{"Effect":"Deny","Action":"sts:GetFederationToken","Resource":"*","Condition":{"Null":{"aws:TokenIssueTime":"true"}}}`
	if f := find(check(t, policy.Identity, doc(exempt, noFederation)), "E-3"); f != nil {
		t.Error(f.What)
	}
}

// The sentences and severities that depend on the effect of a statement.
func TestFindingsSayWhatTheStatementDoes(t *testing.T) {
	for _, row := range []struct {
		kind           policy.Kind
		text, code     string
		severity       lint.Severity
		says, saysNone string
	}{
		{policy.Identity, doc(allow("iam:ListUsers", `"arn:aws:iam::123456789012:user/x"`)), "K-9", lint.Low, "does not allow it", "refuse"},
		{policy.Identity, doc(refuse("iam:ListUsers", `"arn:aws:iam::123456789012:user/x"`)), "K-9", lint.Low, "does not refuse it", "allow"},
		{policy.Identity, doc(allow("s3:GetObject", `"arn:aws:*"`)), "K-8", lint.Low, "", ""},
		{policy.Identity, doc(refuse("s3:GetObject", `"arn:aws:*"`)), "K-8", lint.High, "", ""},
		{policy.Trust, doc(trustRoot("")), "D-16", lint.Low, "no organization, user or role is named", "conditions"},
		{policy.Trust, doc(trustRoot(`"StringLike":{"aws:PrincipalArn":"*"}`)), "D-16", lint.Low, "can satisfy the conditions of this statement", "named"},
		{policy.Identity, doc(guard("", `,"StringEquals":{"aws:TagKeys":"x"}`, noOthers, noKeys)), "K-8", lint.High, "AWS does not document an operator for one value", ""},
		{policy.Identity, doc(guard("", `,"DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}`, noOthers, noKeys)), "G-1", lint.Critical, "that time is over", ""},
	} {
		f := find(check(t, row.kind, row.text), row.code)
		if f == nil || f.Severity != row.severity || !strings.Contains(f.What, row.says) || row.saysNone != "" && strings.Contains(f.What, row.saysNone) {
			t.Errorf("%s: %+v", row.text, f)
		}
	}
}

func refuse(action, resource string) string {
	return strings.Replace(allow(action, resource), "Allow", "Deny", 1)
}

// trustRoot is a statement that lets an account assume a role with MFA.
func trustRoot(condition string) string {
	if condition != "" {
		condition = "," + condition
	}
	return `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"sts:AssumeRole","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}` + condition + `}}`
}

func TestTheActionDecidesBetweenTrustAndResourcePolicies(t *testing.T) {
	for action, want := range map[string]policy.Kind{
		`"ecr:BatchGetImage"`: policy.Resource, `["ecr:BatchGetImage","ecr:GetDownloadUrlForLayer"]`: policy.Resource,
		`"sts:AssumeRole"`: policy.Trust, `["sts:AssumeRole","sts:TagSession"]`: policy.Trust, `"*"`: policy.Trust,
	} {
		got, err := lint.Guess(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":` + action + `}}`)
		if err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", action, got, err, want)
		}
	}
}

// The example of a weakening has the keys of the request and the credential that show it.
func TestWeakeningsHaveAnExampleWithKeys(t *testing.T) {
	old := doc(guard("", "", noOthers, noKeys))
	for _, row := range []struct{ condition, key, mfa string }{
		{`,"StringNotEquals":{"aws:RequestTag/breakglass":"true"}`, "aws:RequestTag/breakglass", "absent"},
		{`,"Null":{"aws:TokenIssueTime":"true"}`, "", "false"},
	} {
		f, err := lint.Compare(policy.Identity, old, doc(guard("", row.condition, noOthers, noKeys)))
		if err != nil || f == nil || f.Code != "W-1" || f.Example == nil {
			t.Errorf("%s: %+v, %v", row.condition, f, err)
			continue
		}
		if f.Example.MFA != row.mfa || row.key != "" && len(f.Example.Keys[row.key]) == 0 {
			t.Errorf("%s: %+v", row.condition, f.Example)
		}
	}
}

// A resource control policy whose Deny never applies to a user says so.
func TestResourceControlPolicyThatReachesNobody(t *testing.T) {
	text := doc(`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{` + noMFA + `,"StringEquals":{"aws:PrincipalType":"IAMUser"}}}`)
	if f := find(check(t, policy.RCP, text), "G-1"); f == nil || f.Severity != lint.High {
		t.Errorf("%+v", f)
	}
}

// A Deny of session tags without MFA applies to calls of sts:AssumeRole with tags; one whose conditions exclude each other to none.
func TestADenyOfSessionTagsAppliesToUsers(t *testing.T) {
	deny := func(action, condition string) string {
		return `{"Effect":"Deny","Principal":{"AWS":"*"},"Action":` + action + `,"Condition":{` + condition + `}}`
	}
	const never = `"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"},"StringEquals":{"aws:PrincipalType":"Account","aws:username":"bob"}`
	for _, row := range []struct {
		action, condition string
		found             bool
	}{
		{`"sts:TagSession"`, noMFA, false},
		{`["sts:TagSession","sts:SetSourceIdentity"]`, noMFA, false},
		{`"sts:*"`, noMFA, false},
		{`["sts:AssumeRole","sts:TagSession"]`, never, true},
	} {
		f := find(check(t, policy.Trust, doc(trust(`{"AWS":"123456789012"}`, mfa), deny(row.action, row.condition))), "G-1")
		if (f != nil) != row.found {
			t.Errorf("%s %s: %+v", row.action, row.condition, f)
		}
	}
}
