package plan

import (
	"fmt"
	"slices"
	"strings"

	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/policy"
)

// A Migration is what becomes of the policies that a user has by itself.
type Migration struct {
	User  string   `json:"user"`
	Roles []string `json:"roles"` // ARNs of the roles that the user can assume with MFA, and only so
	Steps []Step   `json:"steps"` // take the user's own policies away; each is Blocked when the user would be left without a way in
	Kept  []string `json:"kept"`  // what stays with the user, and why
}

// Migrate plans taking away the policies that a user of the identity account
// has by itself, now that group and roles are there. It is decided for the user
// as it will be: without them, somebody with MFA must be able to assume a
// granted role, and nobody without.
func Migrate(in AccessInput, name string) Migration {
	m := Migration{User: name, Roles: []string{}, Steps: []Step{}, Kept: []string{}}
	a := in.account(in.Access.Account)
	if a == nil || a.User(name) == nil {
		return m
	}
	u := a.User(name)
	later := m.strip(&in, a, u)
	var why, remedy string
	if u.ARN == in.Header.Caller || u.ARN == a.Caller {
		why, remedy = name+" is the user who runs this, and could be cut off in the middle", "run it as a session of the role that "+name+" moves to"
	} else if why, remedy = m.wayIn(&in, a, later); why != "" && acknowledged(&in, a.ID, name) {
		why = ""
	}
	for i := range m.Steps {
		m.Steps[i].Blocked, m.Steps[i].Remedy = why, remedy
		if why == "" {
			m.Steps[i].Remedy = ""
		}
	}
	slices.SortFunc(m.Steps, compareSteps)
	return m
}

func acknowledged(in *AccessInput, account, name string) bool {
	flags := baseline.Baseline{Acknowledge: in.Acknowledge}
	return in.Baseline.Acknowledged(baseline.GuardLockout, account, name) || flags.Acknowledged(baseline.GuardLockout, account, name)
}

// strip adds the steps and gives the user as it will be. What forcemfa gave
// and what denies stays: taking a Deny away would open something.
func (m *Migration) strip(in *AccessInput, a *org.Account, u *org.User) *org.User {
	later := *u
	later.Attached, later.Inline = nil, nil
	for _, p := range u.Attached {
		text, known := "", false
		if of := a.Policy(p); of != nil {
			text, known = of.DefaultDocument()
		}
		if why := m.keeps(p == baseline.PolicyARN(a.Partition, a.ID), known, text); why != "" {
			m.Kept = append(m.Kept, p+": "+why)
			later.Attached = append(later.Attached, p)
			continue
		}
		m.Steps = append(m.Steps, newStep(DetachUserPolicy, a.ID, u.ARN, p, State{Present: true}, State{}))
	}
	for _, p := range u.Inline {
		if why := m.keeps(p.Name == baseline.InlinePolicyName && baseline.CanBeOurs(p.Document), true, p.Document); why != "" {
			m.Kept = append(m.Kept, "inline policy "+p.Name+": "+why)
			later.Inline = append(later.Inline, p)
			continue
		}
		m.Steps = append(m.Steps, newStep(DeleteUserPolicy, a.ID, u.ARN, p.Name, State{Present: true, Document: p.Document}, State{}))
	}
	return &later
}

// keeps says why a policy stays with the user; empty when it goes.
func (m *Migration) keeps(ours, known bool, text string) string {
	if ours {
		return "enforces MFA"
	}
	if !known {
		return "could not be read, and may deny something"
	}
	d, err := policy.Parse(policy.Identity, text)
	switch {
	case err != nil:
		return "could not be understood, and may deny something"
	case slices.ContainsFunc(d.Statements, func(s policy.Statement) bool { return s.Effect == policy.Deny }):
		return "denies something"
	}
	return ""
}

// wayIn says why a user would be left without one; empty when a role can be
// assumed with MFA.
func (m *Migration) wayIn(in *AccessInput, a *org.Account, u *org.User) (why, remedy string) {
	if why, remedy = Device(u); why != "" {
		return why, remedy
	}
	refused := "access grants " + u.Name + " no role"
	for _, group := range in.Access.GroupsOf(u.Name) {
		for _, t := range in.Access.Targets(group) {
			roleARN := in.roleARN(t.Account, t.Role)
			to := in.account(t.Account)
			if to == nil || roleNamed(to, t.Role) == nil {
				refused = roleARN + " is not there, or could not be read"
				continue
			}
			with, without := Enters(in.Header, a, u, to, roleNamed(to, t.Role), in.Now)
			switch {
			case without.Verdict == policy.Allowed || without.Verdict == policy.Unknown:
				return roleARN + " can be assumed without MFA", "run forcemfa access apply"
			case with.Verdict == policy.Allowed:
				m.Roles = append(m.Roles, roleARN)
			default:
				refused = roleARN + " cannot be assumed with MFA: " + refusal(with, "sts:AssumeRole").why
			}
		}
	}
	slices.Sort(m.Roles)
	m.Roles = slices.Compact(m.Roles)
	if len(m.Roles) > 0 {
		return "", ""
	}
	return "no way in: " + refused, fmt.Sprintf("run forcemfa access apply, or acknowledge with --ack %s:%s/%s", baseline.GuardLockout, a.ID, u.Name)
}

// Device says why a user cannot get an MFA session; empty when the user can.
func Device(u *org.User) (why, remedy string) {
	codes := slices.ContainsFunc(u.Devices, func(d org.Device) bool { return d.Kind.GivesCodes() })
	key := slices.ContainsFunc(u.Keys, func(k org.AccessKey) bool { return k.Active })
	switch {
	case u.MFA == org.Unknown:
		return "whether " + u.Name + " has an MFA device could not be read", "let the role that forcemfa assumes call iam:ListMFADevices"
	case u.MFA == org.No:
		return u.Name + " has no MFA device", strings.Join([]string{"let", u.Name, "enroll one first: forcemfa enroll"}, " ")
	case u.Password != org.Yes && !(codes && key):
		return u.Name + " has neither a console password nor an access key with a device that gives codes", "give " + u.Name + " a console password, or a virtual MFA device"
	}
	return "", ""
}
