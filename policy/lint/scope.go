package lint

import (
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"

	"forcemfa/policy"
	"forcemfa/policy/arn"
	"forcemfa/policy/catalog"
)

// telling lists actions of several services that need MFA in any organization.
var telling = []string{
	"s3:GetObject", "ec2:TerminateInstances", "dynamodb:DeleteTable", "kms:Decrypt", "secretsmanager:GetSecretValue",
	"lambda:InvokeFunction", "iam:CreateUser", "iam:CreateAccessKey", "sts:AssumeRole",
}

// The maximum number of patterns and values of one statement to try. A document
// within IAM's quotas seldom has more.
const (
	mostPatterns = 24
	mostValues   = 16
)

// scope constructs situations in which a statement applies, as far as its MFA
// conditions allow.
func (in *inspection) scope(i int, who caller) []*situation {
	st := &in.doc.Statements[i]
	keys, ok := in.solve(st.Conditions, who)
	if !ok {
		return nil
	}
	bare := in.single(i, func(c *policy.Condition) bool { return !aboutMFA(c) })
	if bare.Document == nil {
		return nil
	}
	var out []*situation
	for _, action := range in.actions(st) {
		for _, resource := range in.resources(st, action) {
			at := &situation{who: who, action: action, resource: resource, keys: keys}
			if in.applies(bare, at) {
				out = append(out, at)
				break
			}
		}
		if len(out) == mostPatterns {
			break
		}
	}
	return out
}

// actions returns some actions that a statement covers.
func (in *inspection) actions(st *policy.Statement) []string {
	if in.kind == policy.Trust {
		return []string{"sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"}
	}
	if st.NotActions != nil {
		return telling
	}
	var out []string
	for _, p := range st.Actions[:min(len(st.Actions), mostPatterns)] {
		out = append(out, examples(p)...)
	}
	return out
}

// examples returns actions that match a pattern.
func examples(pattern string) []string {
	if pattern == "*" || pattern == "*:*" {
		return telling
	}
	var out []string
	for _, a := range telling {
		if matchAction(pattern, a) {
			out = append(out, a)
		}
	}
	prefix, name, _ := strings.Cut(pattern, ":")
	if !strings.ContainsAny(name, "*?") {
		return []string{pattern}
	}
	if s, ok := catalog.Load().Service(prefix); ok {
		for _, a := range s.Actions {
			if matchAction(pattern, a.String()) {
				return append(out, a.String())
			}
		}
	}
	return append(out, prefix+":"+strings.NewReplacer("*", "Any", "?", "A").Replace(name))
}

// matchAction reports whether a pattern of an Action element covers an action.
func matchAction(pattern, action string) bool {
	prefix, name, found := strings.Cut(pattern, ":")
	if !found {
		return pattern == "*"
	}
	service, verb, _ := strings.Cut(action, ":")
	if !strings.ContainsAny(name, "*?") {
		return strings.EqualFold(name, verb) && strings.EqualFold(prefix, service)
	}
	if !strings.EqualFold(prefix, service) {
		return false
	}
	g := arn.Compile(strings.ToLower(name))
	return g.MatchFold(verb)
}

// covers reports whether any of the patterns covers an action.
func covers(patterns []string, action string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matchAction(p, action) })
}

// resources returns some resources on which a statement may cover an action:
// those in the statement, those of the action's types, and none.
func (in *inspection) resources(st *policy.Statement, action string) []string {
	if in.kind == policy.Trust {
		return []string{"arn:" + in.partition + ":iam::" + ownerAccount + ":role/Example"}
	}
	var out []string
	for _, p := range st.Resources[:min(len(st.Resources), mostPatterns)] {
		if strings.Trim(p, "*") != "" {
			out = append(out, in.instance(p))
		}
	}
	out = append(out, in.typical(action)...)
	return append(out, "*")
}

// typical returns resources of the types that an action has.
func (in *inspection) typical(action string) []string {
	a, ok := catalog.Load().Action(action)
	if !ok {
		return nil
	}
	var out []string
	for _, r := range a.Resources {
		out = append(out, in.fill(r.Type))
	}
	slices.SortStableFunc(out, func(a, b string) int { return len(a) - len(b) }) // the plain ones first
	return out
}

// fill returns an ARN for an ARN template of the catalog.
func (in *inspection) fill(t *catalog.ResourceType) string {
	if t.Name == "user" {
		return in.iam("user/alice")
	}
	var b strings.Builder
	for rest := t.ARN; ; {
		head, tail, found := strings.Cut(rest, "${")
		b.WriteString(head)
		if !found {
			return b.String()
		}
		name, after, _ := strings.Cut(tail, "}")
		switch name {
		case "Partition":
			b.WriteString(in.partition)
		case "Account":
			b.WriteString(in.account)
		case "Region":
			b.WriteString("us-east-1")
		default:
			b.WriteString("example")
		}
		rest = after
	}
}

// instance returns a text that matches a pattern with wildcards and variables;
// an ARN where the pattern is one.
func (in *inspection) instance(pattern string) string {
	text := in.literal(pattern)
	parts := strings.SplitN(text, ":", 6)
	if len(parts) == 6 && parts[0] == "arn" {
		for i, usual := range map[int]string{1: in.partition, 3: "us-east-1", 4: in.account} {
			if parts[i] == "*" {
				parts[i] = usual
			}
		}
		parts[2] = strings.ReplaceAll(parts[2], "*", "s3")
		text = strings.Join(parts, ":")
	}
	return strings.NewReplacer("*", "example", "?", "x").Replace(text)
}

// literal replaces the variables that the caller determines by their values.
func (in *inspection) literal(text string) string {
	if !strings.Contains(text, "${") {
		return text
	}
	return strings.NewReplacer("${aws:username}", "alice", "${aws:userid}", "AIDAEXAMPLEEXAMPLE001", "${aws:PrincipalAccount}", in.account,
		"${*}", "*", "${?}", "?", "${$}", "$").Replace(text)
}

// solve returns condition keys with values that satisfy the conditions, except
// those on MFA; ok is false when it found none.
func (in *inspection) solve(conditions []policy.Condition, who caller) (keys map[string][]string, ok bool) {
	byKey := map[string][]policy.Condition{}
	var order []string
	for _, c := range conditions {
		key := strings.ToLower(c.Key)
		if aboutMFA(&c) {
			continue
		}
		if byKey[key] == nil {
			order = append(order, key)
		}
		byKey[key] = append(byKey[key], c)
	}
	keys = map[string][]string{}
	for _, key := range order {
		found := false
		for _, at := range in.variations(byKey[key], who) {
			if in.meets(byKey[key], at) {
				maps.Copy(keys, at.keys)
				found = true
				break
			}
		}
		if !found {
			return nil, false
		}
	}
	if len(keys) == 0 {
		keys = nil
	}
	return keys, true
}

// meets reports whether conditions match in a situation.
func (in *inspection) meets(conditions []policy.Condition, at *situation) bool {
	st := in.allowAll()
	st.Conditions = conditions
	if in.kind != policy.Trust {
		at = at.on("s3:GetObject", "*")
	}
	return in.applies(in.compose(in.doc.Version, st), at)
}

// variations returns situations that differ in the key of the conditions: the
// usual one, one without the key, one for each value in the conditions, and one
// with another value. Of a key that each caller has in a known form, only those values
// are tried.
func (in *inspection) variations(conditions []policy.Condition, who caller) []*situation {
	key := conditions[0].Key
	base := &situation{who: who, action: "sts:AssumeRole", resource: "arn:" + in.partition + ":iam::" + ownerAccount + ":role/Example"}
	always, certain := ofOrganization[strings.ToLower(key)]
	if strings.EqualFold(key, "aws:userid") {
		always, certain = otherUserID, true
	}
	switch {
	case who.fixed(key):
		return append([]*situation{base}, in.equated(conditions, base)...)
	case ofClock(key):
		var out []*situation
		for _, t := range instants(conditions) {
			out = append(out, base.having(key, []string{clockText(key, t)}))
		}
		return out
	case certain:
		base = base.having(key, []string{always})
	}
	out := []*situation{base}
	if !certain {
		out = append(out, base.having(key, nil))
	}
	for _, c := range conditions {
		_, op, _ := operator(&c)
		for _, v := range c.Values[:min(len(c.Values), mostValues)] {
			for _, candidate := range slices.Concat(in.candidates(op, v), ofOrganizations(key, v)) {
				if certain && !possible(key, candidate) {
					continue
				}
				out = append(out, base.having(key, []string{candidate}))
			}
		}
	}
	if !certain {
		out = append(out, base.having(key, []string{"something-else"}))
	}
	return append(out, in.equated(conditions, base)...)
}

// equated returns situations in which a key that the sender chooses, which the value of
// a condition names in a variable, has the value of the condition's key.
func (in *inspection) equated(conditions []policy.Condition, base *situation) (out []*situation) {
	for _, c := range conditions {
		value := "example"
		if values, ok := base.describe().Get(c.Key); ok && base.who.fixed(c.Key) && len(values) > 0 {
			value = values[0]
		} else if !base.who.fixed(c.Key) {
			base = base.having(c.Key, []string{value})
		}
		for _, v := range chosen(&c, &base.who) {
			out = append(out, base.having(v, []string{value}))
		}
	}
	return out
}

// chosen returns the keys of variables in the values of a condition that the sender of a
// request chooses.
func chosen(c *policy.Condition, who *caller) (out []string) {
	for _, v := range c.Values[:min(len(c.Values), mostValues)] {
		for _, variable := range anyVariable.FindAllString(v, -1) {
			key, _, _ := strings.Cut(variable[2:len(variable)-1], ",")
			if key = strings.TrimSpace(key); strings.Contains(key, ":") && knownKey(key) && !who.fixed(key) {
				out = append(out, key)
			}
		}
	}
	return out
}

// otherUserID is the unique ID of a user whom no condition names: those of users begin
// with AIDA.
// Source: IAM User Guide, "IAM identifiers", Unique identifiers.
const otherUserID = "AIDA2OTHER2EXAMPLE002"

// ofOrganization are the keys that users of an organization always have.
var ofOrganization = map[string]string{"aws:principalorgid": "o-exampleorgid", "aws:principalorgpaths": "o-exampleorgid/r-exam/ou-exam-example1/"}

// ofOrganizations returns values of a key of an organization that match a pattern.
func ofOrganizations(key, pattern string) (out []string) {
	if _, ok := ofOrganization[strings.ToLower(key)]; !ok {
		return nil
	}
	text := strings.NewReplacer("*", "0123456789", "?", "0").Replace(pattern)
	if rest, found := strings.CutPrefix(pattern, "*"); found {
		rest = strings.NewReplacer("*", "example", "?", "0").Replace(rest)
		return []string{text, "o-exampleorgid" + rest, "o-exampleorgid/r-exam/" + rest}
	}
	return []string{text}
}

// possible reports whether a user can have a value of a key that every user has in a
// known form.
// Source: Organizations API Reference, Organization, Id; IAM User Guide, "IAM
// identifiers", Unique identifiers.
func possible(key, value string) bool {
	if strings.EqualFold(key, "aws:userid") {
		return strings.HasPrefix(value, otherUserID[:2])
	}
	id, _, path := strings.Cut(value, "/")
	return organizationID().MatchString(id) && path == strings.EqualFold(key, "aws:PrincipalOrgPaths")
}

var organizationID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^o-[a-z0-9]{10,32}$`) })

// candidates returns values around one in a condition.
func (in *inspection) candidates(op, value string) []string {
	switch {
	case op == "Null":
		return []string{"something"}
	case op == "IpAddress" || op == "NotIpAddress":
		return append(addresses(value), "192.0.2.1", "2001:db8::1")
	case strings.HasPrefix(op, "Date"):
		return []string{value, "1990-01-01T00:00:00Z", "2090-01-01T00:00:00Z"}
	case strings.HasPrefix(op, "Numeric"):
		return []string{value, "0", "999999999"}
	case op == "Bool":
		return []string{"true", "false"}
	}
	return []string{in.instance(value)}
}

// addresses returns the first address of a network.
func addresses(network string) []string {
	if p, err := netip.ParsePrefix(network); err == nil {
		return []string{p.Masked().Addr().String()}
	}
	return []string{network}
}
