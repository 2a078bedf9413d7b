package impact

import (
	"cmp"
	"slices"
	"strings"

	"forcemfa/policy"
)

// A Recorded is what an access key did: one action in one Region.
type Recorded struct {
	Action string // service:Name
	Known  bool   // the catalog has the action
	Region string
	Count  int
	First  int64 // seconds since 1970
	Last   int64
}

// Recorded returns the calls of an access key that AWS authorized, by action and Region.
// Calls that services forwarded are those of the services, and calls that need no
// permission are left out.
func (t *Tally) Recorded(key string) []Recorded {
	type place struct{ action, region string }
	calls, known := map[place]*counted{}, map[string]bool{}
	for _, of := range t.calls {
		for k, n := range of {
			if k.key != key || k.state&(forwarded|refused) != 0 {
				continue
			}
			a := actionOf(k.source, k.name)
			if policy.Unconditional(a.name) {
				continue
			}
			known[a.name] = a.known
			count(calls, place{a.name, k.region}, *n)
		}
	}
	out := make([]Recorded, 0, len(calls))
	for p, n := range calls {
		out = append(out, Recorded{p.action, known[p.action], p.region, n.count, n.first, n.last})
	}
	slices.SortFunc(out, func(a, b Recorded) int {
		return cmp.Or(strings.Compare(a.Action, b.Action), strings.Compare(a.Region, b.Region))
	})
	return out
}

// RolesOf are the roles that an access key assumed without MFA, as far as the log shows.
func (t *Tally) RolesOf(key string) (roles []string) {
	for _, s := range t.starters {
		if s.key == key && s.role != "" && !slices.Contains(roles, s.role) {
			roles = append(roles, s.role)
		}
	}
	slices.Sort(roles)
	return roles
}
