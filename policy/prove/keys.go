package prove

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"forcemfa/policy"
)

// A choice is a value, or several, or none, of a condition key that whoever
// sends the request can choose.
type choice struct {
	key    string   // as the condition spells it
	values []string // none: the key is absent
	many   bool
}

// maxChoices bounds the combinations of chosen keys that are tried.
const maxChoices = 256

// fixedKeys are the keys that the credential and the way of the call decide.
var fixedKeys = map[string]bool{
	"aws:multifactorauthpresent": true, "aws:multifactorauthage": true, "aws:tokenissuetime": true,
	"aws:viaawsservice": true, "aws:calledvia": true, "aws:calledviafirst": true, "aws:calledvialast": true,
	"aws:principalarn": true, "aws:principalaccount": true, "aws:principaltype": true, "aws:userid": true, "aws:username": true,
	"aws:principalisawsservice": true, "aws:principalservicename": true, "aws:principalservicenameslist": true,
	"aws:federatedprovider": true, "aws:assumedroot": true, "aws:ec2instancesourcevpc": true, "aws:ec2instancesourceprivateipv4": true,
}

// alwaysPresent are the chosen keys that every request carries.
var alwaysPresent = map[string]bool{"aws:currenttime": true, "aws:epochtime": true, "aws:securetransport": true}

// chosen tells whether the sender of a request decides about a key.
func (s *Subject) chosen(key string) bool {
	lower := strings.ToLower(key)
	if fixedKeys[lower] || strings.HasPrefix(lower, "aws:principaltag/") {
		return false
	}
	_, known := s.Context.Get(key)
	return !known
}

// combinations are what to try for the keys that the Denies of a set ask for.
// complete is false when there are too many.
func (s *Subject) combinations() (out [][]choice, complete bool) {
	out = [][]choice{nil}
	for _, options := range s.options() {
		var next [][]choice
		for _, before := range out {
			for _, o := range options {
				next = append(next, append(slices.Clip(before), o))
			}
		}
		if len(next) > maxChoices {
			return out, false
		}
		out = next
	}
	return out, true
}

// options lists for each chosen key of the Denies what it may be: absent, each
// value that matters to a condition.
func (s *Subject) options() [][]choice {
	var keys []string
	options := map[string][]choice{}
	for _, statement := range statements(s.Set, policy.Deny) {
		for _, c := range statement.Conditions {
			key := strings.ToLower(c.Key)
			if !s.chosen(key) {
				continue
			}
			if options[key] == nil {
				keys = append(keys, key)
				options[key] = absent(c.Key)
			}
			options[key] = merge(options[key], s.around(c))
		}
	}
	slices.Sort(keys)
	var out [][]choice
	for _, key := range keys {
		out = append(out, options[key])
	}
	return out
}

func absent(key string) []choice {
	if alwaysPresent[strings.ToLower(key)] {
		return nil
	}
	return []choice{{key: key}}
}

func merge(to, more []choice) []choice {
	for _, c := range more {
		if !slices.ContainsFunc(to, func(o choice) bool { return o.many == c.many && slices.Equal(o.values, c.values) }) {
			to = append(to, c)
		}
	}
	return to
}

// around are values of a condition's key on both sides of the condition.
func (s *Subject) around(c policy.Condition) []choice {
	var out []choice
	named, other := s.sides(c)
	for _, v := range append(named, other...) {
		out = append(out, choice{key: c.Key, values: []string{v}, many: isSet(c.Operator)})
	}
	if isSet(c.Operator) && len(named) > 0 && len(other) > 0 {
		out = append(out, choice{key: c.Key, values: []string{named[0], other[0]}, many: true})
	}
	return out
}

func isSet(operator string) bool { return strings.HasPrefix(strings.ToLower(operator), "for") }

// sides are values that a condition names and values that it does not.
func (s *Subject) sides(c policy.Condition) (named, other []string) {
	operator := strings.ToLower(c.Operator)
	operator = operator[strings.LastIndexByte(operator, ':')+1:]
	for _, v := range c.Values {
		switch {
		case operator == "null":
			return []string{unnamed}, nil
		case strings.HasPrefix(operator, "bool"):
			return []string{"true", "false"}, nil
		case strings.HasPrefix(operator, "numeric"):
			named, other = append(named, v), append(other, shift(v, -1), shift(v, 1))
		case strings.HasPrefix(operator, "date"):
			earlier, later := aroundDate(v)
			named, other = append(named, v), append(other, earlier, later)
		case strings.Contains(operator, "ipaddress"):
			named = append(named, address(v))
		case strings.HasPrefix(operator, "arn"):
			if resource, ok := instance(v); ok {
				named = append(named, s.expand(resource))
			}
		default:
			named = append(named, s.expand(fill(v, unnamed)))
		}
	}
	switch {
	case strings.Contains(operator, "ipaddress"):
		other = outside(c.Values)
	case strings.HasPrefix(operator, "arn"):
		other = []string{s.expand("arn:${Partition}:iam::${Account}:role/forcemfa-unnamed")}
	case strings.HasPrefix(operator, "string"):
		other = []string{"forcemfa-unnamed"}
	}
	return few(named), few(other)
}

// few bounds a list: the values of one condition are alike, so some of them
// stand for all.
func few(values []string) []string {
	slices.Sort(values)
	values = slices.Compact(values)
	return values[:min(len(values), 3)]
}

func shift(number string, by int) string {
	if n, err := strconv.Atoi(number); err == nil {
		return strconv.Itoa(n + by)
	}
	return strconv.Itoa(by * 1_000_000_000)
}

func aroundDate(date string) (earlier, later string) {
	at, err := time.Parse(time.RFC3339, date)
	if err != nil {
		return "1970-01-02T00:00:00Z", "2999-12-31T00:00:00Z"
	}
	return at.AddDate(-1, 0, 0).Format(time.RFC3339), at.AddDate(1, 0, 0).Format(time.RFC3339)
}

// address is the first address of a network.
func address(network string) string {
	if p, err := netip.ParsePrefix(network); err == nil {
		return p.Masked().Addr().String()
	}
	return network
}

// outside are addresses in none of the networks.
func outside(networks []string) []string {
	var out []string
	for _, candidate := range []string{"198.51.100.7", "203.0.113.7", "8.8.8.8", "2001:db8::7"} {
		a := netip.MustParseAddr(candidate)
		inside := slices.ContainsFunc(networks, func(n string) bool {
			p, err := netip.ParsePrefix(n)
			return err == nil && p.Contains(a) || n == candidate
		})
		if !inside {
			out = append(out, candidate)
		}
	}
	return out
}

// satisfying are the choices under which the chosen keys of an Allow's
// conditions hold, as far as one value of each can.
func (s *Subject) satisfying(statement *policy.Statement) []choice {
	var out []choice
	for _, c := range statement.Conditions {
		if !s.chosen(c.Key) || slices.ContainsFunc(out, func(o choice) bool { return strings.EqualFold(o.key, c.Key) }) {
			continue
		}
		named, other := s.sides(c)
		if strings.Contains(strings.ToLower(c.Operator), "not") {
			named, other = other, named
		}
		if values := append(named, other...); len(values) > 0 {
			out = append(out, choice{key: c.Key, values: values[:1], many: isSet(c.Operator)})
		}
	}
	return out
}
