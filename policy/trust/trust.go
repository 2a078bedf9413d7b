// Package trust reads and edits role trust policies: which statements let
// accounts and users assume the role, whether they require MFA, and the same
// policy with MFA required.
package trust

import (
	"slices"
	"strings"

	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// A Grant is a statement of a trust policy that lets accounts or users assume
// the role.
type Grant struct {
	Index      int // of the statement, from 0
	Statement  *policy.Statement
	Principals []string           // "everybody", "account 111122223333" or the ARN of a user; sorted
	Conditions []policy.Condition // those on MFA
	WithoutMFA bool               // a request without MFA can use the statement
	WithMFA    bool               // a request with recent MFA satisfies its conditions on MFA
	Aged       bool               // the statement limits how old the MFA may be
}

// Grants are the statements by which accounts or users can assume the role. A
// request that a Deny for everybody refuses does not count as allowed.
func Grants(d *policy.Document) []Grant {
	refused := refused(d)
	var all []Grant
	for i := range d.Statements {
		s := &d.Statements[i]
		principals := people(s.Principals)
		if s.Effect != policy.Allow || len(principals) == 0 || !coversAssumeRole(s) {
			continue
		}
		conditions := MFAConditions(s)
		m := Match(conditions)
		all = append(all, Grant{
			Index: i, Statement: s, Principals: principals, Conditions: conditions,
			WithoutMFA: m.AccessKey && !refused.AccessKey || m.NoMFA && !refused.NoMFA,
			WithMFA:    m.RecentMFA, Aged: !m.OldMFA,
		})
	}
	return all
}

// refused joins the requests that the Deny statements for everybody refuse by
// conditions on MFA alone.
func refused(d *policy.Document) Matched {
	var all Matched
	for i := range d.Statements {
		s := &d.Statements[i]
		conditions := MFAConditions(s)
		everybody := s.Principals != nil && s.Principals.Everyone
		if s.Effect != policy.Deny || !everybody || !coversAssumeRole(s) || len(conditions) != len(s.Conditions) {
			continue
		}
		m := Match(conditions)
		all.AccessKey, all.NoMFA = all.AccessKey || m.AccessKey, all.NoMFA || m.NoMFA
	}
	return all
}

func coversAssumeRole(s *policy.Statement) bool { return covers(s, "sts:AssumeRole") }

func covers(s *policy.Statement, action string) bool {
	matches := func(pattern string) bool {
		g := arn.Compile(strings.ToLower(pattern))
		return g.MatchFold(action)
	}
	if len(s.NotActions) > 0 {
		return !slices.ContainsFunc(s.NotActions, matches)
	}
	return slices.ContainsFunc(s.Actions, matches)
}

// people are the principals that can have MFA: everybody, accounts and users.
// Roles, services and federated principals cannot present an MFA device to AWS.
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
