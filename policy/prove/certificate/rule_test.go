package certificate

import (
	"slices"
	"strings"
	"testing"

	"forcemfa/policy"
)

// The checker's own rule of the requests that need no Deny.
func TestRequestsThatNeedNoDeny(t *testing.T) {
	const self, other, namesake = "arn:aws:iam::111111111111:user/team/bob", "arn:aws:iam::111111111111:user/alice", "arn:aws:iam::111111111111:user/bob"
	type facts struct{ device, byKey, strict bool }
	for _, row := range []struct {
		action, resource string
		credential       policy.Credential
		facts            facts
		want             bool
	}{
		{"s3:GetObject", "arn:aws:s3:::b/k", policy.LongTermKey, facts{}, false},
		{"iam:GetUser", self, policy.LongTermKey, facts{}, true},
		{"iam:GetUser", "", policy.LongTermKey, facts{}, true},
		{"iam:ListUsers", "*", policy.LongTermKey, facts{}, false},
		{"sts:GetCallerIdentity", "*", policy.LongTermKey, facts{}, true},
		{"sts:GetSessionToken", "*", policy.LongTermKey, facts{}, true},
		{"sts:TagSession", "", policy.LongTermKey, facts{}, true},
		{"sts:GetFederationToken", "", policy.LongTermKey, facts{}, false},
		{"iam:EnableMFADevice", self, policy.ConsolePassword, facts{}, true},
		{"iam:EnableMFADevice", self, policy.LongTermKey, facts{}, false},
		{"iam:EnableMFADevice", self, policy.LongTermKey, facts{byKey: true}, true},
		{"iam:EnableMFADevice", self, policy.LongTermKey, facts{device: true}, true},
		{"iam:EnableMFADevice", other, policy.ConsolePassword, facts{}, false},
		{"iam:EnableMFADevice", other, policy.ConsolePassword, facts{device: true, byKey: true}, false},
		{"iam:EnableMFADevice", namesake, policy.ConsolePassword, facts{}, true},
		{"iam:DeactivateMFADevice", self, policy.ConsolePassword, facts{}, false},
		{"iam:DeactivateMFADevice", self, policy.ConsolePassword, facts{device: true}, true},
		{"iam:CreatePolicyVersion", "arn:aws:iam::aws:policy/x", policy.LongTermKey, facts{}, true},
		{"iam:CreatePolicyVersion", "arn:aws:iam::aws:policy/x", policy.LongTermKey, facts{strict: true}, false},
		{"iam:CreatePolicyVersion", "arn:aws:iam::111111111111:policy/x", policy.LongTermKey, facts{}, false},
		{"iam:GetPolicy", "arn:aws:iam::aws:policy/x", policy.LongTermKey, facts{}, false},
		{"iam:CreatePolicyVersion", "arn:aws:iam::aws:role/x", policy.LongTermKey, facts{}, false},
		{"transfer:UpdateUser", "arn:aws:transfer:eu-west-1:111111111111:user/bob", policy.LongTermKey, facts{}, false},
		{"iam:EnableMFADevice", "arn:aws:transfer::111111111111:user/bob", policy.ConsolePassword, facts{}, false},
		{"iam:DeleteRole", "arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/x", policy.LongTermKey, facts{}, true},
		{"iam:DeleteRole", "arn:aws:other::111111111111:role/aws-reserved/sso.amazonaws.com/x", policy.LongTermKey, facts{}, false},
		{"sso:DeleteRole", "arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/x", policy.LongTermKey, facts{}, false},
		{"iam:GetRole", "arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/x", policy.LongTermKey, facts{}, false},
		{"iam:DeleteRole", "arn:aws:iam::111111111111:role/x", policy.LongTermKey, facts{}, false},
	} {
		k := &inquiry{
			Claim: &Claim{Principal: policy.Principal{Kind: policy.IAMUser, Account: "111111111111", ARN: self}, HasDevice: row.facts.device,
				Enrollment: []string{"iam:GetUser", "iam:EnableMFADevice"}, EnrollmentByKey: row.facts.byKey},
			proof: &policy.ProofCase{Credential: row.credential}, strict: row.facts.strict,
		}
		if got := k.exempt(row.action, row.resource); got != row.want {
			t.Errorf("%s on %q with a %v, %+v: %v", row.action, row.resource, row.credential, row.facts, got)
		}
	}
}

// The addresses that conditions distinguish are in each network and after it.
func TestAddressesAreOnBothSidesOfANetwork(t *testing.T) {
	list := addresses([]condition{{Condition: policy.Condition{Values: []string{"192.0.2.0/24", "198.51.100.7", "2001:db8::/32"}}}})
	for _, want := range []string{"192.0.2.0", "192.0.3.0", "198.51.100.7", "198.51.100.8", "2001:db8::", "2001:db9::", "0.0.0.0", "::"} {
		if !slices.Contains(list, want) {
			t.Errorf("%v lack %s", list, want)
		}
	}
}

// Numbers are tried on, between and around those of the conditions, and bytes as they
// are written.
func TestValuesAreOnAndAroundThoseOfTheConditions(t *testing.T) {
	values := func(list ...string) []condition {
		return []condition{{Condition: policy.Condition{Values: list}}}
	}
	if got, want := numbers("", values("3", "1")), []string{"0.000", "1.000", "2.000", "3.000", "4.000"}; !slices.Equal(got, want) {
		t.Errorf("numbers %v, want %v", got, want)
	}
	if got, want := dates("aws:requesttag/a", values("1970-01-01", "7200")), []string{"-3600", "0", "3600", "7200", "10800"}; !slices.EqualFunc(got, want, func(g, w string) bool { return g == w+".000000000" }) {
		t.Errorf("dates %v, want %v", got, want)
	}
	if got, want := bytes(values("eA==", "not base64")), []string{"x", "other"}; !slices.Equal(got, want) {
		t.Errorf("bytes %v, want %v", got, want)
	}
}

// Only the version of 2012 has variables.
func TestVariablesOfTheSenderAreThoseOfTheNewerVersion(t *testing.T) {
	k := &inquiry{Claim: &Claim{}, proof: new(policy.ProofCase)}
	k.context = new(policy.Context)
	for version, want := range map[string]bool{"2012-10-17": true, "2008-10-17": false, "": false} {
		c := newCondition(policy.Condition{Operator: "StringEquals", Key: "aws:username", Values: []string{"x${*}", "${aws:ResourceTag/a, 'b'}"}}, version)
		for i, chosen := range []bool{false, want} {
			if got := k.chosenVariable(c.Values[i], c.variables); got != chosen {
				t.Errorf("version %q, %s: %v, want %v", version, c.Values[i], got, chosen)
			}
		}
	}
}

// Patterns that distinguish too many resources are an error, not an empty list.
func TestTooManyResourcesAreAnError(t *testing.T) {
	k := &inquiry{memory: new(Checker), Claim: &Claim{Principal: policy.Principal{Account: "111111111111", ARN: "arn:aws:iam::111111111111:user/bob"}, Set: &policy.Set{}}}
	base := [6]pattern{glob("arn"), glob("aws"), glob("s3"), glob(""), glob(""), glob("*")}
	for tail, want := range map[string]bool{"*": true, "*a" + strings.Repeat("?", 24): false} {
		document := policy.ParseSource("p", policy.Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::`+tail+`"}}`)
		k.Set = &policy.Set{Identity: []policy.Source{document}}
		k.denies = map[policy.ProofDeny]*deny{}
		if _, err := k.deny(policy.ProofDeny{}); err != nil {
			t.Fatal(err)
		}
		if list, err := k.within(base); (err == nil) != want || want != (len(list) > 0) {
			t.Errorf("%s: %d resources, %v", tail, len(list), err)
		}
	}
}
