// Package lint finds documents that look like MFA and are not.
//
// [Check] reads one policy document and reports, by rule, the statements that
// leave a way past MFA, lock out who has none yet, or can never apply. What a
// statement does is asked of package policy, with the credentials that can be
// without MFA; its shape is looked at only to say which rule it breaks. A
// finding comes with a request that shows it, which was decided again from what
// the finding itself says, and with the corrected statements.
package lint

import (
	"cmp"
	"fmt"
	"slices"

	"forcemfa/policy"
)

// A Severity ranks findings.
type Severity string

// The severities, worst first.
const (
	Critical Severity = "critical" // looks enforced and is not
	High     Severity = "high"     // a way past MFA, or nobody gets in
	Medium   Severity = "medium"   // a way past MFA under a condition, or users are locked out
	Low      Severity = "low"
	Info     Severity = "info" // a choice with two sides
)

var severities = []Severity{Critical, High, Medium, Low, Info}

// A Finding is one thing in a document that is not as it looks.
type Finding struct {
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	// Statement is the index of the statement, from 0; -1 for the whole document.
	Statement int    `json:"statement"`
	SID       string `json:"sid,omitempty"`
	Line      int    `json:"line"` // from 1
	Column    int    `json:"column"`
	// What says in one sentence what is wrong, with the names of this document.
	What    string   `json:"what"`
	Example *Example `json:"example,omitempty"` // nil where no request shows it
	Fix     *Fix     `json:"fix,omitempty"`     // nil where the text cannot be corrected without knowing more
}

// Where names the statement for a person: its Sid or its number from 1.
func (f *Finding) Where() string {
	switch {
	case f.Statement < 0:
		return "document"
	case f.SID != "":
		return f.SID
	}
	return fmt.Sprintf("statement %d", f.Statement+1)
}

// A Report is what [Check] found, in the order of the text, worst first within
// a statement.
type Report struct {
	Kind     policy.Kind
	Findings []Finding

	statements int
}

// Worst is the severity of the worst finding, empty when there is none.
func (r *Report) Worst() Severity {
	worst := Severity("")
	for _, f := range r.Findings {
		if worst == "" || rank(f.Severity) < rank(worst) {
			worst = f.Severity
		}
	}
	return worst
}

// Complete tells whether everything was looked at and could be decided: not when
// the document was too large, or not comparable with the old one.
func (r *Report) Complete() bool {
	return !slices.ContainsFunc(r.Findings, func(f Finding) bool {
		return f.Code == "W-2" || f.Code == "D-20" && f.Severity == High
	})
}

func rank(s Severity) int { return slices.Index(severities, s) }

// Check lints a document. kind 0 takes what [Guess] says. The error is a
// *policy.SyntaxError, or a [NotPolicyError] from Guess: such a document was not
// read, and nothing is said about it. Each Fix was tried: the corrected document
// does not have the finding.
func Check(kind policy.Kind, text string) (*Report, error) {
	report, err := inspect(kind, text)
	if err == nil {
		report.tryFixes(text)
	}
	return report, err
}

// mostTried bounds the statements that are looked at again so as to try fixes.
const mostTried = 4000

// tryFixes takes away fixes that are none, as when another statement is at fault
// as well, and those of a large document that there is no time to try.
func (r *Report) tryFixes(text string) {
	tried := 0
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Fix == nil {
			continue
		}
		if tried < mostTried {
			n, ok := r.tryFix(f, text)
			tried += n
			if ok {
				continue
			}
		}
		f.Fix = nil
	}
}

// tryFix tells whether a finding is gone from the corrected document, and how
// many statements that has.
func (r *Report) tryFix(f *Finding, text string) (statements int, ok bool) {
	corrected, err := f.Fix.Apply(r.Kind, text)
	if err != nil {
		return 1, false
	}
	again, err := inspect(r.Kind, corrected)
	if err != nil {
		return 1, false
	}
	same := func(g Finding) bool { return g.Code == f.Code && g.Where() == f.Where() }
	return again.statements, !slices.ContainsFunc(again.Findings, same)
}

// inspect is Check without trying the fixes.
func inspect(kind policy.Kind, text string) (*Report, error) {
	guessed, err := Guess(text)
	if err != nil {
		return nil, err
	}
	if kind == 0 {
		kind = guessed
	}
	doc, err := policy.Parse(kind, text)
	if err != nil {
		return nil, suggest(err)
	}
	in := inspection{kind: kind, text: text, doc: doc}
	if in.tooLarge() {
		return in.report(), nil
	}
	in.prepare()
	for _, rule := range inspections {
		rule(&in)
	}
	return in.report(), nil
}

// inspections look at a prepared document. Later ones rely on what earlier ones
// found out about its guard.
var inspections = []func(*inspection){
	(*inspection).guards,
	(*inspection).gates,
	(*inspection).undecided,
	(*inspection).escapes,
	(*inspection).exemptions,
	(*inspection).enrollment,
	(*inspection).organization,
	(*inspection).own,
	(*inspection).selfService,
	(*inspection).trust,
	(*inspection).names,
	(*inspection).quota,
}

func (in *inspection) report() *Report {
	slices.SortStableFunc(in.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Statement, b.Statement), cmp.Compare(rank(a.Severity), rank(b.Severity)), cmp.Compare(a.Code, b.Code))
	})
	return &Report{Kind: in.kind, Findings: in.findings, statements: len(in.doc.Statements)}
}

// add reports a finding about a statement, or with -1 about the document, at the
// severity of its rule.
func (in *inspection) add(code string, statement int, format string, args ...any) *Finding {
	f := Finding{Code: code, Severity: ruleByCode[code].Severity, Statement: statement, Line: 1, Column: 1, What: fmt.Sprintf(format, args...)}
	if statement >= 0 {
		st := &in.doc.Statements[statement]
		f.SID, f.Line, f.Column = st.SID, st.Line, st.Column
	}
	in.findings = append(in.findings, f)
	return &in.findings[len(in.findings)-1]
}
