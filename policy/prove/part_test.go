package prove

import (
	"testing"

	"forcemfa/policy"
)

// What AWS refuses on its own policies and roles, it does not refuse on others.
func TestAWSRefusesOnItsOwnPoliciesAndRolesOnly(t *testing.T) {
	for _, row := range []struct {
		action, resource string
		want             bool
	}{
		{"iam:CreatePolicyVersion", "arn:aws:iam::aws:policy/ReadOnlyAccess", true},
		{"iam:createpolicyversion", "arn:aws:iam::aws:policy/ReadOnlyAccess", true},
		{"iam:CreatePolicyVersion", "arn:aws:iam::111111111111:policy/own", false},
		{"iam:CreatePolicyVersion", "arn:aws:iam::aws:role/x", false},
		{"iam:GetPolicy", "arn:aws:iam::aws:policy/ReadOnlyAccess", false},
		{"iam:DeleteRole", "arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/x", true},
		{"iam:DeleteRole", "arn:aws:iam::111111111111:role/x", false},
		{"iam:GetRole", "arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/x", false},
		{"s3:GetObject", "arn:aws:s3:::b/k", false},
		{"iam:DeleteRole", "*", false},
	} {
		if got := refusedByAWS(row.action, row.resource); got != row.want {
			t.Errorf("%s on %s: %v", row.action, row.resource, got)
		}
	}
}

// A text becomes the language of what it matches: variables are not wildcards, and
// wildcards count only where the operator has them.
func TestVariablesAndWildcardsOfATextAreFilledIn(t *testing.T) {
	c := new(policy.Context)
	c.Set("aws:username", "bo*b")
	for _, row := range []struct {
		text                 string
		variables, wildcards bool
		matches, misses      string
	}{
		{"a*", true, true, "abc", "bc"},
		{"a*", true, false, "a*", "abc"},
		{"a${*}b", true, true, "a*b", "axb"},
		{"a${?}b", true, true, "a?b", "axb"},
		{"a${$}b", true, true, "a$b", "axb"},
		{"x${aws:username}", true, true, "xbo*b", "xboob"},
		{"x${aws:username}*", true, true, "xbo*by", "xbooby"},
		{"x${aws:absent, 'y'}", true, true, "xy", "x"},
		{"x${aws:username}", false, true, "x${aws:username}", "xbo*b"},
	} {
		l, ok := fillIn(row.text, row.variables, row.wildcards, c)
		if !ok || !l.match(row.matches) || l.match(row.misses) {
			t.Errorf("%s: %v, %q %v, %q %v", row.text, ok, row.matches, l.match(row.matches), row.misses, l.match(row.misses))
		}
	}
	if _, ok := fillIn("x${aws:absent}", true, true, c); ok {
		t.Error("a variable without a value matches something")
	}
}

// Which patterns can match one user and not another.
func TestPatternsThatDistinguishUsers(t *testing.T) {
	for pattern, want := range map[string]bool{
		"*": false, "arn:aws:iam::*:user/*": false, "arn:aws:iam::*:user/${aws:username}": false, "arn:aws:iam::*:user/*/${aws:username}": false,
		"arn:aws:iam::*:mfa/*": false, "arn:aws:iam::*:mfa/${aws:username}": false, "arn:aws:iam::*:mfa/alice": true, "arn:aws:iam::*:user/alice": true,
		"arn:aws:iam::*:user/a*": true, "arn:aws:iam::*:role/x": false, "arn:aws:iam::*:u*": true, "arn:aws:s3:::x": false, "arn:aws:*:::x*": true, "x": true,
		"arn:aws:iam::*:*": false,
	} {
		if got := tellsUsersApart(pattern); got != want {
			t.Errorf("%s: %v", pattern, got)
		}
	}
}

// Readable texts come first, in their order.
func TestReadableTextsComeFirst(t *testing.T) {
	nice := []string{"example", "user/alice"}
	for text, want := range map[string]int{"example": 0, "user/alice": 1, "q": 2} {
		if got := rank(nice, text); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}
