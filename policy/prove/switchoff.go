package prove

import (
	"fmt"
	"slices"
	"strings"

	"forcemfa/policy"
)

// An Enforcement lists, by ARN, what keeps a user behind MFA; fields without a
// counterpart are empty.
type Enforcement struct {
	User     string    // the enforced user
	Policies []string  // managed policies with the Denies
	Groups   []string  // with the policies
	Direct   bool      // attached to the user itself
	Carriers []Carrier // other policies with Denies that the user depends on
	Exempt   []string  // ARNs of exempt users
	Inline   bool      // in an inline policy of the user, or of the groups
	Boundary bool      // in the user's permissions boundary
	Tags     []string  // keys of tags that exempt a user, or allow enrollment
	Names    []string  // ARNs of users that would be exempt by path or name
	Excepted []string  // roles that may disable the enforcement, and are known by name
	Roles    []string  // whose trust policy requires MFA
	SCPs     []string  // service control policies with the Denies
}

// A Carrier is a managed policy with Denies and how it reaches the user. Without a
// policy, the groups have the Denies in inline policies.
type Carrier struct {
	Policy string
	Groups []string // ARNs
	Direct bool     // attached to the user itself
}

// A DisablingAction is one request that disables or weakens an enforcement.
type DisablingAction struct {
	What     string // as in "detach the policy from the group"
	Action   string
	Resource string
	From     string            // a second resource on which the action must be allowed; empty: none
	Keys     map[string]string // further condition keys of the request
}

// DisablingActions returns the requests that disable the enforcement.
func (e *Enforcement) DisablingActions() []DisablingAction {
	var out []DisablingAction
	add := func(what, action, resource string, keys ...string) {
		d := DisablingAction{What: what, Action: action, Resource: resource}
		for i := 0; i+1 < len(keys); i += 2 {
			if d.Keys == nil {
				d.Keys = map[string]string{}
			}
			d.Keys[keys[i]] = keys[i+1]
		}
		out = append(out, d)
	}
	var groups, inline []string
	if e.Inline {
		inline = e.Groups
	}
	for _, c := range e.carriers() {
		groups = including(groups, c.Groups...)
		if c.Policy == "" {
			inline = including(inline, c.Groups...)
			continue
		}
		add("create another version of the policy", "iam:CreatePolicyVersion", c.Policy)
		add("make an older version of the policy the default", "iam:SetDefaultPolicyVersion", c.Policy)
		for _, g := range c.Groups {
			add("detach the policy from the group", "iam:DetachGroupPolicy", g, "iam:PolicyARN", c.Policy)
		}
		if c.Direct {
			add("detach the policy from the user", "iam:DetachUserPolicy", e.User, "iam:PolicyARN", c.Policy)
		}
	}
	for _, g := range including(groups, e.Groups...) {
		add("remove the user from the group", "iam:RemoveUserFromGroup", g)
		if slices.Contains(inline, g) {
			add("delete the group's inline policy", "iam:DeleteGroupPolicy", g)
			add("replace the group's inline policy", "iam:PutGroupPolicy", g)
		}
	}
	if e.Inline {
		add("delete the user's inline policy", "iam:DeleteUserPolicy", e.User)
		add("replace the user's inline policy", "iam:PutUserPolicy", e.User)
	}
	if e.Boundary {
		add("remove the permissions boundary", "iam:DeleteUserPermissionsBoundary", e.User)
		add("replace the permissions boundary", "iam:PutUserPermissionsBoundary", e.User)
	}
	for _, tag := range e.Tags {
		add("set the tag "+tag, "iam:TagUser", e.User, "aws:TagKeys", tag)
	}
	for _, name := range e.Names {
		add("give the user an exempt path or name", "iam:UpdateUser", name)
		out[len(out)-1].From = e.User
		add("create a user with an exempt path or name", "iam:CreateUser", name)
	}
	for _, u := range e.Exempt {
		add("create an access key of an exempt user", "iam:CreateAccessKey", u)
	}
	for _, r := range e.Excepted {
		add("create a role that may disable the enforcement", "iam:CreateRole", r)
		add("take over a role that may disable the enforcement", "iam:UpdateAssumeRolePolicy", r)
	}
	for _, r := range e.Roles {
		add("remove MFA from the trust policy of a role", "iam:UpdateAssumeRolePolicy", r)
	}
	for _, p := range e.SCPs {
		add("change the service control policy", "organizations:UpdatePolicy", p)
		add("detach the service control policy", "organizations:DetachPolicy", p)
	}
	if len(e.SCPs) > 0 {
		add("remove the account from the organization", "organizations:LeaveOrganization", "*")
	}
	return out
}

// carriers are the managed policies with Denies.
func (e *Enforcement) carriers() []Carrier {
	var all []Carrier
	for _, p := range e.Policies {
		all = append(all, Carrier{Policy: p, Groups: e.Groups, Direct: e.Direct})
	}
	return append(all, e.Carriers...)
}

// including adds texts that are not in the list.
func including(list []string, more ...string) []string {
	list = slices.Clip(list)
	for _, text := range more {
		if !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return list
}

// A Switch says whether a principal can make a [DisablingAction].
type Switch struct {
	DisablingAction
	// As is the role that the subject must become first; empty for itself.
	As string
	// WithoutMFA and WithMFA are Open when the documents as they are allow the
	// action, Enforced when they don't.
	WithoutMFA, WithMFA Outcome
	Counterexample      *Counterexample // the request without MFA; nil when there is none
	AllowedBy           string          // the statement that allows the action, with or without MFA
	Why                 string          // what is unknown, when one of the two is
}

// SwitchOff answers whether a subject, or a role that it can become, can disable
// an enforcement. It returns every action that is allowed or unknown, with MFA
// or without, and leaves out actions that are refused.
func (p *Prover) SwitchOff(s Subject, e Enforcement) []Switch {
	if s.Set == nil {
		return nil
	}
	proofed := s.proofed()
	out := p.switches(&s, s.rows(), proofed, "", &e)
	free, _ := p.reach(&s, s.rows())
	behind, _ := p.reach(&s, proofed)
	done := map[string]bool{}
	for _, r := range free {
		if done[r.Role.ARN] = true; r.Role.Set != nil {
			as := p.session(&s, r.Role, r.Via)
			rows := as.roleRows(r.credential())
			out = append(out, p.switches(as, rows, rows, r.Role.ARN, &e)...)
		}
	}
	for _, r := range behind {
		if !done[r.Role.ARN] && r.Role.Set != nil {
			as := p.session(&s, r.Role, r.Via)
			out = append(out, p.switches(as, nil, as.roleRows(policy.RoleFromMFA), r.Role.ARN, &e)...)
		}
	}
	return out
}

// proofed returns the ways in which the subject makes requests with MFA.
func (s *Subject) proofed() []row {
	return []row{s.row(policy.SessionTokenMFA, policy.True), s.row(policy.ConsoleMFA, policy.True), s.row(policy.CodeInCall, policy.True)}
}

func (p *Prover) switches(s *Subject, without, with []row, as string, e *Enforcement) []Switch {
	var out []Switch
	for _, action := range e.DisablingActions() {
		sw := Switch{DisablingAction: action, As: as}
		var proofed *Counterexample
		var why string
		sw.WithMFA, proofed, sw.Why = p.can(s, with, &action)
		if sw.WithoutMFA, sw.Counterexample, why = p.can(s, without, &action); sw.Why == "" {
			sw.Why = why
		}
		switch {
		case sw.Counterexample != nil:
			sw.AllowedBy = sw.Counterexample.AllowedBy
		case proofed != nil:
			sw.AllowedBy = proofed.AllowedBy
		}
		if sw.WithoutMFA != Enforced || sw.WithMFA != Enforced {
			out = append(out, sw)
		}
	}
	return out
}

// can reports whether an action is allowed in one of the rows.
func (p *Prover) can(s *Subject, rows []row, d *DisablingAction) (Outcome, *Counterexample, string) {
	if d.From != "" {
		from := *d
		from.Resource, from.From = d.From, ""
		if outcome, _, why := p.can(s, rows, &from); outcome != Open {
			return outcome, nil, why
		}
	}
	said := make([]row, 0, len(rows))
	for _, r := range rows {
		if r.credential == policy.CodeInCall && !strings.EqualFold(d.Action, "sts:AssumeRole") {
			continue // a code can only accompany that call
		}
		r.context = r.context.Clone()
		for key, value := range d.Keys {
			if single, list := typeOf(strings.ToLower(key)).plurality(); list && !single {
				r.context.SetMany(key, []string{value})
			} else {
				r.context.Set(key, value)
			}
		}
		said = append(said, r)
	}
	decision, t, why := p.permitted(s, said, probe{d.Action, d.Resource}, nil, nil)
	switch {
	case t != nil:
		w := s.counterexample(*t, decision)
		for key, value := range d.Keys {
			if w.Keys == nil {
				w.Keys = map[string][]string{}
			}
			w.Keys[key] = []string{value}
		}
		return Open, w, ""
	case why != "":
		return Unknown, nil, fmt.Sprintf("%s on %s: %s", d.Action, d.Resource, why)
	}
	return Enforced, nil, ""
}
