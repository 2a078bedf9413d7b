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
	throughTakers                         // is in groups that get the policy, see attach groups
	throughGroup
	throughAttachment
	throughInline
	nowhere // no room
	bySCP   // enforced by a service control policy, without a step of its own
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
	p.findCarriers(users)
	var members []member
	for i := range users {
		u := &users[i]
		if u.State == audit.Exempt || u.Read == nil {
			continue
		}
		m := member{user: u, place: p.placement(u)}
		if p.covered {
			m.place = p.coveredPlacement(u, m.place)
		}
		m.bystander = m.place == throughNewAttachment && u.State == audit.Enforced
		if m.place == settled && p.joinsTaker(u) {
			m.place, m.bystander = throughTakers, true
		}
		if p.waits(&m) {
			continue
		}
		switch m.place {
		case settled:
			continue
		case throughInline:
			m.document = p.inlineDocument(u.Read)
		case nowhere:
			m.blocked, m.remedy = p.refused(u.Read)
		}
		members = append(members, m)
	}
	if !attaches(members) {
		members = slices.DeleteFunc(members, func(m member) bool {
			return m.bystander && m.place == throughNewAttachment && !p.inlineDrifted(m.user.Read)
		})
	}
	slices.SortFunc(members, func(a, b member) int { return strings.Compare(a.user.ARN, b.user.ARN) })
	return members
}

// placement says how a user who is not exempt comes under the policy.
func (p *planner) placement(u *audit.User) placement {
	under := p.under(u.Read)
	groups := p.in.Baseline.Attach == baseline.AttachGroups
	switch {
	case under && p.drifted:
		return throughPolicy
	case under:
		return settled
	case p.inside(u.Read) && p.openGroup: // what is attached for others enforces this one too
		return throughNewAttachment
	case groups && p.inlineDrifted(u.Read) && p.joinsTaker(u): // so that the group waits for whoever is blocked
		return throughTakers
	case p.inlineDrifted(u.Read) && p.inlineDocument(u.Read) != "":
		return throughInline
	case p.inlineOurs(u.Read) && !p.inlineDrifted(u.Read):
		return settled
	case u.State == audit.Enforced && !p.loses(u.Read):
		return settled
	case groups && p.joinsTaker(u):
		return throughTakers
	case groups && (len(u.Read.Groups) == 0 || p.waitsForGroup(u.Read) != ""):
		return nowhere
	case p.openGroup && len(u.Read.Groups) < p.quotas.GroupsPerUser:
		return throughGroup
	case p.usable && len(u.Read.Attached) < p.quotas.AttachedPoliciesPerUser:
		return throughAttachment
	case p.inlineDocument(u.Read) != "":
		return throughInline
	}
	return nowhere
}

// inside tells whether the user is in our group.
func (p *planner) inside(u *org.User) bool {
	return p.group != nil && slices.Contains(u.Groups, p.group.Name)
}

// inlineOurs tells whether the user has an inline policy of our name that can
// be ours.
func (p *planner) inlineOurs(u *org.User) bool {
	s := inlineState(u, p.inlineName)
	return s.Present && baseline.CanBeOurs(s.Document)
}

// inlineTaken tells whether somebody else's inline policy has our name.
func (p *planner) inlineTaken(u *org.User) bool {
	return inlineState(u, p.inlineName).Present && !p.inlineOurs(u)
}

// inlineDrifted tells whether our inline policy of the user says something else
// than is wanted.
func (p *planner) inlineDrifted(u *org.User) bool {
	s := inlineState(u, p.inlineName)
	return p.inlineOurs(u) && !SameDocument(s.Document, p.document) && !SameDocument(s.Document, p.denies)
}

// repairInline repairs inline policies of ours that drifted on users whom
// something else enforces. It is not deleted, which would open whoever it
// alone keeps until the policy is repaired.
func (p *planner) repairInline(users []audit.User, members []member) {
	for i := range users {
		u := &users[i]
		if u.State == audit.Exempt || u.Read == nil || !p.inlineDrifted(u.Read) || p.planned(PutUserPolicy, u.ARN) {
			continue
		}
		s := newStep(PutUserPolicy, p.account.ID, u.ARN, p.inlineName, inlineState(u.Read, p.inlineName), State{Present: true, Document: p.inlineDocument(u.Read)})
		if s.Want.Document == "" {
			s.Want.Document = p.denies
			s.Blocked = p.noRoom(u.Read)
			s.Remedy = "shorten the other inline policies of " + u.Name + ", or delete " + p.inlineName + " once the user is enforced otherwise"
		}
		if j := slices.IndexFunc(members, func(m member) bool { return m.user.ARN == u.ARN }); j >= 0 && s.Blocked == "" {
			p.holdRepair(&s, &members[j])
		}
		p.add(s)
	}
}

// holdRepair keeps the repair of an inline policy from enforcing a member whom
// this plan does not enforce, or not before the window is open.
func (p *planner) holdRepair(s *Step, m *member) {
	s.Blocked, s.Remedy = m.blocked, m.remedy
	if s.Blocked == "" && m.needsWindow && m.window == nil {
		s.Blocked = "the window that " + m.user.Name + " needs is not opened, because the step that enforces the user is blocked"
		s.Remedy = "do what that step says"
	}
	s.Needs = needs(m.window)
}

// inlineDocument is what of the policy there is room for: all of it, the
// Denies alone, or (empty) nothing. There is none where the name is taken.
func (p *planner) inlineDocument(u *org.User) string {
	if p.inlineTaken(u) {
		return ""
	}
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
	case throughTakers:
		return policyHeld
	case throughGroup, throughNewAttachment:
		return policyHeld || !p.carries && blocked(throughNewAttachment)
	}
	return false
}

// waits leaves out who is enforced on a later day or is not in the scope. Who
// is under our policy already, or in our group, has begun.
func (p *planner) waits(m *member) bool {
	switch m.place {
	case settled, throughPolicy, throughNewAttachment, bySCP:
		return false
	}
	if p.inlineDrifted(m.user.Read) {
		return false
	}
	name := p.account.ID + "/" + m.user.Name
	if p.in.Baseline.Scope == baseline.ScopeWithoutDevice && m.user.MFA == org.Yes {
		p.remarks.outside = append(p.remarks.outside, name)
		return true
	}
	if wave := p.in.Baseline.Scheduled(p.place, m.user.Read, p.in.Now); wave != nil {
		p.remarks.schedule(wave, name)
		return true
	}
	return false
}

// without is a list without what is left out of it.
func without(list []string, left string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == left })
}

// refused says why there is no way to put a user under the policy, and what
// to do.
func (p *planner) refused(u *org.User) (why, remedy string) {
	if p.in.Baseline.Attach == baseline.AttachGroups {
		if len(u.Groups) == 0 {
			return "in no group, and attach groups reaches groups alone", "put " + u.Name + " into a group, or set attach to group or user"
		}
		if why := p.waitsForGroup(u); why != "" {
			return why, "put whole groups into one wave, or set attach to group or user"
		}
	}
	return p.noRoom(u), "make room: take the user out of a group it does not need, detach a policy, or ask AWS for a higher quota"
}

// release takes what is ours away from users who are exempt.
func (p *planner) release(users []audit.User) {
	for i := range users {
		u := &users[i]
		if u.State != audit.Exempt || u.Read == nil {
			continue
		}
		p.letGo(u.ARN, u.Read)
	}
}

// letGo takes our group, policy and inline policy from a user.
func (p *planner) letGo(userARN string, u *org.User) {
	there := State{Present: true}
	if p.inside(u) {
		s := newStep(RemoveUserFromGroup, p.account.ID, userARN, p.group.Name, there, State{})
		s.Blocked, s.Remedy = p.guard.kept[userARN].why, p.guard.kept[userARN].remedy
		p.add(s)
	}
	if slices.Contains(u.Attached, p.policyARN) {
		s := newStep(DetachUserPolicy, p.account.ID, userARN, p.policyARN, there, State{})
		s.Blocked, s.Remedy = p.guard.kept[userARN].why, p.guard.kept[userARN].remedy
		p.add(s)
	}
	if p.inlineOurs(u) {
		p.add(newStep(DeleteUserPolicy, p.account.ID, userARN, p.inlineName, inlineState(u, p.inlineName), State{}))
	}
}

// released is a user without what letGo takes.
func (p *planner) released(u *org.User) *org.User {
	later := *u
	if p.group != nil {
		later.Groups = without(later.Groups, p.group.Name)
	}
	later.Attached = without(later.Attached, p.policyARN)
	if p.inlineOurs(u) {
		later.Inline = slices.DeleteFunc(slices.Clone(later.Inline), func(i org.InlinePolicy) bool { return i.Name == p.inlineName })
	}
	return &later
}
