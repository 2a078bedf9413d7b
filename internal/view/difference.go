package view

import (
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/jedib0t/go-pretty/v6/text"

	"forcemfa/internal/audit"
	"forcemfa/internal/compare"
	"forcemfa/internal/prose"
)

// Comparison prints what changed between two runs, the worst first. Without all, it
// shortens each list.
func Comparison(w io.Writer, style Style, r *compare.Result, all bool) {
	fmt.Fprintf(w, "%s\n\n", style.Paint(text.Bold, "What changed since "+r.Earlier.Head.Time.UTC().Format("2006-01-02 15:04 MST")))
	style.List(w, [][]string{
		{"  earlier", Clean(r.Earlier.Title)}, {"  later", Clean(r.Later.Title)},
	})
	fmt.Fprintln(w)
	style.List(w, [][]string{
		{"  can act without MFA", went(r.Earlier.Users.Open, r.Later.Users.Open)},
		{"  enforced", went(r.Earlier.Users.Enforced, r.Later.Users.Enforced)},
		{"  exempt", went(r.Earlier.Users.Exempt, r.Later.Users.Exempt)},
		{"  findings", fmt.Sprintf("%s new, %s fixed, %s changed, %s still there", prose.Number(len(r.New)), prose.Number(len(r.Fixed)), prose.Number(len(r.Changed)), prose.Number(len(r.Stayed)))},
	})
	style.differences(w, "New", r.New, all)
	style.differences(w, "Fixed", r.Fixed, all)
	style.changes(w, r.Changed, all)
	style.userChanges(w, r.Users, all)
	style.notCompared(w, r)
}

func went(before, after int) string {
	if after == before {
		return prose.Number(after) + ", as before"
	}
	return fmt.Sprintf("%s, before %s (%+d)", prose.Number(after), prose.Number(before), after-before)
}

func (s Style) differences(w io.Writer, title string, list []audit.Finding, all bool) {
	if len(list) == 0 {
		return
	}
	sorted := slices.SortedStableFunc(slices.Values(list), compare.Worst)
	var rows [][]string
	for _, f := range sorted {
		rows = append(rows, []string{"  " + string(f.Severity), f.Rule, Clean(f.Subject), accountLabel(f), Clean(f.Words())})
	}
	s.shortened(w, title, rows, all)
}

func (s Style) changes(w io.Writer, list []compare.Change, all bool) {
	var rows [][]string
	for _, c := range list {
		what := "was: " + c.Before.What + "; is: " + c.After.What
		if c.Before.Severity != c.After.Severity {
			what = string(c.Before.Severity) + " to " + string(c.After.Severity) + "; " + what
		}
		rows = append(rows, []string{"  " + string(c.After.Severity), c.After.Rule, Clean(c.After.Subject), accountLabel(c.After), Clean(what)})
	}
	s.shortened(w, "Changed", rows, all)
}

func (s Style) userChanges(w io.Writer, list []compare.UserChange, all bool) {
	var rows [][]string
	for _, u := range list {
		change := string(u.Before) + " to " + string(u.After)
		switch {
		case u.Before == "":
			change = "new user, " + string(u.After)
		case u.After == "":
			change = "user is gone, was " + string(u.Before)
		}
		rows = append(rows, []string{"  user/" + Clean(u.Name), AccountName(u.Account, u.AccountName), change})
	}
	s.shortened(w, "Users", rows, all)
}

// shortened prints a titled list, at most the worst rows without all.
func (s Style) shortened(w io.Writer, title string, rows [][]string, all bool) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n\n", s.Paint(text.Bold, title))
	more := 0
	if !all && len(rows) > worst {
		rows, more = rows[:worst], len(rows)-worst
	}
	s.List(w, rows)
	if more > 0 {
		fmt.Fprintf(w, "  … and %s more (--all shows every one)\n", prose.Number(more))
	}
}

// notCompared prints what limits the comparison.
func (s Style) notCompared(w io.Writer, r *compare.Result) {
	if len(r.Unknown) > 0 {
		fmt.Fprintln(w)
		s.Lines(w, s.Paint(amber, Count(len(r.Unknown), "earlier finding")+" cannot be compared: the later run did not read the account."))
	}
	for _, d := range r.Departed {
		fmt.Fprintln(w)
		s.Lines(w, s.Paint(amber, AccountName(d.Account, d.AccountName)+" is not in the organization any more. Its "+Count(d.Users, "user")+
			" of the earlier run may act without MFA: no service control policy affects the account, and nothing is read of it."))
	}
	if len(r.FirstRead) > 0 {
		fmt.Fprintln(w)
		s.Lines(w, "Only the later run read "+prose.Few(r.FirstRead)+": findings there are new in the report, and may be old in AWS.")
	}
	if r.Earlier.Head.Config != r.Later.Head.Config {
		fmt.Fprintln(w)
		s.Lines(w, "The config file or the version of forcemfa changed between the runs, so exemptions and documents may differ.")
	}
	if r.Earlier.Head.Filtered != r.Later.Head.Filtered {
		fmt.Fprintln(w)
		s.Lines(w, "One of the runs left accounts out, so the numbers of users are not comparable.")
	}
}

// Trend prints the numbers of runs by time.
func Trend(w io.Writer, style Style, points []compare.Point) {
	var rows [][]string
	for i := range points {
		p := &points[i]
		note := ""
		switch {
		case p.Filtered:
			note = "accounts left out"
		case !p.Complete:
			note = "incomplete"
		}
		rows = append(rows, append(append([]string{p.Time.UTC().Format("2006-01-02 15:04"), p.Verb}, counts(p.Counts)...),
			strconv.Itoa(p.Findings[audit.Critical]), strconv.Itoa(p.Findings[audit.High]), note))
	}
	style.Table(w, []string{"time (UTC)", "verb", "users", "enforced", "exempt", "open", "unknown", "critical", "high", "note"}, rows, nil)
}
