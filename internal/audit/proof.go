package audit

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"

	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/arn"
	"forcemfa/policy/catalog"
	"forcemfa/policy/prove"
	"forcemfa/policy/prove/certificate"
)

// A Universe is the set of actions that a proof covers.
type Universe string

// The universes. A proof of every action also holds for actions that AWS adds
// later; a proof of the catalog holds for the known actions.
const (
	EveryAction Universe = "every action"
	Catalogue   Universe = "catalogue"
)

func universe(a *prove.Answer) Universe {
	switch {
	case a.Outcome != prove.Enforced:
		return ""
	case a.Strict == prove.Enforced:
		return EveryAction
	}
	return Catalogue
}

// checks caches the results of the checker by proof. Users with the same policies
// share a proof.
type checks struct {
	checker certificate.Checker
	mu      sync.Mutex
	said    map[*policy.Proof]func() error
}

// remembered bounds the memory of an Auditor.
const remembered = 1 << 14

// check checks a proof once, for its first subject.
func (a *Auditor) check(p *policy.Proof, s *prove.Subject) error {
	a.checked.mu.Lock()
	said := a.checked.said[p]
	if said == nil {
		said = sync.OnceValue(func() error { return a.checked.checkAlone(p, s) })
		if a.checked.said == nil || len(a.checked.said) >= remembered {
			a.checked.said = map[*policy.Proof]func() error{}
		}
		a.checked.said[p] = said
	}
	a.checked.mu.Unlock()
	return said()
}

// checkAlone checks the proof for one subject. A proof of every action needs no list.
func (c *checks) checkAlone(p *policy.Proof, s *prove.Subject) error {
	claim := claimOf(s)
	if !p.Strict {
		claim.Actions = catalogued()
	}
	return c.checker.Check(p, claim)
}

// claimOf is the claim that a proof of a subject has to prove, without the actions.
func claimOf(s *prove.Subject) certificate.Claim {
	return certificate.Claim{
		Principal: s.Principal, Set: s.Set, Context: s.Context, HasDevice: s.HasDevice, ForwardedCallsPass: s.ForwardedCallsPass,
		Enrollment: s.Enrollment, EnrollmentByKey: s.EnrollmentByKey, Observed: s.Observed,
	}
}

// A reliance remembers on which Deny statements proofs rest. Users with the same
// policies share a proof, and a proof can have thousands of cells.
type reliance struct {
	mu     sync.Mutex
	denies map[*policy.Proof][]policy.ProofDeny
}

// on returns the statements that a proof rests on, in the order of the sources.
func (r *reliance) on(p *policy.Proof) []policy.ProofDeny {
	r.mu.Lock()
	defer r.mu.Unlock()
	if denies, ok := r.denies[p]; ok {
		return denies
	}
	used := map[policy.ProofDeny]bool{}
	for _, c := range p.Cases {
		for _, cell := range c.Cells {
			for _, by := range cell.By {
				used[by] = true
			}
		}
	}
	denies := slices.SortedFunc(maps.Keys(used), func(x, y policy.ProofDeny) int {
		return cmp.Or(cmp.Compare(x.Source, y.Source), cmp.Compare(x.Statement, y.Statement))
	})
	if r.denies == nil || len(r.denies) >= remembered {
		r.denies = map[*policy.Proof][]policy.ProofDeny{}
	}
	r.denies[p] = denies
	return denies
}

// deniedBy names the Deny statements that a proof rests on.
func (a *Auditor) deniedBy(p *policy.Proof, set *policy.Set) []string {
	sources := set.Sources()
	var names []string
	for _, by := range a.relied.on(p) {
		names = append(names, sources[by.Source].StatementName(by.Statement))
	}
	return names
}

// catalogued are the actions of the catalog for the checker.
var catalogued = sync.OnceValue(func() []certificate.Action {
	var out []certificate.Action
	for _, service := range catalog.Load().Services {
		for _, a := range service.Actions {
			action := certificate.Action{Name: a.String(), Any: true}
			for _, r := range a.Resources {
				action.Any = action.Any && !r.Required
				action.Resources = append(action.Resources, strings.Split(r.Type.ARN, ", ")...)
			}
			out = append(out, action)
		}
	}
	return out
})

// A Reach is what one user can reach without MFA or disable.
type Reach struct {
	Roles    []prove.Reached // the roles that it can assume without MFA
	Switches []prove.Switch  // the requests that disable its enforcement, with or without MFA
	Unknown  []string        // reasons why parts of the answer are missing
}

// Reach finds the roles of its account that a user can assume without MFA, and the
// requests by which it could disable its own enforcement.
func (a *Auditor) Reach(account *org.Account, u *org.User) Reach {
	s := a.subject(account, u, a.surroundings(account))
	var out Reach
	out.Roles, out.Unknown = a.prover.Reach(s)
	out.Switches = a.prover.SwitchOff(s, a.enforcement(account, u, &s))
	return out
}

// enforcement is what enforces MFA for a user: the policy of forcemfa, and the other
// documents that its proof rests on.
func (a *Auditor) enforcement(account *org.Account, u *org.User, s *prove.Subject) prove.Enforcement {
	e := prove.Enforcement{User: u.ARN, Boundary: u.Boundary != ""}
	ours := a.baseline.PolicyOf(account)
	if account.Policy(ours) != nil {
		e.Policies = []string{ours}
	}
	for _, name := range u.Groups {
		if g := account.Group(name); g != nil &&
			(g.ARN == baseline.GroupARN(account.Partition, account.ID) || slices.Contains(g.Attached, ours)) {
			e.Groups = append(e.Groups, g.ARN)
		}
	}
	for _, attached := range u.Attached {
		e.Direct = e.Direct || attached == ours
	}
	for _, inline := range u.Inline {
		e.Inline = e.Inline || inline.Name == baseline.InlinePolicyName
	}
	a.carriers(&e, account, u, s)
	a.exempting(&e, account, u)
	if a.baseline.Window.Tag != "" {
		e.Tags = append(e.Tags, a.baseline.Window.Tag)
	}
	return e
}

// carriers adds the customer managed and inline policies other than those of forcemfa
// that hold the Denies of a user's proof, the document of its boundary included.
func (a *Auditor) carriers(e *prove.Enforcement, account *org.Account, u *org.User, s *prove.Subject) {
	answer := a.prover.User(*s)
	if answer.Outcome != prove.Enforced {
		return
	}
	sources, seen := s.Set.Sources(), map[string]bool{}
	for _, by := range a.relied.on(answer.Proof) {
		name := sources[by.Source].Name
		if seen[name] || s.Set.Layer(by.Source) == policy.SCP {
			continue
		}
		seen[name] = true
		words := strings.Fields(name)
		if strings.HasPrefix(name, "inline policy ") {
			if g := account.Group(words[len(words)-1]); words[len(words)-2] == "group" && g != nil {
				e.Carriers = append(e.Carriers, prove.Carrier{Groups: []string{g.ARN}})
			} else {
				e.Inline = true
			}
			continue
		}
		at := slices.IndexFunc(words, func(w string) bool { return account.Policy(w) != nil && !org.ByAWS(w) })
		if at >= 0 && !slices.Contains(e.Policies, words[at]) {
			e.Carriers = append(e.Carriers, carrier(account, u, words[at]))
		}
	}
}

// carrier says how a managed policy reaches a user.
func carrier(account *org.Account, u *org.User, at string) prove.Carrier {
	c := prove.Carrier{Policy: at, Direct: slices.Contains(u.Attached, at)}
	for _, name := range u.Groups {
		if g := account.Group(name); g != nil && slices.Contains(g.Attached, at) {
			c.Groups = append(c.Groups, g.ARN)
		}
	}
	return c
}

// exempting adds the tags, paths and names that exempt a user, and the roles that may
// give them to it.
func (a *Auditor) exempting(e *prove.Enforcement, account *org.Account, u *org.User) {
	at := baseline.PlaceOf(a.header, account)
	for i := range a.baseline.Exemptions {
		x := &a.baseline.Exemptions[i]
		if key, _, tagged := strings.Cut(x.Match.Tag, "="); tagged {
			e.Tags = append(e.Tags, key)
		}
		path, name, ok := x.Match.ExampleUser(u.Name)
		if ok && !x.Expired(a.now) && x.Match.InPlace(at) && (name == u.Name || account.User(name) == nil) {
			e.Names = append(e.Names, arn.IAM(account.Partition, account.ID, "user", path, name))
		}
	}
	for i := range account.Users {
		if other := &account.Users[i]; other.Name != u.Name && a.baseline.Exempt(at, other, a.now) != nil {
			e.Exempt = append(e.Exempt, other.ARN)
		}
	}
	if baseline.Under(a.header, account, a.baseline.Guard.Targets) {
		e.Excepted = a.baseline.GuardedRoles(account.Partition, account.ID)
	}
}
