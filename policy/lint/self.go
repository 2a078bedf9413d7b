package lint

import (
	"slices"
	"strings"

	"forcemfa/policy"
)

const username = "${aws:username}"

// own checks how statements name the user's own user and device.
func (in *inspection) own() {
	if in.kind == policy.Resource || in.kind == policy.Trust || in.kind == policy.RCP {
		return
	}
	for i := range in.doc.Statements {
		st := &in.doc.Statements[i]
		in.ownNever(i)
		if in.doc.Version != "2012-10-17" || !slices.ContainsFunc(slices.Concat(st.Resources, st.NotResources), isOwn) {
			continue
		}
		if st.NotResources != nil {
			in.ownExcepted(i)
			continue
		}
		in.ownUser(i)
		in.ownDevice(i)
	}
	in.partitions()
}

func isOwn(resource string) bool { return strings.Contains(strings.ToLower(resource), username) }

// firstOn returns the first action of a statement that acts on a type of
// resource.
func (in *inspection) firstOn(st *policy.Statement, resource string) string {
	for _, p := range st.Actions[:min(len(st.Actions), mostPatterns)] {
		for _, a := range append(examples(p), enrolling...) {
			if matchAction(p, a) && slices.Contains(in.typical(a), resource) {
				return a
			}
		}
	}
	return ""
}

// others returns users other than alice with similar ARNs.
func (in *inspection) others() []string {
	var out []string
	for _, name := range []string{"alice2", "malice", "team/malice", "alice/bob", "team/alice2", "alice/team/bob"} {
		out = append(out, in.iam("user/"+name))
	}
	return out
}

// ownUser checks an Allow or a Deny of actions on the user's own user.
func (in *inspection) ownUser(i int) {
	st := &in.doc.Statements[i]
	action := in.firstOn(st, in.iam("user/alice"))
	if action == "" {
		return
	}
	plain, below := in.user(""), in.user("team/")
	bare := in.single(i, func(c *policy.Condition) bool { return !aboutMFA(c) })
	keys, ok := in.solve(st.Conditions, withMFA(plain))
	if !ok {
		return
	}
	at := func(p policy.Principal, resource string) *situation {
		return &situation{who: withMFA(p), action: action, resource: resource, keys: keys}
	}
	if !in.applies(bare, at(plain, plain.ARN)) {
		return
	}
	everybody := in.applies(bare, at(plain, in.iam("user/bob")))
	for _, other := range in.others() {
		if try := at(plain, other); !everybody && in.applies(bare, try) {
			f := in.add("U-1", i, "the pattern of the user's own user also matches other users: %s", other)
			f.Example = in.example(try, st.Effect == policy.Deny, st.Effect == policy.Allow)
			f.Fix = in.replace(i, func(st *policy.Statement) { st.Resources = in.soundOwn(st.Resources) })
			break
		}
	}
	if st.Effect != policy.Allow {
		return
	}
	if try := at(below, below.ARN); in.allows(at(plain, plain.ARN)) && in.decide(in.alone, try) == policy.ImplicitDenied {
		in.pathless(i, try)
	}
}

// notOfOwnUser are the variables that no request of a user has, or that never hold
// the name of the user.
var notOfOwnUser = []string{"aws:userid", "aws:principalarn", "aws:principalaccount", "aws:principalorgid", "aws:principaltype", "aws:sourceidentity",
	"aws:federatedprovider", "saml:sub", "saml:sub_type", "cognito-identity.amazonaws.com:sub", "sts:externalid"}

// ownNever reports an Allow of enrolling on users that a variable names, of which none
// is the own user.
func (in *inspection) ownNever(i int) {
	const action = "iam:EnableMFADevice"
	st := &in.doc.Statements[i]
	if in.doc.Version != "2012-10-17" || st.Effect != policy.Allow || in.kind == policy.SCP || !covers(st.Actions, action) {
		return
	}
	wrong := byOwnVariable(st.Resources)
	plain := in.user("")
	keys, ok := in.solve(st.Conditions, withMFA(plain))
	at := &situation{who: withMFA(plain), action: action, resource: plain.ARN, keys: keys}
	if wrong == "" || !ok || in.decide(in.alone, at) != policy.ImplicitDenied {
		return
	}
	head, name, _ := strings.Cut(wrong, ":user/")
	some := policy.Statement{Effect: policy.Allow, Actions: []string{action}, Resources: []string{head + ":user/*"}}
	if strings.Contains(name, " ") || !in.applies(in.compose(in.doc.Version, some), at) {
		return // K-4 is about names that no user has, and K-9 about the rest of an ARN
	}
	f := in.add("L-1", i, "a user cannot enroll: %s is allowed on %s, which is not the own user", action, wrong)
	f.Example = in.example(at, false, false)
	f.Fix = in.replace(i, func(st *policy.Statement) {
		var out []string
		for _, r := range st.Resources {
			if head, name, found := strings.Cut(r, ":user/"); found && strings.Contains(name, "${") {
				out = append(out, head+":user/"+username, head+":user/*/"+username)
			} else {
				out = append(out, r)
			}
		}
		slices.Sort(out)
		st.Resources = slices.Compact(out)
	})
}

// byOwnVariable returns a pattern of users with a variable that says nothing of other
// users; empty if there is none, or another whose users tags and requests decide.
func byOwnVariable(patterns []string) (found string) {
	for _, r := range patterns {
		_, name, _ := strings.Cut(r, ":user/")
		for _, variable := range anyVariable.FindAllString(name, -1) {
			key := strings.ToLower(variable[2 : len(variable)-1])
			if key != "aws:username" && !slices.Contains(notOfOwnUser, key) {
				return ""
			}
			found = r
		}
	}
	return found
}

// pathless reports a statement that does not cover users with a path.
func (in *inspection) pathless(i int, at *situation) {
	f := in.add("D-2", i, "a user with a path is not covered: %s on %s is refused", at.action, at.resource)
	f.Example = in.example(at, false, false)
	f.Fix = in.replace(i, func(st *policy.Statement) {
		st.Resources, st.NotResources = withPaths(st.Resources), withPaths(st.NotResources)
	})
}

// withPaths adds the pattern of the own user with a path after the one without.
func withPaths(patterns []string) []string {
	var out []string
	for _, p := range patterns {
		out = append(out, p)
		if head, tail, found := strings.Cut(p, ":user/"); found && isOwn(tail) {
			out = append(out, head+":user/*/"+username)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// soundOwn replaces patterns with the user name by the two patterns of the
// user's own user.
func (in *inspection) soundOwn(patterns []string) []string {
	var out []string
	for _, p := range patterns {
		head, tail, found := strings.Cut(p, ":user/")
		if found && isOwn(tail) {
			out = append(out, head+":user/"+username, head+":user/*/"+username)
			continue
		}
		out = append(out, p)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ownExcepted checks a Deny of actions on everything except the user's own user.
func (in *inspection) ownExcepted(i int) {
	st := &in.doc.Statements[i]
	action := in.firstOn(st, in.iam("user/alice"))
	if st.Effect != policy.Deny || action == "" {
		return
	}
	plain, below := in.user(""), in.user("team/")
	keys, ok := in.solve(st.Conditions, byPassword(plain))
	if !ok {
		return
	}
	bare := in.single(i, func(c *policy.Condition) bool { return !aboutMFA(c) })
	at := func(p policy.Principal, resource string) *situation {
		return &situation{who: byPassword(p), action: action, resource: resource, keys: keys}
	}
	if in.applies(bare, at(plain, plain.ARN)) || !in.applies(bare, at(plain, in.iam("user/bob"))) {
		return
	}
	for _, other := range in.others() {
		if try := at(plain, other); !in.applies(bare, try) && in.passes(try) {
			f := in.add("U-1", i, "the pattern of the user's own user also exempts other users: %s", other)
			f.Example = in.example(try, true, true)
			f.Fix = in.replace(i, func(st *policy.Statement) { st.NotResources = in.soundOwn(st.NotResources) })
			break
		}
	}
	if try := at(below, below.ARN); in.applies(bare, try) {
		f := in.add("D-2", i, "a user with a path is not exempt: %s on %s is refused", action, below.ARN)
		f.Example = in.example(try, true, false)
		if slices.ContainsFunc(openings, func(o opening) bool {
			return slices.ContainsFunc(o.actions, func(a string) bool { return covers(st.Actions, a) })
		}) || st.NotActions != nil {
			return // the exemption would open more than what users need
		}
		f.Fix = in.replace(i, func(st *policy.Statement) { st.NotResources = withPaths(st.NotResources) })
	}
}

// ownDevice reports an Allow that covers only the device with the name of its
// user.
func (in *inspection) ownDevice(i int) {
	st := &in.doc.Statements[i]
	for _, action := range []string{"iam:CreateVirtualMFADevice", "iam:DeleteVirtualMFADevice"} {
		at := &situation{who: withMFA(in.user("")), action: action, resource: in.iam("mfa/phone")}
		if st.Effect != policy.Allow || !in.allows(at.on(action, in.iam("mfa/alice"))) || in.decide(in.alone, at) != policy.ImplicitDenied ||
			!covers(st.Actions, action) {
			continue
		}
		f := in.add("D-3", i, "a device may have any name, but %s is allowed only on a device with the name of its user", action)
		f.Example = in.example(at, false, false)
		f.Fix = in.replace(i, func(st *policy.Statement) {
			var out []string
			for _, r := range st.Resources {
				head, tail, found := strings.Cut(r, ":mfa/")
				if found && isOwn(tail) {
					r = head + ":mfa/*"
				}
				out = append(out, r)
			}
			slices.Sort(out)
			st.Resources = slices.Compact(out)
		})
		return
	}
}

const commercial = "arn:aws:iam::*:"

// partitions reports a document that covers any account but only one partition.
func (in *inspection) partitions() {
	fixed := func(r string) bool { return strings.HasPrefix(r, commercial) }
	first := -1
	fix := &Fix{}
	for i := range in.doc.Statements {
		st := &in.doc.Statements[i]
		if !slices.ContainsFunc(slices.Concat(st.Resources, st.NotResources), fixed) {
			continue
		}
		if first < 0 {
			first = i
		}
		fix.edit(in, i, func(st *policy.Statement) {
			st.Resources, st.NotResources = anyPartition(st.Resources), anyPartition(st.NotResources)
		})
	}
	if first >= 0 {
		in.add("D-4", first, "the document is for any account but names the partition aws: it matches nothing in aws-cn, aws-us-gov and other partitions").Fix = fix
	}
}

// ownPartition is the partition of the patterns that corrections add: that of the
// document, or any (D-4).
func (in *inspection) ownPartition() string {
	named := slices.ContainsFunc(in.doc.Statements, func(st policy.Statement) bool {
		return slices.ContainsFunc(slices.Concat(st.Resources, st.NotResources), func(r string) bool { return strings.HasPrefix(r, commercial) })
	})
	if in.partition == "aws" && !named {
		return "*"
	}
	return in.partition
}

func anyPartition(patterns []string) []string {
	out := slices.Clone(patterns)
	for i, p := range out {
		if rest, found := strings.CutPrefix(p, commercial); found {
			out[i] = "arn:*:iam::*:" + rest
		}
	}
	return out
}
