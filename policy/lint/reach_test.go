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
