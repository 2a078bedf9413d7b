package baseline

import (
	"slices"

	"forcemfa/policy"
)

// granted are the actions that our fullest document allows.
var granted = func() []string {
	var actions []string
	for _, s := range append(load("enrol.json"), load("full.json")...) {
		actions = append(actions, s.Action...)
	}
	return actions
}()

// CanBeOurs tells whether an inline policy of our name can be one that
// forcemfa wrote, however it has drifted since: it grants nothing but what our
// fullest document does. An inline policy has no path that would tell, and to
// replace or to delete one that somebody else wrote would take rights away.
func CanBeOurs(document string) bool {
	d, err := policy.Parse(policy.Identity, document)
	if err != nil {
		return false
	}
	return !slices.ContainsFunc(d.Statements, grantsMore)
}

func grantsMore(s policy.Statement) bool {
	if s.Effect != policy.Allow {
		return false
	}
	return len(s.NotActions) > 0 || slices.ContainsFunc(s.Actions, func(action string) bool { return !slices.Contains(granted, action) })
}
