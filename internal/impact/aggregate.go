package impact

import (
	"strings"
	"time"

	"forcemfa/internal/trail"
	"forcemfa/internal/trailsql"
)

// Query is the query that folds a log as this Judge's tallies do.
func (j *Judge) Query() trailsql.Query {
	return trailsql.Query{Address: j.looks.Address, Agent: j.looks.Agent, VPCE: j.looks.VPCE, MaxAge: j.looks.MaxAge}
}

// AddRow adds calls that a query has counted. It returns the calls that were delivered
// more than once.
func (t *Tally) AddRow(r *trailsql.Row) (duplicates int) {
	n := counted{r.Calls, r.First, r.Last}
	switch r.Set {
	case trailsql.Totals:
		t.folded = true
		t.read += r.Calls
		switch r.Kind {
		case "sign-in":
			t.signIns += r.Calls
		case "role", "other":
			t.others += r.Calls
		}
		return r.Delivered - r.Calls
	case trailsql.Coverage:
		t.coverRow(r)
	case trailsql.Distinct:
		t.distinctRow(r, n)
	case trailsql.Starts:
		t.follow(func() { t.starters[r.StartKey] = starter{r.Owner, r.Key, r.StartRole} })
	case trailsql.RoleCalls:
		t.follow(func() { count(t.roles, r.RoleKey, n) })
	case trailsql.RoleStarts:
		t.follow(func() { t.sessions[r.ChildKey] = r.RoleKey })
	default:
		t.evidenceRow(r)
	}
	return 0
}

func (t *Tally) coverRow(r *trailsql.Row) {
	day, err := time.Parse(time.DateOnly, r.Day)
	if err != nil {
		return
	}
	t.data = t.data || r.Data
	t.coveredDays(place{r.Account, r.Region}).seen[int32(day.Unix()/daySeconds)] = struct{}{}
}

func (t *Tally) distinctRow(r *trailsql.Row, n counted) {
	k := distinct{
		key: r.Key, source: r.Source, name: r.Name, region: r.Region, address: r.Address, agent: r.Agent, vpce: r.VPCE, state: state(r.State),
	}
	if r.Source == "iam.amazonaws.com" {
		k.resource = resourceOf(&trail.Call{Parameters: trail.CallParameters{User: r.User, Device: r.Device}}, r.Owner)
	}
	count(t.callsOf(r.Owner), k, n)
	if k.state&forwarded != 0 {
		return
	}
	e := t.evidenceOf(r.Owner, r.Key)
	e.add(n)
	service, _, _ := strings.Cut(r.Source, ".")
	bounded(e.services, maxServices, service, r.Calls)
	if k.state&withMFA != 0 {
		e.withCode += r.Calls
	}
}

// evidenceRow adds programs, networks, hours and days of a key.
func (t *Tally) evidenceRow(r *trailsql.Row) {
	e := t.evidenceOf(r.Owner, r.Key)
	signIn := r.Kind == "sign-in"
	switch r.Set {
	case trailsql.Networks:
		bounded(e.networks, maxNetworks, networkOf(r.Network), r.Calls)
		if signIn {
			e.signIns += r.Calls
		}
		if signIn && r.MFAUsed == "Yes" {
			e.withCode += r.Calls
		}
	case trailsql.Programs:
		if !signIn {
			bounded(e.tools, maxTools, toolOf(r.Agent), r.Calls)
		}
	case trailsql.Hours:
		if !signIn {
			e.hours[r.Hour] += r.Calls
		}
	case trailsql.Days:
		day, err := time.Parse(time.DateOnly, r.Day)
		if signIn || err != nil {
			return
		}
		e.days[int32(day.Unix()/daySeconds)] = struct{}{}
		if weekday := day.Weekday(); weekday == time.Saturday || weekday == time.Sunday {
			e.weekend += r.Calls
		}
	}
}
