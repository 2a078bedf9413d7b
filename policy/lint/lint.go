// Package lint finds policy documents that appear to require MFA but don't.
//
// [Check] reads one policy document and reports, by rule, the statements that
// leave a way around MFA, lock out users without MFA, or can never apply.
// Package policy decides what a statement does, for the credentials that can be
// without MFA; the form of the statement only decides which rule it breaks. A
// finding has an example request, which was decided again from the finding
// itself, and the corrected statements.
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
	Critical Severity = "critical" // appears enforced but is not
	High     Severity = "high"     // a way around MFA, or a lockout of all users
	Medium   Severity = "medium"   // a way around MFA under a condition, or a lockout of some users
	Low      Severity = "low"
	Info     Severity = "info" // a trade-off
)

var severities = []Severity{Critical, High, Medium, Low, Info}

// A Finding is one problem of a document.
type Finding struct {
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	// Statement is the index of the statement, from 0; -1 for the whole document.
	Statement int    `json:"statement"`
	SID       string `json:"sid,omitempty"`
	Line      int    `json:"line"` // from 1
	Column    int    `json:"column"`
	// What describes the problem in one sentence, with names from the document.
	What    string   `json:"what"`
	Example *Example `json:"example,omitempty"` // nil where no request shows it
	Fix     *Fix     `json:"fix,omitempty"`     // nil where the correction needs more information
}

// Where names the statement: its Sid, or its number from 1.
func (f *Finding) Where() string {
	switch {
	case f.Statement < 0:
		return "document"
	case f.SID != "":
		return f.SID
	}
	return fmt.Sprintf("statement %d", f.Statement+1)
}

// A Report is the result of [Check], in the order of the text, and by severity
// within a statement.
type Report struct {
	Kind     policy.Kind
	Findings []Finding

	statements int
	rules      []func(*inspection)
}

// Worst returns the severity of the worst finding; empty without findings.
func (r *Report) Worst() Severity {
	worst := Severity("")
	for _, f := range r.Findings {
		if worst == "" || rank(f.Severity) < rank(worst) {
			worst = f.Severity
		}
	}
	return worst
}

// Complete reports whether everything was checked and decided. It is false when
// the document was too large, or not comparable with the old one.
func (r *Report) Complete() bool {
	return !slices.ContainsFunc(r.Findings, func(f Finding) bool {
		return f.Code == "W-2" || f.Code == "G-2" || f.Code == "D-20" && f.Severity == High
	})
}

func rank(s Severity) int { return slices.Index(severities, s) }

// Check lints a document. Kind 0 stands for the result of [Guess]. The error is
// a *policy.SyntaxError, or a [NotPolicyError] from Guess; such a document was
// not checked. Each Fix was tested: the corrected document no longer has the
// finding.
func Check(kind policy.Kind, text string) (*Report, error) { return check(kind, text, rulesFor(kind)) }

// rulesFor are the inspections for a kind of policy.
func rulesFor(kind policy.Kind) []func(*inspection) {
	if kind == policy.Session {
		return roleInspections
	}
	return inspections
}

func check(kind policy.Kind, text string, rules []func(*inspection)) (*Report, error) {
	report, err := tried(kind, text, rules)
	if err != nil {
		return nil, err
	}
	if count(report.Findings, "D-20") == 0 && report.mayOutgrow(text) {
		report.Findings = append(report.Findings, Finding{Code: "D-20", Severity: Info, Statement: -1, Line: 1, Column: 1,
			What: fmt.Sprintf("once everything is corrected: the document may have more than %d characters, and all inline policies of a user together may not: then it fits only as a managed policy", userInlineQuota)})
	}
	report.sort()
	return report, nil
}

// tried is check without a look at the document with all of its corrections.
func tried(kind policy.Kind, text string, rules []func(*inspection)) (*Report, error) {
	report, err := inspect(kind, text, rules)
	if err == nil {
		report.tryFixes(text)
	}
	return report, err
}

// mayOutgrow reports whether the corrections together may make an inline policy of a
// user too large for one.
func (r *Report) mayOutgrow(text string) bool {
	size := policy.Size(text)
	if r.Kind != policy.Identity || size > userInlineQuota {
		return false
	}
	all := size
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Fix != nil && f.Severity != Info {
			if corrected, err := f.Fix.Apply(r.Kind, text); err == nil {
				all += policy.Size(corrected) - size
			}
		}
	}
	return all > userInlineQuota
}

// mostTried limits the number of statements that are checked again to test
// fixes.
const mostTried = 4000

// tryFixes removes fixes that do not help, for example because another statement
// has the same problem, and fixes of a large document that exceed the limit.
func (r *Report) tryFixes(text string) {
	tried := 0
	var following []Finding
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Fix == nil {
			continue
		}
		if tried < mostTried {
			n, after := r.tryFix(f, text)
			tried += n
			if after != nil {
				following = append(following, choices(f, r.Findings, following, after.Findings)...)
				continue
			}
		}
		f.Fix = nil
	}
	r.Findings = append(r.Findings, following...)
}

// choices returns the findings of severity info that a document has once f is
// corrected, and that neither it nor another correction has before. They are reported
// with the first run: nothing new appears after following a correction. What follows
// from a correction that is a choice itself stays with that choice.
func choices(f *Finding, before, following, after []Finding) (out []Finding) {
	if f.Severity == Info {
		return nil
	}
	for i := range after {
		g := after[i]
		if g.Severity != Info || count(after[:i+1], g.Code) <= count(before, g.Code)+count(following, g.Code)+count(out, g.Code) {
			continue
		}
		out = append(out, Finding{Code: g.Code, Severity: Info, Statement: f.Statement, SID: f.SID, Line: f.Line, Column: f.Column,
			What: "once " + f.Code + " is corrected: " + g.What})
	}
	return out
}

// mostFollowing bounds the fixes that one fix brings with it.
const mostFollowing = 6

// tryFix returns the report of the corrected document, nil if it still has a finding,
// and how many statements were checked. Where the correction shows what the document
// leaves open for another reason, the fix closes that as well: no fix may bring a
// finding that the document did not have.
func (r *Report) tryFix(f *Finding, text string) (statements int, after *Report) {
	same := func(g Finding) bool { return g.Code == f.Code && g.Where() == f.Where() }
	now, fix := text, f.Fix
	for range mostFollowing {
		corrected, err := fix.Apply(r.Kind, now)
		if err != nil {
			return statements + 1, nil
		}
		again, err := inspect(r.Kind, corrected, r.rules)
		if err != nil {
			return statements + 1, nil
		}
		statements += again.statements
		next := worse(r.Findings, again.Findings)
		switch {
		case next == nil && now != text:
			f.Fix = between(r.Kind, text, corrected)
			fallthrough
		case next == nil:
			if slices.ContainsFunc(again.Findings, same) {
				return statements, nil
			}
			return statements, again
		case next.Fix == nil || fix.deletes() || next.Fix.deletes():
			return statements, nil
		}
		now, fix = corrected, next.Fix
	}
	return statements, nil
}

// worse returns a finding of a corrected document that the original lacks, or has
// with less severity; nil if there is none. Those of severity info are choices.
func worse(before, after []Finding) *Finding {
	for i := range after {
		f := &after[i]
		if f.Severity == Info {
			continue
		}
		same := func(list []Finding) (n int) {
			for i := range list {
				if g := &list[i]; g.Code == f.Code && rank(g.Severity) <= rank(f.Severity) {
					n++
				}
			}
			return n
		}
		if same(after) > same(before) {
			return f
		}
	}
	return nil
}

// inspect is Check without testing the fixes.
func inspect(kind policy.Kind, text string, rules []func(*inspection)) (*Report, error) {
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
	in := inspection{kind: kind, text: text, doc: doc, rules: rules}
	if in.tooLarge() {
		return in.report(), nil
	}
	in.prepare()
	for _, rule := range rules {
		rule(&in)
	}
	return in.report(), nil
}

// inspections check a prepared document in order. Later ones rely on the guard
// that earlier ones found.
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
	(*inspection).resource,
	(*inspection).reach,
	(*inspection).texts,
}

func (in *inspection) report() *Report {
	r := &Report{Kind: in.kind, Findings: in.findings, statements: len(in.doc.Statements), rules: in.rules}
	r.sort()
	return r
}

func (r *Report) sort() {
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Statement, b.Statement), cmp.Compare(rank(a.Severity), rank(b.Severity)), cmp.Compare(a.Code, b.Code))
	})
}

// add adds a finding about a statement, or about the document with -1, with the
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
