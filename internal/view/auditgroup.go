package view

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"forcemfa/internal/audit"
	"forcemfa/internal/prose"
)

// A findingGroup is a number of findings with something in common.
type findingGroup struct {
	key      string
	severity audit.Severity // the worst
	count    int
	rows     []audit.Finding
}

func byGroupWeight(x, y *findingGroup) int {
	return cmp.Or(cmp.Compare(x.severity.Rank(), y.severity.Rank()), cmp.Compare(y.count, x.count), strings.Compare(x.key, y.key))
}

// byRule prints the number of findings of each rule, and what the rule means.
func (a *AuditText) byRule(w io.Writer) {
	if len(a.rules) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n\n", a.style.Paint(text.Bold, "Findings by rule (--group-by rule lists them)"))
	var groups []*findingGroup
	width := 0
	for _, g := range a.rules {
		groups = append(groups, g)
		width = max(width, len(prose.Number(g.count)))
	}
	slices.SortFunc(groups, byGroupWeight)
	var rows [][]string
	for _, g := range groups {
		rows = append(rows, []string{"  " + a.severity(g.severity), fmt.Sprintf("%*s × %s", width, prose.Number(g.count), g.key)})
	}
	a.style.List(w, rows)
}

// groups prints the findings in groups, the worst group first.
func (a *AuditText) groups(w io.Writer) {
	groups := a.grouped()
	shown := groups
	if !a.All && len(groups) > worst {
		shown = groups[:worst]
	}
	if len(groups) > 0 {
		fmt.Fprintf(w, "\n%s\n", a.style.Paint(text.Bold, fmt.Sprintf("Findings by %s, worst first", a.GroupBy)))
	}
	for _, g := range shown {
		fmt.Fprintf(w, "\n%s  %s\n", a.style.Paint(text.Bold, g.key), Count(g.count, "finding"))
		a.style.List(w, a.groupRows(g))
	}
	if more := len(groups) - len(shown); more > 0 {
		fmt.Fprintf(w, "\n%s (--all shows every one)\n", Count(more, "more group"))
	}
}

// grouped returns the groups, the worst first.
func (a *AuditText) grouped() []*findingGroup {
	byKey := map[string]*findingGroup{}
	for _, f := range a.rows { // by weight, so the first of a group is its worst
		key := a.groupKey(f)
		g := byKey[key]
		if g == nil {
			g = &findingGroup{key: key, severity: f.Severity}
			byKey[key] = g
		}
		g.count++
		g.rows = append(g.rows, f)
	}
	groups := make([]*findingGroup, 0, len(byKey))
	for _, g := range byKey {
		groups = append(groups, g)
	}
	slices.SortFunc(groups, byGroupWeight)
	return groups
}

func (a *AuditText) groupKey(f audit.Finding) string {
	switch a.GroupBy {
	case ByRule:
		return f.Rule
	case ByUser:
		if name, is := strings.CutPrefix(f.Subject, "user/"); is {
			return accountLabel(f) + "/" + Clean(name)
		}
		return accountLabel(f) + " (not about one user)"
	}
	return AccountName(f.Account, f.AccountName)
}

// mostOfGroup is how many rows of a group are shown without --all.
const mostOfGroup = 3

// groupRows are the findings of a group. In an account, findings of one rule are one row
// unless all are shown.
func (a *AuditText) groupRows(g *findingGroup) [][]string {
	if a.GroupBy == ByAccount && !a.All {
		return a.rulesOf(g)
	}
	rows := [][]string{}
	for i, f := range g.rows {
		if i == mostOfGroup && !a.All && len(g.rows) > mostOfGroup+1 {
			return append(rows, []string{"  …", fmt.Sprintf("and %s more", prose.Number(len(g.rows)-mostOfGroup)), ""})
		}
		switch {
		case a.GroupBy == ByRule:
			rows = append(rows, []string{"  " + a.severity(f.Severity), accountLabel(f) + " " + Clean(f.Subject), Clean(f.Words())})
		case strings.HasPrefix(f.Subject, "user/") && a.GroupBy == ByUser:
			rows = append(rows, []string{"  " + a.severity(f.Severity), f.Rule, Clean(f.Words())})
		default:
			rows = append(rows, []string{"  " + a.severity(f.Severity), f.Rule + " " + Clean(f.Subject), Clean(f.Words())})
		}
	}
	return rows
}

// rulesOf are the rules of a group with their numbers of findings, by severity.
func (a *AuditText) rulesOf(g *findingGroup) [][]string {
	var rules []*findingGroup
	at := map[string]*findingGroup{}
	for _, f := range g.rows {
		r := at[f.Rule]
		if r == nil {
			r = &findingGroup{key: f.Rule, severity: f.Severity}
			at[f.Rule] = r
			rules = append(rules, r)
		}
		r.count++
	}
	var rows [][]string
	for i, r := range rules {
		words := fmt.Sprintf("%s × %s", prose.Number(r.count), r.key)
		if i > 0 && rules[i-1].severity == r.severity {
			rows[len(rows)-1][1] += ", " + words
			continue
		}
		rows = append(rows, []string{"  " + a.severity(r.severity), words})
	}
	return rows
}
