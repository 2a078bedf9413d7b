package world

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"forcemfa/internal/org"
	"forcemfa/policy/arn"
)

func stream(accounts ...*org.Account) org.Accounts {
	return func(yield func(*org.Account, error) bool) {
		for _, a := range accounts {
			if !yield(a, nil) {
				return
			}
		}
	}
}

const allow = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// names are distinct also without case.
func drawNames(rt *rapid.T, label string, max int) []string {
	names := rapid.SliceOfNDistinct(rapid.StringMatching(`[A-Za-z][a-z0-9+=,.@_-]{0,8}`), 0, max, strings.ToLower).Draw(rt, label)
	slices.Sort(names)
	return names
}

func drawTime(rt *rapid.T, label string) *time.Time {
	if !rapid.Bool().Draw(rt, label+" there") {
		return nil
	}
	at := noon.Add(-time.Duration(rapid.IntRange(1, 1e6).Draw(rt, label)) * time.Second)
	return &at
}

func drawTags(rt *rapid.T) []org.Tag {
	var tags []org.Tag
	for _, k := range drawNames(rt, "tags", 3) {
		tags = append(tags, org.Tag{Key: k, Value: rapid.StringMatching(`[a-z]{0,4}`).Draw(rt, "value")})
	}
	return tags
}

func drawInline(rt *rapid.T) []org.InlinePolicy {
	var inline []org.InlinePolicy
	for _, name := range drawNames(rt, "inline", 2) {
		inline = append(inline, org.InlinePolicy{Name: name, Document: allow})
	}
	return inline
}

func drawTri(rt *rapid.T, label string) org.Tri { return org.TriOf(rapid.Bool().Draw(rt, label)) }

// drawAccount draws an account as collect would give it if it could read
// everything.
func drawAccount(rt *rapid.T, id string) *org.Account {
	a := &org.Account{
		ID: id, Name: "n" + id, Alias: rapid.StringMatching(`([a-z]{3,8})?`).Draw(rt, "alias"), Partition: "aws",
		State: "ACTIVE", Unit: "r-ab12", SCPs: []string{"p-1"}, Management: id == management, Read: true,
		Quotas: org.Quotas{
			AttachedPoliciesPerUser: rapid.IntRange(10, 20).Draw(rt, "quota"), AttachedPoliciesPerGroup: 10, GroupsPerUser: 10, Groups: 300,
			Policies: 1500, PolicySize: 6144, UserPolicySize: 2048, GroupPolicySize: 5120, VersionsPerPolicy: 5,
		},
	}
	a.Root = org.Root{MFA: drawTri(rt, "root MFA"), HardwareMFA: org.No, AccessKeys: drawTri(rt, "root keys"), Password: drawTri(rt, "root password")}
	if a.Root.MFA == org.Yes {
		a.Root.HardwareMFA = drawTri(rt, "hardware")
	}
	if a.Root.Password == org.Yes {
		a.Root.PasswordUsed = drawTime(rt, "root used")
	}
	for i, name := range drawNames(rt, "policies", 3) {
		p := org.Policy{
			ARN: arn.IAM("aws", id, "policy", "/p/", name), Name: name, Path: "/p/", ID: fmt.Sprintf("ANPA%s%05d", id, i), Tags: drawTags(rt),
		}
		for v := range rapid.IntRange(1, 5).Draw(rt, "versions") {
			p.Versions = append(p.Versions, org.Version{ID: fmt.Sprintf("v%d", 2*v+1), Created: noon.Add(time.Duration(v) * time.Hour), Document: allow})
		}
		p.Default = rapid.SampledFrom(p.Versions).Draw(rt, "default").ID
		a.Policies = append(a.Policies, p)
	}
	attached := drawAttached(rt, a)
	for i, name := range drawNames(rt, "groups", 3) {
		a.Groups = append(a.Groups, org.Group{
			Name: name, Path: "/", ARN: arn.IAM("aws", id, "group", "/", name), ID: fmt.Sprintf("AGPA%s%05d", id, i),
			Inline: drawInline(rt), Attached: attached("group"),
		})
	}
	for i, name := range drawNames(rt, "roles", 3) {
		a.Roles = append(a.Roles, org.Role{
			Name: name, Path: "/r/", ARN: arn.IAM("aws", id, "role", "/r/", name), ID: fmt.Sprintf("AROA%s%05d", id, i), Created: noon,
			Trust: allow, Tags: drawTags(rt), Inline: drawInline(rt), Attached: attached("role"),
			MaxSession: time.Duration(rapid.IntRange(1, 12).Draw(rt, "hours")) * time.Hour, Used: drawTime(rt, "role used"),
		})
	}
	for i, name := range drawNames(rt, "users", 4) {
		a.Users = append(a.Users, drawUser(rt, a, name, i, attached("user")))
	}
	if rapid.Bool().Draw(rt, "orphan") {
		a.Unassigned = []org.Device{{Serial: arn.IAM("aws", id, "mfa", "/", "orphan"), Kind: org.VirtualMFA}}
	}
	return a
}

func drawAttached(rt *rapid.T, a *org.Account) func(string) []string {
	return func(label string) []string {
		var attached []string
		for _, p := range a.Policies {
			if rapid.Bool().Draw(rt, label+" attached") {
				attached = append(attached, p.ARN)
			}
		}
		return attached
	}
}

func drawUser(rt *rapid.T, a *org.Account, name string, n int, attached []string) org.User {
	u := org.User{
		Name: name, Path: "/u/", ARN: arn.IAM("aws", a.ID, "user", "/u/", name), ID: fmt.Sprintf("AIDA%s%05d", a.ID, n), Created: noon,
		Tags: drawTags(rt), Inline: drawInline(rt), Attached: attached, Password: drawTri(rt, "password"), PasswordReset: org.No,
		Services: &org.ServiceCredentials{SSHKeys: rapid.IntRange(0, 2).Draw(rt, "SSH keys")},
	}
	for _, g := range a.Groups {
		if rapid.Bool().Draw(rt, "member") {
			u.Groups = append(u.Groups, g.Name)
		}
	}
	if len(attached) > 0 && rapid.Bool().Draw(rt, "bounded") {
		u.Boundary = attached[0]
	}
	if u.Password == org.Yes {
		u.PasswordUsed = drawTime(rt, "password used")
		u.PasswordReset = drawTri(rt, "reset")
	}
	for i := range rapid.IntRange(0, 3).Draw(rt, "devices") {
		kind := rapid.SampledFrom([]org.DeviceKind{org.VirtualMFA, org.HardwareMFA, org.FIDO, org.SMS}).Draw(rt, "kind")
		u.Devices = append(u.Devices, org.Device{Serial: fmt.Sprintf("arn:aws:iam::%s:%s/%s%d", a.ID, kind, name, i), Kind: kind, Enabled: drawTime(rt, "enabled")})
	}
	slices.SortFunc(u.Devices, func(x, y org.Device) int { return strings.Compare(x.Serial, y.Serial) })
	u.MFA = org.TriOf(len(u.Devices) > 0)
	for slot := 1; slot <= 2; slot++ {
		if !rapid.Bool().Draw(rt, "key") {
			continue
		}
		k := org.AccessKey{ID: fmt.Sprintf("AKIA%s%d%d", a.ID, n, slot), Slot: slot, Active: rapid.Bool().Draw(rt, "active"), Created: &noon}
		if k.Used = drawTime(rt, "key used"); k.Used != nil {
			k.UsedRegion, k.UsedService = "eu-west-1", "s3"
		}
		u.Keys = append(u.Keys, k)
	}
	if rapid.Bool().Draw(rt, "git") {
		u.Services.ServiceSpecific = []string{"codecommit.amazonaws.com", "bedrock.amazonaws.com"}
	}
	return u
}

func TestSnapshotOfALoadedWorldIsWhatWasLoaded(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		header := org.Header{
			Format: org.Format, Taken: noon, Partition: "aws",
			Organization: &org.Organization{ID: "o-1", ManagementAccount: management, FeatureSet: "ALL", SCPsEnabled: rapid.Bool().Draw(rt, "SCPs"), DelegatedAdmins: []string{member}},
			Units:        []org.Unit{{ID: "r-ab12", Name: "Root", SCPs: []string{"p-1"}}, {ID: "ou-1", Name: "x", Parent: "r-ab12"}},
			SCPs:         []org.SCP{{ID: "p-1", Name: "all", Document: allow}},
		}
		want := []*org.Account{drawAccount(rt, management), drawAccount(rt, member)}
		if rapid.Bool().Draw(rt, "unread") {
			want = append(want, &org.Account{ID: "333333333333", Name: "shut", Partition: "aws", State: "ACTIVE", Unit: "ou-1", SCPs: []string{"p-1"}})
		}
		w, err := Load(header, stream(want...), rapid.Uint64().Draw(rt, "seed"))
		if err != nil {
			rt.Fatal(err)
		}
		gotHeader, accounts := w.Snapshot(noon)
		var got []*org.Account
		for a, err := range accounts {
			if err != nil {
				rt.Fatal(err)
			}
			got = append(got, a)
		}
		if diff := cmp.Diff(header, gotHeader, cmpopts.EquateEmpty()); diff != "" {
			rt.Fatalf("header (-loaded +snapshot):\n%s", diff)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			rt.Fatalf("accounts (-loaded +snapshot):\n%s", diff)
		}
	})
}

func readable(users ...org.User) *org.Account {
	return &org.Account{ID: member, Name: "m", Partition: "aws", State: "ACTIVE", Read: true, Users: users}
}

func load(t *testing.T, accounts ...*org.Account) *World {
	t.Helper()
	w, err := Load(org.Header{Format: org.Format, Taken: noon, Partition: "aws"}, stream(accounts...), 5)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestLoadGeneratesSecretsMissingInASnapshot(t *testing.T) {
	serial := "arn:aws:iam::222222222222:mfa/phone"
	w := load(t, readable(org.User{
		Name: "Bob", Path: "/", Created: noon, Password: org.Yes, MFA: org.Yes,
		Devices:  []org.Device{{Serial: serial, Kind: org.VirtualMFA}},
		Keys:     []org.AccessKey{{Slot: 1, Active: true}},
		Services: &org.ServiceCredentials{ServiceSpecific: []string{"codecommit.amazonaws.com"}, SSHKeys: 1},
	}))
	bob := w.Account(member).Users["bob"]
	if len(bob.ID) != 21 || len(bob.Login.Password) != 40 || len(bob.Keys[0].ID) != 20 || len(bob.Keys[0].Secret) != 40 {
		t.Errorf("made up: %+v, %+v, %+v", bob, bob.Login, bob.Keys[0])
	}
	if owner, ok := w.FindKey(bob.Keys[0].ID); !ok || owner != (KeyOwner{member, "bob"}) {
		t.Errorf("the made-up key belongs to %+v", owner)
	}
	if code, err := w.Code(serial, noon); err != nil || len(code) != 6 {
		t.Errorf("code of the made-up device: %q, %v", code, err)
	}
	if got := bob.Services[0].UserName; got != "Bob-at-222222222222" {
		t.Errorf("service user name = %q", got)
	}
	if w.Account(member).Instances[InstanceID(member)] == nil {
		t.Error("the account is not furnished")
	}
}

func TestDeviceOfUnknownKindGivesNoCodes(t *testing.T) {
	w := load(t, readable(org.User{Name: "bob", Path: "/", MFA: org.Yes}))
	devices := w.Account(member).DevicesOf("bob")
	if len(devices) != 1 || devices[0].Kind != org.FIDO || devices[0].Seed != nil {
		t.Errorf("devices = %+v, want one security key", devices)
	}
}

func TestRootsVirtualDeviceIsThereUnlessItIsHardware(t *testing.T) {
	for hardware, want := range map[org.Tri]int{org.No: 1, org.Yes: 0} {
		a := readable()
		a.Root = org.Root{MFA: org.Yes, HardwareMFA: hardware, AccessKeys: org.Yes}
		w := load(t, a)
		if got := len(w.Account(member).DevicesOf(RootUser)); got != want {
			t.Errorf("hardware %s: root has %d virtual devices, want %d", hardware, got, want)
		}
	}
}

func TestAWSManagedPolicyOfASnapshotIsKnownEverywhere(t *testing.T) {
	viewer := "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"
	first := readable(org.User{Name: "bob", Path: "/", Attached: []string{viewer}})
	first.Policies = []org.Policy{{ARN: viewer, Name: "ViewOnlyAccess", Path: "/job-function/", ID: "ANPA1", Default: "v3", Versions: []org.Version{{ID: "v3", Created: noon, Document: allow}}}}
	w := load(t, first, &org.Account{ID: management, Read: true, Partition: "aws", State: "ACTIVE"})
	if got := w.ManagedPolicy(management, viewer); got == nil || got.Default != "v3" {
		t.Errorf("in the other account: %+v", got)
	}
	_, accounts := w.Snapshot(noon)
	for a, err := range accounts {
		if err != nil {
			t.Fatal(err)
		}
		if want := a.ID == member; (len(a.Policies) == 1) != want {
			t.Errorf("account %s has policies %v; only the one that uses it should", a.ID, a.Policies)
		}
	}
}

func TestLoadRefusesSnapshotsThatAreNotConsistent(t *testing.T) {
	broken := errors.New("line 3: not JSON")
	for name, row := range map[string]struct {
		header   org.Header
		accounts org.Accounts
		want     string
	}{
		"no partition": {org.Header{}, stream(), "load snapshot: its header has no partition"},
		"short ID":     {org.Header{Partition: "aws"}, stream(&org.Account{ID: "12"}), `load snapshot: account 12: "12" is not an account ID of 12 digits`},
		"twice":        {org.Header{Partition: "aws"}, stream(readable(), readable()), "load snapshot: account 222222222222: it is there twice"},
		"user twice":   {org.Header{Partition: "aws"}, stream(readable(org.User{Name: "bob"}, org.User{Name: "BOB"})), "load snapshot: account 222222222222: user BOB is there twice"},
		"no such group": {org.Header{Partition: "aws"}, stream(readable(org.User{Name: "bob", Groups: []string{"ops"}})),
			"load snapshot: account 222222222222: user bob: is in group ops, which the snapshot does not have"},
		"broken stream": {org.Header{Partition: "aws"}, func(yield func(*org.Account, error) bool) { yield(nil, broken) }, "load snapshot: line 3: not JSON"},
	} {
		_, err := Load(row.header, row.accounts, 1)
		if err == nil || err.Error() != row.want {
			t.Errorf("%s: %v, want %s", name, err, row.want)
		}
	}
}

func TestPasswordExpiryIsPartOfASnapshot(t *testing.T) {
	w := New("aws", 1)
	changed := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	a := w.AddAccount(&Account{ID: "111111111111", PasswordPolicy: &PasswordPolicy{MinimumLength: 8, MaxAge: 30, HardExpiry: true}})
	a.Users["bob"] = &User{Name: "bob", Path: "/", ID: "AIDABOB", Created: changed, Groups: map[string]bool{}, Login: &Login{Created: changed, Changed: changed, Password: "x"}}
	header, accounts := w.Snapshot(changed)
	loaded, err := Load(header, accounts, 1)
	if err != nil {
		t.Fatal(err)
	}
	b := loaded.Account("111111111111")
	if got, want := b.PasswordPolicy.Expires(b.Users["bob"].Login), changed.AddDate(0, 0, 30); !got.Equal(want) || !b.PasswordPolicy.HardExpiry {
		t.Errorf("the password expires %s, want %s; hard expiry %v", got, want, b.PasswordPolicy.HardExpiry)
	}
}

// What Terraform made is there again after the emulator was saved and loaded.
func TestProvidersArePartOfASnapshot(t *testing.T) {
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	w := New("aws", 1)
	a := w.AddAccount(&Account{ID: "111111111111"})
	tags := []org.Tag{{Key: "team", Value: "blue"}}
	a.Roles["web"] = &Role{Name: "Web", Path: "/", ID: "AROAWEB", Created: at, Trust: "{}", Inline: map[string]string{}, MaxSession: time.Hour}
	a.InstanceProfiles["web"] = &InstanceProfile{Name: "Web", Path: "/x/", ID: "AIPAWEB", Created: at, Tags: tags, Role: "web"}
	oidc, saml := "arn:aws:iam::111111111111:oidc-provider/a.example.com/x", "arn:aws:iam::111111111111:saml-provider/corp"
	a.OIDCProviders[oidc] = &OIDCProvider{ARN: oidc, URL: "a.example.com/x", ClientIDs: []string{"b"}, Thumbprints: []string{"c"}, Created: at, Tags: tags}
	a.SAMLProviders[saml] = &SAMLProvider{ARN: saml, Name: "corp", UUID: "SAMLSP1", Metadata: "<x/>", Created: at, ValidUntil: at, Tags: tags}
	a.ServerCertificates["tls"] = &ServerCertificate{Name: "TLS", Path: "/", ID: "ASCATLS", Body: "body", Chain: "chain", Uploaded: at, Expires: at, Tags: tags}
	var file bytes.Buffer
	header, accounts := w.Snapshot(at)
	if err := org.Write(&file, header, accounts); err != nil {
		t.Fatal(err)
	}
	header, accounts, err := org.Read(&file)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(header, accounts, 1)
	if err != nil {
		t.Fatal(err)
	}
	b := loaded.Account("111111111111")
	for _, diff := range []string{
		cmp.Diff(a.InstanceProfiles, b.InstanceProfiles), cmp.Diff(a.OIDCProviders, b.OIDCProviders),
		cmp.Diff(a.SAMLProviders, b.SAMLProviders), cmp.Diff(a.ServerCertificates, b.ServerCertificates),
	} {
		if diff != "" {
			t.Error(diff)
		}
	}
}
