package planner

import (
	"fmt"
	"slices"
	"strings"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/prose"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// An accountState is one account as it was read, with the policy and group that
// the baseline requires.
type accountState struct {
	in        *Input
	documents *org.Cache
	account   *org.Account
	place     baseline.Place
	quotas    org.Quotas
	assumed   bool // some quotas are AWS's defaults

	policyARN, groupARN, inlineName string
	document, denies                string // the whole policy, and its Deny statements alone

	policy    *org.Policy // ForceMFA, as it was read; nil: it does not exist
	current   plan.State  // of that policy
	readable  bool        // its default document was read
	drifted   bool        // its document is not the wanted one
	usable    bool        // it exists and was read, or can be created
	collides  bool        // its name is taken by a policy that could be adopted
	group     *org.Group  // the group ForceMFA; nil: it does not exist
	carries   bool        // the policy is attached to the group
	openGroup bool        // users can be added to the group
	covered   bool        // the SCP of the baseline will reach the account
	conflicts []string    // sentences on name collisions and on the group
	groups    groupPlan
}

func newAccountState(in *Input, documents *org.Cache, a *org.Account) *accountState {
	s := &accountState{
		in: in, documents: documents, account: a, place: baseline.PlaceOf(in.Header, a),
		policyARN: in.Baseline.PolicyOf(a), groupARN: baseline.GroupARN(a.Partition, a.ID),
		inlineName: baseline.InlinePolicyName,
		document:   in.Baseline.Document(a.Partition), denies: in.Baseline.DenyDocument(a.Partition),
	}
	s.quotas, s.assumed = Quotas(a)
	s.covered = in.Covers(a)
	s.findPolicy()
	s.findGroup()
	for i := range a.Users {
		if u := &a.Users[i]; s.inlineTaken(u) {
			s.conflict("the inline policy %s of %s is not managed by forcemfa and is not changed: it grants permissions that no forcemfa document grants", s.inlineName, u.ARN)
		}
	}
	return s
}

// inReach reports whether the account can be changed: it was read and is not
// suspended or closed.
func (s *accountState) inReach() bool {
	return s.account.Read && (s.account.State == "" || s.account.State == "ACTIVE")
}

// findPolicy decides whether the policy can be used. IAM's names are unique in an
// account whatever their path, so another policy of the same name keeps it from
// being created.
// Source: IAM API Reference, CreatePolicy.
func (s *accountState) findPolicy() {
	s.policy = s.account.Policy(s.policyARN)
	s.current, s.readable = plan.PolicyState(s.policy)
	if s.policy != nil {
		s.drifted = !s.readable || !plan.SameDocument(s.current.Document, s.document)
		s.usable = s.readable
		return
	}
	own := 0
	for _, other := range s.account.Policies {
		parsed, err := arn.Parse(other.ARN)
		if err != nil || parsed.Account != s.account.ID {
			continue // AWS managed
		}
		own++
		if baseline.NamedForceMFA(&other) {
			if s.collides = s.adoptable(&other); s.collides {
				return // proposals has it
			}
			s.conflict("%s has the name of the forcemfa policy, but is another policy: forcemfa cannot create its policy until it is renamed or deleted", other.ARN)
			return
		}
	}
	s.usable = own < s.quotas.Policies && policy.Size(s.document) <= s.quotas.PolicySize
}

// findGroup decides whether users can be added to the group: it exists or can be
// created, and grants nothing except the policy.
func (s *accountState) findGroup() {
	if g := s.account.Group(baseline.GroupName); g != nil && g.ARN == s.groupARN {
		s.group = g
	}
	if s.group != nil {
		s.carries = slices.Contains(s.group.Attached, s.policyARN)
		others := without(s.group.Attached, s.policyARN)
		for _, inline := range s.group.Inline {
			others = append(others, "the inline policy "+inline.Name)
		}
		if len(others) > 0 {
			s.conflict("no users are added to %s, because it also grants other policies: %s", s.groupARN, prose.Few(others))
			return
		}
	}
	if s.group == nil {
		for _, other := range s.account.Groups {
			if strings.EqualFold(other.Name, baseline.GroupName) {
				s.conflict("%s has the name of the forcemfa group, but is another group: forcemfa cannot create its group until it is renamed or deleted", other.ARN)
				return
			}
		}
	}
	room := s.group != nil || len(s.account.Groups) < s.quotas.Groups
	attach := s.in.Baseline.Attach
	s.openGroup = (attach == baseline.AttachGroup || attach == baseline.AttachSCP) && s.usable && room
}

func (s *accountState) conflict(format string, args ...any) {
	if s.inReach() {
		s.conflicts = append(s.conflicts, fmt.Sprintf(format, args...))
	}
}

// inGroup reports whether a user is in the group ForceMFA.
func (s *accountState) inGroup(u *org.User) bool {
	return s.group != nil && slices.Contains(u.Groups, s.group.Name)
}

// inlineManaged reports whether a user has an inline policy of forcemfa.
func (s *accountState) inlineManaged(u *org.User) bool {
	state := s.inlineState(u)
	return state.Present && document.CanBeManaged(state.Document)
}

// inlineTaken reports whether a user has an inline policy of the same name that
// forcemfa did not write.
func (s *accountState) inlineTaken(u *org.User) bool {
	return s.inlineState(u).Present && !s.inlineManaged(u)
}

// inlineDrifted reports whether the inline policy of forcemfa differs from both
// wanted documents.
func (s *accountState) inlineDrifted(u *org.User) bool {
	document := s.inlineState(u).Document
	return s.inlineManaged(u) && !plan.SameDocument(document, s.document) && !plan.SameDocument(document, s.denies)
}

func (s *accountState) inlineState(u *org.User) plan.State {
	return plan.InlineState(u.Inline, s.inlineName)
}

// inlineDocument is the part of the policy that fits into an inline policy: all
// of it, the Deny statements alone, or (empty) nothing. It is empty when the name
// is taken.
func (s *accountState) inlineDocument(u *org.User) string {
	if s.inlineTaken(u) {
		return ""
	}
	room := inlineRoom(u, s.inlineName, s.quotas.UserPolicySize)
	for _, document := range []string{s.document, s.denies} {
		if policy.Size(document) <= room {
			return document
		}
	}
	return ""
}

// enforced is the account with the wanted policy, attached to the group.
func (s *accountState) enforced() *org.Account {
	a := *s.account
	wanted := org.Policy{ARN: s.policyARN, Name: baseline.PolicyName, Path: baseline.Path}
	if s.policy != nil {
		wanted.Name, wanted.Path = s.policy.Name, s.policy.Path
	}
	wanted.Default, wanted.Versions = "v1", []org.Version{{ID: "v1", Document: s.document}}
	a.Policies = slices.DeleteFunc(slices.Clone(s.account.Policies), func(other org.Policy) bool { return other.ARN == s.policyARN })
	a.Policies = append(a.Policies, wanted)
	slices.SortFunc(a.Policies, func(x, y org.Policy) int { return strings.Compare(x.ARN, y.ARN) })
	if s.group != nil && !s.carries {
		a.Groups = slices.Clone(s.account.Groups)
		g := a.Group(s.group.Name)
		g.Attached = append([]string{s.policyARN}, g.Attached...)
	}
	return &a
}

// An accountPlanner plans one account.
type accountPlanner struct {
	*accountState
	findings      findings
	guard         *guard
	scpCandidates []candidate // users whom the SCP enforces, after the guard has looked at them
	steps         []plan.Step
	remarks       remarks

	policyStep *plan.Step // CreatePolicy or UpdatePolicy, once planned
	groupStep  *plan.Step // CreateGroup, once planned
	attachStep *plan.Step // AttachGroupPolicy, once planned
}

func newAccountPlanner(in *Input, documents *org.Cache, a *audit.Audited) *accountPlanner {
	return &accountPlanner{accountState: newAccountState(in, documents, a.Account), findings: bySubject(a.Findings)}
}

// plan returns all steps of the account, in the order in which they are done.
func (p *accountPlanner) plan(users []audit.User) []plan.Step {
	switch {
	case !p.inReach():
		return nil
	case p.in.Remove:
		p.remove()
	default:
		p.enforceAll(users)
	}
	p.remarks.conflicts = p.conflicts
	p.propose()
	if p.assumed {
		p.remarks.assumedQuotas = []string{p.account.ID}
	}
	slices.SortFunc(p.steps, plan.Compare)
	return p.steps
}

// enforceAll plans the steps that enforce the policy.
func (p *accountPlanner) enforceAll(users []audit.User) {
	candidates := p.candidates(users)
	p.guard = newGuard(p.accountState)
	p.guard.check(users, candidates)
	p.noteStops(candidates)
	if p.covered {
		p.scpCandidates = slices.Clone(candidates)
	}
	p.detachExempt(users)
	p.openWindows(candidates)
	for i := range p.scpCandidates {
		p.scpCandidates[i].window = candidates[i].window
	}
	p.closeWindows(users)
	p.planPolicy(candidates)
	p.planGroup(candidates)
	p.attachToGroups(candidates)
	p.detachFromGroups()
	for i := range candidates {
		p.enforce(&candidates[i])
	}
	p.repairInline(users, candidates)
	p.planTrust()
}

// add appends a step with the findings that it resolves and returns it.
func (p *accountPlanner) add(s plan.Step) *plan.Step {
	s.Because = p.findings.resolvedBy(&s)
	p.steps = append(p.steps, s)
	return &s
}

// step is a step on the account.
func (p *accountPlanner) step(op plan.Op, subject, object string, expect, want plan.State) plan.Step {
	return plan.NewStep(op, p.account.ID, subject, object, expect, want)
}

func (p *accountPlanner) planned(op plan.Op, subject string) bool {
	return slices.ContainsFunc(p.steps, func(s plan.Step) bool { return s.Op == op && s.Subject == subject })
}

// present and absent are the states of attachments, memberships and groups.
var present, absent = plan.State{Present: true}, plan.State{}

// planPolicy creates the policy when a user will rest on it, or repairs it.
func (p *accountPlanner) planPolicy(candidates []candidate) {
	want := plan.State{Present: true, Document: p.document, Fingerprint: baseline.Fingerprint(p.document)}
	switch {
	case p.policy == nil && slices.ContainsFunc(candidates, needsPolicy):
		p.policyStep = p.add(p.step(plan.CreatePolicy, p.policyARN, "", absent, want))
	case p.policy != nil && p.drifted:
		s := p.step(plan.UpdatePolicy, p.policyARN, "", p.current, want)
		if !p.readable {
			s.Block("its default version could not be read, so a rollback could not restore it",
				"let the role that forcemfa assumes call iam:GetAccountAuthorizationDetails and iam:GetPolicyVersion")
		}
		s.Block(p.blockAdoption())
		blockByCandidates(&s, candidates, throughPolicy)
		p.guard.blockForExempt(&s)
		s.Needs = windowsOf(candidates, throughPolicy)
		p.policyStep = p.add(s)
		if s.Blocked == "" {
			p.remarkAdoption(&want)
		}
	}
}

// planGroup creates the group and attaches the policy to it, when users are in it
// or will be.
func (p *accountPlanner) planGroup(candidates []candidate) {
	if p.carries || !attaches(candidates) {
		return
	}
	if p.group == nil {
		p.groupStep = p.add(p.step(plan.CreateGroup, p.groupARN, "", absent, present))
	}
	s := p.step(plan.AttachGroupPolicy, p.groupARN, p.policyARN, absent, present)
	blockByCandidates(&s, candidates, throughNewAttachment)
	s.BlockBy(p.policyStep)
	s.Needs = append(plan.IDs(p.policyStep, p.groupStep), windowsOf(candidates, throughNewAttachment)...)
	for _, out := range p.steps {
		if out.Op == plan.RemoveUserFromGroup {
			s.Needs = append(s.Needs, out.ID)
			s.BlockBy(&out)
		}
	}
	p.attachStep = p.add(s)
}

// enforce is the step that brings one user under the policy, if it takes one.
func (p *accountPlanner) enforce(c *candidate) {
	u := c.user
	var s plan.Step
	var needed []*plan.Step
	switch c.place {
	case throughGroup:
		s = p.step(plan.AddUserToGroup, u.ARN, baseline.GroupName, absent, present)
		needed = []*plan.Step{p.policyStep, p.groupStep, p.attachStep}
		if p.attachStep != nil {
			needed = needed[2:]
		}
	case throughAttachment:
		s = p.step(plan.AttachUserPolicy, u.ARN, p.policyARN, absent, present)
		needed = []*plan.Step{p.policyStep}
	case throughInline:
		s = p.step(plan.PutUserPolicy, u.ARN, p.inlineName, p.inlineState(u.Read), plan.State{Present: true, Document: c.document})
	case nowhere:
		s = p.firstChoice(u.ARN)
	default:
		return // a step on the policy, a group or an SCP enforces the user
	}
	s.Block(c.blocked, c.remedy)
	s.BlockBy(needed...)
	if c.blocked == "" {
		s.Needs = plan.IDs(append(needed, c.window)...)
		p.remark(c)
	}
	p.add(s)
}

// firstChoice is the step that would enforce a user if there were room.
func (p *accountPlanner) firstChoice(userARN string) plan.Step {
	if p.in.Baseline.Attach == baseline.AttachUser {
		return p.step(plan.AttachUserPolicy, userARN, p.policyARN, absent, present)
	}
	return p.step(plan.AddUserToGroup, userARN, baseline.GroupName, absent, present)
}

func (p *accountPlanner) remark(c *candidate) {
	name := p.account.ID + "/" + c.user.Name
	switch {
	case c.place == throughAttachment && p.in.Baseline.Attach != baseline.AttachUser:
		p.remarks.directly = append(p.remarks.directly, name)
	case c.place == throughInline:
		p.remarks.inline = append(p.remarks.inline, name)
	}
	if c.lockedOut != "" {
		p.remarks.lockedOut = append(p.remarks.lockedOut, name+" ("+c.lockedOut+")")
	}
}
