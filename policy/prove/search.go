package prove

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"forcemfa/policy"
	"forcemfa/policy/arn"
	"forcemfa/policy/catalog"
)

// A trial is a probe made with a credential, in one state of its MFA keys, with
// chosen keys.
type trial struct {
	probe
	credential policy.Credential
	present    policy.Presence
	keys       []choice
	template   string  // of the resource, when it comes from the table
	others     []trial // the same request, if a key that was not read has another value
}

// however reports whether something holds for a trial whatever the keys are that
// were not read.
func (t *trial) however(holds func(trial) bool) bool {
	return holds(*t) && !slices.ContainsFunc(t.others, func(o trial) bool { return !holds(o) })
}

// unreadKey is why an answer is unknown.
func (t *trial) unreadKey() string {
	for i, c := range t.keys {
		for _, o := range t.others {
			if !slices.Equal(o.keys[i].values, c.values) {
				return "the answer depends on " + c.key + ", which was not read"
			}
		}
	}
	return "the answer depends on a condition key that was not read"
}

// A choice is one value, several, or none, for a condition key that the sender
// chooses.
type choice struct {
	key    string
	values []string // empty: the request does not have the key
	many   bool
	// untried means that it stands for all values that were not enumerated.
	untried bool
}

// carried reports whether requests of the action have the chosen keys, of which AWS lists
// those of tags and of single services with each action.
func (t *trial) carried() bool {
	a, known := catalog.Load().Action(t.action)
	return !known || !slices.ContainsFunc(t.keys, func(c choice) bool {
		return len(c.values) > 0 && ofAction(strings.ToLower(c.key)) && !a.Carries(c.key)
	})
}

// ofAction reports whether a key is one that only some actions have.
func ofAction(key string) bool {
	return !strings.HasPrefix(key, "aws:") || strings.HasPrefix(key, "aws:requesttag/") || strings.HasPrefix(key, "aws:resourcetag/") || key == "aws:tagkeys"
}

// A verdict is the result of a search, independent of a particular subject.
type verdict struct {
	of        []*policy.Document // the documents that identify it in the cache
	outcome   Outcome
	latent    bool
	harm      harm  // of the counterexample that is allowed
	assumes   bool  // an Allow of the identity policies names sts:AssumeRole
	trial     trial // the counterexample, or what could not be decided
	why       string
	strict    Outcome
	beyond    trial // the counterexample in the strict universe
	today     Outcome
	todayWhy  string
	forwards  bool // some Deny exempts calls that services forward
	federated bool // sessions of GetFederationToken are refused as well
	proof     *policy.Proof
}

// Times of the requests, for conditions where only their order can matter.
var (
	issued = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	now    = issued.Add(10 * time.Minute)
)

// find answers for a subject: the exact searches decide; the table of telling
// actions makes the counterexample a familiar one.
func (p *Prover) find(s *Subject) verdict {
	denies := p.clauses(s.Set, policy.Deny)
	rows := s.rows()
	strict := s.search(denies, rows, Strict)
	v := verdict{strict: strict.outcome, beyond: strict.trial}
	exact := strict
	if strict.outcome != Enforced {
		exact = s.search(denies, rows, Catalog)
	}
	if v.outcome, v.trial, v.why = exact.outcome, exact.trial, exact.why; v.outcome == Enforced {
		v.proof, v.today = exact.proof, Enforced
		v.forwards = s.ForwardedCallsPass && names(denies, "aws:viaawsservice")
		v.federated = s.search(denies, []row{s.federated()}, exact.universe).outcome == Enforced
		v.beyond.resource = s.abstract(v.beyond.resource)
		return v
	}
	p.counterexample(s, denies, rows, &v)
	v.beyond.resource = s.abstract(v.beyond.resource)
	if v.trial.resource = s.abstract(v.trial.resource); v.trial.template != "" {
		v.trial.resource = v.trial.template
	}
	return v
}

// names reports whether a condition uses a key.
func names(clauses []*clause, key string) bool {
	return slices.ContainsFunc(clauses, func(c *clause) bool {
		return slices.ContainsFunc(c.tests, func(t *test) bool { return t.key == key })
	})
}

// A result is the result of an exact search.
type result struct {
	universe  Universe
	outcome   Outcome
	trial     trial
	why       string
	proof     *policy.Proof
	undecided int
}

// enough limits how many undecidable requests a search looks at before it gives
// up.
const enough = 64

// search looks for a request that no Deny refuses.
func (s *Subject) search(denies []*clause, rows []row, u Universe) result {
	out := result{universe: u, proof: &policy.Proof{Strict: u == Strict, Observed: s.Context.Observed()}}
	w := newWork()
	for i := range rows {
		part := recorder{set: s.Set, seen: map[string]bool{}, cuts: map[*residual]bool{}}
		q := query{subject: s, row: &rows[i], universe: u, never: rows[i].residuals(denies), work: w, killed: part.add}
		q.visit = func(t trial) next {
			if u == Catalog && refusedByAWS(t.action, t.resource) {
				return goOn
			}
			return out.visit(s, &rows[i], t)
		}
		q.run()
		if out.outcome == Open {
			return out
		}
		out.proof.Cases = append(out.proof.Cases, policy.ProofCase{Credential: rows[i].credential, Present: rows[i].present, Cells: part.cells})
	}
	switch {
	case out.why != "":
	case w.why != "":
		out.why = w.why
	default:
		out.outcome = Enforced
	}
	return out
}

// undecidable is why no request could be found or excluded, where the evaluator
// refuses the one that was tried.
func (t *trial) undecidable() string {
	for _, c := range t.keys {
		if c.untried {
			return "the conditions compare " + c.key + " with operators of several types, and not all of its values could be tried"
		}
	}
	return "a Deny depends on a variable whose value the sender chooses, or could not be analyzed"
}

// visit checks a request that should escape every Deny.
func (out *result) visit(s *Subject, r *row, t trial) next {
	d := s.refuses(r, t)
	switch {
	case refusedByAWS(t.action, t.resource):
		if out.why == "" {
			out.trial, out.why = t, "AWS itself refuses the request, whatever the policies say"
		}
	case d.Verdict == policy.ImplicitDenied && t.however(func(o trial) bool { return s.refuses(r, o).Verdict == policy.ImplicitDenied }):
		out.outcome, out.trial, out.why = Open, t, ""
		return stop
	case d.Verdict == policy.ImplicitDenied && out.why == "":
		out.why = t.unreadKey()
	case out.why == "":
		out.trial, out.why = t, d.Why
		if d.Verdict == policy.ExplicitDenied {
			out.why = t.undecidable()
		}
	}
	switch out.undecided++; {
	case out.undecided >= enough:
		return skip
	case refusedByAWS(t.action, t.resource):
		return goOn
	}
	return undecided
}

// refuses asks the evaluator about a trial.
func (s *Subject) refuses(r *row, t trial) policy.Decision {
	request := s.request(t.action, t.resource, r.with(t))
	request.Principal = r.principal
	return s.binding(t.resource).Refuses(request)
}

// binding is the set without the resource control policies when the resource
// can be another account's.
func (s *Subject) binding(resource string) *policy.Set {
	if s.Set.RCPs == nil || !s.foreign(resource) {
		return s.Set
	}
	set := *s.Set
	set.RCPs = nil
	return &set
}

// owning is the set for a resource of the subject's own account, unless the
// resource names another: resource control policies bind it.
func (s *Subject) owning(resource string) *policy.Set {
	if a, ok := arn.Split(resource); ok && a.Account == "" {
		return s.Set
	}
	return s.binding(resource)
}

// with is the context of a trial of the row: what is fixed, and of the chosen
// keys those that the sender of such a request does choose. No search can change
// who the principal is.
func (r *row) with(t trial) *policy.Context {
	c := r.context.Clone()
	if r.credential.MFA().IssueTime {
		c.Set("aws:TokenIssueTime", moment(issued))
	}
	for key, value := range everywhere {
		if _, known := c.Get(key); !known {
			c.Set(key, value)
		}
	}
	for i := range t.keys {
		if r.free(strings.ToLower(t.keys[i].key)) {
			t.keys[i].write(c)
		}
	}
	return c
}

// everywhere holds values of the keys that every request has.
var everywhere = map[string]string{"aws:CurrentTime": moment(now), "aws:EpochTime": strconv.FormatInt(now.Unix(), 10), "aws:SecureTransport": "true",
	"aws:userid": unnamed}

// A recorder records the proof for one row: the first cell among all that the
// same Denies refuse.
type recorder struct {
	set   *policy.Set
	cells []policy.ProofCell
	seen  map[string]bool
	cuts  map[*residual]bool
}

func (p *recorder) add(action, resource string, by []*residual) {
	if resource == "" && len(by) == 1 {
		if p.cuts[by[0]] {
			return
		}
		p.cuts[by[0]] = true
	}
	cell := policy.ProofCell{Action: action, Resource: resource}
	for _, r := range by {
		cell.By = append(cell.By, policy.ProofDeny{Source: p.position(r), Statement: r.index})
	}
	if key := fmt.Sprint(resource == "", cell.By); !p.seen[key] {
		p.seen[key] = true
		p.cells = append(p.cells, cell)
	}
}

func (p *recorder) position(r *residual) int {
	return slices.IndexFunc(p.set.Sources(), func(s *policy.Source) bool { return s.Document == r.source.Document })
}

// counterexample improves the counterexample of an open subject: a familiar
// request, and one that is allowed today if there is any.
func (p *Prover) counterexample(s *Subject, denies []*clause, rows []row, v *verdict) {
	h := hunt{subject: s, rows: rows}
	for i := range rows {
		h.never = append(h.never, rows[i].residuals(denies))
	}
	h.work = newWork()
	allows := p.clauses(s.Set, policy.Allow)
	if h.telling(allows) || h.granted(allows) || h.found(v) || h.last() || h.varied(allows) {
		v.outcome, v.trial, v.why, v.today, v.harm = Open, *h.allowed, "", Open, h.harm
		v.assumes = slices.ContainsFunc(allows, allowsAssumeRole)
		return
	}
	if h.candidate != nil {
		v.outcome, v.trial, v.why = Open, *h.candidate, ""
	}
	v.latent = v.outcome == Open
	switch {
	case h.doubt != "":
		v.todayWhy = h.doubt
	case h.work.why != "":
		v.todayWhy = h.work.why
	case v.outcome == Open:
		v.today = Enforced
	default:
		v.todayWhy = v.why
	}
}

// A hunt looks for allowed requests.
type hunt struct {
	subject   *Subject
	rows      []row
	never     [][]*residual // of each row
	work      *work
	template  string // of the resource that is tried, when it comes from the table
	allowed   *trial
	harm      harm   // of the request that is allowed
	odd       *trial // the first that is allowed, with keys that its action does not have
	oddHarm   harm
	odds      int    // how many of those were found
	candidate *trial // not refused
	worth     int    // of the candidate: 1 on a resource of another account, 2 on any, 3 only the trust policy of a role is missing
	doubt     string // why a request may be allowed
	undecided int    // requests that a Deny may refuse or not
	loose     map[*row]*Subject
}

// telling tries the actions of the table, the worst first.
func (h *hunt) telling(allows []*clause) bool {
	var queries []*query
	for i := range h.rows {
		q := &query{subject: h.subject, row: &h.rows[i], never: h.never[i], owning: true, work: h.work}
		q.visit = func(t trial) next { return h.visit(q.row, t) }
		q.refine = h.rows[i].residuals(conditional(allows))
		q.prepare()
		queries = append(queries, q)
	}
	for _, t := range h.subject.probes() {
		h.harm, h.template = harmOf(t.action, t.resource), t.resource
		e := lookup(t.action)
		resource := h.subject.expand(t.resource)
		for _, q := range queries {
			if active, _, ok := q.about(&e); ok {
				q.at(&e, resource, active)
			}
			if h.allowed != nil || h.undecided >= enough {
				return h.allowed != nil
			}
		}
		if h.candidate != nil && len(allows) == 0 {
			return false
		}
	}
	return false
}

// found tries the request of the exact search, when the others met too many
// undecidable ones before it.
func (h *hunt) found(v *verdict) bool {
	if v.outcome != Open {
		return false
	}
	h.harm, h.template = harmOf(v.trial.action, v.trial.resource), ""
	for i := range h.rows {
		if r := &h.rows[i]; r.credential == v.trial.credential && r.present == v.trial.present {
			h.visit(r, v.trial)
		}
	}
	return h.allowed != nil
}

// conditional removes the clauses without conditions and without variables.
func conditional(clauses []*clause) []*clause {
	return slices.DeleteFunc(slices.Clone(clauses), func(c *clause) bool {
		return len(c.tests) == 0 && !slices.ContainsFunc(c.patterns, func(w written) bool { return w.variables != nil })
	})
}

// granted goes through everything that the Allows name, one Allow of the
// identity policies after the other.
func (h *hunt) granted(allows []*clause) bool {
	isGrant := func(c *clause) bool { return c.layer == policy.Identity }
	limits := slices.DeleteFunc(slices.Clone(allows), isGrant)
	h.harm, h.template = other, ""
	for i := range h.rows {
		r := &h.rows[i]
		for _, grant := range allows {
			must := r.residuals([]*clause{grant})
			if !isGrant(grant) || len(must) == 0 {
				continue
			}
			if h.through(i, must, limits); h.allowed != nil || h.undecided >= enough {
				return h.allowed != nil
			}
		}
	}
	return false
}

// varied goes through the Allows of the identity policies that depend on a variable of the
// sender's choice: whatever they allow with some value may be allowed.
func (h *hunt) varied(allows []*clause) bool {
	limits := slices.DeleteFunc(slices.Clone(allows), func(c *clause) bool { return c.layer == policy.Identity })
	h.harm, h.template = other, ""
	for i := range h.rows {
		r := &h.rows[i]
		loose := h.loosely(r)
		if loose == nil {
			continue
		}
		for j := range loose.Set.Identity {
			for _, grant := range clauses(&loose.Set.Identity[j], policy.Identity) {
				must := r.residuals([]*clause{grant})
				if grant.statement.Effect != policy.Allow || len(must) == 0 {
					continue
				}
				if h.through(i, must, limits); h.allowed != nil || h.doubt != "" {
					return h.allowed != nil
				}
			}
		}
	}
	return false
}

// through goes through what an Allow names in a row.
func (h *hunt) through(i int, allow []*residual, limits []*clause) {
	r := &h.rows[i]
	q := query{subject: h.subject, row: r, never: h.never[i], must: allow, refine: r.residuals(limits), owning: true, work: h.work}
	q.visit = func(t trial) next { return h.visit(r, t) }
	q.run()
}

// loosely is the function of the row, with a memory.
func (h *hunt) loosely(r *row) *Subject {
	known, ok := h.loose[r]
	if !ok {
		if known = r.loosely(h.subject); h.loose == nil {
			h.loose = map[*row]*Subject{}
		}
		h.loose[r] = known
	}
	return known
}

// visit reports whether a request is allowed, and records it when it is not
// refused.
func (h *hunt) visit(r *row, t trial) next {
	s := h.subject
	t.template = h.template
	request := s.request(t.action, t.resource, r.with(t))
	if refusedByAWS(t.action, t.resource) {
		return goOn
	}
	if d := s.binding(t.resource).Refuses(request); d.Verdict != policy.ImplicitDenied {
		h.undecided++
		if h.doubt == "" && (h.undecided >= enough || s.owning(t.resource).Decide(request).Verdict != policy.ImplicitDenied) {
			h.doubt = cmp.Or(d.Why, t.undecidable())
		}
		if h.undecided >= enough {
			return stop
		}
		return goOn
	}
	if !t.however(func(o trial) bool { return s.refuses(r, o).Verdict == policy.ImplicitDenied }) {
		return h.unread(&t)
	}
	set := s.owning(t.resource)
	switch d := set.Decide(request); d.Verdict {
	case policy.Allowed:
		if !t.however(func(o trial) bool {
			return set.Decide(s.request(o.action, o.resource, r.with(o))).Verdict == policy.Allowed
		}) {
			return h.unread(&t)
		}
		if !t.carried() {
			return h.postpone(&t)
		}
		h.allowed = &t
		return stop
	default:
		if h.doubt == "" {
			h.doubt = h.maybe(r, request, d)
		}
	}
	worth := 1
	switch {
	case s.mayAsk(request):
		worth = 3
	case set.Refuses(request).Verdict == policy.ImplicitDenied:
		worth = 2
	}
	if worth > h.worth {
		h.candidate, h.worth = &t, worth
	}
	return goOn
}

// postpone keeps a request for the case that no better one is found: nobody can send it
// with keys that AWS does not list for its action.
func (h *hunt) postpone(t *trial) next {
	if h.odd == nil {
		h.odd, h.oddHarm = t, h.harm
	}
	switch h.odds++; {
	case h.odds >= enough:
		h.last()
		return stop
	case h.odds%few == 0:
		return skip
	}
	return goOn
}

// maybe says why a request that is not allowed may be; empty when it is not.
func (h *hunt) maybe(r *row, request *policy.Request, d policy.Decision) string {
	switch {
	case d.Verdict == policy.Unknown && h.subject.owning(request.Resource).Decide(h.subject.delegated(request)).Verdict != policy.ImplicitDenied:
		return d.Why
	case d.Verdict == policy.ImplicitDenied && h.mayVary(r, request):
		return undecidedAllow
	}
	return ""
}

// mayVary reports whether a request that nothing allows may be allowed with another value of
// a variable.
func (h *hunt) mayVary(r *row, request *policy.Request) bool {
	loose := h.loosely(r)
	return loose != nil && loose.owning(request.Resource).Decide(request).Verdict != policy.ImplicitDenied
}

// few requests of a cell are looked at when each has keys that its action does not have.
const few = 4

// last takes the request that was postponed.
func (h *hunt) last() bool {
	if h.odd == nil {
		return false
	}
	h.allowed, h.harm = h.odd, h.oddHarm
	return true
}

// unread notes that a trial depends on a key that was not read.
func (h *hunt) unread(t *trial) next {
	if h.doubt == "" {
		h.doubt = t.unreadKey()
	}
	if h.undecided++; h.undecided < enough {
		return goOn
	}
	return stop
}

func (s *Subject) request(action, resource string, context *policy.Context) *policy.Request {
	r := &policy.Request{Principal: s.Principal, Action: action, Resource: resource, Context: context}
	if a, ok := arn.Split(resource); ok && arn.IsAccountID(a.Account) {
		r.ResourceAccount = a.Account
	}
	return r
}

// mayAsk reports whether a request assumes a role and is allowed if the role
// trusts the subject's account.
func (s *Subject) mayAsk(r *policy.Request) bool {
	return r.Action == "sts:AssumeRole" && s.Set.Decide(s.delegated(r)).Verdict == policy.Allowed
}

// delegated is a request for a resource whose own policy, which was not read,
// leaves the decision to the subject's account.
func (s *Subject) delegated(r *policy.Request) *policy.Request {
	out := *r
	kind, resource := policy.Resource, `,"Resource":"*"`
	if strings.HasPrefix(strings.ToLower(r.Action), "sts:") {
		kind, resource = policy.Trust, ""
	}
	out.Policies = []policy.Source{policy.ParseSource("the resource's policy", kind,
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"`+s.Principal.Account+`"},"Action":"*"`+resource+`}}`)}
	return &out
}

// replay decides a trial for a subject and returns the counterexample to report.
func (s *Subject) replay(t trial) (w *Counterexample, refuses, decides policy.Decision) {
	r := s.row(t.credential, t.present)
	t.resource = s.expand(t.resource)
	request := s.request(t.action, t.resource, r.with(t))
	if s.rule(t.action, t.resource).ignores(t.action, t.credential) {
		return nil, policy.Decision{Verdict: policy.ExplicitDenied}, policy.Decision{}
	}
	refuses, decides = s.binding(t.resource).Refuses(request), s.owning(t.resource).Decide(request)
	return s.counterexample(t, decides), refuses, decides
}

// abstract turns a resource into a template, so that a counterexample of one
// user can be tried for another.
func (s *Subject) abstract(resource string) string {
	if resource == s.Principal.ARN {
		return "arn:${Partition}:iam::${Account}:user/${UserNameWithPath}"
	}
	a, ok := arn.Split(strings.ReplaceAll(resource, "${", "${$}{"))
	if !ok {
		return resource
	}
	if a.Account == s.Principal.Account {
		a.Account = "${Account}"
	}
	self, _ := arn.Split(s.Principal.ARN)
	parts := strings.Split(a.Resource, "/")
	for i := range parts {
		if parts[i] == self.Name() {
			parts[i] = "${aws:username}"
		}
	}
	a.Resource = strings.Join(parts, "/")
	return a.String()
}

func (s *Subject) counterexample(t trial, d policy.Decision) *Counterexample {
	w := &Counterexample{Action: t.action, Resource: t.resource, Credential: t.credential, AllowedBy: allowedBy(d)}
	for _, k := range t.keys {
		if len(k.values) == 0 {
			continue
		}
		if w.Keys == nil {
			w.Keys = map[string][]string{}
		}
		w.Keys[k.key] = k.values
	}
	return w
}

// allowedBy names the statement of a decision; empty when nothing allows it.
func allowedBy(d policy.Decision) string {
	if d.Verdict != policy.Allowed || d.Source == nil {
		return ""
	}
	return d.Source.StatementName(d.Statement)
}
