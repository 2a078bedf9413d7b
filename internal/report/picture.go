package report

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"

	"forcemfa/internal/audit"
)

// The states in the order in which pictures show them, with the class of the color and
// the pattern. Color is never the only sign: exempt is hatched, undecided is dotted.
var shades = []struct {
	state audit.State
	fill  string
	words string
}{
	{audit.Open, "open", "can act without MFA"},
	{audit.Unknown, "unknown", "could not be decided"},
	{audit.Exempt, "exempt", "exempt"},
	{audit.Enforced, "enforced", "enforced"},
}

func ofState(c audit.Counts, s audit.State) int {
	switch s {
	case audit.Open:
		return c.Open
	case audit.Unknown:
		return c.Unknown
	case audit.Exempt:
		return c.Exempt
	}
	return c.Enforced
}

// bar draws the states of users as one bar. Its length is the share of most.
func bar(c audit.Counts, most int) template.HTML {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="bar" role="img" aria-label="%s">`, countsInWords(c))
	at := 0.0
	for _, s := range shades {
		n := ofState(c, s.state)
		if n == 0 || most == 0 {
			continue
		}
		width := 100 * float64(n) / float64(most)
		fmt.Fprintf(&b, `<rect class="%s" x="%s%%" width="%s%%" height="100%%"/>`, s.fill, decimal(at), decimal(width))
		at += width
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) // numbers and constants only
}

// plain draws one length without states.
func plain(n, most int, class string) template.HTML {
	width := 0.0
	if most > 0 {
		width = 100 * float64(n) / float64(most)
	}
	return template.HTML(`<svg class="bar" aria-hidden="true"><rect class="` + class + `" width="` + decimal(width) + `%" height="100%"/></svg>`)
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', 2, 64) }

// countsInWords is a bar for those who do not see it.
func countsInWords(c audit.Counts) string {
	var parts []string
	for _, s := range shades {
		if n := ofState(c, s.state); n > 0 {
			parts = append(parts, strconv.Itoa(n)+" "+s.words)
		}
	}
	if len(parts) == 0 {
		return "no users"
	}
	return strings.Join(parts, ", ") + ", of " + strconv.Itoa(c.Users)
}
