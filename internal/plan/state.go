package plan

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// Observe is the state of a step's subject and object in a snapshot of its account.
// ok is false when the subject does not exist, as a deleted user, or when its
// document was not read.
func Observe(a *org.Account, s *Step) (state State, ok bool) {
	switch s.Op {
	case CreatePolicy, UpdatePolicy, RestorePolicy, DeletePolicy:
		return PolicyState(findPolicy(a, s.Subject))
	case CreateGroup, DeleteGroup:
		return State{Present: findGroup(a, s.Subject) != nil}, true
	case AttachGroupPolicy, DetachGroupPolicy:
		g := findGroup(a, s.Subject)
		if g == nil {
			return State{}, false
		}
		return State{Present: slices.Contains(g.Attached, s.Object)}, true
	case PutGroupPolicy, DeleteGroupPolicy:
		g := findGroup(a, s.Subject)
		if g == nil {
			return State{}, false
		}
		return InlineState(g.Inline, s.Object), true
	case CreateRole, DeleteRole, AttachRolePolicy, DetachRolePolicy, PutRolePolicy, DeleteRolePolicy, UpdateTrust, UpdateEntranceTrust:
		return roleState(findRole(a, s.Subject), s)
	}
	u := findUser(a, s.Subject)
	if u == nil {
		return State{}, false
	}
	return userState(u, s), true
}

// PolicyState is absent for no policy; ok is false when the default document
// is not known.
func PolicyState(p *org.Policy) (state State, ok bool) {
	if p == nil {
		return State{}, true
	}
	state.Present, state.Fingerprint, state.ManagedBy = true, baseline.FingerprintOf(p), baseline.OtherManager(p)
	state.Document, ok = p.DefaultDocument()
	for _, v := range p.Versions {
		state.Versions = append(state.Versions, v.ID)
	}
	slices.SortFunc(state.Versions, CompareVersions)
	return state, ok
}

func userState(u *org.User, s *Step) State {
	switch s.Op {
	case AddUserToGroup, RemoveUserFromGroup:
		return State{Present: slices.ContainsFunc(u.Groups, func(g string) bool { return strings.EqualFold(g, s.Object) })}
	case AttachUserPolicy, DetachUserPolicy:
		return State{Present: slices.Contains(u.Attached, s.Object)}
	case PutUserPolicy, DeleteUserPolicy:
		return InlineState(u.Inline, s.Object)
	case TagUser, UntagUser:
		return tagState(u, s.Object)
	case DeactivateKey, ActivateKey, DeleteKey, RestoreKey:
		return KeyState(u, s.Object)
	}
	return State{}
}

// roleState is the state of a role for a step. A snapshot may lack the maximum
// session duration: the state then has no Value.
func roleState(r *org.Role, s *Step) (state State, ok bool) {
	made := s.Op == CreateRole || s.Op == DeleteRole
	if r == nil {
		return State{}, made
	}
	switch s.Op {
	case AttachRolePolicy, DetachRolePolicy:
		return State{Present: slices.Contains(r.Attached, s.Object)}, true
	case PutRolePolicy, DeleteRolePolicy:
		return InlineState(r.Inline, s.Object), true
	}
	state = State{Present: true, Document: r.Trust}
	if made && r.MaxSession > 0 {
		state.Value = Seconds(r.MaxSession)
	}
	return state, true
}

// Seconds is a duration in whole seconds, as steps hold it.
func Seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// InlineState is the state of the inline policy with a name.
func InlineState(policies []org.InlinePolicy, name string) State {
	for _, p := range policies {
		if p.Name == name {
			return State{Present: true, Document: p.Document}
		}
	}
	return State{}
}

// The values of an access key.
const (
	KeyActive   = "Active"
	KeyInactive = "Inactive"
)

// KeyState is the state of an access key, service-specific credential or SSH public key
// of a user whose keys were listed.
func KeyState(u *org.User, id string) State {
	for _, k := range u.Keys {
		if k.ID == id {
			return keyState(k.Active)
		}
	}
	if u.Services != nil {
		for _, c := range u.Services.Listed {
			if c.ID == id {
				return keyState(c.Active)
			}
		}
	}
	return State{}
}

func keyState(active bool) State {
	if active {
		return State{Present: true, Value: KeyActive}
	}
	return State{Present: true, Value: KeyInactive}
}

func tagState(u *org.User, key string) State {
	for _, t := range u.Tags {
		if strings.EqualFold(t.Key, key) {
			return State{Present: true, Value: t.Value}
		}
	}
	return State{}
}

// Holds reports whether a state is the one that a step expects or wants. Documents
// that differ only in white space are the same. Versions are compared when want has
// them, and each of its texts must be present.
func (want State) Holds(now State) bool {
	return want.Present == now.Present && want.Value == now.Value &&
		SameDocument(want.Document, now.Document) &&
		(want.Versions == nil || slices.Equal(want.Versions, now.Versions)) &&
		len(Missing(want.Texts, now.Texts)) == 0
}

// Missing are the wanted texts that are absent, in their order. A text that is
// wanted twice must be present twice.
func Missing(want, have []string) []string {
	left := slices.Clone(have)
	var missing []string
	for _, text := range want {
		i := slices.IndexFunc(left, func(other string) bool { return SameDocument(text, other) })
		if i < 0 {
			missing = append(missing, text)
			continue
		}
		left = slices.Delete(left, i, i+1)
	}
	return missing
}

// SameDocument reports whether two policy documents are the same except for white
// space.
func SameDocument(a, b string) bool {
	if a == b {
		return true
	}
	for _, kind := range []policy.Kind{policy.Identity, policy.Trust} {
		left, err := policy.Parse(kind, a)
		if err != nil {
			continue
		}
		right, err := policy.Parse(kind, b)
		return err == nil && left.String() == right.String()
	}
	return false
}

func findRole(a *org.Account, roleARN string) *org.Role {
	i := slices.IndexFunc(a.Roles, func(r org.Role) bool { return r.ARN == roleARN })
	if i < 0 {
		return nil
	}
	return &a.Roles[i]
}

func findPolicy(a *org.Account, policyARN string) *org.Policy {
	i := slices.IndexFunc(a.Policies, func(p org.Policy) bool { return p.ARN == policyARN })
	if i < 0 {
		return nil
	}
	return &a.Policies[i]
}

func findGroup(a *org.Account, groupARN string) *org.Group {
	i := slices.IndexFunc(a.Groups, func(g org.Group) bool { return g.ARN == groupARN })
	if i < 0 {
		return nil
	}
	return &a.Groups[i]
}

// findUser takes the name from the ARN, because users are sorted by it.
func findUser(a *org.Account, userARN string) *org.User {
	parsed, err := arn.Parse(userARN)
	if err != nil {
		return nil
	}
	i, found := slices.BinarySearchFunc(a.Users, parsed.Name(), func(u org.User, name string) int {
		return strings.Compare(u.Name, name)
	})
	if !found || a.Users[i].ARN != userARN {
		return nil
	}
	return &a.Users[i]
}

// CompareVersions orders the IDs of policy versions by age (v2 before v10).
func CompareVersions(a, b string) int {
	if c := len(a) - len(b); c != 0 {
		return c
	}
	return strings.Compare(a, b)
}
