package audit

import (
	"slices"
	"strings"

	"forcemfa/policy"
	"forcemfa/policy/arn"
	"forcemfa/policy/catalog"
	"forcemfa/policy/prove"
)

// possible reports whether a request is allowed, with those condition keys that it has and
// with others of the sender's choice: a network, a Region.
func possible(p *prove.Prover, set *policy.Set, r *policy.Request, c policy.Credential) bool {
	d := set.Decide(r)
	if d.Verdict == policy.Allowed || d.Verdict == policy.Unknown || !depends(set, r, &d) {
		return d.Verdict == policy.Allowed
	}
	s := prove.Subject{Principal: r.Principal, Set: set, Context: r.Context}
	for _, trust := range r.Policies {
		s.Roles = append(s.Roles, prove.Role{ARN: r.Resource, Trust: trust})
	}
	o, _, _ := p.Possible(s, []policy.Credential{c}, r.Action, r.Resource)
	return o == prove.Open
}

// depends reports whether a denial may be another one with keys that the request does not have.
func depends(set *policy.Set, r *policy.Request, d *policy.Decision) bool {
	open := func(s *policy.Statement) bool {
		return slices.ContainsFunc(s.Conditions, func(c policy.Condition) bool {
			k, global := catalog.Global(c.Key)
			_, known := r.Context.Get(c.Key)
			return !known && (!global || k.Origin == catalog.FromSender)
		})
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
