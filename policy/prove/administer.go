package prove

import "forcemfa/policy"

// Administers returns a request with which a subject can change who may do what, without
// MFA and with one of these credentials; both are empty when there is none.
func (p *Prover) Administers(s Subject, credentials ...policy.Credential) (action, resource string) {
	for _, t := range s.probes() {
		if harmOf(t.action, t.resource) != administers {
			break // the worst are first
		}
		resource := s.expand(t.resource)
		if o, _, _ := p.Possible(s, credentials, t.action, resource); o == Open {
			return t.action, resource
		}
	}
	return "", ""
}

// RoleAdministers reports whether a session of a role that the subject assumes without
// MFA can change who may do what.
func (p *Prover) RoleAdministers(s Subject, r *Role) bool { return p.harm(&s, r) == administers }
