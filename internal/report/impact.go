package report

import (
	"cmp"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"

	"forcemfa/internal/impact"
	"forcemfa/internal/prose"
	"forcemfa/internal/run"
)

// impactTable are the users whose recorded calls the plan denies.
type impactTable struct {
	Note, More string
	Rows       []impactRow
}

type impactRow struct {
	Name, Kind, Denied, Next string
	Link                     template.URL
}

func (p *Page) impactTable() *impactTable {
	if p.impact == nil {
		return nil
	}
	t := &impactTable{Note: fmt.Sprintf("From %s of CloudTrail: %s would be denied.", prose.Count(p.impact.Log.Days, "day"), prose.Count(p.impact.Calls.Denied, "call"))}
	all := 0
	var kinds []string
	for _, k := range []impact.Kind{impact.ServiceAccount, impact.Person, impact.Both, impact.Unclear, impact.Unused} {
		if n := p.stops[k]; n > 0 {
			all += n
			kinds = append(kinds, kindWords(n, k))
		}
	}
	if all > 0 {
		t.Note += " They are of " + prose.Count(all, "user") + " (" + strings.Join(kinds, ", ") + ")."
	}
	for i := range p.affected {
		u := &p.affected[i]
		t.Rows = append(t.Rows, impactRow{short(u.Name), short(cmp.Or(string(u.Kind), "unclear")) + tools(u), prose.Number(u.Denied), clip(visible(u.Next), 110),
			template.URL(userLink(u.Account, u.Name))})
	}
	t.More = strings.TrimSpace(moreRows(len(t.Rows), all, "users") + blindWords(p.impact))
	return t
}

// kindWords is a number of users of a kind.
func kindWords(n int, k impact.Kind) string {
	switch k {
	case impact.ServiceAccount:
		return prose.Count(n, "service account")
	case impact.Person:
		return prose.Number(n) + prose.Plural(n, " person", " people")
	case impact.Both:
		return prose.Number(n) + " used by both"
	}
	return prose.Number(n) + " " + string(k)
}

func tools(u *impact.User) string {
	if len(u.Tools) == 0 {
		return ""
	}
	return ", " + short(prose.Few(u.Tools))
}

// blindWords says how much the log cannot show.
func blindWords(r *impact.Report) string {
	if len(r.Blind) == 0 {
		return ""
	}
	return " The log has blind spots: " + clip(visible(r.Blind[0].Why), longest*2) + moreBlind(len(r.Blind)-1)
}

func moreBlind(n int) string {
	if n == 0 {
		return "."
	}
	return ", and " + prose.Number(n) + " more."
}

// outcomes say what a run of apply or rehearse came to.
func (p *Page) outcomes() []fact {
	var facts []fact
	if a := p.applied; a != nil {
		var parts []string
		for _, outcome := range slices.Sorted(maps.Keys(a.Outcomes)) {
			parts = append(parts, prose.Number(a.Outcomes[outcome])+" "+visible(outcome))
		}
		facts = append(facts, fact{"Applied steps", strings.Join(parts, ", ")}, fact{"Run, for rollback", visible(a.Run)})
	}
	if r := p.rehearsal; r != nil {
		facts = append(facts,
			fact{"Attacks before the plan", attacks(&r.AttacksThen)}, fact{"Attacks after the plan", attacks(&r.AttacksNow)},
			fact{"Expected access", prose.Number(r.Expected.Worked) + " of " + prose.Number(r.Expected.Tried) + " legitimate actions still work"})
	}
	return facts
}

func attacks(a *run.Attacks) string {
	return fmt.Sprintf("%s of %s succeeded, %s refused", prose.Number(a.Succeeded), prose.Number(a.Tried), prose.Number(a.Refused))
}

// planTable sums up the plan of the run.
type planTable struct {
	Sentence, More string
	Blocked        []blockedRow
}

type blockedRow struct{ Subject, Account, Why, Remedy string }

func (p *Page) planTable() *planTable {
	if p.plan == nil {
		return nil
	}
	t := &planTable{Sentence: fmt.Sprintf("%s in %s, %s blocked.", prose.Count(p.plan.Steps, "change"), prose.Count(p.plan.Accounts, "account"), prose.Number(p.plan.Blocked))}
	var guards []string
	for g, n := range p.plan.Guards {
		guards = append(guards, prose.Number(n)+" "+short(g))
	}
	slices.Sort(guards)
	if len(guards) > 0 {
		t.Sentence += " By guard: " + strings.Join(guards, ", ") + "."
	}
	for i := range p.blocked {
		b := &p.blocked[i]
		t.Blocked = append(t.Blocked, blockedRow{short(tail(b.Subject)), short(b.Account), clip(visible(b.Why), 120), clip(visible(b.Remedy), 120)})
	}
	t.More = strings.TrimSpace(moreRows(len(t.Blocked), p.plan.Blocked, "blocked steps"))
	return t
}
