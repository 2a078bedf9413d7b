package report

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/prose"
)

// A Moment is the numbers of one run, for the trend.
type Moment struct {
	Time time.Time
	audit.Counts
}

// Trend adds the numbers of the runs until this one, in order of time.
func (p *Page) Trend(moments []Moment) { p.trend = moments }

// trendPicture is the trend with its labels.
type trendPicture struct {
	Note, First, Last string
	Most              string
	Picture           template.HTML
}

func (p *Page) trendPicture() *trendPicture {
	if len(p.trend) < 2 {
		return nil
	}
	first, last := &p.trend[0], &p.trend[len(p.trend)-1]
	most := 1
	for i := range p.trend {
		most = max(most, p.trend[i].Open, p.trend[i].Enforced)
	}
	note := fmt.Sprintf("%s runs. Can act without MFA: %s on %s, %s on %s.", prose.Number(len(p.trend)), prose.Number(first.Open), day(first.Time), prose.Number(last.Open), day(last.Time))
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="trend" viewBox="0 0 400 100" preserveAspectRatio="none" role="img" aria-label="%s">`, note)
	for _, line := range []struct {
		class string
		of    func(*Moment) int
	}{{"open", func(m *Moment) int { return m.Open }}, {"enforced", func(m *Moment) int { return m.Enforced }}} {
		fmt.Fprintf(&b, `<polyline class="%s" points="`, line.class)
		for i := range p.trend {
			m := &p.trend[i]
			fmt.Fprintf(&b, "%s,%s ", decimal(400*part(m.Time.Sub(first.Time), last.Time.Sub(first.Time))), decimal(98-96*float64(line.of(m))/float64(most)))
		}
		b.WriteString(`"/>`)
	}
	b.WriteString(`</svg>`)
	return &trendPicture{Note: note, First: day(first.Time), Last: day(last.Time), Most: prose.Number(most), Picture: template.HTML(b.String())} // numbers and dates only
}

// part is the share of a time in a whole, from 0 to 1.
func part(of, whole time.Duration) float64 {
	if whole <= 0 {
		return 1
	}
	return float64(of) / float64(whole)
}
