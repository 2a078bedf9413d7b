package report

import (
	"cmp"
	"html/template"
	"strings"

	"forcemfa/internal/keys"
	"forcemfa/internal/prose"
)

// keyTable are the keys to retire first.
type keyTable struct {
	Note, More string
	Rows       []keyRow
}

type keyRow struct {
	Name, About, Can, Next, Why string
	Link                        template.URL
}

// rankKey adds the row of a key, and keeps the first ones for the summary.
func (p *Page) rankKey(k *keys.Key) {
	p.data.ranked(k)
	if len(p.firstKeys) < mostRows/2 {
		p.firstKeys = append(p.firstKeys, *k)
	}
}

func (p *Page) keyTable() *keyTable {
	n := p.keys
	if n == nil {
		return nil
	}
	var notes []string
	if n.Administer > 0 {
		notes = append(notes, prose.Count(n.Administer, "active key")+" can administer an account without MFA.")
	}
	if n.Unused > 0 {
		notes = append(notes, prose.Count(n.Unused, "active key")+prose.Plural(n.Unused, " has", " have")+" not been used for 90 days.")
	}
	t := &keyTable{Note: strings.Join(append(notes, prose.Number(n.Active)+" of "+prose.Count(n.Keys, "key")+" "+prose.Plural(n.Active, "is", "are")+" active."), " ")}
	for i := range p.firstKeys {
		k := &p.firstKeys[i]
		t.Rows = append(t.Rows, keyRow{short(k.User), keyAbout(k), clip(visible(k.Worst), 110), clip(visible(k.Next), 110), clip(visible(k.Why), 110),
			template.URL(userLink(k.Account, k.User))})
	}
	if n.Keys > len(t.Rows) {
		t.More = "All of them are listed below."
	}
	return t
}

// keyAbout are the kind of a key, its age and its last use.
func keyAbout(k *keys.Key) string {
	about := []string{visible(k.Kind)}
	if !k.Active {
		about = append(about, "inactive")
	}
	if k.Created != nil {
		about = append(about, prose.Count(k.AgeDays, "day")+" old")
	}
	switch {
	case k.LastUsed != nil:
		about = append(about, "last used "+day(*k.LastUsed))
	case k.Use == keys.Never:
		about = append(about, "never used")
	}
	return short(strings.Join(about, ", "))
}

// ranked adds the row of a key: user, account, ID, kind, whether it is active, its age,
// its last use, the worst that it can do, who uses it, recorded calls, the next step and
// the reason.
func (d *data) ranked(k *keys.Key) {
	o := &owner{name: visible(k.User), account: k.Account}
	active, age := 0, -1
	if k.Active {
		active = 1
	}
	if k.Created != nil {
		age = k.AgeDays
	}
	r := &d.keyRows
	r.row()
	r.string(o.name)
	r.number(d.place(k.Account))
	r.string(visible(k.ID))
	r.number(d.texts.of(visible(k.Kind)))
	r.number(active)
	r.number(age)
	r.number(epochDay(k.LastUsed))
	r.number(d.texts.of(map[string]string{keys.Never: "never"}[k.Use]))
	r.number(d.texts.text(k.Worst, o))
	r.number(d.texts.text(strings.Join(k.UsedBy, ", "), o))
	r.number(k.Calls)
	// The next step names the key, which the row has.
	r.number(d.texts.text(cmp.Or(strings.TrimSuffix(k.Next, ": forcemfa keys retire "+k.ID), k.Next), o))
	r.number(d.texts.text(k.Why, o))
	r.end()
}

// place is the index of an account of the run; -1: the run has no such account.
func (d *data) place(account string) int {
	if at, known := d.places[account]; known {
		return at
	}
	return -1
}
