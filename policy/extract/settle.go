package extract

import (
	"slices"
	"strings"
)

// settled gives the parts of a document that only a deployment knows a text of the kind
// that stands there: a rule about wrong values must not report one that nobody wrote.
// Where the two values that are possible matter, the part becomes a choice.
func (n *node) settled() *node {
	statement := n.member("Statement")
	if v := n.member("Version"); v != nil && v.made {
		n.clear()
		v.settle("2012-10-17")
	}
	for _, st := range append([]*node{statement}, statement.elements...) {
		if st.settleStatement() {
			n.clear()
			statement.clear()
		}
	}
	return n
}

// settle gives a node a text.
func (n *node) settle(s string) { n.scalar, n.made, n.filled = s, false, false }

// clear makes a node print its parts anew.
func (n *node) clear() { n.source = "" }

// settleStatement settles a statement and reports whether it had unknown parts.
func (n *node) settleStatement() (changed bool) {
	if n.kind == choice {
		for _, e := range n.elements {
			changed = e.settleStatement() || changed
		}
		return changed
	}
	for i := range n.members {
		m := &n.members[i]
		switch m.key {
		case "Effect":
			if m.value.made {
				m.value = either(m.value.line, text, "Allow", "Deny")
				changed = true
			}
		case "Resource", "NotResource":
			changed = m.value.each(func(v *node) { v.settle(unknownResource(v.scalar)) }) || changed
		case "Principal", "NotPrincipal":
			changed = settlePrincipal(m) || changed
		case "Condition":
			changed = settleCondition(m.value) || changed
		}
	}
	if changed {
		n.clear()
	}
	return changed
}

// each calls do for a node and those below it that hold text from a function, and
// reports whether there are any.
func (n *node) each(do func(*node)) (found bool) {
	if n.kind == text && n.filled {
		do(n)
		found = true
	}
	for _, e := range n.elements {
		found = e.each(do) || found
	}
	for i := range n.members {
		found = n.members[i].value.each(do) || found
	}
	if found {
		n.clear()
	}
	return found
}

// either is one of two values.
func either(line int, kind nodeKind, a, b string) *node {
	return &node{kind: choice, line: line, elements: []*node{{kind: kind, line: line, scalar: a}, {kind: kind, line: line, scalar: b}}}
}

// unknownResource is a pattern that some resource of every type matches, and none that
// an example names.
func unknownResource(s string) string {
	for _, begin := range []string{unknownARN, unknown} {
		if strings.HasPrefix(s, begin) {
			return "arn:aws:*:*:*:*" + unknown + "*"
		}
	}
	return s
}

// settlePrincipal settles the principals of a statement.
func settlePrincipal(m *member) bool {
	if m.value.made {
		m.value = &node{kind: object, line: m.value.line, members: []member{{key: "AWS", value: m.value}}}
	}
	found := false
	for i := range m.value.members {
		of := &m.value.members[i]
		found = of.value.each(func(v *node) {
			switch {
			case v.scalar != unknown && v.scalar != unknownARN:
				v.settle(v.scalar)
			case of.key == "AWS":
				v.settle("arn:aws:iam::123456789012:user/" + unknown)
			case of.key == "Federated":
				v.settle("arn:aws:iam::123456789012:oidc-provider/" + unknown)
			case of.key == "Service":
				v.settle(unknown + ".amazonaws.com")
			}
		}) || found
	}
	return found
}

// settleCondition settles the values of a condition block.
func settleCondition(block *node) (changed bool) {
	for i := range block.members {
		operator := block.members[i].key
		for j := range block.members[i].value.members {
			m := &block.members[i].value.members[j]
			if name := strings.TrimSuffix(operator, "IfExists"); m.value.made && (name == "Bool" || name == "Null") {
				m.value = either(m.value.line, text, "true", "false")
				changed = true
				continue
			}
			changed = m.value.each(func(v *node) { v.settle(unknownValue(operator, strings.ToLower(m.key), v.scalar)) }) || changed
		}
	}
	if changed {
		for i := range block.members {
			block.members[i].value.clear()
		}
		block.clear()
	}
	return changed
}

// unknownValue is a value of the type that an operator and a key have.
func unknownValue(operator, key, s string) string {
	if s != unknown && s != unknownARN {
		return s
	}
	switch {
	case key == "aws:principalarn" && strings.Contains(operator, "Not"):
		return "arn:aws:iam::123456789012:role/" + unknown
	case key == "aws:principalarn":
		return "arn:aws:iam::123456789012:user/" + unknown
	case slices.Contains([]string{"aws:principalorgid", "aws:resourceorgid", "aws:sourceorgid"}, key):
		return "o-" + unknown + "123"
	case slices.Contains([]string{"aws:principalaccount", "aws:resourceaccount", "aws:sourceaccount"}, key):
		return "123456789012"
	case strings.Contains(operator, "IpAddress"):
		return "192.0.2.0/24"
	case strings.Contains(operator, "Numeric"):
		return "3600"
	case strings.Contains(operator, "Date"):
		return "2099-01-01T00:00:00Z"
	case strings.HasPrefix(operator, "Arn"):
		return unknownARN
	}
	return s
}

// fill marks the texts of a document in a text that an intrinsic function gave.
func (n *node) fill() {
	if n.kind == text && strings.Contains(n.scalar, unknown) {
		n.filled, n.made = true, n.scalar == unknown
	}
	for _, e := range n.elements {
		e.fill()
	}
	for i := range n.members {
		n.members[i].value.fill()
	}
}

// exceptsUnknown reports whether a document has a Deny whose exceptions only a
// deployment knows.
func (n *node) exceptsUnknown() bool {
	statement := n.member("Statement")
	return slices.ContainsFunc(append([]*node{statement}, statement.elements...), func(st *node) bool {
		except := st.member("NotAction")
		return st.text("Effect") == "Deny" && except != nil && (except.made || len(except.elements) > 0 && !slices.ContainsFunc(except.elements, func(e *node) bool { return !e.made }))
	})
}
