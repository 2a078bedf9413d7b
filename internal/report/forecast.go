package report

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"

	"forcemfa/internal/prose"
	"forcemfa/internal/run"
)

// forecastTable is how a forecast compares with what was recorded since.
type forecastTable struct {
	Score, Sentence, Note, More string
	Counts                      []changeRow
	Rows                        []fateRow
}

type fateRow struct {
	Name, Call, Became, Denied, Passed string
	Link                               template.URL
}

// fateWords are what became of a kind of calls, in words.
var fateWords = map[string]string{
	run.Missed: "denied, and not forecast", run.FalseAlarm: "forecast as denied, and still succeeding without MFA",
	run.Exposed: "forecast as denied, of users who are not enforced",
	run.Hit:     "denied as forecast", run.Silent: "forecast as denied, and not recorded since",
}

// fate adds the row of a kind of calls. The summary has those that nobody expected.
func (p *Page) fate(f *run.Fate) {
	p.data.fate(f)
	if (f.Became == run.Missed || f.Became == run.FalseAlarm) && len(p.surprises) < mostRows/2 {
		p.surprises = append(p.surprises, *f)
	}
}

func (p *Page) forecastTable() *forecastTable {
	f := p.forecast
	if f == nil {
		return nil
	}
	s := &f.Score
	t := &forecastTable{Sentence: "Nothing of the forecast has been recorded since, and no other call was denied.",
		Note: fmt.Sprintf("The forecast of %s, compared with %s recorded since. A kind of calls is a user, an action and a Region.", day(f.Made), prose.Count(f.Calls.Read, "call"))}
	if s.Right >= 0 {
		t.Score, t.Sentence = strconv.Itoa(s.Right)+" %", "of the forecast was right."
	}
	for _, row := range []struct {
		became string
		n      int
	}{{run.Hit, s.Hits}, {run.Missed, s.Misses}, {run.FalseAlarm, s.Alarms}, {run.Exposed, s.Open}, {run.Silent, s.Silent}} {
		t.Counts = append(t.Counts, changeRow{fateWords[row.became], prose.Number(row.n)})
	}
	for i := range p.surprises {
		f := &p.surprises[i]
		account := accountOf(f.User)
		t.Rows = append(t.Rows, fateRow{short(tail(f.User)), short(f.Action) + " in " + short(f.Region), fateWords[f.Became], prose.Number(f.Denied), prose.Number(f.Passed),
			template.URL(userLink(account, tail(f.User)))})
	}
	if s.Hits+s.Misses+s.Alarms+s.Open+s.Silent > len(t.Rows) {
		t.More = "Every kind of calls is listed below."
	}
	return t
}

// fate adds the row of a kind of calls: user, account, action, Region, what became of it,
// the calls of the forecast, those denied, those passed, and why the user is not enforced.
func (d *data) fate(f *run.Fate) {
	r := &d.fateRows
	r.row()
	r.string(visible(tail(f.User)))
	r.number(d.place(accountOf(f.User)))
	r.number(d.texts.of(visible(f.Action)))
	r.number(d.texts.of(visible(f.Region)))
	r.number(d.texts.of(fateWords[f.Became]))
	r.number(f.Forecast)
	r.number(f.Denied)
	r.number(f.Passed)
	r.number(d.texts.of(visible(f.Why)))
	r.end()
}

// accountOf is the account in an ARN; empty: it has none.
func accountOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[4]
	}
	return ""
}
