package audit

import (
	"fmt"
	"slices"
	"strings"

	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/trust"
)

// policies adds the findings about documents: drift of the managed policy, name
// collisions, and conditions on MFA without effect.
func (r *report) policies() {
	managed := r.auditor.baseline.PolicyOf(r.account)
	for i := range r.account.Policies {
		p := &r.account.Policies[i]
		document, read := p.DefaultDocument()
		switch {
		case org.ByAWS(p.ARN):
			continue
		case p.ARN == managed:
			r.drift(p, document, read)
		case strings.EqualFold(p.Name, baseline.PolicyName):
			r.add("policy-name-collision", "policy"+p.Path+p.Name, "the policy %s is not managed by forcemfa; the managed policy is %s", p.ARN, managed).ARN = p.ARN
		}
		if read && p.ARN != managed {
			r.weak("policy"+p.Path+p.Name, p.ARN, policy.Identity, document)
		}
	}
	r.inline()
	if r.account.Management {
		for _, p := range r.auditor.header.SCPs {
			r.weak("scp/"+p.Name, "", policy.SCP, p.Document)
		}
	}
}

// inline adds the findings about inline policies and groups.
func (r *report) inline() {
	for i := range r.account.Users {
		u := &r.account.Users[i]
		for _, p := range u.Inline {
			subject := "user/" + u.Name + "/" + p.Name
			if p.Name == baseline.InlinePolicyName {
				if document.CanBeManaged(p.Document) {
					r.driftInline(u, subject, p.Document)
					continue
				}
				r.add("policy-name-collision", subject, "the inline policy %s of %s is not managed by forcemfa: it grants permissions that no forcemfa document grants", p.Name, u.Name).ARN = u.ARN
			}
			r.weak(subject, u.ARN, policy.Identity, p.Document)
		}
	}
	for i := range r.account.Groups {
		g := &r.account.Groups[i]
		if strings.EqualFold(g.Name, baseline.GroupName) && g.ARN != baseline.GroupARN(r.account.Partition, r.account.ID) {
			r.add("policy-name-collision", "group"+g.Path+g.Name, "the group %s is not managed by forcemfa", g.ARN).ARN = g.ARN
		}
		for _, p := range g.Inline {
			r.weak("group/"+g.Name+"/"+p.Name, g.ARN, policy.Identity, p.Document)
		}
	}
}

// drift compares the managed policy with the document of the baseline.
func (r *report) drift(p *org.Policy, document string, read bool) {
	switch {
	case !read:
		r.add("policy-drift", "policy/"+p.Name, "the default version of %s could not be read", p.ARN).ARN = p.ARN
	case !r.same(document, r.auditor.documentsIn(r.account.Partition).document):
		r.add("policy-drift", "policy/"+p.Name, "%s differs from the document of the config file%s", p.ARN, origin(p, document)).ARN = p.ARN
	}
}

// origin says, by the fingerprint of the managed policy, whether its document
// changed since forcemfa wrote it. It is empty without a fingerprint, as in older
// versions.
func origin(p *org.Policy, document string) string {
	switch baseline.FingerprintOf(p) {
	case "":
		return ""
	case baseline.Fingerprint(document):
		return ": it is unchanged since forcemfa wrote it, with another config file or version"
	}
	return ": it was changed after forcemfa wrote it, or a run was interrupted"
}

// driftInline compares a managed inline policy with the documents of the baseline.
func (r *report) driftInline(u *org.User, subject, document string) {
	want := r.auditor.documentsIn(r.account.Partition)
	if !r.same(document, want.document) && !r.same(document, want.deny) {
		r.add("policy-drift", subject, "the inline policy %s of %s differs from the document of the config file", baseline.InlinePolicyName, u.Name).ARN = u.ARN
	}
}

// same reports whether two texts are the same document except for white space.
func (r *report) same(text, want string) bool {
	if text == want {
		return true
	}
	d, err := policy.Parse(policy.Identity, text)
	if err != nil {
		return false
	}
	w, err := policy.Parse(policy.Identity, want)
	return err == nil && d.String() == w.String()
}

// weak adds the findings about a document's MFA conditions. A document that cannot
// be parsed has none: it makes the state of its users unknown.
func (r *report) weak(subject, arn string, kind policy.Kind, text string) {
	d, err := policy.Parse(kind, text)
	if err != nil {
		return
	}
	weak := map[string][]string{}
	for i := range d.Statements {
		s := &d.Statements[i]
		if rule := weakRule(d, s); rule != "" {
			weak[rule] = append(weak[rule], fmt.Sprintf("statement %d, line %d: %s", i+1, s.Line, conditionText(trust.MFAConditions(s))))
		}
	}
	for _, rule := range []string{"deny-bool", "allow-if-exists"} {
		if len(weak[rule]) > 0 {
			r.add(rule, subject, "%s", strings.Join(weak[rule], "; ")).ARN = arn
		}
	}
}

// weakRule is the rule that the MFA conditions of a statement violate, or empty.
// An Allow for requests with MFA must not match requests without MFA. A Deny of
// requests without MFA must match all of them, alone or together with other Denies
// of the same actions.
func weakRule(d *policy.Document, s *policy.Statement) string {
	m := trust.Match(trust.MFAConditions(s))
	switch {
	case len(trust.MFAConditions(s)) == 0:
		return ""
	case s.Effect == policy.Allow && m.RecentMFA && (m.AccessKey || m.NoMFA):
		return "allow-if-exists"
	case s.Effect == policy.Deny && !m.RecentMFA && (m.AccessKey || m.NoMFA || m.OldMFA):
		if all := denied(d, s); !all.AccessKey || !all.NoMFA {
			return "deny-bool"
		}
	}
	return ""
}

// denied joins the requests that the Denies of the same actions and resources
// match.
func denied(d *policy.Document, like *policy.Statement) trust.Matched {
	var all trust.Matched
	for i := range d.Statements {
		s := &d.Statements[i]
		if s.Effect != policy.Deny || !slices.Equal(s.Actions, like.Actions) || !slices.Equal(s.NotActions, like.NotActions) ||
			!slices.Equal(s.Resources, like.Resources) || !slices.Equal(s.NotResources, like.NotResources) {
			continue
		}
		m := trust.Match(trust.MFAConditions(s))
		all.AccessKey, all.NoMFA = all.AccessKey || m.AccessKey, all.NoMFA || m.NoMFA
	}
	return all
}

func conditionText(conditions []policy.Condition) string {
	var parts []string
	for _, c := range conditions {
		parts = append(parts, c.Operator+" "+c.Key+" "+strings.Join(c.Values, ", "))
	}
	return strings.Join(parts, ", ")
}
