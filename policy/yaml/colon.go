package yaml

import (
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// colon takes the place of a colon within a plain text while the lexer runs.
const colon = '\ue03a'

// mostPasses bounds how often a text is read again because of such colons.
const mostPasses = 10

// tokenize returns the tokens of a text. In the braces of a flow mapping the lexer
// takes every colon for the end of a key, so that iam:GetUser becomes a mapping. In
// YAML only a colon before white space, a bracket or a comma ends a plain key.
// Source: YAML 1.2.2, "Plain Style" (ns-plain-char).
func tokenize(text string) token.Tokens {
	tokens := lexer.Tokenize(text)
	if strings.ContainsRune(text, colon) {
		return tokens
	}
	var lines [][]rune
	for range mostPasses {
		places := withinText(tokens)
		if len(places) == 0 {
			break
		}
		if lines == nil {
			for l := range strings.SplitSeq(text, "\n") {
				lines = append(lines, []rune(l))
			}
		}
		if !replaceColons(lines, places) {
			break
		}
		tokens = lexer.Tokenize(join(lines))
	}
	for _, t := range tokens {
		t.Value = strings.ReplaceAll(t.Value, string(colon), ":")
		t.Origin = strings.ReplaceAll(t.Origin, string(colon), ":")
	}
	return tokens
}

// withinText returns the colons in flow mappings that follow a plain text.
func withinText(tokens token.Tokens) (places []*token.Position) {
	depth := 0
	for i, t := range tokens {
		switch t.Type {
		case token.MappingStartType:
			depth++
		case token.MappingEndType:
			depth--
		case token.MappingValueType:
			if depth > 0 && i > 0 && tokens[i-1].Type == token.StringType {
				places = append(places, t.Position)
			}
		}
	}
	return places
}

// replaceColons replaces those colons that don't end a key, and the others of the same
// text. It reports whether there were any.
func replaceColons(lines [][]rune, places []*token.Position) (any bool) {
	for _, at := range places {
		if at.Line < 1 || at.Line > len(lines) || at.Column < 1 {
			continue
		}
		line := lines[at.Line-1]
		for i := at.Column - 1; i+1 < len(line) && !separates(line[i]) && !separates(line[i+1]); i++ {
			if line[i] == ':' {
				line[i], any = colon, true
			}
		}
	}
	return any
}

// separates reports whether a colon before a character ends a plain key.
func separates(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",[]{}", r) }

func join(lines [][]rune) string {
	var out strings.Builder
	for i, l := range lines {
		if i > 0 {
			out.WriteByte('\n')
		}
		out.WriteString(string(l))
	}
	return out.String()
}
