package reconcile

import (
	"slices"
	"strings"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/plan"
)

// A held step is one that is planned and not done.
type held struct {
	step        plan.Step
	severity    audit.Severity // empty: nobody need be told
	why, remedy string
	left        bool // for the next run: the time did not suffice to look at it
}

// plan is all steps of the account as it was read.
func (a *account) plan() []plan.Step { return plan.ForAccount(a.input(), a.audited) }

// chosen are the steps that are wanted, with all that they need, in their order.
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

// sort divides steps into those that the function does and those that it does
// not. None that is done needs one that is not, but for what releases exempt
// users: they stay as they are.
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

// hindrance is why a step is not done; nil when it is.
func (a *account) hindrance(s *plan.Step, hold map[string]*held) *held {
	if !a.may(s) {
		return refused(s)
	}
	if s.Blocked != "" {
		unseen := a.unseen[s.Subject] || s.UserName() == "" && len(a.unseen) > 0
		return &held{step: *s, severity: audit.High, why: s.Blocked, remedy: s.Remedy, left: unseen}
	}
	for _, id := range s.Needs {
		if h := hold[id]; h != nil {
			return &held{step: *s, severity: h.severity, why: "it needs " + string(h.step.Op) + ", and " + h.why, remedy: h.remedy, left: h.left}
		}
	}
	return nil
}

// refused says of a step that is not the function's to do whose it is. What exempt
// users still have is no danger, and of trust policies audit says more.
func refused(s *plan.Step) *held {
	const byAdministrator = "run forcemfa apply as an administrator"
	switch s.Op {
	case plan.CreatePolicy, plan.UpdatePolicy, plan.CreateGroup:
		return &held{step: *s, severity: audit.High, why: "policy and group are the stack's", remedy: "run forcemfa deploy apply"}
	case plan.PutUserPolicy:
		return &held{step: *s, severity: audit.High, why: "there is no room for the user in the group or among its attachments, and the function writes no policy document", remedy: byAdministrator}
	case plan.UpdateTrust, plan.UpdateEntranceTrust:
		return &held{step: *s}
	}
	if releases(s.Op) {
		return &held{step: *s, severity: audit.Low, why: "the user is exempt, and the function takes nothing away from anybody", remedy: byAdministrator}
	}
	return &held{step: *s, severity: audit.Medium, why: "the function may not", remedy: byAdministrator}
}

// releases tells whether a kind of step takes enforcement away.
func releases(op plan.Op) bool {
	return op == plan.RemoveUserFromGroup || op == plan.DetachUserPolicy || op == plan.DeleteUserPolicy
}

// may tells whether the function has the right to a step: to put users into our
// group, to attach our policy to them and to that group, and to open and close
// enrollment windows. It writes no document, takes nothing away from anybody, and
// touches nothing that is not ours.
func (a *account) may(s *plan.Step) bool {
	policy, group := baseline.PolicyARN(a.Partition, a.ID), baseline.GroupARN(a.Partition, a.ID)
	switch s.Op {
	case plan.AddUserToGroup:
		return s.Object == baseline.GroupName
	case plan.AttachUserPolicy:
		return s.Object == policy
	case plan.AttachGroupPolicy:
		return s.Subject == group && s.Object == policy
	case plan.TagUser, plan.UntagUser:
		return strings.EqualFold(s.Object, a.baseline.Window.Tag)
	}
	return false
}
