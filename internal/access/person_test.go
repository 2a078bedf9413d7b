package access_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/access"
	"forcemfa/internal/org"
)

// People are in the order of their names, and have each role once, named by the alias of
// its account, its name, or its ID.
func TestProfilesOfPeople(t *testing.T) {
	const section = `access:
  account: "` + identity + `"
  groups: [{name: Ops, members: [zoe, ada]}, {name: More, members: [ada]}]
  grants:
    - {group: Ops, role: Reader, accounts: ["` + target + `", "333333333333", "444444444444", "555555555555"], policies: [ReadOnlyAccess]}
    - {group: More, role: Reader, accounts: ["` + target + `"], policies: [ReadOnlyAccess]}
`
	ada := user("ada")
	first, second := "arn:aws:iam::"+identity+":mfa/first", "arn:aws:iam::"+identity+":mfa/second"
	ada.Devices = []org.Device{{Serial: "passkey", Kind: org.FIDO}, {Serial: first, Kind: org.VirtualMFA}, {Serial: second, Kind: org.VirtualMFA}}
	in := with(t, section, &org.Account{ID: identity, Users: []org.User{ada}},
		&org.Account{ID: target, Alias: "shop", Name: "Shop Production"}, &org.Account{ID: "333333333333", Name: "Big Data"}, &org.Account{ID: "444444444444"})
	var names []string
	for _, p := range access.People(in) {
		names = append(names, p.Name)
		serial := ""
		if p.Name == "ada" {
			serial = first
		}
		var profiles []string
		for _, profile := range p.Profiles {
			profiles = append(profiles, profile.Name)
			if profile.Serial != serial {
				t.Errorf("%s, %s: serial %q, want %q", p.Name, profile.Name, profile.Serial, serial)
			}
		}
		if d := cmp.Diff([]string{"444444444444-Reader", "555555555555-Reader", "Big-Data-Reader", "shop-Reader"}, profiles); d != "" {
			t.Errorf("profiles of %s (-want +got):\n%s", p.Name, d)
		}
	}
	if d := cmp.Diff([]string{"ada", "zoe"}, names); d != "" {
		t.Errorf("people (-want +got):\n%s", d)
	}
}
