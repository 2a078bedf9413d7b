package policy

import (
	"strings"

	"forcemfa/policy/arn"
)

// A variable is ${key} or ${key, 'fallback'} in a resource or a condition
// value.
// Source: IAM User Guide, "IAM policy elements: Variables and tags".
type variable struct {
	key         string // lower case
	fallback    string
	hasFallback bool
}

// A template is a compiled text with wildcards and variables.
type template struct {
	glob      arn.Glob
	variables []variable // the holes of the glob
}

// A language says which parts of a text are not literal.
type language struct {
	variables bool // Version 2012-10-17
	wildcards bool
}

// compile compiles a text. message is empty unless a variable is malformed.
func (l language) compile(text string) (t template, message string) {
	return l.extend(nil, text)
}

// extend is compile for a part of a text: its variables follow those of the
// parts before it.
func (l language) extend(before []variable, text string) (t template, message string) {
	t.variables = before
	var pieces []arn.Piece
	plain := func(s string) {
		if l.wildcards {
			pieces = append(pieces, arn.Pieces(s)...)
		} else {
			pieces = append(pieces, arn.Piece{Text: s})
		}
	}
	for l.variables {
		head, rest, found := strings.Cut(text, "${")
		if !found {
			break
		}
		plain(head)
		inner, after, closed := cutVariable(rest)
		if !closed {
			return t, "a variable without }"
		}
		text = after
		if inner == "*" || inner == "?" || inner == "$" {
			pieces = append(pieces, arn.Piece{Text: inner})
			continue
		}
		v, ok := parseVariable(inner)
		if !ok {
			return t, "a variable that is neither ${key} nor ${key, 'default'}: ${" + inner + "}"
		}
		pieces = append(pieces, arn.Piece{Kind: arn.Hole, Index: len(t.variables)})
		t.variables = append(t.variables, v)
	}
	plain(text)
	t.glob = arn.Assemble(pieces)
	return t, ""
}

// cutVariable splits the text after ${ at its }, which may also be inside the
// quotes of the default.
func cutVariable(s string) (inner, after string, ok bool) {
	quoted := false
	for i := range len(s) {
		switch {
		case s[i] == '\'':
			quoted = !quoted
		case s[i] == '}' && !quoted:
			return s[:i], s[i+1:], true
		}
	}
	return "", "", false
}

func parseVariable(inner string) (v variable, ok bool) {
	key, fallback, has := strings.Cut(inner, ",")
	key = strings.TrimSpace(key)
	if key == "" || strings.ContainsAny(key, "'{}") {
		return v, false
	}
	if has {
		fallback = strings.TrimSpace(fallback)
		if len(fallback) < 2 || fallback[0] != '\'' || fallback[len(fallback)-1] != '\'' {
			return v, false
		}
		fallback = fallback[1 : len(fallback)-1]
		if strings.Contains(fallback, "'") {
			return v, false
		}
	}
	return variable{strings.ToLower(key), fallback, has}, true
}

// A fill holds the values of a template's variables, so that the usual number
// needs no allocation.
type fill [4]string

// resolve returns the values of the variables; not ok when one has none: its key
// is absent or multi-valued and it has no default.
func (t *template) resolve(c *Context, room *fill) (values []string, ok bool) {
	if len(t.variables) == 0 {
		return nil, true
	}
	values = room[:0]
	if len(t.variables) > len(room) {
		values = make([]string, 0, len(t.variables))
	}
	for i := range t.variables {
		v := &t.variables[i]
		switch e := c.find(v.key); {
		case e != nil && !e.many:
			values = append(values, e.values[0])
		case v.hasFallback:
			values = append(values, v.fallback)
		default:
			return nil, false
		}
	}
	return values, true
}

// matches reports whether the template matches a text. With a variable without a
// value it matches nothing.
func (t *template) matches(c *Context, text string) bool {
	if len(t.variables) == 0 {
		return t.glob.Match(text)
	}
	var room fill
	values, ok := t.resolve(c, &room)
	return ok && t.glob.Match(text, values...)
}
