package planner

import (
	"fmt"
	"slices"

	"forcemfa/internal/plan"
	"forcemfa/internal/prose"
)

// remove removes everything that forcemfa manages: from users, from groups, then
// the group and the policy.
func (p *accountPlanner) remove() {
	for i := range p.account.Users {
		u := &p.account.Users[i]
		p.detachFrom(u)
		if open, tagged := p.in.Baseline.Window.Of(u.Tags); tagged {
			p.add(p.step(plan.UntagUser, u.ARN, open.Tag, plan.State{Present: true, Value: open.Value}, absent))
		}
	}
	for i := range p.account.Groups {
		if g := &p.account.Groups[i]; slices.Contains(g.Attached, p.policyARN) {
			p.add(p.step(plan.DetachGroupPolicy, g.ARN, p.policyARN, present, absent))
		}
	}
	p.removeGroup()
	p.removePolicy()
}

// removeGroup deletes the group, unless it has policies that forcemfa did not
// attach.
func (p *accountPlanner) removeGroup() {
	if p.group == nil {
		return
	}
	s := p.step(plan.DeleteGroup, p.groupARN, "", present, absent)
	for _, before := range p.steps {
		if before.Op == plan.RemoveUserFromGroup || before.Op == plan.DetachGroupPolicy && before.Subject == p.groupARN {
			s.Needs = append(s.Needs, before.ID)
		}
	}
	if len(p.group.Inline) > 0 || slices.ContainsFunc(p.group.Attached, func(a string) bool { return a != p.policyARN }) {
		s.Block("the group has policies that forcemfa did not attach", "detach and delete them, then plan again")
	}
	p.add(s)
}

// removePolicy deletes the policy, unless it is used in a way that forcemfa does
// not use it.
func (p *accountPlanner) removePolicy() {
	if p.policy == nil {
		return
	}
	s := p.step(plan.DeletePolicy, p.policyARN, "", p.current, absent)
	s.Expect.Versions = nil // all versions are deleted, whichever there are
	for _, before := range p.steps {
		if before.Object == p.policyARN {
			s.Needs = append(s.Needs, before.ID)
		}
	}
	switch users := p.otherUses(); {
	case !p.readable:
		s.Block("its default version could not be read, so a rollback could not create it again",
			"let the role that forcemfa assumes call iam:GetAccountAuthorizationDetails and iam:GetPolicyVersion")
	case len(users) > 0:
		s.Block("it is also used where forcemfa did not attach it: "+prose.Few(users), "detach it there, then plan again")
	}
	p.add(s)
}

// otherUses are the roles with the policy attached and the roles and users with
// the policy as their boundary: forcemfa does neither.
func (p *accountPlanner) otherUses() []string {
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
	slices.Sort(all)
	return all
}
