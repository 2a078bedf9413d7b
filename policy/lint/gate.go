package lint

import (
	"slices"
	"strings"

	"forcemfa/policy"
)

// gates checks the Allows with an MFA condition, called gates.
func (in *inspection) gates() {
	for i := range in.doc.Statements {
		st := &in.doc.Statements[i]
		if st.Effect != policy.Allow || len(mfaConditions(st)) == 0 {
			continue
		}
		situations := in.scopeOfPeople(i)
		if len(situations) == 0 {
			continue
		}
		e := in.effects(i, situations[0])
		with, without := e.fresh || e.old, e.key || e.password
		switch {
		case with && without:
			in.openGate(i, situations)
		case without:
			in.invertedGate(i, situations)
		case !with:
			in.deadGate(i, situations)
		case !e.fresh:
			in.lateGate(i, situations)
		default:
			in.onlyGate(i, situations)
		}
	}
}

// openGate reports an Allow with an MFA condition that matches without MFA.
func (in *inspection) openGate(i int, situations []*situation) {
	at := in.granting(situations)
	if at == nil {
		return
	}
	conditions := mfaConditions(&in.doc.Statements[i])
	f := in.add(weakAllow(conditions), i, "the Allow matches a request by %s: %s", at.who.credential, conditionText(conditions))
	f.Example = in.example(at, false, true)
	f.Fix = in.replace(i, soundAllow)
}

// invertedGate reports an Allow that matches only requests without MFA.
// Enrollment actions may be allowed that way.
func (in *inspection) invertedGate(i int, situations []*situation) {
	st := &in.doc.Statements[i]
	at := in.granting(situations)
	if at == nil || st.NotActions == nil && !slices.ContainsFunc(st.Actions, func(a string) bool { return !harmless(a) }) {
		return
	}
	f := in.add("M-1", i, "the Allow matches without MFA and not with it: %s", conditionText(mfaConditions(st)))
	f.Example = in.example(at, false, true)
	f.Fix = in.replace(i, func(st *policy.Statement) {
		if st.NotActions == nil {
			soundAllow(st)
			return
		}
		st.Effect = policy.Deny
		soundDeny(st)
	})
}

// lateGate reports an Allow that matches MFA only after it has grown old.
func (in *inspection) lateGate(i int, situations []*situation) {
	f := in.add("M-1", i, "the Allow matches MFA only when it is old: %s", conditionText(mfaConditions(&in.doc.Statements[i])))
	f.Severity = Medium
	f.Example = in.example(situations[0].with(withMFA(situations[0].who.principal)), false, false)
	f.Fix = in.replace(i, func(st *policy.Statement) {
		for j, c := range st.Conditions {
			if isAge(&c) {
				st.Conditions[j].Operator = strings.Replace(c.Operator, "GreaterThan", "LessThan", 1)
			}
		}
	})
}

// deadGate reports an Allow that never matches.
func (in *inspection) deadGate(i int, situations []*situation) {
	conditions := mfaConditions(&in.doc.Statements[i])
	code := odd(conditions)
	if code == "" {
		code = "M-8"
	}
	f := in.add(code, i, "the Allow never matches, with MFA or without: %s", conditionText(conditions))
	f.Example = in.example(situations[0].with(withMFA(situations[0].who.principal)), false, false)
	f.Fix = in.replace(i, soundAllow)
}

// onlyGate reports a sound gate to many actions in a document that denies
// nothing.
func (in *inspection) onlyGate(i int, situations []*situation) {
	st := &in.doc.Statements[i]
	wide := func(p string) bool { return strings.HasSuffix(p, "*") }
	denies := slices.ContainsFunc(in.doc.Statements, func(st policy.Statement) bool { return st.Effect == policy.Deny })
	control := in.kind == policy.SCP || in.kind == policy.RCP
	if in.kind != policy.Identity && !control || denies || st.NotActions == nil && !slices.ContainsFunc(st.Actions, wide) {
		return
	}
	f := in.add("A-1", i, "the Allow requires MFA but nothing denies requests without it: another policy that allows the same actions lets them through")
	f.Example = in.example(situations[0].with(byKey(situations[0].who.principal)), true, true)
	if !control {
		f.Fix = new(Fix).append(in, forceMFA())
	}
}

// granting returns the first situation, by access key or by console password,
// that the document itself allows.
func (in *inspection) granting(situations []*situation) *situation {
	for _, at := range situations {
		p := at.who.principal
		for _, c := range []caller{byKey(p), byPassword(p)} {
			if try := at.with(c); in.allows(try) {
				return try
			}
		}
	}
	return nil
}
