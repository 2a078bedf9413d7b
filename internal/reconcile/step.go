package reconcile

import (
	"slices"

	"forcemfa/internal/audit"
	"forcemfa/internal/plan"
)

// A held step is planned but not applied.
type held struct {
	step        plan.Step
	severity    audit.Severity // empty: not reported
	why, remedy string
	left        bool // for the next run, for lack of time
}

// chosen are the wanted steps and all that they need, in order.
func chosen(all []plan.Step, wanted func(*plan.Step) bool) []plan.Step {
	byID := map[string]*plan.Step{}
	for n := range all {
		byID[all[n].ID] = &all[n]
	}
	in := map[string]bool{}
	var choose func(*plan.Step)
	choose = func(s *plan.Step) {
		if s == nil || in[s.ID] {
			return
		}
		in[s.ID] = true
		for _, id := range s.Needs {
			choose(byID[id])
		}
	}
	for n := range all {
		if wanted(&all[n]) {
			choose(&all[n])
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(s plan.Step) bool { return !in[s.ID] })
}

// sort divides steps into those that the function applies and those that it does not. No
// applied step needs one that is not applied, except steps that release exempt users:
// those users stay as they are.
func (a *account) sort(steps []plan.Step) (todo []plan.Step, kept []held) {
	hold := map[string]*held{}
	for n := range steps {
		s := steps[n]
		s.Needs = slices.DeleteFunc(slices.Clone(s.Needs), func(id string) bool { return hold[id] != nil && releases(hold[id].step.Op) })
		if h := a.hindrance(&s, hold); h != nil {
			hold[s.ID] = h
			kept = append(kept, *h)
			continue
		}
		todo = append(todo, s)
	}
	return todo, kept
}

// hindrance is why a step is not applied; nil if it is.
func (a *account) hindrance(s *plan.Step, hold map[string]*held) *held {
	if !a.may(s) {
		return refused(s)
	}
	if s.Blocked != "" {
		skipped := a.skipped[s.Subject] || s.UserName() == "" && len(a.skipped) > 0
		return &held{step: *s, severity: audit.High, why: s.Blocked, remedy: s.Remedy, left: skipped}
	}
	for _, id := range s.Needs {
		if h := hold[id]; h != nil {
			return &held{step: *s, severity: h.severity, why: "it depends on " + string(h.step.Op) + ", which is not applied: " + h.why, remedy: h.remedy, left: h.left}
		}
	}
	return nil
}

// refused is why the function may not apply a step, and who may. Policies that exempt
// users still have are no risk, and findings describe trust policies better.
func refused(s *plan.Step) *held {
	const byAdministrator = "run forcemfa apply as an administrator"
	switch s.Op {
	case plan.CreatePolicy, plan.UpdatePolicy, plan.CreateGroup:
		return &held{step: *s, severity: audit.High, why: "policy and group belong to the CloudFormation stack", remedy: "run forcemfa deploy apply"}
	case plan.PutUserPolicy:
		return &held{step: *s, severity: audit.High, why: "the quotas for groups and attached policies of the user are full, and the function writes no policy documents", remedy: byAdministrator}
	case plan.UpdateTrust, plan.UpdateEntranceTrust:
		return &held{step: *s}
	}
	if releases(s.Op) {
		return &held{step: *s, severity: audit.Low, why: "the user is exempt, and the function never removes enforcement", remedy: byAdministrator}
	}
	return &held{step: *s, severity: audit.Medium, why: "the function is not allowed to make this change", remedy: byAdministrator}
}

// releases reports whether a kind of step removes enforcement.
func releases(op plan.Op) bool {
	return op == plan.RemoveUserFromGroup || op == plan.DetachUserPolicy || op == plan.DeleteUserPolicy
}

// may reports whether the function is allowed to apply a step; see [plan.Step.OfFunction].
func (a *account) may(s *plan.Step) bool {
	return s.Account == a.ID && s.OfFunction(a.Input.Baseline)
}
