package notify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/view"
)

// An condensed is a summary cut to a size that people read: some messages in full,
// the rest counted by account and rule. Every message is in one of them.
type condensed struct {
	cards  []Message
	groups []group
}

// A group is the messages of one account, rule and kind.
type group struct {
	message Message // the first of them
	count   int
	names   []string // of the first few subjects
}

// namesOfGroup is how many subjects a group names.
const namesOfGroup = 3

// condensed gives the worst messages, at most this many, in full.
func (d *Summary) condensed(cards int) condensed {
	all := d.sorted()
	n := min(cards, len(all))
	return condensed{cards: all[:n], groups: grouped(all[n:])}
}

// grouped counts sorted messages; the groups are in the order of their first
// message.
func grouped(all []Message) []group {
	type place struct {
		account, rule string
		kind          Kind
		severity      audit.Severity
	}
	at := map[place]int{}
	var groups []group
	for _, m := range all {
		key := place{m.Account, m.Rule(), m.Kind, m.severity()}
		i, known := at[key]
		if !known {
			i = len(groups)
			at[key] = i
			groups = append(groups, group{message: m})
		}
		g := &groups[i]
		g.count++
		if name := m.name(); len(g.names) < namesOfGroup && !slices.Contains(g.names, name) {
			g.names = append(g.names, name)
		}
	}
	return groups
}

// counted sums groups: how many messages they are, and in how many accounts.
func counted(groups []group) (messages, inAccounts int) {
	seen := map[string]bool{}
	for _, g := range groups {
		messages += g.count
		seen[g.message.Account] = true
	}
	return messages, len(seen)
}

// headline is the summary in one line.
func (d *Summary) headline() string {
	if len(d.Messages) == 1 {
		return d.Messages[0].title()
	}
	urgent := 0
	for i := range d.Messages {
		if d.Messages[i].Urgent() {
			urgent++
		}
	}
	line := "forcemfa: " + number(len(d.Messages), "message") + " from " + number(accounts(d.Messages), "account")
	if urgent > 0 {
		line += fmt.Sprintf(", %d of high severity", urgent)
	}
	return line
}

// color is red for what was not possible, whatever was done instead, and for
// what is severe; green only for what is as wanted.
func (m *Message) color() string {
	switch {
	case m.isTest():
		return "white"
	case m.Kind == KindBlocked, m.Kind == KindWorkaround, m.Kind == KindTampering:
		return "red"
	case m.Kind == KindEnforced, m.Kind == KindFixed:
		return "green"
	case m.Urgent():
		return "red"
	case m.Kind == KindGap, m.severity() == audit.Medium:
		return "orange"
	}
	return "yellow"
}

// color of a summary is that of its worst message.
func (d *Summary) color() string {
	order := []string{"red", "orange", "yellow", "green", "white"}
	worst := len(order) - 1
	for i := range d.Messages {
		worst = min(worst, slices.Index(order, d.Messages[i].color()))
	}
	return order[worst]
}

// origin says where a summary comes from, for its foot.
func (d *Summary) origin() string {
	var parts []string
	if d.Run != "" {
		parts = append(parts, "run "+d.Run)
	}
	if d.ConfigHash != "" {
		parts = append(parts, "config "+clip(d.ConfigHash, 12, ""))
	}
	switch {
	case !d.Since.IsZero() && !d.Until.IsZero() && d.Until.After(d.Since):
		parts = append(parts, stamp(d.Since)+" to "+stamp(d.Until))
	case !d.Until.IsZero():
		parts = append(parts, stamp(d.Until))
	case len(d.Messages) == 1:
		parts = append(parts, stamp(d.Messages[0].At))
	}
	if len(parts) == 0 {
		return "forcemfa"
	}
	return "forcemfa, " + strings.Join(parts, ", ")
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

// number is a count with its noun.
func number(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// subjects names a group's first subjects and counts the rest. mark writes one.
func (g *group) subjects(mark func(string) string) string {
	var names []string
	for _, n := range g.names {
		names = append(names, mark(n))
	}
	text := strings.Join(names, ", ")
	if rest := g.count - len(g.names); rest > 0 {
		text += fmt.Sprintf(" and %d more", rest)
	}
	return text
}

// clip makes text one line of at most so many characters. What is cut is
// counted, unless the text has another end.
func clip(text string, most int, end string) string {
	r := []rune(view.Clean(strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")))
	if len(r) <= most {
		return string(r)
	}
	if end != "" || most < 40 {
		keep := max(0, most-len([]rune(end)))
		return string(r[:keep]) + end
	}
	keep := most - 30
	return fmt.Sprintf("%s … and %d more characters", string(r[:keep]), len(r)-keep)
}
