package prove_test

import (
	"runtime"
	"testing"

	"forcemfa/policy"
	"forcemfa/policy/prove"
)

// A document that nobody holds any more gives its memory to another one, which
// must not be taken for it.
func TestADocumentIsNotTakenForOneThatIsGone(t *testing.T) {
	const tight = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotAction":"iam:GetUser","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}]}`
	const loose = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotAction":"iam:GetUser","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true" }}}]}`
	var p prove.Prover
	want := map[string]prove.Outcome{}
	for _, text := range []string{tight, loose} {
		want[text] = prove.User(bob(&policy.Set{Identity: []policy.Source{policy.ParseSource("p", policy.Identity, text)}})).Outcome
	}
	if want[tight] == want[loose] {
		t.Fatalf("both are %v", want[tight])
	}
	for i := range 600 {
		text := []string{tight, loose}[i%2]
		a := p.User(bob(&policy.Set{Identity: []policy.Source{policy.ParseSource("p", policy.Identity, text)}}))
		if a.Outcome != want[text] {
			t.Fatalf("document %d: %v, want %v", i, a.Outcome, want[text])
		}
		if i%10 == 9 {
			p.ForgetDocuments()
			runtime.GC()
		}
	}
}
