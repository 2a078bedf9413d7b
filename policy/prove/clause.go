package prove

import (
	"slices"
	"strings"

	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// A truth is the evaluator's result for one part of a statement. maybe, between
// no and yes, stands for behavior that AWS does not document.
type truth uint8

const (
	no truth = iota
	maybe
	yes
)

func truthOf(v policy.Verdict) truth {
	switch v {
	case policy.ExplicitDenied:
		return yes
	case policy.ImplicitDenied:
		return no
	}
	return maybe
}

// A clause is one statement split into parts that can be evaluated separately.
type clause struct {
	source    *policy.Source
	index     int // in the document
	statement *policy.Statement
	layer     policy.Kind
	actions   []actionPattern
	notAction bool
	whole     bool        // Resource is * or missing
	patterns  []written   // of Resource or NotResource, except *
	bare      *policy.Set // denies what the statement covers, whatever its conditions
	tests     []*test     // its conditions
	broken    bool        // it could not be split: it may do anything
}

// An actionPattern is service:Name with wildcards, in lower case.
type actionPattern struct {
	written, text string // text is lower case
	all           bool
	service, name arn.Glob
}

func compileAction(pattern string) actionPattern {
	lower := strings.ToLower(pattern)
	service, name, found := strings.Cut(lower, ":")
	return actionPattern{pattern, lower, !found, arn.Compile(service), arn.Compile(name)}
}

// literal reports whether the pattern is a single action.
func (p *actionPattern) literal() bool { return !strings.ContainsAny(p.text, "*?") }

func (p *actionPattern) match(service, name string) truth {
	switch {
	case p.all:
		return yes
	case !p.service.Match(service) || !p.name.Match(name):
		return no
	}
	if _, exact := p.service.Exact(); !exact {
		return maybe // AWS does not document a wildcard in the service
	}
	return yes
}

// A written is a resource pattern as written in a document, split into its
// parts.
type written struct {
	parts     []string
	variables []string // the keys of its variables, lower case
}

// A test is one condition that can be evaluated alone.
type test struct {
	policy.Condition
	name      string // equal for conditions with the same meaning
	key       string
	operator  string // without prefix and IfExists, lower case
	ifExists  bool
	set       bool // it has a set operator
	all       bool // ForAllValues
	negated   bool
	language  bool // variables are evaluated
	variables []string
	alone     *policy.Set // denies whatever matches the condition
}

// holds asks the evaluator whether the condition matches.
func (t *test) holds(p policy.Principal, c *policy.Context) truth {
	return truthOf(t.alone.Refuses(&policy.Request{Principal: p, Action: "s3:GetObject", Resource: "*", Context: c}).Verdict)
}

// clauses splits the statements of a document.
func clauses(source *policy.Source, layer policy.Kind) []*clause {
	d := source.Document
	if d == nil || source.Err != nil {
		return nil
	}
	var out []*clause
	for i := range d.Statements {
		out = append(out, newClause(source, i, layer))
	}
	return out
}

func newClause(source *policy.Source, index int, layer policy.Kind) *clause {
	d := source.Document
	s := &d.Statements[index]
	c := &clause{source: source, index: index, statement: s, layer: layer, notAction: s.NotActions != nil}
	for _, pattern := range slices.Concat(s.Actions, s.NotActions) {
		c.actions = append(c.actions, compileAction(pattern))
	}
	variables := d.Version == "2012-10-17"
	c.whole = s.Resources == nil && s.NotResources == nil
	for _, pattern := range slices.Concat(s.Resources, s.NotResources) {
		if pattern != "" && strings.Trim(pattern, "*") == "" {
			c.whole = c.whole || s.NotResources == nil
			continue
		}
		c.patterns = append(c.patterns, split(pattern, variables))
	}
	c.bare = c.alone(policy.Statement{Effect: policy.Deny, Actions: actionsOf(s), NotActions: s.NotActions, Resources: s.Resources, NotResources: s.NotResources}, d.Version)
	for _, condition := range s.Conditions {
		c.tests = append(c.tests, c.newTest(condition, d.Version))
	}
	return c
}

// actionsOf returns the actions of a statement. *:* counts as * in an Allow.
func actionsOf(s *policy.Statement) []string {
	if s.Effect != policy.Allow || !slices.Contains(s.Actions, "*:*") {
		return s.Actions
	}
	out := slices.Clone(s.Actions)
	for i := range out {
		if out[i] == "*:*" {
			out[i] = "*"
		}
	}
	return out
}

// alone returns a set with one statement, in the layer of the clause.
func (c *clause) alone(s policy.Statement, version string) *policy.Set {
	text := (&policy.Document{Version: version, Statements: []policy.Statement{s}}).String()
	source := policy.ParseSource("", policy.Identity, text)
	if source.Err != nil {
		c.broken = true
	}
	if c.layer == policy.RCP {
		return &policy.Set{RCPs: [][]policy.Source{{source}}}
	}
	return &policy.Set{Identity: []policy.Source{source}}
}

func (c *clause) newTest(condition policy.Condition, version string) *test {
	t := &test{Condition: condition, name: version + condition.String(), key: strings.ToLower(condition.Key), language: version == "2012-10-17"}
	operator := strings.ToLower(condition.Operator)
	if prefix, rest, found := strings.Cut(operator, ":"); found {
		t.set, t.all, operator = true, prefix == "forallvalues", rest
	}
	t.operator, t.ifExists = strings.CutSuffix(operator, "ifexists")
	t.negated = strings.Contains(t.operator, "not")
	if t.language {
		for _, v := range condition.Values {
			t.variables = append(t.variables, variablesOf(v)...)
		}
	}
	layer := c.layer
	c.layer = policy.Identity // a condition matches or not, whatever the service
	t.alone = c.alone(policy.Statement{Effect: policy.Deny, Actions: []string{"*"}, Resources: []string{"*"}, Conditions: []policy.Condition{condition}}, version)
	c.layer = layer
	return t
}

// meets reports whether the clause covers an action, given in lower case.
func (c *clause) meets(service, name string) truth {
	t := no
	for i := range c.actions {
		if t = max(t, c.actions[i].match(service, name)); t == yes {
			break
		}
	}
	if c.notAction {
		return yes - t
	}
	if t == maybe && c.statement.Effect == policy.Allow && slices.Contains(c.statement.Actions, "*:*") {
		return yes
	}
	return t
}

// covers asks the evaluator whether the clause covers a request, whatever its
// conditions.
func (c *clause) covers(r *policy.Request) truth { return truthOf(c.bare.Refuses(r).Verdict) }

// split cuts a resource pattern at its first five colons outside of variables.
func split(pattern string, variables bool) written {
	w := written{}
	from := 0
	for i := 0; i < len(pattern) && len(w.parts) < 5; i++ {
		switch {
		case variables && strings.HasPrefix(pattern[i:], "${"):
			inner, _, _ := cutVariable(pattern[i+2:])
			i += len("${") + len(inner)
		case pattern[i] == ':':
			w.parts = append(w.parts, pattern[from:i])
			from = i + 1
		}
	}
	w.parts = append(w.parts, pattern[from:])
	if variables {
		w.variables = variablesOf(pattern)
	}
	return w
}

// cutVariable cuts the text after ${ at the end of the variable, which is not inside of
// the quotes of its default.
func cutVariable(text string) (inner, after string, closed bool) {
	quoted := false
	for i := range len(text) {
		switch {
		case text[i] == '\'':
			quoted = !quoted
		case text[i] == '}' && !quoted:
			return text[:i], text[i+1:], true
		}
	}
	return text, "", false
}

// variablesOf returns the keys of the variables of a text, in lower case.
func variablesOf(text string) []string {
	keys := spelledVariables(text)
	for i := range keys {
		keys[i] = strings.ToLower(keys[i])
	}
	return keys
}

// spelledVariables returns the keys of the variables of a text as written.
func spelledVariables(text string) []string {
	var out []string
	for {
		_, rest, found := strings.Cut(text, "${")
		if !found {
			return out
		}
		inner, after, _ := cutVariable(rest)
		key, _, _ := strings.Cut(inner, ",")
		if key = strings.TrimSpace(key); key != "*" && key != "?" && key != "$" {
			out = append(out, key)
		}
		text = after
	}
}

// fillIn returns the language of a text: variables become their values in the
// context; wildcards stay when the operator supports them. ok is false when a
// variable has no value, so that the text matches nothing.
func fillIn(text string, variables, wildcards bool, c *policy.Context) (out language, ok bool) {
	plain := func(s string) {
		if wildcards {
			out = append(out, wild(s)...)
		} else {
			out = append(out, literal(s)...)
		}
	}
	for variables {
		before, rest, found := strings.Cut(text, "${")
		if !found {
			break
		}
		plain(before)
		inner, after, _ := cutVariable(rest)
		text = after
		value, ok := valueOf(inner, c)
		if !ok {
			return nil, false
		}
		out = append(out, literal(value)...)
	}
	plain(text)
	return out, true
}

// valueOf returns the value of a variable. A key with a list has none.
func valueOf(inner string, c *policy.Context) (string, bool) {
	if inner == "*" || inner == "?" || inner == "$" {
		return inner, true
	}
	key, fallback, has := strings.Cut(inner, ",")
	key = strings.TrimSpace(key)
	if values, ok := c.Get(key); ok && !isList(key) {
		return values[0], true
	}
	return strings.Trim(strings.TrimSpace(fallback), "'"), has
}
