package view

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"forcemfa/internal/impact"
	"forcemfa/internal/prose"
)

// Impact prints a report: totals, one line for each user who stops, what the log
// cannot show. all also lists users whose calls go on; now makes dates relative.
func Impact(w io.Writer, style Style, r *impact.Report, now time.Time, all bool) {
	impactHead(w, style, r)
	rows := impactRows(r, now, all)
	if len(rows) > 0 {
		fmt.Fprintln(w)
		style.Table(w, []string{"user", "denied", "last", "looks like and next step"}, rows, nil)
	}
	impactBlind(w, style, r)
}

func impactHead(w io.Writer, style Style, r *impact.Report) {
	if r.Calls.Read == 0 {
		fmt.Fprintf(w, "No recorded calls. The list rests on when access keys were last used.\n")
	} else {
		fmt.Fprintf(w, "%s to %s: %s of CloudTrail with records, %s\n\n", r.Log.First, r.Log.Last, Count(r.Log.Days, "day"), Count(r.Calls.Read, "event"))
		fmt.Fprintf(w, "  would be denied    %s of %s\n", Count(r.Calls.Denied, "call"), Count(len(stopping(r)), "user"))
		fmt.Fprintf(w, "  forwarded          %s by services for calls that are counted\n", Count(r.Calls.Forwarded, "call"))
		fmt.Fprintf(w, "  refused before     %s\n", Count(r.Calls.AlreadyDenied, "call"))
		if r.Calls.Undecided > 0 {
			fmt.Fprintf(w, "  not decided        %s\n", Count(r.Calls.Undecided, "call"))
		}
	}
	fmt.Fprintln(w)
	for _, line := range impactVerdict(r) {
		style.hang(w, "", line, 0)
	}
}

// stopping are the users with calls that would be denied.
func stopping(r *impact.Report) (users []impact.User) {
	for _, u := range r.Users {
		if u.Denied > 0 {
			users = append(users, u)
		}
	}
	return users
}

func impactVerdict(r *impact.Report) []string {
	kinds, alone := map[impact.Kind]int{}, 0
	users := stopping(r)
	for _, u := range users {
		kinds[u.Kind]++
		if u.NoOtherSignIn {
			alone++
		}
	}
	if len(users) == 0 {
		return []string{"No user makes recorded calls that will be denied."}
	}
	var parts []string
	for _, k := range []struct {
		kind      impact.Kind
		one, many string
	}{
		{impact.ServiceAccount, "service account", "service accounts"}, {impact.Person, "person", "people"},
		{impact.Both, "user of people and programs", "users of people and programs"}, {impact.Unclear, "unclear", "unclear"},
	} {
		if n := kinds[k.kind]; n > 0 {
			parts = append(parts, prose.Number(n)+" "+prose.Plural(n, k.one, k.many))
		}
	}
	lines := []string{fmt.Sprintf("%s of %s %s recorded calls that will be denied: %s.", prose.Number(len(users)), Count(len(r.Users), "user"), prose.Plural(len(users), "makes", "make"), strings.Join(parts, ", "))}
	if alone > 0 {
		lines = append(lines, fmt.Sprintf("%s of them %s no other way to sign in.", prose.Number(alone), prose.Plural(alone, "has", "have")))
	}
	return lines
}

func impactRows(r *impact.Report, now time.Time, all bool) (rows [][]string) {
	for _, u := range r.Users {
		if u.Denied == 0 && !all && u.Undecided == 0 && u.RoleCalls == 0 {
			continue
		}
		rows = append(rows,
			[]string{Clean(Clip(u.Name, 24)), strconv.Itoa(u.Denied), ago(u.Last, now), looksLike(&u)},
			[]string{"  " + u.Account, "", "", Clean(u.Next)})
		if u.RoleCalls > 0 {
			rows = append(rows, []string{"", "", "", "and " + Count(u.RoleCalls, "call") + " of the roles that it assumes"})
		}
	}
	return rows
}

func looksLike(u *impact.User) string {
	parts := []string{string(u.Kind)}
	if u.Confidence == "low" {
		parts[0] += "?"
	}
	if len(u.Tools) > 0 {
		parts = append(parts, strings.Join(u.Tools[:min(2, len(u.Tools))], ", "))
	}
	if len(u.Networks) > 0 {
		parts = append(parts, u.Networks[0])
	}
	return Clean(strings.Join(parts, " · "))
}

// ago is a time relative to now, such as 2 h ago.
func ago(stamp string, now time.Time) string {
	t, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		return ""
	}
	switch d := now.Sub(t); {
	case d < 0, d >= 48*time.Hour:
		return t.Format(time.DateOnly)
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + " min ago"
	default:
		return strconv.Itoa(int(d/time.Hour)) + " h ago"
	}
}

// impactBlind prints what the log cannot show, each kind once with a count.
func impactBlind(w io.Writer, style Style, r *impact.Report) {
	if len(r.Blind) > 0 {
		fmt.Fprintf(w, "\nThe log cannot show\n")
	}
	const most = 3
	shown := map[string]int{}
	for _, b := range r.Blind {
		if shown[b.What]++; shown[b.What] > most {
			continue
		}
		line := b.Why
		if b.Where != "" {
			line = Clip(b.Where, 60) + ": " + line
		}
		style.hang(w, "  ", Clean(line), 4)
	}
	for _, what := range slices.Sorted(maps.Keys(shown)) {
		if n := shown[what]; n > most {
			fmt.Fprintf(w, "  and %d more of %s (-o json has all)\n", n-most, what)
		}
	}
}

// ImpactUser prints all that is known about one user.
func ImpactUser(w io.Writer, style Style, u *impact.User) {
	fmt.Fprintf(w, "%s (%s)\n", Clean(u.Name), Clean(u.ARN))
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(w, "  %-12s %s\n", name, Clean(text))
		}
	}
	line("looks like", fmt.Sprintf("%s (confidence %s)", u.Kind, u.Confidence))
	for _, e := range u.Evidence {
		line("", e)
	}
	line("calls", fmt.Sprintf("%d, %d would be denied, %d forwarded by services", u.Calls, u.Denied, u.Forwarded))
	line("tools", strings.Join(u.Tools, ", "))
	line("networks", strings.Join(u.Networks, ", "))
	line("services", strings.Join(u.Services, ", "))
	line("hours", hourBar(u.Hours))
	line("roles", strings.Join(u.Roles, ", "))
	if u.RoleCalls > 0 {
		line("", Count(u.RoleCalls, "call")+" of role sessions that the user started without MFA")
	}
	line("next", u.Next)
	line("", u.NextWhy)
	var rows [][]string
	for _, a := range u.Actions {
		rows = append(rows, []string{strconv.Itoa(a.Count), Clean(a.Region), a.Last, Clean(a.Action)})
	}
	if len(rows) > 0 {
		fmt.Fprintln(w)
		style.Table(w, []string{"denied", "region", "last", "action"}, rows, nil)
	}
}

// hourBar shows calls by hour of the day, UTC, as 24 signs: a dot for none, 1 to 9 for some to most.
func hourBar(hours [24]int) string {
	top := slices.Max(hours[:])
	if top == 0 {
		return ""
	}
	var b strings.Builder
	for _, n := range hours {
		if n == 0 {
			b.WriteByte('.')
		} else {
			b.WriteByte('1' + byte(n*8/top))
		}
	}
	return b.String() + " (UTC, 0 to 23 o'clock)"
}
