package view

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/prose"
)

// A PlanReport is a plan with what a person needs to read it.
type PlanReport struct {
	Plan *plan.Plan
	// All shows every step; otherwise the steps of a long plan are summed up by account.
	// Verbose shows every user of the notes.
	All, Verbose bool
	Names        map[string]string // of accounts, by ID
	Head         Headline          // of the run; its title is printed first
	Unread       []org.Gap
	Skipped      []org.Gap
	Next         string // the next command; empty: none is shown
}

// Plan prints a plan for a person: notes, then the steps by account, the
// blocked ones with their remedy, and a line that sums up.
func Plan(w io.Writer, style Style, p *plan.Plan) {
	r := &PlanReport{Plan: p}
	var out bytes.Buffer
	r.notes(&out, style)
	r.steps(&out, style)
	fmt.Fprintf(&out, "\n%s\n", r.verdict(style))
	_, _ = w.Write(out.Bytes())
}

// Text prints the whole report.
func (r *PlanReport) Text(w io.Writer, style Style) error {
	var out bytes.Buffer
	r.summary(&out, style)
	r.notes(&out, style)
	r.documents(&out, style)
	r.steps(&out, style)
	Unread(&out, style, r.Unread)
	Skipped(&out, style, r.Skipped)
	fmt.Fprintln(&out)
	style.Lines(&out, r.verdict(style))
	if r.Next != "" {
		fmt.Fprintf(&out, "Next: %s\n", r.Next)
	}
	return style.Headline(w, r.Head.Title, out.Bytes())
}

// summary prints how many users are affected, and how.
func (r *PlanReport) summary(w io.Writer, style Style) {
	sum := r.Plan.Summary()
	users := func(kind string) int { return len(r.Plan.List(kind)) }
	rows := [][]string{{"  changes", prose.Number(sum.Steps), "in " + Count(sum.Accounts, "account")}}
	add := func(n int, what, more string, color text.Color) {
		if n > 0 {
			rows = append(rows, []string{"  " + what, style.Paint(color, prose.Number(n)), more})
		}
	}
	add(enforced(r.Plan), "users to enforce", "", text.Reset)
	add(users(plan.KindStops), "users with credentials that stop working", "without MFA", amber)
	add(users(plan.KindLockedOut), "users that will be locked out", "acknowledged", red)
	add(users(plan.KindWindow), "enrollment windows", "", text.Reset)
	add(users(plan.KindScheduled), "users of later waves", "", text.Reset)
	add(sum.Blocked, "blocked steps", "see below", red)
	style.List(w, rows)
}

// enforced counts the users that the plan enforces, by a step of their own or by one on a
// policy or group that covers them already.
func enforced(p *plan.Plan) int {
	users := map[string]bool{}
	for i := range p.Steps {
		switch s := &p.Steps[i]; s.Op {
		case plan.AddUserToGroup, plan.AttachUserPolicy, plan.PutUserPolicy:
			if s.Blocked == "" {
				users[s.Subject] = true
			}
		}
	}
	return len(users) + len(p.List(plan.KindThrough))
}

// fewUsers is how many users of a list are shown unless all are.
const fewUsers = 5

func (r *PlanReport) notes(w io.Writer, style Style) {
	most := fewUsers
	if r.Verbose {
		most = 0
	}
	sentences := r.Plan.Sentences(most)
	if !r.Verbose {
		sentences = once(sentences)
	}
	for i, note := range sentences {
		if i == 0 && r.Head.Title != "" {
			fmt.Fprintln(w)
		}
		style.hang(w, "note: ", Clean(note), 6)
	}
}

var accountID = regexp.MustCompile(`\b[0-9]{12}\b`)

// once keeps the first of the sentences that differ only in the account.
func once(sentences []string) []string {
	var first []string
	at, more := map[string]int{}, map[int]int{}
	for _, s := range sentences {
		key := accountID.ReplaceAllString(s, "ACCOUNT")
		if i, known := at[key]; known && key != s {
			more[i]++
			continue
		}
		at[key] = len(first)
		first = append(first, s)
	}
	for i, n := range more {
		first[i] += fmt.Sprintf(" (and the same in %s)", Count(n, "more account"))
	}
	return first
}

// manySteps is how many steps are shown one by one unless all are.
const manySteps = 100

// steps prints the steps, or sums up those of a long plan by account.
func (r *PlanReport) steps(w io.Writer, style Style) {
	if len(r.Plan.Steps) <= manySteps || r.All {
		r.eachStep(w, style)
		return
	}
	r.byAccount(w, style)
	r.blocked(w, style)
}

func (r *PlanReport) eachStep(w io.Writer, style Style) {
	account := ""
	why, groups := blockReasons(r.Plan)
	for i := range r.Plan.Steps {
		s := &r.Plan.Steps[i]
		if s.Account != account {
			account = s.Account
			fmt.Fprintf(w, "\n%s\n", style.Paint(text.Bold, AccountName(account, r.Names[account])))
		}
		group := groups[why[i]]
		switch {
		case s.Blocked == "":
			planLine(w, style, s)
		case group[0] == s:
			for _, same := range group {
				planLine(w, style, same)
			}
			style.hang(w, "      blocked: ", Clean(why[i].text), 8)
			if why[i].remedy != "" {
				style.hang(w, "      remedy: ", Clean(why[i].remedy), 8)
			}
		}
	}
}

// A blockReason is why steps of an account are blocked. Steps that need a blocked one have
// the remedy of that one, which is shown there.
type blockReason struct{ account, text, remedy string }

// blockReasons are the reasons of all steps, by index, and the steps of each reason.
func blockReasons(p *plan.Plan) ([]blockReason, map[blockReason][]*plan.Step) {
	steps := map[string]*plan.Step{}
	for i := range p.Steps {
		steps[p.Steps[i].ID] = &p.Steps[i]
	}
	why, groups := make([]blockReason, len(p.Steps)), map[blockReason][]*plan.Step{}
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Blocked == "" {
			continue
		}
		why[i] = blockReason{s.Account, s.Blocked, s.Remedy}
		if first := firstBlocked(steps, s); first != s {
			why[i] = blockReason{s.Account, "needs " + StepSentence(first) + ", which is blocked", ""}
		}
		groups[why[i]] = append(groups[why[i]], s)
	}
	return why, groups
}

// firstBlocked is the step that a step needs, directly or through others, and that is
// blocked by itself.
func firstBlocked(steps map[string]*plan.Step, s *plan.Step) *plan.Step {
	for range steps {
		needed := steps[s.BlockedBy()]
		if needed == nil {
			break
		}
		s = needed
	}
	return s
}

// byAccount prints one row for each of the accounts with the most changes.
func (r *PlanReport) byAccount(w io.Writer, style Style) {
	var accounts []*accountSteps
	at := map[string]*accountSteps{}
	for i := range r.Plan.Steps {
		s := &r.Plan.Steps[i]
		if s.Blocked != "" {
			continue
		}
		if at[s.Account] == nil {
			at[s.Account] = &accountSteps{id: s.Account, ops: map[string]int{}}
			accounts = append(accounts, at[s.Account])
		}
		at[s.Account].add(s)
	}
	sortByChanges(accounts)
	fmt.Fprintf(w, "\n%s\n\n", style.Paint(text.Bold, "Changes by account (--all lists every change)"))
	var rows [][]string
	for i, a := range accounts {
		if i == worst && len(accounts) > worst+1 {
			rows = append(rows, []string{"  …", "", "and " + Count(len(accounts)-worst, "more account")})
			break
		}
		rows = append(rows, []string{"  " + a.id, Clean(r.Names[a.id]), a.words()})
	}
	style.List(w, rows)
}

// A blockedGroup is steps that the same guard blocks.
type blockedGroup struct {
	guard, why, remedy string
	users              []string
}

// GuardOf is the guard that blocks a step; empty: it is blocked for another reason.
func GuardOf(s *plan.Step) string {
	if m := guardOf.FindStringSubmatch(s.Remedy); m != nil {
		return m[1]
	}
	return ""
}

// guardOf is the guard in the remedy of a blocked step, as planner writes it.
var guardOf = regexp.MustCompile(`--ack ([a-z-]+):`)

// blocked prints the blocked steps by guard, each with the reason and remedy of its
// first step.
func (r *PlanReport) blocked(w io.Writer, style Style) {
	groups := blockedGroups(r.Plan)
	if len(groups) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", style.Paint(text.Bold, "Blocked (--all lists every step)"))
	for i, g := range groups {
		if i == worst && len(groups) > worst+1 {
			fmt.Fprintf(w, "\n  … and %s\n", Count(len(groups)-worst, "more reason"))
			return
		}
		fmt.Fprintf(w, "\n  %s %s × %s\n", style.Paint(red, "!"), prose.Number(len(g.users)), Clean(g.guard))
		style.hang(w, "      ", Clean(prose.Few(g.users)), 6)
		style.hang(w, "      blocked: ", Clean(g.why), 8)
		if g.remedy != "" {
			style.hang(w, "      remedy: ", Clean(g.remedy), 8)
		}
	}
}

func blockedGroups(p *plan.Plan) []*blockedGroup {
	var groups []*blockedGroup
	at := map[string]*blockedGroup{}
	why, _ := blockReasons(p)
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Blocked == "" {
			continue
		}
		guard := cmp.Or(GuardOf(s), "not possible")
		if s.BlockedBy() != "" {
			guard = "needs a blocked step"
		}
		key := guard
		if guard == "not possible" {
			key = strings.ReplaceAll(strings.ReplaceAll(s.Blocked, s.Account, ""), s.UserName(), "")
		}
		if at[key] == nil {
			at[key] = &blockedGroup{guard: guard, why: why[i].text, remedy: why[i].remedy}
			groups = append(groups, at[key])
		}
		who := s.UserName()
		if who == "" {
			who = string(s.Op)
		}
		at[key].users = append(at[key].users, s.Account+"/"+who)
	}
	return groups
}

// verdict sums up the plan in a line.
func (r *PlanReport) verdict(style Style) string {
	sum := r.Plan.Summary()
	return fmt.Sprintf("Plan: %s in %s, %s.", Count(sum.Steps, "step"), Count(sum.Accounts, "account"),
		style.Paint(blockedColor(sum.Blocked), strconv.Itoa(sum.Blocked)+" blocked"))
}

func planLine(w io.Writer, style Style, s *plan.Step) {
	mark, color := mark(s)
	style.hang(w, "  "+style.Paint(color, mark)+" ", Clean(StepSentence(s)), 6)
}

// mark is how a step is marked: + makes, ~ changes, - takes away, ! is blocked.
func mark(s *plan.Step) (string, text.Color) {
	switch {
	case s.Blocked != "":
		return "!", red
	case !s.Want.Present:
		return "-", amber
	case s.Expect.Present:
		return "~", amber
	}
	return "+", green
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
		return red
	}
	return green
}
