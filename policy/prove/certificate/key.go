package certificate

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"time"

	"forcemfa/policy"
)

// A value is the value of a condition key: absent, one text, or a list.
type value struct {
	texts []string
	many  bool
	any   bool // it stands for every value: what compares it is not relied on
}

func (v value) write(key string, c *policy.Context) {
	switch {
	case len(v.texts) == 0:
		c.Delete(key)
	case v.many:
		c.SetMany(key, v.texts)
	default:
		c.Set(key, v.texts[0])
	}
	if key == clock && len(v.texts) == 1 {
		c.Set("aws:EpochTime", v.texts[0]) // seconds: see dates
	}
}

// The keys with the time of the request agree with each other.
const clock = "aws:currenttime"

// A condition is a condition of a Deny that depends on the sender's choices.
type condition struct {
	policy.Condition
	key, operator string // lower case, the operator without prefix and suffix
	variables     bool   // ${…} is a variable
}

func newCondition(c policy.Condition, version string) condition {
	out := condition{Condition: c, key: strings.ToLower(c.Key), variables: version == "2012-10-17"}
	if out.key == "aws:epochtime" {
		out.key = clock
	}
	operator := strings.ToLower(c.Operator)
	if _, rest, found := strings.Cut(operator, ":"); found {
		operator = rest
	}
	out.operator = strings.TrimSuffix(operator, "ifexists")
	return out
}

// lists contains the keys of all services that have several values.
var lists = []string{"aws:tagkeys", "aws:calledvia", "aws:principalorgpaths", "aws:resourceorgpaths", "aws:sourceorgpaths",
	"aws:vpceorgpaths", "aws:principalservicenameslist"}

// values returns enough values of a key to match and to miss the conditions on
// it in every possible combination.
func (k *inquiry) values(key string, conditions []condition) ([]value, error) {
	var out []value
	if !present(key) {
		out = append(out, value{})
	}
	texts, err := k.texts(key, conditions)
	switch {
	case err != nil:
		return nil, err
	case texts == nil:
		return append(out, value{texts: []string{"example"}, any: true}), nil
	}
	one, list := plurality(key)
	for _, t := range texts {
		if one {
			out = append(out, value{texts: []string{t}})
		}
	}
	if list {
		more, err := subsets(texts, len(conditions)+1)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		out = append(out, more...)
	}
	return out, nil
}

// always lists the keys that every request of an IAM user has. The time of issue is
// among those of a session.
// Source: IAM User Guide, "AWS global condition context keys", availability.
var always = []string{clock, "aws:securetransport", "aws:tokenissuetime", "aws:userid", "aws:principalarn", "aws:principalaccount", "aws:principaltype"}

// present reports whether every request has a key.
func present(key string) bool { return slices.Contains(always, key) }

// subsets returns the lists of up to n of the texts. More than one text for each
// condition makes no difference.
func subsets(texts []string, n int) ([]value, error) {
	var out []value
	last := [][]int{{}}
	for range n {
		var next [][]int
		for _, before := range last {
			from := 0
			if len(before) > 0 {
				from = before[len(before)-1] + 1
			}
			for i := from; i < len(texts); i++ {
				list := append(slices.Clone(before), i)
				next = append(next, list)
				v := value{many: true}
				for _, j := range list {
					v.texts = append(v.texts, texts[j])
				}
				out = append(out, v)
			}
			if len(out) > maxCombinations {
				return nil, fmt.Errorf("more than %d sets of values", maxCombinations)
			}
		}
		last = next
	}
	return out, nil
}

// madeByAWS lists the keys whose values AWS sets, with the kind of value. The
// value of any other key is text that the sender of a request may choose,
// whatever kind of value an operator compares it with.
// Source: IAM User Guide, "AWS global condition context keys", data types.
var madeByAWS = map[string]string{clock: "date", "aws:tokenissuetime": "date", "aws:sourceip": "address", "aws:vpcsourceip": "address", "aws:securetransport": "bool",
	"aws:viaawsmcpservice": "bool", "aws:ismcpserviceaction": "bool"}

// texts returns values of a key: for each condition on it values that match and
// values that don't, alone and together with the other conditions. It returns none where
// conditions compare values of several types.
func (k *inquiry) texts(key string, conditions []condition) ([]string, error) {
	kinds := kindsOf(conditions)
	own := ownKind(key, kinds)
	textual := len(kinds) == 2 && kinds["text"] && kinds["bool"] // both compare texts
	if len(kinds) > 1 && !textual || own != "" && len(kinds) > 0 && (textual || !kinds[own]) {
		return nil, nil
	}
	switch {
	case own == "bool":
		return []string{"true", "false"}, nil
	case own == "date":
		return dates(key, conditions), nil
	case own == "address":
		return addresses(conditions), nil
	case own == "number":
		return numbers(key, conditions), nil
	case kinds["text"] || kinds["bool"]:
		return k.strings(key, conditions)
	}
	out := []string{"", "example"} // of no kind
	switch {
	case kinds["number"]:
		out = append(out, numbers(key, conditions)...)
	case kinds["date"]:
		out = append(out, dates(key, conditions)...)
	case kinds["address"]:
		out = append(out, addresses(conditions)...)
	case kinds["binary"]:
		out = append(out, bytes(conditions)...)
	}
	return out, nil
}

// kindsOf are the kinds of values that conditions compare.
func kindsOf(conditions []condition) map[string]bool {
	kinds := map[string]bool{}
	for _, c := range conditions {
		kind := kindOf(c.operator)
		if kind == "number" && strings.EqualFold(c.Key, "aws:EpochTime") { // aws:CurrentTime is no number
			kind = "date"
		}
		if kind != "" {
			kinds[kind] = true
		}
	}
	return kinds
}

// ownKind returns the kind of all values of a key, as far as conditions that compare these
// kinds are concerned; empty for any text.
func ownKind(key string, kinds map[string]bool) string {
	documented := kindOfType(typeOf(key))
	if len(kinds) > 1 || len(kinds) == 1 && !kinds[documented] {
		documented = ""
	}
	return cmp.Or(madeByAWS[key], documented)
}

func kindOf(operator string) string {
	for prefix, kind := range map[string]string{"null": "", "bool": "bool", "numeric": "number", "date": "date", "ip": "address", "notip": "address",
		"binary": "binary", "string": "text", "arn": "text"} {
		if strings.HasPrefix(operator, prefix) {
			return kind
		}
	}
	return "text"
}

// strings returns a text for every possible combination of matching operands,
// among all texts and, where ARNs are compared, among ARNs.
func (k *inquiry) strings(key string, conditions []condition) ([]string, error) {
	patterns := []pattern{exactly("true").anyCase(), exactly("false").anyCase()} // for Bool
	bases := []pattern{glob("*")}
	managed := key == "iam:policyarn" || key == "iam:permissionsboundary" // IAM refuses other texts than ARNs of policies
	if managed {
		partition, _, _ := strings.Cut(strings.TrimPrefix(k.Principal.ARN, "arn:"), ":")
		bases = nil
		for _, account := range []string{"aws", strings.Repeat("?", 12)} {
			bases = append(bases, slices.Concat(glob("arn:"+partition+":iam::"+account+":").segment(), glob("policy/?*")))
		}
	}
	for _, c := range conditions {
		isARN := strings.HasPrefix(c.operator, "arn")
		if isARN && !managed && len(bases) == 1 {
			bases = append(bases, slices.Concat(exactly("arn:"), glob("*:*:*:*:").segment(), glob("?*")))
		}
		for _, v := range c.Values {
			p, ok := k.filled(v, c.variables, isARN || strings.HasSuffix(c.operator, "like"))
			if !ok {
				continue
			}
			switch {
			case isARN:
				patterns = append(patterns, inParts(p))
			case strings.HasSuffix(c.operator, "ignorecase"):
				patterns = append(patterns, p.anyCase(), p.anyLetter())
			default:
				patterns = append(patterns, p)
			}
		}
	}
	var out []string
	for _, base := range bases {
		list, ok := samples(base, patterns)
		if !ok {
			return nil, fmt.Errorf("the conditions on %s distinguish too many values", key)
		}
		out = append(out, list...)
	}
	return out, nil
}

// inParts keeps the wildcards before the fifth colon from matching a colon.
func inParts(p pattern) pattern {
	colons := 0
	for i := range p {
		if p[i].wild == 0 && p[i].r == ':' {
			colons++
		}
	}
	if colons < 5 {
		return p
	}
	out, seen := slices.Clone(p), 0
	for i := range out {
		if out[i].wild == 0 && out[i].r == ':' {
			seen++
		}
		out[i].inner = seen < 5
	}
	return out
}

// filled returns a pattern with the values of its variables; not ok when one has
// none.
func (k *inquiry) filled(text string, variables, wildcards bool) (p pattern, ok bool) {
	plain := exactly
	if wildcards {
		plain = glob
	}
	for _, s := range cut(text, variables) {
		if !s.variable {
			p = append(p, plain(s.text)...)
			continue
		}
		value, ok := k.valueOf(s)
		if !ok {
			return nil, false
		}
		p = append(p, exactly(value)...)
	}
	return p, true
}

// around returns the numbers, one below, one above and one between each two.
func around(points []*big.Rat, step int64) []*big.Rat {
	slices.SortFunc(points, (*big.Rat).Cmp)
	if len(points) == 0 {
		points = []*big.Rat{new(big.Rat)}
	}
	unit, half := big.NewRat(step, 1), big.NewRat(1, 2)
	out := []*big.Rat{new(big.Rat).Sub(points[0], unit)}
	for i, p := range points {
		out = append(out, p)
		if i+1 < len(points) {
			sum := new(big.Rat).Add(p, points[i+1])
			out = append(out, sum.Mul(sum, half))
		}
	}
	return append(out, new(big.Rat).Add(points[len(points)-1], unit))
}

func decimals(conditions []condition) (out []*big.Rat, digits int) {
	for _, c := range conditions {
		for _, v := range c.Values {
			if n, ok := new(big.Rat).SetString(v); ok && strings.Trim(v, "+-.0123456789") == "" {
				out, digits = append(out, n), max(digits, len(v))
			}
		}
	}
	return out, digits
}

func numbers(key string, conditions []condition) []string {
	points, digits := decimals(conditions)
	var out []string
	for _, n := range around(points, 1) {
		if !slices.Contains(counts, key) {
			out = append(out, n.FloatString(digits+2))
			continue
		}
		down := new(big.Int).Div(n.Num(), n.Denom())
		out = append(out, down.String(), down.Add(down, big.NewInt(1)).String())
	}
	return slices.Compact(out)
}

// counts lists keys with integers only, the type of their parameters in the API reference.
var counts = []string{
	"autoscaling:maxsize", "autoscaling:minsize", "ebs:volumesize", "ec2:instancecount", "ec2:volumeiops", "ec2:volumesize", "ec2:volumethroughput",
	"iam:servicespecificcredentialagedays", "kms:rotationperiodindays", "kms:schedulekeydeletionpendingwindowindays", "rds:piops", "rds:storagesize",
	"s3:max-keys", "s3-outposts:max-keys", "secretsmanager:recoverywindowindays", "sts:durationseconds",
}

func dates(key string, conditions []condition) []string {
	points, _ := decimals(conditions)
	recent := key == clock || key == "aws:tokenissuetime"
	if recent {
		points = append(points, start)
	}
	for _, c := range conditions {
		for _, v := range c.Values {
			for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02", "2006-01"} {
				if at, err := time.Parse(layout, v); err == nil {
					points = append(points, new(big.Rat).Add(big.NewRat(at.Unix(), 1), big.NewRat(int64(at.Nanosecond()), 1_000_000_000)))
				}
			}
		}
	}
	var out []string
	for _, n := range around(points, 3600) {
		if !recent || n.Cmp(start) >= 0 {
			out = append(out, n.FloatString(9)) // seconds since 1970, which a date can be as well
		}
	}
	return out
}

// start is the earliest time of a request and of its session that is looked at: the begin of 2026, before
// the first release of this program.
var start = big.NewRat(time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC).Unix(), 1)

// addresses returns the first address of every network and the first one after
// it: no condition changes between two of these.
func addresses(conditions []condition) []string {
	out := []string{"0.0.0.0", "::"}
	for _, c := range conditions {
		for _, v := range c.Values {
			if !strings.Contains(v, "/") {
				if a, err := netip.ParseAddr(v); err == nil {
					v = netip.PrefixFrom(a, a.BitLen()).String()
				}
			}
			p, err := netip.ParsePrefix(v)
			if err != nil {
				continue
			}
			first := p.Masked().Addr()
			out = append(out, first.String())
			last := first.AsSlice()
			for bit := p.Bits(); bit < first.BitLen(); bit++ {
				last[bit/8] |= 0x80 >> (bit % 8)
			}
			if a, _ := netip.AddrFromSlice(last); a.Next().IsValid() {
				out = append(out, a.Next().String())
			}
		}
	}
	return out
}

// bytes returns the operands, and a text that is none of them.
func bytes(conditions []condition) []string {
	var out []string
	for _, c := range conditions {
		for _, v := range c.Values {
			if text, err := base64.StdEncoding.DecodeString(v); err == nil {
				out = append(out, string(text))
			}
		}
	}
	other := "other"
	for slices.Contains(out, other) {
		other += "x"
	}
	return append(out, other)
}
