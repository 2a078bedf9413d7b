package org

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
)

// A fact is one thing that decides. A digest hashes facts, a difference
// compares them, so the two cannot disagree.
type fact struct {
	subject string // user/bob, group/Devs, role/Admin, policy/ARN, device/SERIAL, account, root; scp/name, rcp/name and unit/ID in a header
	aspect  aspect
	key     string // tells facts of the same aspect apart: a tag's key, a group's name
	value   string
}

func (f fact) compare(g fact) int {
	return cmp.Or(cmp.Compare(f.subject, g.subject), cmp.Compare(f.aspect, g.aspect), cmp.Compare(f.key, g.key))
}

// An aspect is a kind of fact. phrases has a sentence for each.
type aspect string

const (
	exists      aspect = "" // sorts first; value: the path
	state       aspect = "state"
	read        aspect = "read"
	management  aspect = "management"
	unit        aspect = "unit"
	scp         aspect = "scp"
	rcp         aspect = "rcp"
	document    aspect = "document"
	trust       aspect = "trust"
	tag         aspect = "tag"
	group       aspect = "group"
	inline      aspect = "inline"
	attached    aspect = "attached"
	boundary    aspect = "boundary"
	password    aspect = "password"
	mfa         aspect = "mfa"
	hardwareMFA aspect = "hardware mfa"
	device      aspect = "device"
	keys        aspect = "keys"
	enabled     aspect = "enabled"      // SCPs, in a header
	enabledRCPs aspect = "enabled rcps" // in a header; only if they are
)

// A ledger collects facts.
type ledger []fact

func (l *ledger) add(subject string, a aspect, key, value string) {
	*l = append(*l, fact{subject, a, key, value})
}

// set adds a fact with one value, unless that is empty.
func (l *ledger) set(subject string, a aspect, value string) {
	if value != "" {
		l.add(subject, a, "", value)
	}
}

func (l *ledger) sorted() []fact {
	slices.SortFunc(*l, func(f, g fact) int { return cmp.Or(f.compare(g), cmp.Compare(f.value, g.value)) })
	return *l
}

func (h *Header) facts() []fact {
	var l ledger
	l.set("organization", exists, h.Partition)
	if o := h.Organization; o != nil {
		l.set("organization", unit, o.ID)
		l.set("organization", management, o.ManagementAccount)
		l.set("organization", enabled, strconv.FormatBool(o.SCPsEnabled))
		if o.RCPsEnabled { // digests of earlier versions stay the same without any
			l.set("organization", enabledRCPs, "true")
		}
	}
	for _, u := range h.Units {
		subject := "unit/" + u.ID
		l.add(subject, exists, "", "/")
		l.set(subject, unit, u.Parent)
		for _, id := range u.SCPs {
			l.add(subject, scp, nameOf(h.SCPs, id), "")
		}
		for _, id := range u.RCPs {
			l.add(subject, rcp, nameOf(h.RCPs, id), "")
		}
	}
	for _, p := range h.SCPs {
		l.add("scp/"+p.Name, document, "", hash(Canonical(p.Document)))
	}
	for _, p := range h.RCPs {
		l.add("rcp/"+p.Name, document, "", hash(Canonical(p.Document)))
	}
	return l.sorted()
}

// nameOf identifies a control policy whose ID AWS chose: an organization has each
// name once, and one that is made again has it again. One that was not read has its
// ID alone.
// Source: Organizations API Reference, CreatePolicy, DuplicatePolicyException.
func nameOf(list []SCP, id string) string {
	if p := controlPolicy(list, id); p != nil {
		return p.Name
	}
	return id
}

func (a *Account) facts(h *Header) []fact {
	var l ledger
	l.set("account", exists, a.ID)
	l.set("account", state, a.State)
	l.set("account", read, strconv.FormatBool(a.Read))
	l.set("account", management, strconv.FormatBool(a.Management))
	l.set("account", unit, a.Unit)
	for _, id := range a.SCPs {
		l.add("account", scp, nameOf(h.SCPs, id), "")
	}
	for _, id := range a.RCPs {
		l.add("account", rcp, nameOf(h.RCPs, id), "")
	}
	l.set("root", mfa, tri(a.Root.MFA))
	l.set("root", hardwareMFA, tri(a.Root.HardwareMFA))
	l.set("root", keys, tri(a.Root.AccessKeys))
	l.set("root", password, tri(a.Root.Password))
	for i := range a.Users {
		l.user(&a.Users[i])
	}
	for _, g := range a.Groups {
		l.add("group/"+g.Name, exists, "", g.Path)
		l.policies("group/"+g.Name, nil, g.Inline, g.Attached, "")
	}
	for _, r := range a.Roles {
		l.add("role/"+r.Name, exists, "", r.Path)
		l.add("role/"+r.Name, trust, "", hash(Canonical(r.Trust)))
		l.policies("role/"+r.Name, r.Tags, r.Inline, r.Attached, r.Boundary)
	}
	for i := range a.Policies {
		l.policy(&a.Policies[i])
	}
	for _, d := range a.Unassigned {
		l.add("device/"+d.Serial, exists, "", string(d.Kind))
	}
	return l.sorted()
}

func (l *ledger) user(u *User) {
	subject := "user/" + u.Name
	l.add(subject, exists, "", u.Path)
	l.policies(subject, u.Tags, u.Inline, u.Attached, u.Boundary)
	for _, name := range u.Groups {
		l.add(subject, group, name, "")
	}
	l.set(subject, password, tri(u.Password))
	l.set(subject, mfa, tri(u.MFA))
	for _, d := range u.Devices {
		l.add(subject, device, d.Serial, string(d.Kind))
	}
	l.set(subject, keys, keysOf(u))
}

// policies are the facts that users, groups and roles share.
func (l *ledger) policies(subject string, tags []Tag, inlines []InlinePolicy, arns []string, boundaryARN string) {
	for _, t := range tags {
		l.add(subject, tag, t.Key, t.Value)
	}
	for _, p := range inlines {
		l.add(subject, inline, p.Name, hash(Canonical(p.Document)))
	}
	for _, arn := range arns {
		l.add(subject, attached, arn, "")
	}
	l.set(subject, boundary, boundaryARN)
}

func (l *ledger) policy(p *Policy) {
	subject := "policy/" + p.ARN
	l.add(subject, exists, "", p.Path)
	value := "unknown"
	if text, ok := p.DefaultDocument(); ok {
		value = hash(Canonical(text))
	}
	l.add(subject, document, "", value)
}

func tri(t Tri) string {
	if t == Unknown {
		return "unknown"
	}
	return string(t)
}

func keysOf(u *User) string {
	if !u.CredentialsKnown() {
		return "unknown"
	}
	active := u.ActiveKeys()
	return fmt.Sprintf("%d active, %d inactive", active, len(u.Keys)-active)
}
