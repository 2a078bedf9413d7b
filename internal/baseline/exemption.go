package baseline

import (
	"strings"
	"time"

	"forcemfa/internal/org"
)

// An Exemption lets users be without ForceMFA.
type Exemption struct {
	Match      Match     `json:"match"`
	Owner      string    `json:"owner"`
	Reason     string    `json:"reason"`
	Expires    time.Time `json:"expires,omitzero"` // the last day on which it holds, in UTC; zero: no end
	BreakGlass bool      `json:"break_glass,omitempty"`
	Line       int       `json:"-"` // in the config file; 0 without one
}

// A Match says which users. What is empty matches everybody; everything given
// must match. In each, * is any run of characters and ? is any one.
type Match struct {
	Tag     string `json:"tag,omitempty"` // key=value, compared without case
	Name    string `json:"name,omitempty"`
	Path    string `json:"path,omitempty"`
	ARN     string `json:"arn,omitempty"`
	Account string `json:"account,omitempty"`
}

// Exempt is the exemption under which a user is at the moment, the first in
// the order of the file; nil when there is none. Expired ones exempt nobody.
func (b *Baseline) Exempt(account string, u *org.User, now time.Time) *Exemption {
	for i := range b.Exemptions {
		e := &b.Exemptions[i]
		if !e.Expired(now) && e.Match.Matches(account, u) {
			return e
		}
	}
	return nil
}

// Lapsed are the exemptions that would match a user had they not expired.
func (b *Baseline) Lapsed(account string, u *org.User, now time.Time) []*Exemption {
	var lapsed []*Exemption
	for i := range b.Exemptions {
		e := &b.Exemptions[i]
		if e.Expired(now) && e.Match.Matches(account, u) {
			lapsed = append(lapsed, e)
		}
	}
	return lapsed
}

// Expired tells whether the last day is over.
func (e *Exemption) Expired(now time.Time) bool {
	return !e.Expires.IsZero() && !now.Before(e.Expires.AddDate(0, 0, 1))
}

// String says what matches, who answers for it, why and until when.
func (e *Exemption) String() string {
	kind := "exemption"
	if e.BreakGlass {
		kind = "break-glass"
	}
	s := kind + " " + e.Match.String() + ", owner " + e.Owner + ": " + e.Reason
	if !e.Expires.IsZero() {
		s += ", until " + e.Expires.Format(time.DateOnly)
	}
	return s
}

// String is the match as the config file holds it, its keys in a fixed order.
func (m Match) String() string {
	var parts []string
	for _, p := range m.parts() {
		switch {
		case p.pattern == "":
		case strings.HasPrefix(p.pattern, p.key+":"):
			parts = append(parts, p.pattern) // an ARN says what it is
		default:
			parts = append(parts, p.key+" "+p.pattern)
		}
	}
	return strings.Join(parts, ", ")
}

// parts are the keys of a match in the config file and what they hold.
func (m Match) parts() []struct{ key, pattern string } {
	return []struct{ key, pattern string }{
		{"tag", m.Tag}, {"name", m.Name}, {"path", m.Path}, {"arn", m.ARN}, {"account", m.Account},
	}
}

// Matches tells whether a user of an account is meant.
func (m Match) Matches(account string, u *org.User) bool {
	return matches(m.Account, account) && matches(m.Name, u.Name) && matches(m.Path, u.Path) &&
		matches(m.ARN, u.ARN) && (m.Tag == "" || m.MatchesTag(u.Tags))
}

// MatchesTag tells whether one of the tags is the one that the match names.
func (m Match) MatchesTag(tags []org.Tag) bool {
	key, value, _ := strings.Cut(strings.ToLower(m.Tag), "=")
	for _, t := range tags {
		if glob(key, strings.ToLower(t.Key)) && glob(value, strings.ToLower(t.Value)) {
			return true
		}
	}
	return false
}

// matches tells whether s is meant by a pattern; an empty pattern means all.
func matches(pattern, s string) bool { return pattern == "" || glob(pattern, s) }

// glob tells whether all of s matches the pattern, in time proportional to
// both lengths multiplied.
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

// InAccount tells whether the match can mean users of an account.
func (m Match) InAccount(account string) bool { return matches(m.Account, account) }
