package policy

import (
	"strconv"
	"strings"
)

// The versions of the policy language.
// Source: IAM User Guide, "IAM JSON policy elements: Version".
const (
	version2008 = "2008-10-17"
	version2012 = "2012-10-17"
)

// Parse parses a policy document. The error is a *SyntaxError.
//
// Parse rejects what IAM's grammar does not allow: an unknown or repeated
// element, an unknown condition operator, a value of the wrong type, an element
// that does not belong in this kind of policy. Names of elements and operators
// are case-sensitive. A document without Version has version 2008-10-17, in
// which ${…} is not a variable.
// Source: IAM User Guide, "Grammar of the IAM JSON policy language".
func Parse(kind Kind, text string) (*Document, error) {
	p := parser{scanner: newScanner(text), doc: &Document{Kind: kind, Version: version2008}}
	p.document()
	p.end()
	if p.err == nil {
		p.err = p.doc.compile()
	}
	if p.err != nil {
		return nil, p.err
	}
	return p.doc, nil
}

// ParseSource is Parse with a name. The error is stored in the Source.
func ParseSource(name string, kind Kind, text string) Source {
	doc, err := Parse(kind, text)
	return Source{Name: name, Document: doc, Err: err}
}

type parser struct {
	*scanner
	doc *Document
}

func (p *parser) document() {
	line, column := p.position()
	seen := false
	p.object(func(key string, line, column int) {
		switch key {
		case "Version":
			p.version()
		case "Id":
			p.doc.ID = p.string("a string")
		case "Statement":
			seen = true
			p.statements()
		default:
			p.unknown(key, line, column, "Version", "Id", "Statement")
		}
	})
	switch {
	case !seen:
		p.failAt(line, column, "no Statement")
	case len(p.doc.Statements) == 0 && p.doc.Kind != Resource:
		p.failAt(line, column, "Statement is empty")
	}
}

// unknown rejects an element and suggests the right name when only the case is
// wrong.
func (p *parser) unknown(key string, line, column int, known ...string) {
	message := "unknown element " + strconv.Quote(key)
	for _, k := range known {
		if strings.EqualFold(k, key) {
			message += ": write " + k
		}
	}
	p.failAt(line, column, message)
}

func (p *parser) version() {
	line, column := p.position()
	v := p.string("a string")
	if v != version2008 && v != version2012 {
		p.failAt(line, column, "Version "+strconv.Quote(v)+": want "+version2012+" or "+version2008)
	}
	p.doc.Version = v
}

func (p *parser) statements() {
	if p.peek() == '[' {
		p.array(p.statement)
		return
	}
	p.statement()
}

func (p *parser) statement() {
	var st Statement
	st.Line, st.Column = p.position()
	seen := map[string]bool{}
	p.object(func(key string, line, column int) {
		seen[key] = true
		p.element(&st, key, line, column)
	})
	if message := wrong(p.doc.Kind, &st, seen); message != "" {
		p.failAt(st.Line, st.Column, message)
	}
	p.doc.Statements = append(p.doc.Statements, st)
}

func (p *parser) element(st *Statement, key string, line, column int) {
	switch key {
	case "Sid":
		st.SID = p.string("a string")
	case "Effect":
		st.Effect = p.effect()
	case "Action":
		st.Actions = p.list()
	case "NotAction":
		st.NotActions = p.list()
	case "Resource":
		st.Resources = p.list()
	case "NotResource":
		st.NotResources = p.list()
	case "Principal":
		st.Principals = p.principals()
	case "NotPrincipal":
		st.NotPrincipals = p.principals()
	case "Condition":
		st.Conditions = p.conditions()
	default:
		p.unknown(key, line, column, "Sid", "Effect", "Action", "NotAction", "Resource", "NotResource",
			"Principal", "NotPrincipal", "Condition")
	}
}

func (p *parser) effect() Effect {
	line, column := p.position()
	switch v := p.string("a string"); v {
	case "Allow":
		return Allow
	case "Deny":
		return Deny
	default:
		p.failAt(line, column, "Effect "+strconv.Quote(v)+": want Allow or Deny")
		return 0
	}
}

// list parses a string or a non-empty list.
func (p *parser) list() []string {
	if p.peek() != '[' {
		return []string{p.string("a string or an array of strings")}
	}
	line, column := p.position()
	var list []string
	p.array(func() { list = append(list, p.string("a string")) })
	if len(list) == 0 {
		p.failAt(line, column, "an empty list")
	}
	return list
}

func (p *parser) principals() *Principals {
	ps := &Principals{}
	line, column := p.position()
	if p.peek() == '"' {
		if v := p.string(""); v != "*" {
			p.failAt(line, column, "principal "+strconv.Quote(v)+`: want "*" or an object such as {"AWS": …}`)
		}
		ps.Everyone = true
		return ps
	}
	members := 0
	p.object(func(key string, line, column int) {
		members++
		switch key {
		case "AWS":
			ps.Everyone, ps.AWS = everyone(p.list())
		case "Service":
			ps.Service = p.list()
		case "Federated":
			ps.Federated = p.list()
		case "CanonicalUser":
			ps.CanonicalUser = p.list()
		default:
			p.unknown(key, line, column, "AWS", "Service", "Federated", "CanonicalUser")
		}
	})
	if members == 0 {
		p.failAt(line, column, "a principal element without principals")
	}
	return ps
}

// everyone removes "*" from a list.
func everyone(list []string) (found bool, others []string) {
	for _, p := range list {
		if p == "*" {
			found = true
			continue
		}
		others = append(others, p)
	}
	return found, others
}

func (p *parser) conditions() []Condition {
	var all []Condition
	p.object(func(operator string, line, column int) {
		if _, ok := parseOperator(operator); !ok {
			p.failAt(line, column, "unknown condition operator "+strconv.Quote(operator))
		}
		keys := map[string]bool{}
		p.object(func(key string, line, column int) {
			if folded := strings.ToLower(key); keys[folded] {
				p.failAt(line, column, "duplicate "+strconv.Quote(key)+": condition keys are case-insensitive")
			} else {
				keys[folded] = true
			}
			all = append(all, Condition{Operator: operator, Key: key, Values: p.values()})
		})
	})
	return all
}

func (p *parser) values() []string {
	if p.peek() != '[' {
		return []string{p.scalar()}
	}
	values := []string{}
	p.array(func() { values = append(values, p.scalar()) })
	return values
}

// wrong returns what a statement lacks or must not have in this kind of policy;
// empty when it is valid.
// Source: IAM User Guide, "IAM JSON policy elements reference"; Organizations
// User Guide, "SCP syntax" and "RCP syntax".
func wrong(kind Kind, st *Statement, seen map[string]bool) string {
	switch {
	case !seen["Effect"]:
		return "a statement without Effect"
	case seen["Action"] && seen["NotAction"]:
		return "a statement with both Action and NotAction"
	case !seen["Action"] && !seen["NotAction"]:
		return "a statement without Action or NotAction"
	case seen["Resource"] && seen["NotResource"]:
		return "a statement with both Resource and NotResource"
	case seen["Principal"] && seen["NotPrincipal"]:
		return "a statement with both Principal and NotPrincipal"
	}
	resource, principal := seen["Resource"] || seen["NotResource"], seen["Principal"] || seen["NotPrincipal"]
	switch kind {
	case Trust:
		return wrongTrust(st, resource, principal)
	case RCP:
		return wrongRCP(st, resource)
	case Resource:
		return ""
	}
	switch {
	case principal:
		return "a " + kind.String() + " has no principal element"
	case !resource:
		return "a statement without Resource or NotResource"
	}
	return ""
}

func wrongTrust(st *Statement, resource, principal bool) string {
	switch {
	case resource:
		return "a trust policy has no Resource or NotResource"
	case st.NotPrincipals != nil:
		return "a trust policy has no NotPrincipal"
	case !principal:
		return "a statement without Principal"
	}
	return ""
}

func wrongRCP(st *Statement, resource bool) string {
	p := st.Principals
	switch {
	case st.NotPrincipals != nil || st.NotActions != nil:
		return "a resource control policy has no NotPrincipal or NotAction"
	case p == nil || !p.Everyone || p.AWS != nil || p.Service != nil || p.Federated != nil || p.CanonicalUser != nil:
		return `a resource control policy needs "Principal": "*"`
	case !resource:
		return "a statement without Resource or NotResource"
	}
	return ""
}
