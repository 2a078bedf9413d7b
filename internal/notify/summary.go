package notify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/view"
)

// condensed is a summary of readable size: some messages in full, the others
// counted by account and rule.
type condensed struct {
	cards  []Message
	groups []group
}

// A group counts the messages of one account, rule and kind.
type group struct {
	message Message // the first one
	count   int
	names   []string // of the first subjects
}

// namesOfGroup is the maximum number of subjects named in a group.
const namesOfGroup = 3

// condensed returns the worst messages in full, up to this many, and counts the
// others.
func (d *Summary) condensed(cards int) condensed {
	all := d.sorted()
	n := min(cards, len(all))
	return condensed{cards: all[:n], groups: grouped(all[n:])}
}

// grouped counts sorted messages; the groups keep the order of their first
// messages.
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

// counted returns the number of messages in groups, and of their accounts.
func counted(groups []group) (messages, inAccounts int) {
	seen := map[string]bool{}
	for _, g := range groups {
		messages += g.count
		seen[g.message.Account] = true
	}
	return messages, len(seen)
}

// headline returns the summary in one line.
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
	line := "forcemfa: " + view.Count(len(d.Messages), "message") + " from " + view.Count(accounts(d.Messages), "account")
	if urgent > 0 {
		line += fmt.Sprintf(", %d of high severity", urgent)
	}
	return line
}

// color is red for failures, even with a workaround, and for high severity;
// green only for success.
func (m *Message) color() string {
	switch {
	case m.isTest():
		return "white"
	case m.Kind == KindBlocked, m.Kind == KindWorkaround, m.Kind == KindTampering:
		return "red"
	case m.Kind == KindEnforced, m.Kind == KindFixed:
		return "green"
	case m.Kind == KindWindow:
		return "orange"
	case m.Urgent():
		return "red"
	case m.Kind == KindUnread, m.severity() == audit.Medium:
		return "orange"
	}
	return "yellow"
}

// color returns the color of the worst message.
func (d *Summary) color() string {
	order := []string{"red", "orange", "yellow", "green", "white"}
	worst := len(order) - 1
	for i := range d.Messages {
		worst = min(worst, slices.Index(order, d.Messages[i].color()))
	}
	return order[worst]
}

// origin returns the source of a summary, for its footer.
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

// subjects names the first subjects of a group and counts the others. mark
// formats a name.
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

// clip shortens text to one line of at most this many characters and adds how
// many were cut, or the given end.
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
