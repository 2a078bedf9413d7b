package certificate_test

import (
	"encoding/json"
	"strings"
	"testing"

	"forcemfa/policy"
	"forcemfa/policy/prove"
	"forcemfa/policy/prove/certificate"
)

func observed(t *testing.T, answers ...string) policy.Observed {
	t.Helper()
	o, err := policy.ParseObserved(answers)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// Documents whose effect AWS does not document, one for each question. yes enforces MFA
// and no does not; for the last one it is the other way around.
var doubtful = []struct {
	question   string
	yes, no    prove.Outcome
	statements []string
}{
	{"binary-on-mfa-key", prove.Enforced, prove.Open, []string{
		strings.Replace(denyAll, "%s", `"BinaryEqualsIfExists":{"aws:MultiFactorAuthPresent":"ZmFsc2U="}`, 1), others, byKey}},
	{"notresource-without-value", prove.Enforced, prove.Open, []string{
		strings.NewReplacer(`"Resource":"*"`, `"NotResource":"arn:aws:s3:::${aws:PrincipalTag/none}"`, "%s", mfa).Replace(denyAll), others, byKey}},
	{"single-on-many", prove.Enforced, prove.Open, []string{
		strings.Replace(denyAll, "%s", mfa+`,"StringEquals":{"aws:TagKeys":"x"}`, 1),
		strings.Replace(denyAll, "%s", mfa+`,"ForAllValues:StringEquals":{"aws:TagKeys":"x"}`, 1),
		strings.Replace(denyAll, "%s", mfa+`,"ForAllValues:StringNotEquals":{"aws:TagKeys":"x"}`, 1), others, byKey}},
}

// Without an observed answer such a document proves nothing. With it the answer is
// decided and names it, and no other.
func TestObservedAnswerDecidesWhatIsUnknownWithoutIt(t *testing.T) {
	for _, d := range doubtful {
		s := bob(source(t, append(d.statements, `{"Effect":"Allow","Action":"*","Resource":"*"}`)...))
		if a := prove.User(s); a.Outcome != prove.Unknown || !a.Observed.IsZero() {
			t.Errorf("%s: without an answer: %v %s", d.question, a.Outcome, a.Why)
		}
		for answer, want := range map[string]prove.Outcome{"yes": d.yes, "no": d.no} {
			s.Observed = observed(t, answersExcept(d.question, d.question+"="+answer)...)
			a := prove.User(s)
			if own := observed(t, d.question+"="+answer); a.Outcome != want || a.Observed != own {
				t.Errorf("%s=%s: %v (%s), relies on %v", d.question, answer, a.Outcome, a.Why, a.Observed)
			}
		}
	}
}

// answersExcept are answers to all questions; own is the one to a question.
func answersExcept(question, own string) []string {
	out := []string{own}
	for _, d := range doubtful {
		if d.question != question {
			out = append(out, d.question+"=yes")
		}
	}
	return out
}

// The checker accepts a proof that relies on an observed answer only if the claim makes
// the same assumption.
func TestCheckerTakesNoHiddenAssumption(t *testing.T) {
	for _, d := range doubtful {
		s := bob(source(t, append(d.statements, `{"Effect":"Allow","Action":"*","Resource":"*"}`)...))
		s.Observed = observed(t, d.question+"=yes")
		proof := prove.User(s).Proof
		if proof == nil {
			t.Errorf("%s: no proof", d.question)
			continue
		}
		c := claim(s)
		for _, other := range [][]string{nil, {d.question + "=no"}, answersExcept(d.question, d.question+"=no")} {
			c.Observed = observed(t, other...)
			if err := certificate.Check(proof, c); err == nil || !strings.Contains(err.Error(), d.question+"=yes") {
				t.Errorf("%s: with %v: %v", d.question, other, err)
			}
		}
		c.Observed = observed(t, answersExcept(d.question, d.question+"=yes")...)
		if err := certificate.Check(proof, c); err != nil {
			t.Errorf("%s: %v", d.question, err)
		}
		silent := *proof // it does not say what it relies on
		silent.Observed = policy.Observed{}
		c.Context = c.Context.Clone()
		c.Context.Observe(c.Observed)
		if err := certificate.Check(&silent, c); err == nil {
			t.Errorf("%s: a proof that hides what it relies on is accepted", d.question)
		}
	}
}

// A proof says in JSON what it relies on, and nothing if it relies on documentation alone.
func TestProofNamesItsObservedAnswers(t *testing.T) {
	for _, o := range []policy.Observed{{}, observed(t, "single-on-many=no", "binary-on-mfa-key=yes")} {
		text, err := json.Marshal(policy.Proof{Observed: o})
		if err != nil {
			t.Fatal(err)
		}
		if named := strings.Contains(string(text), `"observed":"binary-on-mfa-key=yes single-on-many=no"`); named == o.IsZero() {
			t.Errorf("%v: %s", o, text)
		}
		var back policy.Proof
		if err := json.Unmarshal(text, &back); err != nil || back.Observed != o {
			t.Errorf("%v: %v %v", o, back.Observed, err)
		}
	}
	var back policy.Proof
	for _, bad := range []string{"no-question=yes", "single-on-many=maybe", "single-on-many", "single-on-many=yes single-on-many=no"} {
		if err := json.Unmarshal([]byte(`{"observed":"`+bad+`"}`), &back); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}
