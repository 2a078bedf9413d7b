package lint

import (
	"slices"
	"strings"

	"forcemfa/policy"
	"forcemfa/policy/arn"
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
	if in.kind == policy.Trust || in.kind == policy.Resource || in.beside(i, situations) {
		return
	}
	if denies || st.NotActions == nil && !slices.ContainsFunc(st.Actions, wide) {
		return
	}
	f := in.add("A-1", i, "the Allow requires MFA but nothing denies requests without it: %s", otherAllows[in.kind])
	f.Example = in.example(situations[0].with(byKey(situations[0].who.principal)), true, true)
	if in.kind == policy.Identity {
		f.Fix = new(Fix).append(in, forceMFA())
	}
}

// otherAllows says what lets a request without MFA pass beside a sound gate.
var otherAllows = map[policy.Kind]string{
	policy.Identity: "another policy that allows the same actions lets them through",
	policy.SCP:      "another policy that allows the same actions, such as FullAWSAccess, lets them through, and without one roles, which have no MFA, and enrollment are refused as well",
	policy.RCP:      "another policy that allows the same actions, RCPFullAWSAccess, is always there and lets them through",
	// Source: IAM User Guide, "Permissions boundaries for IAM entities", Evaluating
	// effective permissions with boundaries, Resource-based policies.
	policy.Boundary: "the policy of a resource that names the user, not the account, lets them through whatever the boundary allows",
}

// beside reports an Allow without MFA of what a gate permits with MFA only: the
// condition of the gate has no effect.
func (in *inspection) beside(i int, situations []*situation) bool {
	gate := &in.doc.Statements[i]
	for j := range in.doc.Statements {
		st := &in.doc.Statements[j]
		if st.Effect != policy.Allow || len(st.Conditions) > 0 || !includes(st.Resources, gate.Resources) {
			continue
		}
		other := in.single(j, every)
		for _, at := range situations {
			try := at.with(byKey(at.who.principal))
			covered := slices.ContainsFunc(gate.Actions, func(p string) bool { return matchAction(p, at.action) && includes(st.Actions, []string{p}) })
			if !covered || !in.applies(other, try) || !in.allows(try) {
				continue
			}
			f := in.add("A-1", i, "the condition has no effect: statement %d allows %s without MFA", j+1, at.action)
			f.Severity, f.Example = High, in.example(try, false, true)
			return true
		}
	}
	return false
}

// includes reports whether each of the patterns of b is covered by one of a.
func includes(a, b []string) bool {
	return len(b) > 0 && !slices.ContainsFunc(b, func(p string) bool {
		return !slices.ContainsFunc(a, func(q string) bool { g := arn.Compile(strings.ToLower(q)); return g.Match(strings.ToLower(p)) })
	})
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
