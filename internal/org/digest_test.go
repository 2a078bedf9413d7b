package org

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// edit is one change to an account and what Diff says of it; none when it does
// not decide anything.
type edit struct {
	name string
	do   func(*Account)
	want []Change
}

func edits() []edit {
	later := may.Add(time.Hour)
	return []edit{
		{"nothing", func(*Account) {}, nil},
		{"document in other words", func(a *Account) { a.Policies[0].Versions[1].Document = denyTwin }, nil},
		{"inline document in other words", func(a *Account) { a.Users[1].Inline[0].Document = " " + allow }, nil},
		{"IDs and dates", func(a *Account) {
			a.Users[0].ID, a.Users[0].Created, a.Users[0].PasswordUsed = "AIDAOTHER", later, &later
			a.Users[1].Keys[0].ID, a.Users[1].Keys[0].Used = "AKIAOTHER", &later
			a.Policies[0].Versions[1].Created, a.Report = later, later
		}, nil},
		{"version that is not the default", func(a *Account) { a.Policies[0].Versions = a.Policies[0].Versions[1:] }, nil},
		{"fingerprint on our policy", func(a *Account) { a.Policies[0].Tags = []Tag{{"forcemfa-hash", "x"}} }, nil},
		{"what is read only before a step", func(a *Account) {
			a.Users[1].PasswordReset, a.Users[1].Services = Yes, &ServiceCredentials{SSHKeys: 1}
		}, nil},
		{"gaps, quotas and how it was read", func(a *Account) { a.Gaps, a.Quotas, a.Caller, a.Alias = nil, Quotas{}, "arn:x", "d" }, nil},
		{"default document", func(a *Account) { a.Policies[0].Default = "v1" }, []Change{{"policy/" + forceARN, "has another document"}}},
		{"default document not read", func(a *Account) { a.Policies[0].Default = "v9" }, []Change{{"policy/" + forceARN, "has another document"}}},
		{"inline document", func(a *Account) { a.Users[1].Inline[0].Document = denyJSON }, []Change{{"user/bob", "has another document in inline policy own"}}},
		{"attachment", func(a *Account) { a.Groups[0].Attached = nil }, []Change{{"group/Devs", "had policy " + forceARN + " detached"}}},
		{"membership", func(a *Account) { a.Users[0].Groups = []string{"Devs"} }, []Change{{"user/ann", "joined group Devs"}}},
		{"boundary", func(a *Account) { a.Users[0].Boundary = "" }, []Change{{"user/ann", "lost permissions boundary " + forceARN}}},
		{"tag", func(a *Account) { a.Users[1].Tags[0].Value = "Service" }, []Change{{"user/bob", "has tag userType = Service, was Human"}}},
		{"tag gone", func(a *Account) { a.Users[1].Tags = nil }, []Change{{"user/bob", "lost tag userType = Human"}}},
		{"trust", func(a *Account) { a.Roles[0].Trust = denyJSON }, []Change{{"role/Deploy", "has another trust policy"}}},
		{"SCP", func(a *Account) { a.SCPs = append(a.SCPs, "p-guard") }, []Change{{"account", "got SCP Guard"}}},
		{"unit", func(a *Account) { a.Unit = "r-1" }, []Change{{"account", "moved from unit ou-dev to r-1"}}},
		{"device", func(a *Account) { a.Users[0].Devices = nil }, []Change{{"user/ann", "lost MFA device arn:aws:iam::222222222222:mfa/ann"}}},
		{"MFA", func(a *Account) { a.Users[1].MFA = Yes }, []Change{{"user/bob", "has MFA: yes, was no"}}},
		{"password unknown", func(a *Account) { a.Users[1].Password = Unknown }, []Change{
			{"user/bob", "has access keys: unknown; was: 1 active, 1 inactive"},
			{"user/bob", "has a password: unknown, was no"},
		}},
		{"key", func(a *Account) { a.Users[1].Keys[0].Active = false }, []Change{{"user/bob", "has access keys: 0 active, 2 inactive; was: 1 active, 1 inactive"}}},
		{"root", func(a *Account) { a.Root.AccessKeys = Yes }, []Change{{"root", "has access keys: yes; was: no"}}},
		{"unassigned device", func(a *Account) { a.Unassigned = nil }, []Change{{"device/arn:aws:iam::222222222222:mfa/left", "is gone"}}},
		{"user gone", func(a *Account) { a.Users = a.Users[:1] }, []Change{{"user/bob", "is gone"}}},
		{"path", func(a *Account) { a.Users[1].Path = "/" }, []Change{{"user/bob", "moved from /team/ to /"}}},
	}
}

func TestDigestAndDiffAgreeOnWhatDecides(t *testing.T) {
	for _, e := range edits() {
		t.Run(e.name, func(t *testing.T) {
			h, before := acme()
			_, after := acme()
			e.do(after)
			if d := cmp.Diff(e.want, Diff(h, before, after)); d != "" {
				t.Error(d)
			}
			if same := before.Digest(h) == after.Digest(h); same != (len(e.want) == 0) {
				t.Errorf("digests agree: %v", same)
			}
		})
	}
}

func TestEveryChangeHasItsWayBack(t *testing.T) {
	for _, e := range edits() {
		h, before := acme()
		_, after := acme()
		e.do(after)
		if there, back := Diff(h, before, after), Diff(h, after, before); len(there) != len(back) {
			t.Errorf("%s: %v there, %v back", e.name, there, back)
		}
	}
}

func TestANewAccountIsOneChangeASubject(t *testing.T) {
	h, a := acme()
	seen := map[string]int{}
	for _, c := range Diff(h, nil, a) {
		seen[c.Subject]++
		if c.Subject != "root" && c.What != "is new" {
			t.Error(c)
		}
	}
	if seen["user/bob"] != 1 || seen["account"] != 1 {
		t.Error(seen)
	}
}

func TestTheOrganizationsDigestCoversWhatItsHeaderDecides(t *testing.T) {
	for _, c := range []struct {
		name    string
		do      func(*Header)
		changes bool
	}{
		{"nothing", func(*Header) {}, false},
		{"time and caller", func(h *Header) { h.Taken, h.Caller, h.Accounts = may.Add(1), "arn:x", 7 }, false},
		{"name of a unit", func(h *Header) { h.Units[1].Name = "x" }, false},
		{"ID of an SCP that was made again", func(h *Header) { h.SCPs[1].ID, h.Units[1].SCPs[1] = "p-again", "p-again" }, false},
		{"another SCP", func(h *Header) { h.SCPs[1].Name = "y" }, true},
		{"order", func(h *Header) { h.SCPs[0], h.SCPs[1] = h.SCPs[1], h.SCPs[0] }, false},
		{"SCP in other words", func(h *Header) { h.SCPs[1].Document = denyTwin }, false},
		{"SCP", func(h *Header) { h.SCPs[1].Document = allow }, true},
		{"attachment", func(h *Header) { h.Units[1].SCPs = nil }, true},
		{"place", func(h *Header) { h.Units[1].Parent = "r-2" }, true},
		{"RCPs", func(h *Header) { controlled(h, new(Account)) }, true},
		{"SCPs off", func(h *Header) { h.Organization.SCPsEnabled = false }, true},
		{"no organization", func(h *Header) { h.Organization = nil }, true},
	} {
		before, a := acme()
		after, _ := acme()
		c.do(after)
		if changes := Digest(before, []string{a.Digest(before)}) != Digest(after, []string{a.Digest(after)}); changes != c.changes {
			t.Errorf("%s: the digest changes: %v", c.name, changes)
		}
	}
}

func TestTheOrganizationsDigestDoesNotDependOnTheOrderOfAccounts(t *testing.T) {
	h, _ := acme()
	if Digest(h, []string{"a", "b"}) != Digest(h, []string{"b", "a"}) {
		t.Error("it does")
	}
	if Digest(h, []string{"a", "b"}) == Digest(h, []string{"ab"}) {
		t.Error("two accounts run together")
	}
}

func TestCanonicalKeepsWhatMayMatter(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"white space and order of keys", ` { "b" : [ 1 , "x" ] , "a" : null } `, `{"a":null,"b":[1,"x"]}`},
		{"order of a list", `{"a":["y","x"]}`, `{"a":["y","x"]}`},
		{"escapes", `{"a":"\u0041\/"}`, `{"a":"A/"}`},
		{"numbers as written", `{"a":1.50}`, `{"a":1.50}`},
		{"key twice", `{"a":1, "a":2}`, `{"a":1, "a":2}`},
		{"not JSON", `{ nonsense`, `{ nonsense`},
		{"two texts", `{ } { }`, `{ } { }`},
		{"not UTF-8", "{ \"a\":\"\xff\"}", "{ \"a\":\"\xff\"}"},
		{"empty", "", ""},
	} {
		if got := Canonical(c.text); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func FuzzCanonical(f *testing.F) {
	f.Add(denyTwin)
	f.Add(`{"a":{"b":[{},[],"<>"]},"a":1}`)
	f.Fuzz(func(t *testing.T, text string) {
		once := Canonical(text)
		if twice := Canonical(once); twice != once {
			t.Fatalf("%q, then %q", once, twice)
		}
	})
}

func TestTheDigestCoversRCPs(t *testing.T) {
	with := func(do func(*Header)) (*Header, *Account) {
		h, a := acme()
		controlled(h, a)
		do(h)
		return h, a
	}
	before, a := with(func(*Header) {})
	for name, do := range map[string]func(*Header){
		"another name": func(h *Header) { h.RCPs[1].Name = "y" },
		"document":     func(h *Header) { h.RCPs[1].Document = allowAll },
		"attachment":   func(h *Header) { h.Units[1].RCPs = nil },
		"off":          func(h *Header) { h.Organization.RCPsEnabled = false },
	} {
		after, _ := with(do)
		if Digest(before, []string{a.Digest(before)}) == Digest(after, []string{a.Digest(after)}) {
			t.Errorf("%s: the digest stays the same", name)
		}
	}
	b := *a
	b.RCPs = append(b.RCPs, "p-perimeter")
	if d := cmp.Diff([]Change{{"account", "got RCP Perimeter"}}, Diff(before, a, &b)); d != "" {
		t.Error(d)
	}
}
