package planner

import (
	"slices"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/prose"
)

// A groupPlan sorts the groups of an account by what happens to the policy on
// them.
type groupPlan struct {
	keep   map[string]bool   // by name: have the policy and keep it
	detach []*org.Group      // lose it, because a user in them is exempt
	attach []*org.Group      // get it, with attach: groups
	wait   map[string]string // by name, with attach: groups: why the group does not get it yet
}

// findGroups sorts the groups of the account.
func (s *accountState) findGroups(users []audit.User) {
	exempt, later := s.usersByGroup(users)
	s.groups = groupPlan{keep: map[string]bool{}, wait: map[string]string{}}
	for i := range s.account.Groups {
		g := &s.account.Groups[i]
		managed := s.group != nil && g.ARN == s.groupARN
		switch carries := slices.Contains(g.Attached, s.policyARN); {
		case carries && !managed && len(exempt[g.Name]) > 0:
			s.groups.detach = append(s.groups.detach, g)
		case carries:
			s.groups.keep[g.Name] = true
		case s.in.Baseline.Attach != baseline.AttachGroups || !s.usable || managed:
		case len(exempt[g.Name]) > 0:
			s.conflict("the policy is not attached to the group %s, because it has exempt users: %s", g.ARN, prose.Few(exempt[g.Name]))
		case len(later[g.Name]) > 0:
			s.groups.wait[g.Name] = "its group " + g.Name + " also has users of a later wave: " + prose.Few(later[g.Name])
		case len(g.Attached) < s.quotas.AttachedPoliciesPerGroup:
			s.groups.attach = append(s.groups.attach, g)
		}
	}
}

// usersByGroup are the names of the exempt users and of the users of later waves,
// by group.
func (s *accountState) usersByGroup(users []audit.User) (exempt, later map[string][]string) {
	exempt, later = map[string][]string{}, map[string][]string{}
	for i := range users {
		u := &users[i]
		if u.Read == nil {
			continue
		}
		byGroup := later
		switch {
		case u.State == audit.Exempt:
			byGroup = exempt
		case s.in.Baseline.Scheduled(s.place, u.Read, s.in.Now) == nil:
			continue
		}
		for _, name := range u.Read.Groups {
			byGroup[name] = append(byGroup[name], u.Name)
		}
	}
	return exempt, later
}

// under reports whether the policy reaches a user now and after this plan.
func (s *accountState) under(u *org.User) bool {
	return s.policy != nil && (slices.Contains(u.Attached, s.policyARN) || slices.ContainsFunc(u.Groups, func(name string) bool { return s.groups.keep[name] }))
}

// losesPolicy reports whether a user is in a group from which the policy is
// detached.
func (s *accountState) losesPolicy(u *org.User) bool { return inAny(s.groups.detach, u) }

// getsPolicy reports whether a user is in a group to which the policy is
// attached, and is not under it already.
func (s *accountState) getsPolicy(u *org.User) bool { return !s.under(u) && inAny(s.groups.attach, u) }

func inAny(groups []*org.Group, u *org.User) bool {
	return slices.ContainsFunc(groups, func(g *org.Group) bool { return slices.Contains(u.Groups, g.Name) })
}

// waitsForGroup says why a user is not enforced yet although its wave has begun:
// other users of the group are in a later wave. Empty when no group waits.
func (s *accountState) waitsForGroup(u *org.User) string {
	for _, name := range u.Groups {
		if why := s.groups.wait[name]; why != "" {
			return why
		}
	}
	return ""
}

// attachToGroups attaches the policy to groups, with attach: groups.
func (p *accountPlanner) attachToGroups(candidates []candidate) {
	for _, g := range p.groups.attach {
		inside := candidatesIn(candidates, g.Name)
		if p.policy == nil && p.policyStep == nil && !slices.ContainsFunc(inside, func(c candidate) bool { return c.place == throughGroups && !c.bystander }) {
			continue // the policy does not exist, and no user needs it
		}
		s := p.step(plan.AttachGroupPolicy, g.ARN, p.policyARN, absent, present)
		blockByCandidates(&s, inside, throughGroups)
		s.BlockBy(p.policyStep)
		s.Needs = append(plan.IDs(p.policyStep), windowsOf(inside, throughGroups)...)
		p.add(s)
	}
}

// candidatesIn are the candidates who are in a group.
func candidatesIn(candidates []candidate, group string) []candidate {
	var inside []candidate
	for _, c := range candidates {
		if slices.Contains(c.user.Read.Groups, group) {
			inside = append(inside, c)
		}
	}
	return inside
}

// blockedByGroup reports whether every group that would enforce a candidate is
// blocked by another user in it.
func (p *accountPlanner) blockedByGroup(candidates []candidate, c *candidate) bool {
	blocked := func(other candidate) bool { return other.place == throughGroups && other.blocked != "" }
	for _, g := range p.groups.attach {
		if slices.Contains(c.user.Read.Groups, g.Name) && !slices.ContainsFunc(candidatesIn(candidates, g.Name), blocked) {
			return false
		}
	}
	return true
}

// detachFromGroups detaches the policy from groups with exempt users, after the
// other users have it another way.
func (p *accountPlanner) detachFromGroups() {
	for _, g := range p.groups.detach {
		p.add(p.step(plan.DetachGroupPolicy, g.ARN, p.policyARN, present, absent))
	}
}

// detachExempt takes group, policy and inline policy from exempt users.
func (p *accountPlanner) detachExempt(users []audit.User) {
	for i := range users {
		if u := &users[i]; u.State == audit.Exempt && u.Read != nil {
			p.detachFrom(u.Read)
		}
	}
}

// detachFrom takes group, policy and inline policy from a user, unless the guard
// keeps the user under them.
func (p *accountPlanner) detachFrom(u *org.User) {
	var kept block
	if p.guard != nil {
		kept = p.guard.kept[u.ARN]
	}
	if p.inGroup(u) {
		s := p.step(plan.RemoveUserFromGroup, u.ARN, p.group.Name, present, absent)
		s.Block(kept.why, kept.remedy)
		p.add(s)
	}
	if slices.Contains(u.Attached, p.policyARN) {
		s := p.step(plan.DetachUserPolicy, u.ARN, p.policyARN, present, absent)
		s.Block(kept.why, kept.remedy)
		p.add(s)
	}
	if p.inlineManaged(u) {
		p.add(p.step(plan.DeleteUserPolicy, u.ARN, p.inlineName, p.inlineState(u), absent))
	}
}

// detached is a user without group, policy and inline policy of forcemfa.
func (s *accountState) detached(u *org.User) *org.User {
	later := *u
	if s.group != nil {
		later.Groups = without(later.Groups, s.group.Name)
	}
	later.Attached = without(later.Attached, s.policyARN)
	if s.inlineManaged(u) {
		later.Inline = slices.DeleteFunc(slices.Clone(later.Inline), func(i org.InlinePolicy) bool { return i.Name == s.inlineName })
	}
	return &later
}

// without is a list without one of its entries.
func without(list []string, left string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == left })
}
