package org

import (
	"errors"
	"fmt"
	"sync"

	"forcemfa/policy"
)

// A Cache parses each policy document once. A million users share few
// documents, so one Cache serves a run; it is safe for concurrent use, and the
// zero value is ready.
type Cache struct {
	mu     sync.Mutex
	parsed map[text]result
}

type text struct {
	kind     policy.Kind
	document string
}

type result struct {
	document *policy.Document
	err      error
}

// cached bounds a Cache. Documents that everybody shares are back after one
// parse each when it overflows.
const cached = 1 << 14

func (c *Cache) parse(kind policy.Kind, document string) (*policy.Document, error) {
	c.mu.Lock()
	r, ok := c.parsed[text{kind, document}]
	c.mu.Unlock()
	if ok {
		return r.document, r.err
	}
	r.document, r.err = policy.Parse(kind, document)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parsed == nil || len(c.parsed) >= cached {
		c.parsed = make(map[text]result)
	}
	c.parsed[text{kind, document}] = r
	return r.document, r.err
}

// PolicySet is [Cache.PolicySet] for one user alone: every document is parsed
// anew.
func (a *Account) PolicySet(h *Header, u *User) *policy.Set {
	return new(Cache).PolicySet(h, a, u)
}

// RolePolicySet is [Cache.RolePolicySet] for one role alone.
func (a *Account) RolePolicySet(h *Header, r *Role) *policy.Set {
	return new(Cache).RolePolicySet(h, a, r)
}

// PolicySet is every document that decides the requests of the user: its own
// inline and managed policies, those of its groups, its boundary, and level by
// level the SCPs and the RCPs of its account: for a resource of another account,
// put the RCPs of that one in their place. A document that was not read or is
// malformed is a Source with Err. No SCP or RCP applies in the management account,
// nor when the organization could not be read: the header's Gaps say which.
func (c *Cache) PolicySet(h *Header, a *Account, u *User) *policy.Set {
	set := &policy.Set{SCPs: c.scps(h, a), RCPs: c.RCPs(h, a), Boundary: c.boundary(a, u.Boundary)}
	set.Identity = c.identity(set.Identity, a, "user "+u.Name, "", u.Inline, u.Attached)
	for _, name := range u.Groups {
		g := a.Group(name)
		if g == nil {
			set.Identity = append(set.Identity, policy.Source{
				Name: "policies of group " + name,
				Err:  fmt.Errorf("group %s of user %s was not read", name, u.Name),
			})
			continue
		}
		set.Identity = c.identity(set.Identity, a, "group "+name, " of group "+name, g.Inline, g.Attached)
	}
	return set
}

// RolePolicySet is every document that decides the requests of a session of
// the role that was made without session policies. SCPs and RCPs do not touch
// service-linked roles.
// Source: Organizations User Guide, "Service control policies", "Resource control
// policies".
func (c *Cache) RolePolicySet(h *Header, a *Account, r *Role) *policy.Set {
	set := &policy.Set{Boundary: c.boundary(a, r.Boundary)}
	if !a.RolePrincipal(r, "").ServiceLinked {
		set.SCPs, set.RCPs = c.scps(h, a), c.RCPs(h, a)
	}
	set.Identity = c.identity(nil, a, "role "+r.Name, "", r.Inline, r.Attached)
	return set
}

// Trust is the trust policy of the role.
func (c *Cache) Trust(r *Role) policy.Source {
	return c.source("trust policy of role "+r.Name, policy.Trust, r.Trust)
}

func (c *Cache) identity(to []policy.Source, a *Account, owner, of string, inline []InlinePolicy, attached []string) []policy.Source {
	for _, p := range inline {
		to = append(to, c.source("inline policy "+p.Name+" of "+owner, policy.Identity, p.Document))
	}
	for _, arn := range attached {
		to = append(to, c.managed("policy "+arn+of, policy.Identity, a, arn))
	}
	return to
}

func (c *Cache) boundary(a *Account, arn string) *policy.Source {
	if arn == "" {
		return nil
	}
	s := c.managed("permissions boundary "+arn, policy.Boundary, a, arn)
	return &s
}

func (c *Cache) managed(name string, kind policy.Kind, a *Account, arn string) policy.Source {
	if p := a.Policy(arn); p != nil {
		if document, ok := p.DefaultDocument(); ok {
			return c.source(name, kind, document)
		}
	}
	return policy.Source{Name: name, Err: fmt.Errorf("the document of policy %s was not read", arn)}
}

func (c *Cache) source(name string, kind policy.Kind, document string) policy.Source {
	d, err := c.parse(kind, document)
	return policy.Source{Name: name, Document: d, Err: err}
}

func (c *Cache) scps(h *Header, a *Account) [][]policy.Source {
	if h.Organization == nil || !h.Organization.SCPsEnabled || a.Management {
		return nil
	}
	return c.levels(h, a, policy.SCP, h.SCPs, func(u *Unit) []string { return u.SCPs }, a.SCPs)
}

// RCPs are the resource control policies of the resources of an account, level by
// level; nil if none apply. They decide the requests of callers from everywhere.
// Source: Organizations User Guide, "Resource control policies (RCPs)".
func (c *Cache) RCPs(h *Header, a *Account) [][]policy.Source {
	if h.Organization == nil || !h.Organization.RCPsEnabled || a.Management {
		return nil
	}
	return c.levels(h, a, policy.RCP, h.RCPs, func(u *Unit) []string { return u.RCPs }, a.RCPs)
}

// levels are the control policies of the units above an account and of the account.
func (c *Cache) levels(h *Header, a *Account, kind policy.Kind, all []SCP, of func(*Unit) []string, own []string) [][]policy.Source {
	word := controlWords[kind]
	units, ok := h.lineage(a.Unit)
	if !ok {
		return [][]policy.Source{{{
			Name: word + "s of account " + a.ID,
			Err:  errors.New("where account " + a.ID + " stands in the organization was not read"),
		}}}
	}
	var levels [][]policy.Source
	for _, u := range units {
		levels = append(levels, c.level(kind, all, u.Name, of(u)))
	}
	return append(levels, c.level(kind, all, "account "+a.ID, own))
}

// level is never nil: a level without policies allows nothing.
func (c *Cache) level(kind policy.Kind, all []SCP, at string, ids []string) []policy.Source {
	word := controlWords[kind]
	sources := make([]policy.Source, 0, len(ids))
	for _, id := range ids {
		p := controlPolicy(all, id)
		if p == nil || p.Document == "" {
			sources = append(sources, policy.Source{
				Name: word + " " + id + " at " + at,
				Err:  fmt.Errorf("the document of %s %s was not read", word, id),
			})
			continue
		}
		sources = append(sources, c.source(word+" "+p.Name+" at "+at, kind, p.Document))
	}
	return sources
}

var controlWords = map[policy.Kind]string{policy.SCP: "SCP", policy.RCP: "RCP"}
