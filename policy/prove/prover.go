package prove

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// A Prover answers for many subjects. It caches results by the documents of a
// set and by the properties of the subject that matter to them, so that a
// thousand users with the same policies cost little more than one. The zero
// value is ready to use. A Prover is safe for concurrent use. Documents are
// identified by pointer: parse each text once.
type Prover struct {
	mu       sync.Mutex
	verdicts map[string]verdict
	traits   map[string]*traits // by the documents of a set
	taken    map[apartKey][]*clause
	harms    map[string]harm // of roles, by their ARN and the documents of their sets
}

// remembered limits the memory of a Prover.
const remembered = 1 << 14

// User answers for one subject. It relies on as few observed answers as possible.
func (p *Prover) User(s Subject) Answer {
	if s.Observed.IsZero() {
		return p.decide(s)
	}
	answer := p.observing(&s, policy.Observed{})
	if answer.Outcome != Unknown && answer.Strict != Unknown && answer.Today.Outcome != Unknown {
		return answer
	}
	relied := s.Observed
	better := p.observing(&s, relied)
	if better.decidesLike(&answer) {
		return answer
	}
	for _, q := range relied.Questions() {
		if fewer := p.observing(&s, relied.Without(q)); fewer.decidesLike(&better) {
			relied, better = relied.Without(q), fewer
		}
	}
	better.Observed = relied
	return better
}

func (a *Answer) decidesLike(b *Answer) bool {
	return a.Outcome == b.Outcome && a.Strict == b.Strict && a.Today.Outcome == b.Today.Outcome
}

// observing answers for a subject by some observed answers.
func (p *Prover) observing(s *Subject, o policy.Observed) Answer {
	with := *s
	with.Context = s.Context.Clone()
	with.Context.Observe(o)
	return p.decide(with)
}

func (p *Prover) decide(s Subject) Answer {
	if s.Set == nil {
		return Answer{Why: notRead, Today: Today{Why: notRead}}
	}
	sources := s.Set.Sources()
	id := identify(s.Set, sources)
	key := s.fingerprint(id, p.setTraits(sources, id))
	if v, known := p.verdict(key); known {
		if a, ok := p.answer(&s, v); ok {
			return a
		}
	}
	v := p.find(&s)
	v.of = documents(sources)
	p.remember(key, v)
	a, ok := p.answer(&s, v)
	if !ok {
		why := fmt.Sprintf("search and evaluator disagree about %s on %s", v.trial.action, v.trial.resource)
		return Answer{Why: why, Today: Today{Why: why}}
	}
	return a
}

const notRead = "the policies were not read"

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

// answer translates a verdict for a subject. ok is false when the subject's own
// documents do not confirm it.
func (p *Prover) answer(s *Subject, v verdict) (a Answer, ok bool) {
	a = Answer{Outcome: v.outcome, Strict: v.strict, Proof: v.proof, Assumptions: s.assumptions(v)}
	a.Today = Today{Outcome: v.today, Why: v.todayWhy}
	if v.strict == Open {
		w, refuses, _ := s.replay(v.beyond)
		if refuses.Verdict != policy.ImplicitDenied {
			return a, false
		}
		a.Beyond = w
	}
	if v.outcome == Enforced {
		return a, true
	}
	if v.outcome == Unknown && v.trial.action == "" {
		a.Why = v.why
		return a, true
	}
	w, refuses, decides := s.replay(v.trial)
	switch {
	case v.outcome == Unknown:
		a.Why = why(v, w, refuses)
		return a, refuses.Verdict != policy.ImplicitDenied
	case refuses.Verdict != policy.ImplicitDenied:
		return a, false
	case !v.latent:
		a.Counterexample = w
		if worse := p.worse(s, v); worse != nil {
			a.Counterexample = worse
		}
		return a, decides.Verdict == policy.Allowed
	}
	byRole, doubt := p.assume(s, s.Roles)
	if byRole != nil {
		a.Counterexample, a.Today = byRole, Today{Outcome: Open}
		return a, true
	}
	if doubt != "" && a.Today.Outcome == Enforced {
		a.Today = Today{Why: doubt}
	}
	w.AllowedBy = ""
	a.Counterexample, a.Latent, a.Obstacle = w, true, Obstacle(decides, w.Action)
	if a.Today.Outcome == Enforced {
		a.Today.Assumptions = []string{"resource-based policies were not read; one that names the user would allow more"}
	}
	return a, decides.Verdict != policy.Allowed
}

func why(v verdict, w *Counterexample, d policy.Decision) string {
	if w == nil || d.Why == "" {
		return v.why
	}
	return d.Why + " (" + w.Action + " by " + words[v.trial.credential] + ")"
}

// assumptions returns what an answer relies on in addition to the documents.
func (s *Subject) assumptions(v verdict) []string {
	if v.outcome != Enforced {
		return nil
	}
	out := []string{"sts:GetCallerIdentity cannot be denied, and a presigned request for it signs in to systems that accept it as proof of identity, " +
		"such as Amazon EKS and HashiCorp Vault"}
	if v.forwards {
		out = append(out, "an AWS service forwards a request only after a direct request with the same credential was allowed, "+
			"and no action of the enrollment set forwards requests")
	}
	if !v.federated {
		out = append(out, "federation tokens created before the Deny was in force are not subject to it; they expire within 36 hours")
	}
	return out
}

// traits are the properties of a subject that can matter to a document.
type traits struct {
	of          []*policy.Document // as in verdict
	keys        map[string]bool    // condition keys and variables in it, lower case
	sorted      []string           // the same, sorted
	user        bool               // it distinguishes users by their ARN
	account     bool               // it names an account
	own, others []string           // resources with and without the user's name in them, by service
}

func (t *traits) add(o *traits) {
	for k := range o.keys {
		t.keys[k] = true
	}
	t.user = t.user || o.user
	t.account = t.account || o.account
	t.own, t.others = append(t.own, o.own...), append(t.others, o.others...)
}

// meet reports whether a resource that has the user's name in it can be one that
// another pattern names for some users and not for others.
func (t *traits) meet() bool {
	return slices.ContainsFunc(t.own, func(own string) bool {
		before, _, _ := strings.Cut(own, "${")
		return slices.ContainsFunc(t.others, func(other string) bool {
			i := strings.IndexAny(other, "*?")
			if i < 0 {
				return strings.HasPrefix(other, before)
			}
			return strings.HasPrefix(other[:i], before) && i > len(before) || strings.HasPrefix(before, other[:i]) && other[i:] != "*"
		})
	})
}

// resource records how a pattern can distinguish users.
func (t *traits) resource(pattern string) {
	t.user = t.user || tellsUsersApart(pattern)
	t.account = t.account || namesAccount(pattern)
	t.variables(pattern, false)
	a, ok := arn.Split(pattern)
	if !ok || strings.ContainsAny(a.Service, "*?") || a.Service == "iam" && strings.HasPrefix(a.Resource, "user/") {
		return
	}
	text := a.Service + ":" + a.Resource
	if strings.Contains(strings.ToLower(text), "${aws:username") {
		t.own = append(t.own, text)
	} else {
		t.others = append(t.others, text)
	}
}

// setTraits joins the traits of the documents of a set.
func (p *Prover) setTraits(sources []*policy.Source, id string) *traits {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t, ok := p.traits[id]; ok {
		return t
	}
	all := &traits{of: documents(sources), keys: map[string]bool{}}
	for _, source := range sources {
		if source.Document != nil {
			all.add(traitsOf(source.Document))
		}
	}
	if all.meet() {
		all.keys["aws:username"] = true
	}
	all.sorted = slices.Sorted(maps.Keys(all.keys))
	if p.traits == nil || len(p.traits) >= remembered {
		p.traits = map[string]*traits{}
	}
	p.traits[id] = all
	return all
}

func traitsOf(d *policy.Document) *traits {
	t := &traits{keys: map[string]bool{}}
	for i := range d.Statements {
		s := &d.Statements[i]
		for _, pattern := range slices.Concat(s.Resources, s.NotResources) {
			t.resource(pattern)
		}
		for _, c := range s.Conditions {
			t.condition(c)
		}
	}
	return t
}

// condition records the keys of a condition. One on aws:PrincipalArn that
// matches any user does not distinguish users.
func (t *traits) condition(c policy.Condition) {
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
}

// variables notes the keys whose values become part of a text. The name of
// the user in a resource makes no difference between users: each meets its own.
func (t *traits) variables(text string, inCondition bool) {
	for {
		_, rest, found := strings.Cut(text, "${")
		if !found {
			return
		}
		name, after, _ := cutVariable(rest)
		key, _, _ := strings.Cut(strings.ToLower(name), ",")
		if key = strings.TrimSpace(key); key != "aws:username" || inCondition {
			t.keys[key] = true
		}
		text = after
	}
}

// tellsUsersApart reports whether an ARN pattern can match one user or device
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

// namesAccount reports whether a text contains an account ID.
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

// documents are those of a set. What is remembered by [identify] holds them, so
// that no other document comes to stand where one of them was.
func documents(sources []*policy.Source) []*policy.Document {
	out := make([]*policy.Document, len(sources))
	for i, source := range sources {
		out[i] = source.Document
	}
	return out
}

// identify identifies a set by the pointers of its documents.
func identify(set *policy.Set, sources []*policy.Source) string {
	id := make([]byte, 0, 128)
	number := func(n uint64) { id = append(strconv.AppendUint(id, n, 36), ' ') }
	for _, source := range sources {
		number(uint64(reflect.ValueOf(source.Document).Pointer()))
		if source.Err != nil {
			id = append(id, '!')
		}
	}
	number(uint64(len(set.Identity)))
	if set.Boundary != nil {
		id = append(id, 'b')
	}
	if set.Session != nil {
		id = append(id, 's')
	}
	number(uint64(len(set.Session)))
	for _, levels := range [][][]policy.Source{set.SCPs, set.RCPs} {
		id = append(id, '|')
		for _, level := range levels {
			number(uint64(len(level)))
		}
	}
	return string(id)
}

// fingerprint contains everything that the search depends on. Subjects with the
// same fingerprint differ only in names.
func (s *Subject) fingerprint(id string, t *traits) string {
	out := append(make([]byte, 0, 512), id...)
	add := func(text string) { // with its length, because a tag may contain any character
		out = append(append(strconv.AppendInt(out, int64(len(text)), 10), ' '), text...)
	}
	self, _ := arn.Split(s.Principal.ARN)
	add(self.Partition)
	for _, flag := range [...]bool{strings.Count(self.Resource, "/") > 1, s.HasDevice, s.ForwardedCallsPass, s.EnrollmentByKey, t.user, t.account || t.user} {
		out = strconv.AppendBool(out, flag)
	}
	out = append(out, byte(s.Principal.Kind))
	add(s.Context.Observed().String())
	for _, action := range s.Enrollment {
		add(action)
	}
	for _, c := range s.Credentials {
		out = append(out, 'c', byte(c))
	}
	if t.user {
		add(s.Principal.ARN)
	}
	if t.account || t.user {
		add(s.Principal.Account)
	}
	for _, k := range t.sorted {
		if values, ok := s.Context.Get(k); ok {
			add(k)
			for _, v := range values {
				out = append(out, '=')
				add(v)
			}
		}
	}
	return string(out)
}
