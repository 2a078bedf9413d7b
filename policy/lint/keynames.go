package lint

import (
	"slices"
	"strings"
	"sync"

	"forcemfa/policy"
	"forcemfa/policy/arn"
	"forcemfa/policy/catalog"
)

// names checks for names and texts that AWS reads differently than intended.
func (in *inspection) names() {
	in.variables()
	for i := range in.doc.Statements {
		in.keys(i)
		in.unknownActions(i)
		in.placeholders(i)
		in.uncontrollable(i)
		in.coversNothing(i)
	}
}

// coversNothing reports a list of exceptions that contains everything.
func (in *inspection) coversNothing(i int) {
	st := &in.doc.Statements[i]
	element := ""
	switch {
	case slices.Contains(st.NotActions, "*"):
		element = "NotAction"
	case slices.Contains(st.NotResources, "*"):
		element = "NotResource"
	default:
		return
	}
	f := in.add("K-7", i, "%s contains *, so the statement applies to nothing", element)
	at := &situation{who: byKey(in.user("")), action: telling[0], resource: "arn:" + in.partition + ":s3:::example/example"}
	switch {
	case st.Effect == policy.Allow:
		f.Severity = Low
	case len(mfaConditions(st)) > 0 && in.passes(at):
		f.Example = in.example(at, true, true)
	}
	f.Fix = in.replace(i, func(st *policy.Statement) {
		if element == "NotResource" {
			st.Resources, st.NotResources = []string{"*"}, nil
			return
		}
		st.NotActions = slices.DeleteFunc(slices.Clone(st.NotActions), func(a string) bool { return a == "*" })
		if len(st.NotActions) == 0 {
			st.NotActions = enrolling
		}
	})
}

// variables reports variables in a policy version without variables.
func (in *inspection) variables() {
	if in.doc.Version == "2012-10-17" {
		return
	}
	for i := range in.doc.Statements {
		st := &in.doc.Statements[i]
		texts := slices.Concat(st.Resources, st.NotResources)
		for _, c := range st.Conditions {
			texts = append(texts, c.Values...)
		}
		if !slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(s, "${") }) {
			continue
		}
		f := in.add("K-5", i, "variables such as ${aws:username} are plain text in version %s, which is also the version of a document without Version", in.doc.Version)
		f.Fix = &Fix{Version: "2012-10-17"}
		in.literally(i, f)
		return
	}
}

// literally adds an example of how a statement with a variable as plain text
// affects the intended user.
func (in *inspection) literally(i int, f *Finding) {
	st := &in.doc.Statements[i]
	for _, a := range st.Actions {
		for _, r := range slices.Concat(st.Resources, st.NotResources) {
			at := &situation{who: withMFA(in.user("")), action: a, resource: in.instance(r)}
			if st.Effect == policy.Allow && in.decide(in.alone, at) == policy.ImplicitDenied {
				f.Example = in.example(at, false, false)
				return
			}
		}
	}
}

// keys checks the names of condition keys.
func (in *inspection) keys(i int) {
	st := &in.doc.Statements[i]
	for j := range st.Conditions {
		c := &st.Conditions[j]
		if aboutMFA(c) || knownKey(c.Key) {
			continue
		}
		if meant := in.meantMFA(st, c); meant != "" {
			in.misspelled(i, j, meant)
			continue
		}
		f := in.add("K-2", i, "no request has the condition key %s", c.Key)
		if meant := nearest(c.Key, keyNames()); meant != "" {
			f.What += ": did you mean " + meant + "?"
			f.Fix = in.replace(i, func(st *policy.Statement) { st.Conditions[j].Key = meant })
		}
	}
}

// misspelled reports a condition on a misspelled MFA key.
func (in *inspection) misspelled(i, j int, meant string) {
	st := &in.doc.Statements[i]
	f := in.add("K-1", i, "no request has the condition key %s; did you mean %s?", st.Conditions[j].Key, meant)
	f.Fix = in.replace(i, func(st *policy.Statement) {
		st.Conditions[j].Key = meant
		if st.Effect == policy.Deny {
			soundDeny(st)
		} else {
			soundAllow(st)
		}
	})
	for _, p := range in.people(st) {
		for _, at := range in.scopeMisspelled(i, p) {
			switch {
			case st.Effect == policy.Deny && in.passes(at.with(byKey(p))):
				f.Example = in.example(at.with(byKey(p)), true, true)
			case st.Effect == policy.Deny && in.refused(at.with(withMFA(p))):
				f.Example = in.example(at.with(withMFA(p)), true, false)
			case st.Effect == policy.Allow && in.allows(at.with(byKey(p))):
				f.Example = in.example(at.with(byKey(p)), false, true)
			case st.Effect == policy.Allow:
				f.Example = in.example(at.with(withMFA(p)), false, false)
			}
			if f.Example != nil {
				return
			}
		}
	}
}

// scopeMisspelled returns the situations that a statement covers, whatever its
// conditions.
func (in *inspection) scopeMisspelled(i int, p policy.Principal) []*situation {
	st := &in.doc.Statements[i]
	bare := in.single(i, func(*policy.Condition) bool { return false })
	var out []*situation
	for _, a := range in.actions(st) {
		for _, r := range in.resources(st, a) {
			if at := (&situation{who: byKey(p), action: a, resource: r}); in.applies(bare, at) {
				out = append(out, at)
				break
			}
		}
	}
	return out
}

// meantMFA returns the MFA key that was probably meant by an unknown one: one that it
// resembles, or any in a Deny that exempts the enrollment actions and has no condition
// on MFA. Empty: none.
func (in *inspection) meantMFA(st *policy.Statement, c *policy.Condition) string {
	const present, age = "aws:MultiFactorAuthPresent", "aws:MultiFactorAuthAge"
	low := strings.ToLower(c.Key)
	low = low[strings.IndexByte(low, ':')+1:]
	like := func(key string) bool { return distance(low, strings.ToLower(strings.TrimPrefix(key, "aws:")), 5) <= 5 }
	about := func(word string) bool { return strings.Contains(low, word) }
	if !like(present) && !like(age) && !slices.ContainsFunc([]string{"mfa", "multifactor", "multi-factor", "multi_factor", "2fa", "twofactor"}, about) && !exceptsEnrollment(st) {
		return ""
	}
	_, op, _ := operator(c)
	if strings.HasPrefix(op, "Numeric") || about("age") && !like(present) && op != "Bool" {
		return age
	}
	return present
}

// exceptsEnrollment reports whether a Deny exempts the actions that get MFA and has no
// condition on MFA: it was meant as a guard.
func exceptsEnrollment(st *policy.Statement) bool {
	enables := func(a string) bool { return strings.EqualFold(a, "iam:EnableMFADevice") }
	return st.Effect == policy.Deny && len(mfaConditions(st)) == 0 && slices.ContainsFunc(st.NotActions, enables)
}

// keyNames returns all condition keys without a variable part.
var keyNames = sync.OnceValue(func() []string {
	seen := map[string]bool{}
	eachKey(func(k *catalog.Key) {
		if !strings.Contains(k.Name, "$") {
			seen[k.Name] = true
		}
	})
	out := make([]string, 0, len(seen))
	for k := range seen {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
})

// keyIndex holds all condition keys in lower case: complete names, and prefixes
// of those with a variable part.
var keyIndex = sync.OnceValue(func() (index struct {
	names    map[string]bool
	prefixes []string
}) {
	index.names = map[string]bool{}
	add := func(name string) {
		head, _, variable := strings.Cut(strings.ToLower(name), "${")
		switch {
		case variable && !slices.Contains(index.prefixes, head):
			index.prefixes = append(index.prefixes, head)
		case !variable:
			index.names[head] = true
		}
	}
	eachKey(func(k *catalog.Key) { add(k.Name) })
	return index
})

func eachKey(visit func(*catalog.Key)) {
	globals := catalog.Globals()
	for i := range globals {
		visit(&globals[i].Key)
	}
	for _, s := range catalog.Load().Services {
		for _, r := range s.Resources {
			for _, k := range r.Keys {
				visit(k)
			}
		}
		for _, a := range s.Actions {
			for _, k := range a.Keys {
				visit(k)
			}
			for _, r := range a.Resources {
				for _, k := range r.Keys {
					visit(k)
				}
			}
		}
	}
}

// knownKey reports whether requests can have a condition key. Keys of identity
// providers can have any name.
func knownKey(key string) bool {
	low := strings.ToLower(key)
	index := keyIndex()
	head, _, _ := strings.Cut(low, ":")
	provider := strings.Contains(low, ":") && strings.ContainsAny(head, "./")
	return index.names[low] || provider ||
		slices.ContainsFunc(index.prefixes, func(p string) bool { return p != "" && strings.HasPrefix(low, p) })
}

// unknownActions checks the names of actions of services in the catalog.
func (in *inspection) unknownActions(i int) {
	st := &in.doc.Statements[i]
	var unknown []string
	meant := map[string]string{}
	for _, p := range slices.Concat(st.Actions, st.NotActions) {
		prefix, name, found := strings.Cut(p, ":")
		s, ok := catalog.Load().Service(prefix)
		if !found || !ok || strings.ContainsAny(name, "*?") || len(unknown) == mostValues {
			continue
		}
		if _, ok := catalog.Load().Action(p); ok {
			continue
		}
		text := p
		if meant[p] = actionMeant(s, name); meant[p] != "" {
			text += " (did you mean " + meant[p] + "?)"
		}
		unknown = append(unknown, text)
	}
	if len(unknown) == 0 {
		return
	}
	f := in.add("K-3", i, "unknown to the catalog of %s: %s; misspelled, or newer than the catalog", catalog.Load().Date(), some(unknown))
	if !slices.ContainsFunc(unknown, func(text string) bool { return !strings.HasSuffix(text, "?)") }) {
		f.Fix = in.replace(i, func(st *policy.Statement) {
			st.Actions, st.NotActions = renamed(st.Actions, meant), renamed(st.NotActions, meant)
		})
	}
}

// actionMeant returns the action that an unknown name probably stands for: that of
// an API operation of this name, or the one that is spelled most alike. Empty: none
// is similar.
func actionMeant(s *catalog.Service, name string) string {
	if action, ok := catalog.Load().Operation(s.Prefix, name); ok {
		return action
	}
	names := make([]string, len(s.Actions))
	for k, a := range s.Actions {
		names[k] = a.String()
	}
	return nearest(s.Prefix+":"+name, names)
}

func renamed(list []string, names map[string]string) []string {
	var out []string
	for _, old := range list {
		if name := names[old]; name != "" {
			old = name
		}
		if !slices.Contains(out, old) {
			out = append(out, old)
		}
	}
	return out
}

// placeholder reports whether a text contains a placeholder.
func placeholder(text string) bool {
	if strings.Contains(text, "<") && strings.Contains(text, ">") {
		return true
	}
	a, ok := arn.Split(text)
	if !ok {
		return !arn.IsAccountID(text) && !strings.ContainsAny(text, ":*?$") && !uniqueID(text)
	}
	ofAWS := a.Account == "aws" && a.Kind() != "user" && a.Kind() != "mfa" && a.Kind() != "group"
	return a.Service == "iam" && a.Account != "" && !ofAWS && !arn.IsAccountID(a.Account) && !strings.ContainsAny(a.Account, "*?$")
}

// uniqueID reports whether a name is a unique ID, which AWS writes in the place
// of a deleted principal.
// Source: IAM User Guide, "IAM identifiers", Unique identifiers.
func uniqueID(name string) bool {
	return len(name) >= 16 && (strings.HasPrefix(name, "AIDA") || strings.HasPrefix(name, "AROA")) && strings.ToUpper(name) == name
}

// placeholders reports names that match nothing.
func (in *inspection) placeholders(i int) {
	st := &in.doc.Statements[i]
	for _, r := range slices.Concat(st.Resources, st.NotResources) {
		if _, isARN := arn.Split(r); isARN && placeholder(r) {
			in.add("K-4", i, "%s is not filled in, so it matches nothing", r)
			break
		}
	}
	if in.kind == policy.Resource && st.Principals == nil && st.NotPrincipals == nil {
		in.add("T-2", i, "the statement has no Principal, which every statement of a resource policy needs").Severity = High
	}
	for _, p := range []*policy.Principals{st.Principals, st.NotPrincipals} {
		if p == nil {
			continue
		}
		for _, name := range p.AWS {
			_, isARN := arn.Split(name)
			switch {
			case placeholder(name):
				in.add("K-4", i, "the principal %s is not filled in, so it matches no one", name)
			case uniqueID(name):
				in.add("T-2", i, "the principal %s was deleted: it matches no one, even if the name is created again", name)
			case strings.Contains(name, "${"):
				in.add("T-2", i, "the principal %s matches no one: variables are not filled in in the Principal element", name)
			case isARN && strings.ContainsAny(name, "*?"):
				in.add("T-2", i, "the principal %s matches no one: the ARN of a principal cannot contain a wildcard", name)
			case isARN && !canCall(name):
				in.add("T-2", i, "the principal %s matches no one: only accounts, users, roles and sessions are principals", name)
			}
		}
	}
}

// canCall reports whether an ARN in a Principal element can be that of a caller.
// Source: IAM User Guide, "AWS JSON policy elements: Principal".
func canCall(name string) bool {
	a, _ := arn.Split(name)
	kinds := []string{"user", "role"}
	if a.Service == "sts" {
		kinds = []string{"assumed-role", "federated-user"}
	}
	return a.Region == "" && (a.Service == "iam" || a.Service == "sts") && (a.Resource == "root" || slices.Contains(kinds, a.Kind()))
}

// uncontrollable reports an action that no policy can deny, or allow.
func (in *inspection) uncontrollable(i int) {
	st := &in.doc.Statements[i]
	at := slices.IndexFunc(st.Actions, policy.Unconditional)
	kept := slices.DeleteFunc(slices.Clone(st.Actions), policy.Unconditional)
	var f *Finding
	switch {
	case at < 0:
		return
	case st.Effect == policy.Deny:
		f = in.add("K-6", i, "no policy can deny %s", st.Actions[at])
	case len(kept) == 0 && in.kind == policy.Identity:
		f = in.add("K-6", i, "the Allow has no effect: %s needs no permission, and works by access key without MFA whatever a policy says", st.Actions[at])
	default:
		return
	}
	switch {
	case len(kept) > 0:
		f.Fix = in.replace(i, func(st *policy.Statement) { st.Actions = kept })
	case len(in.doc.Statements) > 1:
		f.Fix = &Fix{Changes: []Change{{Statement: i}}}
	}
}
