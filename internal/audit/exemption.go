package audit

import (
	"fmt"
	"strings"
	"time"

	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/internal/prose"
	"forcemfa/policy"
	"forcemfa/policy/arn"
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
		t := r.tagger(r.account.Principal(u), r.auditor.documents.PolicySet(r.auditor.header, r.account, u),
			r.account.Context(r.auditor.header, u), b.Window.Tag, b.Window.Value(r.auditor.now))
		if t.canWithoutMFA("iam:TagUser") {
			put = append(put, u.Name)
		}
		if t.canWithoutMFA("iam:UntagUser") {
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
	var without, with, roles []string
	for i := range r.account.Users {
		u := &r.account.Users[i]
		t := r.tagger(r.account.Principal(u), r.auditor.documents.PolicySet(r.auditor.header, r.account, u),
			r.account.Context(r.auditor.header, u), key, value)
		switch e := r.auditor.baseline.Exempt(r.place, u, r.auditor.now); {
		case e != nil && e.BreakGlass: // may do anything, on purpose
		case t.canWithoutMFA(onUsers...):
			without = append(without, u.Name)
		case t.can(policy.SessionTokenMFA, policy.True, onUsers...):
			with = append(with, u.Name)
		}
	}
	for i := range r.account.Roles {
		role := &r.account.Roles[i]
		const session = "example"
		t := r.tagger(r.account.RolePrincipal(role, session), r.auditor.documents.RolePolicySet(r.auditor.header, r.account, role),
			r.account.RoleContext(r.auditor.header, role, session), key, value)
		if t.can(policy.RoleFromMFA, policy.True, onUsers...) || t.can(policy.RoleFromKey, policy.False, onUsers...) {
			roles = append(roles, role.Name)
		}
	}
	r.addSettable("exemption-tag-settable", "tag/"+tag, "the exemption tag "+tag+" can be set on a user", without, with, roles)
}

// addSettable adds a finding about principals that can exempt a user.
func (r *report) addSettable(rule, subject, what string, without, with, roles []string) {
	var parts []string
	add := func(format string, names []string) {
		if len(names) > 0 {
			parts = append(parts, fmt.Sprintf(format, prose.Few(names)))
		}
	}
	add("without MFA by %s", without)
	add("with MFA by %s", with)
	add("by the roles %s", roles)
	if len(parts) == 0 {
		return
	}
	f := r.add(rule, subject, "%s %s", what, strings.Join(parts, ", "))
	switch {
	case len(without) > 0:
	case len(with) > 0:
		f.Severity = Medium
	default:
		f.Severity = Low
	}
}

// A tagger is a principal that tries to set a tag on a user.
type tagger struct {
	principal policy.Principal
	set       *policy.Set
	context   *policy.Context
	targets   []string // ARNs of users
	now       time.Time
	prover    *prove.Prover
}

func (r *report) tagger(p policy.Principal, set *policy.Set, context *policy.Context, key, value string) *tagger {
	context = context.Clone()
	context.Set("aws:RequestTag/"+key, value)
	context.SetMany("aws:TagKeys", []string{key})
	context.Set("aws:ViaAWSService", "false")
	other := arn.IAM(r.account.Partition, r.account.ID, "user", "/", "somebody-else")
	t := &tagger{principal: p, set: set, context: context, targets: []string{other}, now: r.auditor.now, prover: &r.auditor.prover}
	if p.Kind == policy.IAMUser {
		t.targets = append(t.targets, p.ARN)
	}
	return t
}

// onUsers are the actions that set a tag on an existing or a new user.
var onUsers = []string{"iam:TagUser", "iam:CreateUser"}

// canWithoutMFA reports whether a user's own credentials suffice, without MFA.
func (t *tagger) canWithoutMFA(actions ...string) bool {
	return t.can(policy.LongTermKey, policy.Absent, actions...) || t.can(policy.ConsolePassword, policy.False, actions...)
}

// can reports whether one of the actions on the tag is allowed with a credential.
func (t *tagger) can(c policy.Credential, present policy.Presence, actions ...string) bool {
	context := t.context.Clone()
	context.SetMFA(c, present, t.now.Add(-time.Minute), t.now)
	for _, target := range t.targets {
		for _, action := range actions {
			r := &policy.Request{Principal: t.principal, Action: action, Resource: target, Context: context}
			if possible(t.prover, t.set, r, c) {
				return true
			}
		}
	}
	return false
}
