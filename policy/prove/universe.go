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

// A list is the catalog in the form that the search uses.
type list struct {
	entries  []entry // the telling ones first
	services map[string][]entry
	names    map[string]*entry
}

// listed returns the catalog, prepared once.
var listed = sync.OnceValue(func() *list {
	l := &list{services: map[string][]entry{}, names: map[string]*entry{}}
	rank := map[string]int{}
	for i, action := range telling {
		rank[strings.ToLower(action)] = i - len(telling)
	}
	shapes := map[string]int{}
	for _, s := range catalog.Load().Services {
		var own []entry
		for _, a := range s.Actions {
			key := s.Prefix + " " + strings.Join(kinds(a), " ")
			shape, ok := shapes[key]
			if !ok {
				shape = len(shapes)
				shapes[key] = shape
			}
			lower := strings.ToLower(a.String())
			service, verb, _ := strings.Cut(lower, ":")
			own = append(own, entry{a.String(), lower, service, verb, rank[lower], shape, a})
		}
		tellingFirst(own)
		l.services[strings.ToLower(s.Prefix)] = own
		l.entries = append(l.entries, own...)
	}
	tellingFirst(l.entries)
	for i := range l.entries {
		l.names[l.entries[i].lower] = &l.entries[i]
	}
	return l
})

// tellingFirst moves the telling actions to the front.
func tellingFirst(entries []entry) {
	slices.SortStableFunc(entries, func(a, b entry) int { return a.rank - b.rank })
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
	if e, ok := listed().names[lower]; ok {
		return *e
	}
	service, verb, _ := strings.Cut(lower, ":")
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
		from := listed().entries
		if service, exact := p.service.Exact(); exact && !p.all {
			from = listed().services[service]
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
			n += len(listed().services[service])
		default:
			n += len(listed().entries)
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
		e := lookup(m.text)
		if e.action == nil && m.text == strings.ToLower(invented) {
			e.name = invented
		}
		out = append(out, e)
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
