package org

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// User is the user of that name, or nil. Like its siblings it relies on the
// order that an Account promises; see [Account.Sort].
func (a *Account) User(name string) *User {
	return find(a.Users, name, func(u *User) string { return u.Name })
}

// Group is the group of that name, or nil.
func (a *Account) Group(name string) *Group {
	return find(a.Groups, name, func(g *Group) string { return g.Name })
}

// Role is the role of that name, or nil.
func (a *Account) Role(name string) *Role {
	return find(a.Roles, name, func(r *Role) string { return r.Name })
}

// Policy is the managed policy with that ARN, or nil.
func (a *Account) Policy(arn string) *Policy {
	return find(a.Policies, arn, func(p *Policy) string { return p.ARN })
}

func find[T any](sorted []T, key string, keyOf func(*T) string) *T {
	i, found := slices.BinarySearchFunc(sorted, key, func(t T, key string) int { return cmp.Compare(keyOf(&t), key) })
	if !found {
		return nil
	}
	return &sorted[i]
}

// Unit is the root or organizational unit with that ID, or nil.
func (h *Header) Unit(id string) *Unit {
	for i := range h.Units {
		if h.Units[i].ID == id {
			return &h.Units[i]
		}
	}
	return nil
}

// UnitNames are the names of the root and of the units above an account, the root first;
// nil if it is in none.
func (h *Header) UnitNames(a *Account) []string {
	var names []string
	for u := h.Unit(a.Unit); u != nil && len(names) < len(h.Units); u = h.Unit(u.Parent) {
		names = append(names, u.Name) // a malformed snapshot may have a unit below itself
	}
	slices.Reverse(names)
	return names
}

// controlPolicy is the policy of a list with that ID, or nil.
func controlPolicy(list []SCP, id string) *SCP {
	for i := range list {
		if list[i].ID == id {
			return &list[i]
		}
	}
	return nil
}

// CredentialsKnown reports whether Password and Keys say what there is. When
// they don't, the absence of a key proves nothing.
func (u *User) CredentialsKnown() bool { return u.Password != Unknown }

// reportDelay is how long before a credential report a user may have been created
// without appearing in it: IAM is eventually consistent.
const reportDelay = 5 * time.Minute

// NewerThan reports whether a credential report of that time may lack the user because
// the user is newer.
func NewerThan(report time.Time, u *User) bool { return u.Created.After(report.Add(-reportDelay)) }

// ActiveKeys counts the access keys that work.
func (u *User) ActiveKeys() int {
	n := 0
	for _, k := range u.Keys {
		if k.Active {
			n++
		}
	}
	return n
}

// Tag is the value of a tag and whether the user has it. IAM compares tag keys
// without case. Source: IAM User Guide, "Tags for IAM resources".
func (u *User) Tag(key string) (value string, ok bool) {
	for _, t := range u.Tags {
		if strings.EqualFold(t.Key, key) {
			return t.Value, true
		}
	}
	return "", false
}

// Sort brings everything into the order that an Account promises: users,
// groups and roles by name, policies by ARN, and what hangs on them likewise.
func (a *Account) Sort() {
	sortBy(a.Users, func(u User) string { return u.Name })
	sortBy(a.Groups, func(g Group) string { return g.Name })
	sortBy(a.Roles, func(r Role) string { return r.Name })
	sortBy(a.Policies, func(p Policy) string { return p.ARN })
	sortDevices(a.Unassigned)
	slices.Sort(a.SCPs)
	slices.Sort(a.RCPs)
	for i := range a.Users {
		u := &a.Users[i]
		slices.Sort(u.Groups)
		sortDevices(u.Devices)
		sortPolicies(u.Tags, u.Inline, u.Attached)
	}
	for i := range a.Groups {
		sortPolicies(nil, a.Groups[i].Inline, a.Groups[i].Attached)
	}
	for i := range a.Roles {
		sortPolicies(a.Roles[i].Tags, a.Roles[i].Inline, a.Roles[i].Attached)
	}
	for i := range a.Policies {
		sortPolicies(a.Policies[i].Tags, nil, nil)
	}
}

func sortPolicies(tags []Tag, inline []InlinePolicy, attached []string) {
	sortBy(tags, func(t Tag) string { return t.Key })
	sortBy(inline, func(p InlinePolicy) string { return p.Name })
	slices.Sort(attached)
}

func sortDevices(devices []Device) {
	sortBy(devices, func(d Device) string { return d.Serial })
}

func sortBy[T any](items []T, keyOf func(T) string) {
	slices.SortStableFunc(items, func(a, b T) int { return cmp.Compare(keyOf(a), keyOf(b)) })
}

// Skipped is why no run enters the account: AWS has suspended or closed it, so that no
// credential of the account works. It is empty for every other account, including those
// that cannot be entered for another reason, and an account with a state that a later
// version of the API adds. Source: AWS Organizations API Reference, Account.
func (a *Account) Skipped() string {
	switch a.State {
	case "SUSPENDED", "PENDING_CLOSURE", "CLOSED":
		return "the account is " + strings.ToLower(strings.ReplaceAll(a.State, "_", " "))
	}
	return ""
}
