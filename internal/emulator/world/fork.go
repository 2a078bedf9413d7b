package world

import (
	"maps"
	"slices"
	"strings"
)

// New returns a world without accounts. The same seed gives the same IDs, keys,
// secrets and TOTP seeds; with seed 0 the secrets are random.
func New(partition string, seed uint64) *World {
	return &World{state: &state{
		Partition: partition, seed: seed, managed: awsManaged(partition), documents: new(documents),
		accounts: new(overlay[*Account]), sessions: new(overlay[*Session]), keys: new(overlay[KeyOwner]),
		uses: new(overlay[Use]), services: new(overlay[Use]), codes: new(overlay[int64]),
		delegations: new(overlay[*DelegationRequest]), buckets: new(overlay[string]), tasks: new(tasks), issued: new(overlay[uint64]),
	}}
}

// Fork returns an independent copy of the world. It takes microseconds, whatever
// the size of the world, unless this world was written to since its last fork:
// then the table of its accounts is copied once. A world that nobody has written to
// since it was made by Fork may be forked by several goroutines at once.
func (w *World) Fork() *World {
	if !w.borrowed {
		w.borrowed = true
	}
	return &World{state: &state{
		Partition:    w.Partition,
		Organization: w.Organization,
		accounts:     w.accounts.fork(),
		sessions:     w.sessions.fork(),
		keys:         w.keys.fork(),
		uses:         w.uses.fork(),
		services:     w.services.fork(),
		codes:        w.codes.fork(),
		buckets:      w.buckets.fork(),
		delegations:  w.delegations.fork(),
		managed:      w.managed.fork(),
		issued:       w.issued.fork(),
		documents:    w.documents,
		tasks:        w.tasks.fork(),
		first:        w.first,
		next:         w.next,
		seed:         w.seed,
		borrowed:     true,
	}}
}

// Account returns an account, read-only; nil if there is none with this ID.
func (w *World) Account(id string) *Account {
	w.mustReach(id)
	return w.accountOf(id)
}

// accountOf is Account for what [World.Within] may read of any account.
func (w *World) accountOf(id string) *Account {
	a, _ := w.accounts.get(id)
	return a
}

// Accounts returns the IDs of all accounts, sorted.
func (w *World) Accounts() []string {
	w.mustReach("")
	var ids []string
	for id := range w.accounts.all {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// AddAccount adds an account to the world, replacing one with the same ID, and
// returns it for editing. It allocates nil maps.
func (w *World) AddAccount(a *Account) *Account {
	makeMap(&a.Tables)
	makeMap(&a.RoleDeletions)
	makeMap(&a.Quotas)
	makeMap(&a.Users)
	makeMap(&a.Groups)
	makeMap(&a.Roles)
	makeMap(&a.Policies)
	makeMap(&a.Devices)
	makeMap(&a.InstanceProfiles)
	makeMap(&a.OIDCProviders)
	makeMap(&a.SAMLProviders)
	makeMap(&a.ServerCertificates)
	makeMap(&a.AccessJobs)
	makeMap(&a.Instances)
	makeMap(&a.Buckets)
	makeMap(&a.Items)
	if a.State == "" {
		a.State = "ACTIVE"
	}
	w.accounts.set(a.ID, a)
	for name, u := range a.Users {
		for _, k := range u.Keys {
			w.keys.set(k.ID, KeyOwner{a.ID, name})
		}
	}
	for name := range a.Buckets {
		w.buckets.set(name, a.ID)
	}
	return a
}

// RemoveAccount removes an account with everything in it. Its credentials are those of
// no account from now on.
func (w *World) RemoveAccount(id string) {
	for name := range w.bucketsOf(id) {
		w.buckets.remove(name)
	}
	w.accounts.remove(id)
	if o := w.EditOrganization(); o != nil {
		o.DelegatedAdmins = slices.DeleteFunc(o.DelegatedAdmins, func(d DelegatedAdmin) bool { return d.Account == id })
	}
}

func makeMap[V any](m *map[string]V) {
	if *m == nil {
		*m = map[string]V{}
	}
}

// Edit returns an account for writing; nil if there is none with this ID. It is
// valid until the next Fork of this world.
func (w *World) Edit(id string) *Account {
	w.mustReach(id)
	a, ok := w.accounts.get(id)
	if !ok {
		return nil
	}
	if !w.accounts.owns(id) {
		a = a.clone()
		w.accounts.set(id, a)
	}
	return a
}

// EditOrganization returns the organization for writing; nil if there is none.
// It is valid until the next Fork of this world.
func (w *World) EditOrganization() *Organization {
	w.mustReach("")
	if w.Organization != nil && w.borrowed {
		w.Organization = w.Organization.clone()
		w.borrowed = false
	}
	return w.Organization
}

func (o *Organization) clone() *Organization {
	c := *o
	c.Units = slices.Clone(o.Units)
	for i := range c.Units {
		c.Units[i].SCPs, c.Units[i].RCPs = slices.Clone(c.Units[i].SCPs), slices.Clone(c.Units[i].RCPs)
	}
	c.SCPs, c.RCPs = maps.Clone(o.SCPs), maps.Clone(o.RCPs)
	c.DelegatedAdmins = slices.Clone(o.DelegatedAdmins)
	c.RootFeatures = slices.Clone(o.RootFeatures)
	c.Access = slices.Clone(o.Access)
	c.Tags = maps.Clone(o.Tags) // the lists are only replaced
	c.Descriptions = maps.Clone(o.Descriptions)
	c.Handshakes = slices.Clone(o.Handshakes)
	c.Transfers = slices.Clone(o.Transfers)
	c.Creations = slices.Clone(o.Creations)
	return &c
}

// clone copies everything that can be modified; strings, contents of objects and
// reports are shared because they are only replaced.
func (a *Account) clone() *Account {
	c := *a
	c.SCPs, c.RCPs = slices.Clone(a.SCPs), slices.Clone(a.RCPs)
	c.Quotas = maps.Clone(a.Quotas)
	c.Users = cloneMap(a.Users, (*User).clone)
	c.Groups = cloneMap(a.Groups, (*Group).clone)
	c.Roles = cloneMap(a.Roles, (*Role).clone)
	c.Policies = cloneMap(a.Policies, (*Policy).clone)
	c.Devices = cloneMap(a.Devices, (*Device).clone)
	c.Report = cloneOf(a.Report)
	c.PasswordPolicy = cloneOf(a.PasswordPolicy)
	c.InstanceProfiles = cloneMap(a.InstanceProfiles, (*InstanceProfile).clone)
	c.OIDCProviders = cloneMap(a.OIDCProviders, (*OIDCProvider).clone)
	c.SAMLProviders = cloneMap(a.SAMLProviders, (*SAMLProvider).clone)
	c.ServerCertificates = cloneMap(a.ServerCertificates, (*ServerCertificate).clone)
	c.AccessJobs = maps.Clone(a.AccessJobs)
	c.RoleDeletions = maps.Clone(a.RoleDeletions)
	c.Instances = cloneMap(a.Instances, cloneOf)
	c.Tables = maps.Clone(a.Tables)
	c.Buckets = cloneMap(a.Buckets, (*Bucket).clone)
	c.Items = make(map[string]Item, len(a.Items))
	for key, item := range a.Items {
		c.Items[key] = item.CloneItem()
	}
	return &c
}

func (u *User) clone() *User {
	c := *u
	c.Tags = slices.Clone(u.Tags)
	c.Groups = maps.Clone(u.Groups)
	c.Inline = maps.Clone(u.Inline)
	c.Attached = slices.Clone(u.Attached)
	c.Login = cloneOf(u.Login)
	c.Keys = cloneSlice(u.Keys)
	c.Services = cloneSlice(u.Services)
	c.SSHKeys = cloneSlice(u.SSHKeys)
	c.Certificates = cloneSlice(u.Certificates)
	return &c
}

func (g *Group) clone() *Group {
	c := *g
	c.Inline = maps.Clone(g.Inline)
	c.Attached = slices.Clone(g.Attached)
	return &c
}

func (r *Role) clone() *Role {
	c := *r
	c.Tags = slices.Clone(r.Tags)
	c.Inline = maps.Clone(r.Inline)
	c.Attached = slices.Clone(r.Attached)
	return &c
}

func (p *Policy) clone() *Policy {
	c := *p
	c.Tags = slices.Clone(p.Tags)
	c.Versions = slices.Clone(p.Versions)
	return &c
}

func (d *Device) clone() *Device {
	c := *d
	c.Tags = slices.Clone(d.Tags)
	return &c
}

func (b *Bucket) clone() *Bucket {
	c := *b
	c.Objects = maps.Clone(b.Objects)
	c.Uploads = cloneMap(b.Uploads, func(u *Upload) *Upload { return &Upload{u.Key, u.Started, maps.Clone(u.Parts)} })
	return &c
}

func cloneOf[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

func cloneSlice[T any](s []*T) []*T {
	c := slices.Clone(s)
	for i := range c {
		c[i] = cloneOf(c[i])
	}
	return c
}

func cloneMap[T any](m map[string]*T, clone func(*T) *T) map[string]*T {
	if m == nil {
		return nil
	}
	c := make(map[string]*T, len(m))
	for k, v := range m {
		c[k] = clone(v)
	}
	return c
}

// Fold returns the form in which names of users, groups and roles are keys: they
// are unique regardless of case.
func Fold(name string) string { return strings.ToLower(name) }
