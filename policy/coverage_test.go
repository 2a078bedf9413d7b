package policy_test

import (
	"encoding/base64"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	. "forcemfa/policy"
)

var update = flag.Bool("update", false, "write docs/evaluation.md")

// An operatorSample is an operator with a value of a policy, a value of a
// request that it compares equal to (or within, or less, as it asks), and one
// that it does not. other is a second value of a policy that matches neither.
type operatorSample struct {
	name, value, other, match, miss string
	negated                         bool
}

var operatorSamples = func() []operatorSample {
	b64 := base64.StdEncoding.EncodeToString
	const user, role = "arn:aws:iam::123456789012:user/bob", "arn:aws:iam::123456789012:role/ops"
	return []operatorSample{
		{name: "StringEquals", value: "red", other: "blue", match: "red", miss: "Red"},
		{name: "StringNotEquals", value: "red", other: "blue", match: "red", miss: "Red", negated: true},
		{name: "StringEqualsIgnoreCase", value: "red", other: "blue", match: "RED", miss: "reds"},
		{name: "StringNotEqualsIgnoreCase", value: "red", other: "blue", match: "RED", miss: "reds", negated: true},
		{name: "StringLike", value: "r?d*", other: "blue", match: "rudder", miss: "rd"},
		{name: "StringNotLike", value: "r?d*", other: "blue", match: "rudder", miss: "rd", negated: true},
		{name: "NumericEquals", value: "7", other: "70", match: "7.0", miss: "7.5"},
		{name: "NumericNotEquals", value: "7", other: "70", match: "7.0", miss: "7.5", negated: true},
		{name: "NumericLessThan", value: "7", other: "3", match: "6.9", miss: "7"},
		{name: "NumericLessThanEquals", value: "7", other: "3", match: "7", miss: "7.1"},
		{name: "NumericGreaterThan", value: "7", other: "70", match: "7.1", miss: "7"},
		{name: "NumericGreaterThanEquals", value: "7", other: "70", match: "7", miss: "6.9"},
		{name: "DateEquals", value: "2026-03-01T00:00:00Z", other: "2020-01-01", match: "1772323200", miss: "2026-03-01T00:00:01Z"},
		{name: "DateNotEquals", value: "2026-03-01T00:00:00Z", other: "2020-01-01", match: "1772323200", miss: "2026-03-01T00:00:01Z", negated: true},
		{name: "DateLessThan", value: "2026-03-01T00:00:00Z", other: "2020-01-01", match: "2026-02-28", miss: "2026-03-01"},
		{name: "DateLessThanEquals", value: "2026-03-01T00:00:00Z", other: "2020-01-01", match: "2026-03-01", miss: "2026-03-02"},
		{name: "DateGreaterThan", value: "2026-03-01T00:00:00Z", other: "2030-01-01", match: "2026-03-02", miss: "2026-03-01"},
		{name: "DateGreaterThanEquals", value: "2026-03-01T00:00:00Z", other: "2030-01-01", match: "2026-03-01", miss: "2026-02-28"},
		{name: "Bool", value: "true", other: "true", match: "True", miss: "false"},
		{name: "BinaryEquals", value: b64([]byte("key")), other: b64([]byte("lock")), match: "key", miss: "Key"},
		{name: "IpAddress", value: "203.0.113.0/24", other: "2001:db8::/32", match: "203.0.113.9", miss: "203.0.114.9"},
		{name: "NotIpAddress", value: "203.0.113.0/24", other: "2001:db8::/32", match: "203.0.113.9", miss: "203.0.114.9", negated: true},
		{name: "ArnEquals", value: "arn:aws:iam::*:user/*", other: "arn:aws:sns:*:*:*", match: user, miss: role},
		{name: "ArnLike", value: "arn:aws:iam::*:user/*", other: "arn:aws:sns:*:*:*", match: user, miss: role},
		{name: "ArnNotEquals", value: "arn:aws:iam::*:user/*", other: "arn:aws:sns:*:*:*", match: user, miss: role, negated: true},
		{name: "ArnNotLike", value: "arn:aws:iam::*:user/*", other: "arn:aws:sns:*:*:*", match: user, miss: role, negated: true},
	}
}()

// An operatorForm is how an operator is written, with what it answers: to one
// value that matches and one that does not, to no key, and to the sets of both
// and of the one that matches or does not alone. The answers of a negated
// operator come second.
//
// Source: IAM User Guide, "Condition operators", "…IfExists", "Multivalued
// context keys"; facts on evaluation, rules 20 to 24.
type operatorForm struct {
	prefix, suffix string
	match, miss    [2]string
	absent         [2]string
	both           [2]string
	onlyMatch      [2]string
	onlyMiss       [2]string
}

var operatorForms = []operatorForm{
	{match: [2]string{"yes", "no"}, miss: [2]string{"no", "yes"}, absent: [2]string{"no", "yes"}, both: [2]string{"maybe", "maybe"}},
	{suffix: "IfExists",
		match: [2]string{"yes", "no"}, miss: [2]string{"no", "yes"}, absent: [2]string{"yes", "yes"}, both: [2]string{"maybe", "maybe"}},
	{prefix: "ForAllValues:",
		match: [2]string{"yes", "no"}, miss: [2]string{"no", "yes"}, absent: [2]string{"yes", "yes"}, both: [2]string{"no", "no"},
		onlyMatch: [2]string{"yes", "no"}, onlyMiss: [2]string{"no", "yes"}},
	{prefix: "ForAllValues:", suffix: "IfExists",
		match: [2]string{"yes", "no"}, miss: [2]string{"no", "yes"}, absent: [2]string{"yes", "yes"}, both: [2]string{"no", "no"},
		onlyMatch: [2]string{"yes", "no"}, onlyMiss: [2]string{"no", "yes"}},
	{prefix: "ForAnyValue:",
		match: [2]string{"yes", "no"}, miss: [2]string{"no", "yes"}, absent: [2]string{"no", "no"}, both: [2]string{"yes", "yes"},
		onlyMatch: [2]string{"yes", "no"}, onlyMiss: [2]string{"no", "yes"}},
	{prefix: "ForAnyValue:", suffix: "IfExists",
		match: [2]string{"yes", "no"}, miss: [2]string{"no", "yes"}, absent: [2]string{"maybe", "maybe"}, both: [2]string{"yes", "yes"},
		onlyMatch: [2]string{"yes", "no"}, onlyMiss: [2]string{"no", "yes"}},
}

func TestEveryOperatorInEveryFormAnswersEveryKindOfKey(t *testing.T) {
	for _, o := range operatorSamples {
		for _, f := range operatorForms {
			for _, c := range o.cases(f) {
				t.Run(c.condition+" "+c.what, func(t *testing.T) {
					if got := held(t, "2012-10-17", c.condition, c.context); got != c.want {
						t.Errorf("got %s, want %s", got, c.want)
					}
				})
			}
		}
	}
}

type operatorCase struct {
	condition, what, want string
	context               *Context
}

func (o operatorSample) cases(f operatorForm) []operatorCase {
	answer := 0
	if o.negated {
		answer = 1
	}
	name := f.prefix + o.name + f.suffix
	one := fmt.Sprintf(`{%q:{"k":%q}}`, name, o.value)
	two := fmt.Sprintf(`{%q:{"k":[%q,%q]}}`, name, o.other, o.value)
	single := func(v string) *Context { c := new(Context); c.Set("k", v); return c }
	many := func(v ...string) *Context { c := new(Context); c.SetMany("k", v); return c }
	cases := []operatorCase{
		{one, "positive", f.match[answer], single(o.match)},
		{one, "negative", f.miss[answer], single(o.miss)},
		{two, "one of two values", f.match[answer], single(o.match)},
		{two, "none of two values", f.miss[answer], single(o.miss)},
		{one, "key absent", f.absent[answer], new(Context)},
		{one, "key without values", f.absent[answer], many()},
		{one, "multi-value", f.both[answer], many(o.match, o.miss)},
	}
	if f.prefix != "" {
		cases = append(cases,
			operatorCase{one, "multi-value, all match", f.onlyMatch[answer], many(o.match, o.match)},
			operatorCase{one, "multi-value, none matches", f.onlyMiss[answer], many(o.miss, o.miss)})
	}
	return cases
}

// A rule is one of the facts about evaluation, with its implementation and its
// tests.
type rule struct {
	topic, says, tests string
}

var rules = []rule{
	{"Version", "a missing Version means 2008-10-17, in which `${…}` is literal text", "TestADocumentWithoutVersionIsOfTheOldOne TestOldVersionHasNoVariables TestOldVersionTakesAVariableInAResourceLiterally"},
	{"one or many", "an element is a value or a list; numbers and booleans need no quotation marks", "TestParseReadsEveryElement TestParseAccepts TestBool"},
	{"duplicates", "a repeated key, or an unknown element or operator, makes the document unreadable, and its decisions unknown", "TestParseRefuses TestWhatCannotBeReadIsUnknownUnlessItDoesNotMatter"},
	{"kinds", "which kinds of policy require Principal and Resource, and which refuse them", "TestParseRefuses TestParseAccepts"},
	{"identity set", "inline, attached and group policies together; default versions only", "TestIdentityBoundaryAndSessionPolicies"},
	{"actions", "case-insensitive; `*` and `?` anywhere in the name", "TestStatements"},
	{"wildcard service", "not documented: unknown wherever the interpretations differ", "TestStatements"},
	{"action text", "nothing else is a pattern", "TestStatements"},
	{"NotAction", "the complement over all services", "TestStatements TestForceMFALetsOnlyEnrollmentThroughWithoutMFA"},
	{"ARN parts", "compared one by one; a star crosses a colon only in the last part", "TestStatements TestARNOperators"},
	{"resource `*`", "matches all; a specific ARN does not match an action without resources", "TestStatements"},
	{"short ARNs", "unknown, because they differ by policy type", "TestStatements TestARNOperators"},
	{"wildcard resource type", "not documented: unknown wherever the two interpretations differ", "TestStatements"},
	{"unresolved variable", "a Resource with it matches nothing; a NotResource with it is unknown", "TestStatements TestVariables"},
	{"everybody", "`*` and `{\"AWS\":\"*\"}` are equal; partial wildcards are refused", "TestResourcePoliciesWithinTheAccount TestParseRefuses"},
	{"account", "twelve digits and the root ARN delegate to the account", "TestAllowOfAResourcePolicyWithinTheAccount"},
	{"identities", "user, role, session, federated user, service", "TestResourcePoliciesWithinTheAccount TestASessionIsOfItsRoleWithoutIssuerToo"},
	{"deleted principals", "AIDA… and AROA… match nobody", "TestResourcePoliciesWithinTheAccount"},
	{"NotPrincipal", "unknown unless the documented safe form is used; always denies with a boundary", "TestNotPrincipal"},
	{"and, or", "all operators and keys must hold; one value is enough; with a negated operator no value may match", "TestSeveralConditionsMustAllHold TestEveryOperatorInEveryFormAnswersEveryKindOfKey"},
	{"key names", "case-insensitive", "TestContextKeysCompareWithoutCase TestStringOperators"},
	{"absent key", "depends on operator and form; ForAnyValue with IfExists is unknown", "TestEveryOperatorInEveryFormAnswersEveryKindOfKey TestNull"},
	{"set operators", "over the values of the request", "TestSetOperators TestEveryOperatorInEveryFormAnswersEveryKindOfKey"},
	{"many values without set operator", "no value meets the condition: it does not hold; otherwise unknown", "TestSetOperators TestEveryOperatorInEveryFormAnswersEveryKindOfKey"},
	{"operators", "string, number, date, Boolean, binary, address, ARN; values that cannot be compared do not match, and are unknown when negated", "TestStringOperators TestNumericOperators TestDateOperators TestBool TestBinary TestAddressOperators TestARNOperators"},
	{"variables", "literal when substituted; a missing one does not match, and a negated operator holds", "TestVariables"},
	{"explicit Deny", "wins, whichever policy contains it", "TestAddingADenyNeverAllowsMore TestWhatIsRefusedIsExplicitlyDenied"},
	{"same account", "a resource policy that names the caller is combined with identity, boundary and session policy by the documented table", "TestAllowOfAResourcePolicyWithinTheAccount"},
	{"trust and key policies", "must themselves allow the request", "TestTrustPoliciesAndKeyPoliciesMustAllow"},
	{"across accounts", "both sides must allow", "TestAcrossAccountsBothSidesMustAllow"},
	{"federated users", "have the permissions that user policy and session policy both allow; without a session policy, none", "TestFederatedUsersNeedASessionPolicy"},
	{"root user", "is limited only from outside the account", "TestTheRootUserIsBoundOnlyFromOutside"},
	{"anonymous and services", "have the permissions of the resource policy only", "TestServicesAndAnonymousCallersHaveOnlyTheResourcePolicy"},
	{"SCPs", "one Allow at every level, no Deny; not for the management account and service-linked roles", "TestServiceControlPolicies TestLimitsNeverGrant"},
	{"SCP language", "the full language, in Allow too", "TestServiceControlPolicies"},
	{"RCPs", "by the owner of the resource, for the services on AWS's list", "TestResourceControlPolicies TestServicesWithRCPsAreSorted"},
	{"implicit deny of a limit", "is reported separately from an explicit one; both deny", "TestServiceControlPolicies"},
}

// The credential table and the shapes of MFA conditions, in addition to the
// rules.
var mfaTests = []string{"TestMFAKeysOfCredentials", "TestSetMFAWritesTheKeysOfTheCredential", "TestMFAConditionShapes",
	"TestForwardedCallPassesADenyOfDirectCalls", "TestLimitsOutsideThePolicyLanguage", "TestTwoActionsWorkWhateverPoliciesSay"}

func TestDocumentationNamesTheTestsOfEveryRule(t *testing.T) {
	there := testNames(t)
	for i, r := range rules {
		for _, name := range strings.Fields(r.tests) {
			if !there[name] {
				t.Errorf("rule %d, %s: there is no %s", i+1, r.topic, name)
			}
		}
	}
	for _, name := range mfaTests {
		if !there[name] {
			t.Errorf("there is no %s", name)
		}
	}
	const file = "../docs/evaluation.md"
	want := evaluationPage()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/evaluation.md is old; run go test ./policy -run Documentation -update (-want +got):\n%s", diff)
	}
}

func TestEveryOperatorOfTheLanguageHasASample(t *testing.T) {
	source, err := os.ReadFile("condition.go")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(source), "var operators = map[string]operator{")
	table, _, _ = strings.Cut(table, "\n}\n")
	sampled := map[string]bool{"Null": true} // it has neither forms nor types: TestNull
	for _, o := range operatorSamples {
		sampled[o.name] = true
	}
	for _, m := range regexp.MustCompile(`"([A-Za-z]+)":`).FindAllStringSubmatch(table, -1) {
		if !sampled[m[1]] {
			t.Errorf("%s has no sample", m[1])
		}
		delete(sampled, m[1])
	}
	if len(sampled) > 0 {
		t.Errorf("samples of operators that are not in the table: %v", sampled)
	}
}

func testNames(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Test") {
				names[f.Name.Name] = true
			}
		}
	}
	return names
}

func evaluationPage() string {
	var b strings.Builder
	b.WriteString(`# How a request is decided

After reading this page you know by which rules forcemfa decides whether AWS would
allow a request, and which tests show each rule.

Package ` + "`policy`" + ` decides as AWS documents it. Where AWS does not document the
result, the answer is unknown, and the prover must be safe under both interpretations.
The tests of the package write this page.

## Rules

| # | about | rule | shown by |
|---|---|---|---|
`)
	for i, r := range rules {
		fmt.Fprintf(&b, "| %d | %s | %s | %s |\n", i+1, r.topic, r.says, strings.Join(strings.Fields(r.tests), ", "))
	}
	fmt.Fprintf(&b, "\nThe condition keys of every kind of credential, and the requests that AWS refuses whatever policies say, are one\n"+
		"table (`policy/credential.go`) that the emulator, the audit and the prover share: %s.\n", strings.Join(mfaTests, ", "))
	b.WriteString(`
## Condition operators

Number of test cases: positive, negative, one and none of two values, key absent, key
without values, several values. All are in TestEveryOperatorInEveryFormAnswersEveryKindOfKey;
` + "`Null`" + `, which has no forms, is in TestNull.

| operator |`)
	for _, f := range operatorForms {
		fmt.Fprintf(&b, " %s…%s |", f.prefix, f.suffix)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(operatorForms)) + "\n")
	for _, o := range operatorSamples {
		fmt.Fprintf(&b, "| %s |", o.name)
		for _, f := range operatorForms {
			fmt.Fprintf(&b, " %d |", len(o.cases(f)))
		}
		b.WriteString("\n")
	}
	b.WriteString(`
## Policy types

| type | shown by |
|---|---|
`)
	for _, row := range [][2]string{
		{"identity, group, inline", "TestIdentityBoundaryAndSessionPolicies"},
		{"permissions boundary", "TestIdentityBoundaryAndSessionPolicies, TestLimitsNeverGrant"},
		{"session policy", "TestIdentityBoundaryAndSessionPolicies, TestFederatedUsersNeedASessionPolicy"},
		{"resource policy", "TestAllowOfAResourcePolicyWithinTheAccount, TestResourcePoliciesWithinTheAccount, TestAcrossAccountsBothSidesMustAllow"},
		{"trust policy, key policy", "TestTrustPoliciesAndKeyPoliciesMustAllow"},
		{"service control policy", "TestServiceControlPolicies, TestLimitsNeverGrant"},
		{"resource control policy", "TestResourceControlPolicies, TestLimitsNeverGrant"},
	} {
		fmt.Fprintf(&b, "| %s | %s |\n", row[0], row[1])
	}
	b.WriteString("\nProperties over random policies: TestAddingADenyNeverAllowsMore, TestAddingAnAllowNeverAllowsLess, TestLimitsNeverGrant,\n" +
		"TestWhatIsRefusedIsExplicitlyDenied, TestAnUnreadableDocumentNeverSettlesAnything, TestParsePrintParse, TestExplainAgreesWithDecide.\n" +
		"Fuzz targets: FuzzParse, FuzzDecide, FuzzParse and FuzzGlob in policy/arn.\n")
	return b.String()
}
