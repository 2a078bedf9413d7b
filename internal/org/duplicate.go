package org

import (
	"bytes"
	"encoding/json"
	"slices"
)

// duplicate returns a member that an object of a text has twice, and where the second
// one begins; empty: none. The decoder takes the last one, in whatever case, so another
// reader could see another organization in the same snapshot. The text is JSON that was
// decoded into a struct, so an object has few different members.
func duplicate(text []byte) (member string, at int) {
	var open [][][]byte // the members so far of each object and array around the position
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			open = append(open, nil)
		case '}', ']':
			open = open[:len(open)-1]
		case '"':
			end := stringEnd(text, i)
			if rest := bytes.TrimLeft(text[end:], " \t\r\n"); len(open) > 0 && len(rest) > 0 && rest[0] == ':' {
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

// stringEnd is behind the string that begins at i.
func stringEnd(text []byte, i int) int {
	for i++; i < len(text); i++ {
		next := bytes.IndexAny(text[i:], `"\`)
		if next < 0 {
			break
		}
		if i += next; text[i] == '"' {
			return i + 1
		}
		i++ // the escaped character
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
