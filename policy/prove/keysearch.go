package prove

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"forcemfa/policy/arn"
)

// A keySearch searches for values of the free keys with which an action on a
// resource escapes the clauses against it.
type keySearch struct {
	*query
	entry    *entry
	resource string
	against  []*residual
	covering []truth     // what covers says of against
	owned    []*residual // that bind the resource only if it is the subject's own
	named    []choice    // keys that already have a value

	keys   []string
	tests  map[string][]*test
	hints  map[string][]string // values for keys that conditions compare with each other
	chosen map[string]option
	by     []*residual // the clauses that stopped it
	found  bool
	clear  bool // a request of it was decided
}

// run searches, and reports whether the clauses refuse everything.
func (k *keySearch) run() (settled bool) {
	id := k.id()
	if by, known := k.dead[id]; known {
		k.kill(k.entry.name, k.resource, by...)
		return true
	}
	if k.doubted[id] {
		k.work.doubts++
		return false
	}
	if !k.prepare() {
		return false
	}
	k.chosen = map[string]option{}
	k.from(0)
	if k.found && !k.clear {
		k.doubted[id] = true
		k.work.doubts++
	}
	if k.found || k.work.why != "" {
		return false
	}
	k.dead[id] = k.by
	k.kill(k.entry.name, k.resource, k.by...)
	return true
}

// hopeless reports whether no choice of keys escapes the clauses, whatever the
// resource determines about them.
func (k *keySearch) hopeless() bool {
	probe := *k.query
	probe.visit = func(trial) next { k.found = true; return stop }
	probe.must, probe.refine, probe.options = nil, nil, k.loose
	inner := keySearch{query: &probe, entry: k.entry, against: k.against, covering: k.covering, chosen: map[string]option{}}
	if !inner.prepare() {
		return false
	}
	inner.from(0)
	if inner.found || k.work.why != "" {
		return false
	}
	k.kill(k.entry.name, "", inner.by...)
	return true
}

// id names everything that the search depends on, except the action and the
// resource.
func (k *keySearch) id() string {
	var out strings.Builder
	for i, c := range k.against {
		out.WriteString(" " + strconv.Itoa(c.number) + "/" + strconv.Itoa(int(k.covering[i])))
	}
	a, _ := arn.Split(k.resource)
	out.WriteString("|" + a.Region + "|" + a.Account)
	return out.String()
}

// prepare collects the keys that the sender chooses and their options; it
// returns false when there are too many.
func (k *keySearch) prepare() bool {
	k.tests, k.hints = map[string][]*test{}, map[string][]string{}
	for _, c := range slices.Concat(k.against, k.owned, k.must, k.refine) {
		for _, t := range c.open {
			if k.row.free(t.key) {
				k.tests[group(t.key)] = append(k.tests[group(t.key)], t)
			}
			for _, v := range t.variables {
				if k.row.free(v) && k.tests[group(v)] == nil {
					k.tests[group(v)] = []*test{}
				}
			}
			k.hint(t)
		}
	}
	k.keys = slices.Sorted(maps.Keys(k.tests))
	for _, key := range k.keys {
		if _, why := k.list(key); why != "" {
			k.work.give(why)
			return false
		}
	}
	return true
}

// list returns the options of a key.
func (k *keySearch) list(key string) ([]option, string) {
	fixed := k.fixed(key)
	id := key + "|" + strings.Join(fixed, "|")
	for _, t := range k.tests[key] {
		id += "|" + t.name
	}
	id += "|" + strings.Join(k.hints[key], "|")
	if known, ok := k.options[id]; ok {
		return known.options, known.why
	}
	out, why := k.row.options(key, k.tests[key], fixed, k.hints[key], &k.work.states)
	if len(exclusive[key]) == 0 && !k.owning && len(k.must)+len(k.refine) == 0 && k.hints[key] == nil && !k.row.unread(key) {
		out = minimal(out)
	}
	k.options[id] = listing{out, why}
	return out, why
}

// A listing holds the options of a key, or why they are unknown.
type listing struct {
	options []option
	why     string
}

// minimal removes the options that escape no more than another option.
func minimal(list []option) []option {
	var out []option
	for i, o := range list {
		worse := func(j int, p option) bool {
			if i == j || !below(p.truths, o.truths) {
				return false
			}
			return !below(o.truths, p.truths) || j < i
		}
		beaten := false
		for j, p := range list {
			beaten = beaten || worse(j, p)
		}
		if !beaten {
			out = append(out, o)
		}
	}
	return out
}

func below(a, b []truth) bool {
	for i := range a {
		if a[i] > b[i] {
			return false
		}
	}
	return true
}

// fixed returns the value that the resource determines for a key, if any.
func (k *keySearch) fixed(key string) []string {
	a, ok := arn.Split(k.resource)
	switch {
	case ok && partOf[key] == 3 && a.Region != "":
		return []string{a.Region}
	case ok && partOf[key] == 4 && a.Account != "":
		return []string{a.Account}
	}
	return nil
}

// exclusive are keys of which a request has one or the other: it comes over the
// internet or through a VPC endpoint.
// Source: IAM User Guide, "AWS global condition context keys", aws:SourceIp.
var exclusive = map[string][]string{
	"aws:sourceip":     {"aws:vpcsourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:sourcevpcarn", "aws:vpceaccount", "aws:vpceorgid", "aws:vpceorgpaths"},
	"aws:vpcsourceip":  {"aws:sourceip"},
	"aws:sourcevpc":    {"aws:sourceip"},
	"aws:sourcevpce":   {"aws:sourceip"},
	"aws:sourcevpcarn": {"aws:sourceip"},
	"aws:vpceaccount":  {"aws:sourceip"},
	"aws:vpceorgid":    {"aws:sourceip"},
	"aws:vpceorgpaths": {"aws:sourceip"},
}

// from chooses options for the keys from the i-th on. It returns true to stop
// the whole search.
func (k *keySearch) from(i int) bool {
	if !k.work.spend() {
		return true
	}
	if c := k.stopper(); c != nil {
		if !slices.Contains(k.by, c) {
			k.by = append(k.by, c)
		}
		return false
	}
	if !k.hopeful() {
		return false
	}
	if i == len(k.keys) {
		k.found = true
		t := k.trial()
		t.others = k.others(t)
		next := k.visit(t)
		k.stopped, k.clear = next == stop, k.clear || next != undecided
		return next > undecided
	}
	key := k.keys[i]
	list, _ := k.list(key)
	for _, o := range list {
		if len(o.values) > 0 && k.excluded(key) {
			continue
		}
		k.chosen[key] = o
		if k.from(i + 1) {
			return true
		}
	}
	delete(k.chosen, key)
	return false
}

// others returns the same request with the other values of the keys that were not
// read.
func (k *keySearch) others(t trial) (out []trial) {
	for i, c := range t.keys {
		key := group(strings.ToLower(c.key))
		if !k.row.unread(key) {
			continue
		}
		options, _ := k.list(key)
		for _, from := range append(out, t) {
			for _, o := range options {
				other := from
				other.keys = slices.Clone(from.keys)
				other.keys[i].values, other.keys[i].many = o.values, o.many
				out = append(out, other)
			}
		}
	}
	return out
}

func (k *keySearch) excluded(key string) bool {
	return slices.ContainsFunc(exclusive[key], func(other string) bool { return len(k.chosen[other].values) > 0 })
}

// stopper returns a clause that applies whatever the remaining keys are.
func (k *keySearch) stopper() *residual {
	for i, c := range k.against {
		if c.vague == "" && k.covering[i] == yes && k.worst(c) == yes {
			return c
		}
	}
	return nil
}

// worst returns the lowest truth of the conditions of a clause; no while a key
// is not chosen.
func (k *keySearch) worst(c *residual) truth {
	out := yes
	for _, t := range c.open {
		out = min(out, k.truth(t, no))
	}
	return out
}

// truth is what the chosen values make of a condition. What a condition makes of
// a variable that the sender chooses is left to the evaluator, once all keys are
// chosen.
func (k *keySearch) truth(t *test, otherwise truth) truth {
	switch {
	case slices.ContainsFunc(t.variables, k.row.free):
		return maybe
	case !k.row.free(t.key):
		return t.holds(k.row.principal, k.row.context)
	}
	key := group(t.key)
	o, ok := k.chosen[key]
	if !ok {
		return otherwise
	}
	return o.truths[slices.Index(k.tests[key], t)]
}

// hopeful reports whether every clause of must can still apply.
func (k *keySearch) hopeful() bool {
	for _, c := range k.must {
		for _, t := range c.open {
			if k.truth(t, yes) == no {
				return false
			}
		}
	}
	return true
}

// spelling returns a key as the policies write it.
func (k *keySearch) spelling(key string) string {
	if len(k.tests[key]) > 0 {
		return k.tests[key][0].Key
	}
	for _, c := range slices.Concat(k.against, k.owned, k.must, k.refine) {
		for _, t := range c.open {
			for _, v := range t.Values {
				for _, spelled := range spelledVariables(v) {
					if strings.EqualFold(spelled, key) {
						return spelled
					}
				}
			}
		}
	}
	return key
}

// trial returns the request that was found.
func (k *keySearch) trial() trial {
	t := trial{probe: probe{k.entry.name, k.resource}, credential: k.row.credential, present: k.row.present, keys: slices.Clone(k.named)}
	for _, key := range k.keys {
		c := k.chosen[key].choice
		c.key = k.spelling(key)
		if key == clock {
			c.key = "aws:CurrentTime"
		}
		t.keys = append(t.keys, c)
	}
	return t
}
