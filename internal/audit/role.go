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
		r.rolePolicies(role, "role"+role.Path+role.Name)
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
	document, unread := trust.Bounded(source.Document, r.auditor.documents.RCPs(r.auditor.header, r.account), role.ARN)
	if weak := withoutMFA(document, true); len(weak) > 0 {
		r.add("role-trust-weak", subject, "%s has a condition on MFA for %s that is also true without MFA: %s",
			role.Name, strings.Join(weak[0].Principals, ", "), conditionText(weak[0].Conditions))
	}
	undecided := func(g trust.Grant) bool { return g.Undecided && !g.WithoutMFA }
	if all := trust.Grants(document); slices.ContainsFunc(all, undecided) {
		g := all[slices.IndexFunc(all, undecided)]
		r.add("role-trust-unknown", subject, "AWS does not document whether the condition of %s on MFA for %s is true without MFA: %s",
			role.Name, strings.Join(g.Principals, ", "), conditionText(g.Conditions))
	}
	if open := withoutMFA(document, false); len(open) > 0 {
		f := r.add("role-trust-open", subject, "%s can be assumed without MFA by %s", role.Name, strings.Join(open[0].Principals, ", "))
		if f.Severity = r.trustSeverity(document, open); unread {
			f.What += ", unless a resource control policy that was not read denies it"
		}
	} else if slices.ContainsFunc(trust.Grants(document), func(g trust.Grant) bool {
		return g.WithMFA && !g.WithoutMFA && slices.Contains(g.Principals, "everybody") && r.openToStrangers(document, &g)
	}) {
		// The MFA of a stranger's own account counts.
		f := r.add("role-trust-open", subject, "%s can be assumed by everybody with MFA in any AWS account", role.Name)
		f.Remedy = "name the accounts or users in the trust policy, or require aws:PrincipalOrgID"
	}
	r.federations(role, subject, source.Document)
}

// federations adds a finding for the principals of identity providers, of whom
// IAM cannot require MFA: one for each role, about the most open statement.
func (r *report) federations(role *org.Role, subject string, d *policy.Document) {
	var worst *trust.Federation
	for _, f := range trust.Federations(d) {
		if worst == nil || federationSeverity(&f).Rank() < federationSeverity(worst).Rank() {
			worst = &f
		}
	}
	if worst == nil {
		return
	}
	by := map[trust.Provider]string{
		trust.OIDC: "with tokens of " + worst.Name, trust.Cognito: "by an Amazon Cognito identity pool", trust.SAML: "through " + worst.Name,
		trust.RolesAnywhere: "with certificates (IAM Roles Anywhere)",
	}[worst.Provider]
	f := r.add("role-trust-federated", subject, "%s can be assumed %s, and AWS cannot require MFA there", role.Name, by)
	if f.Severity = federationSeverity(worst); worst.Open != "" {
		f.What = role.Name + " can be assumed " + by + ": the trust policy accepts " + worst.Open
	}
}

func federationSeverity(f *trust.Federation) Severity {
	switch {
	case f.Open == "":
		return Info
	case f.Shared:
		return High
	case f.Provider == trust.RolesAnywhere:
		return Low
	}
	return Medium
}

// withoutMFA are the statements of a trust policy that can be used without MFA:
// those with conditions on MFA, which are then ineffective, or those without.
func withoutMFA(d *policy.Document, conditions bool) []trust.Grant {
	return slices.DeleteFunc(trust.Grants(d), func(g trust.Grant) bool {
		return !g.WithoutMFA || (len(g.Conditions) > 0) != conditions
	})
}

// trustSeverity is the worst severity of the open statements.
func (r *report) trustSeverity(d *policy.Document, open []trust.Grant) Severity {
	severity := Low
	for _, g := range open {
		switch {
		case trust.RequiresExternalID(g.Statement):
		case slices.Contains(g.Principals, "everybody") && r.openToStrangers(d, &g):
			return High
		default:
			severity = Medium
		}
	}
	return severity
}

// openToStrangers reports whether a statement lets a user or role of an account outside of
// the organization assume a role from any network and at any time.
func (r *report) openToStrangers(d *policy.Document, g *trust.Grant) bool {
	ok, limits := trust.Everybody(r.account.Partition).Satisfies(d, g.Statement)
	return ok && len(limits) == 0
}
