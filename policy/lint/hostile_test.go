package lint_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"forcemfa/internal/testdepth"
	"forcemfa/policy"
	"forcemfa/policy/lint"
)

func TestKindIsGuessedFromTheContent(t *testing.T) {
	for _, row := range []struct {
		text string
		want policy.Kind
	}{
		{doc(allow("s3:*", `"*"`)), policy.Identity},
		{doc(trust(alice, mfa)), policy.Trust},
		{`{"Statement":` + trust(alice, mfa) + `}`, policy.Trust},
		{doc(`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}`), policy.Resource},
		{doc(`{"Effect":"Deny","NotPrincipal":{"AWS":"123456789012"},"Action":"s3:GetObject","Resource":"*"}`), policy.Resource},
	} {
		if got, err := lint.Guess(row.text); got != row.want || err != nil {
			t.Errorf("%s: %v, %v", row.text, got, err)
		}
	}
}

func TestTextThatIsNotAPolicyIsNeverClean(t *testing.T) {
	for text, want := range map[string]string{
		``:                           "not JSON",
		`hello`:                      "not JSON",
		`[]`:                         "not an object",
		`null`:                       "an object without Statement",
		`{"a": 1}`:                   "an object without Statement",
		`{"Effect":"Allow"}`:         "only a statement",
		`{"Resources":{}}`:           "CloudFormation",
		`{"PolicyVersion":{}}`:       "PolicyVersion.Document",
		`{"Role":{}}`:                "Role.AssumeRolePolicyDocument",
		`{"PolicyDocument":{}}`:      "--query PolicyDocument",
		`{"Policy":{"Content":"x"}}`: "a Policy that has no Statement",
		`{"statement":[]}`:           "write Statement",
	} {
		for _, kind := range []policy.Kind{0, policy.Identity, policy.SCP} {
			_, err := lint.Check(kind, text)
			var no *lint.NotPolicyError
			if !errors.As(err, &no) || !strings.Contains(no.Why, want) {
				t.Errorf("%s as %v: %v, want %s", text, kind, err, want)
			}
		}
	}
}

func TestBrokenPoliciesSayWhere(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{`{"Statement":5}`, "line 1, column 14"},
		{`{"Statement":[]}`, "Statement is empty"},
		{`{"Statement":[{"Effect":"Deny"`, "line 1"},
		{doc(deny(`"BoolIfExist":{"aws:MultiFactorAuthPresent":"false"}`)), "did you mean BoolIfExists?"},
		{doc(deny(`"boolifexists":{"aws:MultiFactorAuthPresent":"false"}`)), "did you mean BoolIfExists?"},
		{doc(deny(`"Boolean":{"aws:MultiFactorAuthPresent":"false"}`)), "unknown condition operator"},
		{doc(deny(`"Bool":{"aws:MultiFactorAuthPresent":"false"},"Bool":{}`)), "duplicate"},
		{`{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Effect":"Allow"}]}`, "duplicate"},
		{`{"Statement":[{"Effect":"deny","Action":"*","Resource":"*"}]}`, "want Allow or Deny"},
		{`{"Statement":{"Effect":"Deny","Action":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `,"Resource":"*"}}`, "line 1"},
	} {
		_, err := lint.Check(0, row.text)
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%.80s: %v, want %s", row.text, err, row.want)
		}
	}
}

// unit is the time that the seed's document takes here: limits of time are
// multiples of it, so that they mean the same on a machine that is starved of CPU
// and under the race detector.
func unit(tb testing.TB) time.Duration {
	text := read(tb, "seeds/001-force-mfa.json")
	best := time.Duration(math.MaxInt64)
	for range 5 {
		start := time.Now()
		if _, err := lint.Check(policy.Identity, text); err != nil {
			tb.Fatal(err)
		}
		best = min(best, time.Since(start))
	}
	return best
}

// inTime checks a document, and fails when that takes too long: three times, for
// the machine may have stood still.
func inTime(t *testing.T, unit time.Duration, k policy.Kind, text string) (*lint.Report, error) {
	var took time.Duration
	for range 3 {
		start := time.Now()
		r, err := lint.Check(k, text)
		if took = time.Since(start); took <= 1000*unit {
			return r, err
		}
	}
	t.Fatalf("took %v, where the seed's document takes %v", took, unit)
	return nil, nil
}

// Documents as large as AWS takes them, and larger, made to cost much. The limit
// of time is wide: it catches what grows with the square of the size.
func TestHostileDocumentsEndInTime(t *testing.T) {
	repeat := func(n int, statement string) string {
		return doc(strings.TrimSuffix(strings.Repeat(statement+",", n), ","))
	}
	many := func(n int, item string) string { return strings.TrimSuffix(strings.Repeat(item+",", n), ",") }
	stars := strings.Repeat("*a", 20)
	unit := unit(t)
	for name, text := range testdepth.Cases(map[string]string{
		"10000 statements":   repeat(10000, deny(`"Bool":{"aws:MultiFactorAuthPresent":"false"}`)),
		"weak denies":        repeat(260/testdepth.Each(2), deny(`"Bool":{"aws:MultiFactorAuthPresent":"false"}`)),
		"weak gates":         repeat(260/testdepth.Each(2), gate(`"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}`)),
		"guards":             repeat(90/testdepth.Each(2), guard("", "")),
		"exceptions":         doc(guard(`,`+many(2000, `"ec2:*a*"`), "")),
		"stars":              doc(guard(`,`+many(600/testdepth.Each(3), `"iam:`+stars+`"`), "")),
		"misspelled actions": doc(allow(`x:y","Action2":"`, `"*"`)),
		"unknown actions":    doc(`{"Effect":"Allow","Action":[` + many(2000, `"ec2:Frobnica"`) + `],"Resource":"*"}`),
		"resources":          doc(`{"Effect":"Deny","Action":"*","Resource":[` + many(500/testdepth.Each(2), `"arn:aws:s3:::`+stars+`"`) + `],"Condition":{` + noMFA + `}}`),
		"values":             doc(guard("", `,"StringNotLike":{"aws:UserAgent":[`+many(1000, `"`+stars+`"`)+`]}`)),
		"variables":          doc(allow("iam:*", `[`+many(500, `"arn:aws:iam::*:user/${aws:username}*"`)+`]`)),
		"principals":         doc(trust(`{"AWS":[`+many(1500, `"123456789012"`)+`]}`, mfa)),
		"one long string":    doc(allow("s3:"+strings.Repeat("a", 1<<20), `"*"`)),
	}, 2) {
		t.Run(name, func(t *testing.T) {
			r, err := inTime(t, unit, 0, text)
			if err == nil && len(r.Findings) == 0 {
				t.Error("reported clean")
			}
		})
	}
}

func FuzzDocument(f *testing.F) {
	for _, p := range pairs {
		if len(p.bad) < 3000 {
			f.Add(p.text(p.bad), uint8(p.kind))
		}
	}
	for _, name := range []string{"seeds/001-force-mfa.json", "seeds/003-assume-roles.json", "samples/forcemfa-enroll.json"} {
		f.Add(read(f, name), uint8(0))
	}
	unit := unit(f)
	f.Fuzz(func(t *testing.T, text string, kind uint8) {
		k := policy.Kind(kind % uint8(policy.Trust+1))
		r, err := inTime(t, unit, k, text)
		if err != nil {
			return
		}
		if _, err := policy.Parse(r.Kind, text); err != nil {
			t.Fatalf("a document that cannot be read was linted: %v", err)
		}
		for i := range r.Findings {
			f := &r.Findings[i]
			checkExample(t, r.Kind, text, f)
			if f.Fix == nil {
				continue
			}
			corrected, err := f.Fix.Apply(r.Kind, text)
			if err != nil {
				t.Fatalf("%s: %v", f.Code, err)
			}
			if _, err := policy.Parse(r.Kind, corrected); err != nil {
				t.Errorf("%s: the corrected text cannot be read: %v in %s", f.Code, err, corrected)
			}
		}
	})
}
