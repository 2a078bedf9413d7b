package impact

import (
	"cmp"
	"slices"
	"strings"

	"forcemfa/policy"
)

// An Outcome compares a forecast with the calls that were recorded after the roll-out.
type Outcome struct {
	Calls  Calls  `json:"calls"` // of the log after the roll-out
	Score  Score  `json:"score"`
	Hits   []Fate `json:"hits"`         // forecast as denied, and denied
	Misses []Fate `json:"misses"`       // denied for lack of MFA, and not forecast
	Alarms []Fate `json:"false_alarms"` // forecast as denied, and it still succeeds without MFA
	Silent []Fate `json:"silent"`       // forecast as denied, and not recorded since without MFA
}

// A Score counts kinds of calls: user, action and Region.
type Score struct {
	Hits   int `json:"hits"`
	Misses int `json:"misses"`
	Alarms int `json:"false_alarms"`
	Silent int `json:"silent"`
	// Right is the share of hits among hits, misses and false alarms, in percent; -1: there
	// is none of them.
	Right int `json:"right_percent"`
}

// A Fate is what became of one kind of call.
type Fate struct {
	User     string `json:"user"` // ARN
	Action   string `json:"action"`
	Region   string `json:"region"`
	Forecast int    `json:"forecast"` // calls that the forecast counted
	Denied   int    `json:"denied"`   // calls that AWS has refused since
	Passed   int    `json:"passed"`   // calls without MFA that have succeeded since
	Last     string `json:"last,omitempty"`
}

// fateKey identifies a Fate.
type fateKey struct{ user, action, region string }

// Check compares a forecast with a tally of calls after the roll-out. A refused call
// counts as denied for lack of MFA if the planned policies refuse it, unless AWS refused
// such calls already when the forecast was made.
func (j *Judge) Check(forecast *Report, t *Tally) (*Outcome, error) {
	fates := map[fateKey]*Fate{}
	at := func(user, action, region string) *Fate {
		k := fateKey{user, action, region}
		if fates[k] == nil {
			fates[k] = &Fate{User: user, Action: action, Region: region}
		}
		return fates[k]
	}
	for i := range forecast.Users {
		for _, a := range forecast.Users[i].Actions {
			at(forecast.Users[i].ARN, a.Action, a.Region).Forecast += a.Count
		}
	}
	before := refusedBefore(forecast)
	for k, n := range t.calls {
		if k.state&forwarded != 0 {
			continue
		}
		m, err := j.member(k.user)
		if err != nil {
			return nil, err
		}
		a := actionOf(k.source, k.name)
		if j.denied(m, &k, n.last, a).Verdict != policy.ExplicitDenied {
			continue
		}
		f := at(k.user, a.name, k.region)
		f.Last = later(f.Last, n.last)
		if k.state&refused != 0 {
			f.Denied += n.count
		} else {
			f.Passed += n.count
		}
	}
	o := &Outcome{Calls: Calls{Read: t.read, SignIns: t.signIns, Skipped: t.others}, Hits: []Fate{}, Misses: []Fate{}, Alarms: []Fate{}, Silent: []Fate{}}
	for k, f := range fates {
		if f.Forecast > 0 || !before[k] {
			o.add(f)
		}
	}
	o.finish()
	return o, nil
}

// refusedBefore are the kinds of calls that were refused when the forecast was made.
func refusedBefore(forecast *Report) map[fateKey]bool {
	kinds := map[fateKey]bool{}
	for i := range forecast.Users {
		for _, a := range forecast.Users[i].Before {
			kinds[fateKey{forecast.Users[i].ARN, a.Action, a.Region}] = true
		}
	}
	return kinds
}

func (o *Outcome) add(f *Fate) {
	switch {
	case f.Forecast > 0 && f.Passed > 0:
		o.Alarms = append(o.Alarms, *f)
	case f.Forecast > 0 && f.Denied > 0:
		o.Hits = append(o.Hits, *f)
	case f.Forecast > 0:
		o.Silent = append(o.Silent, *f)
	case f.Denied > 0:
		o.Misses = append(o.Misses, *f)
	}
}

// finish sorts the fates and computes the score.
func (o *Outcome) finish() {
	for _, list := range [][]Fate{o.Hits, o.Misses, o.Alarms, o.Silent} {
		slices.SortFunc(list, func(a, b Fate) int {
			return cmp.Or(b.Denied-a.Denied, b.Passed-a.Passed, b.Forecast-a.Forecast, strings.Compare(a.User, b.User), strings.Compare(a.Action, b.Action), strings.Compare(a.Region, b.Region))
		})
	}
	o.Score = Score{Hits: len(o.Hits), Misses: len(o.Misses), Alarms: len(o.Alarms), Silent: len(o.Silent), Right: -1}
	if all := o.Score.Hits + o.Score.Misses + o.Score.Alarms; all > 0 {
		o.Score.Right = 100 * o.Score.Hits / all
	}
}
