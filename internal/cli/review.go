package cli

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/organization"
	"forcemfa/internal/plan"
	"forcemfa/internal/view"
)

// checkReviewName refuses a file of --review whose name does not say its format, before
// AWS is read.
func checkReviewName(name string) error {
	if name == "" || isMarkdown(name) || isHTML(name) {
		return nil
	}
	return command.WithHint(fmt.Errorf("--review %s: the name does not end in .md or .html", name), "name a file such as plan.md or plan.html")
}

func isMarkdown(name string) bool { return strings.EqualFold(filepath.Ext(name), ".md") }

func isHTML(name string) bool { return strings.EqualFold(filepath.Ext(name), ".html") }

// writeReview writes the plan for its reviewers, if a file is named. Only its owner can
// read the file: it names the users without MFA.
func (o *planOptions) writeReview(s *organization.Survey, p *plan.Plan) error {
	if o.review == "" {
		return nil
	}
	r := view.Review{PlanReport: *o.report(s, p), Rollback: o.Next("rollback")}
	for _, a := range s.Baseline.Acknowledge {
		r.Acknowledged = append(r.Acknowledged, a.String())
	}
	write := r.HTML
	if isMarkdown(o.review) {
		write = r.Markdown
	}
	var text bytes.Buffer
	if err := write(&text); err != nil {
		return err
	}
	if err := command.WriteFile(o.review, text.Bytes(), 0o600); err != nil {
		return err
	}
	o.Remark("wrote the review to %s", o.review)
	return nil
}
