package impact

import (
	"cmp"
	"slices"
	"strings"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
	"forcemfa/policy"
)

// An Outcome compares a forecast with the calls that were recorded after the roll-out.
type Outcome struct {
	Calls  Calls  `json:"calls"` // of the log after the roll-out
	Score  Score  `json:"score"`
	Hits   []Fate `json:"hits"`         // forecast as denied, and denied
	Misses []Fate `json:"misses"`       // denied for lack of MFA, and not forecast
	Alarms []Fate `json:"false_alarms"` // forecast as denied, and it still succeeds without MFA
	Open   []Fate `json:"not_enforced"` // the same, of users whom the roll-out left out; not in the score
	Silent []Fate `json:"silent"`       // forecast as denied, and not recorded since without MFA
}

// A Score counts kinds of calls: user, action and Region.
type Score struct {
	Hits   int `json:"hits"`
	Misses int `json:"misses"`
	Alarms int `json:"false_alarms"`
	Open   int `json:"not_enforced"`
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
	Earlier  int    `json:"earlier"`  // calls without MFA that succeeded before the first that was denied to the user
	Last     string `json:"last,omitempty"`
	Why      string `json:"why,omitempty"` // of a user who is not enforced
}

// fateKey identifies a Fate.
type fateKey struct{ user, action, region string }

// States returns a sink that keeps what an audit says about each user. [Judge.Check] tells
// users who are not enforced apart by it.
func (j *Judge) States() audit.Sink { return stateSink{j} }

type stateSink struct{ judge *Judge }

// User implements [audit.Sink].
func (s stateSink) User(u audit.User) { s.judge.states[u.ARN] = u.State }

// Finding implements [audit.Sink].
func (stateSink) Finding(audit.Finding) {}

// Gap implements [audit.Sink].
func (stateSink) Gap(org.Gap) {}

// Account implements [audit.Sink].
func (stateSink) Account(audit.Account) {}

// leftOut says why calls of a user may go on without MFA: the user is exempt by now, or a
// guard blocked the step. It is empty for a user who is enforced, and if that is unknown.
func (j *Judge) leftOut(m *member) string {
	switch {
	case m.exempt != "":
		return m.exempt
	case m.unplanned != "":
		return m.unplanned
	case j.states[m.user.ARN] == audit.Open:
		return "not enforced"
	}
	return ""
}

// Check compares a forecast with a tally of calls after the roll-out. A refused call
// counts as denied for lack of MFA if the planned policies refuse it, unless AWS refused
// such calls already when the forecast was made.
func (j *Judge) Check(forecast *Report, t *Tally) (*Outcome, error) {
	c := &checker{judge: j, fates: map[fateKey]*Fate{}, before: refusedBefore(forecast), began: map[string]int64{}}
	for i := range forecast.Users {
		for _, a := range forecast.Users[i].Actions {
			c.fate(fateKey{forecast.Users[i].ARN, a.Action, a.Region}).Forecast += a.Count
		}
	}
	for _, count := range []func(distinct, *counted, fateKey, *member){c.note, c.count} {
		if err := c.each(t, count); err != nil {
			return nil, err
		}
	}
	o := &Outcome{Calls: Calls{Read: t.read, SignIns: t.signIns, Skipped: t.others}, Hits: []Fate{}, Misses: []Fate{}, Alarms: []Fate{}, Open: []Fate{}, Silent: []Fate{}}
	for k, f := range c.fates {
		if f.Forecast > 0 || !c.before[k] {
			o.add(f)
		}
	}
	o.finish()
	return o, nil
}

// A checker counts what became of kinds of calls.
type checker struct {
	judge  *Judge
	fates  map[fateKey]*Fate
	before map[fateKey]bool // refused when the forecast was made
	began  map[string]int64 // the first call that was denied to a user for lack of MFA
}

func (c *checker) fate(k fateKey) *Fate {
	f := c.fates[k]
	if f == nil {
		f = &Fate{User: k.user, Action: k.action, Region: k.region}
		c.fates[k] = f
	}
	return f
}

// each calls count with the calls that the planned policies refuse to a user whom they
// reach.
func (c *checker) each(t *Tally, count func(distinct, *counted, fateKey, *member)) error {
	for user, calls := range t.calls {
		m, err := c.judge.member(user)
		if err != nil {
			return err
		}
		for k, n := range calls {
			if k.state&forwarded != 0 {
				continue
			}
			a := actionOf(k.source, k.name)
			if c.judge.refuses(m, &k, n.last, a).Verdict == policy.ExplicitDenied {
				count(k, n, fateKey{user, a.name, k.region}, m)
			}
		}
	}
	return nil
}

// note keeps when the roll-out reached a user.
func (c *checker) note(k distinct, n *counted, kind fateKey, _ *member) {
	if first, ok := c.began[kind.user]; k.state&refused != 0 && !c.before[kind] && (!ok || n.first < first) {
		c.began[kind.user] = n.first
	}
}

func (c *checker) count(k distinct, n *counted, kind fateKey, m *member) {
	why := c.judge.leftOut(m)
	if why != "" && c.fates[kind] == nil {
		return // nothing was forecast, and nothing is denied for lack of MFA
	}
	f := c.fate(kind)
	f.Last, f.Why = later(f.Last, n.last), why
	began, denied := c.began[kind.user]
	switch {
	case k.state&refused != 0:
		f.Denied += n.count
	case denied && n.last < began:
		f.Earlier += n.count
	default:
		f.Passed += n.count
	}
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
	case f.Forecast > 0 && f.Passed > 0 && f.Why != "":
		o.Open = append(o.Open, *f)
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
	for _, list := range [][]Fate{o.Hits, o.Misses, o.Alarms, o.Open, o.Silent} {
		slices.SortFunc(list, func(a, b Fate) int {
			return cmp.Or(b.Denied-a.Denied, b.Passed-a.Passed, b.Forecast-a.Forecast, strings.Compare(a.User, b.User), strings.Compare(a.Action, b.Action), strings.Compare(a.Region, b.Region))
		})
	}
	o.Score = Score{Hits: len(o.Hits), Misses: len(o.Misses), Alarms: len(o.Alarms), Open: len(o.Open), Silent: len(o.Silent), Right: -1}
	if all := o.Score.Hits + o.Score.Misses + o.Score.Alarms; all > 0 {
		o.Score.Right = 100 * o.Score.Hits / all
	}
}
