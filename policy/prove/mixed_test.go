package prove_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"forcemfa/policy"
	"forcemfa/policy/prove"
	"forcemfa/policy/prove/certificate"
)

// mixedOperators are put on one key together, whatever type the key has.
var mixedOperators = []string{
	"Bool", "BoolIfExists", "Null", "StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCaseIfExists",
	"StringLike", "StringNotLike", "StringEqualsIfExists", "StringNotEqualsIfExists",
	"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericGreaterThanEquals", "NumericLessThanEqualsIfExists", "NumericGreaterThanIfExists",
	"DateLessThan", "DateGreaterThanEquals", "DateEquals", "DateNotEquals", "DateLessThanIfExists",
	"IpAddress", "NotIpAddress", "IpAddressIfExists", "ArnLike", "ArnNotLike", "ArnEqualsIfExists", "BinaryEquals",
	"ForAnyValue:StringEquals", "ForAllValues:StringEquals", "ForAllValues:StringNotEquals", "ForAnyValue:StringNotLike", "ForAllValues:Bool",
	"ForAnyValue:NumericLessThan", "ForAllValues:NumericGreaterThanEquals",
}

// mixedOperands are values of every type, and of none.
var mixedOperands = []string{"true", "false", "TRUE", "1", "10", "1.0", "-3", "2026-03-01T00:00:00Z", "2026-03-01", "2300-01-01T00:00:00Z", "1772323200",
	"192.0.2.0/24", "2001:db8::/32", "arn:aws:iam::*:role/*", "arn:aws:iam::111111111111:user/bob", "abc", "a*", "bob", "b?b", "", "YWJj",
	"${aws:username}", "${aws:RequestTag/a}", "${aws:ResourceTag/owner}", "x${aws:RequestTag/a}", "${aws:RequestTag/absent, 'true'}"}

// mixedKeys are keys that the sender chooses, a key that is fixed, and one with several values.
var mixedKeys = []string{"aws:RequestTag/a", "aws:ResourceTag/owner", "aws:username", "aws:TagKeys"}

// mixedValues are what the brute force gives the keys: the operands, and other spellings of them.
var mixedValues = slices.Concat(mixedOperands[:21], []string{"True", "False", "FALSE", "tRue", "01", "+1", "1.00", "9", "11", "10.0", "-4", "0", "9.5",
	"2026-03-01T01:00:00+01:00", "2026-02-28T00:00:00Z", "2301-01-01T00:00:00Z", "1772323201", "1772323200.0", "192.0.2.7", "192.0.3.7", "198.51.100.7",
	"2001:db8::7", "2001:DB8::7", "arn:aws:iam::222222222222:role/x", "arn:aws:iam::222222222222:user/x", "arn:x", "ABC", "axe", "xbob", "xabc", "Bob", "b*b", "~",
	"${aws:username}"})

// complements are operators that split the requests between them, or seem to.
var complements = [][2]string{
	{"Bool", "BoolIfExists"}, {"StringEquals", "StringNotEquals"}, {"StringLike", "StringNotLike"}, {"StringEqualsIgnoreCase", "StringNotEqualsIgnoreCaseIfExists"},
	{"StringNotEqualsIfExists", "StringEquals"}, {"NumericLessThan", "NumericGreaterThanEquals"}, {"NumericGreaterThanIfExists", "NumericLessThanEqualsIfExists"},
	{"NumericEquals", "NumericNotEquals"}, {"DateLessThan", "DateGreaterThanEquals"}, {"DateLessThanIfExists", "DateGreaterThanEquals"}, {"DateEquals", "DateNotEquals"},
	{"IpAddress", "NotIpAddress"}, {"IpAddressIfExists", "NotIpAddress"}, {"ArnLike", "ArnNotLike"}, {"ArnEqualsIfExists", "ArnNotLike"},
	{"ForAnyValue:StringEquals", "ForAllValues:StringNotEquals"}, {"ForAnyValue:StringNotLike", "ForAllValues:StringEquals"}, {"ForAnyValue:NumericLessThan", "ForAllValues:NumericGreaterThanEquals"},
	{"StringEquals", "StringNotEqualsIgnoreCaseIfExists"}, {"Bool", "StringNotEquals"}, {"NumericEquals", "StringNotEquals"}, {"StringLike", "ArnNotLike"}, {"Null", "Null"},
}

// drawMixed draws policies whose Denies require MFA under further conditions: any, or in pairs that split what
// they are about.
func drawMixed(t *rapid.T) *policy.Set {
	list := []string{admin, others, byKey}
	if rapid.IntRange(0, 3).Draw(t, "kind") > 0 {
		list = append(list, drawPair(t)...)
	} else {
		list = append(list, drawAny(t)...)
	}
	set := identity(list...)
	if err := set.Identity[0].Err; err != nil {
		t.Fatal(err)
	}
	return set
}

func drawPair(t *rapid.T) (list []string) {
	key := rapid.SampledFrom(mixedKeys).Draw(t, "key")
	pair := rapid.SampledFrom(complements).Draw(t, "pair")
	values := rapid.SliceOfNDistinct(rapid.SampledFrom(mixedOperands), 1, 2, rapid.ID).Draw(t, "values")
	for i, operator := range pair {
		own := values
		switch {
		case operator == "Null" || strings.HasPrefix(operator, "Bool"):
			own = []string{[]string{"true", "false"}[i]}
		case rapid.IntRange(0, 5).Draw(t, fmt.Sprint("change", i)) == 0:
			own = append(slices.Clone(values), rapid.SampledFrom(mixedOperands).Draw(t, fmt.Sprint("another", i)))
		}
		text, err := json.Marshal(own)
		if err != nil {
			t.Fatal(err)
		}
		condition := fmt.Sprintf(`%q:{%q:%s}`, operator, key, text)
		if operator == "BoolIfExists" {
			condition = fmt.Sprintf(`"BoolIfExists":{"aws:MultiFactorAuthPresent":"false",%q:%s}`, key, text)
		} else {
			condition = mfa + "," + condition
		}
		list = append(list, fmt.Sprintf(denyAll, condition))
	}
	return list
}

func drawAny(t *rapid.T) (list []string) {
	key := rapid.SampledFrom(mixedKeys).Draw(t, "key")
	for i := range rapid.IntRange(1, 4).Draw(t, "statements") {
		tests := map[string]map[string][]string{"BoolIfExists": {"aws:MultiFactorAuthPresent": {"false"}}}
		for j := range rapid.IntRange(1, 2).Draw(t, "conditions") {
			operator := rapid.SampledFrom(mixedOperators).Draw(t, fmt.Sprint("operator", i, j))
			values := rapid.SliceOfNDistinct(rapid.SampledFrom(mixedOperands), 1, 2, rapid.ID).Draw(t, fmt.Sprint("values", i, j))
			if operator == "Null" {
				values = []string{rapid.SampledFrom([]string{"true", "false"}).Draw(t, fmt.Sprint("null", i, j))}
			}
			at := key
			if rapid.IntRange(0, 4).Draw(t, fmt.Sprint("other key", i, j)) == 0 {
				at = rapid.SampledFrom(mixedKeys).Draw(t, fmt.Sprint("key", i, j))
			}
			if tests[operator] == nil {
				tests[operator] = map[string][]string{}
			}
			tests[operator][at] = values
		}
		condition, err := json.Marshal(tests)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprintf(denyAll, condition[1:len(condition)-1]))
	}
	return list
}

// bruteForce sends a request with every combination of values of the keys that a sender can choose, and
// returns the first that no Deny refuses.
func bruteForce(s prove.Subject) (found *policy.Context, why policy.Verdict) {
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	base := s.Context.Clone()
	base.SetMFA(policy.LongTermKey, policy.Absent, at, at)
	base.Set("aws:ViaAWSService", "false")
	ask := func(c *policy.Context) bool {
		r := &policy.Request{Principal: s.Principal, Action: "dynamodb:DeleteTable", Resource: "arn:aws:dynamodb:us-east-1:" + account + ":table/t", Context: c}
		if v := s.Set.Refuses(r).Verdict; v != policy.ExplicitDenied && found == nil {
			found, why = c.Clone(), v
		}
		return found != nil
	}
	absent := append([]string{"\x00"}, mixedValues...)
	text := make([]string, 0, 8)
	for _, source := range s.Set.Identity {
		text = append(text, source.Document.String())
	}
	uses := func(key string) bool { return strings.Contains(strings.Join(text, ""), key) }
	put := func(c *policy.Context, key, value string) {
		if value == "\x00" {
			c.Delete(key)
		} else {
			c.Set(key, value)
		}
	}
	owners, tags, lists := absent, absent, [][]string{nil}
	if uses("aws:ResourceTag/owner") && uses("aws:RequestTag/a") {
		owners = append(absent[:8:8], absent[15:29]...)
	}
	if !uses("aws:ResourceTag/owner") {
		owners = absent[:1]
	}
	if !uses("aws:RequestTag/a") {
		tags = absent[:1]
	}
	if uses("aws:TagKeys") {
		for i, v := range mixedValues {
			lists = append(lists, []string{v})
			for _, w := range mixedValues[:i] {
				if len(owners)*len(tags) == 1 { // with several keys, lists of one value are enough
					lists = append(lists, []string{v, w})
				}
			}
		}
	}
	if len(owners) > 1 && len(tags) > 1 && len(lists) > 1 {
		lists = lists[:8]
	}
	for _, owner := range owners {
		for _, tag := range tags {
			c := base.Clone()
			put(c, "aws:ResourceTag/owner", owner)
			put(c, "aws:RequestTag/a", tag)
			for _, list := range lists {
				if c.SetMany("aws:TagKeys", list); ask(c) {
					return found, why
				}
			}
		}
	}
	return nil, 0
}

// claimOf is what the checker of a proof is told of a user.
func claimOf(s prove.Subject) certificate.Claim {
	return certificate.Claim{Principal: s.Principal, Set: s.Set, Context: s.Context, HasDevice: s.HasDevice,
		ForwardedCallsPass: s.ForwardedCallsPass, Enrollment: s.Enrollment, EnrollmentByKey: s.EnrollmentByKey}
}

// hopeful is a proof that the prover did not make: it says that the random Denies of a set, which come after its
// first three statements, refuse together what one Deny refuses in a sound set.
func hopeful(t interface{ Fatal(...any) }, s prove.Subject) *policy.Proof {
	sound := prove.User(bob(identity(admin, others, byKey, fmt.Sprintf(denyAll, mfa)))).Proof
	text, err := json.Marshal(sound)
	if err != nil {
		t.Fatal(err)
	}
	out := new(policy.Proof)
	if err := json.Unmarshal(text, out); err != nil {
		t.Fatal(err)
	}
	for i := range out.Cases {
		for j := range out.Cases[i].Cells {
			cell := &out.Cases[i].Cells[j]
			if slices.ContainsFunc(cell.By, func(d policy.ProofDeny) bool { return d.Statement == 3 }) {
				cell.By = nil
				for n := 3; n < len(s.Set.Identity[0].Document.Statements); n++ {
					cell.By = append(cell.By, policy.ProofDeny{Statement: n})
				}
			}
		}
	}
	return out
}

// What is proved holds against brute force, with operators of every type on one key, variables and keys
// with several values.
func TestProofsHoldForMixedOperators(t *testing.T) {
	outcomes, accepted := map[prove.Outcome]int{}, 0
	rapid.Check(t, func(t *rapid.T) {
		s := bob(drawMixed(t))
		a := prove.User(s)
		outcomes[a.Outcome]++
		switch a.Outcome {
		case prove.Open:
			checkCounterexample(t, s, a)
			if certificate.Check(hopeful(t, s), claimOf(s)) == nil {
				t.Errorf("the checker accepts that everything is refused, but %v is not", a.Counterexample)
			}
		case prove.Enforced:
			if err := certificate.Check(a.Proof, claimOf(s)); a.Strict == prove.Enforced && err != nil {
				t.Errorf("the checker refuses the proof: %v", err)
			}
			fallthrough
		default:
			checked := certificate.Check(hopeful(t, s), claimOf(s)) == nil
			if checked {
				accepted++
			}
			if !checked && a.Outcome != prove.Enforced {
				return
			}
			if c, v := bruteForce(s); c != nil {
				t.Fatalf("prover %v, checker accepts %v, but not refused (%v): %s\n%s", a.Outcome, checked, v, describe(c), s.Set.Identity[0].Document)
			}
		}
	})
	t.Logf("%v, %d accepted by the checker", outcomes, accepted)
}

func describe(c *policy.Context) string {
	var out []string
	for _, key := range c.Keys() {
		values, _ := c.Get(key)
		out = append(out, fmt.Sprintf("%s=%q", key, values))
	}
	return strings.Join(out, " ")
}
