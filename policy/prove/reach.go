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

// A standpoint is a principal that assumes roles.
type standpoint struct {
	subject *Subject
	rows    []row
	via     []string
}

func (p *Prover) reach(s *Subject, rows []row) (reached []Reached, why []string) {
	queue := []standpoint{{s, rows, nil}}
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
			reached = append(reached, Reached{role, from.via, w})
			next := role.subject(s)
			queue = append(queue, standpoint{next, next.roleRows(len(from.via) > 0), append(slices.Clip(from.via), role.ARN)})
		}
	}
	return reached, why
}

// becomes looks for a request that assumes a role.
func (p *Prover) becomes(from *standpoint, role *Role) (w *Counterexample, why string) {
	trust := p.apart(&role.Trust, policy.Trust)
	d, t, why := p.permitted(from.subject, from.rows, probe{"sts:AssumeRole", role.ARN}, []policy.Source{role.Trust}, trust)
	if t == nil {
		return nil, why
	}
	return from.subject.counterexample(*t, d), ""
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

// subject returns a session of the role as a principal.
func (r *Role) subject(of *Subject) *Subject {
	a, _ := arn.Split(r.ARN)
	s := &Subject{Set: r.Set, Context: r.Context.Clone(), Roles: of.Roles, ForwardedCallsPass: of.ForwardedCallsPass}
	s.Principal = policy.Principal{Kind: policy.RoleSession, Account: a.Account, Issuer: r.ARN,
		ARN: "arn:" + a.Partition + ":sts::" + a.Account + ":assumed-role/" + a.Name() + "/forcemfa-unnamed"}
	s.Principal.ServiceLinked = strings.HasPrefix(a.Resource, "role/aws-service-role/")
	s.Context.Set("aws:PrincipalArn", r.ARN)
	s.Context.Set("aws:PrincipalAccount", a.Account)
	s.Context.Set("aws:PrincipalType", "AssumedRole")
	return s
}

// roleRows returns the states of a session of a role that was assumed without
// MFA, from another role when chained is set.
func (s *Subject) roleRows(chained bool) []row {
	c := policy.RoleFromKey
	if chained {
		c = policy.ChainedRole
	}
	out := []row{s.row(c, policy.False)}
	if c.MFA().Present&policy.True != 0 {
		out = append(out, s.row(c, policy.True))
	}
	return out
}
