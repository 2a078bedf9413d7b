package prove

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// A Prover answers for many subjects. It remembers what it found by the
// documents of a set and by what of the subject can matter to them, so that a
// thousand users with the same policies cost little more than one. The zero
// value is ready; it is safe for concurrent use. Documents are told apart by
// identity: parse each text once.
type Prover struct {
	mu       sync.Mutex
	verdicts map[string]verdict
	traits   map[*policy.Document]*traits
}

// remembered bounds the memory of a Prover.
const remembered = 1 << 14

// User answers for one subject.
func (p *Prover) User(s Subject) Answer {
	if s.Context == nil {
		s.Context = new(policy.Context)
	}
	if s.Set == nil {
		return Answer{Why: "the policies were not read"}
	}
	all := p.setTraits(s.Set)
	key := s.fingerprint(all)
	v, known := p.verdict(key)
	if known {
		if a, ok := s.answer(v); ok {
			a.Assumptions = s.assumptions(all, a.Outcome)
			return a
		}
	}
	v = s.find()
	p.remember(key, v)
	a, ok := s.answer(v)
	if !ok {
		a = Answer{Why: fmt.Sprintf("%s on %s is decided in two ways", v.trial.action, v.trial.resource)}
	}
	a.Assumptions = s.assumptions(all, a.Outcome)
	return a
}

func (p *Prover) verdict(key string) (verdict, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v, ok := p.verdicts[key]
	return v, ok
}

func (p *Prover) remember(key string, v verdict) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.verdicts == nil || len(p.verdicts) >= remembered {
		p.verdicts = map[string]verdict{}
	}
	p.verdicts[key] = v
}

// answer says for a subject what a verdict means. ok is false when the
// subject's own documents do not bear it out.
func (s *Subject) answer(v verdict) (a Answer, ok bool) {
	if v.outcome == Enforced || v.trial.action == "" {
		return Answer{Outcome: v.outcome, Why: v.why}, true
	}
	w, refuses, decides := s.replay(v.trial)
	switch {
	case v.outcome == Unknown:
		return Answer{Why: why(v.trial, w, refuses)}, refuses.Verdict == policy.Unknown
	case refuses.Verdict != policy.ImplicitDenied:
		return Answer{}, false
	case !v.latent:
		return Answer{Outcome: Open, Witness: w}, decides.Verdict == policy.Allowed
	}
	if byRole, found := s.assume(); found {
		return Answer{Outcome: Open, Witness: byRole}, true
	}
	w.AllowedBy = ""
	return Answer{Outcome: Open, Witness: w, Latent: true}, decides.Verdict != policy.Allowed
}

func why(t trial, w *Witness, d policy.Decision) string {
	if w == nil {
		return ""
	}
	return d.Why + " (" + w.Action + " by " + words[t.credential] + ")"
}

// assumptions are what an answer rests on besides the documents.
func (s *Subject) assumptions(t traits, o Outcome) []string {
	var out []string
	if o == Enforced && s.ForwardedCallsPass && t.keys["aws:viaawsservice"] {
		out = append(out, "a request that an AWS service forwards exists only after a direct request of the same credential was allowed, "+
			"and no action of the enrolment set forwards requests")
	}
	if o == Enforced && t.denyByPrincipal {
		out = append(out, "federation tokens made before the Deny was in force are not met by it; they end within 36 hours")
	}
	return out
}

// traits are what of a subject can matter to a document.
type traits struct {
	keys            map[string]bool // condition keys and variables that it names, lower case
	user            bool            // it tells users apart by their ARN
	account         bool            // it names an account
	denyByPrincipal bool            // a Deny looks at what a federated session has not
}

func (t *traits) add(o *traits) {
	for k := range o.keys {
		t.keys[k] = true
	}
	t.user = t.user || o.user
	t.account = t.account || o.account
	t.denyByPrincipal = t.denyByPrincipal || o.denyByPrincipal
}

// setTraits joins the traits of the documents of a set.
func (p *Prover) setTraits(set *policy.Set) traits {
	all := traits{keys: map[string]bool{}}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range documents(set) {
		t, ok := p.traits[d]
		if !ok {
			t = traitsOf(d)
			if p.traits == nil || len(p.traits) >= remembered {
				p.traits = map[*policy.Document]*traits{}
			}
			p.traits[d] = t
		}
		all.add(t)
	}
	return all
}

func traitsOf(d *policy.Document) *traits {
	t := &traits{keys: map[string]bool{}}
	for i := range d.Statements {
		s := &d.Statements[i]
		for _, pattern := range slices.Concat(s.Resources, s.NotResources) {
			t.user = t.user || tellsUsersApart(pattern)
			t.account = t.account || namesAccount(pattern)
			t.variables(pattern, false)
		}
		for _, c := range s.Conditions {
			t.condition(c, s.Effect)
		}
	}
	return t
}

// condition notes what a condition looks at. One on aws:PrincipalArn that
// takes any user takes all of them alike.
func (t *traits) condition(c policy.Condition, effect policy.Effect) {
	key := strings.ToLower(c.Key)
	alike := key == "aws:principalarn"
	for _, v := range c.Values {
		alike = alike && !tellsUsersApart(v) && !strings.Contains(v, "${") && strings.HasPrefix(v, "arn:")
		t.account = t.account || namesAccount(v)
		t.variables(v, true)
	}
	if !alike {
		t.keys[key] = true
	}
	if effect == policy.Deny && ofPrincipal[key] {
		t.denyByPrincipal = true
	}
}

// ofPrincipal are keys that a federated session has not, or with another value.
var ofPrincipal = map[string]bool{"aws:principalarn": true, "aws:principaltype": true, "aws:username": true, "aws:userid": true}

// variables notes the keys whose values become part of a text. The name of
// the user in a resource makes no difference between users: each meets its own.
func (t *traits) variables(text string, inCondition bool) {
	for {
		_, rest, found := strings.Cut(text, "${")
		if !found {
			return
		}
		name, after, _ := strings.Cut(rest, "}")
		key, _, _ := strings.Cut(strings.ToLower(name), ",")
		if key != "aws:username" || inCondition {
			t.keys[key] = true
		}
		text = after
	}
}

// tellsUsersApart tells whether an ARN pattern can match one user or device
// and not another, for a reason other than being the subject's own or having
// a path.
func tellsUsersApart(pattern string) bool {
	a, ok := arn.Split(pattern)
	if !ok {
		return pattern != "*"
	}
	if a.Service != "iam" && !strings.ContainsAny(a.Service, "*?") {
		return false
	}
	kind, tail, _ := strings.Cut(a.Resource, "/")
	switch {
	case a.Resource == "*" && !strings.ContainsAny(a.Service, "*?"):
		return false
	case kind == "user" || kind == "mfa":
		return tail != "*" && tail != "${aws:username}" && tail != "*/${aws:username}"
	}
	return strings.ContainsAny(kind, "*?")
}

// namesAccount tells whether a text holds an account ID.
func namesAccount(text string) bool {
	digits := 0
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			digits = 0
		} else if digits++; digits == 12 {
			return true
		}
	}
	return false
}

// fingerprint is everything that the search depends on. Two subjects that have
// it in common differ in names alone.
func (s *Subject) fingerprint(t traits) string {
	var out strings.Builder
	each(s.Set, func(source *policy.Source) { fmt.Fprintf(&out, "%p ", source.Document) })
	fmt.Fprintf(&out, "%d %t %d", len(s.Set.Identity), s.Set.Boundary != nil, len(s.Set.Session))
	for _, level := range slices.Concat(s.Set.SCPs, [][]policy.Source{nil}, s.Set.RCPs) {
		fmt.Fprintf(&out, " %d", len(level))
	}
	self, _ := arn.Split(s.Principal.ARN)
	fmt.Fprintf(&out, " %d %s %t %t %t %t %v %v", s.Principal.Kind, self.Partition, strings.Count(self.Resource, "/") > 1,
		s.HasDevice, s.ForwardedCallsPass, s.EnrolmentByKey, s.Enrolment, s.Credentials)
	if t.user {
		out.WriteString(" " + s.Principal.ARN)
	}
	if t.account || t.user {
		out.WriteString(" " + s.Principal.Account)
	}
	keys := make([]string, 0, len(t.keys))
	for k := range t.keys {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		if values, ok := s.Context.Get(k); ok {
			fmt.Fprintf(&out, " %s=%q", k, values)
		}
	}
	return out.String()
}
