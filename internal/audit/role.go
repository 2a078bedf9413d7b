package audit

import (
	"slices"
	"strings"

	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// roles makes the findings about who can assume the roles without MFA. Roles
// that AWS made for itself and Identity Center cannot be edited.
func (r *report) roles() {
	for i := range r.account.Roles {
		role := &r.account.Roles[i]
		if strings.HasPrefix(role.Path, "/aws-service-role/") || strings.HasPrefix(role.Path, "/aws-reserved/") {
			continue
		}
		first := len(r.findings)
		r.trust(role)
		for j := first; j < len(r.findings); j++ {
			r.findings[j].ARN = role.ARN
		}
	}
}

func (r *report) trust(role *org.Role) {
	subject := "role" + role.Path + role.Name
	source := r.auditor.documents.Trust(role)
	if source.Document == nil {
		r.add("role-trust-unknown", subject, "the trust policy of %s could not be read: %v", role.Name, source.Err)
		return
	}
	if weak := withoutMFA(source.Document, true); len(weak) > 0 {
		r.add("role-trust-weak", subject, "%s asks for MFA of %s in a way that is true without it: %s",
			role.Name, strings.Join(weak[0].principals, ", "), conditionText(mfaConditions(weak[0].statement)))
	}
	if open := withoutMFA(source.Document, false); len(open) > 0 {
		f := r.add("role-trust-open", subject, "%s can be assumed without MFA by %s", role.Name, strings.Join(open[0].principals, ", "))
		f.Severity = trustSeverity(open)
	}
}

// An entrance is a statement of a trust policy by which people can come in
// without MFA.
type entrance struct {
	statement  *policy.Statement
	principals []string
}

// withoutMFA are the entrances of a trust policy: those that ask for MFA, in
// vain, or those that do not.
func withoutMFA(d *policy.Document, asks bool) []entrance {
	refused := refusedByTrust(d)
	var out []entrance
	for i := range d.Statements {
		s := &d.Statements[i]
		principals := people(s.Principals)
		if s.Effect != policy.Allow || len(principals) == 0 || !matchesAssumeRole(s) {
			continue
		}
		conditions := mfaConditions(s)
		t := truthOf(conditions)
		passes := t.absent && !refused.absent || t.without && !refused.without
		if passes && asks == (len(conditions) > 0) {
			out = append(out, entrance{s, principals})
		}
	}
	return out
}

// refusedByTrust joins what the Denies for everybody of a trust policy refuse
// by MFA alone.
func refusedByTrust(d *policy.Document) truth {
	var all truth
	for i := range d.Statements {
		s := &d.Statements[i]
		conditions := mfaConditions(s)
		everybody := s.Principals != nil && s.Principals.Everyone
		if s.Effect != policy.Deny || !everybody || !matchesAssumeRole(s) || len(conditions) != len(s.Conditions) {
			continue
		}
		t := truthOf(conditions)
		all.absent, all.without = all.absent || t.absent, all.without || t.without
	}
	return all
}

func matchesAssumeRole(s *policy.Statement) bool {
	meets := func(pattern string) bool {
		g := arn.Compile(strings.ToLower(pattern))
		return g.MatchFold("sts:AssumeRole")
	}
	if len(s.NotActions) > 0 {
		return !slices.ContainsFunc(s.NotActions, meets)
	}
	return slices.ContainsFunc(s.Actions, meets)
}

// people are the principals that can have MFA: everybody, accounts and users.
// Role sessions, services and federated principals cannot be asked for it.
func people(p *policy.Principals) []string {
	if p == nil {
		return nil
	}
	var out []string
	if p.Everyone {
		out = append(out, "everybody")
	}
	for _, principal := range p.AWS {
		a, ok := arn.Split(principal)
		switch {
		case principal == "*":
			out = append(out, "everybody")
		case arn.IsAccountID(principal):
			out = append(out, "account "+principal)
		case ok && a.Service == "iam" && a.Resource == "root":
			out = append(out, "account "+a.Account)
		case ok && a.Kind() == "user":
			out = append(out, principal)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// trustSeverity ranks open entrances by the worst of them.
func trustSeverity(open []entrance) Severity {
	severity := Low
	for _, e := range open {
		external := slices.ContainsFunc(e.statement.Conditions, func(c policy.Condition) bool {
			return strings.EqualFold(c.Key, "sts:ExternalId")
		})
		switch {
		case slices.Contains(e.principals, "everybody") && len(e.statement.Conditions) == 0:
			return High
		case !external:
			severity = Medium
		}
	}
	return severity
}

// A Way is a statement of a trust policy by which accounts or users come in.
type Way struct {
	Statement  int // position
	WithoutMFA bool
	WithMFA    bool // what it asks of MFA holds a moment after the code was given
	Aged       bool // it does not hold for ever after
	Asks       bool // it has conditions on MFA, in vain or not
}

// Ways are all statements of a trust policy by which accounts or users come
// in. What its Denies for everybody refuse does not count as open.
func Ways(d *policy.Document) []Way {
	refused := refusedByTrust(d)
	var ways []Way
	for i := range d.Statements {
		s := &d.Statements[i]
		if s.Effect != policy.Allow || len(people(s.Principals)) == 0 || !matchesAssumeRole(s) {
			continue
		}
		conditions := mfaConditions(s)
		t := truthOf(conditions)
		ways = append(ways, Way{
			Statement: i, WithoutMFA: t.absent && !refused.absent || t.without && !refused.without,
			WithMFA: t.fresh, Aged: !t.old, Asks: len(conditions) > 0,
		})
	}
	return ways
}
