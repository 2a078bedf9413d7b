package plan

import (
	"slices"

	"forcemfa/internal/org"
)

// Intersect returns the steps of a plan file that may be executed: those that are
// also in the current plan, byte for byte. today must be planned with Input.Resume
// set to the file. A step that is only in the file is done when its desired state is
// already in force, and stale otherwise. A step that is only in today is not
// executed. So a tampered file can add nothing, and the file of a killed run can be
// applied again.
//
// Steps that were done since then are removed from the needs of the others, and the
// version that a killed run pruned from the versions of a policy. The policy may
// already have the new fingerprint.
func Intersect(file, today *Plan) (do, done []Step, stale []StaleStep) {
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
			stale = append(stale, StaleStep{*s, outdated(s, current, today.done)})
		}
	}
	slices.SortFunc(do, Compare)
	return do, done, stale
}

// A StaleStep is a step of a plan file that is not executed.
type StaleStep struct {
	Step
	Why string `json:"why"`
}

// outdated says why the step of a file is not the current one; current is nil if the
// current plan does not contain it.
func outdated(file, current *Step, done map[string]bool) string {
	_, known := done[file.ID]
	switch {
	case current == nil && !known:
		return "its account was not read in this run, or is left out of it"
	case current == nil && file.Blocked != "":
		return "it was blocked when the plan was saved, and is no longer planned"
	case current == nil:
		return "it is no longer needed: its subject is gone or exempt, or the baseline is reached in another way"
	case current.Blocked != "" && file.Blocked == "":
		return "a guard blocks it now: " + current.Blocked
	case current.Blocked != file.Blocked && current.Blocked == "":
		return "it was blocked when the plan was saved, and the saved plan does not allow it"
	case current.Blocked != file.Blocked:
		return "it is blocked for another reason now: " + current.Blocked
	case !current.Expect.same(&file.Expect):
		return "its subject changed after the plan was saved"
	case !current.Want.same(&file.Want):
		return "the wanted state changed: the config file, the date, or the version of forcemfa is another one"
	case !slices.Equal(current.Needs, file.Needs):
		return "the steps that it needs changed after the plan was saved"
	}
	return "the reasons for it changed after the plan was saved"
}

func (s *State) same(other *State) bool {
	a, b := Step{Expect: *s}, Step{Expect: *other}
	return a.Equal(&b)
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

// resumes reports whether current is the rest of the file's step.
func resumes(file, current *Step, done map[string]bool) bool {
	rest := *file
	rest.Needs = slices.DeleteFunc(slices.Clone(file.Needs), func(id string) bool { return done[id] })
	if rest.Op == UpdatePolicy && pruned(rest.Expect.Versions, current.Expect.Versions) {
		rest.Expect.Versions = current.Expect.Versions
	}
	if rest.Op == UpdatePolicy && current.Expect.Fingerprint == current.Want.Fingerprint {
		rest.Expect.Fingerprint, rest.Expect.ManagedBy = current.Expect.Fingerprint, current.Expect.ManagedBy
	}
	return rest.Equal(current)
}

// pruned reports whether now is before without exactly one version.
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
