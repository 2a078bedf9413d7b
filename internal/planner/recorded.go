package planner

import (
	"forcemfa/internal/impact"
	"forcemfa/internal/plan"
)

// recorded is what a plan keeps of the recorded calls: those that guards and the list of
// users who stop cite.
func recorded(r *impact.Report) (kept []plan.Recorded) {
	if r == nil {
		return nil
	}
	for i := range r.Users {
		if u := &r.Users[i]; u.Denied > 0 {
			kept = append(kept, plan.Recorded{User: u.ARN, Kind: string(u.Kind), Denied: u.Denied, Last: u.Last, Tool: first(u.Tools), Network: first(u.Networks)})
		}
	}
	return kept
}

// kept is the report of the recorded calls that a plan file keeps; nil without any. Calls
// block steps and never allow one, so a changed file can only make a run do less.
func kept(file *plan.Plan) *impact.Report {
	if file == nil || len(file.Recorded) == 0 {
		return nil
	}
	r := new(impact.Report)
	for _, c := range file.Recorded {
		u := impact.User{ARN: c.User, Kind: impact.Kind(c.Kind), Calls: c.Denied, Denied: c.Denied, Last: c.Last}
		if c.Tool != "" {
			u.Tools = []string{c.Tool}
		}
		if c.Network != "" {
			u.Networks = []string{c.Network}
		}
		r.Users = append(r.Users, u)
	}
	return r
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
