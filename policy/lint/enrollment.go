package lint

import (
	"slices"
	"strings"

	"forcemfa/policy"
)

// enrollment checks which enrollment actions a document allows before and after
// MFA.
func (in *inspection) enrollment() {
	if in.kind == policy.Resource || in.kind == policy.Trust || in.kind == policy.RCP {
		return
	}
	if in.lockedOut() || in.boundedOut() || in.guard == nil {
		return
	}
	in.unreadableDevice()
	in.forcedPassword()
	in.unlimitedAge()
	in.firstDevice()
	in.tokensByKey()
}

// base returns the situation that enrollment requests start from: the guard's.
func (in *inspection) base(c caller) *situation {
	if in.guard == nil {
		return &situation{who: c}
	}
	at := in.guard.at.with(c)
	at.who.principal = in.guard.at.who.principal
	return at
}

// self returns the ARN of the user in enrollment requests.
func (in *inspection) self() string { return in.base(caller{}).principalOr(in.user("")).ARN }

func (at *situation) principalOr(p policy.Principal) policy.Principal {
	if at.who.principal.ARN != "" {
		return at.who.principal
	}
	return p
}

// lockedOut reports a Deny of the enrollment actions: one with an MFA condition,
// or one that contradicts the exceptions of the guard.
func (in *inspection) lockedOut() bool {
	p := in.base(caller{}).principalOr(in.user(""))
	found := false
	for _, try := range []struct{ action, resource string }{
		{"iam:EnableMFADevice", p.ARN}, {"iam:CreateVirtualMFADevice", in.iam("mfa/alice")},
	} {
		at := in.base(byPassword(p)).on(try.action, try.resource)
		if !in.refused(at) || found {
			continue
		}
		i := in.set(in.open).Decide(at.request()).Statement
		if try.action == "iam:CreateVirtualMFADevice" && in.passkeyOnly(i, p) {
			continue
		}
		asks, never := len(mfaConditions(&in.doc.Statements[i])) > 0, in.refused(at.with(withMFA(p)))
		keysToo := in.refused(at.with(byKey(p)))
		switch {
		case asks && !never:
			f := in.add("L-1", i, "a user without a device cannot enroll one: %s is refused without MFA", try.action)
			f.Example, f.Fix = in.example(at, true, false), in.unlock(i)
		case never && keysToo && in.leavesOpen(try.action):
			f := in.add("L-1", i, "a user without a device cannot enroll one: %s is always refused", try.action)
			f.Example, f.Fix = in.example(at, true, false), in.unlockForConsole(i)
		default:
			continue
		}
		found = true
	}
	return found
}

// boundedOut reports a permissions boundary that allows an enrollment action with MFA
// only: what a boundary does not allow, no other policy can.
// Source: IAM User Guide, "Permissions boundaries for IAM entities".
func (in *inspection) boundedOut() bool {
	if in.kind != policy.Boundary {
		return false
	}
	p := in.base(caller{}).principalOr(in.user(""))
	for _, try := range []struct{ action, resource string }{
		{"iam:EnableMFADevice", p.ARN}, {"iam:CreateVirtualMFADevice", in.iam("mfa/alice")},
	} {
		at := in.base(byPassword(p)).on(try.action, try.resource)
		gate := slices.IndexFunc(in.doc.Statements, func(st policy.Statement) bool {
			return st.Effect == policy.Allow && len(mfaConditions(&st)) > 0 && covers(st.Actions, try.action)
		})
		if gate < 0 || in.decide(in.alone, at) != policy.ImplicitDenied || in.allows(at.with(byKey(p))) || !in.allows(at.with(withMFA(p))) {
			continue
		}
		f := in.add("L-1", gate, "a user without a device cannot enroll one: %s is allowed with MFA only", try.action)
		f.Example = in.example(at, false, false)
		f.Fix = new(Fix).append(in, policy.Statement{SID: "AllowEnrollmentWithoutMFA", Effect: policy.Allow, Actions: enrolling, Resources: []string{"*"}})
		return true
	}
	return false
}

// passkeyOnly reports a document that leaves iam:EnableMFADevice open in the console
// without MFA but not iam:CreateVirtualMFADevice: users can enroll a passkey or a
// security key, which need nothing else.
// Source: IAM User Guide, "AWS: Allows IAM users to self-manage an MFA device": the
// policy for FIDO security keys.
func (in *inspection) passkeyOnly(i int, p policy.Principal) bool {
	if in.refused(in.base(byPassword(p)).on("iam:EnableMFADevice", p.ARN)) {
		return false
	}
	f := in.add("L-1", i, "users can enroll passkeys and security keys, but no authenticator app: iam:CreateVirtualMFADevice is refused without MFA")
	f.Severity = Info
	f.Example = in.example(in.base(byPassword(p)).on("iam:CreateVirtualMFADevice", in.iam("mfa/alice")), true, false)
	return true
}

// leavesOpen reports whether the guard of the document exempts an enrollment
// action, so that another Deny of it contradicts the guard.
func (in *inspection) leavesOpen(action string) bool {
	return in.guard != nil && covers(in.doc.Statements[in.guard.statement].NotActions, action)
}

// unlockForConsole removes the enrollment actions from an unconditional Deny, or
// keeps the Deny for access keys only when it covers nothing else.
func (in *inspection) unlockForConsole(i int) *Fix {
	st := &in.doc.Statements[i]
	others := slices.ContainsFunc(st.Actions, func(a string) bool {
		return !strings.EqualFold(a, "iam:CreateVirtualMFADevice") && !strings.EqualFold(a, "iam:EnableMFADevice")
	})
	if st.NotActions != nil || others {
		return in.unlock(i)
	}
	return in.replace(i, func(st *policy.Statement) { st.Conditions = []policy.Condition{longTermKeys} })
}

// except returns the fix that adds exceptions to every guard of the document.
func (in *inspection) except(actions []string) *Fix {
	fix := &Fix{}
	for i := range in.doc.Statements {
		st := &in.doc.Statements[i]
		if st.Effect == policy.Deny && st.NotActions != nil && len(mfaConditions(st)) > 0 {
			fix.edit(in, i, func(st *policy.Statement) { st.NotActions = union(st.NotActions, actions) })
		}
	}
	return fix
}

// unlock returns the fix that removes the enrollment actions from a Deny.
func (in *inspection) unlock(i int) *Fix {
	st := &in.doc.Statements[i]
	switch {
	case st.NotActions != nil:
		return in.except(enrolling)
	case slices.Contains(st.Actions, "*"):
		return in.replace(i, func(st *policy.Statement) { st.Actions, st.NotActions = nil, enrolling })
	}
	var kept []string
	for _, p := range st.Actions {
		if slices.ContainsFunc(enrolling, func(a string) bool { return strings.EqualFold(a, p) }) {
			continue
		}
		if covers([]string{p}, "iam:EnableMFADevice") || covers([]string{p}, "iam:CreateVirtualMFADevice") {
			return nil // the rest of such a pattern cannot be expressed
		}
		kept = append(kept, p)
	}
	if len(kept) == 0 {
		fix := &Fix{Changes: []Change{{Statement: i}}}
		if len(in.doc.Statements) == 1 {
			return nil
		}
		return fix
	}
	return in.replace(i, func(st *policy.Statement) { st.Actions = kept })
}

// union returns a list with the missing elements of another one added.
func union(list, more []string) []string {
	out := slices.Clone(list)
	for _, m := range more {
		if !slices.ContainsFunc(out, func(have string) bool { return strings.EqualFold(have, m) || matchAction(have, m) }) {
			out = append(out, m)
		}
	}
	return out
}

// unreadableDevice reports a document that lets a user enable a device but not
// read it.
func (in *inspection) unreadableDevice() {
	self := in.self()
	p := in.guard.at.who.principal
	may := func(c caller, action string) bool {
		at := in.base(c).on(action, self)
		return in.passes(at) && (!in.grants("iam:EnableMFADevice") || in.allows(at))
	}
	if !may(byPassword(p), "iam:EnableMFADevice") || may(byPassword(p), "iam:GetMFADevice") {
		return
	}
	f := in.add("D-5", in.guard.statement, "a user may enable a device but not read it: iam:GetMFADevice, which the console calls, is refused without MFA")
	at := in.base(byPassword(p)).on("iam:GetMFADevice", self)
	f.Example = in.example(at, in.passesNot(at), false)
	f.Fix = in.except([]string{"iam:GetMFADevice"})
	for i := range in.doc.Statements {
		st := &in.doc.Statements[i]
		if st.Effect == policy.Allow && covers(st.Actions, "iam:EnableMFADevice") {
			f.Fix.edit(in, i, func(st *policy.Statement) { st.Actions = union(st.Actions, []string{"iam:GetMFADevice"}) })
		}
	}
}

func (in *inspection) passesNot(at *situation) bool { return !in.passes(at) }

// grants reports whether an Allow of the document covers an action.
func (in *inspection) grants(action string) bool {
	return slices.ContainsFunc(in.doc.Statements, func(st policy.Statement) bool {
		return st.Effect == policy.Allow && covers(st.Actions, action)
	})
}

// forcedPassword reports a document under which a user cannot make the password
// change that is forced at the first sign-in. The change needs both actions.
func (in *inspection) forcedPassword() {
	p := in.guard.at.who.principal
	if !in.grants("iam:ChangePassword") || !in.guard.restrains(policy.ConsolePassword) {
		return
	}
	change := in.base(byPassword(p)).on("iam:ChangePassword", in.self())
	read := in.base(byPassword(p)).on("iam:GetAccountPasswordPolicy", "*")
	open := in.passes(change)
	if open && in.passes(read) {
		return
	}
	both := []string{"iam:ChangePassword", "iam:GetAccountPasswordPolicy"}
	fix := in.except(both)
	if open {
		f := in.add("D-6", in.guard.statement, "iam:ChangePassword is open without MFA, but iam:GetAccountPasswordPolicy is refused: the sign-in page may not show the rules for the new password")
		f.Example, f.Fix = in.example(read, true, false), fix
		return
	}
	f := in.add("D-6", in.guard.statement, "a user who must change the password at the first sign-in cannot do so: the change is refused without MFA")
	f.Example = in.example(change, true, false)
	if in.doc.Statements[in.guard.statement].NotActions != nil {
		f.Fix = fix
	}
}

// unlimitedAge reports a document that accepts MFA of any age.
func (in *inspection) unlimitedAge() {
	probe := in.probe()
	if probe == nil {
		return
	}
	at := probe.with(withOldMFA(probe.who.principal))
	if !in.passes(at) {
		return
	}
	f := in.add("D-10", in.guard.statement, "MFA never expires within a session, which lasts up to 36 hours")
	f.Example = in.example(at, true, true)
	st := in.doc.Statements[in.guard.statement]
	limit := policy.Condition{Operator: "NumericGreaterThanIfExists", Key: "aws:MultiFactorAuthAge", Values: []string{"43200"}}
	others := slices.DeleteFunc(withoutMFAKeys(st.Conditions), func(c policy.Condition) bool { return strings.EqualFold(c.Key, longTermKeys.Key) })
	st.SID, st.Conditions = "DenyAllExceptEnrollmentWithOldMFA", append(others, limit)
	f.Fix = new(Fix).append(in, st)
}

// tokens lists the actions that turn credentials into a token, or accept one.
// Source: Service Authorization Reference, "AWS Signin", "AWS STS" and the
// services with CallWithBearerToken.
var tokens = []string{
	"signin:CreateOAuth2Token", "signin:CreateBearerToken", "sts:GetWebIdentityToken", "sts:GetServiceBearerToken", "sts:GetDelegatedAccessToken",
	"bedrock:CallWithBearerToken", "bedrock-mantle:CallWithBearerToken", "cloudwatch:CallWithBearerToken",
	"logs:CallWithBearerToken", "sagemaker:CallWithBearerToken", "aws-external-anthropic:CallWithBearerToken",
}

// tokensByKey reports a document under which an access key alone gets a token.
func (in *inspection) tokensByKey() {
	if !in.guard.restrains(policy.LongTermKey) || !slices.Contains(in.doc.Statements[in.guard.statement].Resources, "*") {
		return // E-5 reports a guard of some resources
	}
	var open []string
	var first *situation
	for _, a := range tokens {
		if at := in.base(byKey(in.guard.at.who.principal)).on(a, "*"); in.passes(at) {
			open = append(open, a)
			if first == nil {
				first = at
			}
		}
	}
	if first == nil {
		return
	}
	f := in.add("E-9", in.guard.statement, "a stolen access key can get or use a token without MFA: nothing refuses %s by access key", strings.Join(open, ", "))
	f.Example = in.example(first, true, true)
	f.Fix = new(Fix).append(in, policy.Statement{
		SID: "DenyTokensByAccessKey", Effect: policy.Deny, Actions: open,
		Resources: []string{"*"}, Conditions: append(withoutMFAKeys(in.doc.Statements[in.guard.statement].Conditions), longTermKeys),
	})
}

// firstDevice reports a document under which an access key alone may enable a
// device.
func (in *inspection) firstDevice() {
	if !in.guard.restrains(policy.LongTermKey) {
		return
	}
	at := in.base(byKey(in.guard.at.who.principal)).on("iam:EnableMFADevice", in.self())
	if !in.passes(at) {
		return
	}
	f := in.add("D-12", in.guard.statement, "the stolen access key of a user without a device can enable the thief's device: nothing refuses iam:EnableMFADevice by access key")
	f.Example = in.example(at, true, true)
	f.Fix = new(Fix).append(in, policy.Statement{
		SID: "DenyEnrollmentByAccessKey", Effect: policy.Deny, Actions: []string{"iam:CreateVirtualMFADevice", "iam:EnableMFADevice"},
		Resources: []string{"*"}, Conditions: append(withoutMFAKeys(in.doc.Statements[in.guard.statement].Conditions), longTermKeys),
	})
}
