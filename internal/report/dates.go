package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/prose"
)

// A date is something that will happen.
type date struct{ Day, What, Users string }

type event struct {
	at    time.Time
	what  string
	users int
}

// dates are the waves, exemptions and enrollment windows with a date after the run, the
// next one first.
func (p *Page) dates() []date {
	var events []event
	if p.plan != nil {
		for _, s := range p.plan.Scheduled {
			events = append(events, event{s.From, "wave starts: " + s.Wave, s.Users})
		}
	}
	for _, e := range p.byExpiry() {
		if e.Users > 0 && !e.Expires.IsZero() {
			events = append(events, event{e.Expires.AddDate(0, 0, 1), "exemption ends: " + e.Match + ", " + e.Owner, e.Users})
		}
	}
	for value, users := range p.windows {
		if end := windowEnd(value); !end.IsZero() {
			events = append(events, event{end, prose.Plural(users, "enrollment window closes", "enrollment windows close"), users})
		}
	}
	events = slices.DeleteFunc(events, func(e event) bool { return !e.at.After(p.head.Time) })
	slices.SortFunc(events, func(x, y event) int { return cmp.Or(x.at.Compare(y.at), strings.Compare(x.what, y.what)) })
	var out []date
	for _, e := range events[:min(len(events), mostRows)] {
		out = append(out, date{Day: day(e.at), What: clip(visible(e.what), 120), Users: prose.Number(e.users)})
	}
	return out
}

// windowEnd is when an enrollment window closes: a date ends with its day in UTC.
func windowEnd(value string) time.Time {
	if day, err := time.Parse(time.DateOnly, value); err == nil {
		return day.AddDate(0, 0, 1)
	}
	end, _ := time.Parse(time.RFC3339, value) // zero: the value is no time
	return end
}

// A Since is the comparison with an earlier run.
type Since struct {
	Time                        time.Time // of the earlier run
	Counts                      audit.Counts
	New, Fixed, Changed, Stayed int      // findings
	Lines                       []string // the most important differences, in words
}

// change is the table of the differences.
type change struct {
	Day   string
	Rows  []changeRow
	Lines []string
}

type changeRow struct{ Name, Count string }

func (s *Since) change() *change {
	if s == nil {
		return nil
	}
	c := &change{Day: day(s.Time), Rows: []changeRow{{"new", prose.Number(s.New)}, {"fixed", prose.Number(s.Fixed)},
		{"changed", prose.Number(s.Changed)}, {"still there", prose.Number(s.Stayed)}}}
	for _, line := range s.Lines[:min(len(s.Lines), mostRows/2)] {
		c.Lines = append(c.Lines, clip(visible(line), 2*longest))
	}
	return c
}

// sentence says how the number of open users changed.
func (s *Since) sentence(open int) string {
	since := "Since " + day(s.Time) + ": "
	switch d := open - s.Counts.Open; {
	case d < 0:
		return since + prose.Number(-d) + " fewer."
	case d > 0:
		return since + prose.Number(d) + " more."
	}
	return since + "no change in this number."
}
