package baseline

import (
	"fmt"
	"slices"
	"strings"

	"forcemfa/policy/arn"
)

// The guards that can be acknowledged. An acknowledgement says that somebody
// knows what the guard found and wants the step done all the same.
const (
	GuardLockout           = "lockout"            // the user could not get an MFA session afterwards
	GuardTrust             = "trust"              // the role is one that this program or AWS enters by
	GuardBreaksWorkload    = "breaks-workload"    // something uses the user that will hardly get MFA
	GuardBreakGlass        = "break-glass"        // the user is kept for emergencies
	GuardCLILockout        = "cli-lockout"        // the user has a key, and devices that STS takes no code of
	GuardCaller            = "caller"             // the user runs the plan
	GuardLastAdministrator = "last-administrator" // nobody could administer the account afterwards
)

var guards = []string{
	GuardLockout, GuardTrust, GuardBreaksWorkload, GuardBreakGlass, GuardCLILockout, GuardCaller, GuardLastAdministrator,
}

// An Acknowledgement lifts a guard for one user or role.
type Acknowledgement struct {
	Guard   string `json:"guard"`
	Account string `json:"account,omitempty"` // empty: in every account
	Name    string `json:"name"`
}

// ParseAcknowledgement reads guard:NAME or guard:ACCOUNT/NAME.
func ParseAcknowledgement(s string) (Acknowledgement, error) {
	guard, name, found := strings.Cut(s, ":")
	if !found {
		return Acknowledgement{}, fmt.Errorf("acknowledgement %q: want guard:NAME or guard:ACCOUNT/NAME", s)
	}
	if !slices.Contains(guards, guard) {
		return Acknowledgement{}, fmt.Errorf("acknowledgement %q: no guard %q; there are %s", s, guard, strings.Join(guards, ", "))
	}
	a := Acknowledgement{Guard: guard, Name: name}
	if account, rest, found := strings.Cut(name, "/"); found {
		if !arn.IsAccountID(account) {
			return Acknowledgement{}, fmt.Errorf("acknowledgement %q: %q is not an account ID of 12 digits", s, account)
		}
		a.Account, a.Name = account, rest
	}
	if !isEntityName(a.Name) {
		return Acknowledgement{}, fmt.Errorf("acknowledgement %q: %q is not the name of a user or role", s, a.Name)
	}
	return a, nil
}

// String is the acknowledgement as a config file holds it.
func (a Acknowledgement) String() string {
	if a.Account == "" {
		return a.Guard + ":" + a.Name
	}
	return a.Guard + ":" + a.Account + "/" + a.Name
}

// Acknowledged tells whether the guard is lifted for a user or role. IAM's
// names are unique without case, so they compare without case.
func (b *Baseline) Acknowledged(guard, account, name string) bool {
	return slices.ContainsFunc(b.Acknowledge, func(a Acknowledgement) bool {
		return a.Guard == guard && (a.Account == "" || a.Account == account) && strings.EqualFold(a.Name, name)
	})
}

// isEntityName tells whether IAM would take s as the name of a user or role.
// Source: IAM API Reference, userNameType and roleNameType.
func isEntityName(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, entityNameChars) == ""
}

const entityNameChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@-"
