package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode"
)

// duplicate returns a member that an object of a JSON text has twice; empty: none. The
// decoder takes the last one, in whatever case, and another reader could take the first.
func duplicate(text []byte) string {
	type value struct {
		members map[string]bool // of an object; nil for a list
		name    bool            // the next token of an object is the name of a member
	}
	var open []*value // the objects and lists around the token
	for d := json.NewDecoder(bytes.NewReader(text)); ; {
		token, err := d.Token()
		if err != nil {
			return "" // the end: the text was decoded before
		}
		var in *value
		if len(open) > 0 {
			in = open[len(open)-1]
		}
		switch token {
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
			continue
		}
		if in != nil && in.members != nil {
			if in.name {
				name := token.(string)
				if in.members[folded(name)] {
					return name
				}
				in.members[folded(name)], in.name = true, false
				continue
			}
			in.name = true
		}
		switch token {
		case json.Delim('{'):
			open = append(open, &value{members: map[string]bool{}, name: true})
		case json.Delim('['):
			open = append(open, &value{})
		}
	}
}

// folded is the same for names that the decoder of JSON takes for one member, and for
// names of one condition key, which all have a colon.
func folded(name string) string {
	if strings.Contains(name, ":") {
		return strings.ToLower(name)
	}
	return strings.Map(func(r rune) rune {
		for {
			next := unicode.SimpleFold(r)
			if next <= r {
				return next // the smallest of the letters that are equal
			}
			r = next
		}
	}, name)
}
