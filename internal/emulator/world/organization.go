package world

import (
	"slices"
	"strings"

	"forcemfa/internal/org"
	"forcemfa/policy"
)

// IsManagement reports whether the account is the management account.
func (w *World) IsManagement(account string) bool {
	return w.Organization != nil && w.Organization.ManagementAccount == account
}

// Units returns the units above an account, root first; nil without an
// organization.
func (w *World) Units(account string) []org.Unit {
	a := w.accountOf(account)
	if w.Organization == nil || a == nil {
		return nil
	}
	var units []org.Unit
	for id := a.Unit; id != ""; {
		u, ok := w.Organization.unit(id)
		if !ok || len(units) > len(w.Organization.Units) {
			break
		}
		units = append(units, u)
		id = u.Parent
	}
	slices.Reverse(units)
	return units
}

func (o *Organization) unit(id string) (org.Unit, bool) {
	i := slices.IndexFunc(o.Units, func(u org.Unit) bool { return u.ID == id })
	if i < 0 {
		return org.Unit{}, false
	}
	return o.Units[i], true
}

// OrgPath returns the value of aws:PrincipalOrgPaths and aws:ResourceOrgPaths
// for an account: o-…/r-…/ou-…/; empty without an organization.
// Source: IAM User Guide, "AWS global condition context keys",
// aws:PrincipalOrgPaths.
func (w *World) OrgPath(account string) string {
	if w.Organization == nil || w.accountOf(account) == nil {
		return ""
	}
	parts := []string{w.Organization.ID}
	for _, u := range w.Units(account) {
		parts = append(parts, u.ID)
	}
	return strings.Join(parts, "/") + "/"
}

// SCPs returns the service control policies that decide the requests of an
// account's principals, one list for each level: root first, account last. It
// returns nil where none apply: for the management account, for an account in no
// unit of the organization, and while the policy type is not enabled.
// Source: Organizations User Guide, "SCP evaluation".
func (w *World) SCPs(account string) [][]policy.Source {
	o := w.Organization
	if o == nil || !o.SCPsEnabled {
		return nil
	}
	return w.levels(account, policy.SCP, o.SCPs, func(u *org.Unit) []string { return u.SCPs }, func(a *Account) []string { return a.SCPs })
}

// RCPs returns the resource control policies that decide requests for resources of an
// account, as SCPs does.
// Source: Organizations User Guide, "Resource control policies (RCPs)".
func (w *World) RCPs(account string) [][]policy.Source {
	o := w.Organization
	if o == nil || !o.RCPsEnabled {
		return nil
	}
	return w.levels(account, policy.RCP, o.RCPs, func(u *org.Unit) []string { return u.RCPs }, func(a *Account) []string { return a.RCPs })
}

func (w *World) levels(account string, kind policy.Kind, known map[string]org.SCP, ofUnit func(*org.Unit) []string, ofAccount func(*Account) []string) [][]policy.Source {
	a := w.Account(account)
	if a == nil || a.Unit == "" || w.IsManagement(account) {
		return nil
	}
	var levels [][]policy.Source
	for _, u := range w.Units(account) {
		levels = append(levels, w.controlPolicies(kind, known, ofUnit(&u)))
	}
	return append(levels, w.controlPolicies(kind, known, ofAccount(a)))
}

// Owned returns a set with the resource control policies of the account that owns the
// resource.
func (w *World) Owned(set *policy.Set, owner string) *policy.Set {
	rcps := w.RCPs(owner)
	if rcps == nil {
		return set
	}
	out := *set
	out.RCPs = rcps
	return &out
}

func (w *World) controlPolicies(kind policy.Kind, known map[string]org.SCP, ids []string) []policy.Source {
	word := map[policy.Kind]string{policy.SCP: "SCP", policy.RCP: "RCP"}[kind]
	sources := []policy.Source{}
	for _, id := range ids {
		p, ok := known[id]
		if !ok {
			sources = append(sources, policy.Source{Name: word + " " + id, Err: errUnread})
			continue
		}
		sources = append(sources, w.Parse(word+" "+p.Name, kind, p.Document))
	}
	return sources
}
