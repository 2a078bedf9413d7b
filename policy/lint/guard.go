package lint

import (
	"slices"
	"strings"

	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// A guard is a Deny of everything, with a few exceptions, for requests without
// MFA: the shape of ForceMFA.
type guard struct {
	statement int
	at        *situation // in which the guard denies
	// by lists the credentials without MFA that the document denies in that
	// situation: access key, console password, or both.
	by []caller

	bases map[policy.Credential]*situation // see from
}

// effects says for which kinds of credentials a statement applies.
type effects struct{ key, password, fresh, old bool }

// effects decides a statement alone for each kind of credential.
func (in *inspection) effects(i int, at *situation) effects {
	whole := in.single(i, every)
	p := at.who.principal
	test := func(c caller) bool { return in.applies(whole, at.with(c)) }
	return effects{test(byKey(p)), test(byPassword(p)), test(withMFA(p)), test(withOldMFA(p))}
}

// guards checks the Denies with an MFA condition.
func (in *inspection) guards() {
	for i := range in.doc.Statements {
		st := &in.doc.Statements[i]
		if st.Effect == policy.Deny && len(mfaConditions(st)) == 0 {
			in.unconditional(i)
		}
		if st.Effect != policy.Deny || len(mfaConditions(st)) == 0 {
			continue
		}
		situations := in.scopeOfPeople(i)
		if len(situations) == 0 {
			continue
		}
		e := in.effects(i, situations[0])
		switch {
		case e.fresh && e.key && e.password:
			in.deniesAll(i, situations)
		case e.fresh:
			in.inverted(i, situations)
		default:
			in.missing(i, situations, e)
		}
		if !e.fresh && (e.key || e.password) {
			in.adopt(i, situations)
		}
	}
}

// unconditional reports a guard without a condition: it has the exceptions of
// enrollment but no MFA condition.
func (in *inspection) unconditional(i int) {
	st := &in.doc.Statements[i]
	meant := slices.ContainsFunc(st.Conditions, func(c policy.Condition) bool { return !knownKey(c.Key) })
	if meant || !exceptsEnrollment(st) {
		return
	}
	for _, at := range in.scopeOfPeople(i) {
		if try := at.with(withMFA(at.who.principal)); in.refused(try) {
			f := in.add("M-9", i, "the Deny exempts the enrollment actions but has no MFA condition")
			f.Example = in.example(try, true, false)
			f.Fix = in.replace(i, soundDeny)
			return
		}
	}
}

// scopeOfPeople is scope for the IAM users that a statement applies to.
func (in *inspection) scopeOfPeople(i int) []*situation {
	for _, p := range in.people(&in.doc.Statements[i]) {
		if found := in.scope(i, byKey(p)); len(found) > 0 {
			return found
		}
	}
	return nil
}

// people returns users that a statement may apply to: those of its principals
// or, without principals, some with different names and paths, and those that its
// conditions name.
func (in *inspection) people(st *policy.Statement) []policy.Principal {
	if st.Principals != nil && !st.Principals.Everyone {
		var out []policy.Principal
		for _, name := range st.Principals.AWS {
			if p, ok := in.userOf(name); ok {
				out = append(out, p)
			}
		}
		return out
	}
	out := []policy.Principal{in.user("")}
	for i := range st.Conditions {
		out = append(out, in.usersOf(&st.Conditions[i])...)
	}
	out = append(out, in.user("team/"), in.userNamed("bob"))
	out = append(out, in.strangers(st.Conditions)...)
	if in.kind == policy.SCP && slices.ContainsFunc(st.Conditions, ofAccount) {
		out = append(out, policy.Principal{Kind: policy.IAMUser, Account: ownerAccount, ARN: "arn:" + in.partition + ":iam::" + ownerAccount + ":user/alice"})
	}
	return out
}

// ofAccount reports whether a condition is about the account of the caller. A control
// policy applies to several accounts.
func ofAccount(c policy.Condition) bool { return strings.EqualFold(c.Key, "aws:PrincipalAccount") }

// usersOf returns users that the values of a condition name.
func (in *inspection) usersOf(c *policy.Condition) (out []policy.Principal) {
	for _, v := range c.Values[:min(len(c.Values), mostValues)] {
		var p policy.Principal
		ok := true
		switch strings.ToLower(c.Key) {
		case "aws:principalarn":
			if strings.HasPrefix(v, "arn:") && strings.HasSuffix(v, ":*") { // a whole account
				v = strings.TrimSuffix(v, "*") + "user/alice"
			}
			if p, ok = in.userOf(in.instance(v)); !ok && !strings.HasPrefix(v, "arn:") {
				p, ok = in.userNamed(in.instance(v[strings.LastIndexByte(v, '/')+1:])), true
			}
		case "aws:username":
			p = in.userNamed(in.instance(v))
		case "aws:principalaccount":
			p, ok = in.userOf(v)
		default:
			return nil
		}
		if ok && arn.IsAccountID(p.Account) && !strings.HasSuffix(p.ARN, "/") {
			out = append(out, p)
		}
	}
	return out
}

// userNamed returns a user without a path.
func (in *inspection) userNamed(name string) policy.Principal {
	return policy.Principal{Kind: policy.IAMUser, Account: in.account, ARN: in.iam("user/" + name)}
}

// deniesAll reports a Deny with an MFA condition that also applies with MFA.
func (in *inspection) deniesAll(i int, situations []*situation) {
	conditions := mfaConditions(&in.doc.Statements[i])
	code := odd(conditions)
	if code == "" {
		code = "M-9"
	}
	f := in.add(code, i, "the Deny applies with MFA as well as without: %s", conditionText(conditions))
	f.Example = in.example(situations[0].with(withMFA(situations[0].who.principal)), true, false)
	f.Fix = in.replace(i, func(st *policy.Statement) {
		st.Conditions = append(withoutMFAKeys(st.Conditions), denyWithoutMFA)
	})
}

// inverted reports a Deny that applies with MFA and not without it.
func (in *inspection) inverted(i int, situations []*situation) {
	conditions := mfaConditions(&in.doc.Statements[i])
	f := in.add("M-1", i, "the Deny applies to requests with MFA and misses some without: %s", conditionText(conditions))
	if at := in.passing(situations); at != nil {
		f.Severity, f.Example = Critical, in.example(at, true, true)
	} else {
		f.Example = in.example(situations[0].with(withMFA(situations[0].who.principal)), true, false)
	}
	f.Fix = in.replace(i, soundDeny)
}

// missing reports a Deny that misses requests without MFA, when no other Deny of
// the document refuses them.
func (in *inspection) missing(i int, situations []*situation, e effects) {
	if e.key && e.password {
		return
	}
	at := in.passing(situations)
	if at == nil || in.applies(in.single(i, aboutMFA), at) {
		return // or another condition lets it pass: see reach
	}
	conditions := mfaConditions(&in.doc.Statements[i])
	code := weakDeny(conditions)
	if !e.key && !e.password && !e.old && code != "M-6" && code != "M-7" {
		code = "M-8"
	}
	f := in.add(code, i, "the Deny misses a request by %s: %s", at.who.credential, conditionText(conditions))
	f.Severity = Critical // also of a rule that is about an Allow as well
	f.Example = in.example(at, true, true)
	f.Fix = in.replace(i, soundDeny)
}

// passing returns the first situation, by access key or by console password, in
// which no Deny of the document applies.
func (in *inspection) passing(situations []*situation) *situation {
	for _, at := range situations {
		p := at.who.principal
		for _, c := range []caller{byKey(p), byPassword(p)} {
			if try := at.with(c); in.passes(try) {
				return try
			}
		}
	}
	return nil
}

// adopt keeps as the guard the first Deny of everything that denies the most
// credentials. The policy of a resource guards that resource only.
func (in *inspection) adopt(i int, situations []*situation) {
	st := &in.doc.Statements[i]
	if st.NotActions == nil && !slices.Contains(st.Actions, "*") || in.kind == policy.Trust || in.kind == policy.Resource || in.kind == policy.RCP {
		return
	}
	g := &guard{statement: i, at: situations[0]}
	p := g.at.who.principal
	for _, c := range []caller{byKey(p), byPassword(p)} {
		if in.refused(g.at.with(c)) {
			g.by = append(g.by, c)
		}
	}
	if len(g.by) > 0 && (in.guard == nil || len(in.guard.by) < len(g.by)) {
		in.guard = g
	}
}

// restrains reports whether the guard denies a kind of credential.
func (g *guard) restrains(c policy.Credential) bool {
	return slices.ContainsFunc(g.by, func(by caller) bool { return by.credential == c })
}
