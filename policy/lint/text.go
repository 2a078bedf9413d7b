package lint

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// texts checks the texts of a statement for what templates and people leave
// behind: placeholders, variables of another syntax, wildcards that an operator
// compares as they are, and Sids that AWS refuses.
func (in *inspection) texts() {
	seen := map[string]bool{}
	for i := range in.doc.Statements {
		in.leftovers(i)
		in.literalWildcards(i)
		in.ages(i)
		in.sid(i, seen)
		in.resourceTypes(i)
	}
}

// leftovers reports values with a placeholder, or with a variable in the syntax
// of another tool.
func (in *inspection) leftovers(i int) {
	st := &in.doc.Statements[i]
	values := slices.Concat(st.Resources, st.NotResources)
	for _, c := range st.Conditions {
		values = append(values, c.Values...)
	}
	for _, v := range values {
		right := rightVariable(v)
		if bad := illegalInName(v); right == v && !unfilled(v) && bad != "" {
			in.add("K-4", i, "%s matches nothing: no name in IAM contains %q", v, bad)
			return
		}
		if right == v && !unfilled(v) {
			continue
		}
		if slices.ContainsFunc(in.findings, func(f Finding) bool { return f.Code == "K-4" && f.Statement == i }) {
			return
		}
		if right == v {
			in.add("K-4", i, "%s is not filled in, so it matches nothing", v)
			return
		}
		f := in.add("K-4", i, "%s is not a policy variable, so it matches only that text: did you mean %s?", v, right)
		if in.doc.Version == "2012-10-17" {
			f.Fix = in.replace(i, func(st *policy.Statement) { correctVariables(st) })
		}
		return
	}
}

// illegalInName returns the first character of an ARN of IAM, or of a name, that no
// name in IAM has; empty for none. Paths have more of them.
// Source: IAM User Guide, "IAM and AWS STS quotas": Names of IAM resources.
func illegalInName(v string) string {
	a, ok := arn.Split(v)
	if !ok || a.Service != "iam" || !slices.Contains([]string{"user", "group", "role", "policy", "mfa"}, a.Kind()) {
		return ""
	}
	name := anyVariable.ReplaceAllString(a.Resource, "")
	name = name[strings.LastIndexByte(name, '/')+1:]
	at := strings.IndexFunc(name, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune("+=,.@_-*?%", r) // markup is about %
	})
	if at < 0 {
		return ""
	}
	bad, _ := utf8.DecodeRuneInString(name[at:])
	return string(bad)
}

// rightKey returns a variable without white space around its key, and with the key
// that was probably meant if requests have no such key.
func rightKey(variable string) string {
	key, fallback, found := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(variable, "${"), "}"), ",")
	name := strings.TrimSpace(key)
	if found {
		fallback = "," + fallback
	}
	if !strings.Contains(name, ":") || strings.Contains(name, "::") {
		return variable
	}
	if !knownKey(name) {
		_, last, _ := strings.Cut(strings.ToLower(name), ":")
		meant := ofCallers[0]
		if last != "user" {
			meant = nearest("aws:"+last, ofCallers)
		}
		if meant == "" {
			return variable
		}
		name = meant
	}
	return "${" + name + fallback + "}"
}

// ofCallers are the keys that policies name callers by.
var ofCallers = []string{"aws:username", "aws:userid", "aws:PrincipalAccount", "aws:PrincipalOrgID"}

// rightVariable returns a value with its policy variables as IAM writes them:
// without the escapes of Terraform and CloudFormation, and with dollar sign and
// prefix.
func rightVariable(v string) string {
	v = strings.NewReplacer("$${aws:", "${aws:", "&{aws:", "${aws:", "#{aws:", "${aws:", "%{aws:", "${aws:", `\${aws:`, "${aws:", "${!aws:", "${aws:", "$ {aws:", "${aws:",
		"${username}", "${aws:username}", "${userid}", "${aws:userid}").Replace(v)
	v = anyVariable.ReplaceAllStringFunc(v, rightKey)
	// A brace without a dollar sign.
	var out strings.Builder
	for {
		at := strings.Index(v, "{aws:")
		if at < 0 {
			out.WriteString(v)
			return out.String()
		}
		out.WriteString(v[:at])
		if at == 0 || v[at-1] != '$' {
			out.WriteString("$")
		}
		out.WriteString("{aws:")
		v = v[at+len("{aws:"):]
	}
}

func correctVariables(st *policy.Statement) {
	correct := func(list []string) []string {
		out := slices.Clone(list)
		for i := range out {
			out[i] = rightVariable(out[i])
		}
		return out
	}
	if st.Resources != nil {
		st.Resources = correct(st.Resources)
	}
	if st.NotResources != nil {
		st.NotResources = correct(st.NotResources)
	}
	for i := range st.Conditions {
		st.Conditions[i].Values = correct(st.Conditions[i].Values)
	}
}

// literalWildcards reports conditions whose operator compares * and ? as they
// are, although the value reads like a pattern.
func (in *inspection) literalWildcards(i int) {
	st := &in.doc.Statements[i]
	for j, c := range st.Conditions {
		_, op, _ := operator(&c)
		if op != "StringEquals" && op != "StringNotEquals" || aboutMFA(&c) {
			continue
		}
		at := slices.IndexFunc(c.Values, func(v string) bool { return strings.ContainsAny(anyVariable.ReplaceAllString(v, ""), "*?") })
		if at < 0 || slices.ContainsFunc(in.findings, func(f Finding) bool { return f.Code == "G-1" && f.Statement == i }) {
			continue
		}
		with := strings.Replace(c.Operator, "Equals", "Like", 1)
		if like := (policy.Condition{Operator: with, Key: c.Key, Values: c.Values}); op == "StringNotEquals" && !in.everHolds(&like, byKey) {
			f := in.add("K-10", i, "%s compares %s with %s as it is written, so the condition always holds", c.Operator, c.Key, c.Values[at])
			f.Fix = in.withoutKey(i, c.Key)
			return
		}
		f := in.add("K-10", i, "%s compares %s with %s as it is written, so no wildcard matches: did you mean %s?", c.Operator, c.Key, c.Values[at], with)
		f.Fix = in.replace(i, func(st *policy.Statement) { st.Conditions[j].Operator = with })
		return
	}
}

// numeral matches the numbers that AWS documents.
// Source: IAM User Guide, "IAM JSON policy elements: Condition operators", Numeric.
var numeral = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`) })

// longestSession is how long MFA can be valid, in seconds: the longest session of
// GetSessionToken.
// Source: STS API Reference, GetSessionToken.
const longestSession = 36 * 60 * 60

// ages reports limits on aws:MultiFactorAuthAge that are no number of seconds, that
// no session reaches, or that every session is over at once.
func (in *inspection) ages(i int) {
	st := &in.doc.Statements[i]
	for _, c := range st.Conditions {
		_, op, _ := operator(&c)
		if !isAge(&c) || !strings.HasPrefix(op, "Numeric") {
			continue
		}
		for _, v := range c.Values {
			n, err := strconv.ParseFloat(v, 64)
			switch {
			case !numeral().MatchString(v):
				in.add("M-10", i, "aws:MultiFactorAuthAge is a number of seconds, so %q sets no limit", v)
			case n > longestSession || err != nil:
				in.add("M-10", i, "no session with MFA is %s seconds old: the longest lasts %d", v, longestSession)
			case n < 60 && !in.explainedApartFrom(i, append([]string{"M-10", "D-12"}, aboutOthers...)...):
				f := in.add("M-10", i, "a session with MFA is over after %s seconds", v)
				f.Severity = High
			default:
				continue
			}
			return
		}
	}
}

// legalSID is what IAM takes as a Sid. Policies of some services take more.
// Source: IAM User Guide, "IAM JSON policy elements: Sid".
var legalSID = regexp.MustCompile(`^[A-Za-z0-9]*$`)

func (in *inspection) sid(i int, seen map[string]bool) {
	sid := in.doc.Statements[i].SID
	legal := legalSID.MatchString(sid) || in.kind == policy.Resource
	switch {
	case sid == "":
		return
	case !legal:
		f := in.add("K-11", i, "the Sid %q has characters other than letters and digits, so IAM refuses the document", sid)
		f.Fix = in.replace(i, func(st *policy.Statement) {
			st.SID = strings.Map(func(r rune) rune {
				if r < 128 && legalSID.MatchString(string(r)) {
					return r
				}
				return -1
			}, sid)
		})
	case seen[sid]:
		f := in.add("K-11", i, "the Sid %s stands for two statements, so AWS refuses the document", sid)
		f.Fix = &Fix{}
		first := slices.IndexFunc(in.doc.Statements, func(st policy.Statement) bool { return st.SID == sid })
		for j := first + 1; j < len(in.doc.Statements); j++ {
			if in.doc.Statements[j].SID == sid {
				f.Fix.edit(in, j, func(st *policy.Statement) { st.SID = "" })
			}
		}
	}
	seen[sid] = true
}
