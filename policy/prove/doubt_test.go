package prove_test

import (
	"fmt"
	"strings"
	"testing"

	"forcemfa/policy"
	"forcemfa/policy/prove"
)

// What is unknown about one role is said of that role, and of the worst one if there are several. A role that certainly
// refuses leaves no doubt.
func TestADoubtNamesTheRoleItIsAbout(t *testing.T) {
	role := func(name string, trust policy.Source) prove.Role {
		return prove.Role{ARN: "arn:aws:iam::" + account + ":role/" + name, Trust: trust}
	}
	refuses := source(policy.Trust, "trust", `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::`+account+`:user/bob"},"Action":"sts:AssumeRole","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`)
	for _, row := range []struct {
		name    string
		roles   []prove.Role
		outcome prove.Outcome
		about   string
	}{
		{"all refuse", []prove.Role{role("a", refuses), role("b", refuses)}, prove.Enforced, ""},
		{"the second was not read", []prove.Role{role("a", refuses), role("b", policy.Source{})}, prove.Unknown, "role/b"},
		{"the first was not read", []prove.Role{role("a", policy.Source{}), role("b", refuses)}, prove.Unknown, "role/a"},
		{"none was read", []prove.Role{role("a", policy.Source{}), role("b", policy.Source{})}, prove.Unknown, "role/a"},
	} {
		s := bob(identity(`{"Effect":"Allow","Action":"iam:GetUser","Resource":"*"}`))
		s.Roles = row.roles
		a := prove.User(s)
		if a.Today.Outcome != row.outcome || !strings.Contains(a.Today.Why, row.about) || (row.about == "") != (a.Today.Why == "") {
			t.Errorf("%s: today %+v, want %v %s", row.name, a.Today, row.outcome, row.about)
		}
	}
}

// An Allow that no table of familiar requests reaches is found with the value that its condition needs, and the example
// spells a key as the policy does.
func TestAnAllowIsFoundWithTheValueOfItsCondition(t *testing.T) {
	for _, row := range []struct{ condition, key, value string }{
		{`"StringEquals":{"aws:RequestTag/Team":"red"}`, "aws:RequestTag/Team", "red"},
		{`"NumericGreaterThan":{"athena:Limit":"7"}`, "athena:Limit", ""},
		{`"StringEquals":{"aws:username":["${aws:RequestTag/First}-x","${aws:ResourceTag/Owner}"]}`, "aws:ResourceTag/Owner", "bob"},
		{`"StringEquals":{"aws:username":["${aws:ResourceTag/Owner}","${aws:RequestTag/Second}-x"]}`, "aws:ResourceTag/Owner", "bob"},
		{`"StringEquals":{"aws:RequestTag/First":"*-${aws:ResourceTag/Owner}"}`, "aws:RequestTag/First", "*-example"},
		{`"StringLike":{"aws:RequestTag/First":"?-${aws:ResourceTag/Owner}"}`, "aws:RequestTag/First", "x-example"},
	} {
		s := bob(identity(`{"Effect":"Allow","Action":"athena:StartQueryExecution","Resource":"*","Condition":{` + row.condition + `}}`))
		a := prove.User(s)
		if a.Outcome != prove.Open || a.Latent || a.Counterexample.Action != "athena:StartQueryExecution" {
			t.Errorf("%s: %s", row.condition, text1(a))
			continue
		}
		replay(t, s, a)
		got := a.Counterexample.Keys[row.key]
		if len(got) != 1 || row.value != "" && got[0] != row.value {
			t.Errorf("%s: keys %v", row.condition, a.Counterexample.Keys)
		}
	}
}

// The two keys of the time agree: what one condition says about one of them holds for the other.
func TestTheClocksAgree(t *testing.T) {
	const january2031 = 1924992000
	on := func(test string) string { return fmt.Sprintf(denyAll, mfa+","+test) }
	after := on(`"DateGreaterThanEquals":{"aws:CurrentTime":"2031-01-01T00:00:00Z"}`)
	for _, row := range []struct {
		name    string
		before  string
		outcome prove.Outcome
	}{
		{"seconds that meet the date", fmt.Sprintf(`"NumericLessThan":{"aws:EpochTime":"%d"}`, january2031), prove.Enforced},
		{"a date of the other key that meets it", `"DateLessThan":{"aws:EpochTime":"2031-01-01T00:00:00Z"}`, prove.Enforced},
		{"seconds that leave an hour open", fmt.Sprintf(`"NumericLessThan":{"aws:EpochTime":"%d"}`, january2031-3600), prove.Open},
	} {
		s := bob(identity(on(row.before), after, others, byKey, admin))
		a := prove.User(s)
		if a.Outcome != row.outcome {
			t.Errorf("%s: %s", row.name, text1(a))
		}
		if a.Outcome == prove.Open {
			replay(t, s, a)
		}
	}
}

// Bool and String operators on a key of the sender compare the same texts, so that nothing about them is unknown,
// except what Bool makes of other texts, which AWS does not document.
func TestBoolAndStringOnOneKeyAreDecided(t *testing.T) {
	on := func(test string) string {
		return fmt.Sprintf(denyAll, `"Null":{"aws:MultiFactorAuthAge":"true"},`+test)
	}
	const tag = "aws:RequestTag/x"
	for _, row := range []struct {
		one, other string
		outcome    prove.Outcome
	}{
		{`"Bool":{"` + tag + `":"true"}`, `"StringNotEqualsIfExists":{"` + tag + `":"true"}`, prove.Enforced},
		{`"BoolIfExists":{"` + tag + `":"true"}`, `"StringNotEquals":{"` + tag + `":"true"}`, prove.Enforced},
		{`"Bool":{"` + tag + `":"true"}`, `"StringNotEqualsIfExists":{"` + tag + `":"false"}`, prove.Open},
		{`"Bool":{"` + tag + `":"true"}`, `"BoolIfExists":{"` + tag + `":"false"}`, prove.Unknown},
	} {
		s := bob(identity(on(row.one), on(row.other), others, byKey, admin))
		if a := prove.User(s); a.Outcome != row.outcome {
			t.Errorf("%s and %s: %s", row.one, row.other, text1(a))
		}
	}
}

// A session policy without a statement allows nothing; it differs from no session policy, in the memory of a prover as well.
func TestAnEmptySessionPolicyIsNotNone(t *testing.T) {
	set := identity(admin)
	limited := *set
	limited.Session = []policy.Source{}
	var p prove.Prover
	for _, s := range []*policy.Set{set, &limited, set} {
		a, alone := p.User(bob(s)), prove.User(bob(s))
		if text(a) != text(alone) || a.Latent != (s == &limited) {
			t.Errorf("session policies %v: %s, alone %s", s.Session != nil, text1(a), text1(alone))
		}
	}
}

// The same two documents in other layers are another set.
func TestTheLayersOfDocumentsAreRemembered(t *testing.T) {
	one, two := source(policy.Identity, "one", admin), source(policy.Identity, "two", force...)
	deny := policy.Source{Name: "two", Document: two.Document}
	var p prove.Prover
	for _, set := range []*policy.Set{
		{Identity: []policy.Source{one, deny}}, {Identity: []policy.Source{one}, Boundary: &deny}, {Identity: []policy.Source{one}, Session: []policy.Source{deny}},
		{Identity: []policy.Source{one}, SCPs: [][]policy.Source{{deny}}}, {Identity: []policy.Source{one}, RCPs: [][]policy.Source{{deny}}},
	} {
		got, want := p.User(bob(set)), prove.User(bob(set))
		if text(got) != text(want) || got.Strict != want.Strict {
			t.Errorf("%d identity policies: %s, alone %s", len(set.Identity), text1(got), text1(want))
		}
	}
}

// Where values of operators of several types meet on one key, the answer names the key; a variable is only named where the
// policy has one.
func TestADoubtAboutOperatorsOfSeveralTypesNamesTheKey(t *testing.T) {
	const several, variable = "compare aws:RequestTag/x with operators of several types", "a variable whose value the sender chooses"
	for _, row := range []struct {
		denies []string
		why    string
	}{
		{[]string{`"StringLike":{"aws:RequestTag/x":"*"}`, `"NumericGreaterThanEquals":{"aws:RequestTag/x":"10"}`, `"Null":{"aws:RequestTag/x":"true"}`}, several},
		{[]string{`"StringEqualsIgnoreCase":{"aws:RequestTag/x":"a"}`, `"StringNotEqualsIfExists":{"aws:RequestTag/x":"a"}`, `"NumericEquals":{"aws:RequestTag/x":"10"}`}, several},
		{[]string{`"Bool":{"aws:RequestTag/x":"true"}`, `"StringNotEqualsIfExists":{"aws:RequestTag/x":"true"}`, `"NumericLessThan":{"aws:RequestTag/x":"10"}`}, several},
		{[]string{`"StringLike":{"aws:RequestTag/x":"*"}`, `"DateLessThan":{"aws:RequestTag/x":"2026-01-01"}`, `"Null":{"aws:RequestTag/x":"true"}`}, several},
		{[]string{`"StringEquals":{"aws:RequestTag/x":"${aws:RequestTag/y}"}`, `"StringNotEqualsIfExists":{"aws:RequestTag/x":"${aws:RequestTag/y}"}`}, variable},
	} {
		list := []string{admin, others, byKey}
		for _, condition := range row.denies {
			list = append(list, fmt.Sprintf(denyAll, mfa+","+condition))
		}
		before := identity(list[1:]...).Identity[0].Document
		if a := prove.User(bob(identity(list...))); a.Outcome != prove.Unknown || !strings.Contains(a.Why, row.why) {
			t.Errorf("%s: %s", row.denies, text1(a))
		}
		whole := identity(others, byKey, fmt.Sprintf(denyAll, mfa)).Identity[0].Document
		if a := prove.Weakens(whole, before, nil); a.Outcome != prove.Unknown || !strings.Contains(a.Why, row.why) {
			t.Errorf("%s compared with a Deny of everything: %v %s", row.denies, a.Outcome, a.Why)
		}
	}
}

// A request that plainly passes is found, however many others depend on behavior that AWS
// does not document.
func TestAPlainGapIsFoundBesideUndecidedRequests(t *testing.T) {
	// a text that is no number
	halves := func(scope string) []string {
		return []string{
			strings.Replace(fmt.Sprintf(denyAll, mfa+`,"NumericEquals":{"sts:ExternalId":"1"}`), `"iam:GetUser"`, scope, 1),
			strings.Replace(fmt.Sprintf(denyAll, mfa+`,"NumericNotEqualsIfExists":{"sts:ExternalId":"1"}`), `"iam:GetUser"`, scope, 1),
		}
	}
	for _, row := range []struct {
		name       string
		statements []string
		want       string
	}{
		{"nothing else", append(halves(`"iam:GetUser"`), others, byKey), "unknown"},
		{"a device by access key", append(halves(`"iam:GetUser"`), others), "open iam:EnableMFADevice without MFA by access key on " + self},
		{"the device of another user", append(halves(`"iam:GetUser"`), byKey), "open iam:EnableMFADevice without MFA by console on arn:aws:iam::" + account + ":user/somebody-else"},
		{"one more action", append(halves(`"iam:GetUser","braket:CancelJob"`), others, byKey), "open braket:CancelJob "},
		{"more actions", append(halves(`"iam:GetUser","braket:Cancel*"`), others, byKey), "open braket:Cancel"},
	} {
		s := bob(identity(append(row.statements, admin)...))
		a := prove.User(s)
		if got := text(a); !strings.HasPrefix(got, row.want) {
			t.Errorf("%s: %s (%s), want %s", row.name, got, a.Why, row.want)
		}
		if a.Outcome == prove.Open {
			replay(t, s, a)
		}
		if a.Outcome == prove.Unknown && !strings.Contains(a.Why, "negated operator") {
			t.Errorf("%s: why %q", row.name, a.Why)
		}
	}
}

// Where an Allow meets a Deny that may apply or not, nobody can say that nothing is
// allowed today, also when another request is found that nothing refuses.
func TestAnAllowUnderADoubtfulDenyIsNotSafeToday(t *testing.T) {
	doubtful := `{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"BinaryEqualsIfExists":{"aws:MultiFactorAuthPresent":"ZmFsc2U="}}}`
	for _, row := range []struct {
		allow string
		want  prove.Outcome
	}{
		{`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`, prove.Unknown},
		{`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`, prove.Enforced},
		{`{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"}`, prove.Open},
	} {
		a := prove.User(bob(identity(row.allow, doubtful)))
		if a.Outcome != prove.Open || a.Today.Outcome != row.want || (row.want == prove.Unknown) != strings.Contains(a.Today.Why, "BinaryEquals") {
			t.Errorf("%s: %s, today %v %q, want %v", row.allow, text1(a), a.Today.Outcome, a.Today.Why, row.want)
		}
	}
}
