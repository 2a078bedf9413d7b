package offline

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/rogpeppe/go-internal/diff"

	"forcemfa/internal/audit"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/view"
	"forcemfa/policy"
	"forcemfa/policy/lint"
)

// runLintFix corrects documents: it shows the differences, or writes the files.
func runLintFix(o *lintOptions, files []lintFile) error {
	corrected := view.LintCorrections{Documents: []view.LintCorrection{}, Unreadable: []view.LintProblem{}}
	worst := audit.Severity("")
	for _, f := range files {
		text, c, err := o.correct(f)
		var notPolicy *lint.NotPolicyError
		switch {
		case errors.As(err, &notPolicy) && f.found:
			fmt.Fprintf(o.env.Stderr, "not linted: %s: %v\n", f.name, err)
			continue
		case err != nil:
			problem := lintProblem(f.name, err)
			fmt.Fprintf(o.env.Stderr, "forcemfa: %s\n", problem.String())
			corrected.Unreadable = append(corrected.Unreadable, problem)
			continue
		}
		for _, left := range c.Left {
			if found := audit.Severity(left.Severity); found.Rank() < worst.Rank() {
				worst = found
			}
		}
		corrected.Documents = append(corrected.Documents, view.LintCorrection{File: f.name, Changed: c.Text != text, Text: c.Text, Fixed: c.Fixed, Left: c.Left,
			Diff: string(diff.Diff(f.name, []byte(text), f.name+" (corrected)", []byte(c.Text)))})
		if o.write && c.Text != text {
			if err := o.writeCorrected(f.name, c.Text); err != nil {
				return err
			}
		}
	}
	if err := o.printCorrections(&corrected); err != nil {
		return err
	}
	return command.Exit(command.Worst(o.failOn.Status(worst), command.If(len(corrected.Unreadable) > 0, command.StatusFailed)))
}

func (o *lintOptions) correct(f lintFile) (text string, c *lint.Correction, err error) {
	if text, err = o.read(f.name); err != nil {
		return "", nil, err
	}
	switch documents, err := lintDocuments(text); {
	case err != nil:
		return "", nil, err
	case documents[0].Line > 0:
		return "", nil, fmt.Errorf("the file holds %s: --fix corrects files that are a policy document", view.Count(len(documents), "document"))
	}
	if o.kind == "role" {
		c, err = lint.CorrectRole(text)
		return text, c, err
	}
	c, err = lint.Correct(kinds[o.kind], text)
	return text, c, err
}

func (o *lintOptions) writeCorrected(name, text string) error {
	info, err := os.Stat(name)
	if err != nil {
		return command.FileError("write corrected policy", err)
	}
	return command.WriteFile(name, []byte(text), info.Mode().Perm())
}

func (o *lintOptions) printCorrections(c *view.LintCorrections) error {
	if o.output == "json" {
		return c.JSON(o.env.Stdout)
	}
	if len(c.Documents) == 1 && c.Documents[0].File == "-" {
		_, err := io.WriteString(o.env.Stdout, c.Documents[0].Text) // a filter
		return err
	}
	return c.Text(o.env.Stdout, o.write)
}

// lintProblem is an error of a document with its place.
func lintProblem(name string, err error) view.LintProblem {
	var syntax *policy.SyntaxError
	if errors.As(err, &syntax) {
		return view.LintProblem{File: name, Line: syntax.Line, Column: syntax.Column, Why: syntax.Message}
	}
	return view.LintProblem{File: name, Why: err.Error()}
}
