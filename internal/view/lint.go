package view

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"forcemfa/internal/audit"
	"forcemfa/internal/sarif"
	"forcemfa/policy"
	"forcemfa/policy/lint"
)

// Lint is what linting some files gave, the same in every face.
type Lint struct {
	Documents []LintDocument `json:"documents"`
	// Unreadable are policies that could not be read: nothing is known of them.
	Unreadable []LintProblem `json:"unreadable"`
	// Skipped are files of a folder that are no policies.
	Skipped []LintProblem  `json:"skipped"`
	Summary map[string]int `json:"summary"` // findings by severity
}

// A LintDocument is one policy document with its findings.
type LintDocument struct {
	File     string         `json:"file"`
	Document string         `json:"document,omitempty"` // its name in a file with several
	Equal    int            `json:"equal,omitempty"`    // other documents of the file with the same text
	Kind     string         `json:"kind"`
	Findings []lint.Finding `json:"findings"`
	// Text is the document where it is the whole file, and PolicyKind its kind; empty
	// otherwise.
	Text       string      `json:"-"`
	PolicyKind policy.Kind `json:"-"`
}

// A LintProblem is a file that was not linted.
type LintProblem struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Why    string `json:"why"`
}

func (p *LintProblem) String() string {
	switch {
	case p.Column > 0:
		return fmt.Sprintf("%s:%d:%d: %s", Clean(p.File), p.Line, p.Column, Clean(p.Why))
	case p.Line > 0:
		return fmt.Sprintf("%s:%d: %s", Clean(p.File), p.Line, Clean(p.Why))
	}
	return Clean(p.File) + ": " + Clean(p.Why)
}

// Add keeps a document.
func (l *Lint) Add(d LintDocument) {
	d.Findings = orEmpty(d.Findings)
	l.Documents = append(l.Documents, d)
	if l.Summary == nil {
		l.Summary = map[string]int{}
	}
	for _, f := range d.Findings {
		l.Summary[string(f.Severity)]++
	}
}

// JSON prints it as one object.
func (l *Lint) JSON(w io.Writer) error {
	out := *l
	out.Documents, out.Unreadable, out.Skipped = orEmpty(l.Documents), orEmpty(l.Unreadable), orEmpty(l.Skipped)
	if out.Summary == nil {
		out.Summary = map[string]int{}
	}
	return JSON(w, out)
}

// Text prints a line for each finding as compilers do and, unless brief, why it
// is one, the request that shows it and the corrected statements.
func (l *Lint) Text(w io.Writer, style Style, brief bool) {
	for _, d := range l.Documents {
		for i := range d.Findings {
			lintFinding(w, style, &d, &d.Findings[i], brief)
		}
	}
	if len(l.Documents) > 0 || len(l.Unreadable) == 0 {
		total := l.total()
		if len(l.Documents) == 0 {
			total = "nothing checked"
		}
		fmt.Fprintf(w, "%s: %s\n", Count(len(l.Documents), "document"), total)
	}
}

func (l *Lint) total() string {
	var parts []string
	for _, s := range audit.Severities {
		if n := l.Summary[string(s)]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "nothing found")
}

// where names the statement of a finding, and the document in a file with several.
func (d *LintDocument) where(f *lint.Finding) string {
	if d.Document == "" {
		return f.Where()
	}
	return d.Document + ", " + f.Where()
}

func lintFinding(w io.Writer, style Style, d *LintDocument, f *lint.Finding, brief bool) {
	where := d.where(f)
	if d.Equal > 0 {
		where += fmt.Sprintf(", and in %s with the same text", Count(d.Equal, "other document"))
	}
	fmt.Fprintf(w, "%s:%d:%d: %s %s (%s): %s\n", Clean(d.File), f.Line, f.Column, lintSeverity(style, f.Severity), f.Code, Clean(where), Clean(f.What))
	if brief {
		return
	}
	rule, _ := lint.RuleOf(f.Code)
	fmt.Fprintf(w, "    why: %s\n", rule.Means)
	if f.Example != nil {
		fmt.Fprintf(w, "    request: %s\n", Clean(f.Example.String()))
	}
	fmt.Fprintf(w, "    remedy: %s\n", rule.Remedy)
	if f.Fix != nil {
		if f.Fix.Version != "" {
			fmt.Fprintf(w, "    corrected: \"Version\": %q\n", f.Fix.Version)
		}
		for _, c := range f.Fix.Changes {
			lintChange(w, c)
		}
	}
	fmt.Fprintln(w)
}

func lintChange(w io.Writer, c lint.Change) {
	if len(c.Text) == 0 {
		fmt.Fprintf(w, "    corrected: leave statement %d out\n", c.Statement+1)
		return
	}
	var b bytes.Buffer
	if json.Indent(&b, c.Text, "    ", "  ") != nil {
		return
	}
	fmt.Fprintf(w, "    corrected, statement %d:\n", c.Statement+1)
	for line := range strings.Lines("    " + b.String() + "\n") {
		fmt.Fprintf(w, "%s\n", Clean(strings.TrimSuffix(line, "\n")))
	}
}

func lintSeverity(style Style, s lint.Severity) string {
	switch s {
	case lint.Critical, lint.High:
		return style.Paint(red, string(s))
	case lint.Medium:
		return style.Paint(amber, string(s))
	}
	return string(s)
}

// SARIF prints it for code scanning.
func (l *Lint) SARIF(w io.Writer, version string) error {
	log := sarif.Log{Version: version}
	for _, r := range lint.Rules {
		log.Rules = append(log.Rules, sarif.Rule{ID: r.Code, Title: r.Title, Means: r.Means, Remedy: r.Remedy, Severity: audit.Severity(r.Severity)})
	}
	for _, d := range l.Documents {
		for i := range d.Findings {
			log.Results = append(log.Results, sarifFinding(&d, &d.Findings[i]))
		}
	}
	for _, list := range [][]LintProblem{l.Unreadable, l.Skipped} {
		for _, p := range list {
			log.Problems = append(log.Problems, sarif.Problem{Message: p.Why, File: p.File, Line: p.Line, Column: p.Column})
		}
	}
	return log.Write(w)
}

func sarifFinding(d *LintDocument, f *lint.Finding) sarif.Result {
	properties := map[string]any{"statement": f.Statement}
	message := f.What
	if f.Example != nil {
		properties["example"] = f.Example
		message += ". Request: " + f.Example.String()
	}
	if f.Fix != nil {
		properties["fix"] = f.Fix
	}
	return sarif.Result{
		Fix:  sarifFixOf(d, f),
		Rule: f.Code, Severity: audit.Severity(f.Severity), Message: message, File: d.File, Line: f.Line, Column: f.Column,
		Subject: d.where(f), Fingerprint: f.Code + "/" + d.where(f), Properties: properties,
	}
}

// sarifFixOf is the fix of a finding in a document that is the whole file.
func sarifFixOf(d *LintDocument, f *lint.Finding) *sarif.Fix {
	if f.Fix == nil || d.Text == "" {
		return nil
	}
	edits, err := f.Fix.Edits(d.PolicyKind, d.Text)
	if err != nil {
		return nil
	}
	fix := &sarif.Fix{Description: f.What}
	if rule, ok := lint.RuleOf(f.Code); ok {
		fix.Description = rule.Remedy
	}
	for _, e := range edits {
		r := sarif.Replacement{Text: e.Text}
		r.Line, r.Column = placeIn(d.Text, e.Start)
		r.EndLine, r.EndColumn = placeIn(d.Text, e.End)
		fix.Replacements = append(fix.Replacements, r)
	}
	return fix
}

// placeIn is the line and column of a byte of a text, from 1.
func placeIn(text string, at int) (line, column int) {
	before := text[:at]
	start := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[start:]) + 1
}
