package org

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode"
)

// Duplicate returns a member that an object of a text has twice, and where the second
// one begins; empty: none. The decoder takes the last one, in whatever case, so another
// reader could see something else in the same text. The text is JSON that was decoded.
func Duplicate(text []byte) (member string, at int) {
	var open []members // of each object and array around the position
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			if len(open) < cap(open) {
				open = open[:len(open)+1]
				open[len(open)-1].clear() // keeps the room of an object before
			} else {
				open = append(open, members{})
			}
		case '}', ']':
			open = open[:len(open)-1]
		case '"':
			end := stringEnd(text, i)
			if len(open) > 0 && isMember(text[end:]) {
				if key := unquoted(text[i:end]); !open[len(open)-1].add(key) {
					return string(key), i
				}
			}
			i = end - 1
		}
	}
	return "", 0
}

// members are the names of the members of an object so far. Few are compared one by one,
// which takes no memory; many are kept by their folded names.
type members struct {
	few  [][]byte
	many map[string]bool
}

const fewMembers = 32

func (m *members) clear() { m.few, m.many = m.few[:0], nil }

// add adds a name, and reports whether it is new.
func (m *members) add(name []byte) bool {
	if m.many == nil && len(m.few) < fewMembers {
		if slices.ContainsFunc(m.few, func(k []byte) bool { return bytes.EqualFold(k, name) && folded(k) == folded(name) }) {
			return false
		}
		m.few = append(m.few, name)
		return true
	}
	if m.many == nil {
		m.many = map[string]bool{}
		for _, k := range m.few {
			m.many[folded(k)] = true
		}
	}
	key := folded(name)
	if m.many[key] {
		return false
	}
	m.many[key] = true
	return true
}

// folded is the same for names that the decoder takes for one member of a struct, as
// [bytes.EqualFold] does, and for names of one condition key, which all have a colon.
func folded(name []byte) string {
	if bytes.IndexByte(name, ':') >= 0 {
		return strings.ToLower(string(name))
	}
	return strings.Map(func(r rune) rune {
		for {
			next := unicode.SimpleFold(r)
			if next <= r {
				return next // the smallest of the letters that are equal
			}
			r = next
		}
	}, string(name))
}

// isMember reports whether a string was the name of a member, by what follows it.
func isMember(rest []byte) bool {
	for _, b := range rest {
		switch b {
		case ' ', '\t', '\r', '\n':
		default:
			return b == ':'
		}
	}
	return false
}

// stringEnd is behind the string that begins at i.
func stringEnd(text []byte, i int) int {
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++ // the escaped character
		case '"':
			return i + 1
		}
	}
	return len(text)
}

func unquoted(text []byte) []byte {
	var s string
	if bytes.IndexByte(text, '\\') < 0 || json.Unmarshal(text, &s) != nil {
		return bytes.Trim(text, `"`)
	}
	return []byte(s)
}
