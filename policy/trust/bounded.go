package trust

import (
	"slices"
	"strings"

	"forcemfa/policy"
)

// Bounded is the trust policy of a role with the Denies of the resource control policies
// of its account, as if they were the trust policy's own: for [Grants] and
// [Stranger.Satisfies]. A Deny that may not be about the role is left out. unread reports
// whether a resource control policy could not be read, so that it may deny more.
func Bounded(d *policy.Document, rcps [][]policy.Source, role string) (bounded *policy.Document, unread bool) {
	var denies []policy.Statement
	for _, source := range slices.Concat(rcps...) {
		if source.Document == nil {
			unread = true
			continue
		}
		for _, s := range source.Document.Statements {
			if s.Effect == policy.Deny && coversAssumeRole(&s) && isAbout(&s, role) {
				denies = append(denies, s)
			}
		}
	}
	if len(denies) == 0 {
		return d, unread
	}
	out := *d
	out.Statements = slices.Concat(d.Statements, denies)
	return &out, unread
}

// isAbout reports whether the resources of a statement certainly match a role.
func isAbout(s *policy.Statement, role string) bool {
	if s.NotResources == nil && slices.Contains(s.Resources, "*") {
		return true
	}
	if slices.ContainsFunc(slices.Concat(s.Resources, s.NotResources), func(r string) bool { return strings.Contains(r, "${") }) {
		return false
	}
	only := policy.Document{Version: "2012-10-17", Statements: []policy.Statement{{
		Effect: policy.Deny, Actions: []string{"sts:AssumeRole"}, Resources: s.Resources, NotResources: s.NotResources,
	}}}
	set := &policy.Set{Identity: []policy.Source{policy.ParseSource("resources", policy.Identity, only.String())}}
	return set.Refuses(&policy.Request{
		Principal: policy.Principal{Kind: policy.IAMUser, Account: "111111111111", ARN: "arn:aws:iam::111111111111:user/example"},
		Action:    "sts:AssumeRole", Resource: role,
	}).Verdict == policy.ExplicitDenied
}
