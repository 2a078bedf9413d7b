package prove

import (
	"slices"
	"strings"
	"sync"

	"forcemfa/policy/arn"
	"forcemfa/policy/catalog"
)

// A Universe says which requests an answer covers.
type Universe uint8

const (
	// Catalog contains every action of package catalog, on every resource it
	// lists, and every action that a document names without a wildcard, on any
	// resource.
	Catalog Universe = iota
	// Strict contains every action and service that AWS could ever have, on any
	// resource. It includes Catalog.
	Strict
)

// String returns the name of the universe.
func (u Universe) String() string {
	if u == Strict {
		return "any action"
	}
	return "the catalog"
}

// An entry is an action of a universe.
type entry struct {
	name          string // as it is shown
	lower         string // in lower case: service:verb
	service, verb string
	rank          int // of a telling action, negative
	shape         int // of the catalog's actions with the same resources; negative: any resource
	action        *catalog.Action
}

// A list holds the actions of a service of the catalog in the form that the search uses.
type list struct {
	service *catalog.Service
	number  int // of the service

	fill    sync.Once
	all     []entry // the telling ones first
	byLower sync.Once
	index   map[string]int // of all
}

// lists returns the lists of all services by their prefix in lower case. Each is filled
// when it is needed: the catalog has 22,000 actions, of which most subjects need a few.
var lists = sync.OnceValue(func() map[string]*list {
	services := catalog.Load().Services
	out := make(map[string]*list, len(services))
	for i, s := range services {
		out[strings.ToLower(s.Prefix)] = &list{service: s, number: i}
	}
	return out
})

// ranks are the places of the telling actions, by service and verb.
var ranks = sync.OnceValue(func() map[string]map[string]int {
	out := map[string]map[string]int{}
	for i, action := range telling {
		service, verb, _ := strings.Cut(strings.ToLower(action), ":")
		if out[service] == nil {
			out[service] = map[string]int{}
		}
		out[service][verb] = i - len(telling)
	}
	return out
})

// entries returns the actions of a service.
func (l *list) entries() []entry {
	l.fill.Do(func() {
		prefix := l.service.Prefix
		var text strings.Builder // all names, so that they are one allocation
		for _, a := range l.service.Actions {
			text.WriteString(prefix + ":" + a.Name)
		}
		names := text.String()
		lower, service := strings.ToLower(names), strings.ToLower(prefix)
		rank := ranks()[service]
		shapes, seen := map[string]int{}, map[*catalog.ActionResource]int{}
		l.all = make([]entry, 0, len(l.service.Actions))
		for _, a := range l.service.Actions {
			end := len(prefix) + 1 + len(a.Name)
			verb := lower[len(prefix)+1 : end]
			l.all = append(l.all, entry{names[:end], lower[:end], service, verb, rank[verb], l.number<<16 | shapeOf(a, shapes, seen), a})
			names, lower = names[end:], lower[end:]
		}
		tellingFirst(l.all)
	})
	return l.all
}

// shapeOf numbers the actions of a service by their resources. Actions that share the list
// of their resources have the same number without a look at it.
func shapeOf(a *catalog.Action, shapes map[string]int, seen map[*catalog.ActionResource]int) int {
	var first *catalog.ActionResource
	if len(a.Resources) > 0 {
		first = &a.Resources[0]
	}
	if n, ok := seen[first]; ok {
		return n
	}
	key := strings.Join(kinds(a), " ")
	n, ok := shapes[key]
	if !ok {
		n = len(shapes)
		shapes[key] = n
	}
	seen[first] = n
	return n
}

// find returns an action of a service by its name in lower case.
func (l *list) find(lower string) (entry, bool) {
	all := l.entries()
	l.byLower.Do(func() {
		l.index = make(map[string]int, len(all))
		for i := range all {
			l.index[all[i].lower] = i
		}
	})
	i, ok := l.index[lower]
	if !ok {
		return entry{}, false
	}
	return all[i], true
}

// listed returns the actions of the catalog, the telling ones first.
var listed = sync.OnceValue(func() []entry {
	out := make([]entry, 0, known())
	for _, s := range catalog.Load().Services {
		out = append(out, lists()[strings.ToLower(s.Prefix)].entries()...)
	}
	tellingFirst(out)
	return out
})

// known is the number of actions in the catalog.
var known = sync.OnceValue(func() (n int) {
	for _, s := range catalog.Load().Services {
		n += len(s.Actions)
	}
	return n
})

// tellingFirst moves the telling actions to the front.
func tellingFirst(entries []entry) {
	var first, rest []entry
	for i := range entries {
		if entries[i].rank < 0 {
			first = append(first, entries[i])
		}
	}
	if len(first) == 0 {
		return
	}
	rest = make([]entry, 0, len(entries)-len(first))
	for i := range entries {
		if entries[i].rank >= 0 {
			rest = append(rest, entries[i])
		}
	}
	slices.SortStableFunc(first, func(a, b entry) int { return a.rank - b.rank })
	copy(entries[copy(entries, first):], rest)
}

// kinds returns the names of the resource types of an action.
func kinds(a *catalog.Action) []string {
	names := make([]string, 0, len(a.Resources))
	for _, r := range a.Resources {
		if r.Required {
			names = append(names, r.Type.Name+"!")
		} else {
			names = append(names, r.Type.Name)
		}
	}
	return names
}

// lookup returns an action by its name, known or not.
func lookup(name string) entry {
	lower := strings.ToLower(name)
	service, verb, _ := strings.Cut(lower, ":")
	if l := lists()[service]; l != nil {
		if e, ok := l.find(lower); ok {
			return e
		}
	}
	return entry{name: name, lower: lower, service: service, verb: verb, shape: -1}
}

// matching returns the catalog's actions that patterns match, and those that
// they name without wildcards.
func matching(patterns []actionPattern) []entry {
	var out []entry
	seen := map[string]bool{}
	add := func(e entry) {
		if !seen[e.lower] {
			seen[e.lower] = true
			out = append(out, e)
		}
	}
	for i := range patterns {
		p := &patterns[i]
		if p.literal() {
			add(lookup(p.written))
			continue
		}
		var from []entry
		if service, exact := p.service.Exact(); !exact || p.all {
			from = listed()
		} else if l := lists()[service]; l != nil {
			from = l.entries()
		}
		for _, e := range from {
			if p.match(e.service, e.verb) != no {
				add(e)
			}
		}
	}
	tellingFirst(out)
	return out
}

// breadth estimates how many actions patterns match.
func breadth(patterns []actionPattern) int {
	n := 0
	for i := range patterns {
		p := &patterns[i]
		service, exact := p.service.Exact()
		switch {
		case p.literal():
			n++
		case exact && !p.all:
			if l := lists()[service]; l != nil {
				n += len(l.service.Actions)
			}
		default:
			n += known()
		}
	}
	return n
}

// invent finds an action name for every combination of patterns that some name
// of any service can match.
func invent(patterns []actionPattern, left *int) (out []entry, complete bool) {
	var languages []language
	seen := map[string]bool{}
	for i := range patterns {
		p := &patterns[i]
		if p.all || seen[p.text] {
			continue
		}
		seen[p.text] = true
		service, verb, _ := strings.Cut(p.text, ":")
		languages = append(languages, slices.Concat(wild(service).within(), literal(":"), wild(verb).within()))
	}
	base := slices.Concat(some.within(), literal(":"), some.within())
	members, complete := partition(base, languages, nil, left)
	prefer(members, base, languages, []string{strings.ToLower(invented)})
	for _, m := range members {
		out = append(out, lookup(m.text))
	}
	return out, complete
}

// A base is a kind of resource: one language for each part of an ARN.
type base struct {
	star  bool // the resource * itself
	id    string
	parts [6]language
	nice  [6][]string // texts that look well
	tail  string      // the resource part as the catalog writes it
}

// bases returns the kinds of resources that an action can have.
func (s *Subject) bases(e *entry, u Universe, w *work) []base {
	if e.action == nil || u == Strict {
		return append([]base{{star: true}, s.anything(e)}, ofAWS(e, s.anything(e))...)
	}
	var out []base
	optional := true
	for _, r := range e.action.Resources {
		optional = optional && !r.Required
		for template := range strings.SplitSeq(r.Type.ARN, ", ") {
			b, ok := w.bases[template]
			if !ok || e.service == "iam" {
				b, ok = s.base(e, template)
				w.bases[template] = b
			}
			if ok && b.tail != "" {
				out = append(append(out, b), ofAWS(e, b)...)
			}
		}
	}
	if optional {
		out = append(out, base{star: true})
	}
	return out
}

// digits are what an account ID is made of.
var digits = []rune("0123456789")

// anAccount is the language of account IDs.
var anAccount = wild("????????????")

// base returns the language of a template of the catalog.
func (s *Subject) base(e *entry, template string) (b base, ok bool) {
	parts := split(template, true).parts
	if len(parts) != 6 {
		return b, false
	}
	self, _ := arn.Split(s.Principal.ARN)
	b.tail, b.id = parts[5], template
	if e.service == "iam" {
		b.id += " of IAM"
	}
	for i, part := range parts {
		b.parts[i] = ofTemplate(part)
		if i < 5 {
			b.parts[i] = b.parts[i].within()
		}
	}
	b.parts[1] = literal(self.Partition)
	b.nice[3] = []string{arn.HomeRegion(self.Partition), "eu-west-1"}
	if strings.HasPrefix(parts[4], "${") {
		b.parts[4] = s.accounts(e)
		b.nice[4] = []string{s.Principal.Account, elsewhere}
	}
	b.nice[5] = []string{s.expand(parts[5]), unnamed}
	return b, true
}

// accounts are those that a resource of an action can belong to. IAM itself
// knows the caller's own.
func (s *Subject) accounts(e *entry) language {
	if e.service == "iam" {
		return literal(s.Principal.Account)
	}
	return anAccount
}

// ofAWS adds AWS managed policies to the policies of an account.
func ofAWS(e *entry, b base) []base {
	if e.service != "iam" || !strings.HasPrefix(b.tail, "policy/") && b.tail != anyTail {
		return nil
	}
	if b.parts[4], b.nice[4] = literal("aws"), nil; b.tail == anyTail {
		b.parts[5] = slices.Concat(literal("policy/"), some)
	}
	b.id += " of AWS"
	return []base{b}
}

// anyTail is the template of a resource of which nothing is known.
const anyTail = "${Any}"

// anything returns the language of all ARNs in the subject's partition.
func (s *Subject) anything(e *entry) base {
	self, _ := arn.Split(s.Principal.ARN)
	many := anyText
	b := base{tail: anyTail, id: anyTail + e.service}
	b.parts = [6]language{literal("arn"), literal(self.Partition), some.within(), many.within(), many.within(), some}
	b.nice = [6][]string{2: {e.service}, 3: {arn.HomeRegion(self.Partition), ""}, 4: {s.Principal.Account, ""}, 5: {unnamed}}
	if e.service == "iam" {
		b.parts[2], b.parts[3], b.parts[4] = literal("iam"), nil, literal(s.Principal.Account)
	}
	return b
}

// ofTemplate is the language of a part of a template: a variable is any text
// but the empty one.
func ofTemplate(part string) language {
	var out language
	for {
		before, rest, found := strings.Cut(part, "${")
		out = append(out, wild(before)...)
		if !found {
			return out
		}
		_, part, _ = strings.Cut(rest, "}")
		out = append(out, some...)
	}
}

// elsewhere returns an account other than the subject's.
const elsewhere = "999999999999"
