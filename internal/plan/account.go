package plan

import (
	"fmt"
	"slices"
	"strings"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// A planner plans one account.
type planner struct {
	in        *Input
	documents *org.Cache
	account   *org.Account
	findings  findings
	quotas    org.Quotas

	policyARN, groupARN, inlineName string
	document, denies                string // the whole policy, and its Denies alone

	policy     *org.Policy // ours, as it was read; nil: there is none
	current    State       // of our policy
	readable   bool        // its default document was read
	drifted    bool        // which is not what is wanted
	usable     bool        // our policy is there and known, or can be made
	place      baseline.Place
	group      *org.Group        // ours; nil: there is none
	carries    bool              // our policy is attached to our group
	openGroup  bool              // users can be put into our group
	carriers   map[string]bool   // groups, by name, that have our policy and keep it
	shed       []*org.Group      // groups besides ours that have it and lose it, because somebody in them is exempt
	takers     []*org.Group      // with attach groups: those that get it
	late       map[string]string // with attach groups: why a group does not get it
	covered    bool              // an SCP of ours is to reach the account
	guard      guard
	scpMembers []member // whom the SCP enforces, once they are judged
	steps      []Step
	remarks    remarks
	policyStep *Step // Create or Update, once emitted
	groupStep  *Step // CreateGroup, once emitted
	attachStep *Step // AttachGroupPolicy, once emitted
}

func newPlanner(in *Input, documents *org.Cache, a *audit.Audited) *planner {
	partition := a.Account.Partition
	p := &planner{
		in: in, documents: documents, account: a.Account, place: baseline.PlaceOf(in.Header, a.Account), findings: bySubject(a.Findings),
		policyARN: baseline.PolicyARN(partition, a.Account.ID), groupARN: baseline.GroupARN(partition, a.Account.ID),
		inlineName: baseline.InlinePolicyName,
		document:   in.Baseline.Document(partition), denies: in.Baseline.DenyDocument(partition),
	}
	var assumed bool
	if p.quotas, assumed = orDefault(a.Account.Quotas); assumed && p.inReach() {
		p.remarks.assumedQuotas = []string{a.Account.ID}
	}
	p.covered = in.Covers(a.Account)
	p.findPolicy()
	p.findGroup()
	for i := range a.Account.Users {
		if u := &a.Account.Users[i]; p.inlineTaken(u) {
			p.stranger("the inline policy %s of %s grants what no document of forcemfa does: it is not ours and stays", p.inlineName, u.ARN)
		}
	}
	p.guard = newGuard(p)
	return p
}

// inReach tells whether anything in the account can be changed: it was read
// and is not suspended or closed.
func (p *planner) inReach() bool {
	return p.account.Read && (p.account.State == "" || p.account.State == "ACTIVE")
}

// findPolicy decides whether our policy can be used. IAM's names are unique in
// an account whatever their path, so a look-alike keeps ours from being made.
// Source: IAM API Reference, CreatePolicy.
func (p *planner) findPolicy() {
	p.policy = findPolicy(p.account, p.policyARN)
	p.current, p.readable = policyState(p.policy)
	if p.policy != nil {
		p.drifted = !p.readable || !SameDocument(p.current.Document, p.document)
		p.usable = p.readable
		return
	}
	own := 0
	for _, other := range p.account.Policies {
		parsed, err := arn.Parse(other.ARN)
		if err != nil || parsed.Account != p.account.ID {
			continue // AWS managed
		}
		own++
		if strings.EqualFold(other.Name, baseline.PolicyName) {
			p.stranger("%s has the name of our policy and is not it: ours cannot be made while it is there", other.ARN)
			return
		}
	}
	p.usable = own < p.quotas.Policies && policy.Size(p.document) <= p.quotas.PolicySize
}

// findGroup decides whether users can be put into our group: it is there or
// can be made, and gives nothing but our policy.
func (p *planner) findGroup() {
	p.group = findGroup(p.account, p.groupARN)
	if p.group != nil {
		p.carries = slices.Contains(p.group.Attached, p.policyARN)
		others := without(p.group.Attached, p.policyARN)
		for _, inline := range p.group.Inline {
			others = append(others, "the inline policy "+inline.Name)
		}
		if len(others) > 0 {
			p.stranger("%s gives more than our policy (%s): nobody is put into it", p.groupARN, few(others))
			return
		}
	}
	if p.group == nil {
		for _, other := range p.account.Groups {
			if strings.EqualFold(other.Name, baseline.GroupName) {
				p.stranger("%s has the name of our group and is not it: ours cannot be made while it is there", other.ARN)
				return
			}
		}
	}
	room := p.group != nil || len(p.account.Groups) < p.quotas.Groups
	p.openGroup = p.throughGroups() && p.usable && room
}

// throughGroups tells whether users come under the policy through our group.
func (p *planner) throughGroups() bool {
	return p.in.Baseline.Attach == baseline.AttachGroup || p.in.Baseline.Attach == baseline.AttachSCP
}

func (p *planner) stranger(format string, args ...any) {
	if p.inReach() {
		p.remarks.notOurs = append(p.remarks.notOurs, fmt.Sprintf(format, args...))
	}
}

// plan is all steps of the account, in the order in which they are done.
func (p *planner) plan(users []audit.User) []Step {
	if !p.inReach() {
		return nil
	}
	members := p.members(users)
	p.guard.judge(users, members)
	if p.covered {
		p.scpMembers = slices.Clone(members)
	}
	p.release(users)
	p.openWindows(members)
	for i := range p.scpMembers {
		p.scpMembers[i].window = members[i].window
	}
	p.closeWindows(users)
	p.planPolicy(members)
	p.planGroup(members)
	p.planTakers(members)
	p.planShed()
	for i := range members {
		p.enforce(&members[i])
	}
	p.repairInline(users, members)
	p.planTrust()
	slices.SortFunc(p.steps, compareSteps)
	return p.steps
}

// add appends a step with its findings and returns it as it now is.
func (p *planner) add(s Step) *Step {
	s.Because = p.findings.because(&s)
	p.steps = append(p.steps, s)
	return &s
}

// needs are the IDs of the steps that are planned.
func needs(steps ...*Step) []string {
	var ids []string
	for _, s := range steps {
		if s != nil {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// inheritBlock blocks a step that needs a blocked one.
func inheritBlock(s *Step, needed ...*Step) {
	for _, n := range needed {
		if n != nil && n.Blocked != "" && s.Blocked == "" {
			s.Blocked = "needs " + n.ID + ", which is blocked"
			s.Remedy = n.Remedy
		}
	}
}

// planPolicy makes our policy when somebody is to have it, or repairs it.
func (p *planner) planPolicy(members []member) {
	want := State{Present: true, Document: p.document, Fingerprint: baseline.Fingerprint(p.document)}
	switch {
	case p.policy == nil && slices.ContainsFunc(members, p.wantsPolicy):
		p.policyStep = p.add(newStep(CreatePolicy, p.account.ID, p.policyARN, "", State{}, want))
	case p.policy != nil && p.drifted:
		s := newStep(UpdatePolicy, p.account.ID, p.policyARN, "", p.current, want)
		if !p.readable {
			s.Blocked = "its default version could not be read, so what it says now could not be restored"
			s.Remedy = "let the role that forcemfa assumes call iam:GetAccountAuthorizationDetails and iam:GetPolicyVersion"
		}
		p.blockByMembers(&s, members, throughPolicy)
		p.guard.holdFor(&s)
		s.Needs = windowsOf(members, throughPolicy)
		p.policyStep = p.add(s)
	}
}

// wantsPolicy tells whether a member will rest on our managed policy.
func (p *planner) wantsPolicy(m member) bool {
	return m.blocked == "" && !m.bystander &&
		(m.place == throughGroup || m.place == throughAttachment || m.place == throughNewAttachment || m.place == throughTakers)
}

// planGroup makes our group and attaches our policy to it, when somebody is
// to be in it or already is.
func (p *planner) planGroup(members []member) {
	if p.carries || !attaches(members) {
		return
	}
	if p.group == nil {
		p.groupStep = p.add(newStep(CreateGroup, p.account.ID, p.groupARN, "", State{}, State{Present: true}))
	}
	s := newStep(AttachGroupPolicy, p.account.ID, p.groupARN, p.policyARN, State{}, State{Present: true})
	p.blockByMembers(&s, members, throughNewAttachment)
	inheritBlock(&s, p.policyStep)
	s.Needs = append(needs(p.policyStep, p.groupStep), windowsOf(members, throughNewAttachment)...)
	for _, out := range p.steps {
		if out.Op == RemoveUserFromGroup {
			s.Needs = append(s.Needs, out.ID)
			inheritBlock(&s, &out)
		}
	}
	p.attachStep = p.add(s)
}

// enforce is the step that puts one user under the policy, if it takes one.
func (p *planner) enforce(m *member) {
	u := m.user
	var s Step
	var needed []*Step
	done := State{Present: true}
	switch m.place {
	case throughGroup:
		s = newStep(AddUserToGroup, p.account.ID, u.ARN, baseline.GroupName, State{}, done)
		needed = []*Step{p.policyStep, p.groupStep, p.attachStep}
		if p.attachStep != nil {
			needed = needed[2:]
		}
	case throughAttachment:
		s = newStep(AttachUserPolicy, p.account.ID, u.ARN, p.policyARN, State{}, done)
		needed = []*Step{p.policyStep}
	case throughInline:
		s = newStep(PutUserPolicy, p.account.ID, u.ARN, p.inlineName, inlineState(u.Read, p.inlineName), State{Present: true, Document: m.document})
	case nowhere:
		s = newStep(p.firstChoice(), p.account.ID, u.ARN, p.firstObject(), State{}, done)
	default:
		return // a step on the policy or group enforces this one
	}
	s.Blocked, s.Remedy = m.blocked, m.remedy
	inheritBlock(&s, needed...)
	if m.blocked == "" {
		s.Needs = needs(append(needed, m.window)...)
		p.remark(m)
	}
	p.add(s)
}

// firstChoice is what would have been done with a user for whom there is no
// room anywhere.
func (p *planner) firstChoice() Op {
	if p.in.Baseline.Attach == baseline.AttachUser {
		return AttachUserPolicy
	}
	return AddUserToGroup
}

func (p *planner) firstObject() string {
	if p.firstChoice() == AddUserToGroup {
		return baseline.GroupName
	}
	return p.policyARN
}

func (p *planner) remark(m *member) {
	name := p.account.ID + "/" + m.user.Name
	switch {
	case m.place == throughAttachment && p.in.Baseline.Attach != baseline.AttachUser:
		p.remarks.directly = append(p.remarks.directly, name)
	case m.place == throughInline:
		p.remarks.inline = append(p.remarks.inline, name)
	}
	if m.acknowledged {
		p.remarks.locked = append(p.remarks.locked, name)
	}
}

// blockByMembers blocks a step on the policy or group when it would lock out
// one of the users whom it enforces.
func (p *planner) blockByMembers(s *Step, members []member, place placement) {
	var names []string
	var first *member
	for i := range members {
		m := &members[i]
		if m.place == place && m.blocked != "" {
			names = append(names, m.user.Name)
			if first == nil {
				first = m
			}
		}
	}
	if first == nil || s.Blocked != "" {
		return
	}
	s.Blocked = fmt.Sprintf("enforces %s as well: %s", few(names), first.blocked)
	s.Remedy = first.remedy
}

// windowsOf are the IDs of the steps that open windows for the users whom a
// step on the policy or group enforces.
func windowsOf(members []member, place placement) []string {
	var ids []string
	for i := range members {
		if members[i].place == place {
			ids = append(ids, needs(members[i].window)...)
		}
	}
	return ids
}
