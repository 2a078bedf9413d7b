package plan

import (
	"fmt"
	"slices"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
)

// maxSCPs is how many service control policies a root, unit or account can
// have attached.
// Source: Organizations User Guide, "Quotas for AWS Organizations", of 2026.
const maxSCPs = 10

// plannedSCP stands for the ID of a policy that is not made yet.
const plannedSCP = "p-planned0"

// scpTargets are where the SCP that enforces goes.
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

// Covers tells whether the SCP that enforces reaches an account. It never
// reaches the management account.
// Source: Organizations User Guide, "Service control policies".
func (in *Input) Covers(a *org.Account) bool {
	o := in.Header.Organization
	return in.Baseline.Attach == baseline.AttachSCP && o != nil && o.SCPsEnabled && in.under(a, in.scpTargets())
}

// under tells whether an account stands under one of the targets.
func (in *Input) under(a *org.Account, targets []string) bool {
	if a.Management || in.Header.Organization != nil && a.ID == in.Header.Organization.ManagementAccount {
		return false
	}
	if slices.Contains(targets, a.ID) {
		return true
	}
	id := a.Unit
	for range in.Header.Units {
		if slices.Contains(targets, id) {
			return true
		}
		u := in.Header.Unit(id)
		if u == nil {
			break
		}
		id = u.Parent
	}
	return false
}

// withSCP is the organization and one of its accounts with the SCP that
// enforces in force.
func (in *Input) withSCP(a *org.Account) (*org.Header, *org.Account) {
	header, account := *in.Header, *a
	document, err := in.Baseline.EnforceSCP(a.Partition, in.Now)
	if err != nil {
		return &header, &account // the step is blocked for that
	}
	id := plannedSCP
	if there := in.scp(baseline.SCPName); there != nil {
		id = there.ID
	}
	header.SCPs = slices.DeleteFunc(slices.Clone(in.Header.SCPs), func(p org.SCP) bool { return p.ID == id })
	header.SCPs = append(header.SCPs, org.SCP{ID: id, Name: baseline.SCPName, Document: document})
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

// scp is the policy of that name, or nil.
func (in *Input) scp(name string) *org.SCP {
	for i := range in.Header.SCPs {
		if in.Header.SCPs[i].Name == name {
			return &in.Header.SCPs[i]
		}
	}
	return nil
}

// coveredPlacement is where a user of an account stands that the SCP reaches:
// under it, unless our policy or an inline one of ours does it already.
func (p *planner) coveredPlacement(u *audit.User, otherwise placement) placement {
	switch {
	case otherwise == throughPolicy, otherwise == throughNewAttachment:
		return otherwise
	case p.under(u.Read):
		return settled
	}
	return bySCP
}

// scps plans the service control policies of an organization.
type scps struct {
	in       *Input
	attached map[string][]string // IDs of policies by target
	seen     map[string]bool     // accounts
	names    []string            // who would be locked out, as account/name
	first    *member             // of them
	needs    []string            // steps that must be done before
	unread   []string            // accounts that the SCP would reach and that nobody could look into
	shut     []string            // accounts that the guard would shut to the role of this run
	notes    []string
}

func newSCPs(in *Input) *scps {
	s := &scps{in: in, attached: map[string][]string{}, seen: map[string]bool{}}
	for _, u := range in.Header.Units {
		s.attached[u.ID] = u.SCPs
	}
	return s
}

// see takes from an account what decides about the policies above it.
func (s *scps) see(p *planner) {
	a := p.account
	s.attached[a.ID], s.seen[a.ID] = a.SCPs, true
	active := a.State == "" || a.State == "ACTIVE"
	if p.covered && active && !a.Read {
		s.unread = append(s.unread, a.ID)
	}
	if a.Read && s.in.under(a, s.in.Baseline.Guard.Targets) && !s.in.Baseline.GuardPasses(a.Caller) {
		s.shut = append(s.shut, a.ID)
	}
	for i := range p.scpMembers {
		m := &p.scpMembers[i]
		if m.blocked != "" { // the SCP enforces whoever our policy would
			s.names = append(s.names, a.ID+"/"+m.user.Name)
			if s.first == nil {
				s.first = m
			}
		}
		s.needs = append(s.needs, needs(m.window)...)
	}
	if !p.covered {
		return
	}
	for i := range p.steps {
		if p.steps[i].Op == AddUserToGroup && p.steps[i].Blocked == "" {
			s.needs = append(s.needs, p.steps[i].ID)
		}
	}
}

// A held is why steps are blocked, and what to do; the zero value is neither.
type held struct{ why, remedy string }

// plan is all steps on service control policies.
func (s *scps) plan() []Step {
	b := s.in.Baseline
	if s.in.Remove {
		return append(s.remove(baseline.SCPName), s.remove(baseline.GuardName)...)
	}
	var steps []Step
	if b.Attach == baseline.AttachSCP {
		if o := s.in.Header.Organization; o != nil {
			s.notes = append(s.notes, "no service control policy reaches the management account "+o.ManagementAccount+": its users come under the policy through the group "+baseline.GroupName)
		}
		document, err := b.EnforceSCP(s.in.Header.Partition, s.in.Now)
		steps = append(steps, s.want(baseline.SCPName, document, s.in.scpTargets(), s.heldBack(err), s.needs)...)
	} else {
		s.unwanted(baseline.SCPName, "attach is not scp")
	}
	if len(b.Guard.Targets) > 0 {
		document, err := b.GuardSCP(s.in.Header.Partition)
		steps = append(steps, s.want(baseline.GuardName, document, b.Guard.Targets, s.heldShut(err), nil)...)
	} else {
		s.unwanted(baseline.GuardName, "there is no guard_scp")
	}
	return steps
}

// unwanted says that a policy of ours is there which the config does not ask
// for. Taking it away would open what it closes, so only --remove does.
func (s *scps) unwanted(name, why string) {
	if there := s.in.scp(name); there != nil && baseline.OurSCP(there.Document) {
		s.notes = append(s.notes, fmt.Sprintf("the service control policy %s is there, though %s: plan --remove takes it away", name, why))
	}
}

// heldBack is why the SCP that enforces is not put in force.
func (s *scps) heldBack(inexpressible error) held {
	switch {
	case inexpressible != nil:
		return held{inexpressible.Error(), "change the exemption, or set attach to group"}
	case s.in.Partial:
		return held{"only some accounts were chosen, and it reaches others", "run it without the flags that choose accounts, and name its targets in the config file"}
	case len(s.unread) > 0:
		return held{"nobody knows whom it would lock out in accounts that could not be read: " + few(s.unread), "give the run a role there, or name other targets"}
	case s.first != nil:
		return held{fmt.Sprintf("enforces %s: %s", few(s.names), s.first.blocked), s.first.remedy}
	}
	return held{}
}

// heldShut is why the guard is not put in force.
func (s *scps) heldShut(inexpressible error) held {
	switch {
	case inexpressible != nil:
		return held{inexpressible.Error(), "change the exemption"}
	case s.in.Partial:
		return held{"only some accounts were chosen, and it reaches others", "run it without the flags that choose accounts"}
	case len(s.shut) > 0:
		return held{"it would shut out the role by which this run enters: " + few(s.shut), "name that role in except of guard_scp"}
	}
	return held{}
}

// step is one on a policy of ours.
func (s *scps) step(op Op, name, object string, expect, want State) Step {
	o := s.in.Header.Organization
	return newStep(op, o.ManagementAccount, baseline.SCPARN(s.in.Header.Partition, o.ManagementAccount, o.ID, name), object, expect, want)
}

// want makes or repairs a policy, attaches it where it belongs, and takes it
// from where it does not.
func (s *scps) want(name, document string, targets []string, back held, needed []string) []Step {
	o := s.in.Header.Organization
	if o == nil {
		s.notes = append(s.notes, "there is no organization, or it could not be read: the service control policy "+name+" cannot be made")
		return nil
	}
	if !o.SCPsEnabled {
		back = held{"service control policies are not enabled, or could not be read", "enable them in the management account, or let the run call organizations:ListPolicies"}
	} else if _, err := baseline.SizeOfSCP(document); err != nil && back == (held{}) {
		back = held{err.Error(), "shorten the list of exemptions"}
	}
	var steps []Step
	there := s.in.scp(name)
	wanted := State{Present: true, Document: document}
	var ids []string
	switch {
	case there == nil && document == "":
		made := s.step(CreateSCP, name, "", State{}, State{Present: true})
		made.Blocked, made.Remedy = back.why, back.remedy
		return []Step{made}
	case there == nil:
		made := s.step(CreateSCP, name, "", State{}, wanted)
		made.Blocked, made.Remedy = back.why, back.remedy
		steps, ids = append(steps, made), append(ids, made.ID)
	case !SameDocument(there.Document, document):
		changed := s.step(UpdateSCP, name, "", State{Present: true, Document: there.Document}, wanted)
		changed.Blocked, changed.Remedy, changed.Needs = back.why, back.remedy, needed
		if !baseline.OurSCP(there.Document) {
			back = held{"it has the name of ours and is not it", "rename or delete it"}
			changed.Blocked, changed.Remedy = back.why, back.remedy
		}
		steps, ids = append(steps, changed), append(ids, changed.ID)
	}
	for _, target := range targets {
		if there != nil && slices.Contains(s.attached[target], there.ID) {
			continue
		}
		at := s.step(AttachSCP, name, target, State{}, State{Present: true})
		at.Needs = append(slices.Clone(ids), needed...)
		at.Blocked, at.Remedy = back.why, back.remedy
		if why := s.noTarget(target); why != "" && at.Blocked == "" {
			at.Blocked, at.Remedy = why, "name other targets in the config file"
		}
		steps = append(steps, at)
	}
	return append(steps, s.elsewhere(there, name, targets)...)
}

// noTarget says why nothing can be attached to a target.
func (s *scps) noTarget(target string) string {
	switch {
	case s.in.Header.Unit(target) == nil && !s.seen[target]:
		return "there is no root, unit or account " + target + " among those that were read"
	case len(s.attached[target]) >= maxSCPs:
		return fmt.Sprintf("%s has %d of %d service control policies attached", target, len(s.attached[target]), maxSCPs)
	}
	return ""
}

// elsewhere takes a policy of ours from targets that it should not be at.
func (s *scps) elsewhere(there *org.SCP, name string, targets []string) []Step {
	if there == nil || s.in.Partial || !baseline.OurSCP(there.Document) {
		return nil
	}
	var steps []Step
	for _, target := range sortedKeys(s.attached) {
		if slices.Contains(s.attached[target], there.ID) && !slices.Contains(targets, target) {
			steps = append(steps, s.step(DetachSCP, name, target, State{Present: true}, State{}))
		}
	}
	return steps
}

// remove takes a policy of ours from everywhere and deletes it.
func (s *scps) remove(name string) []Step {
	there := s.in.scp(name)
	if there == nil {
		return nil
	}
	steps := s.elsewhere(there, name, nil)
	gone := s.step(DeleteSCP, name, "", State{Present: true, Document: there.Document}, State{})
	for i := range steps {
		gone.Needs = append(gone.Needs, steps[i].ID)
	}
	switch {
	case !baseline.OurSCP(there.Document):
		gone.Blocked, gone.Remedy = "it has the name of ours and is not it", "rename or delete it"
	case s.in.Partial:
		gone.Blocked, gone.Remedy = "only some accounts were chosen, and it reaches others", "run it without the flags that choose accounts"
	}
	return append(steps, gone)
}

// observe is the state of a step's policy and target.
func (s *scps) observe(step *Step) (state State, ok bool) {
	var there *org.SCP
	for _, name := range []string{baseline.SCPName, baseline.GuardName} {
		if o := s.in.Header.Organization; o != nil && step.Subject == s.step(step.Op, name, "", State{}, State{}).Subject {
			there = s.in.scp(name)
		}
	}
	switch {
	case step.Op != AttachSCP && step.Op != DetachSCP && there == nil:
		return State{}, true
	case there == nil:
		return State{}, false
	case step.Op == AttachSCP || step.Op == DetachSCP:
		return State{Present: slices.Contains(s.attached[step.Object], there.ID)}, true
	}
	return State{Present: true, Document: there.Document}, true
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
