package audit

import (
	"strings"
	"sync"

	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/catalog"
	"forcemfa/policy/prove"
	"forcemfa/policy/prove/certificate"
)

// A Universe is the actions that a proof is about.
type Universe string

// The universes. A proof about every action holds when AWS invents new ones; one
// about the catalogue holds for those that AWS has.
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

// checks remembers what the checker said of a proof. Users with the same
// policies share one.
type checks struct {
	checker certificate.Checker
	mu      sync.Mutex
	said    map[*policy.Proof]func() error
}

// remembered bounds the memory of an Auditor.
const remembered = 1 << 14

// check has a proof checked for the first subject that brings it.
func (a *Auditor) check(p *policy.Proof, s *prove.Subject) error {
	a.checked.mu.Lock()
	said := a.checked.said[p]
	if said == nil {
		said = sync.OnceValue(func() error { return a.checked.checker.Check(p, claimOf(p, s)) })
		if a.checked.said == nil || len(a.checked.said) >= remembered {
			a.checked.said = map[*policy.Proof]func() error{}
		}
		a.checked.said[p] = said
	}
	a.checked.mu.Unlock()
	return said()
}

// claimOf is what a proof is said to prove.
func claimOf(p *policy.Proof, s *prove.Subject) certificate.Claim {
	claim := certificate.Claim{
		Principal: s.Principal, Set: s.Set, Context: s.Context, HasDevice: s.HasDevice, ForwardedCallsPass: s.ForwardedCallsPass,
		Enrollment: s.Enrollment, EnrollmentByKey: s.EnrollmentByKey,
	}
	if !p.Strict {
		claim.Actions = catalogued()
	}
	return claim
}

// catalogued are the actions of the catalogue for the checker.
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

// A Reach is what is known of a user for whoever asks about one alone.
type Reach struct {
	Roles    []prove.Reached // the roles that it can become without MFA
	Switches []prove.Switch  // what of its enforcement it can switch off, with MFA or without
	Unknown  []string        // what could not be decided of either
}

// Reach finds the roles that a user can become without MFA, within its account,
// and how it could switch its own enforcement off.
func (a *Auditor) Reach(account *org.Account, u *org.User) Reach {
	roles := make([]prove.Role, len(account.Roles))
	for i := range account.Roles {
		r := &account.Roles[i]
		roles[i] = prove.Role{
			ARN: r.ARN, Trust: a.documents.Trust(r),
			Set: a.documents.RolePolicySet(a.header, account, r), Context: account.RoleContext(a.header, r, "session"),
		}
	}
	s := a.subject(account, u, roles)
	var out Reach
	out.Roles, out.Unknown = a.prover.Reach(s)
	out.Switches = a.prover.SwitchOff(s, a.enforcement(account, u))
	return out
}

// enforcement is what of ours keeps a user behind MFA, as it is in force.
func (a *Auditor) enforcement(account *org.Account, u *org.User) prove.Enforcement {
	e := prove.Enforcement{User: u.ARN, Boundary: u.Boundary != ""}
	ours := baseline.PolicyARN(account.Partition, account.ID)
	if account.Policy(ours) != nil {
		e.Policies = []string{ours}
	}
	for _, name := range u.Groups {
		if g := account.Group(name); g != nil && g.ARN == baseline.GroupARN(account.Partition, account.ID) {
			e.Groups = append(e.Groups, g.ARN)
		}
	}
	for _, attached := range u.Attached {
		e.Direct = e.Direct || attached == ours
	}
	for _, inline := range u.Inline {
		e.Inline = e.Inline || inline.Name == baseline.InlinePolicyName
	}
	for _, x := range a.baseline.Exemptions {
		if key, _, tagged := strings.Cut(x.Match.Tag, "="); tagged {
			e.Tags = append(e.Tags, key)
		}
	}
	if a.baseline.Window.Tag != "" {
		e.Tags = append(e.Tags, a.baseline.Window.Tag)
	}
	return e
}
