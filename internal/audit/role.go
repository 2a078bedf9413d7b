package audit

import (
	"slices"
	"strings"

	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/trust"
)

// roles adds the findings about roles that can be assumed without MFA. Service-linked
// roles and roles of Identity Center cannot be edited, so they are skipped.
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
		r.add("role-trust-weak", subject, "%s has a condition on MFA for %s that is also true without MFA: %s",
			role.Name, strings.Join(weak[0].Principals, ", "), conditionText(weak[0].Conditions))
	}
	if open := withoutMFA(source.Document, false); len(open) > 0 {
		f := r.add("role-trust-open", subject, "%s can be assumed without MFA by %s", role.Name, strings.Join(open[0].Principals, ", "))
		f.Severity = trustSeverity(open)
	}
}

// withoutMFA are the statements of a trust policy that can be used without MFA:
// those with conditions on MFA, which are then ineffective, or those without.
func withoutMFA(d *policy.Document, conditions bool) []trust.Grant {
	return slices.DeleteFunc(trust.Grants(d), func(g trust.Grant) bool {
		return !g.WithoutMFA || (len(g.Conditions) > 0) != conditions
	})
}

// trustSeverity is the worst severity of the open statements.
func trustSeverity(open []trust.Grant) Severity {
	severity := Low
	for _, g := range open {
		external := slices.ContainsFunc(g.Statement.Conditions, func(c policy.Condition) bool {
			return strings.EqualFold(c.Key, "sts:ExternalId")
		})
		switch {
		case slices.Contains(g.Principals, "everybody") && len(g.Statement.Conditions) == 0:
			return High
		case !external:
			severity = Medium
		}
	}
	return severity
}
