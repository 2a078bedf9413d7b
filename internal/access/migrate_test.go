package access_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/access"
	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
)

// migrating is an identity account with the members of Ops, who may assume the role
// operator of the target with MFA, and that account.
func migrating(users ...org.User) (*org.Account, *org.Account) {
	assume := document.Assume("aws", []string{"arn:aws:iam::" + target + ":role/operator"})
	for i := range users {
		users[i].Groups = []string{"Ops"}
	}
	group := org.Group{Name: "Ops", ARN: groupARN, Inline: []org.InlinePolicy{{Name: baseline.AssumeRolesName, Document: assume}}}
	return &org.Account{ID: identity, Users: users, Groups: []org.Group{group}, Policies: []org.Policy{managed(readOnly, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}`)}},
		&org.Account{ID: target, Roles: []org.Role{role(withMFA)}}
}

func managed(policyARN, text string) org.Policy {
	return org.Policy{ARN: policyARN, Name: policyARN[strings.LastIndexByte(policyARN, '/')+1:], Default: "v1", Versions: []org.Version{{ID: "v1", Document: text}}}
}

// A policy that enforces, that denies, or of which that is not known stays with the user.
func TestMigrateKeepsPoliciesThatMayDeny(t *testing.T) {
	forceMFA := baseline.PolicyARN("aws", identity)
	denies, broken := "arn:aws:iam::"+identity+":policy/Denies", "arn:aws:iam::"+identity+":policy/Broken"
	unread, unlisted := "arn:aws:iam::"+identity+":policy/Unread", "arn:aws:iam::"+identity+":policy/Unlisted"
	b := baseline.Default()
	ada := user("ada")
	ada.Attached = []string{readOnly, forceMFA, denies, broken, unread, unlisted}
	ada.Inline = []org.InlinePolicy{{Name: "all", Document: allowAll}, {Name: "deny", Document: denyS3}, {Name: baseline.InlinePolicyName, Document: b.Document("aws")}, {Name: "broken", Document: "{"}}
	from, to := migrating(ada)
	from.Policies = append(from.Policies, managed(forceMFA, b.Document("aws")), managed(denies, denyS3), managed(broken, "{"), org.Policy{ARN: unread, Default: "v1"})
	m := access.Migrate(input(t, from, to), "ada")
	kept := []string{
		forceMFA + ": enforces MFA", denies + ": has a Deny", broken + ": could not be parsed, and may have a Deny",
		unread + ": could not be read, and may have a Deny", unlisted + ": could not be read, and may have a Deny",
		"inline policy deny: has a Deny", "inline policy " + baseline.InlinePolicyName + ": enforces MFA", "inline policy broken: could not be parsed, and may have a Deny",
	}
	slices.Sort(kept)
	slices.Sort(m.Kept)
	if d := cmp.Diff(kept, m.Kept); d != "" {
		t.Errorf("kept (-want +got):\n%s", d)
	}
	// Whether the policies that could not be read deny the role is not known.
	if d := cmp.Diff([]string{"DetachUserPolicy ada ReadOnlyAccess BLOCKED", "DeleteUserPolicy ada all BLOCKED"}, lines(m.Steps)); d != "" {
		t.Errorf("steps (-want +got):\n%s", d)
	}
}

// An inline policy with the name of forcemfa's that grants something is an ordinary one.
func TestMigrateRemovesAPolicyThatOnlyHasTheName(t *testing.T) {
	ada := user("ada")
	ada.Inline = []org.InlinePolicy{{Name: baseline.InlinePolicyName, Document: allowAll}}
	from, to := migrating(ada)
	m := access.Migrate(input(t, from, to), "ada")
	if d := cmp.Diff([]string{"DeleteUserPolicy ada " + baseline.InlinePolicyName}, lines(m.Steps)); d != "" || len(m.Kept) != 0 {
		t.Errorf("kept %v; steps (-want +got):\n%s", m.Kept, d)
	}
}

// The migration is decided for the user without the policies that go, and with those that
// stay.
func TestMigrateDecidesForTheUserAsItWillBe(t *testing.T) {
	denyAssume := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"sts:*","Resource":"*"}]}`
	own := func(action string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"` + action + `","Resource":"*"}]}`
	}
	denies := "arn:aws:iam::" + identity + ":policy/Denies"
	for _, row := range []struct {
		name    string
		change  func(from, to *org.Account)
		blocked string
	}{
		{"by the group", func(_, _ *org.Account) {}, ""},
		{"only by an inline policy that goes", func(from, _ *org.Account) {
			from.Groups[0].Inline = nil
			from.Users[0].Inline = []org.InlinePolicy{{Name: "own", Document: own("sts:AssumeRole")}}
		}, "cannot be assumed with MFA"},
		{"only by a managed policy that goes", func(from, _ *org.Account) {
			from.Groups[0].Inline = nil
			from.Policies[0] = managed(readOnly, own("sts:AssumeRole"))
		}, "cannot be assumed with MFA"},
		{"denied by an inline policy that stays", func(from, _ *org.Account) {
			from.Users[0].Inline = []org.InlinePolicy{{Name: "deny", Document: denyAssume}}
		}, "cannot be assumed with MFA"},
		{"denied by a managed policy that stays", func(from, _ *org.Account) {
			from.Policies = append(from.Policies, managed(denies, denyAssume))
			from.Users[0].Attached = []string{denies, readOnly}
			from.Sort()
		}, "cannot be assumed with MFA"},
		{"the role does not exist", func(_, to *org.Account) { to.Roles = nil }, "does not exist, or could not be read"},
		{"the account of the role was not read", func(_, to *org.Account) { to.Read = false }, "does not exist, or could not be read"},
		{"whether the role is open is not known", func(_, to *org.Account) {
			to.Roles[0].Trust = strings.Replace(withMFA, `"Bool":{"aws:MultiFactorAuthPresent":"true"}`, `"StringEquals":{"saml:aud":"x"}`, 1)
		}, "cannot be assumed with MFA"},
		{"the account's caller", func(from, _ *org.Account) { from.Caller = from.Users[0].ARN }, "is the user who runs the migration"},
	} {
		t.Run(row.name, func(t *testing.T) {
			ada := user("ada")
			ada.Attached = []string{readOnly}
			from, to := migrating(ada)
			in := input(t, from, to)
			row.change(from, to)
			m := access.Migrate(in, "ada")
			if len(m.Steps) == 0 || !slices.IsSortedFunc(m.Steps, plan.Compare) {
				t.Fatalf("steps %v", lines(m.Steps))
			}
			for _, s := range m.Steps {
				if (s.Blocked == "") != (row.blocked == "") || !strings.Contains(s.Blocked, row.blocked) || (s.Blocked == "") != (s.Remedy == "") {
					t.Errorf("%s: blocked %q, want %q", s.ID, s.Blocked, row.blocked)
				}
			}
			if (len(m.Roles) == 1) != (row.blocked == "") {
				t.Errorf("roles %v", m.Roles)
			}
		})
	}
}

// One role that can be assumed without MFA is enough to refuse, and every role is named
// once and in order.
func TestMigrateLooksAtEveryRole(t *testing.T) {
	const section = `access:
  account: "` + identity + `"
  groups: [{name: Ops, members: [ada]}, {name: More, members: [ada]}]
  grants:
    - {group: Ops, role: reader, accounts: ["` + target + `"], policies: [ReadOnlyAccess]}
    - {group: Ops, role: operator, accounts: ["` + target + `"], policies: [ReadOnlyAccess]}
    - {group: More, role: operator, accounts: ["` + target + `"], policies: [ReadOnlyAccess]}
    - {group: More, role: absent, accounts: ["` + target + `"], policies: [ReadOnlyAccess]}
`
	for _, row := range []struct {
		trust string
		roles int
	}{{withMFA, 2}, {openTo, 0}} {
		ada := user("ada")
		ada.Attached = []string{readOnly}
		from, to := migrating(ada)
		from.Groups[0].Inline[0].Document = document.Assume("aws", []string{"arn:aws:iam::" + target + ":role/*"})
		reader := org.Role{Name: "reader", ARN: "arn:aws:iam::" + target + ":role/reader", Trust: row.trust}
		to.Roles = append(to.Roles, reader)
		m := access.Migrate(with(t, section, from, to), "ada")
		open := row.roles == 0
		if blocked := len(m.Steps) != 1 || m.Steps[0].Blocked != ""; blocked != open {
			t.Errorf("steps %+v", m.Steps)
		}
		want := []string{"arn:aws:iam::" + target + ":role/operator", reader.ARN}
		if d := cmp.Diff(want, m.Roles); d != "" && !open {
			t.Errorf("roles (-want +got):\n%s", d)
		}
	}
}

func TestMigrateOfAUserWhoIsNotThereDoesNothing(t *testing.T) {
	from, to := migrating(user("ada"))
	if m := access.Migrate(input(t, from, to), "eve"); m.User != "eve" || len(m.Steps)+len(m.Kept)+len(m.Roles) != 0 {
		t.Errorf("%+v", m)
	}
}

func TestWhoCanGetAnMFASession(t *testing.T) {
	inactive := []org.AccessKey{{Slot: 1}}
	passkey := []org.Device{{Serial: "s", Kind: org.FIDO}}
	for _, row := range []struct {
		name   string
		change func(*org.User)
		why    string
	}{
		{"password and device", func(*org.User) {}, ""},
		{"password, device, no key", func(u *org.User) { u.Keys = nil }, ""},
		{"password and passkey", func(u *org.User) { u.Devices = passkey }, ""},
		{"key and codes", func(u *org.User) { u.Password = org.No }, ""},
		{"key and codes, password not read", func(u *org.User) { u.Password = org.Unknown }, ""},
		{"key and passkey", func(u *org.User) { u.Password, u.Devices = org.No, passkey }, "has no console password"},
		{"codes without a key", func(u *org.User) { u.Password, u.Keys = org.No, nil }, "has no console password"},
		{"codes with an inactive key", func(u *org.User) { u.Password, u.Keys = org.No, inactive }, "has no console password"},
		{"passkey, password not read", func(u *org.User) { u.Password, u.Devices = org.Unknown, passkey }, "has no console password"},
		{"no device", func(u *org.User) { u.MFA = org.No }, "has no MFA device"},
		{"devices not read", func(u *org.User) { u.MFA = org.Unknown }, "could not read whether"},
	} {
		u := user("ada")
		row.change(&u)
		why, remedy := access.NoMFASession(&u)
		if (why == "") != (row.why == "") || !strings.Contains(why, row.why) || (why == "") != (remedy == "") {
			t.Errorf("%s: %q, %q; want %q", row.name, why, remedy, row.why)
		}
	}
}
