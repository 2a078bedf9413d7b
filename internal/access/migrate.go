package access

import (
	"fmt"
	"slices"

	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/planner"
	"forcemfa/policy"
)

// A Migration is the plan for the policies that a user has directly.
type Migration struct {
	User  string      `json:"user"`
	Roles []string    `json:"roles"` // ARNs of the roles that the user can assume with MFA, and not without
	Steps []plan.Step `json:"steps"` // detach the user's own policies; blocked when the user would be locked out
	Kept  []string    `json:"kept"`  // policies that the user keeps, and why
}

// Migrate plans the removal of the policies that a user of the identity account
// has directly, once group and roles exist. It is decided for the user without
// them: with MFA the user must be able to assume a granted role, and without MFA
// none.
func Migrate(in Input, name string) Migration {
	m := Migration{User: name, Roles: []string{}, Steps: []plan.Step{}, Kept: []string{}}
	a := in.account(in.Access.Account)
	if a == nil || a.User(name) == nil {
		return m
	}
	u := a.User(name)
	later := m.detach(in.Baseline, a, u)
	why, remedy := m.blocked(&in, a, u, later)
	for i := range m.Steps {
		m.Steps[i].Block(why, remedy)
	}
	slices.SortFunc(m.Steps, plan.Compare)
	return m
}

// blocked says why the policies of a user cannot be removed; empty when they can.
func (m *Migration) blocked(in *Input, a *org.Account, u, later *org.User) (why, remedy string) {
	if u.ARN == in.Header.Caller || u.ARN == a.Caller {
		return u.Name + " is the user who runs the migration, and could lose access during the run", "run it in a session of the role that " + u.Name + " migrates to"
	}
	why, remedy = m.lockout(in, a, later)
	if in.acknowledged(baseline.GuardLockout, a.ID, u.Name) {
		return "", ""
	}
	return why, remedy
}

// detach adds the steps and returns the user without the policies. What forcemfa
// attached and policies with a Deny stay, because removing a Deny grants access.
func (m *Migration) detach(b *baseline.Baseline, a *org.Account, u *org.User) *org.User {
	later := *u
	later.Attached, later.Inline = nil, nil
	for _, p := range u.Attached {
		text, known := "", false
		if of := a.Policy(p); of != nil {
			text, known = of.DefaultDocument()
		}
		if why := reasonToKeep(p == b.PolicyOf(a), known, text); why != "" {
			m.Kept = append(m.Kept, p+": "+why)
			later.Attached = append(later.Attached, p)
			continue
		}
		m.Steps = append(m.Steps, plan.NewStep(plan.DetachUserPolicy, a.ID, u.ARN, p, present, absent))
	}
	for _, p := range u.Inline {
		if why := reasonToKeep(p.Name == baseline.InlinePolicyName && document.CanBeManaged(p.Document), true, p.Document); why != "" {
			m.Kept = append(m.Kept, "inline policy "+p.Name+": "+why)
			later.Inline = append(later.Inline, p)
			continue
		}
		m.Steps = append(m.Steps, plan.NewStep(plan.DeleteUserPolicy, a.ID, u.ARN, p.Name, plan.State{Present: true, Document: p.Document}, absent))
	}
	return &later
}

// reasonToKeep says why a policy stays with the user; empty when it is removed.
func reasonToKeep(managed, known bool, text string) string {
	if managed {
		return "enforces MFA"
	}
	if !known {
		return "could not be read, and may have a Deny"
	}
	d, err := policy.Parse(policy.Identity, text)
	switch {
	case err != nil:
		return "could not be parsed, and may have a Deny"
	case slices.ContainsFunc(d.Statements, func(s policy.Statement) bool { return s.Effect == policy.Deny }):
		return "has a Deny"
	}
	return ""
}

// lockout says why a user would be locked out, or could act without MFA; empty
// when the user can assume a role with MFA only.
func (m *Migration) lockout(in *Input, a *org.Account, u *org.User) (why, remedy string) {
	if why, remedy = NoMFASession(u); why != "" {
		return why, remedy
	}
	refused := "access grants " + u.Name + " no role"
	for _, group := range in.Access.GroupsOf(u.Name) {
		for _, t := range in.Access.Targets(group) {
			roleARN := in.roleARN(t.Account, t.Role)
			to := in.account(t.Account)
			if to == nil || roleNamed(to, t.Role) == nil {
				refused = roleARN + " does not exist, or could not be read"
				continue
			}
			with, without := CanAssume(in.Header, a, u, to, roleNamed(to, t.Role), in.Now)
			switch {
			case without.Verdict == policy.Allowed || without.Verdict == policy.Unknown:
				return roleARN + " can be assumed without MFA", "run forcemfa access apply"
			case with.Verdict == policy.Allowed:
				m.Roles = append(m.Roles, roleARN)
			default:
				refused = roleARN + " cannot be assumed with MFA: " + planner.Refusal(with, "sts:AssumeRole")
			}
		}
	}
	slices.Sort(m.Roles)
	m.Roles = slices.Compact(m.Roles)
	if len(m.Roles) > 0 {
		return "", ""
	}
	return "no sign-in path: " + refused, fmt.Sprintf("run forcemfa access apply, or acknowledge with --ack %s:%s/%s", baseline.GuardLockout, a.ID, u.Name)
}

// NoMFASession returns why a user cannot get an MFA session with its devices,
// keys and password, and the remedy. Both are empty for a user who can.
func NoMFASession(u *org.User) (why, remedy string) {
	codes := slices.ContainsFunc(u.Devices, func(d org.Device) bool { return d.Kind.GivesCodes() })
	key := slices.ContainsFunc(u.Keys, func(k org.AccessKey) bool { return k.Active })
	switch {
	case u.MFA == org.Unknown:
		return "could not read whether " + u.Name + " has an MFA device", "let the role that forcemfa assumes call iam:ListMFADevices"
	case u.MFA == org.No:
		return u.Name + " has no MFA device", "let " + u.Name + " enroll one first with forcemfa enroll"
	case u.Password != org.Yes && !(codes && key):
		return u.Name + " has no console password, and no access key with an MFA device that generates codes", "give " + u.Name + " a console password, or enroll a virtual MFA device"
	}
	return "", ""
}
