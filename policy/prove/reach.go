package prove

import (
	"cmp"
	"slices"
	"strings"

	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// A Reached is a role that a user can become without MFA: another principal for
// every question about the user.
type Reached struct {
	Role *Role
	Via  []string // the roles on the way, first one first, without the role itself
	// Counterexample is the sts:AssumeRole request of the last step.
	Counterexample *Counterexample
}

// Reach finds the roles of Subject.Roles that the subject can become without MFA
// with the documents as they are, directly or through other roles. The value of
// aws:MultiFactorAuthPresent in a role session is not documented beyond doubt,
// so only the first step is stopped by a trust policy that requires MFA. Why
// says what could not be decided about a role that is not among them.
func (p *Prover) Reach(s Subject) (reached []Reached, why []string) {
	return p.reach(&s, s.rows())
}

// credential is that of a session that was assumed without MFA.
func (r *Reached) credential() policy.Credential {
	if len(r.Via) > 0 {
		return policy.ChainedRole
	}
	return policy.RoleFromKey
}

// A standpoint is a principal that assumes roles.
type standpoint struct {
	subject *Subject
	rows    []row
	via     []string
	limited bool // the trust policy of the role limits the names of its sessions
}

func (p *Prover) reach(s *Subject, rows []row) (reached []Reached, why []string) {
	queue := []standpoint{{subject: s, rows: rows}}
	known := map[string]bool{}
	for len(queue) > 0 {
		from := queue[0]
		queue = queue[1:]
		for i := range s.Roles {
			role := &s.Roles[i]
			if known[role.ARN] || from.subject.Set == nil {
				continue
			}
			w, doubt := p.becomes(&from, role)
			if doubt != "" {
				why = append(why, role.ARN+": "+doubt)
			}
			if w == nil {
				continue
			}
			known[role.ARN] = true
			found := Reached{role, from.via, w}
			reached = append(reached, found)
			next := p.session(s, role, from.via)
			queue = append(queue, standpoint{next, next.roleRows(found.credential()), append(slices.Clip(from.via), role.ARN), role.limitsNames()})
		}
	}
	return reached, why
}

// becomes looks for a request that assumes a role.
func (p *Prover) becomes(from *standpoint, role *Role) (w *Counterexample, why string) {
	trust := p.apart(&role.Trust, policy.Trust)
	d, t, why := p.permitted(from.subject.facing(role), from.rows, probe{"sts:AssumeRole", role.ARN}, []policy.Source{role.Trust}, trust)
	if t == nil {
		return p.becomesByName(from, role, why)
	}
	return from.subject.counterexample(*t, d), ""
}

// becomesByName looks for a request that assumes a role whose trust policy names sessions of
// the role that the request is made from: whoever assumes that one chooses the name.
func (p *Prover) becomesByName(from *standpoint, role *Role, why string) (*Counterexample, string) {
	for _, name := range role.trustedSessions(&from.subject.Principal) {
		named := *from.subject
		named.Principal.ARN = name
		d, t, _ := p.permitted(named.facing(role), from.rows, probe{"sts:AssumeRole", role.ARN}, []policy.Source{role.Trust}, p.apart(&role.Trust, policy.Trust))
		switch {
		case t != nil && !from.limited:
			return named.counterexample(*t, d), ""
		case t != nil:
			why = "it trusts " + name + ", and the trust policy of that role limits the names of its sessions"
		}
	}
	return nil, why
}

// facing is the subject with the resource control policies that decide about a role.
func (s *Subject) facing(r *Role) *Subject {
	a, ok := arn.Split(r.ARN)
	if !ok || a.Account == s.Principal.Account || s.Set.RCPs == nil && r.RCPs == nil {
		return s
	}
	out, set := *s, *s.Set
	set.RCPs = r.RCPs
	out.Set, out.owner = &set, a.Account
	return &out
}

// trustedSessions are the sessions of a principal's role that a trust policy names.
func (r *Role) trustedSessions(p *policy.Principal) (arns []string) {
	if p.Kind != policy.RoleSession || r.Trust.Document == nil {
		return nil
	}
	role := p.ARN[:strings.LastIndexByte(p.ARN, '/')+1]
	for _, s := range r.Trust.Document.Statements {
		if s.Principals == nil {
			continue
		}
		for _, name := range s.Principals.AWS {
			if rest, ok := strings.CutPrefix(name, role); ok && rest != "" && s.Effect == policy.Allow {
				arns = append(arns, name)
			}
		}
	}
	return arns
}

// permitted looks for key values with which one action on one resource is
// allowed. Without any, why says what could not be decided.
func (p *Prover) permitted(s *Subject, rows []row, at probe, own []policy.Source, more []*clause) (d policy.Decision, found *trial, why string) {
	w := newWork()
	e := lookup(at.action)
	for i := range rows {
		r := &rows[i]
		if _, limited := r.credential.Limit(at.action); limited {
			continue
		}
		q := query{subject: s, row: r, work: w, never: r.residuals(p.clauses(s.Set, policy.Deny)),
			refine: r.residuals(conditional(slices.Concat(p.clauses(s.Set, policy.Allow), more)))}
		q.rule = func(string, string) rule { return always }
		decide := func(t trial) policy.Decision {
			request := s.request(t.action, t.resource, r.with(t))
			request.Policies = own
			return s.binding(t.resource).Decide(request)
		}
		q.visit = func(t trial) next {
			switch d = decide(t); {
			case d.Verdict == policy.Allowed && t.however(func(o trial) bool { return decide(o).Verdict == policy.Allowed }):
				found = &t
				return stop
			case d.Verdict == policy.Allowed:
				why = t.unreadKey()
			case d.Verdict == policy.Unknown:
				why = d.Why
			case d.Verdict == policy.ExplicitDenied: // by a Deny that other values may escape
				why = t.undecidable()
			case why == "" && r.mayVary(s, t, own):
				why = undecidedAllow
			}
			return goOn
		}
		q.prepare()
		if active, _, ok := q.about(&e); ok {
			q.at(&e, at.resource, active)
		}
		if found != nil {
			return d, found, ""
		}
	}
	return policy.Decision{}, nil, cmp.Or(why, w.why)
}

// mayVary reports whether a trial that nothing allows may be allowed with another value of a
// variable.
func (r *row) mayVary(s *Subject, t trial, own []policy.Source) bool {
	loose, policies := r.loosely(s), r.loose(own)
	if loose == nil {
		loose = s
	}
	request := s.request(t.action, t.resource, r.with(t))
	request.Policies = policies
	return loose.binding(t.resource).Decide(request).Verdict != policy.ImplicitDenied
}

// session returns a session of a role as a principal, via other roles.
func (p *Prover) session(of *Subject, r *Role, via []string) *Subject {
	a, _ := arn.Split(r.ARN)
	s := &Subject{Set: r.Set, Context: r.Context.Clone(), Roles: of.Roles, ForwardedCallsPass: of.ForwardedCallsPass,
		sessionTags: p.mayTrust(r, "tagsession"), sourceIdentity: p.mayTrust(r, "setsourceidentity")}
	for i := range of.Roles { // transitive tags stay
		s.sessionTags = s.sessionTags || slices.Contains(via, of.Roles[i].ARN) && p.mayTrust(&of.Roles[i], "tagsession")
	}
	s.Principal = policy.Principal{Kind: policy.RoleSession, Account: a.Account, Issuer: r.ARN,
		ARN: "arn:" + a.Partition + ":sts::" + a.Account + ":assumed-role/" + a.Name() + "/forcemfa-unnamed"}
	s.Principal.ServiceLinked = strings.HasPrefix(a.Resource, "role/aws-service-role/")
	s.sessionName = p.sessionName(r)
	s.Context.Set("aws:PrincipalArn", r.ARN)
	s.Context.Set("aws:PrincipalAccount", a.Account)
	s.Context.Set("aws:PrincipalType", "AssumedRole")
	return s
}

// sessionName is what policies can see of the names of a role's sessions.
func (p *Prover) sessionName(r *Role) sessionName {
	id, known := r.Context.Get("aws:userid")
	name := sessionName{limited: r.limitsNames()}
	if !known || r.Set == nil {
		return name
	}
	sources := r.Set.Sources()
	if p.setTraits(sources, identify(r.Set, sources)).keys["aws:userid"] {
		role, _, _ := strings.Cut(id[0], ":")
		name.after = role + ":"
	}
	return name
}

// limitsNames reports whether the trust policy may refuse some names of sessions.
func (r *Role) limitsNames() bool {
	return r.Trust.Document == nil || slices.ContainsFunc(r.Trust.Document.Statements, func(s policy.Statement) bool {
		return slices.ContainsFunc(s.Conditions, func(c policy.Condition) bool { return strings.EqualFold(c.Key, "sts:RoleSessionName") })
	})
}

// mayTrust reports whether the trust policy of a role can allow an action of STS. One that
// was not read can.
func (p *Prover) mayTrust(r *Role, action string) bool {
	return r.Trust.Document == nil || r.Trust.Err != nil || slices.ContainsFunc(p.apart(&r.Trust, policy.Trust), func(c *clause) bool {
		names := func(a actionPattern) bool {
			m := a.match("sts", action)
			return m == yes || m == maybe && !c.notAction
		}
		return c.statement.Effect == policy.Allow && slices.ContainsFunc(c.actions, names) != c.notAction
	})
}

// roleRows returns the states of a session of a role with a kind of credential, with the
// role's own tags first.
func (s *Subject) roleRows(c policy.Credential) []row {
	out := []row{s.row(c, policy.False)}
	if c.MFA().Present&policy.True != 0 {
		out = append(out, s.row(c, policy.True))
	}
	return s.choices(out)
}

// choices adds the states that whoever assumes the role of a session can choose: session tags
// replace those of the role, and what depends on them is unknown; where a policy compares names
// of sessions, the session may have any.
// Source: IAM User Guide, "Pass session tags in AWS STS".
func (s *Subject) choices(out []row) []row {
	if s.sessionName.after != "" {
		for _, r := range out {
			r.sessionName = s.sessionName
			out = append(out, r)
		}
	}
	if s.sessionTags {
		for _, r := range out {
			r.sessionTags = true
			out = append(out, r)
		}
	}
	return out
}
