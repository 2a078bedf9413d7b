package prove

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// A query searches for requests of one row to which no clause of never and every
// clause of must applies. It goes through cells: all its clauses treat the
// requests of a cell alike.
type query struct {
	subject  *Subject
	row      *row
	universe Universe
	never    []*residual
	must     []*residual
	refine   []*residual // clauses that are only evaluated in visit
	owning   bool        // visit also judges resources without an account as the subject's own
	rule     func(action, resource string) rule

	// visit is called with a request of each remaining cell.
	visit func(trial) next
	// killed is called for each cell that clauses of never refuse completely;
	// resource is empty when that holds for all resources.
	killed func(action, resource string, by []*residual)

	work     *work
	stopped  bool
	classes  map[string]bool // that were tried
	hopeless map[string]bool // that whatever the resource is nothing is left of
	places   map[string][]string
	options  map[string]listing
	loose    map[string]listing // the options without those that the resource determines
	dead     map[string][]*residual
	doubted  map[string]bool // what leaves requests undecided
}

// next says how to continue after a visit.
type next uint8

const (
	goOn      next = iota // find another request of the same cell
	undecided             // the same; a Deny may refuse this one or not
	skip                  // go to the next cell
	stop
)

// work counts what a search has tried, and records what it gave up. It holds
// what the rows of a subject share.
type work struct {
	left       int
	why        string
	states     int // remaining states of automata
	doubts     int // actions on resources that were left undecided
	partitions map[string][]member
	bases      map[string]base
}

func newWork() *work {
	return &work{left: maxWork, states: allStates, partitions: map[string][]member{}, bases: map[string]base{}}
}

// maxWork limits the combinations tried for one answer.
const maxWork = 100_000

func (w *work) give(why string) {
	if w.why == "" {
		w.why = why
	}
}

// spend takes one combination; it returns false when none is left.
func (w *work) spend() bool {
	if w.left--; w.left < 0 {
		w.give("the policies leave more than " + strconv.Itoa(maxWork) + " combinations of actions, resources and condition keys to try")
		return false
	}
	return true
}

// run goes through all cells.
func (q *query) run() {
	q.prepare()
	cuts := q.cuts()
	if q.universe == Strict { // the most likely first
		e := lookup(invented)
		if q.entry(&e, cuts); q.stopped {
			return
		}
	}
	for _, e := range q.entries(cuts) {
		if q.stopped {
			return
		}
		if q.work.doubts >= enough {
			break
		}
		q.entry(&e, cuts)
	}
	if q.work.doubts < enough {
		return
	}
	for _, e := range q.exceptions() {
		if q.entry(&e, cuts); q.stopped {
			return
		}
	}
}

// exceptions are the actions that a Deny with NotAction names: when most requests are
// undecided, these may be plainly possible.
func (q *query) exceptions() []entry {
	var patterns []actionPattern
	for _, r := range q.never {
		if r.notAction {
			patterns = append(patterns, r.actions...)
		}
	}
	if breadth(patterns) > enough*enough {
		return nil
	}
	return matching(patterns)
}

func (q *query) prepare() {
	if q.classes == nil {
		q.classes, q.hopeless = map[string]bool{}, map[string]bool{}
		q.places, q.options, q.dead = map[string][]string{}, map[string]listing{}, map[string][]*residual{}
		q.loose, q.doubted = map[string]listing{}, map[string]bool{}
	}
	if q.rule == nil {
		q.rule = q.subject.rule
	}
}

// cuts returns the Denies that a request can escape only by its action.
func (q *query) cuts() []*residual {
	var out []*residual
	for _, r := range q.never {
		if r.sure() && r.whole && r.layer != policy.RCP {
			out = append(out, r)
		}
	}
	return out
}

// entries returns the actions to try: those that escape the narrowest cut, those
// that must covers, or all.
func (q *query) entries(cuts []*residual) []entry {
	generator, cut, narrow := q.generator(cuts)
	if cut != nil {
		q.kill(invented, "", cut) // all others
	}
	if q.universe == Strict {
		if narrow && !slices.ContainsFunc(generator, func(p actionPattern) bool { return !p.literal() }) {
			return matching(generator)
		}
		patterns := q.special()
		for _, r := range q.all() {
			patterns = append(patterns, r.actions...)
		}
		out, complete := invent(patterns, &q.work.states)
		if !complete {
			q.work.give("the actions in the policies distinguish too many names")
		}
		return out
	}
	if narrow {
		return matching(generator)
	}
	var named []actionPattern
	for _, r := range q.all() {
		for _, p := range r.actions {
			if p.literal() && lookup(p.written).action == nil {
				named = append(named, p)
			}
		}
	}
	return append(slices.Clip(listed()), matching(named)...)
}

// generator is the narrowest list that all actions to try are in, and the Deny
// that refuses the others, where it is one.
func (q *query) generator(cuts []*residual) (patterns []actionPattern, cut *residual, ok bool) {
	best := known()
	consider := func(list []actionPattern, by *residual) {
		if n := breadth(list); n < best {
			best, patterns, cut, ok = n, list, by, true
		}
	}
	for _, r := range cuts {
		if r.notAction {
			consider(r.actions, r)
		}
	}
	for _, r := range q.must {
		if !r.notAction {
			consider(r.actions, nil)
		}
	}
	return patterns, cut, ok
}

// special lists the actions that the rules of the enrollment set name.
func (q *query) special() []actionPattern {
	var out []actionPattern
	for _, list := range [][]string{q.subject.Enrollment, outside} {
		for _, a := range list {
			out = append(out, compileAction(a))
		}
	}
	return out
}

func (q *query) all() []*residual { return slices.Concat(q.never, q.must, q.refine) }

// entry tries an action, unless an equivalent one was tried.
func (q *query) entry(e *entry, cuts []*residual) {
	if q.rule(e.name, "").ignores(e.name, q.row.credential) {
		return
	}
	for _, r := range cuts {
		if r.meets(e.service, e.verb) == yes {
			q.kill(e.name, "", r)
			return
		}
	}
	active, met, ok := q.about(e)
	if !ok || q.hopeless[met] {
		return
	}
	class := met + " " + q.class(e)
	if q.classes[class] {
		return
	}
	q.classes[class] = true
	if q.anywhere(e, active) {
		q.hopeless[met] = true
		return
	}
	for _, b := range q.subject.bases(e, q.universe, q.work) {
		for _, resource := range q.resources(e, &b, active) {
			if q.stopped || !q.work.spend() {
				return
			}
			q.at(e, resource, active)
		}
	}
}

// anywhere reports whether the clauses that cover every resource leave nothing
// of an action, whatever the keys.
func (q *query) anywhere(e *entry, active []*residual) bool {
	k := keySearch{query: q, entry: e}
	for _, r := range active {
		if r.whole && r.vague == "" && r.layer != policy.RCP && r.meets(e.service, e.verb) == yes {
			k.against, k.covering = append(k.against, r), append(k.covering, yes)
		}
	}
	return len(k.against) > 0 && k.hopeless()
}

func (q *query) kill(action, resource string, by ...*residual) {
	if q.killed != nil {
		q.killed(action, resource, by)
	}
}

// about returns the clauses that an action can match, and a name for all actions
// that match the same ones. ok is false when a clause of must does not match.
func (q *query) about(e *entry) (active []*residual, met string, ok bool) {
	for _, r := range q.must {
		if r.meets(e.service, e.verb) != yes {
			return nil, "", false
		}
	}
	id := make([]byte, 0, len(q.never)+len(q.refine)+1)
	for _, r := range q.never {
		t := r.meets(e.service, e.verb)
		if id = append(id, '0'+byte(t)); t != no {
			active = append(active, r)
		}
	}
	for _, r := range q.refine {
		id = append(id, '0'+byte(r.meets(e.service, e.verb)))
	}
	return active, string(id), true
}

// class names the actions that are alike except for the clauses that match them.
func (q *query) class(e *entry) string {
	id := strconv.Itoa(e.shape)
	if e.action == nil || slices.ContainsFunc(q.never, func(r *residual) bool { return r.layer == policy.RCP }) {
		id += " " + e.service
	}
	lower := e.lower
	switch {
	case contains(q.subject.Enrollment, lower), contains(outside, lower), onUsers[lower], changesPolicy[lower], changesRole[lower]:
		id += " " + lower
	case e.service == "iam" || e.service == "sts":
		id += " " + e.service
	}
	return id
}

// resources returns one resource for each cell of a base: resources that match
// the same patterns.
func (q *query) resources(e *entry, b *base, active []*residual) []string {
	if b.star {
		return []string{"*"}
	}
	patterns := q.patterns(e, b, active)
	var id strings.Builder
	id.WriteString(b.id)
	for i := range patterns {
		for j := range patterns[i].id {
			id.WriteString("|" + patterns[i].id[j])
		}
	}
	if known, ok := q.places[id.String()]; ok {
		return known
	}
	out := q.cells(b, patterns)
	q.places[id.String()] = out
	return out
}

// A sixfold is a resource pattern as six languages.
type sixfold struct {
	parts [6]language
	id    [6]string // the same for the same language; * for all texts
}

// patterns returns those that can matter to resources of a base.
func (q *query) patterns(e *entry, b *base, active []*residual) []sixfold {
	var out []sixfold
	clauses := slices.Concat(active, q.must, q.refine)
	for _, r := range clauses {
		for i := range r.patterns {
			if p, ok := q.sixfold(&r.patterns[i]); ok && possible(b, &p) {
				out = append(out, p)
			}
		}
		if r.layer == policy.RCP {
			out = append(out, q.part(4, literal(q.subject.Principal.Account), "own"))
		}
		for _, t := range r.open {
			out = append(out, q.correlated(t)...)
		}
	}
	if e.service == "iam" && (strings.HasPrefix(b.tail, "user/") || b.tail == anyTail) {
		self, _ := arn.Split(q.subject.Principal.ARN)
		out = append(out, q.part(5, literal(self.Resource), "self"), q.part(5, folded("user/"+self.Name()), "namesake"),
			q.part(5, slices.Concat(folded("user/"), anyText, folded("/"+self.Name())), "namesake at a path"))
	}
	return out
}

// part returns a pattern that looks only at one part.
func (q *query) part(i int, l language, id string) sixfold {
	p := sixfold{id: [6]string{"*", "*", "*", "*", "*", "*"}}
	p.parts[i], p.id[i] = l, id
	return p
}

// correlated are patterns for the part of an ARN that decides about a key.
func (q *query) correlated(t *test) []sixfold {
	i := partOf[t.key]
	if i == 0 {
		return nil
	}
	var out []sixfold
	for _, v := range t.Values {
		if ls, ok := t.languages(v, q.row.context); ok {
			for j, l := range ls {
				out = append(out, q.part(i, l, t.name+" "+v+strconv.Itoa(j)))
			}
		}
	}
	return out
}

// partOf are the keys whose value is a part of the resource's ARN, when it has
// that part.
// Source: IAM User Guide, "AWS global condition context keys".
var partOf = map[string]int{"aws:requestedregion": 3, "aws:resourceaccount": 4}

// sixfold fills in the variables of a pattern. ok is false for one that
// matches nothing, or cannot be relied on anyway.
func (q *query) sixfold(w *written) (p sixfold, ok bool) {
	if len(w.parts) != 6 {
		return p, false
	}
	for i, part := range w.parts {
		if w.variables != nil {
			part = q.row.loosen(part)
		}
		if p.id[i] = part; part == "*" {
			continue
		}
		l, ok := fillIn(part, w.variables != nil, true, q.row.context)
		if !ok {
			return p, false
		}
		if p.parts[i] = l; i < 5 {
			p.parts[i] = l.within()
		}
	}
	return p, true
}

// possible reports whether a pattern can match a resource of a base, judged by
// the parts that the base fixes.
func possible(b *base, p *sixfold) bool {
	for i := range 5 {
		if p.id[i] == "*" {
			continue
		}
		if text, fixed := b.parts[i].text(); fixed && !p.parts[i].match(text) {
			return false
		}
	}
	return true
}

// text returns the only text of a language without wildcards.
func (l language) text() (string, bool) {
	var out strings.Builder
	for _, g := range l {
		if g.kind != arn.Literal || g.fold {
			return "", false
		}
		out.WriteRune(g.r)
	}
	return out.String(), true
}

// cells are the resources of a base, one for each combination of patterns that
// match some: found part by part, since patterns match part by part.
func (q *query) cells(b *base, patterns []sixfold) []string {
	combined := []member{{matched: full(len(patterns)), text: "arn"}}
	for i := 1; i < 6; i++ {
		members := q.members(b, patterns, i)
		var next []member
		seen := map[string]bool{}
		for _, c := range combined {
			for _, m := range members {
				joined := member{c.matched.and(m.matched), c.text + ":" + m.text}
				if key := joined.matched.key(); !seen[key] {
					seen[key] = true
					next = append(next, joined)
				}
			}
		}
		combined = next
	}
	out := make([]string, len(combined))
	for i, m := range combined {
		out[i] = m.text
	}
	return out
}

// members returns the cells of one part.
func (q *query) members(b *base, patterns []sixfold, i int) []member {
	var languages []language
	var names []string
	at := make([]int, len(patterns))
	for j := range patterns {
		id := patterns[j].id[i]
		if at[j] = -1; id == "*" {
			continue
		}
		if at[j] = slices.Index(names, id); at[j] < 0 {
			at[j] = len(names)
			names, languages = append(names, id), append(languages, patterns[j].parts[i])
		}
	}
	out := q.distinct(b, i, languages, names)
	for k := range out {
		all := newBits(max(len(patterns), 1))
		for j, name := range at {
			if name < 0 || out[k].matched.has(name) {
				all.set(j)
			}
		}
		out[k].matched = all
	}
	return out
}

// distinct are the cells of one part for languages that differ.
func (q *query) distinct(b *base, i int, languages []language, names []string) []member {
	if text, fixed := b.parts[i].text(); fixed {
		m := newBits(max(len(languages), 1))
		for j := range languages {
			if languages[j].match(text) {
				m.set(j)
			}
		}
		return []member{{m, text}}
	}
	id := strconv.Itoa(i) + " " + b.id + "|" + strings.Join(names, "|")
	if i == 3 || i == 4 { // the same for most bases
		id = strconv.Itoa(i) + " " + fmt.Sprint(len(b.parts[i]), b.nice[i]) + "|" + strings.Join(names, "|")
	}
	if known, ok := q.work.partitions[id]; ok {
		return slices.Clone(known)
	}
	nice := slices.Clone(b.nice[i])
	if i == 5 {
		nice = append(nice, q.nice(b)...)
	}
	var only []rune
	if i == 4 && b.tail != anyTail {
		only = digits
	}
	members, complete := partition(b.parts[i], languages, only, &q.work.states)
	if !complete {
		q.work.give("the policies distinguish too many resources")
	}
	prefer(members, b.parts[i], languages, nice)
	slices.SortStableFunc(members, func(x, y member) int { return rank(nice, x.text) - rank(nice, y.text) })
	q.work.partitions[id] = members
	return slices.Clone(members)
}

func rank(nice []string, text string) int {
	if i := slices.Index(nice, text); i >= 0 {
		return i
	}
	return len(nice)
}

// nice lists readable texts for the resource part.
func (q *query) nice(b *base) []string {
	var out []string
	if strings.HasPrefix(b.tail, "user/") {
		out = append(out, q.subject.expand("user/"+otherUser))
	}
	for _, r := range slices.Concat(q.must, q.never) {
		for _, p := range r.patterns {
			if len(p.parts) == 6 {
				out = append(out, q.subject.expand(fill(p.parts[5], unnamed)))
			}
		}
	}
	return out
}

func full(n int) bits {
	b := newBits(max(n, 1))
	for i := range n {
		b.set(i)
	}
	return b
}

// at tries an action on a resource: first with the variables of resource patterns
// left out, then, if that does not settle it, with values for those that the
// sender chooses.
func (q *query) at(e *entry, resource string, active []*residual) {
	if q.rule(e.name, resource).ignores(e.name, q.row.credential) || q.settles(e, resource, active, nil) || q.stopped {
		return
	}
	for _, named := range q.named(resource, slices.Concat(active, q.must, q.refine)) {
		row := *q.row
		row.context = row.context.Clone()
		for i := range named {
			named[i].write(row.context)
		}
		with := *q
		with.row, with.killed = &row, nil
		with.options, with.dead, with.doubted = map[string]listing{}, map[string][]*residual{}, map[string]bool{}
		with.settles(e, resource, active, named)
		if q.stopped = with.stopped; q.stopped {
			return
		}
	}
}

// settles searches the keys that the sender chooses, in addition to named ones.
// It reports whether the clauses refuse all requests for the action on the resource.
func (q *query) settles(e *entry, resource string, active []*residual, named []choice) bool {
	r := q.request(e.name, resource, q.row.context)
	k := keySearch{query: q, entry: e, resource: resource, named: named}
	for _, c := range active {
		switch covers := q.covers(c, r); {
		case covers == yes && c.sure():
			q.kill(e.name, resource, c)
			return true
		case covers != no:
			k.against, k.covering = append(k.against, c), append(k.covering, covers)
		case q.owning && c.covers(r) != no:
			k.owned = append(k.owned, c)
		}
	}
	for _, c := range q.must {
		if q.covers(c, r) != yes {
			return false
		}
	}
	return k.run()
}

// maxNamed limits the values tried for variables of resource patterns.
const maxNamed = 64

// named are values for the variables of resource patterns that the sender
// chooses: whatever stands between slashes of the resource, and the whole part.
func (q *query) named(resource string, clauses []*residual) (out [][]choice) {
	values := map[string][]string{}
	parts := strings.SplitN(resource, ":", 6)
	for _, c := range clauses {
		for i := range c.patterns {
			for j, part := range c.patterns[i].parts {
				for _, key := range spelledVariables(part) {
					if c.patterns[i].variables != nil && q.row.free(strings.ToLower(key)) && !isList(key) && j < len(parts) {
						values[key] = append(append(values[key], parts[j]), strings.Split(parts[j], "/")...)
						if before, after, _ := around(part, key); !strings.ContainsAny(before+after, "*?") {
							values[key] = append(values[key], between(parts[j], before, after))
						}
					}
				}
			}
		}
	}
	if len(values) == 0 {
		return nil
	}
	out = [][]choice{nil}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		slices.Sort(values[key])
		var next [][]choice
		for _, before := range out {
			for _, v := range slices.Compact(values[key]) {
				next = append(next, append(slices.Clip(before), choice{key: key, values: []string{v}}))
			}
		}
		out = next[:min(len(next), maxNamed)]
	}
	return out
}

// covers asks whether a clause is about a request. Resource control policies
// bind the account's own resources.
func (q *query) covers(c *residual, r *policy.Request) truth {
	if c.layer == policy.RCP && q.subject.foreign(r.Resource) {
		return no
	}
	return c.covers(r)
}

// foreign reports whether a resource can belong to another account.
func (s *Subject) foreign(resource string) bool {
	a, ok := arn.Split(resource)
	return ok && a.Account != cmp.Or(s.owner, s.Principal.Account)
}

func (q *query) request(action, resource string, c *policy.Context) *policy.Request {
	r := q.subject.request(action, resource, c)
	r.Principal = q.row.principal
	return r
}
