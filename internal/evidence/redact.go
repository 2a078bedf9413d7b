package evidence

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/impact"
	"forcemfa/internal/org"
	"forcemfa/policy/arn"
)

// Redact replaces the names of users, network addresses, the values of tags, serial
// numbers of devices and IDs of access keys by an HMAC-SHA-256 with a key, in the
// accounts, their policy documents and the config. The pack is about the redacted
// accounts: every user is proved anew. A user whose state would differ, because a policy
// or an exemption depends on the text that was replaced, is left out and counted.
func Redact(in Input, key []byte) Input {
	x := &redactor{key: key}
	out := in
	header := *in.Header
	header.Caller = ""
	header.Gaps = redactGaps(in.Header.Gaps)
	out.Header, out.Baseline = &header, x.baseline(in.Baseline)
	out.Head.Caller, out.Head.Flags, out.Head.ConfigFile, out.Head.Config = "", nil, "", out.Baseline.Hash()
	out.Redaction = new(RedactionCount)
	now := in.Now.UTC().Truncate(time.Second)
	before, after := audit.New(in.Header, in.Baseline, now), audit.New(out.Header, out.Baseline, now)
	out.Accounts = func(yield func(*org.Account, error) bool) {
		for account, err := range in.Accounts {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(x.redacted(account, before, after, out.Redaction), nil) {
				return
			}
		}
	}
	return out
}

// A redactor replaces words.
type redactor struct{ key []byte }

func (x *redactor) hash(kind, word string) string { return impact.Redacted(x.key, kind, word) }

func (x *redactor) user(name string) string { return x.hash("user-", name) }

// tag is the same for values that differ only in case, because exemptions compare them
// without case.
func (x *redactor) tag(value string) string { return x.hash("tag-", strings.ToLower(value)) }

// redactGaps keeps what was not read and where. The reasons can name anybody.
func redactGaps(gaps []org.Gap) []org.Gap {
	out := slices.Clone(gaps)
	for i := range out {
		out[i].Why = "redacted"
	}
	return out
}

// redacted is an account without the users whose state differs.
func (x *redactor) redacted(account *org.Account, before, after *audit.Auditor, count *RedactionCount) *org.Account {
	if !account.Read {
		out := *account
		out.Caller, out.Gaps = "", redactGaps(account.Gaps)
		return &out
	}
	states := map[string]audit.State{}
	for c := range before.Cases(account) {
		states[x.user(c.User.Name)] = c.User.State
	}
	out := x.account(account)
	same := map[string]bool{}
	for c := range after.Cases(out) {
		same[c.User.Name] = states[c.User.Name] == c.User.State
	}
	all := len(out.Users)
	out.Users = slices.DeleteFunc(out.Users, func(u org.User) bool { return !same[u.Name] })
	count.Users += all - len(out.Users)
	return out
}

// names are the words to replace in one account.
type names struct {
	*redactor
	users  map[string]bool
	values map[string]bool // of tags, in lower case
}

func (x *redactor) account(account *org.Account) *org.Account {
	n := &names{x, map[string]bool{}, map[string]bool{}}
	for _, u := range account.Users {
		n.users[u.Name] = true
		n.addTags(u.Tags)
	}
	for _, r := range account.Roles {
		n.addTags(r.Tags)
	}
	out := *account
	out.Caller, out.Gaps = "", redactGaps(account.Gaps)
	out.Users, out.Groups = each(account.Users, func(u *org.User) { n.user(account, u) }), each(account.Groups, n.group)
	out.Roles, out.Policies = each(account.Roles, n.role), each(account.Policies, n.policy)
	out.Unassigned = n.devices(account.Unassigned)
	out.Sort()
	return &out
}

func (n *names) addTags(tags []org.Tag) {
	for _, t := range tags {
		n.values[strings.ToLower(t.Value)] = true
	}
}

// each changes a copy of a list.
func each[T any](list []T, change func(*T)) []T {
	out := slices.Clone(list)
	for i := range out {
		change(&out[i])
	}
	return out
}

func (n *names) user(account *org.Account, u *org.User) {
	u.Name = n.redactor.user(u.Name)
	u.ARN = arn.IAM(account.Partition, account.ID, "user", u.Path, u.Name)
	u.Tags, u.Devices = n.tags(u.Tags), n.devices(u.Devices)
	u.Groups = each(u.Groups, func(s *string) { *s = n.words(*s) })
	u.Keys = each(u.Keys, func(k *org.AccessKey) { k.ID = n.hash("key-", k.ID) })
	u.Boundary = n.words(u.Boundary)
	n.policies(&u.Inline, &u.Attached)
}

func (n *names) group(g *org.Group) {
	g.Name, g.ARN = n.words(g.Name), n.words(g.ARN)
	n.policies(&g.Inline, &g.Attached)
}

func (n *names) role(r *org.Role) {
	r.Name, r.ARN, r.Trust, r.Boundary = n.words(r.Name), n.words(r.ARN), n.document(r.Trust), n.words(r.Boundary)
	r.Tags = n.tags(r.Tags)
	n.policies(&r.Inline, &r.Attached)
}

func (n *names) policy(p *org.Policy) {
	p.Name, p.ARN, p.Tags = n.words(p.Name), n.words(p.ARN), n.tags(p.Tags)
	p.Versions = each(p.Versions, func(v *org.Version) { v.Document = n.document(v.Document) })
}

func (n *names) policies(inline *[]org.InlinePolicy, attached *[]string) {
	*inline = each(*inline, func(p *org.InlinePolicy) { p.Name, p.Document = n.words(p.Name), n.document(p.Document) })
	*attached = each(*attached, func(s *string) { *s = n.words(*s) })
}

func (n *names) tags(tags []org.Tag) []org.Tag {
	return each(tags, func(t *org.Tag) { t.Value = n.tag(t.Value) })
}

func (n *names) devices(devices []org.Device) []org.Device {
	return each(devices, func(d *org.Device) {
		before, name, found := strings.Cut(d.Serial, "/")
		if !found {
			before, name = "", d.Serial
		} else {
			before += "/"
		}
		d.Serial = before + n.hash("device-", name)
	})
}

// document replaces words in the strings of a policy document. A text that is not JSON
// stays one that cannot be read.
func (n *names) document(text string) string {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var value any
	if d.Decode(&value) != nil || d.More() {
		return "redacted: not JSON"
	}
	var out bytes.Buffer
	if newEncoder(&out).Encode(n.value(value)) != nil {
		return "redacted: not JSON"
	}
	return strings.TrimSuffix(out.String(), "\n")
}

func (n *names) value(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			v[key] = n.value(v[key])
		}
	case []any:
		for i := range v {
			v[i] = n.value(v[i])
		}
	case string:
		return n.text(v)
	}
	return v
}

func (n *names) text(s string) string {
	if network, ok := n.network(s); ok {
		return network
	}
	if n.values[strings.ToLower(s)] && !n.users[s] {
		return n.tag(s)
	}
	return n.words(s)
}

// network replaces the bits of an address or CIDR block, which keeps its size.
func (x *redactor) network(s string) (string, bool) {
	prefix, err := netip.ParsePrefix(s)
	if err != nil {
		address, err := netip.ParseAddr(s)
		if err != nil {
			return s, false
		}
		return x.address(address).String(), true
	}
	if prefix.Bits() == 0 {
		return s, true
	}
	return netip.PrefixFrom(x.address(prefix.Masked().Addr()), prefix.Bits()).Masked().String(), true
}

func (x *redactor) address(a netip.Addr) netip.Addr {
	bits := a.AsSlice()
	copy(bits, x.hash("", a.String()))
	out, _ := netip.AddrFromSlice(bits) // the length is that of an address
	return out
}

// words replaces the names of users where they stand as whole words.
// Source: IAM API Reference, userNameType, for the characters of a name.
func (n *names) words(s string) string {
	inName := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_+=,.@-", r)
	}
	var out strings.Builder
	for s != "" {
		end := strings.IndexFunc(s, func(r rune) bool { return !inName(r) })
		if end < 0 {
			end = len(s)
		}
		if word := s[:end]; n.users[word] {
			out.WriteString(n.redactor.user(word))
		} else {
			out.WriteString(word)
		}
		next := strings.IndexFunc(s[end:], inName)
		if next < 0 {
			next = len(s) - end
		}
		out.WriteString(s[end : end+next])
		s = s[end+next:]
	}
	return out.String()
}

// baseline is a config that selects the same users by their new names.
func (x *redactor) baseline(b *baseline.Baseline) *baseline.Baseline {
	out := *b
	out.Access, out.Notify, out.Name, out.Environment = nil, baseline.Notify{}, "", nil
	out.Exemptions = each(b.Exemptions, func(e *baseline.Exemption) {
		e.Match, e.Owner, e.Reason = x.match(e.Match), x.hash("owner-", e.Owner), "redacted"
	})
	out.Waves = each(b.Waves, func(w *baseline.Wave) { w.Match = x.match(w.Match) })
	out.Acknowledge = each(b.Acknowledge, func(a *baseline.Acknowledgement) { a.Name = x.user(a.Name) })
	out.Window.Networks = each(b.Window.Networks, func(s *string) { *s, _ = x.network(*s) })
	return &out
}

// match selects the same users if it has no pattern. A pattern is replaced by a text
// that selects nobody, so that the users it selects are left out.
func (x *redactor) match(m baseline.Match) baseline.Match {
	out := baseline.Match{Path: m.Path, Account: m.Account, OU: m.OU}
	if m.Name != "" {
		out.Name = x.user(m.Name)
	}
	if key, value, found := strings.Cut(m.Tag, "="); found {
		out.Tag = key + "=" + x.tag(value)
	} else {
		out.Tag = m.Tag
	}
	if m.ARN != "" {
		at := strings.LastIndexByte(m.ARN, '/') + 1
		out.ARN = m.ARN[:at] + x.user(m.ARN[at:])
	}
	return out
}
