package prove

import (
	"encoding/base64"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"time"

	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// An option is one cell of a condition key: a value, several, or none, and
// what the conditions on the key make of it. Every other value of the key has
// the truths of one of its options.
type option struct {
	choice
	truths []truth // of the tests, in their order
}

// maxOptions limits the cells of one key.
const maxOptions = 4096

// group returns the key that represents a key: the two clocks agree.
func group(key string) string {
	if key == "aws:epochtime" {
		return clock
	}
	return key
}

// clock is the key of the time of a request.
const clock = "aws:currenttime"

// options finds the cells of a key for the tests on it. Fixed values, such as a
// Region that the resource decides, replace the values that the tests suggest;
// suggested values are tried even if the tests do not tell them from others. why
// is not empty if there are too many cells.
func (r *row) options(key string, tests []*test, fixed, suggested []string, left *int) (out []option, why string) {
	d := domain{values: fixed}
	if fixed == nil {
		d, why = r.domain(key, tests, left)
	}
	if why != "" {
		return nil, why
	}
	o := cells{row: r, key: key, tests: tests, seen: map[string]bool{}}
	if !r.always(key) {
		o.add(choice{key: key})
	}
	single, many := typeOf(key).plurality()
	for _, v := range d.values {
		if single {
			o.add(choice{key: key, values: []string{v}})
		}
	}
	if many {
		o.sets(d.values)
	}
	if fixed == nil {
		o.suggest(suggested, single, many)
	}
	if d.partial {
		o.undecided(many && !single)
	}
	if len(o.list) > maxOptions {
		return nil, "the conditions on " + key + " distinguish too many sets of values"
	}
	return o.list, ""
}

// suggest adds values whatever the tests say about them: a condition compares
// them with another key.
func (o *cells) suggest(values []string, single, many bool) {
	for _, v := range values {
		if single {
			c := choice{key: o.key, values: []string{v}}
			o.list = append(o.list, option{c, o.truths(c)})
		}
		if many {
			c := choice{key: o.key, values: []string{v}, many: true}
			o.list = append(o.list, option{c, o.truths(c)})
		}
	}
}

// undecided adds the option that stands for all values that were not enumerated:
// the tests on it are unknown.
func (o *cells) undecided(many bool) {
	c := choice{key: o.key, values: []string{unnamed}, many: many, untried: true}
	n := option{c, o.truths(c)}
	for i, t := range o.tests {
		if t.operator != "null" {
			n.truths[i] = maybe
		}
	}
	o.put(n)
}

// cells collects options with different truths.
type cells struct {
	row   *row
	key   string
	tests []*test
	list  []option
	seen  map[string]bool
}

func (o *cells) add(c choice) *option { return o.put(option{c, o.truths(c)}) }

// put keeps an option unless there is an equivalent one.
func (o *cells) put(n option) *option {
	id := make([]byte, len(n.truths))
	for i, t := range n.truths {
		id[i] = byte(t)
	}
	if o.seen[string(id)] {
		return nil
	}
	o.seen[string(id)] = true
	o.list = append(o.list, n)
	return &o.list[len(o.list)-1]
}

func (o *cells) truths(c choice) []truth {
	context := o.row.context.Clone()
	c.write(context)
	out := make([]truth, len(o.tests))
	for i, t := range o.tests {
		out[i] = t.holds(o.row.principal, context)
		if slices.ContainsFunc(t.variables, o.row.free) {
			out[i] = maybe // it depends on another key
		}
	}
	return out
}

// sets adds the sets of values. What a set operator makes of a set is the worst
// or best of what it makes of the values, so sets are joined until nothing new
// comes of it.
func (o *cells) sets(values []string) {
	var singles []option
	for _, v := range values {
		c := choice{key: o.key, values: []string{v}, many: true}
		singles = append(singles, option{c, o.truths(c)})
	}
	var grown []option
	for _, s := range singles {
		o.put(s)
		grown = append(grown, s)
	}
	for i := 0; i < len(grown) && len(o.list) <= maxOptions; i++ {
		for _, s := range singles {
			if n := o.put(o.join(grown[i], s)); n != nil {
				grown = append(grown, *n)
			}
		}
	}
}

func (o *cells) join(a, b option) option {
	out := option{choice: choice{key: o.key, values: append(slices.Clip(a.values), b.values...), many: true}}
	var whole []truth
	if o.row.context.Observed().Knows(policy.SingleOnMany) {
		whole = o.truths(out.choice)
	}
	for i, t := range o.tests {
		switch {
		case t.set && t.all:
			out.truths = append(out.truths, min(a.truths[i], b.truths[i]))
		case t.set:
			out.truths = append(out.truths, max(a.truths[i], b.truths[i]))
		case whole != nil: // an operator for one value on a list
			out.truths = append(out.truths, whole[i])
		default:
			out.truths = append(out.truths, max(a.truths[i], b.truths[i]))
		}
	}
	return out
}

// write puts a choice into a context.
func (c *choice) write(to *policy.Context) {
	switch {
	case len(c.values) == 0:
		to.Delete(c.key)
	case c.many:
		to.SetMany(c.key, c.values)
	default:
		to.Set(c.key, c.values[0])
	}
	if strings.EqualFold(c.key, clock) && len(c.values) == 1 {
		if at, err := time.Parse(time.RFC3339, c.values[0]); err == nil {
			to.Set("aws:EpochTime", big.NewInt(at.Unix()).String())
		} else {
			to.Set("aws:EpochTime", c.values[0]) // already in seconds: see dateText
		}
	}
}

// A domain is a set of values of a key that distinguishes the tests on it.
type domain struct {
	values []string
	// partial means that other values may distinguish them further.
	partial bool
}

// domain finds values of a key that tell the tests apart in every way that
// some value does. why says why there are none.
func (r *row) domain(key string, tests []*test, left *int) (d domain, why string) {
	families := map[string][]*test{}
	for _, t := range tests {
		if t.operator != "null" {
			families[family(t.operator)] = append(families[family(t.operator)], t)
		}
	}
	if key == clock && families["numeric"] != nil {
		families["date"] = append(families["date"], families["numeric"]...)
		delete(families, "numeric")
	}
	if own := ownFamily(key, families); own != "" {
		d.values = typedValues(own, key, families[own])
		delete(families, own)
		d.partial = len(families) > 0
		for _, other := range families {
			d.values = append(d.values, spellings(own, other)...)
		}
		return d, ""
	}
	text := slices.Concat(families["text"], families["bool"])
	if d.values, why = r.texts(key, text, left); why != "" {
		return domain{}, why
	}
	delete(families, "text")
	delete(families, "bool")
	d.partial = len(families) > 1 || len(families) == 1 && len(text) > 0
	for _, own := range []string{"numeric", "date", "ip", "binary"} {
		if list := families[own]; list != nil {
			d.values = append(d.values, typedValues(own, key, list)...)
		}
	}
	if d.partial {
		for _, t := range tests {
			d.values = append(d.values, t.Values...)
		}
	}
	return d, ""
}

// typedValues are values of a type on every side of what the tests compare with.
func typedValues(family, key string, tests []*test) []string {
	switch family {
	case "numeric":
		return numbers(key, tests)
	case "date":
		return instants(key, tests)
	case "ip":
		return addresses(tests)
	case "binary":
		return binaries(tests)
	}
	return []string{"true", "false"}
}

// spellings are the operands of tests that are values of a type.
func spellings(family string, tests []*test) (out []string) {
	for _, t := range tests {
		for _, v := range t.Values {
			_, dateErr := time.Parse(time.RFC3339, v)
			_, ipErr := netip.ParseAddr(v)
			if family == "date" && dateErr == nil || family == "ip" && ipErr == nil || family == "bool" && (v == "true" || v == "false") {
				out = append(out, v)
			}
		}
	}
	return out
}

// family is what an operator compares.
func family(operator string) string {
	switch {
	case operator == "null" || operator == "bool":
		return operator
	case strings.HasPrefix(operator, "numeric"):
		return "numeric"
	case strings.HasPrefix(operator, "date"):
		return "date"
	case strings.Contains(operator, "ipaddress"):
		return "ip"
	case strings.HasPrefix(operator, "binary"):
		return "binary"
	}
	return "text"
}

// texts are the shortest strings of all combinations of the tests' values, ARNs
// among them where a test compares ARNs.
func (r *row) texts(key string, tests []*test, left *int) ([]string, string) {
	var patterns []language
	nice := []string{unnamed}
	bases := []language{anyText}
	if key == "aws:userid" && r.sessionName.after != "" {
		bases = []language{slices.Concat(literal(r.sessionName.after), some)}
	}
	if ofPolicies[key] {
		bases = []language{r.policyOf(literal("aws")), r.policyOf(anAccount.within())}
	}
	for _, t := range tests {
		if family(t.operator) == "bool" {
			patterns = append(patterns, folded("true"), folded("false"))
			nice = append(nice, "true", "false")
			continue
		}
		if strings.HasPrefix(t.operator, "arn") && len(bases) == 1 && !ofPolicies[key] {
			many := anyText.within()
			bases = append(bases, slices.Concat(literal("arn:"), many, literal(":"), many, literal(":"), many, literal(":"), many, literal(":"), some))
			nice = append(nice, "arn:aws:iam::"+elsewhere+":role/"+unnamed)
		}
		if slices.ContainsFunc(t.variables, r.free) {
			continue // the test is not relied on
		}
		for _, v := range t.Values {
			if ls, ok := t.languages(v, r.context); ok {
				patterns = append(patterns, ls...)
				nice = append(nice, fill(v, unnamed))
			}
		}
	}
	var out []string
	for _, base := range bases {
		members, complete := partition(base, patterns, nil, left)
		if !complete {
			return nil, "the conditions on " + key + " distinguish too many values"
		}
		prefer(members, base, patterns, nice)
		for _, m := range slices.Backward(members) {
			out = append(out, m.text) // what matches more comes later, and is tried first
		}
	}
	return out, ""
}

// ofPolicies are keys whose value is the ARN of a managed policy: IAM refuses a request with another text.
// Source: IAM User Guide, "IAM and AWS STS condition context keys".
var ofPolicies = map[string]bool{"iam:policyarn": true, "iam:permissionsboundary": true}

// policyOf is the language of the ARNs of policies of an account, in the partition of the principal.
func (r *row) policyOf(account language) language {
	self, _ := arn.Split(r.principal.ARN)
	return slices.Concat(literal("arn:"+self.Partition+":iam::"), account, literal(":policy/"), some)
}

// languages are those of one value: as the operator reads it, in every reading.
func (t *test) languages(value string, c *policy.Context) (out []language, ok bool) {
	switch {
	case strings.HasPrefix(t.operator, "arn"):
		whole, ok := fillIn(value, t.language, true, c)
		if parts := split(value, t.language).parts; ok && len(parts) == 6 {
			var l language
			for i, part := range parts {
				p, _ := fillIn(part, t.language, true, c)
				if i < 5 {
					p = append(p.within(), literal(":")...)
				}
				l = append(l, p...)
			}
			return []language{l}, true
		}
		return []language{whole}, ok
	case strings.HasSuffix(t.operator, "ignorecase"):
		l, ok := fillIn(value, t.language, false, c)
		return l.folds(), ok
	}
	l, ok := fillIn(value, t.language, strings.HasSuffix(t.operator, "like"), c)
	return []language{l}, ok
}

// thresholds are values of an ordered type with one on either side and one
// between each two.
func thresholds(points []*big.Rat, step *big.Rat) []*big.Rat {
	slices.SortFunc(points, (*big.Rat).Cmp)
	points = slices.CompactFunc(points, func(a, b *big.Rat) bool { return a.Cmp(b) == 0 })
	if len(points) == 0 {
		return []*big.Rat{new(big.Rat)}
	}
	out := []*big.Rat{new(big.Rat).Sub(points[0], step)}
	for i, p := range points {
		if i > 0 {
			between := new(big.Rat).Add(points[i-1], p)
			out = append(out, between.Quo(between, big.NewRat(2, 1)))
		}
		out = append(out, p)
	}
	return append(out, new(big.Rat).Add(points[len(points)-1], step))
}

func numbers(key string, tests []*test) []string {
	points, places := rats(tests)
	if whole[key] {
		return integers(points)
	}
	var out []string
	for _, n := range thresholds(points, big.NewRat(1, 1)) {
		text := n.FloatString(places + 1)
		out = append(out, strings.TrimRight(strings.TrimRight(text, "0"), "."))
	}
	for i := range out {
		if out[i] == "" || out[i] == "-" {
			out[i] = "0"
		}
	}
	return out
}

// whole are keys of which a request can only have an integer: the API takes no other number.
// Source: the types of the parameters in the API reference of each service.
var whole = map[string]bool{
	"autoscaling:maxsize": true, "autoscaling:minsize": true, "ebs:volumesize": true, "ec2:instancecount": true, "ec2:volumeiops": true,
	"ec2:volumesize": true, "ec2:volumethroughput": true, "iam:servicespecificcredentialagedays": true, "kms:rotationperiodindays": true,
	"kms:schedulekeydeletionpendingwindowindays": true, "rds:piops": true, "rds:storagesize": true, "s3:max-keys": true, "s3-outposts:max-keys": true,
	"secretsmanager:recoverywindowindays": true, "sts:durationseconds": true,
}

// integers are the integers on either side of each point, and at it.
func integers(points []*big.Rat) []string {
	if len(points) == 0 {
		return []string{"0"}
	}
	var out []string
	for _, p := range points {
		floor := new(big.Int).Div(p.Num(), p.Denom())
		for _, step := range []int64{-1, 0, 1} {
			out = append(out, new(big.Int).Add(floor, big.NewInt(step)).String())
		}
	}
	return out
}

// rats are the values that are decimal numbers, and how many places they have
// at most.
func rats(tests []*test) (out []*big.Rat, places int) {
	for _, t := range tests {
		for _, v := range t.Values {
			if strings.Trim(v, "0123456789.+-") != "" {
				continue
			}
			if n, ok := new(big.Rat).SetString(v); ok {
				_, part, _ := strings.Cut(v, ".")
				out, places = append(out, n), max(places, len(part))
			}
		}
	}
	return out, places
}

// layouts are the forms of a date in a policy.
var layouts = []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", time.DateOnly, "2006-01"}

func instants(key string, tests []*test) []string {
	points, _ := rats(tests)
	for _, t := range tests {
		for _, v := range t.Values {
			for _, layout := range layouts {
				if at, err := time.Parse(layout, v); err == nil {
					nanos := new(big.Int).Mul(big.NewInt(at.Unix()), big.NewInt(int64(time.Second)))
					nanos.Add(nanos, big.NewInt(int64(at.Nanosecond())))
					points = append(points, new(big.Rat).SetFrac(nanos, big.NewInt(int64(time.Second))))
					break
				}
			}
		}
	}
	usual := now
	if key == "aws:tokenissuetime" {
		usual = issued
	}
	if key == clock || key == "aws:tokenissuetime" {
		points = append(points, earliest)
	}
	out := []string{moment(usual)}
	for _, n := range thresholds(points, big.NewRat(24*60*60, 1)) {
		if key != clock && key != "aws:tokenissuetime" || n.Cmp(earliest) >= 0 {
			out = append(out, dateText(n))
		}
	}
	return out
}

// earliest is the first time of a request, and of a session that it is made with,
// 2026-01-01T00:00:00Z: nobody can choose a time that is over.
var earliest = big.NewRat(1767225600, 1)

// lastSecond is the end of the year 9999, after which RFC 3339 has no form.
var lastSecond = big.NewRat(253402300799, 1)

// dateText writes seconds since 1970 as a date, or as a number of seconds
// outside of the years that a date can have.
func dateText(seconds *big.Rat) string {
	if seconds.Cmp(lastSecond) > 0 || seconds.Cmp(big.NewRat(-62135596800, 1)) < 0 {
		return strings.TrimSuffix(strings.TrimRight(seconds.FloatString(9), "0"), ".")
	}
	whole := new(big.Int).Div(seconds.Num(), seconds.Denom()) // rounds down
	rest := new(big.Rat).Sub(seconds, new(big.Rat).SetInt(whole))
	nanos, _ := rest.Mul(rest, big.NewRat(int64(time.Second), 1)).Float64()
	return moment(time.Unix(whole.Int64(), int64(nanos)))
}

func moment(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }

// addresses are one of every network, one after each, and one of each family.
func addresses(tests []*test) []string {
	out := []string{}
	var first, after []string
	for _, t := range tests {
		for _, v := range t.Values {
			p, err := netip.ParsePrefix(v)
			if a, err2 := netip.ParseAddr(v); err != nil && err2 == nil && a.Zone() == "" {
				p, err = netip.PrefixFrom(a, a.BitLen()), nil
			}
			if err != nil {
				continue
			}
			first = append(first, p.Masked().Addr().String())
			if next := lastOf(p).Next(); next.IsValid() {
				after = append(after, next.String())
			}
		}
	}
	out = append(append(append(out, first...), "198.51.100.7", "2001:db8::7"), after...)
	return append(out, "0.0.0.0", "::")
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func binaries(tests []*test) []string {
	var out []string
	for _, t := range tests {
		for _, v := range t.Values {
			if text, err := base64.StdEncoding.DecodeString(v); err == nil {
				out = append(out, string(text))
			}
		}
	}
	other := "forcemfa"
	for slices.Contains(out, other) {
		other += "x"
	}
	return append([]string{other}, out...)
}
