package lint

import (
	"fmt"
	"slices"

	"forcemfa/policy"
	"forcemfa/policy/prove"
)

// Compare returns a finding when a document is weaker than the one it replaces:
// a request without MFA passes that the old document refuses. It returns nil
// when there is provably no such request. Policies with principals are not
// compared, which is a finding as well.
func Compare(kind policy.Kind, old, text string) (*Finding, error) {
	switch kind {
	case policy.Resource, policy.Trust, policy.RCP:
		return Uncompared("a " + kind.String() + ": what it refuses depends on its principals"), nil
	}
	before, err := policy.Parse(kind, old)
	if err != nil {
		return nil, fmt.Errorf("compare: old document: %w", err)
	}
	after, err := policy.Parse(kind, text)
	if err != nil {
		return nil, fmt.Errorf("compare: new document: %w", err)
	}
	in := inspection{kind: kind, text: text, doc: after}
	in.prepare()
	var passing []string
	a := prove.Weakens(before, after, nil)
	opened := a
	if opened.Outcome == prove.Open {
		passing = slices.Concat(enrolling, idle)
		a = prove.Weakens(before, after, passing)
	}
	f := in.compare(a)
	switch {
	case f == nil && opened.Outcome == prove.Open:
		f = in.compare(opened)
		f.Severity = Info
		f.What = "the old document refuses the enrollment actions that this one leaves open, and nothing more: " + opened.Counterexample.String()
	case f != nil && f.Severity == Medium && in.unaffected(before, passing):
		f.Severity = Info
		f.What = "the old document names actions on resources that they never act on, and refuses nothing more than this one: " + a.Beyond.String()
	}
	return f, nil
}

// unaffected reports whether the document refuses all that another one refuses, apart
// from some actions, and from actions on resources that they never act on (K-9).
func (in *inspection) unaffected(old *policy.Document, passing []string) bool {
	of := inspection{kind: in.kind, doc: old}
	of.prepare()
	d := of.acting()
	if d == nil {
		return false
	}
	a := prove.Weakens(d, in.doc, passing)
	return a.Outcome == prove.Enforced && a.Strict == prove.Enforced
}

// Uncompared returns the finding that a document was not compared with the one that it
// replaces.
func Uncompared(why string) *Finding {
	in := inspection{}
	return in.add("W-2", -1, "not compared with the old document, which is not possible for %s", why)
}

func (in *inspection) compare(a prove.Answer) *Finding {
	var f *Finding
	switch {
	case a.Outcome == prove.Open:
		f = in.add("W-1", -1, "the old document refuses a request that this one does not refuse: %s", a.Counterexample)
		f.Example = in.translate(in.user(""), a.Counterexample)
	case a.Outcome == prove.Unknown:
		f = in.add("W-2", -1, "could not decide whether this document refuses everything that the old one refuses: %s", a.Why)
	case a.Strict == prove.Open:
		f = in.add("W-1", -1, "the old document refuses a request that this one does not refuse, with an action, or on a type of resource, that AWS does not have today: %s", a.Beyond)
		f.Severity, f.Example = Medium, in.translate(in.user(""), a.Beyond)
	case a.Strict == prove.Unknown:
		f = in.add("W-2", -1, "could not decide whether this document refuses everything that the old one refuses, for actions that AWS does not have today")
		f.Severity = Low
	}
	return f
}

// translate converts the counterexample of a proof into the request of a user;
// nil when only the principal that the proof chose shows it.
func (in *inspection) translate(p policy.Principal, w *prove.Counterexample) *Example {
	at := &situation{who: caller{principal: p, credential: w.Credential, present: policy.False}, action: w.Action, resource: w.Resource}
	if w.Credential.MFA().Present&policy.False == 0 {
		at.who.present = policy.Absent
	}
	for key, values := range w.Keys {
		at = at.having(key, values)
	}
	return in.example(at, true, true)
}
