package baseline

import (
	"fmt"
	"slices"
	"strings"

	"forcemfa/policy/arn"
)

// The guards that can be acknowledged. An acknowledgement overrides the guard, so
// that the step is done.
const (
	GuardLockout           = "lockout"            // the user would have no sign-in path with MFA
	GuardTrust             = "trust"              // forcemfa or AWS itself assumes the role, or it was used recently
	GuardBreaksWorkload    = "breaks-workload"    // the user is probably a service account
	GuardBreakGlass        = "break-glass"        // the user is an emergency user
	GuardCLILockout        = "cli-lockout"        // the user has an access key, but no device that generates codes
	GuardCaller            = "caller"             // the user is running the plan
	GuardLastAdministrator = "last-administrator" // the account would have no administrator left
)

// DepartedAccount acknowledges, instead of a guard, that an account left the
// organization. The name is the ID of the account.
const DepartedAccount = "account-departed"

var guards = []string{
	GuardLockout, GuardTrust, GuardBreaksWorkload, GuardBreakGlass, GuardCLILockout, GuardCaller, GuardLastAdministrator,
}

// An Acknowledgement overrides a guard for one user or role.
type Acknowledgement struct {
	Guard   string `json:"guard"`
	Account string `json:"account,omitempty"` // empty: in every account
	Name    string `json:"name"`
}

// ParseAcknowledgement reads guard:NAME, guard:ACCOUNT/NAME, or account-departed:ACCOUNT.
func ParseAcknowledgement(s string) (Acknowledgement, error) {
	guard, name, found := strings.Cut(s, ":")
	if !found {
		return Acknowledgement{}, fmt.Errorf("acknowledgement %q: want guard:NAME or guard:ACCOUNT/NAME", s)
	}
	if guard == DepartedAccount {
		if !arn.IsAccountID(name) {
			return Acknowledgement{}, fmt.Errorf("acknowledgement %q: want %s:ACCOUNT, with an account ID of 12 digits", s, DepartedAccount)
		}
		return Acknowledgement{Guard: guard, Name: name}, nil
	}
	if !slices.Contains(guards, guard) {
		return Acknowledgement{}, fmt.Errorf("acknowledgement %q: unknown guard %q; the guards are %s", s, guard, strings.Join(guards, ", "))
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

// Acknowledged reports whether the guard is overridden for a user or role. Names
// are compared without case, because IAM does not allow two that differ only in
// case.
func (b *Baseline) Acknowledged(guard, account, name string) bool {
	return slices.ContainsFunc(b.Acknowledge, func(a Acknowledgement) bool {
		return a.Guard == guard && (a.Account == "" || a.Account == account) && strings.EqualFold(a.Name, name)
	})
}

// isEntityName reports whether s is a valid name of an IAM user or role.
// Source: IAM API Reference, userNameType and roleNameType.
func isEntityName(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, entityNameChars) == ""
}

const entityNameChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@-"
