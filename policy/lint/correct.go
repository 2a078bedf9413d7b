package lint

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"forcemfa/policy"
)

// A Correction is a document with all fixes of its findings that agree.
type Correction struct {
	Text  string    // the corrected document; statements without a fix stay as they were, byte for byte
	Fixed []Finding // of the original document
	Left  []Finding // findings of the corrected document
}

// mostRounds bounds the fixes of one document.
const mostRounds = 40

// Correct applies the fixes of a document one after the other, the worst finding
// first, as long as they agree. The corrected document has no finding that the
// original lacks, except info. Findings of severity info are choices, so their
// fixes are not applied. kind and the error are those of [Check].
func Correct(kind policy.Kind, text string) (*Correction, error) {
	return correctBy(kind, text, rulesFor(kind))
}

func correctBy(kind policy.Kind, text string, rules []func(*inspection)) (*Correction, error) {
	before, err := check(kind, text, rules)
	if err != nil {
		return nil, err
	}
	return correct(before, text, func(text string) (*Report, error) { return tried(kind, text, rules) }), nil
}

// correct corrects a document with a report, where check checks each of the texts on the
// way.
func correct(before *Report, text string, check func(text string) (*Report, error)) *Correction {
	best := &Correction{Text: text, Left: before.Findings}
	now, report := text, before
	tried := map[string]bool{}
	for range mostRounds {
		f := nextFix(report, tried)
		if f == nil {
			break
		}
		corrected, err := f.Fix.within(before.Kind, now)
		if err != nil {
			continue
		}
		after, err := check(corrected)
		if err != nil {
			continue
		}
		now, report = corrected, after
		if worse(before.Findings, after.Findings) == nil {
			best = &Correction{Text: now, Left: after.Findings}
		}
	}
	for _, f := range before.Findings {
		if count(best.Left, f.Code) < count(before.Findings, f.Code) {
			best.Fixed = append(best.Fixed, f)
		}
	}
	return best
}

// nextFix returns the worst finding with a fix that was not tried yet.
func nextFix(r *Report, tried map[string]bool) *Finding {
	list := slices.Clone(r.Findings)
	slices.SortStableFunc(list, func(a, b Finding) int { return cmp.Compare(rank(a.Severity), rank(b.Severity)) })
	for i := range list {
		f := &list[i]
		if f.Fix == nil || f.Severity == Info {
			continue
		}
		text, err := json.Marshal(f.Fix)
		if key := f.Code + f.Where() + string(text); err == nil && !tried[key] {
			tried[key] = true
			return f
		}
	}
	return nil
}

func count(findings []Finding, code string) (n int) {
	for i := range findings {
		if findings[i].Code == code {
			n++
		}
	}
	return n
}

// within applies a fix and leaves everything else of the text as it is.
func (f *Fix) within(kind policy.Kind, text string) (string, error) {
	edits, err := f.Edits(kind, text)
	if err != nil {
		return "", err
	}
	for _, e := range slices.Backward(edits) {
		text = text[:e.Start] + e.Text + text[e.End:]
	}
	_, err = policy.Parse(kind, text)
	return text, err
}

// An Edit replaces the bytes of a text from Start to End.
type Edit struct {
	Start, End int
	Text       string
}

// Edits returns the fix as edits of the document's text, in the order of their
// places, which leave everything else as it is. A text that cannot be cut into its
// statements is replaced as a whole. The error is that of [Fix.Apply].
func (f *Fix) Edits(kind policy.Kind, text string) ([]Edit, error) {
	l, ok := cut(text)
	if !ok || f.Version != "" && l.version == (span{}) {
		return f.whole(kind, text)
	}
	var edits []Edit
	if f.Version != "" {
		edits = append(edits, Edit{l.version.start, l.version.end, `"` + f.Version + `"`})
	}
	last := l.statements[len(l.statements)-1]
	indent := l.indent(text, l.statements[0])
	added := ""
	for _, c := range f.Changes {
		printed := l.print(c.Text, indent)
		switch {
		case c.Statement >= len(l.statements):
			added += "," + l.newline(indent) + printed
		case len(c.Text) == 0:
			if !l.list || len(l.statements) == 1 {
				return f.whole(kind, text)
			}
			at := l.withComma(text, c.Statement)
			edits = append(edits, Edit{at.start, at.end, ""})
		default:
			at := l.statements[c.Statement]
			edits = append(edits, Edit{at.start, at.end, printed})
		}
	}
	if added != "" {
		if !l.list {
			return f.whole(kind, text)
		}
		edits = append(edits, Edit{last.end, last.end, added})
	}
	slices.SortStableFunc(edits, func(a, b Edit) int { return cmp.Compare(a.Start, b.Start) })
	return edits, nil
}

// whole is the fix as one edit of the whole text.
func (f *Fix) whole(kind policy.Kind, text string) ([]Edit, error) {
	fixed, err := f.Apply(kind, text)
	return []Edit{{0, len(text), fixed}}, err
}

// A span is a part of a text, by byte.
type span struct{ start, end int }

// A layout is where the parts of a document stand in its text.
type layout struct {
	version    span
	statements []span
	list       bool // Statement is an array
	multiline  bool
	unit       string // of indentation
}

// cut finds the statements of a document in its text.
func cut(text string) (l layout, ok bool) {
	d := json.NewDecoder(strings.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return l, false
	}
	l.multiline = strings.Contains(strings.TrimSpace(text), "\n")
	if inside := strings.TrimLeft(text[d.InputOffset():], "\r\n"); l.multiline {
		l.unit = inside[:len(inside)-len(strings.TrimLeft(inside, " \t"))]
	}
	value := func() (span, bool) {
		var raw json.RawMessage
		if d.Decode(&raw) != nil {
			return span{}, false
		}
		end := int(d.InputOffset())
		return span{end - len(raw), end}, true
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return l, false
		}
		at, ok := value()
		if !ok {
			return l, false
		}
		switch key {
		case "Version":
			l.version = at
		case "Statement":
			if l.list = text[at.start] == '['; !l.list {
				l.statements = []span{at}
			} else if l.statements, ok = elements(text, at); !ok {
				return l, false
			}
		}
	}
	return l, len(l.statements) > 0
}

// elements finds the elements of an array.
func elements(text string, array span) (out []span, ok bool) {
	d := json.NewDecoder(strings.NewReader(text[array.start:array.end]))
	if _, err := d.Token(); err != nil {
		return nil, false
	}
	for d.More() {
		var raw json.RawMessage
		if d.Decode(&raw) != nil {
			return nil, false
		}
		end := array.start + int(d.InputOffset())
		out = append(out, span{end - len(raw), end})
	}
	return out, true
}

// indent returns the white space before a part, from the beginning of its line.
func (l *layout) indent(text string, at span) string {
	line := text[strings.LastIndexByte(text[:at.start], '\n')+1 : at.start]
	return line[:len(line)-len(strings.TrimLeft(line, " \t"))]
}

func (l *layout) newline(indent string) string {
	if l.multiline {
		return "\n" + indent
	}
	return ""
}

// print prints a statement as the document is printed: in lines or in one.
func (l *layout) print(statement json.RawMessage, indent string) string {
	var b bytes.Buffer
	if !l.multiline || json.Indent(&b, statement, indent, cmp.Or(l.unit, "  ")) != nil {
		return string(statement)
	}
	return b.String()
}

// withComma is a statement together with the comma that separates it.
func (l *layout) withComma(text string, i int) span {
	if i+1 < len(l.statements) {
		return span{l.statements[i].start, l.statements[i+1].start}
	}
	return span{l.statements[i-1].end, l.statements[i].end}
}
