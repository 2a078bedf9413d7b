package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"forcemfa/internal/baseline/document"
	"forcemfa/internal/plan"
	"forcemfa/internal/prose"
	"forcemfa/policy"
)

// A documentChange is a policy document that steps write, with the places where they
// write the same document over the same one.
type documentChange struct {
	kind, name    string
	before, after string
	quota         int
	places        int
	accounts      map[string]bool
}

// documentOps are the kinds of steps that write a document, with the quota of its size in
// characters; 0: none is shown. Source: IAM User Guide, "IAM and AWS STS quotas";
// Organizations User Guide, "Quotas for AWS Organizations".
var documentOps = map[plan.Op]struct {
	kind  string
	quota int
}{
	plan.CreatePolicy: {"Policy", 6144}, plan.UpdatePolicy: {"Policy", 6144},
	plan.PutUserPolicy: {"Inline policy of users", 2048}, plan.PutGroupPolicy: {"Inline policy of groups", 5120},
	plan.PutRolePolicy: {"Inline policy of roles", 10240}, plan.CreateRole: {"Trust policy", 2048},
	plan.UpdateTrust: {"Trust policy", 2048}, plan.UpdateEntranceTrust: {"Trust policy", 2048},
	plan.CreateSCP: {"Service control policy", document.MaxSCPSize}, plan.UpdateSCP: {"Service control policy", document.MaxSCPSize},
}

// mostDocuments is how many documents are shown unless all are.
const mostDocuments = 4

// documents prints every document that the plan writes, and for an update the
// difference by statement.
func (r *PlanReport) documents(w io.Writer, style Style) {
	changes := documentChanges(r.Plan)
	shown := map[string]bool{}
	for i, c := range changes {
		if i == mostDocuments && !r.All && len(changes) > mostDocuments+1 {
			fmt.Fprintf(w, "\n%s (--all shows every one)\n", Count(len(changes)-mostDocuments, "more policy document"))
			return
		}
		c.print(w, style, shown)
	}
}

// documentChanges are the documents in the order of the steps, updates last.
func documentChanges(p *plan.Plan) []*documentChange {
	var changes []*documentChange
	for i := range p.Steps {
		s := &p.Steps[i]
		of, writes := documentOps[s.Op]
		if !writes || s.Blocked != "" || s.Want.Document == "" {
			continue
		}
		name := documentName(s)
		at := slices.IndexFunc(changes, func(c *documentChange) bool {
			return c.kind == of.kind && c.name == name && c.before == s.Expect.Document && c.after == s.Want.Document
		})
		if at < 0 {
			at = len(changes)
			changes = append(changes, &documentChange{kind: of.kind, name: name, before: s.Expect.Document, after: s.Want.Document, quota: of.quota, accounts: map[string]bool{}})
		}
		changes[at].places++
		changes[at].accounts[s.Account] = true
	}
	return changes
}

// documentName is the name of a policy without its account, or the ARN of a role.
func documentName(s *plan.Step) string {
	switch s.Op {
	case plan.CreatePolicy, plan.UpdatePolicy:
		_, name, _ := strings.Cut(s.Subject, ":policy/")
		return name
	case plan.PutUserPolicy, plan.PutGroupPolicy, plan.PutRolePolicy:
		return s.Object
	}
	return s.Subject
}

// print prints a document. A statement that is shown already is only named.
func (c *documentChange) print(w io.Writer, style Style, shown map[string]bool) {
	what := "new"
	if c.before != "" {
		what = "updated"
	}
	head := fmt.Sprintf("%s %s: %s in %s", c.kind, Clean(c.name), what, Count(len(c.accounts), "account"))
	if c.places > len(c.accounts) {
		head = fmt.Sprintf("%s %s: %s, %s in %s", c.kind, Clean(c.name), what, Count(c.places, "time"), Count(len(c.accounts), "account"))
	}
	if c.quota > 0 {
		head += fmt.Sprintf(", %s of %s characters", prose.Number(policy.Size(c.after)), prose.Number(c.quota))
	}
	fmt.Fprintln(w)
	style.Lines(w, style.Paint(text.Bold, head))
	for _, line := range shortened(Difference(c.before, c.after), shown) {
		color := text.Reset
		switch line.Mark {
		case '+':
			color = green
		case '-':
			color = red
		case '~':
			color = amber
		}
		style.hang(w, style.Paint(color, "  "+string(line.Mark)+" "), Clean(line.Text), 8+leading(line.Text))
	}
}

// shortened leaves the elements of statements out that were added before.
func shortened(lines []DifferenceLine, shown map[string]bool) []DifferenceLine {
	var short []DifferenceLine
	for len(lines) > 0 {
		n := 1
		for n < len(lines) && leading(lines[n].Text) > 0 {
			n++
		}
		statement, rest := lines[:n], lines[n:]
		var text strings.Builder
		for _, line := range statement {
			text.WriteString(string(line.Mark) + line.Text + "\n")
		}
		if statement[0].Mark == '+' && shown[text.String()] {
			statement = []DifferenceLine{{'+', statement[0].Text + " (as above)"}}
		}
		shown[text.String()] = true
		short, lines = append(short, statement...), rest
	}
	return short
}

// A DifferenceLine is a line of the difference between two documents: '+' is added, '-'
// is removed, '~' is changed, and ' ' stays.
type DifferenceLine struct {
	Mark byte
	Text string
}

// Difference compares two policy documents by statement; an empty one has none. A
// document that is not JSON is one line.
func Difference(before, after string) []DifferenceLine {
	old, okOld := statements(before)
	now, okNow := statements(after)
	if !okOld || !okNow {
		return []DifferenceLine{{'-', before}, {'+', after}}
	}
	var lines []DifferenceLine
	used := make([]bool, len(old))
	for _, s := range now {
		i := slices.IndexFunc(old, func(o statementText) bool { return o.label == s.label })
		switch {
		case i < 0 || used[i]:
			lines = append(lines, s.lines('+')...)
		case slices.Equal(old[i].elements, s.elements) && old[i].effect == s.effect:
			used[i] = true
			lines = append(lines, DifferenceLine{' ', s.effect + s.label + " (unchanged)"})
		default:
			used[i] = true
			lines = append(lines, old[i].changed(&s)...)
		}
	}
	for i := range old {
		if !used[i] {
			lines = append(lines, old[i].lines('-')...)
		}
	}
	return lines
}

// A statementText is a statement as lines of text.
type statementText struct {
	label    string   // its Sid, or its number
	effect   string   // a word and a space
	elements []string // without the effect
}

func (s *statementText) lines(mark byte) []DifferenceLine {
	lines := []DifferenceLine{{mark, s.effect + s.label}}
	for _, e := range s.elements {
		lines = append(lines, DifferenceLine{mark, "  " + e})
	}
	return lines
}

// changed are the lines of a statement that becomes another.
func (s *statementText) changed(now *statementText) []DifferenceLine {
	lines := []DifferenceLine{{'~', now.effect + s.label}}
	if s.effect != now.effect {
		lines = append(lines, DifferenceLine{'-', "  Effect: " + s.effect}, DifferenceLine{'+', "  Effect: " + now.effect})
	}
	for _, e := range s.elements {
		if !slices.Contains(now.elements, e) {
			lines = append(lines, DifferenceLine{'-', "  " + e})
		}
	}
	for _, e := range now.elements {
		if !slices.Contains(s.elements, e) {
			lines = append(lines, DifferenceLine{'+', "  " + e})
		}
	}
	return lines
}

// elementOrder is the order of the elements of a statement in text.
var elementOrder = []string{"Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}

// statements are the statements of a document; ok is false if it is not one.
func statements(document string) (list []statementText, ok bool) {
	if document == "" {
		return nil, true
	}
	var d struct{ Statement json.RawMessage }
	if json.Unmarshal([]byte(document), &d) != nil {
		return nil, false
	}
	var raw []map[string]json.RawMessage
	if json.Unmarshal(d.Statement, &raw) != nil {
		var one map[string]json.RawMessage
		if json.Unmarshal(d.Statement, &one) != nil {
			return nil, false
		}
		raw = append(raw, one)
	}
	for i, s := range raw {
		var sid string
		_ = json.Unmarshal(s["Sid"], &sid)
		if sid == "" {
			sid = fmt.Sprintf("statement %d", i+1)
		}
		text := statementText{label: sid}
		for _, name := range elementOrder {
			value, there := s[name]
			switch {
			case name == "Effect":
				text.effect = flat(value) + " "
			case there:
				text.elements = append(text.elements, name+": "+flat(value))
			}
		}
		list = append(list, text)
	}
	return list, true
}

// flat is the value of an element: a word or a list without quotes, or compact JSON.
func flat(value json.RawMessage) string {
	var word string
	if json.Unmarshal(value, &word) == nil {
		return word
	}
	var words []string
	if json.Unmarshal(value, &words) == nil {
		return strings.Join(words, ", ")
	}
	var conditions map[string]map[string]json.RawMessage
	if json.Unmarshal(value, &conditions) == nil {
		var parts []string
		for _, operator := range sortedKeys(conditions) {
			for _, key := range sortedKeys(conditions[operator]) {
				parts = append(parts, operator+" "+key+" "+flat(conditions[operator][key]))
			}
		}
		return strings.Join(parts, " and ")
	}
	var out bytes.Buffer
	if json.Compact(&out, value) != nil {
		return string(value)
	}
	return out.String()
}
