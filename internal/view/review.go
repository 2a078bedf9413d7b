package view

import (
	"fmt"
	"slices"

	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/prose"
	"forcemfa/policy"
)

// A Review is a plan as a document for the people who approve changes. It is whole: no
// list in it is shortened, because nobody can ask the document for the rest.
type Review struct {
	PlanReport
	Acknowledged []string // the guards that the config file overrides, as guard:NAME
	Rollback     string   // the command that lists runs and undoes one, without its arguments
}

// A reviewSection is a part of a review, the same in Markdown and HTML.
type reviewSection struct {
	Title  string
	Text   []string // paragraphs
	Header []string // of the table
	Rows   [][]string
	Code   []DifferenceLine // a policy document, or commands
	Sub    []reviewSection
}

// sections are the parts of the review in their order.
func (r *Review) sections() []reviewSection {
	return slices.Concat(
		[]reviewSection{r.summarySection(), r.affectedSection(), r.documentSection(), r.guardSection(), r.acknowledgedSection(), r.changesSection()},
		gapSection("Not read", r.Unread), gapSection("Skipped", r.Skipped),
		[]reviewSection{r.rollbackSection()})
}

func (r *Review) summarySection() reviewSection {
	sum, p := r.Plan.Summary(), r.Plan
	count := func(kind string) string { return prose.Number(len(p.List(kind))) }
	var text []string
	if r.Head.Title != "" {
		text = append(text, r.Head.Title)
	}
	return reviewSection{Title: "Summary", Text: append(text, p.Notes...), Header: []string{"what", "number"}, Rows: [][]string{
		{"changes", prose.Number(sum.Steps)},
		{"accounts that change", prose.Number(sum.Accounts)},
		{"blocked changes, which are not made", prose.Number(sum.Blocked)},
		{"users to enforce", prose.Number(enforced(p))},
		{"users with credentials that stop working without MFA", count(plan.KindStops)},
		{"users that will be locked out, by acknowledgement", count(plan.KindLockedOut)},
		{"enrollment windows", count(plan.KindWindow)},
		{"users of later waves", count(plan.KindScheduled)},
		{"plan made", p.Made.UTC().Format("2006-01-02 15:04:05 UTC")},
		{"hash of the config", p.Config},
		{"digest of what was read", p.Digest},
	}}
}

// affectedSection names every user in every list of the plan, those who stop first.
func (r *Review) affectedSection() reviewSection {
	s := reviewSection{Title: "Who stops, and why"}
	for _, first := range []bool{true, false} {
		for i := range r.Plan.Lists {
			l := &r.Plan.Lists[i]
			if (l.Kind == plan.KindStops || l.Kind == plan.KindLockedOut) != first || len(l.Users) == 0 {
				continue
			}
			sub := reviewSection{Title: l.What, Header: []string{"account", "user", "why"}}
			for _, u := range l.Users {
				sub.Rows = append(sub.Rows, []string{AccountName(u.Account, r.Names[u.Account]), u.User, u.Why})
			}
			s.Sub = append(s.Sub, sub)
		}
	}
	if len(r.Plan.List(plan.KindStops))+len(r.Plan.List(plan.KindLockedOut)) == 0 {
		s.Text = []string{"No credentials were found that stop working."}
	}
	return s
}

func (r *Review) documentSection() reviewSection {
	s := reviewSection{Title: "Policy difference"}
	for _, c := range documentChanges(r.Plan) {
		what := "new"
		if c.before != "" {
			what = "updated"
		}
		text := fmt.Sprintf("%s, %s in %s", what, Count(c.places, "time"), Count(len(c.accounts), "account"))
		if c.quota > 0 {
			text += fmt.Sprintf(", %s of %s characters", prose.Number(policy.Size(c.after)), prose.Number(c.quota))
		}
		s.Sub = append(s.Sub, reviewSection{Title: c.kind + " " + c.name, Text: []string{text}, Code: Difference(c.before, c.after)})
	}
	if len(s.Sub) == 0 {
		s.Text = []string{"No policy document is written."}
	}
	return s
}

// guardSection lists every blocked step.
func (r *Review) guardSection() reviewSection {
	s := reviewSection{Title: "Guards", Header: []string{"account", "blocked change", "why", "remedy"}}
	why, _ := blockReasons(r.Plan)
	for i := range r.Plan.Steps {
		if step := &r.Plan.Steps[i]; step.Blocked != "" {
			s.Rows = append(s.Rows, []string{AccountName(step.Account, r.Names[step.Account]), StepSentence(step), why[i].text, why[i].remedy})
		}
	}
	if len(s.Rows) == 0 {
		s.Text = []string{"No guard blocks a change."}
	}
	return s
}

func (r *Review) acknowledgedSection() reviewSection {
	s := reviewSection{Title: "Acknowledgements", Header: []string{"guard and user", "from"}}
	for _, a := range r.Plan.Acknowledged {
		s.Rows = append(s.Rows, []string{a, "command line"})
	}
	for _, a := range r.Acknowledged {
		s.Rows = append(s.Rows, []string{a, "config file"})
	}
	if len(s.Rows) == 0 {
		s.Text = []string{"No guard is overridden."}
	}
	return s
}

func (r *Review) changesSection() reviewSection {
	s := reviewSection{Title: "Changes", Header: []string{"account", "change"}}
	for i := range r.Plan.Steps {
		if step := &r.Plan.Steps[i]; step.Blocked == "" {
			sign, _ := mark(step)
			s.Rows = append(s.Rows, []string{AccountName(step.Account, r.Names[step.Account]), sign + " " + StepSentence(step)})
		}
	}
	if len(s.Rows) == 0 {
		s.Text = []string{"Nothing changes."}
	} else {
		s.Text = []string{"+ creates or adds, ~ updates, - removes."}
	}
	return s
}

func gapSection(title string, gaps []org.Gap) []reviewSection {
	if len(gaps) == 0 {
		return nil
	}
	s := reviewSection{Title: title, Header: []string{"account", "what", "why"}}
	for _, g := range gaps {
		s.Rows = append(s.Rows, []string{g.Account, g.What, g.Why})
	}
	return []reviewSection{s}
}

func (r *Review) rollbackSection() reviewSection {
	s := reviewSection{Title: "How to roll back", Text: []string{
		"apply prints the ID of its run, and writes each change to a journal before it is made. These commands list the runs and undo one, also a run that was interrupted. " +
			"They are run on the machine that applied the plan, which holds the journal.",
		"A rollback undoes the changes of the run, last one first. It skips and reports targets that changed after the run. Policies and groups that it creates again have new unique IDs, " +
			"and policy versions have new numbers.",
	}, Code: []DifferenceLine{{' ', r.Rollback + " --list"}, {' ', r.Rollback + " RUN"}}}
	if r.Next != "" {
		s.Text = append([]string{"Command that applies the plan: " + r.Next}, s.Text...)
	}
	return s
}
