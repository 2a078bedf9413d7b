package prove

import (
	"slices"

	"forcemfa/policy"
)

// Possible reports whether a subject can make one request today without MFA, with
// one of its credentials and with condition keys of its choice: Open when it can,
// Enforced when nothing allows it or something refuses it. The decision is that of
// the last credential without chosen keys; why is the reason for Unknown.
func (p *Prover) Possible(s Subject, credentials []policy.Credential, action, resource string) (o Outcome, last policy.Decision, why string) {
	if s.Set == nil {
		return Unknown, last, notRead
	}
	rows := s.rows()
	rows = slices.DeleteFunc(rows, func(r row) bool { return !slices.Contains(credentials, r.credential) })
	for i := range rows {
		r := s.request(action, resource, rows[i].with(trial{}))
		if last = s.binding(resource).Decide(r); last.Verdict == policy.Allowed {
			return Open, last, ""
		}
	}
	_, found, why := p.permitted(&s, rows, probe{action, resource}, nil, nil)
	switch {
	case found != nil:
		return Open, last, ""
	case why != "":
		return Unknown, last, why
	}
	return Enforced, last, ""
}
