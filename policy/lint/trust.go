package lint

import (
	"slices"
	"strings"

	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// userOf returns the user that a name in a Principal element stands for: a user,
// or a user of an account. Any other text stands for an account that is still to
// be filled in.
func (in *inspection) userOf(name string) (policy.Principal, bool) {
	a, ok := arn.Split(name)
	ok = ok && a.Region == "" // IAM has none
	switch {
	case arn.IsAccountID(name):
		return policy.Principal{Kind: policy.IAMUser, Account: name, ARN: arn.IAM(in.partition, name, "user", "/", "alice")}, true
	case ok && a.Service == "iam" && a.Resource == "root" && a.Account != "":
		return policy.Principal{Kind: policy.IAMUser, Account: a.Account, ARN: arn.IAM(a.Partition, a.Account, "user", "/", "alice")}, true
	case ok && a.Service == "iam" && a.Kind() == "user" && !strings.ContainsAny(name, "*?"):
		return policy.Principal{Kind: policy.IAMUser, Account: a.Account, ARN: name}, true
	}
	return policy.Principal{}, false
}

// wholeAccount reports whether a name in a Principal element is an account or
// its placeholder.
func wholeAccount(name string) bool {
	a, ok := arn.Split(name)
	return arn.IsAccountID(name) || ok && a.Service == "iam" && a.Resource == "root" || placeholder(name) && !ok
}

// trust checks who may assume a role.
func (in *inspection) trust() {
	if in.kind != policy.Trust {
		return
	}
	looksForMFA := slices.ContainsFunc(in.doc.Statements, func(st policy.Statement) bool { return len(mfaConditions(&st)) > 0 })
	for i := range in.doc.Statements {
		st := &in.doc.Statements[i]
		if st.Effect != policy.Allow || st.Principals == nil {
			continue
		}
		in.wholeAccounts(i)
		if looksForMFA {
			in.secondStatement(i)
			in.cannotShow(i)
		}
	}
}

// narrowing lists keys that limit a trusted account or organization to some of
// its principals.
var narrowing = []string{"aws:principalorgid", "aws:principalorgpaths", "aws:principalarn", "sts:externalid", "sts:sourceidentity", "aws:userid", "aws:principalaccount"}

// wholeAccounts reports a role that everyone in an account, or in AWS, may
// assume.
func (in *inspection) wholeAccounts(i int) {
	st := &in.doc.Statements[i]
	narrowed := slices.ContainsFunc(st.Conditions, func(c policy.Condition) bool {
		return slices.Contains(narrowing, strings.ToLower(c.Key)) || strings.HasPrefix(strings.ToLower(c.Key), "aws:principaltag/")
	})
	at := slices.IndexFunc(st.Principals.AWS, wholeAccount)
	if narrowed || at < 0 && !st.Principals.Everyone {
		return
	}
	who := "anyone in AWS"
	if !st.Principals.Everyone {
		who = "anyone in the account of " + st.Principals.AWS[at]
	}
	f := in.add("D-16", i, "%s may assume the role: no organization, user or role is named", who)
	if st.Principals.Everyone {
		f.Severity = High
	}
	people := in.people(st)
	if len(people) == 0 {
		return
	}
	if try := in.assume(people[0], i); in.allows(try) {
		f.Example = in.example(try, false, true)
	}
}

// assume returns a user who assumes the role with MFA.
func (in *inspection) assume(p policy.Principal, i int) *situation {
	for _, at := range in.scope(i, byKey(p)) {
		return at.with(withCode(p))
	}
	return &situation{who: withCode(p), action: "sts:AssumeRole", resource: in.resources(&in.doc.Statements[i], "")[0]}
}

// secondStatement reports an Allow without an MFA condition next to one that has it.
func (in *inspection) secondStatement(i int) {
	if len(mfaConditions(&in.doc.Statements[i])) > 0 {
		return
	}
	at := in.granting(in.scopeOfPeople(i))
	if at == nil {
		return
	}
	f := in.add("T-1", i, "%s may assume the role without MFA, although another statement requires it", at.who.principal.ARN)
	f.Example = in.example(at, false, true)
	f.Fix = in.replace(i, soundAllow)
}

// cannotShow reports principals that must show MFA but cannot have it.
func (in *inspection) cannotShow(i int) {
	st := &in.doc.Statements[i]
	asks := in.withoutMFAConditions()
	for _, c := range in.machines(st.Principals) {
		for _, at := range in.scope(i, c) {
			if in.decide(in.alone, at) == policy.Allowed || in.decide(asks, at) != policy.Allowed {
				continue
			}
			format := "requests of %s carry no MFA key, so it cannot assume the role"
			if c.principal.Kind == policy.RoleSession {
				format = "%s has MFA only if it was assumed from a session with MFA, so it usually cannot assume the role"
			}
			f := in.add("D-15", i, format, c.principal.ARN)
			if c.principal.Kind == policy.RoleSession {
				f.Severity = Low
			}
			f.Example = in.example(at, false, false)
			if len(mfaConditions(st)) > 0 {
				f.Fix = in.split(i)
			}
			return
		}
	}
}

// withoutMFAConditions returns the document without its MFA conditions.
func (in *inspection) withoutMFAConditions() policy.Source {
	var statements []policy.Statement
	for _, st := range in.doc.Statements {
		asks := len(mfaConditions(&st)) > 0
		if asks && st.Effect == policy.Deny {
			continue
		}
		st.Conditions = withoutMFAKeys(st.Conditions)
		statements = append(statements, st)
	}
	return in.compose(in.doc.Version, statements...)
}

// machines returns the callers of a Principal element that cannot have MFA.
func (in *inspection) machines(p *policy.Principals) []caller {
	var out []caller
	for _, name := range p.Service {
		out = append(out, caller{principal: policy.Principal{Kind: policy.AWSService, ARN: name}, credential: policy.NoCredential, present: policy.Absent})
	}
	for _, name := range p.Federated {
		out = append(out, caller{principal: policy.Principal{Kind: policy.Federated, ARN: name}, credential: policy.NoCredential, present: policy.Absent})
	}
	for _, name := range p.AWS {
		a, ok := arn.Split(name)
		if !ok || a.Service != "iam" || a.Kind() != "role" || strings.ContainsAny(name, "*?") {
			continue
		}
		session := "arn:" + a.Partition + ":sts::" + a.Account + ":assumed-role/" + a.Name() + "/session"
		out = append(out, caller{
			principal:  policy.Principal{Kind: policy.RoleSession, Account: a.Account, ARN: session, Issuer: name},
			credential: policy.RoleFromKey, present: policy.False,
		})
	}
	return out
}

// split moves the principals that cannot have MFA to a separate statement.
func (in *inspection) split(i int) *Fix {
	isRole := func(name string) bool {
		a, ok := arn.Split(name)
		return ok && a.Kind() == "role"
	}
	own := in.doc.Statements[i]
	all := *own.Principals
	own.Conditions = withoutMFAKeys(own.Conditions)
	own.Principals = &policy.Principals{Service: all.Service, Federated: all.Federated}
	rest := policy.Principals{Everyone: all.Everyone}
	for _, name := range all.AWS {
		if isRole(name) {
			own.Principals.AWS = append(own.Principals.AWS, name)
		} else {
			rest.AWS = append(rest.AWS, name)
		}
	}
	if own.SID != "" {
		own.SID += "WithoutMFA"
	}
	if !rest.Everyone && rest.AWS == nil {
		return in.replace(i, func(st *policy.Statement) { st.Conditions = own.Conditions })
	}
	return in.replace(i, func(st *policy.Statement) { st.Principals = &rest }).append(in, own)
}
