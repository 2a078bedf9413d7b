package certificate

import (
	"errors"
	"slices"
	"strings"

	"forcemfa/policy"
)

// A segment is a part of a text of a policy: literal, or a variable.
type segment struct {
	text        string // as written
	variable    bool
	key         string // in lower case; empty for ${*}, ${?} and ${$}
	fallback    string // the default; for those three the character
	hasFallback bool
}

// cut splits a text at its variables. A variable ends at a brace that is not inside of the
// quotes of its default.
// Source: IAM User Guide, "IAM policy elements: Variables and tags".
func cut(text string, variables bool) (out []segment) {
	for variables {
		before, rest, found := strings.Cut(text, "${")
		if !found {
			break
		}
		end, quoted := 0, false
		for end < len(rest) && (quoted || rest[end] != '}') {
			quoted = quoted != (rest[end] == '\'')
			end++
		}
		inner := rest[:end]
		text = strings.TrimPrefix(rest[end:], "}")
		out = append(out, segment{text: before}, newVariable(inner))
	}
	return append(out, segment{text: text})
}

func newVariable(inner string) segment {
	s := segment{text: "${" + inner + "}", variable: true}
	if inner == "*" || inner == "?" || inner == "$" {
		s.fallback, s.hasFallback = inner, true
		return s
	}
	key, fallback, has := strings.Cut(inner, ",")
	s.key, s.hasFallback = strings.ToLower(strings.TrimSpace(key)), has
	s.fallback = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(fallback), "'"), "'")
	return s
}

// valueOf returns the value of a variable. A key that is a list has none.
func (k *inquiry) valueOf(s segment) (string, bool) {
	if values, known := k.context.Get(s.key); s.key != "" && known && !slices.Contains(lists, s.key) {
		return values[0], true
	}
	return s.fallback, s.hasFallback
}

// chosenVariable reports whether a text has a variable whose value the sender of a
// request chooses.
func (k *inquiry) chosenVariable(text string, variables bool) bool {
	return slices.ContainsFunc(cut(text, variables), func(s segment) bool { return s.key != "" && k.chosen(s.key) })
}

// split cuts a resource pattern at its first five colons outside of variables.
func split(written string, variables bool) []string {
	parts := []string{""}
	for _, s := range cut(written, variables) {
		text := s.text
		for !s.variable && len(parts) < 6 {
			before, after, found := strings.Cut(text, ":")
			if !found {
				break
			}
			parts[len(parts)-1] += before
			parts, text = append(parts, ""), after
		}
		parts[len(parts)-1] += text
	}
	return parts
}

// certain leaves of the resources of a Deny those that it covers whatever the sender of a
// request chooses: a variable that the sender chooses may be nothing in a Resource, and
// anything in a NotResource.
func (k *inquiry) certain(s *policy.Statement, version string) error {
	variables := version == "2012-10-17"
	if s.Resources != nil {
		s.Resources = slices.DeleteFunc(slices.Clone(s.Resources), func(r string) bool { return k.chosenVariable(r, variables) })
		if len(s.Resources) == 0 {
			return errors.New("covers only resources with a variable that the sender chooses")
		}
	}
	s.NotResources = slices.Clone(s.NotResources)
	for i, written := range s.NotResources {
		if strings.Trim(written, "*") != "" && len(split(written, variables)) < 6 {
			return errors.New("has a NotResource of fewer than six parts")
		}
		var text strings.Builder
		for _, part := range cut(written, variables) {
			if part.variable && part.key != "" && k.chosen(part.key) {
				text.WriteString("*")
			} else {
				text.WriteString(part.text)
			}
		}
		s.NotResources[i] = text.String()
	}
	return nil
}
