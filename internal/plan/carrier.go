package plan

import (
	"fmt"
	"slices"
	"strings"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
)

// findCarriers sorts the groups of the account: which have our policy and keep
// it, which lose it because somebody in them is exempt, and, with attach
// groups, which get it.
func (p *planner) findCarriers(users []audit.User) {
	exempt, waiting := map[string][]string{}, map[string][]string{}
	for i := range users {
		u := &users[i]
		if u.Read == nil {
			continue
		}
		in := waiting
		switch {
		case u.State == audit.Exempt:
			in = exempt
		case p.in.Baseline.Scheduled(p.place, u.Read, p.in.Now) == nil:
			continue
		}
		for _, name := range u.Read.Groups {
			in[name] = append(in[name], u.Name)
		}
	}
	p.carriers, p.shed, p.takers, p.late = map[string]bool{}, nil, nil, map[string]string{}
	for i := range p.account.Groups {
		g := &p.account.Groups[i]
		ours := p.group != nil && g.ARN == p.groupARN
		switch carries := slices.Contains(g.Attached, p.policyARN); {
		case carries && !ours && len(exempt[g.Name]) > 0:
			p.shed = append(p.shed, g)
		case carries:
			p.carriers[g.Name] = true
		case p.in.Baseline.Attach != baseline.AttachGroups || !p.usable || ours:
		case len(exempt[g.Name]) > 0:
			p.stranger("the group %s has exempt users (%s): the policy is not put on it", g.ARN, few(exempt[g.Name]))
		case len(waiting[g.Name]) > 0:
			p.late[g.Name] = "its group " + g.Name + " has users of a later wave: " + few(waiting[g.Name])
		case len(g.Attached) < p.quotas.AttachedPoliciesPerGroup:
			p.takers = append(p.takers, g)
		}
	}
}

// under tells whether our policy reaches a user, and will after this plan.
func (p *planner) under(u *org.User) bool {
	return p.policy != nil && (slices.Contains(u.Attached, p.policyARN) || slices.ContainsFunc(u.Groups, func(name string) bool { return p.carriers[name] }))
}

// loses tells whether the user is in a group that loses our policy.
func (p *planner) loses(u *org.User) bool {
	return slices.ContainsFunc(p.shed, func(g *org.Group) bool { return slices.Contains(u.Groups, g.Name) })
}

// joinsTaker tells whether the user is in a group that gets our policy, and is
// not under it by another way.
func (p *planner) joinsTaker(u *audit.User) bool {
	return !p.under(u.Read) && slices.ContainsFunc(p.takers, func(g *org.Group) bool { return slices.Contains(u.Read.Groups, g.Name) })
}

// waitsForGroup says why a user who could be enforced by now is not: others in
// the groups are of a later wave. Empty when no group waits.
func (p *planner) waitsForGroup(u *org.User) string {
	for _, name := range u.Groups {
		if why := p.late[name]; why != "" {
			return why
		}
	}
	return ""
}

// planTakers puts our policy on the groups that get it.
func (p *planner) planTakers(members []member) {
	for _, g := range p.takers {
		inside := membersOf(members, g.Name)
		if p.policy == nil && p.policyStep == nil && !slices.ContainsFunc(inside, func(m member) bool { return m.place == throughTakers && !m.bystander }) {
			continue // there is no policy, and nobody asks for one
		}
		s := newStep(AttachGroupPolicy, p.account.ID, g.ARN, p.policyARN, State{}, State{Present: true})
		p.blockByMembers(&s, inside, throughTakers)
		inheritBlock(&s, p.policyStep)
		s.Needs = append(needs(p.policyStep), windowsOf(inside, throughTakers)...)
		p.add(s)
	}
}

// membersOf are the members who are in a group.
func membersOf(members []member, group string) []member {
	var inside []member
	for _, m := range members {
		if slices.Contains(m.user.Read.Groups, group) {
			inside = append(inside, m)
		}
	}
	return inside
}

// heldByGroup tells whether every group by which a member would be enforced is
// blocked by somebody else in it.
func (p *planner) heldByGroup(members []member, m *member) bool {
	for _, g := range p.takers {
		blocked := func(other member) bool { return other.place == throughTakers && other.blocked != "" }
		if slices.Contains(m.user.Read.Groups, g.Name) && !slices.ContainsFunc(membersOf(members, g.Name), blocked) {
			return false
		}
	}
	return true
}

// planShed takes our policy off groups in which somebody is exempt, once the
// others have it by another way.
func (p *planner) planShed() {
	for _, g := range p.shed {
		p.add(newStep(DetachGroupPolicy, p.account.ID, g.ARN, p.policyARN, State{Present: true}, State{}))
	}
}

// remove takes everything of ours away: from users, then from groups, then
// our group and policy.
func (p *planner) remove() []Step {
	if !p.inReach() {
		return nil
	}
	there := State{Present: true}
	for i := range p.account.Users {
		u := &p.account.Users[i]
		p.letGo(u.ARN, u)
		if open, tagged := p.in.Baseline.Window.Of(u.Tags); tagged {
			p.add(newStep(UntagUser, p.account.ID, u.ARN, open.Tag, State{Present: true, Value: open.Value}, State{}))
		}
	}
	for i := range p.account.Groups {
		if g := &p.account.Groups[i]; slices.Contains(g.Attached, p.policyARN) {
			p.add(newStep(DetachGroupPolicy, p.account.ID, g.ARN, p.policyARN, there, State{}))
		}
	}
	p.removeGroup()
	p.removePolicy()
	slices.SortFunc(p.steps, compareSteps)
	return p.steps
}

// removeGroup deletes our group, unless it gives something that is not ours.
func (p *planner) removeGroup() {
	if p.group == nil {
		return
	}
	s := newStep(DeleteGroup, p.account.ID, p.groupARN, "", State{Present: true}, State{})
	for _, before := range p.steps {
		if before.Op == RemoveUserFromGroup || before.Op == DetachGroupPolicy && before.Subject == p.groupARN {
			s.Needs = append(s.Needs, before.ID)
		}
	}
	if len(p.group.Inline) > 0 || slices.ContainsFunc(p.group.Attached, func(a string) bool { return a != p.policyARN }) {
		s.Blocked = "somebody gave the group policies that are not ours"
		s.Remedy = "detach and delete them, then run this again"
	}
	p.add(s)
}

// removePolicy deletes our policy, unless something uses it that we did not
// make.
func (p *planner) removePolicy() {
	if p.policy == nil {
		return
	}
	s := newStep(DeletePolicy, p.account.ID, p.policyARN, "", p.current, State{})
	s.Expect.Versions = nil // all go, whichever there are
	for _, before := range p.steps {
		if before.Object == p.policyARN {
			s.Needs = append(s.Needs, before.ID)
		}
	}
	switch users := p.strangeUsers(); {
	case !p.readable:
		s.Blocked = "its default version could not be read, so it could not be made again"
		s.Remedy = "let the role that forcemfa assumes call iam:GetAccountAuthorizationDetails and iam:GetPolicyVersion"
	case len(users) > 0:
		s.Blocked = "something uses it that forcemfa did not attach: " + few(users)
		s.Remedy = "detach it there, then run this again"
	}
	p.add(s)
}

// strangeUsers are the entities that use our policy in a way that we never
// attach it.
func (p *planner) strangeUsers() []string {
	var all []string
	for i := range p.account.Roles {
		r := &p.account.Roles[i]
		if slices.Contains(r.Attached, p.policyARN) {
			all = append(all, "role "+r.Name)
		}
		if r.Boundary == p.policyARN {
			all = append(all, fmt.Sprintf("role %s, as its boundary", r.Name))
		}
	}
	for i := range p.account.Users {
		if u := &p.account.Users[i]; u.Boundary == p.policyARN {
			all = append(all, fmt.Sprintf("user %s, as its boundary", u.Name))
		}
	}
	slices.SortFunc(all, strings.Compare)
	return all
}
