package planner

import (
	"fmt"
	"maps"
	"slices"

	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/prose"
)

// maxSCPs is how many service control policies a root, unit or account can have
// attached.
// Source: Organizations User Guide, "Quotas for AWS Organizations", of 2026.
const maxSCPs = 10

// plannedSCP is the ID of a policy that does not exist yet.
const plannedSCP = "p-planned0"

// scpTargets are the targets of the SCP that enforces.
func (in *Input) scpTargets() []string {
	if len(in.Baseline.SCP.Targets) > 0 {
		return in.Baseline.SCP.Targets
	}
	for _, u := range in.Header.Units {
		if u.Parent == "" {
			return []string{u.ID}
		}
	}
	return nil
}

// Covers reports whether the SCP that enforces reaches an account. It never
// reaches the management account.
// Source: Organizations User Guide, "Service control policies".
func (in *Input) Covers(a *org.Account) bool {
	o := in.Header.Organization
	return in.Baseline.Attach == baseline.AttachSCP && o != nil && o.SCPsEnabled && in.under(a, in.scpTargets())
}

// under reports whether an account is one of the targets or below one.
func (in *Input) under(a *org.Account, targets []string) bool {
	return baseline.Under(in.Header, a, targets)
}

// withSCP is the organization and one of its accounts with the SCP that enforces
// in force.
func (in *Input) withSCP(a *org.Account) (*org.Header, *org.Account) {
	header, account := *in.Header, *a
	text, err := in.Baseline.EnforceSCP(a.Partition, in.Now)
	if err != nil {
		return &header, &account // the step is blocked for that reason
	}
	id := plannedSCP
	if there := in.scp(document.SCPName); there != nil {
		id = there.ID
	}
	header.SCPs = slices.DeleteFunc(slices.Clone(in.Header.SCPs), func(p org.SCP) bool { return p.ID == id })
	header.SCPs = append(header.SCPs, org.SCP{ID: id, Name: document.SCPName, Document: text})
	header.Units = slices.Clone(in.Header.Units)
	for _, target := range in.scpTargets() {
		if target == a.ID && !slices.Contains(account.SCPs, id) {
			account.SCPs = append(slices.Clone(account.SCPs), id)
		}
		for i := range header.Units {
			if u := &header.Units[i]; u.ID == target && !slices.Contains(u.SCPs, id) {
				u.SCPs = append(slices.Clone(u.SCPs), id)
			}
		}
	}
	return &header, &account
}

// scp is the policy with a name, or nil.
func (in *Input) scp(name string) *org.SCP {
	for i := range in.Header.SCPs {
		if in.Header.SCPs[i].Name == name {
			return &in.Header.SCPs[i]
		}
	}
	return nil
}

// An scpPlanner plans the service control policies of an organization.
type scpPlanner struct {
	in       *Input
	attached map[string][]string // IDs of policies by target
	seen     map[string]bool     // accounts
	blocked  []string            // users who would be locked out, as account/name
	first    block               // of the first of them
	acks     []string            // flags that acknowledge the guards of the others
	needs    []string            // IDs of steps that must be done before
	unread   []string            // accounts that the SCP would reach and that could not be read
	shut     []string            // accounts whose role for this run the guard SCP would deny
	notes    []string
}

func newSCPPlanner(in *Input) *scpPlanner {
	s := &scpPlanner{in: in, attached: map[string][]string{}, seen: map[string]bool{}}
	for _, u := range in.Header.Units {
		s.attached[u.ID] = u.SCPs
	}
	return s
}

// addAccount collects what a planned account means for the policies above it.
func (s *scpPlanner) addAccount(p *accountPlanner) {
	a := p.account
	s.attached[a.ID], s.seen[a.ID] = a.SCPs, true
	active := a.State == "" || a.State == "ACTIVE"
	if p.covered && active && !a.Read {
		s.unread = append(s.unread, a.ID)
	}
	if a.Read && s.in.under(a, s.in.Baseline.Guard.Targets) && !s.in.Baseline.GuardPasses(a.Caller) {
		s.shut = append(s.shut, a.ID)
	}
	for i := range p.scpCandidates {
		c := &p.scpCandidates[i]
		if c.blocked != "" { // the SCP would enforce the user too
			s.blocked = append(s.blocked, a.ID+"/"+c.user.Name)
			if s.first == (block{}) {
				s.first = block{c.blocked, c.remedy}
			} else if c.ack != "" {
				s.acks = append(s.acks, c.ack)
			}
		}
		s.needs = append(s.needs, plan.IDs(c.window)...)
	}
	if !p.covered {
		return
	}
	for i := range p.steps {
		if p.steps[i].Op == plan.AddUserToGroup && p.steps[i].Blocked == "" {
			s.needs = append(s.needs, p.steps[i].ID)
		}
	}
}

// plan returns all steps on service control policies.
func (s *scpPlanner) plan() []plan.Step {
	b := s.in.Baseline
	if s.in.Remove {
		return append(s.remove(document.SCPName), s.remove(document.GuardName)...)
	}
	var steps []plan.Step
	if b.Attach == baseline.AttachSCP {
		if o := s.in.Header.Organization; o != nil {
			s.notes = append(s.notes, "service control policies do not affect the management account "+o.ManagementAccount+": its users are enforced through the group "+baseline.GroupName)
		}
		text, err := b.EnforceSCP(s.in.Header.Partition, s.in.Now)
		steps = append(steps, s.ensure(document.SCPName, text, s.in.scpTargets(), s.enforceBlock(err), s.needs)...)
	} else {
		s.noteUnwanted(document.SCPName, "attach is not scp")
	}
	if len(b.Guard.Targets) > 0 {
		text, err := b.GuardSCP(s.in.Header.Partition)
		steps = append(steps, s.ensure(document.GuardName, text, b.Guard.Targets, s.guardBlock(err), nil)...)
	} else {
		s.noteUnwanted(document.GuardName, "guard_scp is not set")
	}
	return steps
}

// noteUnwanted notes a policy of forcemfa that the config file does not require.
// Deleting it would allow what it denies, so only --remove does.
func (s *scpPlanner) noteUnwanted(name, why string) {
	if there := s.in.scp(name); there != nil && document.IsManagedSCP(there.Document) {
		s.notes = append(s.notes, fmt.Sprintf("the service control policy %s exists although %s: plan --remove deletes it", name, why))
	}
}

// enforceBlock is why the SCP that enforces is not put in force.
func (s *scpPlanner) enforceBlock(inexpressible error) block {
	switch {
	case inexpressible != nil:
		return block{inexpressible.Error(), "change the exemption, or set attach to group"}
	case s.in.Partial:
		return block{"the plan covers only the selected accounts, and the policy affects others", "plan without the flags that select accounts, and set its targets in the config file"}
	case len(s.unread) > 0:
		return block{"it could lock out users in accounts that were not read: " + prose.Few(s.unread), "let forcemfa assume a role there, or set other targets"}
	case len(s.blocked) > 0:
		return block{fmt.Sprintf("it would also enforce %s: %s", prose.Few(s.blocked), s.first.why), allRemedies(s.first.remedy, s.acks)}
	}
	return block{}
}

// guardBlock is why the guard SCP is not put in force.
func (s *scpPlanner) guardBlock(inexpressible error) block {
	switch {
	case inexpressible != nil:
		return block{inexpressible.Error(), "change the exemption"}
	case s.in.Partial:
		return block{"the plan covers only the selected accounts, and the policy affects others", "plan without the flags that select accounts"}
	case len(s.shut) > 0:
		return block{"it would deny the role that forcemfa assumes: " + prose.Few(s.shut), "add that role to except in guard_scp"}
	}
	return block{}
}

// step is a step on a policy of forcemfa.
func (s *scpPlanner) step(op plan.Op, name, object string, expect, want plan.State) plan.Step {
	o := s.in.Header.Organization
	return plan.NewStep(op, o.ManagementAccount, document.SCPARN(s.in.Header.Partition, o.ManagementAccount, o.ID, name), object, expect, want)
}

// ensure creates or repairs a policy, attaches it to its targets, and detaches it
// from everything else.
func (s *scpPlanner) ensure(name, text string, targets []string, b block, needed []string) []plan.Step {
	o := s.in.Header.Organization
	if o == nil {
		s.notes = append(s.notes, "the service control policy "+name+" is not planned: there is no organization, or it could not be read")
		return nil
	}
	if !o.SCPsEnabled {
		b = block{"service control policies are not enabled, or could not be read", "enable them in the management account, or allow organizations:ListPolicies"}
	} else if _, err := document.SizeOfSCP(text); err != nil && b == (block{}) {
		b = block{err.Error(), "shorten the list of exemptions"}
	}
	there := s.in.scp(name)
	if there != nil && !plan.SameDocument(there.Document, text) && !document.IsManagedSCP(there.Document) {
		b = block{"it has the name of the forcemfa policy, but is another policy", "rename or delete it"}
	}
	steps := s.write(there, name, text, b, needed)
	if text == "" && there == nil {
		return steps // it cannot be written, so there is nothing to attach
	}
	needed = append(stepIDs(steps), needed...)
	for _, target := range targets {
		if there != nil && slices.Contains(s.attached[target], there.ID) {
			continue
		}
		at := s.step(plan.AttachSCP, name, target, absent, present)
		at.Needs = slices.Clone(needed)
		at.Block(b.why, b.remedy)
		if why := s.noTarget(target); why != "" && at.Blocked == "" {
			at.Block(why, "set other targets in the config file")
		}
		steps = append(steps, at)
	}
	return append(steps, s.detach(there, name, targets)...)
}

func stepIDs(steps []plan.Step) []string {
	var ids []string
	for i := range steps {
		ids = append(ids, steps[i].ID)
	}
	return ids
}

// write creates a policy or updates its document, if it takes a step.
func (s *scpPlanner) write(there *org.SCP, name, text string, b block, needed []string) []plan.Step {
	var step plan.Step
	switch {
	case there == nil && text == "":
		step = s.step(plan.CreateSCP, name, "", absent, present)
	case there == nil:
		step = s.step(plan.CreateSCP, name, "", absent, plan.State{Present: true, Document: text})
	case !plan.SameDocument(there.Document, text):
		step = s.step(plan.UpdateSCP, name, "", plan.State{Present: true, Document: there.Document}, plan.State{Present: true, Document: text})
		step.Needs = needed
	default:
		return nil
	}
	step.Block(b.why, b.remedy)
	return []plan.Step{step}
}

// noTarget says why nothing can be attached to a target.
func (s *scpPlanner) noTarget(target string) string {
	switch {
	case s.in.Header.Unit(target) == nil && !s.seen[target]:
		return "no root, unit or account with the ID " + target + " was read"
	case len(s.attached[target]) >= maxSCPs:
		return fmt.Sprintf("%s has %d of %d service control policies attached", target, len(s.attached[target]), maxSCPs)
	}
	return ""
}

// detach detaches a policy of forcemfa from everything except its targets.
func (s *scpPlanner) detach(there *org.SCP, name string, targets []string) []plan.Step {
	if there == nil || s.in.Partial || !document.IsManagedSCP(there.Document) {
		return nil
	}
	var steps []plan.Step
	for _, target := range slices.Sorted(maps.Keys(s.attached)) {
		if slices.Contains(s.attached[target], there.ID) && !slices.Contains(targets, target) {
			steps = append(steps, s.step(plan.DetachSCP, name, target, present, absent))
		}
	}
	return steps
}

// remove detaches a policy of forcemfa everywhere and deletes it.
func (s *scpPlanner) remove(name string) []plan.Step {
	there := s.in.scp(name)
	if there == nil {
		return nil
	}
	steps := s.detach(there, name, nil)
	gone := s.step(plan.DeleteSCP, name, "", plan.State{Present: true, Document: there.Document}, absent)
	gone.Needs = stepIDs(steps)
	switch {
	case !document.IsManagedSCP(there.Document):
		gone.Block("it has the name of the forcemfa policy, but is another policy", "rename or delete it")
	case s.in.Partial:
		gone.Block("the plan covers only the selected accounts, and the policy affects others", "plan without the flags that select accounts")
	}
	return append(steps, gone)
}

// state is the current state of a step's policy and target; ok is false when the
// policy of an attachment does not exist.
func (s *scpPlanner) state(step *plan.Step) (state plan.State, ok bool) {
	var there *org.SCP
	for _, name := range []string{document.SCPName, document.GuardName} {
		if o := s.in.Header.Organization; o != nil && step.Subject == s.step(step.Op, name, "", absent, absent).Subject {
			there = s.in.scp(name)
		}
	}
	attachment := step.Op == plan.AttachSCP || step.Op == plan.DetachSCP
	switch {
	case there == nil:
		return absent, !attachment
	case attachment:
		return plan.State{Present: slices.Contains(s.attached[step.Object], there.ID)}, true
	}
	return plan.State{Present: true, Document: there.Document}, true
}
