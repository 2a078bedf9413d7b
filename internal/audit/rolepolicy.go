package audit

import (
	"slices"
	"strings"
	"sync"

	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/lint"
)

// A roleNotes caches what lint finds in own policies of roles, by text. Many roles have
// the same ones.
type roleNotes struct {
	mu    sync.Mutex
	known map[string]string
}

// of returns what a policy's conditions on MFA do in sessions of a role; empty when it
// has none, or cannot be parsed.
func (n *roleNotes) of(text string) string {
	if !strings.Contains(strings.ToLower(text), "multifactorauth") {
		return ""
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	note, ok := n.known[text]
	if ok {
		return note
	}
	if report, err := lint.CheckRole(text); err == nil {
		if i := slices.IndexFunc(report.Findings, func(f lint.Finding) bool { return f.Code == "T-3" }); i >= 0 {
			note = report.Findings[i].Where() + ": " + report.Findings[i].What
		}
	}
	if n.known == nil {
		n.known = map[string]string{}
	}
	n.known[text] = note
	return note
}

// rolePolicies adds the findings about own policies of a role that depend on MFA, inline
// ones and those of the account that are attached to it.
func (r *report) rolePolicies(role *org.Role, subject string) {
	severity := Low
	if trust := r.auditor.documents.Trust(role); trust.Document != nil && !trustsPeople(trust.Document) {
		severity = Medium
	}
	note := func(name, text string) {
		if what := r.auditor.roleNotes.of(text); what != "" {
			r.add("role-policy-mfa", subject+"/"+name, "%s of %s depends on MFA: %s", name, role.Name, what).Severity = severity
		}
	}
	for _, p := range role.Inline {
		note(p.Name, p.Document)
	}
	for _, arn := range role.Attached {
		if p := r.account.Policy(arn); p != nil && !org.ByAWS(arn) && arn != r.auditor.baseline.PolicyOf(r.account) {
			text, _ := p.DefaultDocument()
			note(p.Name, text)
		}
	}
}

// trustsPeople reports whether a trust policy can allow users, or roles that they
// assume: sessions of all other principals never carry MFA.
func trustsPeople(d *policy.Document) bool {
	return slices.ContainsFunc(d.Statements, func(s policy.Statement) bool {
		return s.Effect == policy.Allow && (s.Principals == nil || s.Principals.Everyone || len(s.Principals.AWS) > 0)
	})
}
