package plan

import (
	"slices"

	"forcemfa/internal/org"
)

// Intersect answers what of a plan file may be executed: the steps of today
// that the file has too, byte for byte. today must be the plan that [Make] made
// with Input.Resume set to the file. A step of the file that today lacks is
// done when what it wants is there already, else stale; a step that only
// today has is not done. So a tampered file can add nothing, and the file of a
// run that was killed can be applied again.
//
// Steps that are done in the meantime drop out of what the others need, and
// out of a policy's versions drops the one that a killed run pruned. The
// policy may bear the new fingerprint already.
func Intersect(file, today *Plan) (do, done, stale []Step) {
	now := make(map[string]*Step, len(today.Steps))
	for i := range today.Steps {
		now[today.Steps[i].ID] = &today.Steps[i]
	}
	for i := range file.Steps {
		s := &file.Steps[i]
		switch current := now[s.ID]; {
		case current != nil && resumes(s, current, today.done):
			do = append(do, *current)
		case current == nil && today.done[s.ID]:
			done = append(done, *s)
		default:
			stale = append(stale, *s)
		}
	}
	slices.SortFunc(do, Compare)
	return do, done, stale
}

// ByAccount are the steps of a plan by account; empty for nil.
func (p *Plan) ByAccount() map[string][]*Step {
	steps := map[string][]*Step{}
	if p == nil {
		return steps
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		steps[s.Account] = append(steps[s.Account], s)
	}
	return steps
}

// MarkDone records which steps of a resumed plan are already done in an account.
// A snapshot may not contain the maximum session duration of a role, and no plan
// changes it, so it is not compared when it is missing.
func (p *Plan) MarkDone(a *org.Account, resumed []*Step) {
	for _, s := range resumed {
		state, ok := Observe(a, s)
		if s.Op == CreateRole && state.Value == "" {
			state.Value = s.Want.Value
		}
		p.MarkState(s, state, ok)
	}
}

// MarkState records whether a step of a resumed plan is already done: state is
// the current state of its subject, ok is false when that is not known.
func (p *Plan) MarkState(s *Step, state State, ok bool) {
	p.done[s.ID] = ok && s.Want.Holds(state)
}

// resumes tells whether current is what is left of the file's step.
func resumes(file, current *Step, done map[string]bool) bool {
	rest := *file
	rest.Needs = slices.DeleteFunc(slices.Clone(file.Needs), func(id string) bool { return done[id] })
	if rest.Op == UpdatePolicy && pruned(rest.Expect.Versions, current.Expect.Versions) {
		rest.Expect.Versions = current.Expect.Versions
	}
	if rest.Op == UpdatePolicy && current.Expect.Fingerprint == current.Want.Fingerprint {
		rest.Expect.Fingerprint = current.Expect.Fingerprint
	}
	return rest.Equal(current)
}

// pruned tells whether now is before without exactly one version.
func pruned(before, now []string) bool {
	if len(now) != len(before)-1 {
		return false
	}
	for i := range now {
		if now[i] != before[i] {
			return slices.Equal(before[i+1:], now[i:])
		}
	}
	return true
}
