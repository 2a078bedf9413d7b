package org

import (
	"cmp"
	"slices"
	"strings"
)

// A Change is one thing that decides and is not as it was.
type Change struct {
	Subject string `json:"subject"` // user/bob, group/Devs, role/Admin, policy/ARN, device/SERIAL, account, root
	What    string `json:"what"`    // what happened to it, for people: "joined group Devs"
}

// String is the change as a sentence.
func (c Change) String() string { return c.Subject + " " + c.What }

// Diff is what changed from a to b, of what [Account.Digest] covers: it is
// empty exactly when the digests agree. Sorted by subject. Either may be nil.
// The header, of both, tells the names of SCPs and RCPs.
func Diff(h *Header, a, b *Account) []Change {
	var changes []Change
	was, is := factsOf(h, a), factsOf(h, b)
	for before, after := range pair(was, is) {
		if c, ok := changeOf(before, after); ok {
			changes = append(changes, c)
		}
	}
	return withoutDetails(changes, was, is)
}

func factsOf(h *Header, a *Account) []fact {
	if a == nil {
		return nil
	}
	return a.facts(h)
}

// pair yields the facts of two sorted lists side by side; nil where one list
// has none.
func pair(a, b []fact) func(yield func(before, after *fact) bool) {
	return func(yield func(before, after *fact) bool) {
		for len(a) > 0 || len(b) > 0 {
			var before, after *fact
			switch order := headOrder(a, b); {
			case order < 0:
				before, a = &a[0], a[1:]
			case order > 0:
				after, b = &b[0], b[1:]
			default:
				before, a = &a[0], a[1:]
				after, b = &b[0], b[1:]
			}
			if !yield(before, after) {
				return
			}
		}
	}
}

func headOrder(a, b []fact) int {
	switch {
	case len(b) == 0:
		return -1
	case len(a) == 0:
		return 1
	}
	return a[0].compare(b[0])
}

// A phrase says what happened to a fact. %[1]s is its key, %[2]s the value
// before, %[3]s the value after.
type phrase struct{ gained, lost, changed string }

var phrases = map[aspect]phrase{
	exists:      {"is new", "is gone", "moved from %[2]s to %[3]s"},
	state:       {"is now %[3]s", "has no state any more", "was %[2]s, is now %[3]s"},
	read:        {"read: %[3]s", "read: %[2]s before", "could be read before: %[2]s, now: %[3]s"},
	management:  {"is management account: %[3]s", "was management account: %[2]s", "is management account: %[3]s"},
	unit:        {"stands in unit %[3]s", "stands in unit %[2]s no longer", "moved from unit %[2]s to %[3]s"},
	scp:         {"got SCP %[1]s", "lost SCP %[1]s", ""},
	rcp:         {"got RCP %[1]s", "lost RCP %[1]s", ""},
	document:    {"has a document", "has no document any more", "has another document"},
	trust:       {"has a trust policy", "has no trust policy any more", "has another trust policy"},
	tag:         {"was tagged %[1]s = %[3]s", "lost tag %[1]s = %[2]s", "has tag %[1]s = %[3]s, was %[2]s"},
	group:       {"joined group %[1]s", "left group %[1]s", ""},
	inline:      {"got inline policy %[1]s", "lost inline policy %[1]s", "has another document in inline policy %[1]s"},
	attached:    {"got policy %[1]s attached", "had policy %[1]s detached", ""},
	boundary:    {"got permissions boundary %[3]s", "lost permissions boundary %[2]s", "has permissions boundary %[3]s, was %[2]s"},
	password:    {"has a password: %[3]s", "had a password: %[2]s", "has a password: %[3]s, was %[2]s"},
	mfa:         {"has MFA: %[3]s", "had MFA: %[2]s", "has MFA: %[3]s, was %[2]s"},
	hardwareMFA: {"has hardware MFA: %[3]s", "had hardware MFA: %[2]s", "has hardware MFA: %[3]s, was %[2]s"},
	device:      {"got MFA device %[1]s", "lost MFA device %[1]s", "has MFA device %[1]s as %[3]s, was %[2]s"},
	keys:        {"has access keys: %[3]s", "had access keys: %[2]s", "has access keys: %[3]s; was: %[2]s"},
	enabled:     {"has SCPs enabled: %[3]s", "had SCPs enabled: %[2]s", "has SCPs enabled: %[3]s"},
	enabledRCPs: {"has RCPs enabled: %[3]s", "had RCPs enabled: %[2]s", "has RCPs enabled: %[3]s"},
}

func changeOf(before, after *fact) (Change, bool) {
	f := cmp.Or(after, before)
	p := phrases[f.aspect]
	form, was, is := p.changed, "", ""
	if before != nil {
		was = before.value
	}
	if after != nil {
		is = after.value
	}
	switch {
	case before == nil:
		form = p.gained
	case after == nil:
		form = p.lost
	case was == is:
		return Change{}, false
	}
	return Change{f.subject, say(form, f.key, was, is)}, true
}

// say fills in a phrase, which need not use every value.
func say(form, key, was, is string) string {
	return strings.NewReplacer("%[1]s", key, "%[2]s", was, "%[3]s", is).Replace(form)
}

// withoutDetails drops what is said of subjects that are new or gone, but that
// they are.
func withoutDetails(changes []Change, a, b []fact) []Change {
	before, after := subjects(a), subjects(b)
	return slices.DeleteFunc(changes, func(c Change) bool {
		p := phrases[exists]
		return before[c.Subject] != after[c.Subject] && c.What != p.gained && c.What != p.lost
	})
}

// subjects are those that have the fact that they exist.
func subjects(facts []fact) map[string]bool {
	m := map[string]bool{}
	for _, f := range facts {
		if f.aspect == exists {
			m[f.subject] = true
		}
	}
	return m
}
