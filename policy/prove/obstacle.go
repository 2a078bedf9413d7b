package prove

import (
	"strconv"

	"forcemfa/policy"
)

// Obstacle says in words what refuses an action, as in "no policy allows s3:GetObject":
// the Deny that applies, or the layer that does not allow it. It is empty for a decision
// that allows.
func Obstacle(d policy.Decision, action string) string {
	switch {
	case d.Verdict == policy.ExplicitDenied:
		return denial(d, action)
	case d.Verdict == policy.Allowed:
		return ""
	case d.Verdict == policy.Unknown:
		return "no policy certainly allows " + action + " (" + d.Why + ")"
	}
	switch d.Layer {
	case policy.Boundary:
		return "the permissions boundary does not allow " + action
	case policy.Session:
		return "the session policy does not allow " + action
	case policy.SCP:
		return "no service control policy allows " + action
	case policy.RCP:
		return "no resource control policy allows " + action
	case policy.Resource:
		return "no policy of the resource that was read allows " + action
	case policy.Trust:
		return "no trust policy that was read allows " + action
	}
	return "no policy allows " + action
}

// denial names the Deny. Names of sources do not say that a document is a resource
// control policy, which binds only resources of its organization.
func denial(d policy.Decision, action string) string {
	if d.Source == nil {
		return action + " is denied"
	}
	name := d.Source.Name
	if d.Layer == policy.RCP {
		name = "resource control policy " + name
	}
	if d.Source.Document != nil && d.Statement >= 0 && d.Statement < len(d.Source.Document.Statements) {
		name += ", statement " + strconv.Itoa(d.Statement+1)
	}
	if d.Layer == policy.RCP {
		return name + " denies " + action + " on resources of the account"
	}
	return name + " denies " + action
}
