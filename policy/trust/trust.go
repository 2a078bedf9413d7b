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
	Undecided  bool               // or perhaps: AWS does not document the effect of the conditions on MFA
	WithMFA    bool               // a request with recent MFA satisfies its conditions on MFA
	Aged       bool               // the statement limits how old the MFA may be
}

// Grants are the statements by which accounts or users can assume the role. A
// request that Denies refuse to all of them does not count as allowed.
func Grants(d *policy.Document) []Grant {
	var all []Grant
	for i := range d.Statements {
		s := &d.Statements[i]
		principals := people(s.Principals)
		if s.Effect != policy.Allow || len(principals) == 0 || !coversAssumeRole(s) {
			continue
		}
		conditions := MFAConditions(s)
		m, refused := Match(conditions), refused(d, principals)
		all = append(all, Grant{
			Index: i, Statement: s, Principals: principals, Conditions: conditions,
			WithoutMFA: m.AccessKey && !refused.AccessKey || m.NoMFA && !refused.NoMFA,
			Undecided:  m.Undocumented && !(refused.AccessKey && refused.NoMFA),
			WithMFA:    m.RecentMFA, Aged: !m.OldMFA,
		})
	}
	return all
}

// refused are the requests that Deny statements refuse to all of the principals, by
// conditions on MFA and on what is fixed for a principal.
func refused(d *policy.Document, principals []string) Matched {
	all := Matched{AccessKey: true, NoMFA: true}
	for _, p := range principals {
		var one Matched
		fixed := fixedKeys(p)
		for i := range d.Statements {
			if s := &d.Statements[i]; s.Effect == policy.Deny && coversAssumeRole(s) && names(s.Principals, p) && !open(s, fixed) {
				m := match(s.Conditions, fixed)
				one.AccessKey, one.NoMFA = one.AccessKey || m.AccessKey, one.NoMFA || m.NoMFA
			}
		}
		all.AccessKey, all.NoMFA = all.AccessKey && one.AccessKey, all.NoMFA && one.NoMFA
	}
	return all
}

// names reports whether the Principal element of a Deny covers one of people.
func names(p *policy.Principals, person string) bool {
	of := people(p)
	a, user := arn.Split(person)
	return slices.Contains(of, "everybody") || slices.Contains(of, person) || user && slices.Contains(of, "account "+a.Account)
}

// fixedKeys are the condition keys, in lower case, that all requests of one of people have.
// Source: IAM User Guide, "AWS global condition context keys", properties of the principal.
func fixedKeys(person string) map[string]string {
	if person == "everybody" {
		return nil
	}
	keys := map[string]string{"aws:principalisawsservice": "false"}
	if account, whole := strings.CutPrefix(person, "account "); whole {
		keys["aws:principalaccount"] = account
		return keys
	}
	if a, ok := arn.Split(person); ok {
		keys["aws:principalaccount"], keys["aws:principalarn"], keys["aws:principaltype"], keys["aws:username"] = a.Account, person, "User", a.Name()
	}
	return keys
}

// open reports whether a statement has a condition on a key that depends on the request.
func open(s *policy.Statement, fixed map[string]string) bool {
	mfa := len(MFAConditions(s))
	for _, c := range s.Conditions {
		if _, known := fixed[strings.ToLower(c.Key)]; known {
			mfa++
		}
	}
	return mfa != len(s.Conditions) || slices.ContainsFunc(s.Conditions, hasVariable)
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
