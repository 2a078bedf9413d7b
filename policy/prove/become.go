package prove

import (
	"slices"

	"forcemfa/policy"
)

// allowsAssumeRole reports whether a clause is an Allow of the identity policies
// for sts:AssumeRole.
func allowsAssumeRole(c *clause) bool {
	return c.layer == policy.Identity && slices.ContainsFunc(c.actions, func(p actionPattern) bool { return p.match("sts", "assumerole") != no }) != c.notAction
}

// worse looks for a role that the subject can assume without MFA and that can do
// worse than a request of the subject.
func (p *Prover) worse(s *Subject, v verdict) *Counterexample {
	if v.harm == administers {
		return nil
	}
	var roles []Role
	for i := range s.Roles {
		r := &s.Roles[i]
		if (v.assumes || r.trusts(s.Principal.ARN)) && p.harm(s, r) < v.harm {
			roles = append(roles, *r)
		}
	}
	w, _ := p.assume(s, roles)
	return w
}

// assume looks for the role that can do worst of those that the subject can
// assume without MFA today. Without any, why says what could not be decided.
func (p *Prover) assume(s *Subject, roles []Role) (w *Counterexample, why string) {
	from := standpoint{subject: s, rows: s.rows()}
	roles = slices.DeleteFunc(slices.Clone(roles), func(r Role) bool { return !r.trustsPeople() })
	slices.SortStableFunc(roles, func(a, b Role) int { return int(p.harm(s, &a)) - int(p.harm(s, &b)) })
	for i := range roles {
		w, doubt := p.becomes(&from, &roles[i])
		if w != nil {
			return w, ""
		}
		if doubt != "" && why == "" {
			why = roles[i].ARN + ": " + doubt
		}
	}
	return nil, why
}

// trustsPeople reports whether the trust policy can name accounts or users. One
// that was not read can.
func (r *Role) trustsPeople() bool {
	return r.Trust.Document == nil || slices.ContainsFunc(r.Trust.Document.Statements, func(s policy.Statement) bool {
		return s.Principals == nil || s.Principals.Everyone || len(s.Principals.AWS) > 0
	})
}

// trusts reports whether the trust policy names a user, or everybody: then the
// user needs no Allow of its own.
func (r *Role) trusts(user string) bool {
	return r.Trust.Document != nil && slices.ContainsFunc(r.Trust.Document.Statements, func(s policy.Statement) bool {
		return s.Principals != nil && (s.Principals.Everyone || slices.Contains(s.Principals.AWS, user) || slices.Contains(s.Principals.AWS, "*"))
	})
}

// harm is the worst that a session of a role can do when it was assumed without
// MFA.
func (p *Prover) harm(s *Subject, r *Role) harm {
	if r.Set == nil || r.Context == nil {
		return other
	}
	key := r.ARN + " " + identify(r.Set, r.Set.Sources())
	p.mu.Lock()
	known, ok := p.harms[key]
	p.mu.Unlock()
	if ok {
		return known
	}
	h := p.session(s, r, nil).harm()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.harms == nil || len(p.harms) >= remembered {
		p.harms = map[string]harm{}
	}
	p.harms[key] = h
	return h
}

// harm is the worst that a principal can do with a session without MFA, by the
// requests of the table.
func (s *Subject) harm() harm {
	row := s.roleRows(policy.RoleFromKey)[0]
	context := row.with(trial{})
	for _, t := range s.probes() {
		h := harmOf(t.action, t.resource)
		if h == other {
			break
		}
		resource := s.expand(t.resource)
		if s.binding(resource).Decide(s.request(t.action, resource, context)).Verdict == policy.Allowed {
			return h
		}
	}
	return other
}
