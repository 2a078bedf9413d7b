package impact

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Groupings are what users can be grouped by; tag: is followed by the key of a tag, and
// tag alone is every tag, as KEY=VALUE.
var Groupings = []string{"account", "ou", "kind", "tool", "service", "action", "day", "tag", "tag:KEY"}

// A Group is the users and denied calls that have something in common. A user with
// several tools, services, actions or tags is in several groups, with all of its calls; the
// calls of an action or a day are those of that action or day.
type Group struct {
	By     string `json:"by"`
	Users  int    `json:"users"`
	Denied int    `json:"denied"`
}

// GroupBy groups the users who stop, those with the most denied calls first.
func (r *Report) GroupBy(by string) ([]Group, error) {
	of, err := grouping(by)
	if err != nil {
		return nil, err
	}
	groups := map[string]*Group{}
	for i := range r.Users {
		u := &r.Users[i]
		if u.Denied == 0 {
			continue
		}
		for key, denied := range of(u) {
			g := groups[key]
			if g == nil {
				g = &Group{By: key}
				groups[key] = g
			}
			g.Users++
			g.Denied += denied
		}
	}
	list := []Group{}
	for _, g := range groups {
		list = append(list, *g)
	}
	if by == "day" {
		slices.SortFunc(list, func(a, b Group) int { return strings.Compare(a.By, b.By) })
		return list, nil
	}
	slices.SortFunc(list, func(a, b Group) int { return cmp.Or(b.Denied-a.Denied, strings.Compare(a.By, b.By)) })
	return list, nil
}

// grouping returns the groups of a user with the calls that count in each.
func grouping(by string) (func(*User) map[string]int, error) {
	one := func(key func(*User) string) func(*User) map[string]int {
		return func(u *User) map[string]int { return map[string]int{cmp.Or(key(u), "none"): u.Denied} }
	}
	several := func(keys func(*User) []string) func(*User) map[string]int {
		return func(u *User) map[string]int {
			all := map[string]int{}
			for _, k := range keys(u) {
				all[k] = u.Denied
			}
			return all
		}
	}
	if key, ok := strings.CutPrefix(by, "tag:"); ok && key != "" {
		return one(func(u *User) string { return u.tags[key] }), nil
	}
	switch by {
	case "account":
		return one(func(u *User) string { return u.Account }), nil
	case "ou":
		return one(func(u *User) string { return u.Unit }), nil
	case "kind":
		return one(func(u *User) string { return string(u.Kind) }), nil
	case "tool":
		return several(func(u *User) []string { return u.Tools }), nil
	case "service":
		return several(func(u *User) []string { return u.Services }), nil
	case "tag":
		return several((*User).tagPairs), nil
	case "day":
		return func(u *User) map[string]int { return u.byDays }, nil
	case "action":
		return func(u *User) map[string]int {
			all := map[string]int{}
			for _, a := range u.Actions {
				all[a.Action] += a.Count
			}
			return all
		}, nil
	}
	return nil, fmt.Errorf("%q is no grouping: want %s", by, strings.Join(Groupings, ", "))
}

// tagPairs are the tags of a user, as KEY=VALUE; "none" for a user without a tag.
func (u *User) tagPairs() []string {
	if len(u.tags) == 0 {
		return []string{"none"}
	}
	var pairs []string
	for key, value := range u.tags {
		pairs = append(pairs, key+"="+value)
	}
	return pairs
}
