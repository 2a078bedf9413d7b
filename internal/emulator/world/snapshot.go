package world

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"forcemfa/internal/org"
)

// Snapshot returns the world as package collect would read it with all
// permissions, including keys and services: the input of [Load], except the
// reader, gaps, reports, and unused AWS managed policies. Accounts are sorted by
// ID. The world must not change while the stream is read.
func (w *World) Snapshot(taken time.Time) (org.Header, org.Accounts) {
	h := org.Header{Format: org.Format, Taken: taken, Partition: w.Partition}
	if w.Organization != nil {
		w.snapshotOrganization(&h)
	}
	return h, func(yield func(*org.Account, error) bool) {
		for _, id := range w.Accounts() {
			if !yield(w.snapshotAccount(w.Account(id), taken), nil) {
				return
			}
		}
	}
}

func (w *World) snapshotOrganization(h *org.Header) {
	o := w.Organization
	h.Organization = &org.Organization{
		ID: o.ID, ManagementAccount: o.ManagementAccount, FeatureSet: o.FeatureSet, SCPsEnabled: o.SCPsEnabled, RCPsEnabled: o.RCPsEnabled,
	}
	for _, d := range o.DelegatedAdmins {
		if !slices.Contains(h.Organization.DelegatedAdmins, d.Account) {
			h.Organization.DelegatedAdmins = append(h.Organization.DelegatedAdmins, d.Account)
		}
	}
	h.Units = o.clone().Units
	for _, id := range slices.Sorted(maps.Keys(o.SCPs)) {
		h.SCPs = append(h.SCPs, o.SCPs[id])
	}
	if !o.RCPsEnabled {
		return // package fleet reads none then
	}
	for _, id := range slices.Sorted(maps.Keys(o.RCPs)) {
		h.RCPs = append(h.RCPs, o.RCPs[id])
	}
}

func (w *World) snapshotAccount(a *Account, taken time.Time) *org.Account {
	s := &org.Account{
		ID: a.ID, Name: a.Name, Alias: a.Alias, Partition: w.Partition, State: a.State,
		Unit: a.Unit, SCPs: slices.Clone(a.SCPs), RCPs: slices.Clone(a.RCPs), Management: w.IsManagement(a.ID), Read: !a.Unread,
	}
	if a.Unread {
		s.Alias = ""
		return s
	}
	switch {
	case a.Report != nil:
		s.Report = a.Report.Generated
	case a.Reported:
		s.Report = taken
	}
	s.Quotas = a.snapshotQuotas()
	s.Root = org.Root{
		MFA:          org.TriOf(a.Root.MFA),
		HardwareMFA:  org.TriOf(a.Root.HardwareMFA),
		AccessKeys:   org.TriOf(a.Root.AccessKeys > 0),
		Password:     org.TriOf(a.Root.Password),
		PasswordUsed: pointer(a.Root.PasswordUsed),
	}
	for _, name := range slices.Sorted(maps.Keys(a.Users)) {
		s.Users = append(s.Users, w.snapshotUser(a, a.Users[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(a.Groups)) {
		g := a.Groups[name]
		s.Groups = append(s.Groups, org.Group{
			Name: g.Name, Path: g.Path, ARN: w.GroupARN(a.ID, g), ID: g.ID,
			Inline: snapshotInline(g.Inline), Attached: sorted(g.Attached),
		})
	}
	for _, name := range slices.Sorted(maps.Keys(a.ListedRoles())) {
		s.Roles = append(s.Roles, w.snapshotRole(a, a.Roles[name]))
	}
	s.Providers = a.snapshotProviders()
	if slices.ContainsFunc(s.Users, func(u org.User) bool { return u.PasswordExpires != nil }) {
		s.HardExpiry = org.TriOf(a.PasswordPolicy.HardExpiry)
	}
	slices.SortFunc(s.Users, func(x, y org.User) int { return cmp.Compare(x.Name, y.Name) })
	slices.SortFunc(s.Groups, func(x, y org.Group) int { return cmp.Compare(x.Name, y.Name) })
	slices.SortFunc(s.Roles, func(x, y org.Role) int { return cmp.Compare(x.Name, y.Name) })
	s.Policies = w.snapshotPolicies(a)
	for _, serial := range slices.Sorted(maps.Keys(a.Devices)) {
		if d := a.Devices[serial]; d.User == "" && d.Kind == org.VirtualMFA {
			s.Unassigned = append(s.Unassigned, snapshotDevice(d))
		}
	}
	return s
}

func (w *World) snapshotUser(a *Account, u *User) org.User {
	s := org.User{
		Name: u.Name, Path: u.Path, ARN: w.UserARN(a.ID, u), ID: u.ID, Created: u.Created,
		Tags: someTags(u.Tags), Inline: snapshotInline(u.Inline), Attached: sorted(u.Attached), Boundary: u.Boundary,
		Password: org.TriOf(u.Login != nil), PasswordReset: org.No,
		Services: u.snapshotServices(),
	}
	for name := range u.Groups {
		s.Groups = append(s.Groups, a.Groups[name].Name)
	}
	slices.Sort(s.Groups)
	if u.Login != nil {
		s.PasswordUsed = pointer(u.Login.Used)
		s.PasswordReset = org.TriOf(u.Login.ResetRequired)
		s.PasswordExpires = pointer(a.PasswordPolicy.Expires(u.Login))
	}
	for _, d := range a.DevicesOf(u.Name) {
		s.Devices = append(s.Devices, snapshotDevice(d))
	}
	slices.SortFunc(s.Devices, func(x, y org.Device) int { return cmp.Compare(x.Serial, y.Serial) })
	s.MFA = org.TriOf(len(s.Devices) > 0)
	for _, k := range u.Keys {
		use := w.KeyUse(k)
		s.Keys = append(s.Keys, org.AccessKey{
			ID: k.ID, Slot: k.Slot, Active: k.Active, Created: pointer(k.Created),
			Used: pointer(use.At), UsedRegion: use.Region, UsedService: use.Service,
		})
	}
	slices.SortFunc(s.Keys, func(x, y org.AccessKey) int { return cmp.Compare(x.Slot, y.Slot) })
	return s
}

func (u *User) snapshotServices() *org.ServiceCredentials {
	s := &org.ServiceCredentials{}
	for _, c := range u.Services {
		if c.Active {
			s.ServiceSpecific = append(s.ServiceSpecific, c.Service)
		}
	}
	for _, k := range u.SSHKeys {
		if k.Active {
			s.SSHKeys++
		}
	}
	return s
}

func (w *World) snapshotRole(a *Account, r *Role) org.Role {
	return org.Role{
		Name: r.Name, Path: r.Path, ARN: w.RoleARN(a.ID, r), ID: r.ID, Created: r.Created, Trust: r.Trust,
		Tags: someTags(r.Tags), Inline: snapshotInline(r.Inline), Attached: sorted(r.Attached), Boundary: r.Boundary,
		MaxSession: r.MaxSession, Used: pointer(w.RoleUse(a.ID, r).At),
	}
}

// snapshotPolicies returns the account's own policies and the AWS managed ones
// that it uses, the latter only with their default version.
func (w *World) snapshotPolicies(a *Account) []org.Policy {
	var s []org.Policy
	for _, p := range a.Policies {
		s = append(s, org.Policy{
			ARN: p.ARN, Name: p.Name, Path: p.Path, ID: p.ID, Tags: someTags(p.Tags),
			Default: p.Default, Versions: slices.Clone(p.Versions),
		})
	}
	for policyARN := range a.used() {
		p, ok := w.managed.get(policyARN)
		if !ok {
			continue
		}
		text, known := p.Document()
		if !known {
			continue
		}
		s = append(s, org.Policy{
			ARN: p.ARN, Name: p.Name, Path: p.Path, ID: p.ID, Default: p.Default,
			Versions: []org.Version{{ID: p.Default, Created: p.Updated, Document: text}},
		})
	}
	slices.SortFunc(s, func(x, y org.Policy) int { return cmp.Compare(x.ARN, y.ARN) })
	return s
}

// used returns the ARNs of all managed policies that are attached or serve as a
// boundary.
func (a *Account) used() map[string]bool {
	used := map[string]bool{}
	note := func(attached []string, boundary string) {
		for _, policyARN := range attached {
			used[policyARN] = true
		}
		used[boundary] = true
	}
	for _, u := range a.Users {
		note(u.Attached, u.Boundary)
	}
	for _, g := range a.Groups {
		note(g.Attached, "")
	}
	for _, r := range a.ListedRoles() {
		note(r.Attached, r.Boundary)
	}
	delete(used, "")
	return used
}

func snapshotDevice(d *Device) org.Device {
	return org.Device{Serial: d.Serial, Kind: d.Kind, Enabled: pointer(d.Enabled)}
}

func snapshotInline(inline map[string]string) []org.InlinePolicy {
	var s []org.InlinePolicy
	for _, name := range slices.Sorted(maps.Keys(inline)) {
		s = append(s, org.InlinePolicy{Name: name, Document: inline[name]})
	}
	return s
}

func sorted(s []string) []string {
	if len(s) == 0 {
		return nil
	}
	return slices.Sorted(slices.Values(s))
}

func someTags(tags []org.Tag) []org.Tag {
	if len(tags) == 0 {
		return nil
	}
	return slices.Clone(tags)
}

func pointer(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
