package planner

import (
	"slices"

	"forcemfa/internal/audit"
	"forcemfa/internal/plan"
	"forcemfa/policy/arn"
)

// resolves names the rules of package audit whose findings a kind of step
// resolves. Steps that only prepare others resolve none, and what is detached
// from an exempt user follows from the baseline and not from a finding.
var resolves = map[plan.Op][]string{
	plan.UpdatePolicy:     {"policy-drift"},
	plan.TagUser:          {"user-open", "user-unknown", "window-open"},
	plan.UntagUser:        {"window-expired"},
	plan.AddUserToGroup:   {"user-open", "user-unknown"},
	plan.AttachUserPolicy: {"user-open", "user-unknown"},
	plan.PutUserPolicy:    {"user-open", "user-unknown", "policy-drift"},

	plan.UpdateTrust:         {"role-trust-open", "role-trust-weak"},
	plan.UpdateEntranceTrust: {"role-trust-open", "role-trust-weak"},
}

// findings are those of one account by subject.
type findings map[string][]*audit.Finding

func bySubject(all []audit.Finding) findings {
	index := findings{}
	for i := range all {
		index[all[i].Subject] = append(index[all[i].Subject], &all[i])
	}
	return index
}

// resolvedBy are the IDs of the findings that a step resolves, sorted; empty, not
// nil, for none.
func (f findings) resolvedBy(s *plan.Step) []string {
	ids := []string{}
	a, err := arn.Parse(s.Subject)
	if err != nil {
		return ids
	}
	subject := a.Kind() + "/" + a.Name()
	if a.Kind() == "role" {
		subject = a.Resource // findings name roles with their path
	}
	for _, of := range [][]*audit.Finding{f[subject], f[subject+"/"+s.Object]} {
		for _, found := range of {
			if slices.Contains(resolves[s.Op], found.Rule) {
				ids = append(ids, found.ID)
			}
		}
	}
	slices.Sort(ids)
	return ids
}
