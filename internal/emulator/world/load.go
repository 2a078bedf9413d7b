package world

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"forcemfa/internal/org"
	"forcemfa/policy/arn"
)

// Load creates a world from a snapshot. Values that a snapshot must not contain
// are generated from the seed (random with seed 0): secrets of keys, passwords,
// TOTP seeds, bodies of SSH keys, IDs that were not read. Every account gets
// sample data ([World.AddSampleData]). Unknown values of the snapshot are
// absent. The error names the inconsistent account and the place.
func Load(header org.Header, accounts org.Accounts, seed uint64) (*World, error) {
	w := New(header.Partition, seed)
	if w.Partition == "" {
		return nil, fmt.Errorf("load snapshot: its header has no partition")
	}
	if !header.Taken.IsZero() { // IDs that an earlier world gave out, and that the snapshot has, must not be given out again
		w.first = uint64(header.Taken.UnixNano())
		w.next = w.first
	}
	w.Organization = loadOrganization(header)
	for a, err := range accounts {
		if err != nil {
			return nil, fmt.Errorf("load snapshot: %w", err)
		}
		if err := w.loadAccount(header, a); err != nil {
			return nil, fmt.Errorf("load snapshot: account %s: %w", a.ID, err)
		}
	}
	return w, nil
}

func loadOrganization(h org.Header) *Organization {
	if h.Organization == nil {
		return nil
	}
	o := &Organization{
		ID:                h.Organization.ID,
		ARN:               "arn:" + h.Partition + ":organizations::" + h.Organization.ManagementAccount + ":organization/" + h.Organization.ID,
		ManagementAccount: h.Organization.ManagementAccount,
		FeatureSet:        h.Organization.FeatureSet,
		SCPsEnabled:       h.Organization.SCPsEnabled,
		RCPsEnabled:       h.Organization.RCPsEnabled,
		SCPs:              map[string]org.SCP{},
		RCPs:              map[string]org.SCP{},
	}
	for _, u := range h.Units {
		u.SCPs, u.RCPs = slices.Clone(u.SCPs), slices.Clone(u.RCPs)
		o.Units = append(o.Units, u)
	}
	for _, scp := range h.SCPs {
		o.SCPs[scp.ID] = scp
	}
	for _, rcp := range h.RCPs {
		o.RCPs[rcp.ID] = rcp
	}
	for _, id := range h.Organization.DelegatedAdmins {
		o.DelegatedAdmins = append(o.DelegatedAdmins, DelegatedAdmin{Account: id, Since: h.Taken})
	}
	return o
}

func (w *World) loadAccount(h org.Header, from *org.Account) error {
	if !arn.IsAccountID(from.ID) {
		return fmt.Errorf("%q is not an account ID of 12 digits", from.ID)
	}
	if w.Account(from.ID) != nil {
		return fmt.Errorf("it is there twice")
	}
	a := w.AddAccount(&Account{
		ID: from.ID, Name: from.Name, Alias: from.Alias, Email: "aws+" + from.ID + "@example.com",
		State: from.State, Unit: from.Unit, SCPs: slices.Clone(from.SCPs), RCPs: slices.Clone(from.RCPs), Joined: h.Taken,
		Unread: !from.Read, Quotas: loadQuotas(from.Quotas),
	})
	a.PasswordPolicy = loadPasswordPolicy(from)
	w.loadPolicies(a, from.Policies)
	if err := w.loadGroups(a, from.Groups); err != nil {
		return err
	}
	if err := w.loadRoles(a, from.Roles); err != nil {
		return err
	}
	if err := w.loadUsers(a, from.Users); err != nil {
		return err
	}
	for _, d := range from.Unassigned {
		w.loadDevice(a, d, "")
	}
	w.loadProviders(a, from.Providers)
	w.loadRoot(a, from.Root)
	w.AddSampleData(a.ID, h.Taken)
	return nil
}

func (w *World) loadRoot(a *Account, from org.Root) {
	a.Root = Root{
		MFA:          from.MFA == org.Yes,
		HardwareMFA:  from.HardwareMFA == org.Yes,
		Password:     from.Password == org.Yes,
		PasswordUsed: timeOf(from.PasswordUsed),
	}
	if from.AccessKeys == org.Yes {
		a.Root.AccessKeys = 1
	}
	if a.Root.MFA && !a.Root.HardwareMFA {
		serial := arn.IAM(w.Partition, a.ID, "mfa", "/", "root-account-mfa-device")
		w.loadDevice(a, org.Device{Serial: serial, Kind: org.VirtualMFA}, RootUser)
	}
}

func (w *World) loadDevice(a *Account, from org.Device, user string) {
	d := &Device{Serial: from.Serial, Kind: from.Kind, User: user, Enabled: timeOf(from.Enabled)}
	if d.Kind.GivesCodes() {
		d.Seed = w.NewSeed()
	}
	a.Devices[d.Serial] = d
}

func (w *World) loadPolicies(a *Account, from []org.Policy) {
	for _, p := range from {
		loaded := w.loadPolicy(p)
		if IsAWSManaged(p.ARN) {
			w.SetAWSManaged(loaded)
		} else {
			a.Policies[p.ARN] = loaded
		}
	}
}

func (w *World) loadPolicy(from org.Policy) *Policy {
	p := &Policy{
		ARN: from.ARN, Name: from.Name, Path: from.Path, ID: w.idOr(from.ID, "ANPA"),
		Tags: slices.Clone(from.Tags), Default: from.Default, Versions: slices.Clone(from.Versions), NextVersion: 1,
	}
	slices.SortStableFunc(p.Versions, func(x, y org.Version) int { return versionNumber(x.ID) - versionNumber(y.ID) })
	for _, v := range p.Versions {
		p.NextVersion = max(p.NextVersion, versionNumber(v.ID)+1)
		if p.Created.IsZero() || v.Created.Before(p.Created) {
			p.Created = v.Created
		}
		if v.Created.After(p.Updated) {
			p.Updated = v.Created
		}
	}
	return p
}

func versionNumber(id string) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(id, "v"))
	return n
}

func (w *World) loadGroups(a *Account, from []org.Group) error {
	for _, g := range from {
		if a.Groups[Fold(g.Name)] != nil {
			return fmt.Errorf("group %s is there twice", g.Name)
		}
		a.Groups[Fold(g.Name)] = &Group{
			Name: g.Name, Path: g.Path, ID: w.idOr(g.ID, "AGPA"),
			Inline: loadInline(g.Inline), Attached: slices.Clone(g.Attached),
		}
	}
	return nil
}

func (w *World) loadRoles(a *Account, from []org.Role) error {
	for _, r := range from {
		if a.Roles[Fold(r.Name)] != nil {
			return fmt.Errorf("role %s is there twice", r.Name)
		}
		a.Roles[Fold(r.Name)] = &Role{
			Name: r.Name, Path: r.Path, ID: w.idOr(r.ID, "AROA"), Created: r.Created,
			Trust: r.Trust, Tags: slices.Clone(r.Tags), Inline: loadInline(r.Inline),
			Attached: slices.Clone(r.Attached), Boundary: r.Boundary,
			MaxSession: max(r.MaxSession, time.Hour), Used: timeOf(r.Used),
		}
	}
	return nil
}

func (w *World) loadUsers(a *Account, from []org.User) error {
	for _, u := range from {
		if a.Users[Fold(u.Name)] != nil {
			return fmt.Errorf("user %s is there twice", u.Name)
		}
		loaded, err := w.loadUser(a, u)
		if err != nil {
			return fmt.Errorf("user %s: %w", u.Name, err)
		}
		a.Users[Fold(u.Name)] = loaded
		w.loadDevices(a, u)
		for _, k := range u.Keys {
			w.AddKey(a.ID, u.Name, &Key{
				ID: w.idOr(k.ID, "AKIA"), Secret: w.NewSecret(), Slot: k.Slot, Active: k.Active, Created: timeOf(k.Created),
				Used: timeOf(k.Used), UsedRegion: k.UsedRegion, UsedService: k.UsedService,
			})
		}
	}
	return nil
}

func (w *World) loadUser(a *Account, from org.User) (*User, error) {
	u := &User{
		Name: from.Name, Path: from.Path, ID: w.idOr(from.ID, "AIDA"), Created: from.Created,
		Tags: slices.Clone(from.Tags), Groups: map[string]bool{}, Inline: loadInline(from.Inline),
		Attached: slices.Clone(from.Attached), Boundary: from.Boundary,
	}
	for _, g := range from.Groups {
		if a.Groups[Fold(g)] == nil {
			return nil, fmt.Errorf("is in group %s, which the snapshot does not have", g)
		}
		u.Groups[Fold(g)] = true
	}
	if from.Password == org.Yes {
		u.Login = &Login{
			Created: from.Created, Changed: from.Created, Used: timeOf(from.PasswordUsed),
			ResetRequired: from.PasswordReset == org.Yes, Password: w.NewSecret(),
		}
		if from.PasswordExpires != nil {
			u.Login.Changed = from.PasswordExpires.AddDate(0, 0, -assumedMaxAge)
		}
	}
	if from.Services != nil {
		w.loadServices(a.ID, u, from.Services)
	}
	return u, nil
}

func (w *World) loadServices(account string, u *User, from *org.ServiceCredentials) {
	for _, service := range from.ServiceSpecific {
		c := &ServiceCredential{ID: w.NewID("ACCA"), Service: service, Active: true, Created: u.Created}
		c.Name(u.Name, account, len(u.Services))
		u.Services = append(u.Services, c)
	}
	for range from.SSHKeys {
		u.SSHKeys = append(u.SSHKeys, &SSHKey{
			ID: w.NewID("APKA"), Body: w.newSSHKey(), Active: true, Uploaded: u.Created,
		})
	}
}

// newSSHKey returns an RSA public key of 2048 bits in OpenSSH's format, whose
// private key does not exist.
func (w *World) newSSHKey() string {
	modulus := w.secretBytes(256)
	modulus[0] |= 0x80
	modulus[255] |= 1
	var blob []byte
	for _, field := range [][]byte{[]byte("ssh-rsa"), {1, 0, 1}, append([]byte{0}, modulus...)} {
		blob = binary.BigEndian.AppendUint32(blob, uint32(len(field)))
		blob = append(blob, field...)
	}
	return "ssh-rsa " + base64.StdEncoding.EncodeToString(blob)
}

// loadDevices adds the devices of the snapshot to a user. Where the snapshot
// only says that there is a device, it becomes a security key, which cannot make
// API calls.
func (w *World) loadDevices(a *Account, from org.User) {
	for _, d := range from.Devices {
		w.loadDevice(a, d, Fold(from.Name))
	}
	if len(from.Devices) == 0 && from.MFA == org.Yes {
		serial := arn.IAM(w.Partition, a.ID, "u2f", "/user/"+from.Name+"/", "unread")
		w.loadDevice(a, org.Device{Serial: serial, Kind: org.FIDO}, Fold(from.Name))
	}
}

func loadInline(from []org.InlinePolicy) map[string]string {
	inline := map[string]string{}
	for _, p := range from {
		inline[p.Name] = p.Document
	}
	return inline
}

func (w *World) idOr(id, prefix string) string {
	if id != "" {
		return id
	}
	return w.NewID(prefix)
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
