package policy

import (
	"slices"
	"strings"

	"forcemfa/policy/arn"
)

// A grade says how exactly a Principal element names the caller. It decides
// which policies an Allow of a resource policy bypasses.
type grade uint8

const (
	byAccount grade = iota // the account: delegates to its identity policies
	byUser                 // the user itself
	bySession              // the role session or federated user itself
	byRole                 // the role of a session
	byIssuer               // the user behind a federated user
	byName                 // a service, SAML or OIDC principal
	byEveryone
	grades int = iota
)

// principals is a compiled Principal or NotPrincipal element.
// Source: IAM User Guide, "AWS JSON policy elements: Principal" and
// "NotPrincipal".
type principals struct {
	everyone  bool
	entities  []principalName
	services  []string
	federated []string
	canonical bool
}

type principalName struct {
	text    string // as written, an account as its root ARN
	account string // set when the name is a whole account
	role    string // set when the name is a role: its ARN
}

func compilePrincipals(p *Principals) *principals {
	if p == nil {
		return nil
	}
	out := &principals{everyone: p.Everyone, services: p.Service, federated: p.Federated, canonical: len(p.CanonicalUser) > 0}
	for _, name := range p.AWS {
		out.entities = append(out.entities, parsePrincipal(name))
	}
	return out
}

func parsePrincipal(text string) principalName {
	if arn.IsAccountID(text) {
		return principalName{text: text, account: text}
	}
	a, ok := arn.Split(text)
	switch {
	case ok && a.Service == "iam" && a.Resource == "root":
		return principalName{text: text, account: a.Account}
	case ok && a.Service == "iam" && strings.HasPrefix(a.Resource, "role/"):
		return principalName{text: text, role: text}
	}
	return principalName{text: text}
}

// A match holds the truth of every grade.
type match [grades]truth

func (m *match) raise(g grade, t truth) { m[g] = max(m[g], t) }

// any returns the truth of the best grade.
func (m *match) any() truth { return slices.Max(m[:]) }

// match finds every grade at which the element names the caller. An ARN with
// wildcards matches no caller.
func (p *principals) match(e *evaluation) (m match) {
	if p.everyone {
		m[byEveryone] = yes
	}
	caller := &e.request.Principal
	for i := range p.entities {
		p.entities[i].match(e, caller, &m)
	}
	switch caller.Kind {
	case AWSService:
		e.named(p.services, &m)
	case Federated:
		e.named(p.federated, &m)
	}
	if p.canonical && caller.identified() && m.any() != yes {
		m.raise(byAccount, e.doubts(canonicalUser))
	}
	return m
}

func (e *evaluation) named(names []string, m *match) {
	for _, name := range names {
		switch name {
		case e.request.Principal.ARN:
			m[byName] = yes
		case "*":
			m.raise(byName, e.doubts(wildPrincipal))
		}
	}
}

func (n *principalName) match(e *evaluation, caller *Principal, m *match) {
	switch {
	case !caller.identified():
	case n.account != "":
		if n.account == caller.Account {
			m[byAccount] = yes
		}
	case n.role != "":
		if caller.Kind == RoleSession {
			m.raise(byRole, n.matchRole(e, caller))
		}
	case n.text == caller.ARN:
		m[ownGrade(caller.Kind)] = yes
	case caller.Kind == FederatedUser && n.text == caller.Issuer:
		m[byIssuer] = yes
	}
}

// identified reports whether the principal belongs to an account, so that
// identity policies and account names apply to it.
func (p *Principal) identified() bool {
	switch p.Kind {
	case AWSService, Federated, Anonymous:
		return false
	}
	return true
}

// ownGrade returns the grade of a principal that is named by its own ARN.
func ownGrade(kind PrincipalKind) grade {
	switch kind {
	case IAMUser:
		return byUser
	case RootUser:
		return byAccount
	}
	return bySession
}

// matchRole compares with the role of a session; without Issuer, with the
// account and name in the session's ARN, which has no path.
func (n *principalName) matchRole(e *evaluation, caller *Principal) truth {
	if caller.Issuer != "" {
		return e.sameRole(n.role, caller.Issuer)
	}
	role, ok := arn.Split(n.role)
	session, ok2 := arn.Split(caller.ARN)
	if !ok || !ok2 || role.Account != session.Account || role.Partition != session.Partition {
		return no
	}
	name, found := strings.CutPrefix(session.Resource, "assumed-role/")
	if i := strings.LastIndexByte(name, '/'); found && i >= 0 {
		return e.sameRole(role.Name(), name[:i])
	}
	return no
}

func (e *evaluation) sameRole(a, b string) truth {
	switch {
	case a == b:
		return yes
	case strings.EqualFold(a, b):
		return e.doubts(roleCase)
	}
	return no
}

// matchNot reports whether the caller is not excepted by a NotPrincipal element,
// so that the statement applies. AWS documents only the form that lists the
// caller, its role if it has one, and its account; and that a caller with a
// permissions boundary is always denied.
// Source: IAM User Guide, "AWS JSON policy elements: NotPrincipal" and
// "Permissions boundaries for IAM entities".
func (p *principals) matchNot(e *evaluation, effect Effect) truth {
	if effect == Deny && e.bounded {
		return yes
	}
	m := p.match(e)
	listed := m.any()
	if listed == no {
		return yes
	}
	var whole truth
	switch e.request.Principal.Kind {
	case IAMUser:
		whole = min(m[byUser], m[byAccount])
	case RoleSession:
		whole = min(m[bySession], m[byRole], m[byAccount])
	case FederatedUser:
		whole = min(m[bySession], m[byIssuer], m[byAccount])
	default:
		whole = listed
	}
	if max(whole, m[byEveryone]) == yes {
		return no
	}
	return e.doubts(bareNotPrincipal)
}
