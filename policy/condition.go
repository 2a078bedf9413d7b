package policy

import (
	"encoding/base64"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"forcemfa/policy/arn"
)

// family is the type that an operator compares.
type family uint8

const (
	stringEquals family = iota + 1
	stringFold          // IgnoreCase
	stringLike
	numeric
	date
	boolean
	binary
	address
	arnLike // also ArnEquals: they behave the same
	null
)

// relation is the result that a comparison needs: any of the bits.
type relation uint8

const (
	less relation = 1 << iota
	equal
	greater
)

// An operator is a condition operator split into its parts.
type operator struct {
	family   family
	relation relation
	negated  bool
	ifExists bool
	set      setOperator
}

type setOperator uint8

const (
	single setOperator = iota
	forAll
	forAny
)

// operators lists the condition operators without prefix and suffix.
// Source: IAM User Guide, "IAM JSON policy elements: Condition operators".
var operators = map[string]operator{
	"StringEquals":              {family: stringEquals},
	"StringNotEquals":           {family: stringEquals, negated: true},
	"StringEqualsIgnoreCase":    {family: stringFold},
	"StringNotEqualsIgnoreCase": {family: stringFold, negated: true},
	"StringLike":                {family: stringLike},
	"StringNotLike":             {family: stringLike, negated: true},
	"NumericEquals":             {family: numeric, relation: equal},
	"NumericNotEquals":          {family: numeric, relation: equal, negated: true},
	"NumericLessThan":           {family: numeric, relation: less},
	"NumericLessThanEquals":     {family: numeric, relation: less | equal},
	"NumericGreaterThan":        {family: numeric, relation: greater},
	"NumericGreaterThanEquals":  {family: numeric, relation: greater | equal},
	"DateEquals":                {family: date, relation: equal},
	"DateNotEquals":             {family: date, relation: equal, negated: true},
	"DateLessThan":              {family: date, relation: less},
	"DateLessThanEquals":        {family: date, relation: less | equal},
	"DateGreaterThan":           {family: date, relation: greater},
	"DateGreaterThanEquals":     {family: date, relation: greater | equal},
	"Bool":                      {family: boolean},
	"BinaryEquals":              {family: binary},
	"IpAddress":                 {family: address},
	"NotIpAddress":              {family: address, negated: true},
	"ArnEquals":                 {family: arnLike},
	"ArnLike":                   {family: arnLike},
	"ArnNotEquals":              {family: arnLike, negated: true},
	"ArnNotLike":                {family: arnLike, negated: true},
	"Null":                      {family: null},
}

func parseOperator(name string) (o operator, ok bool) {
	set := single
	if rest, found := strings.CutPrefix(name, "ForAllValues:"); found {
		name, set = rest, forAll
	} else if rest, found := strings.CutPrefix(name, "ForAnyValue:"); found {
		name, set = rest, forAny
	}
	name, ifExists := strings.CutSuffix(name, "IfExists")
	o, ok = operators[name]
	if o.family == null && ifExists {
		return operator{}, false
	}
	o.set, o.ifExists = set, ifExists
	return o, ok
}

// A condition is one compiled condition: an operator on one key.
type condition struct {
	operator
	key    string // lower case
	mfa    bool   // the key is mfaKey
	values []operand
}

// An operand is one value in a policy, in the type of its operator.
type operand struct {
	template template // strings and booleans
	number   decimal
	instant  instant
	network  netip.Prefix
	text     string // binary
	truth    bool   // Bool and Null
	ok       bool   // the value has this type
	arn      *resourcePattern
}

func compileCondition(c Condition, version string) (out condition, message string) {
	o, ok := parseOperator(c.Operator)
	if !ok {
		return out, "unknown condition operator " + c.Operator
	}
	if name, _, _ := strings.Cut(c.Key, "/"); !ascii(name) { // after the slash comes a tag key, which is any text
		return out, "condition key " + c.Key + ": only ASCII characters are allowed"
	}
	out = condition{operator: o, key: strings.ToLower(c.Key)}
	out.mfa = out.key == mfaKey
	for _, v := range c.Values {
		operand, message := compileOperand(o.family, v, version == version2012)
		if message != "" {
			return out, c.Operator + " " + c.Key + ": " + message
		}
		out.values = append(out.values, operand)
	}
	return out, ""
}

func compileOperand(f family, text string, variables bool) (v operand, message string) {
	v.ok = true
	switch f {
	case stringEquals, stringFold, stringLike, boolean:
		v.template, message = language{variables, f == stringLike}.compile(text)
		if f == boolean {
			v.truth, v.ok = parseBool(text)
		}
	case numeric:
		v.number, v.ok = parseDecimal(text)
	case date:
		v.instant, v.ok = parseInstant(text)
	case address:
		v.network, v.ok = parseNetwork(text)
	case binary:
		decoded, err := base64.StdEncoding.DecodeString(text)
		v.text, v.ok = string(decoded), err == nil
	case arnLike:
		v.arn, message = compileARN(text, variables)
	case null:
		v.truth, v.ok = parseBool(text)
		if !v.ok {
			message = "want true or false, found " + text
		}
	}
	return v, message
}

func parseNetwork(text string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), true
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}

// compileARN compiles the value of an ARN operator, in which variables may be
// anywhere and a wildcard in the resource type has no special meaning: compareARN
// ignores the doubt about both.
func compileARN(text string, variables bool) (*resourcePattern, string) {
	p, message := compileResource(text, language{variables: variables})
	return &p, message
}

// holds reports whether the condition matches.
func (c *condition) holds(e *evaluation) truth {
	var entry *entry
	if c.mfa {
		entry = e.context.findMFA()
	} else {
		entry = e.context.find(c.key)
	}
	switch {
	case len(c.values) == 0:
		return e.doubts(noValues)
	case c.family == null && c.set != single:
		return e.doubts(setOfNull)
	case c.family == null:
		return c.isNull(entry == nil)
	case entry == nil:
		return c.absent(e)
	case c.set == forAll:
		t := yes
		for _, v := range entry.values {
			t = min(t, c.test(e, v))
		}
		return t
	case c.set == forAny:
		t := no
		for _, v := range entry.values {
			t = max(t, c.test(e, v))
		}
		return t
	case entry.many:
		return c.list(e, entry.values)
	}
	return c.test(e, entry.values[0])
}

// list evaluates an operator for one value on a key with several. The
// documentation requires a set operator and does not say what happens without
// one: the result is no if no value matches, and unknown otherwise, unless it was
// observed for StringEquals and several values.
// Source: IAM User Guide, "Multivalued context keys".
func (c *condition) list(e *evaluation, values []string) truth {
	for _, v := range values {
		switch {
		case c.test(e, v) == no:
		case c.family == stringEquals && !c.negated && len(values) > 1:
			return e.settle(SingleOnMany, operatorForOne)
		default:
			return e.doubts(operatorForOne)
		}
	}
	return no
}

func (c *condition) isNull(absent bool) truth {
	for i := range c.values {
		if c.values[i].truth == absent {
			return yes
		}
	}
	return no
}

// absent returns the result for a key that is not in the context.
// Source: IAM User Guide, "Condition operators", "…IfExists", and "Multivalued
// context keys".
func (c *condition) absent(e *evaluation) truth {
	switch {
	case c.set == forAll:
		return yes
	case c.set == forAny && c.ifExists:
		return e.doubts(anyValueIfExists)
	case c.set == forAny:
		return no
	}
	return truthOf(c.ifExists || c.negated)
}

// test compares one value of the request with the whole list: equal to any value
// or, for a negated operator, to none.
func (c *condition) test(e *evaluation, value string) truth {
	t := no
	for i := range c.values {
		t = max(t, c.compare(e, &c.values[i], value))
		if t == yes {
			break
		}
	}
	if c.negated {
		return t.not()
	}
	return t
}

// mistyped returns the result of a comparison with a value of the wrong type:
// nothing equals it; AWS does not document the result for a negated operator.
func (c *condition) mistyped(e *evaluation, d doubt) truth {
	if c.negated {
		return e.doubts(d)
	}
	return no
}

func (c *condition) compare(e *evaluation, v *operand, value string) truth {
	switch c.family {
	case stringEquals, stringLike:
		return truthOf(v.template.matches(e.context, value))
	case stringFold:
		return v.template.matchesFold(e, value)
	case numeric:
		return c.compareNumber(e, v, value)
	case date:
		return c.compareDate(e, v, value)
	case boolean:
		return v.compareBool(e, value)
	case address:
		a, err := netip.ParseAddr(value)
		if err != nil || !v.ok {
			return c.mistyped(e, oddValue)
		}
		if v.network.Addr().Is4In6() || a.Is4In6() {
			return e.doubts(mappedAddress)
		}
		return truthOf(v.network.Contains(a))
	case binary:
		return c.compareBinary(e, v, value)
	}
	return c.compareARN(e, v, value)
}

// has reports whether the result of the comparison is one that the operator
// needs.
func (r relation) has(comparison int) truth {
	switch {
	case comparison < 0:
		return truthOf(r&less != 0)
	case comparison > 0:
		return truthOf(r&greater != 0)
	}
	return truthOf(r&equal != 0)
}

func (c *condition) compareNumber(e *evaluation, v *operand, value string) truth {
	n, ok := parseDecimal(value)
	if !ok || !v.ok {
		return c.mistyped(e, oddValue)
	}
	return c.relation.has(n.compare(v.number))
}

func (c *condition) compareDate(e *evaluation, v *operand, value string) truth {
	t, ok := parseInstant(value)
	switch {
	case !ok || !v.ok:
		return c.mistyped(e, oddValue)
	case t.doubtful || v.instant.doubtful:
		return e.doubts(oddDate)
	}
	return c.relation.has(t.compare(v.instant))
}

func (c *condition) compareBinary(e *evaluation, v *operand, value string) truth {
	if strings.HasPrefix(c.key, "aws:") { // no global key is binary
		if !c.mfa {
			return e.doubts(oddBinary)
		}
		if t := e.settle(BinaryOnMFAKey, oddBinary); t != yes {
			return t
		}
	}
	if !v.ok {
		return c.mistyped(e, oddValue)
	}
	return truthOf(v.text == value)
}

// compareBool compares booleans. A text other than true and false counts as
// false in one interpretation and equals nothing in the other.
func (v *operand) compareBool(e *evaluation, value string) truth {
	if len(v.template.variables) > 0 {
		return v.boolVariable(e, value)
	}
	got, known := parseBool(value)
	switch {
	case known && v.ok:
		return truthOf(got == v.truth)
	case known && got, v.ok && v.truth:
		return no
	}
	return e.doubts(oddBool)
}

func (v *operand) boolVariable(e *evaluation, value string) truth {
	if v.template.matchesFold(e, value) != no {
		return e.doubts(boolVariable)
	}
	return no
}

// compareARN compares part by part. For a pattern or a value that is not an ARN,
// AWS only documents that they do not match.
func (c *condition) compareARN(e *evaluation, v *operand, value string) truth {
	a, ok := arn.Split(value)
	p := v.arn
	switch {
	case p.whole != nil:
		if p.whole.Match(value) {
			return e.doubts(oddARN)
		}
		return c.mistyped(e, oddARN)
	case !ok:
		return c.mistyped(e, oddARN)
	}
	var room fill
	values, ok := (&template{variables: p.variables}).resolve(e.context, &room)
	return truthOf(ok && p.arn.Match(&a, values...))
}

// matchesFold is matches without wildcards, ignoring case.
func (t *template) matchesFold(e *evaluation, text string) truth {
	var room fill
	values, ok := t.resolve(e.context, &room)
	if !ok {
		return no
	}
	result := yes
	for _, p := range t.glob.Pieces() {
		part := p.Text
		if p.Kind == arn.Hole {
			part = values[p.Index]
		}
		var same truth
		text, same = cutPrefixFold(text, part)
		if result = min(result, same); result == no {
			return no
		}
	}
	switch {
	case text != "":
		return no
	case result == maybe && e.context != nil && e.context.supposed:
		return e.context.oneCase
	case result == maybe:
		return e.doubts(oddCase)
	}
	return yes
}

// cutPrefixFold removes a prefix, comparing letter by letter.
func cutPrefixFold(text, prefix string) (rest string, same truth) {
	same = yes
	for _, want := range prefix {
		got, width := utf8.DecodeRuneInString(text)
		if width == 0 {
			return "", no
		}
		if same = min(same, sameLetter(got, want)); same == no {
			return "", no
		}
		text = text[width:]
	}
	return text, same
}

// sameLetter reports whether two letters differ only in case. AWS does not document
// whether that is so for letters that have one case in common, as k and the Kelvin sign.
func sameLetter(a, b rune) truth {
	if a == b {
		return yes
	}
	switch lower, upper := unicode.ToLower(a) == unicode.ToLower(b), unicode.ToUpper(a) == unicode.ToUpper(b); {
	case lower && upper:
		return yes
	case lower || upper:
		return maybe
	}
	return no
}
