package world

import (
	"errors"
	"maps"
	"slices"
	"sync"

	"forcemfa/policy"
	"forcemfa/policy/arn"
)

var errUnread = errors.New("its document is not known")

// UserARN returns the ARN of a user of an account.
func (w *World) UserARN(account string, u *User) string {
	return arn.IAM(w.Partition, account, "user", u.Path, u.Name)
}

// GroupARN returns the ARN of a group of an account.
func (w *World) GroupARN(account string, g *Group) string {
	return arn.IAM(w.Partition, account, "group", g.Path, g.Name)
}

// RoleARN returns the ARN of a role of an account.
func (w *World) RoleARN(account string, r *Role) string {
	return arn.IAM(w.Partition, account, "role", r.Path, r.Name)
}

// RootARN returns the ARN of the root user of an account.
func (w *World) RootARN(account string) string {
	return "arn:" + w.Partition + ":iam::" + account + ":root"
}

// ManagedPolicy returns a managed policy that is visible in an account, its own
// or AWS's, read-only; nil if there is none.
func (w *World) ManagedPolicy(account, policyARN string) *Policy {
	if p, ok := w.managed.get(policyARN); ok {
		return p
	}
	if a := w.Account(account); a != nil {
		return a.Policies[policyARN]
	}
	return nil
}

// AWSManaged returns the AWS managed policies by ARN.
func (w *World) AWSManaged() []*Policy {
	byARN := maps.Collect(w.managed.all)
	var all []*Policy
	for _, k := range slices.Sorted(maps.Keys(byARN)) {
		all = append(all, byARN[k])
	}
	return all
}

// IsAWSManaged reports whether an ARN is that of an AWS managed policy.
func IsAWSManaged(policyARN string) bool {
	a, err := arn.Parse(policyARN)
	return err == nil && a.Account == "aws"
}

// Document returns the document in force; ok is false when it is unknown.
func (p *Policy) Document() (text string, ok bool) {
	for _, v := range p.Versions {
		if v.ID == p.Default {
			return v.Document, true
		}
	}
	return "", false
}

// UserSet returns every document that decides the requests of a user with any of
// the user's own credentials.
func (w *World) UserSet(account string, u *User) policy.Set {
	a := w.Account(account)
	identity := w.sources(account, "user "+u.Name, u.Inline, u.Attached)
	for _, name := range slices.Sorted(maps.Keys(u.Groups)) {
		if g := a.Groups[name]; g != nil {
			identity = append(identity, w.sources(account, "group "+g.Name, g.Inline, g.Attached)...)
		}
	}
	return policy.Set{Identity: identity, Boundary: w.boundary(account, u.Boundary), SCPs: w.SCPs(account)}
}

// RoleSet returns every document that decides the requests of a role's sessions,
// except the session policy. SCPs do not apply to service-linked roles.
func (w *World) RoleSet(account string, r *Role) policy.Set {
	set := policy.Set{
		Identity: w.sources(account, "role "+r.Name, r.Inline, r.Attached),
		Boundary: w.boundary(account, r.Boundary),
	}
	if !r.ServiceLinked() {
		set.SCPs = w.SCPs(account)
	}
	return set
}

// sources never returns nil, so that "no policy" differs from "unknown".
func (w *World) sources(account, owner string, inline map[string]string, attached []string) []policy.Source {
	sources := make([]policy.Source, 0, len(inline)+len(attached))
	for _, name := range slices.Sorted(maps.Keys(inline)) {
		sources = append(sources, w.Parse("inline policy "+name+" of "+owner, policy.Identity, inline[name]))
	}
	for _, policyARN := range attached {
		sources = append(sources, w.managedSource(account, policyARN, policy.Identity))
	}
	return sources
}

func (w *World) boundary(account, policyARN string) *policy.Source {
	if policyARN == "" {
		return nil
	}
	s := w.managedSource(account, policyARN, policy.Boundary)
	return &s
}

func (w *World) managedSource(account, policyARN string, kind policy.Kind) policy.Source {
	name := "policy " + policyARN
	p := w.ManagedPolicy(account, policyARN)
	if p == nil {
		return policy.Source{Name: name, Err: errUnread}
	}
	text, ok := p.Document()
	if !ok {
		return policy.Source{Name: name, Err: errUnread}
	}
	return w.Parse(name, kind, text)
}

// documents caches parsed documents for all forks of a world.
type documents struct{ parsed sync.Map }

type documentKey struct {
	kind policy.Kind
	text string
}

// Parse is [policy.ParseSource], but parses each text only once.
func (w *World) Parse(name string, kind policy.Kind, text string) policy.Source {
	key := documentKey{kind, text}
	if s, ok := w.documents.parsed.Load(key); ok {
		source := s.(policy.Source)
		source.Name = name
		return source
	}
	source := policy.ParseSource(name, kind, text)
	w.documents.parsed.Store(key, source)
	return source
}

// UserID returns the aws:userid of a caller.
// Source: IAM User Guide, "Policy variables", table of principal key values.
func (c *Caller) UserID() string {
	switch c.Principal.Kind {
	case policy.IAMUser:
		return c.User.ID
	case policy.RoleSession:
		return c.Role.ID + ":" + c.Session.Name
	case policy.FederatedUser:
		return c.Account + ":" + c.Session.Name
	}
	return c.Account
}
