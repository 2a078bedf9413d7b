package lint

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"forcemfa/policy"
	"forcemfa/policy/arn"
	"forcemfa/policy/prove"
)

// reach finds guards that leave the access key or the password session of a user
// open because a further condition does not hold for it. A Deny that was meant
// as a guard is never passed over in silence: where no condition explains it, the
// prover decides the whole document.
func (in *inspection) reach() {
	switch in.kind {
	case policy.Identity, policy.Boundary, policy.SCP:
	case policy.Resource, policy.Trust:
		in.resourceDenies()
		return
	case policy.RCP:
		in.resourceDenies()
		in.otherServices()
		return
	default:
		return
	}
	looksLikeGuard := false
	for i := range in.doc.Statements {
		st := &in.doc.Statements[i]
		switch {
		case exceptsEnrollment(st) && !in.explained(i):
			in.misses(i)
			continue
		case !guardShape(st):
			continue
		}
		looksLikeGuard = true
		if !in.explained(i) {
			in.misses(i)
		}
	}
	switch {
	case !looksLikeGuard:
		in.lists()
	case !in.serious():
		in.decideWhole()
	}
}

// lists reports a document that requires MFA for listed actions only, in place of
// a guard. One for the enrollment actions on other users belongs to a guard
// elsewhere.
func (in *inspection) lists() {
	for i := range in.doc.Statements {
		st := &in.doc.Statements[i]
		if st.Effect != policy.Deny || len(mfaConditions(st)) == 0 || len(st.Resources) == 0 || in.explainedApartFrom(i, "L-1", "O-1") {
			continue
		}
		p := in.user("")
		at := in.openBeside(p)
		if at == nil {
			continue
		}
		if !slices.Contains(st.Resources, "*") {
			f := in.add("G-3", i, "without MFA everything except the listed actions on the listed resources stays open, for example %s", at.action)
			f.Severity, f.Example = Low, in.example(at, true, true)
			return
		}
		f := in.add("G-3", i, "without MFA everything except the listed actions stays open, for example %s", at.action)
		if !slices.ContainsFunc(st.Actions, func(a string) bool { return !harmless(a) }) {
			f.Severity = High
			f.What += ": did you mean NotAction?"
			f.Fix = in.replace(i, func(st *policy.Statement) { st.NotActions, st.Actions = st.Actions, nil })
		} else {
			f.Fix = in.replace(i, func(st *policy.Statement) { st.NotActions, st.Actions = enrolling, nil })
		}
		f.Example = in.example(at, true, true)
		return
	}
}

// otherServices reports the services that a resource control policy does not apply to,
// IAM among them: no Deny of one is a guard.
// Source: Organizations User Guide, "Resource control policies (RCPs)", List of AWS
// services that support RCPs.
func (in *inspection) otherServices() {
	for i := range in.doc.Statements {
		st := &in.doc.Statements[i]
		if st.Effect != policy.Deny || len(mfaConditions(st)) == 0 {
			continue
		}
		at := in.outOfReach(in.user(""))
		if at == nil {
			continue
		}
		f := in.add("G-3", i, "a resource control policy applies to some services only: without MFA the others stay open, for example %s", at.action)
		f.Example = in.example(at, true, true)
		return
	}
}

// outOfReach returns a request by access key that no resource control policy can refuse.
func (in *inspection) outOfReach(p policy.Principal) *situation {
	for _, a := range telling {
		for _, r := range in.typical(a) {
			if at := (&situation{who: byKey(p), action: a, resource: r}); !in.controlled(at) && in.passes(at) {
				return at
			}
		}
	}
	return nil
}

// controlled reports whether resource control policies apply to the service of a request.
func (in *inspection) controlled(at *situation) bool {
	all := in.allowAll()
	all.Effect = policy.Deny
	return in.decide(in.compose(in.doc.Version, all), at) == policy.ExplicitDenied
}

// openBeside returns a request by access key that nobody should make without MFA
// and that the document does not refuse; nil when there is none.
func (in *inspection) openBeside(p policy.Principal) *situation {
	for _, a := range telling {
		for _, r := range in.typical(a) {
			at := &situation{who: byKey(p), action: a, resource: r}
			if in.passes(at) {
				return at
			}
		}
	}
	return nil
}

// guardShape reports whether a statement denies all actions but a few, or all of
// them, depending on MFA.
func guardShape(st *policy.Statement) bool {
	return st.Effect == policy.Deny && len(mfaConditions(st)) > 0 && (st.NotActions != nil || slices.Contains(st.Actions, "*"))
}

// aboutOthers are the rules about what a Deny refuses too much, and about its
// exceptions. They don't say why a request that is not excepted passes.
var aboutOthers = []string{"O-1", "R-2", "D-1", "D-21", "E-1", "E-2", "E-3", "E-4", "E-6", "E-9", "L-1"}

// aboutAccess are the rules about users who cannot enroll or work, about enrollment by
// a thief, and about statements without effect: none says that another request passes.
var aboutAccess = []string{"D-2", "D-3", "D-12", "D-15", "D-18", "D-21", "E-9", "L-1", "M-9", "M-10", "U-1", "O-1", "R-2", "T-2", "K-9", "K-11"}

// explained reports whether a finding says already why a statement does not refuse
// requests without MFA.
func (in *inspection) explained(i int) bool { return in.explainedApartFrom(i, aboutOthers...) }

func (in *inspection) explainedApartFrom(i int, codes ...string) bool {
	return slices.ContainsFunc(in.findings, func(f Finding) bool {
		return f.Statement == i && !slices.Contains(codes, f.Code) && rank(f.Severity) <= rank(High)
	})
}

// resourceDenies checks the conditions beside those on MFA in the Denies of a policy
// of a resource. Such a policy may require MFA of a part only, by the resource's own
// keys, but not of requests that nobody makes or that the sender chooses.
func (in *inspection) resourceDenies() {
	for i := range in.doc.Statements {
		st := &in.doc.Statements[i]
		if st.Effect != policy.Deny || len(mfaConditions(st)) == 0 || in.explained(i) {
			continue
		}
		before := len(in.findings)
		in.misses(i)
		if len(in.findings) == before {
			in.resourceDeny(i)
		}
		for f := before; f < len(in.findings); f++ {
			switch in.findings[f].Code {
			case "G-1":
				in.findings[f].Severity = High
			case "E-7", "E-10":
				in.findings[f].Severity = Medium
			}
		}
	}
}

// companions are permissions that a call of sts:AssumeRole needs in addition, for tags, a source
// identity and a context.
var companions = []string{"sts:TagSession", "sts:SetSourceIdentity", "sts:SetContext"}

// resourceDeny reports a Deny that no request of a user was found for, and values of a
// key that let a request without MFA pass.
func (in *inspection) resourceDeny(i int) {
	situations := in.scopeOfPeople(i)
	st := &in.doc.Statements[i]
	outside := func(a string) bool {
		return !in.controlled(&situation{who: byKey(in.user("")), action: a, resource: "*"})
	}
	if acts := in.actions(st); in.kind == policy.RCP && len(acts) > 0 && !slices.ContainsFunc(acts, func(a string) bool { return !outside(a) }) {
		in.add("G-1", i, "the Deny applies to no request: resource control policies do not apply to %s", some(acts))
		return
	}
	if in.kind == policy.Trust && !covers(st.Actions, "sts:AssumeRole") && slices.ContainsFunc(companions, func(a string) bool { return covers(st.Actions, a) }) {
		return
	}
	short := slices.ContainsFunc(st.Resources, func(r string) bool { return strings.Trim(r, "*") != "" && strings.Count(r, ":") < 5 })
	if len(situations) == 0 && len(in.people(st)) > 0 && !short { // K-8 is about short patterns
		in.add("G-1", i, "the Deny applies to no request of an IAM user: its conditions do not hold together")
	}
	at := slices.IndexFunc(situations, in.refused)
	if at < 0 {
		return
	}
	var seen []string
	for _, c := range in.doc.Statements[i].Conditions {
		key := strings.ToLower(c.Key)
		if !strings.HasPrefix(key, "aws:") || strings.HasPrefix(key, "aws:resource") || strings.HasPrefix(key, "aws:principalorg") || aboutMFA(&c) || forwarding(key) || slices.Contains(seen, key) || !knownKey(c.Key) {
			continue
		}
		seen = append(seen, key)
		in.exemption(i, c.Key, situations[at])
	}
}

// serious reports whether the document has a finding about requests that pass,
// apart from those that NotAction excepts, and those of principals that the guard
// exempts or does not include (E-6).
func (in *inspection) serious() bool {
	return slices.ContainsFunc(in.findings, func(f Finding) bool {
		listed := f.Statement >= 0 && in.doc.Statements[f.Statement].NotActions != nil && slices.Contains(aboutOthers, f.Code)
		return !slices.Contains(aboutAccess, f.Code) && f.Code != "E-6" && !listed && rank(f.Severity) <= rank(Medium)
	})
}

// misses looks for a condition of a guard, apart from those on MFA, that holds for
// no user, or not for one of the ways to sign in.
func (in *inspection) misses(i int) {
	st := &in.doc.Statements[i]
	for _, c := range st.Conditions {
		if aboutMFA(&c) {
			continue
		}
		key, password := in.everHolds(&c, byKey), in.everHolds(&c, byPassword)
		if key && password {
			continue
		}
		at := in.unreached(st)
		if at == nil && (key || password) && in.kind != policy.Resource && in.kind != policy.Trust && in.kind != policy.RCP {
			continue // another statement refuses what this one misses
		}
		f := in.add("G-1", i, "%s", missing(&c, key, password))
		if at != nil {
			f.Example = in.example(at, true, true)
		} else if in.guard != nil {
			f.Severity = Low // that guard refuses what this statement misses
		}
		if !ofRoot(&c) { // a guard of users stands beside it, not in its place
			f.Fix = in.replace(i, func(st *policy.Statement) { st.Conditions = repaired(st.Conditions, c) })
		}
		return
	}
}

// missing says whom a Deny with a condition misses, of which it is known whether it ever
// holds for an access key and for a console session.
func missing(c *policy.Condition, key, password bool) string {
	text := conditionText([]policy.Condition{*c})
	switch {
	case key:
		return "the Deny misses every console session: " + text + " never holds for one" + meant(c)
	case password:
		return "the Deny misses every access key: " + text + " never holds for one" + meant(c)
	case ofRoot(c):
		return "the Deny applies to the root user only, and to no IAM user: " + text
	}
	return "the Deny applies to no IAM user: " + text + " never holds" + meant(c)
}

// ofRoot reports whether a condition holds for the root user of an account alone.
func ofRoot(c *policy.Condition) bool {
	_, op, _ := operator(c)
	return strings.EqualFold(c.Key, "aws:PrincipalArn") && positiveText(op) && len(c.Values) > 0 &&
		!slices.ContainsFunc(c.Values, func(v string) bool { return !strings.HasPrefix(v, "arn:") || !strings.HasSuffix(v, ":root") })
}

// unreached returns a request without MFA that a statement covers, apart from its
// conditions, and that the document lets pass; nil when there is none.
func (in *inspection) unreached(st *policy.Statement) *situation {
	for _, action := range in.actions(st) {
		if covers(st.NotActions, action) {
			continue
		}
		for _, who := range []caller{byKey(in.user("")), byPassword(in.user(""))} {
			at := &situation{who: who, action: action, resource: in.resources(st, action)[0]}
			if in.passes(at) {
				return at
			}
		}
	}
	return nil
}

// everHolds reports whether a condition holds for some user and some values that a
// sender can choose.
func (in *inspection) everHolds(c *policy.Condition, by func(policy.Principal) caller) bool {
	one := []policy.Condition{*c}
	for _, p := range in.people(&policy.Statement{Conditions: one}) {
		if _, ok := in.solve(one, by(p)); ok {
			return true
		}
	}
	return false
}

// meant is what the author of a condition probably had in mind, as the end of a
// sentence; empty if it is not clear.
func meant(c *policy.Condition) string {
	_, op, _ := operator(c)
	key := strings.ToLower(c.Key)
	for _, v := range c.Values {
		switch {
		case unfilled(v):
			return "; fill in " + v
		case key == "aws:principaltype" && strings.Contains(strings.ToLower(v), "user"):
			return "; the type of an IAM user is User"
		case strings.HasPrefix(op, "String") && !strings.HasSuffix(op, "Like") && strings.ContainsAny(v, "*?"):
			return "; " + op + " compares * and ? as they are written: " + like(c) + " has wildcards"
		case strings.Contains(v, ":users/"):
			return "; the ARN of a user has user/, not users/"
		}
	}
	if key == "aws:tokenissuetime" {
		return "; access keys have no aws:TokenIssueTime"
	}
	if at, ok := instant(c.Values[0]); ok && at.Before(noon) && ofClock(key) && strings.Contains(op, "LessThan") {
		return "; that time is over"
	}
	return ""
}

// markup matches the variables of templates: {{x}}, {% x %}, #{x}, %{x}, %(x)s, @x@, @@x@@, __X__ and %X%.
var markup = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\{\{.*\}\}|\{%.*%\}|%\(\w+\)s|[#%]\{[^}]*\}|@@\w+@@|(^|[:/])@\w+@($|[:/])|__[A-Za-z]\w*__|%[A-Z_]+%`)
})

// fillers matches what people write in an ARN where something is to be filled in.
var fillers = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i:[:/_-](your|todo|fixme|change-?_?me)([:/_-]|$))|[Xx]{4,}|(?i:[:/](insert|enter)[_-])|(?i:[_-]here($|[:/]))|[:/]USER_?NAME($|[:/])|[:/]%[sv]($|[:/])|[:/]\[\w+\]($|[:/])`)
})

// unfilled reports whether a value holds the place of another that a template or a
// person was to fill in.
func unfilled(v string) bool {
	if strings.Contains(v, "<") && strings.Contains(v, ">") || strings.Contains(strings.ToUpper(v), "REPLACE") || markup().MatchString(v) {
		return true
	}
	if org, _, _ := strings.Cut(v, "/"); org == "o-exampleorgid" || len(org) > 3 && strings.Trim(org, "xX") == "o-" {
		return true // organizations of documentation
	}
	if a, ok := arn.Split(v); strings.HasPrefix(v, "arn:") && (fillers().MatchString(v) || ok && a.Service == "iam" && strings.Trim(a.Account, "0123456789") != "" && placeholder(v)) {
		return true
	}
	for _, variable := range anyVariable.FindAllString(v, -1) {
		key, _, _ := strings.Cut(strings.TrimSuffix(variable[2:], "}"), ",")
		if key = strings.TrimSpace(key); strings.Contains(key, ":") && !knownKey(key) {
			return true // no request has the key
		}
	}
	for _, rest := range strings.Split(v, "$")[1:] {
		if rest == "" {
			continue // the end of a regular expression
		}
		name, _, closed := strings.Cut(strings.TrimPrefix(rest, "{"), "}")
		if !strings.HasPrefix(rest, "{") || closed && name != "*" && name != "?" && name != "$" && !strings.Contains(name, ":") || strings.Contains(name, "::") {
			return true
		}
	}
	return false
}

// like is the operator with wildcards for a condition that compares literally.
func like(c *policy.Condition) string {
	if strings.EqualFold(c.Key, "aws:PrincipalArn") {
		return "ArnLike"
	}
	return "StringLike"
}

// repaired are the conditions with one of them as it was probably meant, or
// without it.
func repaired(conditions []policy.Condition, wrong policy.Condition) (out []policy.Condition) {
	_, op, _ := operator(&wrong)
	for _, c := range conditions {
		if c.Operator != wrong.Operator || c.Key != wrong.Key {
			out = append(out, c)
			continue
		}
		switch {
		case op == "StringEquals" && slices.ContainsFunc(c.Values, func(v string) bool { return strings.ContainsAny(v, "*?") && !unfilled(v) }):
			c.Operator = like(&c)
		case strings.EqualFold(c.Key, "aws:PrincipalType") && op == "StringEquals":
			c.Values = []string{"User"}
		case slices.ContainsFunc(c.Values, func(v string) bool { return strings.Contains(v, ":users/") }):
			c.Values = slices.Clone(c.Values)
			for i, v := range c.Values {
				c.Values[i] = strings.Replace(v, ":users/", ":user/", 1)
			}
		default:
			continue
		}
		out = append(out, c)
	}
	return out
}

// decideWhole asks the prover about users who may do everything that the document
// does not deny: the usual one and, where the document names users, some that it does
// not name. Where it exempts principals, only a user whom the guard refuses counts.
func (in *inspection) decideWhole() {
	exempts := in.guard != nil && slices.ContainsFunc(in.findings, func(f Finding) bool { return f.Code == "E-6" })
	who := []policy.Principal{in.user("")}
	if exempts {
		who[0] = in.guard.at.who.principal
	} else {
		who = append(who, in.strangers(in.conditions())...)
	}
	for _, p := range who {
		if in.decideFor(p, exempts) {
			return
		}
	}
}

// decideFor asks the prover about one user, and reports whether that gave a finding.
func (in *inspection) decideFor(p policy.Principal, exempts bool) bool {
	var exceptions []string
	for i := range in.doc.Statements {
		if st := &in.doc.Statements[i]; guardShape(st) {
			exceptions = append(exceptions, st.NotActions...)
		}
	}
	at := situation{who: byKey(p)}
	subject := prove.Subject{Principal: p, Set: in.set(in.withAllBut(exceptions)), Context: at.describe(), HasDevice: true, ForwardedCallsPass: true,
		Enrollment: exceptions, EnrollmentByKey: true, Credentials: []policy.Credential{policy.LongTermKey, policy.ConsolePassword}}
	for key := range usual {
		subject.Context.Delete(key)
	}
	in.setOrganization(subject.Context)
	if exempts {
		for key, values := range in.guard.at.keys {
			if ofPrincipal(key) && len(values) == 1 {
				subject.Context.Set(key, values[0])
			}
		}
	}
	a := prove.User(subject)
	// Of an unknown key, K-2 says that no request has it; of a key that exempts, E-6.
	told := func(key string) bool { return !knownKey(key) || exempts && ofPrincipal(key) }
	switch {
	case a.Outcome == prove.Open && slices.ContainsFunc(slices.Collect(maps.Keys(a.Counterexample.Keys)), told):
	case a.Outcome == prove.Open:
		in.addOpen(p, a.Counterexample)
		return true
	case a.Outcome == prove.Unknown:
		in.add("G-2", -1, "could not decide whether the document refuses every request without MFA: %s", a.Why)
		return true
	}
	return false
}

// addOpen reports a request that the document leaves open: on a resource that a guard
// excepts, or for another reason.
func (in *inspection) addOpen(p policy.Principal, w *prove.Counterexample) {
	example := in.translate(p, w)
	if i := in.excepting(example); i >= 0 {
		f := in.add("E-5", i, "the Deny covers only some resources, and this is possible without MFA on others: %s", w)
		f.Example = example
		f.Fix = in.replace(i, func(st *policy.Statement) { st.Resources, st.NotResources = []string{"*"}, nil })
		return
	}
	in.add("G-1", -1, "the document leaves a request without MFA open: %s", w).Example = example
}

// withAllBut is the document with an Allow of everything and a Deny of what its guards
// except, which other rules are about: a request of those must not hide another.
func (in *inspection) withAllBut(exceptions []string) policy.Source {
	if len(exceptions) == 0 {
		return in.withAll(in.doc)
	}
	deny := policy.Statement{Effect: policy.Deny, Actions: exceptions, Resources: []string{"*"}}
	return in.compose(in.doc.Version, append(slices.Clone(in.doc.Statements), in.allowAll(), deny)...)
}

// excepting returns the guard that refused a request if it did not except its resource,
// -1 if none did.
func (in *inspection) excepting(e *Example) int {
	if e == nil {
		return -1
	}
	at, err := e.situation()
	if err != nil {
		return -1
	}
	return slices.IndexFunc(in.doc.Statements, func(st policy.Statement) bool {
		if !guardShape(&st) || st.NotResources == nil {
			return false
		}
		st.Resources, st.NotResources = []string{"*"}, nil
		source := in.compose(in.doc.Version, st, in.allowAll())
		return source.Document != nil && in.decide(source, at) == policy.ExplicitDenied
	})
}

// ofPrincipal reports whether a key describes the caller.
func ofPrincipal(key string) bool {
	return strings.HasPrefix(strings.ToLower(key), "aws:principal") || strings.EqualFold(key, "aws:userid")
}

// setOrganization sets the keys that users of an organization have: of the one that
// the document names.
func (in *inspection) setOrganization(c *policy.Context) {
	c.Set("aws:PrincipalOrgID", ofOrganization["aws:principalorgid"])
	c.SetMany("aws:PrincipalOrgPaths", []string{ofOrganization["aws:principalorgpaths"]})
	for i := range in.doc.Statements {
		for _, on := range in.doc.Statements[i].Conditions {
			_, op, _ := operator(&on)
			if _, ok := ofOrganization[strings.ToLower(on.Key)]; !ok || len(on.Values) == 0 || !positiveText(op) {
				continue
			}
			pattern := arn.Compile(on.Values[0])
			for _, v := range append(ofOrganizations(on.Key, on.Values[0]), in.instance(on.Values[0])) {
				if possible(on.Key, v) && pattern.Match(v) {
					set(c, on.Key, v)
					break
				}
			}
		}
	}
}

// set sets a key to one value.
func set(c *policy.Context, key, value string) {
	if manyValued(key) {
		c.SetMany(key, []string{value})
		return
	}
	c.Set(key, value)
}
