package document

import (
	"slices"

	"forcemfa/policy"
)

// granted are the actions that the largest forcemfa document allows.
var granted = func() []string {
	var actions []string
	for _, s := range append(load("enroll.json"), load("full.json")...) {
		actions = append(actions, s.Action...)
	}
	return actions
}()

// CanBeManaged reports whether forcemfa can have written an inline policy with its
// name, even if the policy has drifted: it grants only actions of the largest
// forcemfa document. Inline policies have no path to distinguish them, and replacing
// or deleting another policy would remove permissions.
func CanBeManaged(document string) bool {
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
