package view

import (
	"fmt"
	"io"
	"strconv"

	"forcemfa/internal/impact"
)

// Outcome prints how a forecast compares with what was recorded since.
func Outcome(w io.Writer, style Style, o *impact.Outcome) {
	score := "nothing of the forecast has been recorded since, and no other call was denied"
	if o.Score.Right >= 0 {
		score = strconv.Itoa(o.Score.Right) + " % of the forecast was right"
	}
	style.Lines(w, fmt.Sprintf("%s: %s as forecast, %s not forecast, %s that still succeed, %s of users who are not enforced, %s not recorded since.", score,
		Count(o.Score.Hits, "kind")+" of calls denied", Count(o.Score.Misses, "kind")+" denied and", Count(o.Score.Alarms, "kind"), Count(o.Score.Open, "kind"), Count(o.Score.Silent, "kind")))
	for _, part := range []struct {
		head string
		list []impact.Fate
	}{{"Denied, and not forecast", o.Misses}, {"Forecast as denied, and still succeeding without MFA", o.Alarms}, {"Forecast as denied, and the user is not enforced", o.Open}, {"Denied as forecast", o.Hits}, {"Not recorded since", o.Silent}} {
		outcomePart(w, style, part.head, part.list)
	}
}

// mostFates is how many kinds of calls of a list are printed.
const mostFates = 20

func outcomePart(w io.Writer, style Style, head string, list []impact.Fate) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n\n", head)
	var rows [][]string
	for _, f := range list[:min(mostFates, len(list))] {
		call := Clean(f.Action) + "  " + Clean(f.User)
		if f.Why != "" {
			call += " (" + Clean(f.Why) + ")"
		}
		rows = append(rows, []string{strconv.Itoa(f.Forecast), strconv.Itoa(f.Denied), strconv.Itoa(f.Passed), Clean(f.Region), call})
	}
	style.Table(w, []string{"forecast", "denied", "passed", "region", "call"}, rows, nil)
	if more := len(list) - mostFates; more > 0 {
		fmt.Fprintf(w, "and %s (-o json lists every one)\n", Count(more, "more kind"))
	}
}
