package survey

import (
	"context"
	"fmt"
	"slices"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/planner"
	"forcemfa/internal/view"
	"forcemfa/policy"
	"forcemfa/policy/prove"
	"forcemfa/policy/trust"
)

// Explain explains the users with this name in every account: their state, every
// document that decides their requests, and the steps that would enforce MFA.
func (s *Survey) Explain(ctx context.Context, name string) ([]view.Explanation, error) {
	in := s.planInput()
	var found []*audit.Audited
	in.Accounts = func(yield func(*audit.Audited, error) bool) {
		for a, err := range s.detailed(ctx, &in, nil) {
			if err == nil && a.Account.User(name) != nil {
				found = append(found, a)
			}
			if !yield(a, err) {
				return
			}
		}
	}
	p, err := planner.Make(in)
	if err != nil {
		return nil, err
	}
	var documents org.Cache
	auditor := s.auditor()
	users := []view.Explanation{}
	for _, a := range found {
		u := a.Account.User(name)
		e := view.Explanation{
			Keys:      append([]org.AccessKey{}, u.Keys...),
			Stops:     stopsOf(p, a.Account.ID, u.Name),
			Documents: documentsOf(documents.PolicySet(s.Header, a.Account, u)),
			Findings:  findingsFor(a, u),
			Steps:     stepsFor(p.Steps, a.Account, u, in.Covers(a.Account)),
		}
		for _, state := range a.Users {
			if state.Name == u.Name {
				e.User = state
			}
		}
		addReach(&e, auditor.Reach(a.Account, u))
		users = append(users, e)
	}
	return users, nil
}

// stopsOf is what stops working for a user when the plan is applied; empty: nothing known.
func stopsOf(p *plan.Plan, account, name string) string {
	for _, u := range p.List(plan.KindStops) {
		if u.Account == account && u.User == name {
			return u.Why
		}
	}
	return ""
}

func findingsFor(a *audit.Audited, u *org.User) []audit.Finding {
	out := []audit.Finding{}
	for _, f := range a.Findings {
		if f.Subject == "user/"+u.Name {
			out = append(out, f)
		}
	}
	return out
}

// addReach adds the roles that the user can assume without MFA and the requests by which
// it can disable its own enforcement.
func addReach(e *view.Explanation, r audit.Reach) {
	e.Roles, e.Switches, e.Undecided = []view.ReachableRole{}, []view.DisablingRequest{}, r.Unknown
	for _, role := range r.Roles {
		e.Roles = append(e.Roles, view.ReachableRole{ARN: role.Role.ARN, Via: role.Via})
	}
	for _, s := range r.Switches {
		if s.WithoutMFA == prove.Unknown || s.WithMFA == prove.Unknown {
			e.Undecided = append(e.Undecided, s.What+": "+s.Why)
		}
		if s.WithoutMFA == prove.Open || s.WithMFA == prove.Open {
			e.Switches = append(e.Switches, view.DisablingRequest{
				What: s.What, Action: s.Action, Resource: s.Resource, As: s.As, WithoutMFA: s.WithoutMFA == prove.Open, AllowedBy: s.AllowedBy,
			})
		}
	}
}

// stepsFor are the steps that change a user, its groups, its policies, or the
// organization that covers it, and the steps of its account that they need.
func stepsFor(steps []plan.Step, a *org.Account, u *org.User, covered bool) []plan.Step {
	subjects := subjectsOf(a, u)
	needed := map[string]bool{}
	out := []plan.Step{}
	for i := len(steps) - 1; i >= 0; i-- {
		s := &steps[i]
		if s.OfOrganization() {
			if covered {
				out = append(out, *s)
			}
		} else if subjects[s.Subject] || needed[s.ID] {
			for _, id := range s.Needs {
				needed[id] = true
			}
			out = append(out, *s)
		}
	}
	slices.Reverse(out)
	return out
}

// subjectsOf are the ARNs of a user, its groups and the managed policies of both.
func subjectsOf(a *org.Account, u *org.User) map[string]bool {
	subjects := map[string]bool{u.ARN: true}
	for _, policy := range u.Attached {
		subjects[policy] = true
	}
	for _, name := range u.Groups {
		if g := a.Group(name); g != nil {
			subjects[g.ARN] = true
			for _, policy := range g.Attached {
				subjects[policy] = true
			}
		}
	}
	return subjects
}

func documentsOf(set *policy.Set) []view.ExplainedDocument {
	out := []view.ExplainedDocument{}
	add := func(layer string, sources ...policy.Source) {
		for _, s := range sources {
			out = append(out, documentOf(layer, s))
		}
	}
	add("identity", set.Identity...)
	if set.Boundary != nil {
		add("boundary", *set.Boundary)
	}
	for _, level := range set.SCPs {
		add("scp", level...)
	}
	for _, level := range set.RCPs {
		add("rcp", level...)
	}
	return out
}

func documentOf(layer string, s policy.Source) view.ExplainedDocument {
	d := view.ExplainedDocument{Layer: layer, Name: s.Name}
	if s.Document == nil {
		d.Unreadable = s.Err.Error()
		return d
	}
	for i := range s.Document.Statements {
		statement := &s.Document.Statements[i]
		effect := "allow"
		if statement.Effect == policy.Deny {
			effect = "deny"
			d.Denies++
		} else {
			d.Allows++
		}
		when := "if " + conditionsInWords(statement.Conditions)
		if len(statement.Conditions) == 0 {
			when = "always"
		}
		line := fmt.Sprintf("%s: %s %s", label(statement, i), effect, when)
		switch {
		case len(trust.MFAConditions(statement)) > 0:
			d.MFA = append(d.MFA, line)
		case statement.Effect == policy.Deny:
			d.Others = append(d.Others, line)
		}
	}
	return d
}

// label names a statement by its Sid, or by its number.
func label(s *policy.Statement, i int) string {
	if s.SID != "" {
		return s.SID
	}
	return fmt.Sprintf("statement %d", i+1)
}
