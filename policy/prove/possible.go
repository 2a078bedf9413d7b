package prove

import (
	"slices"
	"strconv"
	"strings"

	"forcemfa/policy"
)

// roleAt is the role of Subject.Roles that a request of sts:AssumeRole is about; nil for
// another request.
func (s *Subject) roleAt(action, resource string) *Role {
	for i := range s.Roles {
		if r := &s.Roles[i]; r.ARN == resource && strings.EqualFold(action, "sts:AssumeRole") {
			return r
		}
	}
	return nil
}

// Session returns a session of a role as a subject. Whoever assumes the role chooses the
// name of the session, and the tags and the source identity that its trust policy accepts.
func (p *Prover) Session(r *Role) Subject { return *p.session(new(Subject), r, nil) }

// Possible reports whether a subject can make one request today with one of these
// kinds of credentials and with condition keys of its choice: Open when it can,
// Enforced when nothing allows it or something refuses it. The decision is that of
// the last credential without chosen keys; why is the reason for Unknown.
func (p *Prover) Possible(s Subject, credentials []policy.Credential, action, resource string) (o Outcome, last policy.Decision, why string) {
	if s.Set == nil {
		return Unknown, last, notRead
	}
	for i := range s.Roles {
		if r := &s.Roles[i]; r.ARN == resource && strings.EqualFold(action, "sts:AssumeRole") {
			s = *s.facing(r)
			break
		}
	}
	var rows []row
	for _, c := range credentials {
		for _, present := range []policy.Presence{policy.Absent, policy.False, policy.True} {
			if c.MFA().Present&present != 0 {
				rows = append(rows, s.row(c, present))
			}
		}
	}
	var own []policy.Source
	role := s.roleAt(action, resource)
	if role != nil {
		own = []policy.Source{role.Trust}
	}
	for i := range rows {
		r := s.request(action, resource, rows[i].with(trial{}))
		r.Policies = own
		if last = s.binding(resource).Decide(r); last.Verdict == policy.Allowed {
			return Open, last, ""
		}
	}
	rows = s.choices(p.aged(&s, rows, own))
	var found bool
	if role != nil {
		w, doubt := p.becomes(&standpoint{subject: &s, rows: rows, limited: s.sessionName.limited}, role)
		found, why = w != nil, doubt
	} else {
		_, t, doubt := p.permitted(&s, rows, probe{action, resource}, nil, nil)
		found, why = t != nil, doubt
	}
	switch {
	case found:
		return Open, last, ""
	case why != "":
		return Unknown, last, why
	}
	return Enforced, last, ""
}

// aged adds the states of sessions with MFA in which the code is as old as the conditions
// on its age distinguish, up to the longest session.
// Source: STS API Reference, GetSessionToken, DurationSeconds.
func (p *Prover) aged(s *Subject, rows []row, own []policy.Source) []row {
	clauses := slices.Concat(p.clauses(s.Set, policy.Allow), p.clauses(s.Set, policy.Deny))
	for i := range own {
		clauses = append(clauses, p.apart(&own[i], policy.Trust)...)
	}
	ages := agesOf(clauses)
	for _, r := range rows[:len(rows):len(rows)] {
		if _, aged := r.context.Get(mfaAge); !aged || r.credential == policy.CodeInCall {
			continue
		}
		for _, age := range ages {
			r.context = r.context.Clone()
			r.context.Set(mfaAge, strconv.Itoa(age))
			rows = append(rows, r)
		}
	}
	return rows
}

const (
	mfaAge    = "aws:multifactorauthage"
	oldestMFA = 129600 // seconds
)

// agesOf are the whole seconds on both sides of the numbers that clauses compare the age of
// MFA with.
func agesOf(clauses []*clause) []int {
	var ages []int
	for _, c := range clauses {
		for _, t := range c.tests {
			for _, v := range t.Values {
				n, err := strconv.ParseFloat(v, 64)
				if t.key != mfaAge || err != nil || !(n >= 0 && n <= oldestMFA) {
					continue
				}
				for _, age := range []int{int(n) - 1, int(n), int(n) + 1} {
					if age >= 0 && age <= oldestMFA && !slices.Contains(ages, age) {
						ages = append(ages, age)
					}
				}
			}
		}
	}
	return ages
}
