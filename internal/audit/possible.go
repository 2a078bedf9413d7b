package audit

import (
	"slices"
	"strings"

	"forcemfa/policy"
	"forcemfa/policy/arn"
	"forcemfa/policy/catalog"
	"forcemfa/policy/prove"
)

// possible is whether a request of a subject is allowed, with those condition keys that it
// has and with others of the sender's choice: a network, a Region, the name of a session.
func possible(p *prove.Prover, s prove.Subject, r *policy.Request, c policy.Credential) prove.Outcome {
	d := s.Set.Decide(r)
	switch {
	case d.Verdict == policy.Allowed:
		return prove.Open
	case d.Verdict != policy.Unknown && !depends(s.Set, r, &d):
		return prove.Enforced
	}
	s.Context, s.Roles = r.Context, nil
	for _, trust := range r.Policies {
		s.Roles = append(s.Roles, prove.Role{ARN: r.Resource, Trust: trust})
	}
	o, _, _ := p.Possible(s, []policy.Credential{c}, r.Action, r.Resource)
	return o
}

// depends reports whether a denial may be another one with keys that the request does not have.
func depends(set *policy.Set, r *policy.Request, d *policy.Decision) bool {
	open := func(s *policy.Statement) bool {
		return slices.ContainsFunc(s.Conditions, func(c policy.Condition) bool {
			k, global := catalog.Global(c.Key)
			_, known := r.Context.Get(c.Key)
			switch {
			case !global:
				return !known
			case k.Origin == catalog.FromAuthentication: // sessions have any age
				return known && !strings.EqualFold(c.Key, "aws:MultiFactorAuthPresent")
			case k.Origin == catalog.FromPrincipal || k.Origin == catalog.FromRoleSession:
				return r.Principal.Kind == policy.RoleSession // whoever assumes the role chooses its name and its tags
			}
			return !known && k.Origin == catalog.FromSender
		})
	}
	if r.Principal.Kind == policy.RoleSession && len(r.Policies) > 0 {
		return true // the trust policy may name another session of the role
	}
	if d.Verdict == policy.ExplicitDenied {
		return open(&d.Source.Document.Statements[d.Statement])
	}
	names := func(pattern string) bool { g := arn.Compile(strings.ToLower(pattern)); return g.MatchFold(r.Action) }
	sources := set.Sources()
	for i := range r.Policies {
		sources = append(sources, &r.Policies[i])
	}
	return slices.ContainsFunc(sources, func(s *policy.Source) bool {
		return s.Document != nil && slices.ContainsFunc(s.Document.Statements, func(st policy.Statement) bool {
			return st.Effect == policy.Allow && open(&st) && (st.NotActions != nil || slices.ContainsFunc(st.Actions, names))
		})
	})
}
