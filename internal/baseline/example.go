package baseline

import (
	"regexp/syntax"
	"strings"
)

// ExampleTag is a tag that the match accepts, for requests that set it: wildcards
// are filled in, and a regular expression gives a short text that it matches. Empty
// for a match without tag.
func (m Match) ExampleTag() (key, value string) {
	key, value, _ = strings.Cut(m.Tag, "=")
	fill := strings.NewReplacer("*", "example", "?", "x")
	if text, regex := strings.CutPrefix(value, regexMark); regex {
		return fill.Replace(key), exampleOf(text)
	}
	return fill.Replace(key), fill.Replace(value)
}

// ExampleUser is the path and name by which the match accepts a user of this name,
// keeping the name where it can. ok is false if the match also depends on a tag, or on
// neither path, name nor ARN.
func (m Match) ExampleUser(name string) (path, newName string, ok bool) {
	if m.Tag != "" || m.Name+m.Path+m.ARN == "" {
		return "", "", false
	}
	path, newName = "/", name
	if m.Path != "" {
		path = exampleText(m.Path)
	}
	if m.Name != "" && !m.passes("name", m.Name, name) {
		newName = exampleText(m.Name)
	}
	if m.ARN != "" {
		_, rest, _ := strings.Cut(exampleText(m.ARN), ":user/")
		cut := strings.LastIndexByte(rest, '/') + 1
		path = "/" + rest[:cut]
		newName = rest[cut:]
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	if !strings.HasSuffix(path, "/") {
		path += "/"
	}
	return path, newName, newName != "" && m.passes("path", m.Path, path) && m.passes("name", m.Name, newName)
}

// exampleText is a text that a pattern accepts.
func exampleText(pattern string) string {
	if text, regex := strings.CutPrefix(pattern, regexMark); regex {
		return exampleOf(text)
	}
	return strings.NewReplacer("*", "example", "?", "x").Replace(pattern)
}

// exampleOf is a short text that a regular expression probably matches, built from
// its parts; empty for an invalid expression.
func exampleOf(text string) string {
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return ""
	}
	return shortest(tree.Simplify())
}

func shortest(r *syntax.Regexp) string {
	switch r.Op {
	case syntax.OpLiteral:
		return string(r.Rune)
	case syntax.OpCharClass:
		return string(member(r.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "x"
	case syntax.OpCapture, syntax.OpPlus:
		return shortest(r.Sub[0])
	case syntax.OpRepeat:
		return strings.Repeat(shortest(r.Sub[0]), r.Min)
	case syntax.OpConcat:
		var whole strings.Builder
		for _, part := range r.Sub {
			whole.WriteString(shortest(part))
		}
		return whole.String()
	case syntax.OpAlternate:
		return shortest(r.Sub[0])
	}
	return "" // stars, question marks and anchors take nothing
}

// member is a character of a class, a visible one if possible.
func member(ranges []rune) rune {
	for i := 0; i+1 < len(ranges); i += 2 {
		if seen := max(ranges[i], '0'); seen <= ranges[i+1] {
			return seen
		}
	}
	if len(ranges) == 0 {
		return 'x'
	}
	return ranges[0]
}
