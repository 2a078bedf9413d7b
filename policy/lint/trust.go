package lint

import (
	"slices"
	"strings"

	"forcemfa/policy"
	"forcemfa/policy/arn"
	"forcemfa/policy/trust"
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

// accountOf is the account of a name in a Principal element; that of nobody for a placeholder.
func accountOf(name string) string {
	if a, ok := arn.Split(name); ok {
		return a.Account
	}
	return name
}

// trust checks who may assume a role.
func (in *inspection) trust() {
	if in.kind != policy.Trust {
		return
	}
	in.federations()
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

// federations reports principals of identity providers that nothing limits.
func (in *inspection) federations() {
	for _, f := range trust.Federations(in.doc) {
		if f.Open == "" {
			continue
		}
		found := in.add("T-4", f.Index, "%s: the trust policy accepts %s", f.Name, f.Open)
		switch {
		case f.Provider == trust.RolesAnywhere:
			found.Severity = Low
		case !f.Shared:
			found.Severity = Medium
		}
	}
}

// wholeAccounts reports a role that everyone in an account, or in AWS, may assume:
// where conditions name somebody, a stranger can satisfy them.
func (in *inspection) wholeAccounts(i int) {
	st := &in.doc.Statements[i]
	at := slices.IndexFunc(st.Principals.AWS, wholeAccount)
	if at < 0 && !st.Principals.Everyone || !assumes(st) {
		return
	}
	who, stranger := "anyone in AWS", trust.Everybody(in.partition)
	if !st.Principals.Everyone {
		who = "anyone in the account of " + st.Principals.AWS[at]
		stranger = trust.Stranger{Partition: in.partition, Account: accountOf(st.Principals.AWS[at])}
	}
	if open, _ := stranger.Satisfies(in.doc, st); !open {
		return
	}
	f := in.add("D-16", i, "%s may assume the role: no organization, user or role is named", who)
	if slices.ContainsFunc(st.Conditions, func(c policy.Condition) bool { return trust.NamesCaller(c.Key) }) {
		f.What = who + " can satisfy the conditions of this statement and assume the role"
	}
	if st.Principals.Everyone {
		f.Severity = High
	}
	f.Example = in.assumed(i)
}

// assumes reports whether a statement is about assuming the role: to tag a session or
// to name its source identity alone lets nobody in.
// Source: IAM User Guide, "Pass session tags in AWS STS" and "Monitor and control
// actions taken with assumed roles".
func assumes(st *policy.Statement) bool {
	return slices.ContainsFunc([]string{"sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"}, func(action string) bool {
		return covers(st.Actions, action) || st.NotActions != nil && !covers(st.NotActions, action)
	})
}

// assumed is a request that assumes the role: of a user with MFA, or of a session of a
// role that the conditions describe.
func (in *inspection) assumed(i int) *Example {
	st := &in.doc.Statements[i]
	for _, p := range in.people(st) {
		if try := in.assume(withCode(p), i); in.allows(try) {
			return in.example(try, false, true)
		}
	}
	roles := policy.Principals{}
	for _, c := range st.Conditions {
		if strings.EqualFold(c.Key, "aws:PrincipalArn") {
			for _, v := range c.Values {
				roles.AWS = append(roles.AWS, strings.NewReplacer("iam::*:", "iam::"+in.account+":", "*", "x", "?", "x").Replace(v))
			}
		}
	}
	for _, c := range in.machines(&roles) {
		if try := in.assume(c, i); in.allows(try) {
			return in.example(try, false, true)
		}
	}
	return nil
}

// assume returns a caller who assumes the role.
func (in *inspection) assume(c caller, i int) *situation {
	for _, at := range in.scope(i, byKey(c.principal)) {
		return at.with(c)
	}
	return &situation{who: c, action: "sts:AssumeRole", resource: in.resources(&in.doc.Statements[i], "")[0]}
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
			without := "it cannot assume the role"
			if in.kind == policy.Resource {
				without = "the statement allows it nothing"
			}
			format := "requests of %s carry no MFA key, so %s"
			if c.principal.Kind == policy.RoleSession {
				format = "%s has MFA only if it was assumed from a session with MFA, so usually %s"
			}
			f := in.add("D-15", i, format, c.principal.ARN, without)
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
	if p == nil { // NotPrincipal
		return nil
	}
	for _, name := range p.Service {
		out = append(out, caller{principal: policy.Principal{Kind: policy.AWSService, ARN: name}, credential: policy.NoCredential, present: policy.Absent})
	}
	for _, name := range p.Federated {
		out = append(out, caller{principal: policy.Principal{Kind: policy.Federated, ARN: name}, credential: policy.NoCredential, present: policy.Absent})
	}
	for _, name := range p.AWS {
		a, ok := arn.Split(name)
		if ok && a.Service == "sts" && a.Kind() == "assumed-role" && !strings.ContainsAny(name, "*?") {
			role, _, _ := strings.Cut(strings.TrimPrefix(a.Resource, "assumed-role/"), "/")
			out = append(out, caller{
				principal:  policy.Principal{Kind: policy.RoleSession, Account: a.Account, ARN: name, Issuer: arn.IAM(a.Partition, a.Account, "role", "/", role)},
				credential: policy.RoleFromKey, present: policy.False,
			})
			continue
		}
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
		return ok && (a.Kind() == "role" || a.Kind() == "assumed-role")
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
