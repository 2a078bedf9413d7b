package survey

import (
	"strings"
	"testing"

	"forcemfa/policy"
)

func TestConditionsAreSaidInWords(t *testing.T) {
	for _, row := range []struct{ operator, key, values, want string }{
		{"Bool", "aws:MultiFactorAuthPresent", "false", "aws:MultiFactorAuthPresent is false"},
		{"BoolIfExists", "aws:MultiFactorAuthPresent", "false", "aws:MultiFactorAuthPresent is false, or missing"},
		{"Null", "aws:TokenIssueTime", "true", "aws:TokenIssueTime is missing"},
		{"Null", "aws:TokenIssueTime", "false", "aws:TokenIssueTime is present"},
		{"NotIpAddress", "aws:SourceIp", "192.0.2.0/24|10.0.0.0/8", "aws:SourceIp is in none of 192.0.2.0/24, 10.0.0.0/8, or missing"},
		{"IpAddress", "aws:SourceIp", "192.0.2.0/24", "aws:SourceIp is in 192.0.2.0/24"},
		{"StringNotEqualsIfExists", "aws:username", "a b", `aws:username is not "a b", or missing`},
		{"ForAnyValue:StringEquals", "aws:TagKeys", "a|b", "a value of aws:TagKeys is one of a, b"},
		{"ForAnyValue:StringNotEquals", "aws:TagKeys", "a", "a value of aws:TagKeys is not a"},
		{"ForAllValues:StringLike", "aws:TagKeys", "a*", "every value of aws:TagKeys matches a*, or missing"},
		{"NumericGreaterThan", "aws:MultiFactorAuthAge", "3600", "aws:MultiFactorAuthAge is greater than 3600"},
		{"DateLessThan", "aws:CurrentTime", "2027-01-01T00:00:00Z", "aws:CurrentTime is before 2027-01-01T00:00:00Z"},
		{"ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::*:role/*", "aws:PrincipalArn does not match arn:aws:iam::*:role/*, or missing"},
		{"Null", "aws:username", "maybe", "Null aws:username maybe"},
		{"StringIs", "aws:username", "x", "StringIs aws:username x"},
	} {
		c := policy.Condition{Operator: row.operator, Key: row.key, Values: strings.Split(row.values, "|")}
		if got := conditionInWords(c); got != row.want {
			t.Errorf("%s: %q, want %q", row.operator, got, row.want)
		}
	}
}

// Every operator that the evaluator accepts has words, and no other.
func TestEveryOperatorHasWords(t *testing.T) {
	names := strings.Fields(`Bool BinaryEquals StringEquals StringNotEquals StringEqualsIgnoreCase StringNotEqualsIgnoreCase StringLike StringNotLike
		NumericEquals NumericNotEquals NumericLessThan NumericLessThanEquals NumericGreaterThan NumericGreaterThanEquals
		DateEquals DateNotEquals DateLessThan DateLessThanEquals DateGreaterThan DateGreaterThanEquals IpAddress NotIpAddress ArnEquals ArnLike ArnNotEquals ArnNotLike`)
	for _, name := range names {
		if _, known := comparisons[strings.ToLower(name)]; !known {
			t.Errorf("%s has no words", name)
		}
		text := `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"` + name + `":{"aws:username":"x"}}}}`
		if _, err := policy.Parse(policy.Identity, text); err != nil && strings.Contains(err.Error(), "unknown condition operator") {
			t.Error(err)
		}
	}
	if len(names) != len(comparisons) {
		t.Errorf("%d operators, %d with words", len(names), len(comparisons))
	}
}

// A Deny is explained with all its conditions, not only those on MFA.
func TestADenyIsExplainedWithAllItsConditions(t *testing.T) {
	source := policy.ParseSource("p", policy.Identity, `{"Version":"2012-10-17","Statement":[
		{"Sid":"NoMFA","Effect":"Deny","Action":"*","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"},"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}}},
		{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}},
		{"Effect":"Deny","Action":"ec2:*","Resource":"*"},
		{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}},
		{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"},"StringLike":{"aws:UserAgent":"aws-cli*"}}}]}`)
	d := documentOf("identity", source)
	want := []string{
		"NoMFA: deny if aws:MultiFactorAuthPresent is false, or missing, and aws:SourceIp is not in 192.0.2.0/24, or missing",
		"statement 5: allow if aws:MultiFactorAuthPresent is true, and aws:UserAgent matches aws-cli*",
	}
	if strings.Join(d.MFA, "\n") != strings.Join(want, "\n") || d.Denies != 3 || d.Allows != 2 {
		t.Errorf("%+v", d)
	}
	if others := strings.Join(d.Others, "\n"); others != "statement 2: deny if aws:RequestedRegion is eu-west-1\nstatement 3: deny always" {
		t.Errorf("other Denies: %s", others)
	}
}
