package prove

import (
	"slices"
	"strconv"
	"strings"

	"forcemfa/policy"
)

// A row is one way of making a request without MFA: a row of the table of
// [policy.Credential.MFA], in one of its states.
type row struct {
	credential policy.Credential
	present    policy.Presence
	principal  policy.Principal
	context    *policy.Context // the fixed keys
	openTags   bool            // tags of the principal are unknown
	// sessionTags and sourceIdentity are set when whoever assumes the role may choose them.
	sessionTags, sourceIdentity bool
	sessionName                 sessionName // of a session with any name
}

// rows returns the ways in which the subject can make requests without MFA,
// today's credentials first.
func (s *Subject) rows() []row {
	kinds := append(s.Credentials[:len(s.Credentials):len(s.Credentials)],
		policy.LongTermKey, policy.ConsolePassword, policy.SessionToken)
	if !s.ForwardedCallsPass {
		kinds = append(kinds, policy.ForwardedFromKey)
	}
	var out []row
	for i, c := range kinds {
		if slices.Contains(kinds[:i], c) {
			continue
		}
		for _, present := range []policy.Presence{policy.Absent, policy.False} {
			if c.MFA().Present&present != 0 {
				out = append(out, s.row(c, present))
			}
		}
	}
	return out
}

func (s *Subject) row(c policy.Credential, present policy.Presence) row {
	r := row{credential: c, present: present, principal: s.Principal, context: s.Context.Clone(), openTags: s.tagsUnknown, sourceIdentity: s.sourceIdentity}
	r.context.SetMFA(c, present, issued, now)
	if c.MFA().IssueTime {
		r.context.Delete("aws:TokenIssueTime") // free
	}
	r.context.Set("aws:ViaAWSService", strconv.FormatBool(c == policy.ForwardedFromKey))
	if _, known := r.context.Get("aws:PrincipalIsAWSService"); !known {
		r.context.Set("aws:PrincipalIsAWSService", "false")
	}
	return r
}

// federated returns the row of a session of GetFederationToken: its principal is
// different, and its creator chooses its tags.
func (s *Subject) federated() row {
	r := s.row(policy.FederationToken, policy.False)
	name := "forcemfa-unnamed"
	partition, _, _ := strings.Cut(strings.TrimPrefix(s.Principal.ARN, "arn:"), ":")
	r.principal = policy.Principal{Kind: policy.FederatedUser, Account: s.Principal.Account, Issuer: s.Principal.ARN,
		ARN: "arn:" + partition + ":sts::" + s.Principal.Account + ":federated-user/" + name}
	r.context.Set("aws:PrincipalArn", r.principal.ARN)
	r.context.Set("aws:PrincipalType", "FederatedUser")
	r.context.Set("aws:userid", s.Principal.Account+":"+name)
	r.context.Delete("aws:username")
	for _, key := range r.context.Keys() {
		if strings.HasPrefix(key, "aws:principaltag/") {
			r.context.Delete(key)
		}
	}
	r.openTags = true
	return r
}

// A residual is the rest of a clause in a row after everything fixed has been
// decided.
type residual struct {
	*clause
	number int     // in its query
	open   []*test // the conditions that depend on the sender
	// vague says why the residual cannot be relied on; empty when it can.
	vague string
}

// sure reports whether the clause applies to everything that it covers.
func (r *residual) sure() bool { return len(r.open) == 0 && r.vague == "" }

// residuals partially evaluates clauses and drops those that cannot apply.
func (r *row) residuals(clauses []*clause) []*residual {
	var out []*residual
	for _, c := range clauses {
		if left := r.residual(c); left != nil {
			left.number = len(out)
			out = append(out, left)
		}
	}
	return out
}

func (r *row) residual(c *clause) *residual {
	left := &residual{clause: c}
	if c.broken {
		left.vague = "could not be analyzed"
	}
	for _, t := range c.tests {
		switch r.decide(t) {
		case no:
			return nil
		case maybe:
			left.vague = "depends on behavior that AWS does not document"
		case open:
			left.open = append(left.open, t)
		}
	}
	for i := range c.patterns {
		p := &c.patterns[i]
		switch {
		case c.whole: // nothing depends on the others
		case len(p.parts) < 6 && c.statement.NotResources != nil:
			left.vague = "has a resource of fewer than six parts in NotResource"
		case slices.ContainsFunc(p.variables, r.free):
			left.vague = "depends on a variable that the sender chooses"
		}
	}
	return left
}

// loosen puts a wildcard in the place of a variable that the sender chooses.
func (r *row) loosen(pattern string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(pattern, "${")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		inner, after, _ := cutVariable(rest)
		if keys := variablesOf("${" + inner + "}"); len(keys) == 1 && r.free(keys[0]) {
			out.WriteString("*")
		} else {
			out.WriteString("${" + inner + "}")
		}
		pattern = after
	}
}

// open returns the truth of a condition that depends on the sender.
const open truth = 3

func (r *row) decide(t *test) truth {
	switch {
	case slices.ContainsFunc(t.variables, r.free):
		return open
	case r.free(t.key) && t.operator == "null" && r.always(t.key):
		with := r.context.Clone()
		with.Set(t.key, unnamed)
		return t.holds(r.principal, with)
	case r.free(t.key):
		return open
	}
	return t.holds(r.principal, r.context)
}

// clauses returns those of one effect in all documents of a set.
func (p *Prover) clauses(set *policy.Set, effect policy.Effect) []*clause {
	var out []*clause
	for i, s := range set.Sources() {
		for _, c := range p.apart(s, set.Layer(i)) {
			if c.statement.Effect == effect {
				out = append(out, c)
			}
		}
	}
	return out
}

// apart splits the statements of a document, once.
func (p *Prover) apart(s *policy.Source, layer policy.Kind) []*clause {
	if s.Document == nil || s.Err != nil {
		return nil
	}
	key := apartKey{s.Document, layer}
	p.mu.Lock()
	known, ok := p.taken[key]
	p.mu.Unlock()
	if ok {
		return known
	}
	known = clauses(s, layer)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken == nil || len(p.taken) >= remembered {
		p.taken = map[apartKey][]*clause{}
	}
	p.taken[key] = known
	return known
}

// An apartKey is a document in a layer.
type apartKey struct {
	document *policy.Document
	layer    policy.Kind
}
