package prove_test

import (
	"fmt"
	"strings"
	"testing"

	"forcemfa/internal/testdepth"
	"forcemfa/policy"
	"forcemfa/policy/prove"
)

// Documents that are made to cost much, or to look safe. None of them is, so
// none may be proved for every action; the search ends because it is bounded.
func TestHostileDocumentsAreNeverSafe(t *testing.T) {
	stars := func(n int) string { return strings.Repeat("*a", n) + "*" }
	many := func(n int, format string) string {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf(format, i)
		}
		return strings.Join(list, ",")
	}
	tags := make([]string, 40/testdepth.Each(4))
	for i := range tags {
		tags[i] = fmt.Sprintf(denyAll, mfa+fmt.Sprintf(`,"StringEquals":{"aws:RequestTag/k%d":["a","b"],"aws:RequestTag/k%d":["c","d"]}`, i, (i+1)%len(tags)))
	}
	infixed := make([]string, 12) // they leave a bucket whose name has all infixes
	if !testdepth.Long() {
		infixed = infixed[:8]
	}
	for i := range infixed {
		infixed[i] = fmt.Sprintf(`{"Effect":"Deny","Action":"*","NotResource":"arn:aws:s3:::*x%dy*","Condition":{%s}}`, i, mfa)
	}
	infixes := many(24, `"s3:*x%dy*"`)
	for name, statements := range testdepth.Cases(map[string][]string{
		"stars in an action":         {`{"Effect":"Deny","NotAction":"s3:` + stars(40) + `","Resource":"arn:aws:s3:::*","Condition":{` + mfa + `}}`},
		"infixes in actions":         {`{"Effect":"Deny","Action":[` + infixes + `],"Resource":"*","Condition":{` + mfa + `}}`},
		"infixes left out":           {`{"Effect":"Deny","NotAction":[` + infixes + `],"Resource":"*","Condition":{` + mfa + `}}`},
		"stars in a resource":        {`{"Effect":"Deny","Action":"*","NotResource":"arn:aws:s3:::` + stars(40) + `","Condition":{` + mfa + `}}`},
		"infixes in resources":       {`{"Effect":"Deny","Action":"*","Resource":[` + many(20, `"arn:aws:s3:::*x%dy*"`) + `],"Condition":{` + mfa + `}}`},
		"infixes in resources, not":  {`{"Effect":"Deny","Action":"*","NotResource":[` + many(20, `"arn:aws:s3:::*x%dy*"`) + `],"Condition":{` + mfa + `}}`},
		"infixes that go together":   infixed,
		"many tags":                  tags,
		"many values":                {fmt.Sprintf(denyAll, mfa+`,"StringLike":{"aws:UserAgent":[`+many(40/testdepth.Each(2), `"*x%dy*"`)+`]}`), others, byKey},
		"many sets":                  {fmt.Sprintf(denyAll, mfa+`,"ForAllValues:StringLike":{"aws:TagKeys":[`+many(12, `"*x%dy*"`)+`]}`), others, byKey},
		"a short ARN":                {`{"Effect":"Deny","Action":"*","Resource":"arn:aws","Condition":{` + mfa + `}}`},
		"a short ARN, not":           {`{"Effect":"Deny","Action":"*","NotResource":"arn:aws","Condition":{` + mfa + `}}`},
		"a variable of the sender":   {`{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::${s3:prefix}*","Condition":{` + mfa + `}}`},
		"a variable, not":            {`{"Effect":"Deny","Action":"*","NotResource":"arn:aws:s3:::${s3:prefix}*","Condition":{` + mfa + `}}`},
		"a quote in a variable":      {`{"Effect":"Deny","Action":"*","NotResource":"arn:aws:s3:::${aws:nothing, 'a}b'}*","Condition":{` + mfa + `}}`},
		"a variable in a condition":  {fmt.Sprintf(denyAll, mfa+`,"StringNotEquals":{"aws:RequestedRegion":"${aws:UserAgent}"}`), others, byKey},
		"types that do not fit":      {fmt.Sprintf(denyAll, mfa+`,"NumericLessThan":{"aws:RequestTag/a":"5"},"StringLike":{"aws:RequestTag/a":"4*"}`), others, byKey},
		"a wildcard in the service":  {`{"Effect":"Deny","Action":"*:*","Resource":"*","Condition":{` + mfa + `}}`},
		"no values":                  {fmt.Sprintf(denyAll, `"Bool":{"aws:MultiFactorAuthPresent":[]}`), others, byKey},
		"ForAnyValue with IfExists":  {fmt.Sprintf(denyAll, `"ForAnyValue:BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}`), others, byKey},
		"a year as a time":           {fmt.Sprintf(denyAll, mfa+`,"DateGreaterThan":{"aws:CurrentTime":"1999"}`), others, byKey},
		"an address that is none":    {fmt.Sprintf(denyAll, mfa+`,"NotIpAddress":{"aws:SourceIp":"300.1.2.3"}`), others, byKey},
		"a number of 3000 digits":    {fmt.Sprintf(denyAll, mfa+`,"NumericLessThan":{"s3:max-keys":"`+strings.Repeat("9", 3000)+`"}`), others, byKey},
		"everything but every thing": {`{"Effect":"Deny","NotAction":"*","Resource":"*","Condition":{` + mfa + `}}`},
	}, 2) {
		t.Run(name, func(t *testing.T) {
			for _, list := range [][]string{statements, append([]string{admin}, statements...)} {
				a := prove.User(bob(identity(list...)))
				if a.Outcome == prove.Enforced && a.Strict == prove.Enforced {
					t.Error("proved")
				}
				if a.Outcome == prove.Unknown && a.Why == "" {
					t.Error("unknown, and no reason")
				}
			}
		})
	}
}

func TestManyStatementsAreDecided(t *testing.T) {
	var list []string
	for i := range 2000 {
		list = append(list, fmt.Sprintf(`{"Effect":"Deny","Action":"ec2:Run%d","Resource":"arn:aws:ec2:*:*:instance/i-%d"}`, i, i))
	}
	if got := text(prove.User(bob(identity(append(list, admin)...)))); !strings.HasPrefix(got, "open iam:AttachUserPolicy") {
		t.Error(got)
	}
	if got := text(prove.User(bob(identity(append(list, force...)...)))); got != "enforced" {
		t.Error(got)
	}
}

// Patterns that no resource of an action can match cost nothing.
func TestPatternsOfAnotherServiceAreLeftOut(t *testing.T) {
	buckets := make([]string, 20)
	for i := range buckets {
		buckets[i] = fmt.Sprintf(`"arn:aws:s3:::*x%dy*"`, i)
	}
	a := prove.User(bob(identity(append([]string{admin, `{"Effect":"Deny","Action":"*","Resource":[` + strings.Join(buckets, ",") + `]}`}, force...)...)))
	if got := text(a); got != "enforced" {
		t.Errorf("%s: %s", got, a.Why)
	}
}

// Strict is the stricter of the two universes.
func TestStrictSeesWhatAWSHasYetToInvent(t *testing.T) {
	var services []string
	for _, s := range catalogServices() {
		services = append(services, s+":*")
	}
	every := `{"Effect":"Deny","Action":["` + strings.Join(services, `","`) + `"],"Resource":"*","Condition":{` + mfa + `}}`
	a := prove.User(with(bob(identity(every, admin)), func(s *prove.Subject) { s.Enrollment = nil }))
	if a.Outcome != prove.Enforced || a.Strict != prove.Open || a.Beyond == nil {
		t.Errorf("%s, strict %v, beyond %v", text1(a), a.Strict, a.Beyond)
	}
	a = prove.User(bob(identity(append(force, admin)...)))
	if a.Strict != prove.Enforced || !a.Proof.Strict {
		t.Errorf("ForceMFA: strict %v, beyond %v", a.Strict, a.Beyond)
	}
}

func TestTodayIsAnotherQuestion(t *testing.T) {
	gate := `"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`
	for _, row := range []struct {
		name string
		set  *policy.Set
		want prove.Outcome
	}{
		{"nothing", &policy.Set{}, prove.Enforced},
		{"an Allow behind MFA", identity(`{"Effect":"Allow","Action":"*","Resource":"*",` + gate + `}`), prove.Enforced},
		{"an Allow", identity(admin), prove.Open},
		{"an Allow that the boundary takes back", &policy.Set{Identity: identity(admin).Identity,
			Boundary: new(source(policy.Boundary, "b", `{"Effect":"Allow","Action":"*","Resource":"*",`+gate+`}`))}, prove.Enforced},
		{"an Allow that the boundary leaves for one bucket", &policy.Set{Identity: identity(admin).Identity,
			Boundary: new(source(policy.Boundary, "b", `{"Effect":"Allow","Action":"s3:PutObjectTagging","Resource":"arn:aws:s3:::one/*"}`))}, prove.Open},
		{"an Allow that an SCP gates", &policy.Set{Identity: identity(admin).Identity,
			SCPs: [][]policy.Source{{source(policy.SCP, "scp", `{"Effect":"Allow","Action":"*","Resource":"*",`+gate+`}`)}}}, prove.Enforced},
		{"a key whose policy was not read", identity(`{"Effect":"Allow","Action":"kms:Decrypt","Resource":"arn:aws:kms:*:*:key/*"}`), prove.Unknown},
		{"a policy that was not read", &policy.Set{Identity: []policy.Source{{Name: "x", Err: fmt.Errorf("no")}}}, prove.Unknown},
	} {
		a := prove.User(bob(row.set))
		if a.Today.Outcome != row.want || (a.Today.Outcome == prove.Unknown) != (a.Today.Why != "") {
			t.Errorf("%s: %v, why %q (%s)", row.name, a.Today.Outcome, a.Today.Why, text1(a))
		}
	}
}
