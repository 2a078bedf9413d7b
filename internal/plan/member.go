package plan

import (
	"slices"
	"strings"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/policy"
)

// A placement is how a user comes under the policy.
type placement uint8

// The placements, in the order in which they are tried.
const (
	settled              placement = iota // no step changes what is in force for the user
	throughPolicy                         // is under our policy: repairing its document enforces
	throughNewAttachment                  // is in our group: attaching the policy to it enforces
	throughGroup
	throughAttachment
	throughInline
	nowhere // no room
)

// A member is a user whom a step enforces.
type member struct {
	user     *audit.User
	place    placement
	document string // of the inline policy
	// bystander: enforced already by something else; comes under our policy
	// only because it is attached for others.
	bystander bool

	needsWindow     bool
	window          *Step // TagUser, once emitted
	blocked, remedy string
	acknowledged    bool // has no way in, and somebody said that this is fine
}

// members are the users whom steps of this plan enforce, by name.
func (p *planner) members(users []audit.User) []member {
	if !p.inReach() {
		return nil
	}
	var members []member
	for i := range users {
		u := &users[i]
		if u.State == audit.Exempt || u.Read == nil {
			continue
		}
		m := member{user: u, place: p.place(u)}
		m.bystander = m.place == throughNewAttachment && u.State == audit.Enforced
		switch m.place {
		case settled:
			continue
		case throughInline:
			m.document = p.inlineDocument(u.Read)
		case nowhere:
			m.blocked = p.noRoom(u.Read)
			m.remedy = "make room: take the user out of a group it does not need, detach a policy, or ask AWS for a higher quota"
		}
		members = append(members, m)
	}
	if !attaches(members) {
		members = slices.DeleteFunc(members, func(m member) bool { return m.bystander })
	}
	slices.SortFunc(members, func(a, b member) int { return strings.Compare(a.user.ARN, b.user.ARN) })
	return members
}

// place says how a user who is not exempt comes under the policy.
func (p *planner) place(u *audit.User) placement {
	inside := p.group != nil && slices.Contains(u.Read.Groups, p.group.Name)
	under := p.policy != nil && (slices.Contains(u.Read.Attached, p.policyARN) || inside && p.carries)
	switch {
	case under && p.drifted:
		return throughPolicy
	case under:
		return settled
	case p.inlineDrifted(u.Read) && p.inlineDocument(u.Read) != "":
		return throughInline
	case inlineState(u.Read, p.inlineName).Present && !p.inlineDrifted(u.Read):
		return settled
	case inside && p.openGroup:
		return throughNewAttachment
	case u.State == audit.Enforced:
		return settled
	case p.openGroup && len(u.Read.Groups) < p.quotas.GroupsPerUser:
		return throughGroup
	case p.usable && len(u.Read.Attached) < p.quotas.AttachedPoliciesPerUser:
		return throughAttachment
	case p.inlineDocument(u.Read) != "":
		return throughInline
	}
	return nowhere
}

// inlineDrifted tells whether the user has an inline policy of our name that
// says something else than is wanted.
func (p *planner) inlineDrifted(u *org.User) bool {
	s := inlineState(u, p.inlineName)
	return s.Present && !SameDocument(s.Document, p.document) && !SameDocument(s.Document, p.denies)
}

// inlineDocument is what of the policy there is room for: all of it, the
// Denies alone, or (empty) nothing.
func (p *planner) inlineDocument(u *org.User) string {
	room := inlineRoom(u, p.inlineName, p.quotas.UserPolicySize)
	for _, document := range []string{p.document, p.denies} {
		if policy.Size(document) <= room {
			return document
		}
	}
	return ""
}

// attaches tells whether our policy has to be attached to our group for these
// users.
func attaches(members []member) bool {
	return slices.ContainsFunc(members, func(m member) bool {
		return !m.bystander && (m.place == throughNewAttachment || m.place == throughGroup && m.blocked == "")
	})
}

// held tells whether the step that a placement rests on is blocked, so that
// nothing should be prepared for its users.
func (p *planner) held(members []member, place placement) bool {
	blocked := func(place placement) bool {
		return slices.ContainsFunc(members, func(m member) bool { return m.place == place && m.blocked != "" })
	}
	policyHeld := p.drifted && (!p.readable || blocked(throughPolicy))
	switch place {
	case throughPolicy, throughAttachment:
		return policyHeld
	case throughGroup, throughNewAttachment:
		return policyHeld || !p.carries && blocked(throughNewAttachment)
	}
	return false
}

// release takes what is ours away from users who are exempt.
func (p *planner) release(users []audit.User) {
	for i := range users {
		u := &users[i]
		if u.State != audit.Exempt || u.Read == nil {
			continue
		}
		there := State{Present: true}
		if p.group != nil && slices.Contains(u.Read.Groups, p.group.Name) {
			p.add(newStep(RemoveUserFromGroup, p.account.ID, u.ARN, baseline.GroupName, there, State{}))
		}
		if slices.Contains(u.Read.Attached, p.policyARN) {
			p.add(newStep(DetachUserPolicy, p.account.ID, u.ARN, p.policyARN, there, State{}))
		}
		if s := inlineState(u.Read, p.inlineName); s.Present {
			p.add(newStep(DeleteUserPolicy, p.account.ID, u.ARN, p.inlineName, s, State{}))
		}
	}
}
