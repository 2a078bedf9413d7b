package plan

import (
	"slices"

	"forcemfa/internal/audit"
	"forcemfa/policy/arn"
)

// answers names the rules of package audit that a kind of step answers. What
// only prepares other steps answers none, and what is taken from an exempt
// user follows from the baseline and not from a finding.
var answers = map[Op][]string{
	UpdatePolicy:     {"policy-drift"},
	TagUser:          {"user-open", "user-unknown", "window-open"},
	UntagUser:        {"window-expired"},
	AddUserToGroup:   {"user-open", "user-unknown"},
	AttachUserPolicy: {"user-open", "user-unknown"},
	PutUserPolicy:    {"user-open", "user-unknown", "policy-drift"},

	UpdateTrust:         {"role-trust-open", "role-trust-weak"},
	UpdateEntranceTrust: {"role-trust-open", "role-trust-weak"},
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

// because are the IDs of the findings that a step answers, sorted; empty, not
// nil, for none.
func (f findings) because(s *Step) []string {
	ids := []string{}
	a, err := arn.Parse(s.Subject)
	if err != nil {
		return ids
	}
	subject := a.Kind() + "/" + a.Name()
	if a.Kind() == "role" {
		subject = a.Resource // roles are named with their path
	}
	for _, of := range [][]*audit.Finding{f[subject], f[subject+"/"+s.Object]} {
		for _, found := range of {
			if slices.Contains(answers[s.Op], found.Rule) {
				ids = append(ids, found.ID)
			}
		}
	}
	slices.Sort(ids)
	return ids
}
