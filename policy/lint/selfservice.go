package lint

import (
	"slices"
	"strings"

	"forcemfa/policy"
)

// credentials lists actions on the user's own user that create a further
// credential or remove MFA.
var (
	grants  = []string{"iam:CreateAccessKey", "iam:CreateServiceSpecificCredential", "iam:UploadSSHPublicKey", "iam:UploadSigningCertificate"}
	touches = append([]string{"iam:ChangePassword", "iam:CreateLoginProfile", "iam:UpdateLoginProfile", "iam:DeactivateMFADevice", "iam:DeleteVirtualMFADevice"}, grants...)
)

// selfService checks Allows of managing the user's own credentials.
func (in *inspection) selfService() {
	if in.kind != policy.Identity {
		return
	}
	if in.guard != nil {
		in.selfServiceGrants()
		return
	}
	for i := range in.doc.Statements {
		in.grantsTokens(i)
	}
	looksGuarded := slices.ContainsFunc(in.doc.Statements, func(st policy.Statement) bool { return st.NotActions != nil })
	if looksGuarded {
		return // the finding about the guard covers it
	}
	for i := range in.doc.Statements {
		st := &in.doc.Statements[i]
		if st.Effect == policy.Allow && len(st.Actions) > 0 && slices.ContainsFunc(st.Resources, isOwn) {
			in.unguarded(i)
		}
	}
}

// unguarded reports an Allow of creating credentials with only an access key.
func (in *inspection) unguarded(i int) {
	st := &in.doc.Statements[i]
	p := in.user("")
	whole := in.single(i, every)
	keys, ok := in.solve(st.Conditions, byKey(p))
	if !ok {
		return
	}
	var open []string
	var at *situation
	for _, a := range touches {
		resource := p.ARN
		if a == "iam:DeleteVirtualMFADevice" {
			resource = in.iam("mfa/alice")
		}
		try := &situation{who: byKey(p), action: a, resource: resource, keys: keys}
		if in.applies(whole, try) && in.allows(try) {
			open = append(open, a)
			if at == nil {
				at = try
			}
		}
	}
	if at == nil {
		return
	}
	f := in.add("D-18", i, "a stolen access key may call for its own user: %s", strings.Join(open, ", "))
	f.Example = in.example(at, false, true)
	f.Fix = in.replace(i, soundAllow)
}

// keptTokens are what outlives the request of a stolen access key: the tokens that a
// guard must not leave open, and sessions of GetFederationToken.
var keptTokens = append(slices.Clip(tokens), "sts:GetFederationToken")

// grantsTokens reports an Allow, in a document without a guard, that names actions
// with which an access key alone gets or uses a token. Without a permission for it
// nobody can call them, so who writes them down means them.
func (in *inspection) grantsTokens(i int) {
	st := &in.doc.Statements[i]
	keys, ok := in.solve(st.Conditions, byKey(in.user("")))
	if st.Effect != policy.Allow || !ok {
		return
	}
	whole := in.single(i, every)
	var open []string
	var at *situation
	for _, a := range keptTokens {
		if !slices.ContainsFunc(st.Actions, func(p string) bool { return namesToken(p) && matchAction(p, a) }) {
			continue
		}
		for _, resource := range in.resources(st, a) {
			try := &situation{who: byKey(in.user("")), action: a, resource: resource, keys: keys}
			if !in.applies(whole, try) || !in.allows(try) {
				continue
			}
			if open = append(open, a); at == nil {
				at = try
			}
			break
		}
	}
	if at == nil {
		return
	}
	f := in.add("E-9", i, "a stolen access key can get or use a token without MFA: the statement allows %s by access key", strings.Join(open, ", "))
	f.Severity = Medium
	f.Example = in.example(at, false, true)
	f.Fix = new(Fix).append(in, policy.Statement{
		SID: "DenyTokensByAccessKey", Effect: policy.Deny, Actions: open, Resources: []string{"*"}, Conditions: []policy.Condition{longTermKeys},
	})
}

// namesToken reports whether a pattern is about tokens: it names one, or covers all of
// the services that issue them.
func namesToken(pattern string) bool {
	prefix, name, _ := strings.Cut(strings.ToLower(pattern), ":")
	return strings.Contains(name, "token") || prefix == "signin" || prefix == "sts"
}

// selfServiceGrants reports a guard that also grants permissions that its users may not have
// had.
func (in *inspection) selfServiceGrants() {
	p := in.guard.at.who.principal
	var given []string
	var at *situation
	for _, a := range grants {
		try := in.base(withMFA(p)).on(a, p.ARN)
		if in.allows(try) {
			given = append(given, a)
			if at == nil {
				at = try
			}
		}
	}
	if at == nil {
		return
	}
	d := in.set(in.alone).Decide(at.request())
	f := in.add("D-19", d.Statement, "the document also allows, for every user it is attached to: %s", strings.Join(given, ", "))
	f.Example = in.example(at, false, true)
	f.Fix = in.without(given)
}

// without removes actions from the Allows; nil when a pattern covers one.
func (in *inspection) without(given []string) *Fix {
	fix := &Fix{}
	for i := range in.doc.Statements {
		st := &in.doc.Statements[i]
		if st.Effect != policy.Allow || !slices.ContainsFunc(given, func(a string) bool { return covers(st.Actions, a) }) {
			continue
		}
		var kept []string
		for _, p := range st.Actions {
			switch {
			case slices.ContainsFunc(given, func(a string) bool { return strings.EqualFold(a, p) }):
			case slices.ContainsFunc(given, func(a string) bool { return matchAction(p, a) }):
				return nil
			default:
				kept = append(kept, p)
			}
		}
		if len(kept) == 0 {
			fix.Changes = append(fix.Changes, Change{Statement: i})
			continue
		}
		fix.edit(in, i, func(st *policy.Statement) { st.Actions = kept })
	}
	return fix
}
