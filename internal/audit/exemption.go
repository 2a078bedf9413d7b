package audit

import (
	"fmt"
	"strings"

	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/internal/prose"
	"forcemfa/policy"
	"forcemfa/policy/prove"
)

// exemptionTags adds the findings about exemption tags that principals can set on
// a user.
func (r *report) exemptionTags() {
	seen := map[string]bool{}
	for i := range r.auditor.baseline.Exemptions {
		e := &r.auditor.baseline.Exemptions[i]
		tag := strings.ToLower(e.Match.Tag)
		byTagAlone := tag != "" && e.Match.Name == "" && e.Match.ARN == ""
		if !byTagAlone || seen[tag] || e.Expired(r.auditor.now) {
			continue
		}
		seen[tag] = true
		if e.Match.InPlace(r.place) {
			r.settable(e.Match.Tag)
		}
	}
}

// windowTag adds the finding about exempt users who can open or close enrollment
// windows without MFA. Other users cannot, or have a finding as open users.
func (r *report) windowTag() {
	b := r.auditor.baseline
	if b.Policy.Enrollment == document.EnrollmentAny {
		return
	}
	var put, take []string
	for i := range r.account.Users {
		u := &r.account.Users[i]
		if e := b.Exempt(r.place, u, r.auditor.now); e == nil || e.BreakGlass {
			continue
		}
		t := r.tagger(r.userActor(u), b.Window.Tag, b.Window.Value(r.auditor.now))
		if t.withoutMFA("iam:TagUser") != prove.Enforced {
			put = append(put, u.Name)
		}
		if t.withoutMFA("iam:UntagUser") != prove.Enforced {
			take = append(take, u.Name)
		}
	}
	subject := "tag/" + b.Window.Tag
	switch {
	case len(put) > 0:
		r.add("window-tag-settable", subject, "the tag %s, which opens the enrollment window, can be set on a user without MFA by %s", b.Window.Tag, prose.Few(put))
	case len(take) > 0:
		r.add("window-tag-settable", subject, "the tag %s, which opens the enrollment window, can be removed from a user without MFA by %s", b.Window.Tag, prose.Few(take)).Severity = Low
	}
}

// settable adds the finding about principals that can set a tag on a user.
func (r *report) settable(tag string) {
	key, value := baseline.Match{Tag: tag}.ExampleTag()
	var who holders
	for i := range r.account.Users {
		u := &r.account.Users[i]
		if e := r.auditor.baseline.Exempt(r.place, u, r.auditor.now); e != nil && e.BreakGlass {
			continue // may do anything, on purpose
		}
		t := r.tagger(r.userActor(u), key, value)
		who.user(u.Name, func() prove.Outcome { return t.withoutMFA(onUsers...) },
			func() prove.Outcome { return t.can(policy.SessionTokenMFA, policy.True, onUsers...) })
	}
	for i := range r.account.Roles {
		role := &r.account.Roles[i]
		t := r.tagger(r.roleActor(role), key, value)
		who.role(role.Name, either(t.can(policy.RoleFromMFA, policy.True, onUsers...), t.can(policy.RoleFromKey, policy.False, onUsers...)))
	}
	r.addSettable("exemption-tag-settable", "tag/"+tag, "the exemption tag "+tag+" can be set on a user", &who)
}

// holders are the names of principals that can exempt users. perhaps are those of whom it
// could not be decided: it depends on session tags, or AWS does not document it.
type holders struct{ without, with, roles, perhaps []string }

func (h *holders) user(name string, without, with func() prove.Outcome) {
	first := without()
	if first == prove.Open {
		h.without = append(h.without, name)
		return
	}
	switch second := with(); {
	case second == prove.Open:
		h.with = append(h.with, name)
	case either(first, second) == prove.Unknown:
		h.perhaps = append(h.perhaps, "user "+name)
	}
}

func (h *holders) role(name string, can prove.Outcome) {
	switch can {
	case prove.Open:
		h.roles = append(h.roles, name)
	case prove.Unknown:
		h.perhaps = append(h.perhaps, "role "+name)
	}
}

// addSettable adds a finding about principals that can exempt a user.
func (r *report) addSettable(rule, subject, what string, who *holders) {
	var parts []string
	add := func(format string, names []string) {
		if len(names) > 0 {
			parts = append(parts, fmt.Sprintf(format, prose.Few(names)))
		}
	}
	add("without MFA by %s", who.without)
	add("with MFA by %s", who.with)
	add("by the roles %s", who.roles)
	add("perhaps by %s", who.perhaps)
	if len(parts) == 0 {
		return
	}
	f := r.add(rule, subject, "%s %s", what, strings.Join(parts, ", "))
	switch {
	case len(who.without) > 0:
	case len(who.with) > 0:
		f.Severity = Medium
	default:
		f.Severity = Low
	}
}
