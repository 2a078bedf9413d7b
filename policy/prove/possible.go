package prove

import (
	"strings"

	"forcemfa/policy"
)

// trustOf returns the trust policy that decides a request, and its statements: that of the
// role of Subject.Roles that sts:AssumeRole is about.
func (p *Prover) trustOf(s *Subject, action, resource string) ([]policy.Source, []*clause) {
	for i := range s.Roles {
		if r := &s.Roles[i]; r.ARN == resource && strings.EqualFold(action, "sts:AssumeRole") {
			return []policy.Source{r.Trust}, p.apart(&r.Trust, policy.Trust)
		}
	}
	return nil, nil
}

// Possible reports whether a subject can make one request today with one of these
// kinds of credentials and with condition keys of its choice: Open when it can,
// Enforced when nothing allows it or something refuses it. The decision is that of
// the last credential without chosen keys; why is the reason for Unknown.
func (p *Prover) Possible(s Subject, credentials []policy.Credential, action, resource string) (o Outcome, last policy.Decision, why string) {
	if s.Set == nil {
		return Unknown, last, notRead
	}
	var rows []row
	for _, c := range credentials {
		for _, present := range []policy.Presence{policy.Absent, policy.False, policy.True} {
			if c.MFA().Present&present != 0 {
				rows = append(rows, s.row(c, present))
			}
		}
	}
	own, more := p.trustOf(&s, action, resource)
	for i := range rows {
		r := s.request(action, resource, rows[i].with(trial{}))
		r.Policies = own
		if last = s.binding(resource).Decide(r); last.Verdict == policy.Allowed {
			return Open, last, ""
		}
	}
	_, found, why := p.permitted(&s, rows, probe{action, resource}, own, more)
	switch {
	case found != nil:
		return Open, last, ""
	case why != "":
		return Unknown, last, why
	}
	return Enforced, last, ""
}
