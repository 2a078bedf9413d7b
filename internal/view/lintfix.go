package view

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"forcemfa/policy/lint"
)

// LintCorrections is the result of correcting documents.
type LintCorrections struct {
	Documents  []LintCorrection `json:"documents"`
	Unreadable []LintProblem    `json:"unreadable"`
}

// A LintCorrection is a document with all fixes of its findings that agree.
type LintCorrection struct {
	File    string         `json:"file"`
	Changed bool           `json:"changed"`
	Text    string         `json:"text"`
	Diff    string         `json:"diff"`  // unified; empty without changes
	Fixed   []lint.Finding `json:"fixed"` // of the original document
	Left    []lint.Finding `json:"left"`  // of the corrected document
}

// JSON prints the corrections as one object.
func (c *LintCorrections) JSON(w io.Writer) error {
	for i := range c.Documents {
		c.Documents[i].Fixed, c.Documents[i].Left = orEmpty(c.Documents[i].Fixed), orEmpty(c.Documents[i].Left)
	}
	return JSON(w, c)
}

// Text prints the difference of each document and one line that says what was
// corrected; written tells that the files are changed.
func (c *LintCorrections) Text(w io.Writer, written bool) error {
	for _, d := range c.Documents {
		if !written && d.Changed {
			if _, err := io.WriteString(w, CleanLines(d.Diff)); err != nil {
				return err
			}
		}
		verb := "can be corrected"
		if written {
			verb = "corrected"
		}
		if _, err := fmt.Fprintf(w, "%s: %s %s, %d left\n", Clean(d.File), Count(len(d.Fixed), "finding"), verb, len(d.Left)); err != nil {
			return err
		}
	}
	changed := slices.ContainsFunc(c.Documents, func(d LintCorrection) bool { return d.Changed })
	if !written && changed {
		_, err := fmt.Fprintln(w, "Apply the changes with: forcemfa lint --fix --write")
		return err
	}
	return nil
}

// CleanLines is [Clean] for a text with lines and tabs.
func CleanLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		cells := strings.Split(line, "\t")
		for j := range cells {
			cells[j] = Clean(cells[j])
		}
		lines[i] = strings.Join(cells, "\t")
	}
	return strings.Join(lines, "\n")
}
