package view

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"forcemfa/internal/plan"
)

// Plan prints a plan for a person: notes, then the steps by account, the
// blocked ones with their remedy, and a line that sums up.
func Plan(w io.Writer, style Style, p *plan.Plan) {
	for _, note := range p.Notes {
		fmt.Fprintf(w, "note: %s\n", Clean(note))
	}
	account := ""
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Account != account {
			account = s.Account
			fmt.Fprintf(w, "\n%s\n", style.Paint(text.Bold, account))
		}
		planLine(w, style, s)
	}
	sum := p.Summary()
	fmt.Fprintf(w, "\nPlan: %s in %s, %s.\n", Count(sum.Steps, "step"), Count(sum.Accounts, "account"),
		style.Paint(blockedColor(sum.Blocked), strconv.Itoa(sum.Blocked)+" blocked"))
}

func planLine(w io.Writer, style Style, s *plan.Step) {
	mark, color := "+", text.FgGreen
	switch {
	case s.Blocked != "":
		mark, color = "!", text.FgRed
	case !s.Want.Present:
		mark, color = "-", text.FgYellow
	case s.Expect.Present:
		mark, color = "~", text.FgYellow
	}
	fmt.Fprintf(w, "  %s %s\n", style.Paint(color, mark), Clean(StepSentence(s)))
	if s.Blocked != "" {
		fmt.Fprintf(w, "      blocked: %s\n      remedy: %s\n", Clean(s.Blocked), Clean(s.Remedy))
	}
}

// StepSentence is a step in one line.
func StepSentence(s *plan.Step) string {
	parts := []string{string(s.Op), s.Subject}
	if s.Object != "" {
		parts = append(parts, s.Object)
	}
	if s.Op == plan.TagUser {
		parts = append(parts, "= "+s.Want.Value)
	}
	return strings.Join(parts, " ")
}

func blockedColor(n int) text.Color {
	if n > 0 {
		return text.FgRed
	}
	return text.FgGreen
}
