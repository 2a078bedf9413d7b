package audit

import (
	"slices"
	"strings"

	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/trust"
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

// trustSeverity ranks open statements by the worst of them.
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
