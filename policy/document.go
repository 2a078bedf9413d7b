package policy

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Document is a parsed policy. It is immutable and safe for concurrent use.
// Only [Parse] creates a document that decides; any other gives the answer
// Unknown.
type Document struct {
	Kind       Kind
	Version    string // 2008-10-17 (also when the text has none) or 2012-10-17
	ID         string
	Statements []Statement

	compiled   []statement // one for each of Statements
	denies     []candidate
	allows     []candidate
	everything int32 // the number, from 1, of a statement that allows everything; 0: none
}

// A Statement is one statement as written. At most one field of each pair is
// set.
type Statement struct {
	SID                       string
	Effect                    Effect
	Actions, NotActions       []string
	Resources, NotResources   []string
	Principals, NotPrincipals *Principals
	Conditions                []Condition
	Line, Column              int // where it starts in the text, from 1
}

// Principals is a Principal or NotPrincipal element.
type Principals struct {
	Everyone      bool // "*" or {"AWS":"*"}
	AWS           []string
	Service       []string
	Federated     []string
	CanonicalUser []string
}

// A Condition is one operator on one key with its values, as written.
type Condition struct {
	Operator string // with its prefix and suffix: ForAnyValue:StringLikeIfExists
	Key      string
	Values   []string
}

// A SyntaxError says where and why a document is not a policy.
type SyntaxError struct {
	Line, Column int // from 1
	Message      string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// Equal reports whether two documents have the same content in the same order,
// wherever their statements start in the text.
func (d *Document) Equal(other *Document) bool {
	if d == nil || other == nil {
		return d == other
	}
	return d.Kind == other.Kind && d.String() == other.String()
}

// String returns the document as JSON without white space. Parsing it again
// gives an equal document.
func (d *Document) String() string {
	var b printer
	b.open('{')
	b.text("Version", d.Version)
	if d.ID != "" {
		b.text("Id", d.ID)
	}
	b.name("Statement")
	b.open('[')
	for i := range d.Statements {
		b.separate()
		b.statement(&d.Statements[i])
	}
	b.close(']')
	b.close('}')
	return b.String()
}

// A printer writes JSON and tracks where commas are needed.
type printer struct {
	strings.Builder
	due bool
}

func (b *printer) open(c byte)  { b.WriteByte(c); b.due = false }
func (b *printer) close(c byte) { b.WriteByte(c); b.due = true }

func (b *printer) separate() {
	if b.due {
		b.WriteByte(',')
	}
	b.due = false
}

func (b *printer) name(name string) {
	b.separate()
	b.quote(name)
	b.WriteByte(':')
}

func (b *printer) text(name, value string) {
	b.name(name)
	b.quote(value)
	b.due = true
}

// quote escapes only what JSON requires, because every character counts against
// a quota.
func (b *printer) quote(s string) {
	b.WriteByte('"')
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ':
			if j := strings.IndexByte(escaped, c); j >= 0 {
				b.WriteByte('\\')
				b.WriteByte(escapes[j])
				continue
			}
			b.WriteString(`\u` + hex4(c))
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
}

// list prints one value as a string and several values as an array.
func (b *printer) list(name string, values []string) {
	if values == nil {
		return
	}
	b.name(name)
	if len(values) == 1 {
		b.quote(values[0])
		b.due = true
		return
	}
	b.open('[')
	for _, v := range values {
		b.separate()
		b.quote(v)
		b.due = true
	}
	b.close(']')
}

func (b *printer) statement(st *Statement) {
	b.open('{')
	if st.SID != "" {
		b.text("Sid", st.SID)
	}
	b.text("Effect", st.Effect.String())
	b.principals("Principal", st.Principals)
	b.principals("NotPrincipal", st.NotPrincipals)
	b.list("Action", st.Actions)
	b.list("NotAction", st.NotActions)
	b.list("Resource", st.Resources)
	b.list("NotResource", st.NotResources)
	b.conditions(st.Conditions)
	b.close('}')
}

func (b *printer) principals(name string, p *Principals) {
	if p == nil {
		return
	}
	aws := p.AWS
	if p.Everyone {
		aws = append([]string{"*"}, p.AWS...)
	}
	if p.Everyone && len(aws) == 1 && p.Service == nil && p.Federated == nil && p.CanonicalUser == nil {
		b.text(name, "*")
		return
	}
	b.name(name)
	b.open('{')
	b.list("AWS", aws)
	b.list("Service", p.Service)
	b.list("Federated", p.Federated)
	b.list("CanonicalUser", p.CanonicalUser)
	b.close('}')
}

// conditions groups them by operator, in the order of first appearance.
func (b *printer) conditions(conditions []Condition) {
	if len(conditions) == 0 {
		return
	}
	b.name("Condition")
	b.open('{')
	for i, c := range conditions {
		same := func(o Condition) bool { return o.Operator == c.Operator }
		if slices.IndexFunc(conditions, same) < i {
			continue
		}
		b.name(c.Operator)
		b.open('{')
		for _, o := range conditions[i:] {
			if same(o) {
				b.list(o.Key, o.Values)
			}
		}
		b.close('}')
	}
	b.close('}')
}

// Size returns the number of characters that count against IAM's size quotas:
// white space outside strings does not count.
// Source: IAM User Guide, "IAM and AWS STS quotas".
func Size(text string) int {
	size, quoted := 0, false
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case !quoted && (c == ' ' || c == '\t' || c == '\n' || c == '\r'):
			i++
			continue
		case quoted && c == '\\' && i+1 < len(text):
			size++
			i++
		case c == '"':
			quoted = !quoted
		}
		_, width := utf8.DecodeRuneInString(text[i:])
		i += width
		size++
	}
	return size
}
