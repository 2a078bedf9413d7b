package baseline

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"forcemfa/internal/org"
	"forcemfa/policy/arn"
)

// A Match selects users. Empty fields match all users, and all other fields must
// match. Each is a glob, where * is any sequence of characters and ? any character,
// or, after "regex:", a regular expression that must match the whole text.
type Match struct {
	Tag     string `json:"tag,omitempty"` // key=value, compared without case; the value may be a regular expression
	Name    string `json:"name,omitempty"`
	Path    string `json:"path,omitempty"`
	ARN     string `json:"arn,omitempty"`
	Account string `json:"account,omitempty"`
	OU      string `json:"ou,omitempty"` // ID or name of a unit, including the units below it

	regexes map[string]*regexp.Regexp // by their text; others are compiled on demand
}

// Equal reports whether two matches are the same.
func (m Match) Equal(o Match) bool {
	return m.Tag == o.Tag && m.Name == o.Name && m.Path == o.Path && m.ARN == o.ARN && m.Account == o.Account && m.OU == o.OU
}

// A Place is the account of a user with the units above it.
type Place struct {
	Account string   // ID
	Units   []string // IDs and names of the units that hold the account
}

// PlaceOf is the place of the users of an account. Without the organization it has
// no units.
func PlaceOf(h *org.Header, a *org.Account) Place {
	p := Place{Account: a.ID}
	id := a.Unit
	for range h.Units { // a malformed snapshot may have a unit below itself
		u := h.Unit(id)
		if u == nil {
			break
		}
		p.Units = append(p.Units, u.ID, u.Name)
		id = u.Parent
	}
	return p
}

// Under reports whether an account is one of the targets or below one: IDs of roots,
// units and accounts. The management account is under none, because service control
// policies don't affect it.
// Source: Organizations User Guide, "Service control policies".
func Under(h *org.Header, a *org.Account, targets []string) bool {
	if a.Management || h.Organization != nil && a.ID == h.Organization.ManagementAccount {
		return false
	}
	return slices.Contains(targets, a.ID) || slices.ContainsFunc(PlaceOf(h, a).Units, func(unit string) bool {
		return h.Unit(unit) != nil && slices.Contains(targets, unit)
	})
}

const regexMark = "regex:"

// maxRegex is far above the length of expressions written by hand.
const maxRegex = 1024

// hasRegex reports whether the pattern of a key is a regular expression.
func hasRegex(key, text string) bool {
	if key == "tag" {
		_, text, _ = strings.Cut(text, "=")
	}
	return strings.HasPrefix(text, regexMark)
}

// regexOf is the regular expression in the pattern of a key.
func regexOf(key, text string) string {
	if key == "tag" {
		_, text, _ = strings.Cut(text, "=")
	}
	return strings.TrimPrefix(text, regexMark)
}

// compile anchors a regular expression at both ends.
func compile(text string) (*regexp.Regexp, error) {
	if text == "" || len(text) > maxRegex {
		return nil, fmt.Errorf("want a regular expression of 1 to %d characters after %s", maxRegex, regexMark)
	}
	r, err := regexp.Compile(`\A(?s:` + text + `)\z`)
	if err != nil {
		return nil, fmt.Errorf("not a regular expression: %w", err)
	}
	return r, nil
}

// compiled is the match with its regular expressions ready.
func (m Match) compiled() Match {
	m.regexes = nil
	for _, p := range m.parts() {
		if !hasRegex(p.key, p.pattern) {
			continue
		}
		text := caseless(p.key, regexOf(p.key, p.pattern))
		if r, err := compile(text); err == nil {
			if m.regexes == nil {
				m.regexes = map[string]*regexp.Regexp{}
			}
			m.regexes[text] = r
		}
	}
	return m
}

// caseless makes the value of a tag compare without case.
func caseless(key, text string) string {
	if key == "tag" && text != "" {
		return "(?i)" + text
	}
	return text
}

// allPass reports whether a pattern matches everybody, judged by a few texts: they have
// no character in common where names differ, so a pattern with a fixed part of a name
// misses one of them. The root of the organization is everybody as well.
func (m Match) allPass(key, pattern string) bool {
	if key == "tag" {
		name, value, _ := strings.Cut(pattern, "=")
		probe := Match{Name: value}
		return strings.Trim(name, "*?") == "" && (value == "" || probe.allPass("name", value))
	}
	if key == "ou" && rootID.MatchString(pattern) {
		return true
	}
	for _, group := range probes[key] {
		if !slices.ContainsFunc(group, func(text string) bool { return !m.passes(key, pattern, text) }) {
			return true
		}
	}
	return false
}

// Source: Organizations API Reference, Root, Id.
var rootID = regexp.MustCompile(`^r-[0-9a-z]{4,32}$`)

// probes are texts by key of a match. A pattern that matches a whole group matches
// everybody in a partition.
var probes = func() map[string][][]string {
	names := []string{"alice.and.bob=carol+dave", "FRANK_GRACE@HEIDI,IVAN-0", "123456789123456789123456"}
	// Names that begin with a letter, or have letters only, are those of most people.
	begun, letters := []string{"kim.dulac", "bob", "zoe9_x@firm"}, []string{"Kim", "bob", "frederick"}
	all := map[string][][]string{
		"name": {names, begun, letters}, "ou": {append([]string{"ou-ab12-11111111"}, names...), {"Root"}, {"r-ab12"}},
		"path":    {{"/"}}, // of users that were created without one
		"account": {{"111111111111", "902738465038"}},
	}
	for _, partition := range arn.PartitionIDs() {
		group := []string{"arn:" + partition + ":iam::902738465038:user/lower/case/" + names[0]}
		for _, name := range names {
			group = append(group, arn.IAM(partition, "111111111111", "user", "/", name))
		}
		all["arn"] = append(all["arn"], group)
	}
	return all
}()

// String is the match as the config file holds it, its keys in a fixed order.
func (m Match) String() string {
	var parts []string
	for _, p := range m.parts() {
		switch {
		case p.pattern == "":
		case strings.HasPrefix(p.pattern, p.key+":"):
			parts = append(parts, p.pattern) // an ARN needs no key in front
		default:
			parts = append(parts, p.key+" "+p.pattern)
		}
	}
	return strings.Join(parts, ", ")
}

// parts are the keys of a match in the config file and what they hold.
func (m Match) parts() []struct{ key, pattern string } {
	return []struct{ key, pattern string }{
		{"tag", m.Tag}, {"name", m.Name}, {"path", m.Path}, {"arn", m.ARN}, {"account", m.Account}, {"ou", m.OU},
	}
}

// Matches reports whether a user at a place is selected.
func (m Match) Matches(at Place, u *org.User) bool {
	return m.InPlace(at) && m.passes("name", m.Name, u.Name) && m.passes("path", m.Path, u.Path) &&
		m.passes("arn", m.ARN, u.ARN) && (m.Tag == "" || m.MatchesTag(u.Tags))
}

// InPlace reports whether the match can select users at a place.
func (m Match) InPlace(at Place) bool {
	if !m.passes("account", m.Account, at.Account) {
		return false
	}
	if m.OU == "" {
		return true
	}
	for _, unit := range at.Units {
		if m.passes("ou", m.OU, unit) {
			return true
		}
	}
	return false
}

// MatchesTag reports whether one of the tags matches.
func (m Match) MatchesTag(tags []org.Tag) bool {
	key, value, _ := strings.Cut(m.Tag, "=")
	key = lower(key)
	for _, t := range tags {
		if glob(key, lower(t.Key)) && m.tagValue(value, t.Value) {
			return true
		}
	}
	return false
}

// lower folds the case of ASCII letters alone. The Kelvin sign and the dotted capital I
// are letters that IAM accepts in the key of a tag, and they become k and i in
// [strings.ToLower]; whether the service control policy that guards a tag folds them
// as well is not documented, so a key with them is another key.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

func (m Match) tagValue(want, value string) bool {
	if text, regex := strings.CutPrefix(want, regexMark); regex {
		return m.regex(caseless("tag", text), value)
	}
	return glob(strings.ToLower(want), strings.ToLower(value))
}

// passes reports whether s matches the pattern of a key. An empty pattern matches
// everything.
func (m Match) passes(key, pattern, s string) bool {
	if text, regex := strings.CutPrefix(pattern, regexMark); regex {
		return m.regex(text, s)
	}
	return pattern == "" || glob(pattern, s)
}

func (m Match) regex(text, s string) bool {
	r := m.regexes[text]
	if r == nil {
		var err error
		if r, err = compile(text); err != nil {
			return false
		}
	}
	return r.MatchString(s)
}

// glob reports whether the whole of s matches the pattern, in time proportional to
// the product of the lengths.
func glob(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
