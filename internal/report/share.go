package report

import (
	"cmp"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"

	"forcemfa/internal/audit"
	"forcemfa/internal/prose"
)

// How many accounts and units a picture names; the others are one bar.
const (
	mostAccounts = 10
	mostUnits    = 6
)

// pictures are the bars of the summary.
func (p *Page) pictures(s *summary) {
	c := p.end.Counts
	s.Whole = bar(c, c.Users)
	notes := map[audit.State]string{}
	if c.Enforced > 0 && p.people.proved == c.Enforced {
		notes[audit.Enforced] = prose.Plural(c.Enforced, "proved", "all proved")
	}
	for _, shade := range shades {
		if n := ofState(c, shade.state); n > 0 || shade.state != audit.Unknown {
			s.Legend = append(s.Legend, legend{shade.fill, string(shade.state), prose.Number(n), shade.words, notes[shade.state]})
		}
	}
	if unread := p.end.AccountsUnread; unread > 0 {
		s.NotRead = prose.Count(unread, "account") + " not read"
	}
	p.accountBars(s)
	p.unitBars(s)
	p.funnel(s)
}

// named are the counts of an account or a unit.
type named struct {
	name, link string
	audit.Counts
}

func (p *Page) accountBars(s *summary) {
	var all []named
	for i := range p.accounts {
		if a := &p.accounts[i]; a.Read && a.Users > 0 {
			all = append(all, named{cmp.Or(a.Name, a.ID), "users?account=" + url.QueryEscape(a.ID), a.Counts})
		}
	}
	s.AccountsNote = "The most users without MFA first."
	if without := p.end.AccountsRead - len(all); without > 0 {
		s.AccountsNote += " " + prose.Count(without, "account") + " without IAM users " + prose.Plural(without, "is", "are") + " not shown."
	}
	s.Accounts = shares(all, mostAccounts, "account")
}

// unitBars are drawn when the organization has more than one unit with users.
func (p *Page) unitBars(s *summary) {
	sums := map[string]*named{}
	for i := range p.accounts {
		a := &p.accounts[i]
		if a.Users == 0 {
			continue
		}
		name := cmp.Or(unitPath(a.Units), "in no unit")
		if sums[name] == nil {
			sums[name] = &named{name: name}
		}
		sums[name].Add(a.Counts)
	}
	if len(sums) < 2 {
		return
	}
	var all []named
	for _, n := range sums {
		all = append(all, *n)
	}
	s.Units = shares(all, mostUnits, "unit")
}

// shares are the bars of the first ones, and one of all others together.
func shares(all []named, first int, noun string) []share {
	slices.SortFunc(all, func(x, y named) int {
		return cmp.Or(cmp.Compare(y.Open, x.Open), cmp.Compare(y.Users, x.Users), strings.Compare(x.name, y.name))
	})
	if len(all) > first+1 {
		rest := named{name: "other " + noun + "s (" + prose.Number(len(all)-first) + ")"}
		for _, n := range all[first:] {
			rest.Add(n.Counts)
		}
		all = append(all[:first:first], rest)
	}
	most := 0
	for i := range all[:min(len(all), first)] {
		most = max(most, all[i].Users)
	}
	var out []share
	for i := range all {
		n := &all[i]
		// A bar of all others may be longer than the picture: it shows shares.
		out = append(out, share{short(n.name), template.URL(n.link), bar(n.Counts, max(n.Users, most, 1)),
			prose.Number(n.Open), prose.Number(n.Users)})
	}
	return out
}

// funnel are the steps to enforced MFA.
func (p *Page) funnel(s *summary) {
	c, n := p.end.Counts, &p.people
	steps := []struct {
		name  string
		count int
		class string
	}{
		{"no MFA device", n.noDevice, "step"},
		{"have an MFA device", n.device, "step"},
		{"have to use it (enforced)", c.Enforced, "enforced"},
		{"proved", n.proved, "enforced"},
	}
	for _, at := range steps {
		s.Funnel = append(s.Funnel, step{at.name, prose.Number(at.count), plain(at.count, c.Users, at.class)})
	}
	if n.proved > 0 {
		s.Funnel[len(s.Funnel)-1].Name = fmt.Sprintf("proved, %s for any action", prose.Number(n.anyAction))
	}
}

// userLink is the fragment that opens the details of a user.
func userLink(account, name string) string {
	return "user/" + url.PathEscape(account) + "/" + url.PathEscape(visible(name))
}
