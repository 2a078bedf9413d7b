package org

import (
	"bytes"
	"encoding/json"
	"slices"
)

// Duplicate returns a member that an object of a text has twice, and where the second
// one begins; empty: none. The decoder takes the last one, in whatever case, so another
// reader could see something else in the same text. The text is JSON that was decoded
// into a struct, so an object has few different members.
func Duplicate(text []byte) (member string, at int) {
	var open [][][]byte // the members so far of each object and array around the position
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			if len(open) < cap(open) {
				open = open[:len(open)+1]
				open[len(open)-1] = open[len(open)-1][:0] // the room of an object before
			} else {
				open = append(open, nil)
			}
		case '}', ']':
			open = open[:len(open)-1]
		case '"':
			end := stringEnd(text, i)
			if len(open) > 0 && isMember(text[end:]) {
				key, top := unquoted(text[i:end]), len(open)-1
				if slices.ContainsFunc(open[top], func(k []byte) bool { return bytes.EqualFold(k, key) }) {
					return string(key), i
				}
				open[top] = append(open[top], key)
			}
			i = end - 1
		}
	}
	return "", 0
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
