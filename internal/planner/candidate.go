package planner

import (
	"fmt"
	"slices"
	"strings"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/prose"
)

// A placement is how a user comes under the policy.
type placement uint8

// The placements, in the order in which they are tried.
const (
	unchanged            placement = iota // no step changes what is in force for the user
	throughPolicy                         // is under the policy: repairing its document enforces
	throughNewAttachment                  // is in the group ForceMFA: attaching the policy to it enforces
	throughGroups                         // is in groups that get the policy, see attach: groups
	throughGroup                          // is added to the group ForceMFA
	throughAttachment                     // gets the policy attached
	throughInline                         // gets an inline policy
	nowhere                               // there is no room
	bySCP                                 // a service control policy enforces, without a step for the user
)

// A candidate is a user whom a step enforces, unless it is blocked.
type candidate struct {
	user     *audit.User
	place    placement
	document string // of the inline policy
	// bystander: something else enforces the user already; it comes under the
	// policy only because the policy is attached for others.
	bystander bool

	needsWindow     bool
	window          *plan.Step // TagUser, once planned
	blocked, remedy string
	ack             string // the flag that acknowledges the guard; empty: no guard blocks
	lockedOut       string // why the user has no sign-in path, which was acknowledged; empty: has one
}

// candidates are the users whom steps of this plan enforce, by ARN.
func (p *accountPlanner) candidates(users []audit.User) []candidate {
	if !p.inReach() {
		return nil
	}
	p.findGroups(users)
	var all []candidate
	for i := range users {
		u := &users[i]
		if u.State == audit.Exempt || u.Read == nil {
			continue
		}
		c := p.newCandidate(u)
		if p.waits(&c) || c.place == unchanged {
			continue
		}
		switch c.place {
		case throughInline:
			c.document = p.inlineDocument(u.Read)
		case nowhere:
			c.blocked, c.remedy = p.noPlacement(u.Read)
		}
		all = append(all, c)
	}
	if !attaches(all) {
		all = slices.DeleteFunc(all, func(c candidate) bool {
			return c.bystander && c.place == throughNewAttachment && !p.inlineDrifted(c.user.Read)
		})
	}
	slices.SortFunc(all, func(a, b candidate) int { return strings.Compare(a.user.ARN, b.user.ARN) })
	return all
}

// newCandidate places one user.
func (p *accountPlanner) newCandidate(u *audit.User) candidate {
	c := candidate{user: u, place: p.placement(u)}
	if p.covered {
		c.place = p.coveredPlacement(u, c.place)
	}
	c.bystander = c.place == throughNewAttachment && u.State == audit.Enforced
	if c.place == unchanged && p.getsPolicy(u.Read) {
		c.place, c.bystander = throughGroups, true
	}
	return c
}

// placement says how a user who is not exempt comes under the policy.
func (s *accountState) placement(u *audit.User) placement {
	under := s.under(u.Read)
	groups := s.in.Baseline.Attach == baseline.AttachGroups
	switch {
	case under && s.drifted:
		return throughPolicy
	case under:
		return unchanged
	case s.inGroup(u.Read) && s.openGroup: // attaching the policy for others enforces this user too
		return throughNewAttachment
	case groups && s.inlineDrifted(u.Read) && s.getsPolicy(u.Read): // so that the group waits for blocked users
		return throughGroups
	case s.inlineDrifted(u.Read) && s.inlineDocument(u.Read) != "":
		return throughInline
	case s.inlineManaged(u.Read) && !s.inlineDrifted(u.Read):
		return unchanged
	case u.State == audit.Enforced && !s.losesPolicy(u.Read):
		return unchanged
	case groups && s.getsPolicy(u.Read):
		return throughGroups
	case groups && (len(u.Read.Groups) == 0 || s.waitsForGroup(u.Read) != ""):
		return nowhere
	}
	return s.firstRoom(u.Read)
}

// firstRoom is the first way by which the policy can be put on a user.
func (s *accountState) firstRoom(u *org.User) placement {
	switch {
	case s.collides:
		return nowhere
	case s.openGroup && len(u.Groups) < s.quotas.GroupsPerUser:
		return throughGroup
	case s.usable && len(u.Attached) < s.quotas.AttachedPoliciesPerUser:
		return throughAttachment
	case s.inlineDocument(u) != "":
		return throughInline
	}
	return nowhere
}

// coveredPlacement is the placement of a user in an account that the SCP will
// reach: by the SCP, unless the policy or the inline policy enforces already.
func (s *accountState) coveredPlacement(u *audit.User, otherwise placement) placement {
	switch {
	case otherwise == throughPolicy, otherwise == throughNewAttachment:
		return otherwise
	case s.under(u.Read):
		return unchanged
	}
	return bySCP
}

// noPlacement says why the policy cannot be put on a user, and what to do.
func (s *accountState) noPlacement(u *org.User) (why, remedy string) {
	if s.in.Baseline.Attach == baseline.AttachGroups {
		if len(u.Groups) == 0 {
			return u.Name + " is in no group, and attach: groups enforces only members of groups", "add " + u.Name + " to a group, or set attach to group or user"
		}
		if why := s.waitsForGroup(u); why != "" {
			return why, "put all users of a group into one wave, or set attach to group or user"
		}
	}
	if s.collides {
		return "the account has another policy with the name " + baseline.PolicyName, s.adoptRemedy()
	}
	return s.noRoom(u), "remove the user from a group it does not need, detach a policy, or request a higher quota from AWS"
}

// waits leaves out users of later waves and users out of scope, and notes them.
// Users who are under the policy or in the group already are never left out.
func (p *accountPlanner) waits(c *candidate) bool {
	switch c.place {
	case unchanged, throughPolicy, throughNewAttachment, bySCP:
		return false
	}
	if p.inlineDrifted(c.user.Read) {
		return false
	}
	name := p.account.ID + "/" + c.user.Name
	if p.in.Baseline.Scope == baseline.ScopeWithoutDevice && c.user.MFA == org.Yes {
		p.remarks.outOfScope = append(p.remarks.outOfScope, name)
		return true
	}
	if wave := p.in.Baseline.Scheduled(p.place, c.user.Read, p.in.Now); wave != nil {
		p.remarks.schedule(wave, name)
		return true
	}
	return false
}

// needsPolicy reports whether a candidate rests on the managed policy.
func needsPolicy(c candidate) bool {
	return c.blocked == "" && !c.bystander &&
		(c.place == throughGroup || c.place == throughAttachment || c.place == throughNewAttachment || c.place == throughGroups)
}

// attaches reports whether the policy has to be attached to the group ForceMFA
// for these users.
func attaches(candidates []candidate) bool {
	return slices.ContainsFunc(candidates, func(c candidate) bool {
		return !c.bystander && (c.place == throughNewAttachment || c.place == throughGroup && c.blocked == "")
	})
}

// blockedPlacements says which placements of the candidates rest on a blocked step.
func (p *accountPlanner) blockedPlacements(candidates []candidate) map[placement]bool {
	blocked := map[placement]bool{}
	for i := range candidates {
		place := candidates[i].place
		if _, known := blocked[place]; !known {
			blocked[place] = p.placementBlocked(candidates, place)
		}
	}
	return blocked
}

// placementBlocked reports whether the step that a placement rests on is blocked,
// so that nothing should be prepared for its users.
func (p *accountPlanner) placementBlocked(candidates []candidate, place placement) bool {
	blocked := func(place placement) bool {
		return slices.ContainsFunc(candidates, func(c candidate) bool { return c.place == place && c.blocked != "" })
	}
	policyBlocked := p.drifted && (!p.readable || blocked(throughPolicy))
	switch place {
	case throughPolicy, throughAttachment, throughGroups:
		return policyBlocked
	case throughGroup, throughNewAttachment:
		return policyBlocked || !p.carries && blocked(throughNewAttachment)
	}
	return false
}

// blockByCandidates blocks a step on the policy or on a group when one of the
// users whom it would enforce is blocked.
func blockByCandidates(s *plan.Step, candidates []candidate, place placement) {
	var names, acks []string
	var first *candidate
	for i := range candidates {
		c := &candidates[i]
		if c.place != place || c.blocked == "" {
			continue
		}
		names = append(names, c.user.Name)
		if first == nil {
			first = c
		} else if c.ack != "" {
			acks = append(acks, c.ack)
		}
	}
	if first != nil && s.Blocked == "" {
		s.Block(fmt.Sprintf("also enforces %s: %s", prose.Few(names), first.blocked), allRemedies(first.remedy, acks))
	}
}

// allRemedies is the remedy of a step that enforces several blocked users: that of the
// first, and the acknowledgements of the others, so that one run resolves all of them.
func allRemedies(first string, others []string) string {
	if len(others) == 0 {
		return first
	}
	return first + "; resolve the others as well, or acknowledge them with " + strings.Join(others, " ")
}

// windowsOf are the IDs of the steps that open enrollment windows for the users
// whom a step on the policy or on a group enforces.
func windowsOf(candidates []candidate, place placement) []string {
	var ids []string
	for i := range candidates {
		if candidates[i].place == place {
			ids = append(ids, plan.IDs(candidates[i].window)...)
		}
	}
	return ids
}

// repairInline repairs inline policies that drifted. They are not deleted: until
// the managed policy is repaired, the inline policy may be the only one that
// enforces.
func (p *accountPlanner) repairInline(users []audit.User, candidates []candidate) {
	for i := range users {
		u := &users[i]
		if u.State == audit.Exempt || u.Read == nil || !p.inlineDrifted(u.Read) || p.planned(plan.PutUserPolicy, u.ARN) {
			continue
		}
		s := p.step(plan.PutUserPolicy, u.ARN, p.inlineName, p.inlineState(u.Read), plan.State{Present: true, Document: p.inlineDocument(u.Read)})
		if s.Want.Document == "" {
			s.Want.Document = p.denies
			s.Block(p.noRoom(u.Read), "shorten the other inline policies of "+u.Name+", or delete "+p.inlineName+" once the user is enforced otherwise")
		}
		if j := slices.IndexFunc(candidates, func(c candidate) bool { return c.user.ARN == u.ARN }); j >= 0 && s.Blocked == "" {
			blockRepair(&s, &candidates[j])
		}
		p.add(s)
	}
}

// blockRepair keeps the repair of an inline policy from enforcing a user whom
// this plan does not enforce, or does not enforce before the enrollment window is
// open.
func blockRepair(s *plan.Step, c *candidate) {
	s.Block(c.blocked, c.remedy)
	if s.Blocked == "" && c.needsWindow && c.window == nil {
		s.Block("the enrollment window of "+c.user.Name+" is not opened, because the step that enforces the user is blocked", "resolve that step first")
	}
	s.Needs = plan.IDs(c.window)
}
