package arn

import (
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestGlobMatchesTheWholeText(t *testing.T) {
	rows := []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "a/b:c", true},
		{"**", "", true},
		{"?", "", false},
		{"?", "é", true},
		{"??", "é", false},
		{"*??", "€", false},
		{"?*", "€", true},
		{"a*", "a", true},
		{"a*", "ba", false},
		{"*a", "ba", true},
		{"*a", "ab", false},
		{"a*b*c", "a-b-b-c", true},
		{"a*b*c", "a-c-b", false},
		{"*ab", "aab", true},
		{"*a?b", "aaxb", true},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"*.csv", "x.csv.csv", true},
		{"a+b", "a+b", true},
		{"a.b", "axb", false},
		{"A", "a", false},
	}
	for _, row := range rows {
		g := Compile(row.pattern)
		if got := g.Match(row.text); got != row.want {
			t.Errorf("%q on %q: %v", row.pattern, row.text, got)
		}
	}
}

func TestHolesAreLiteral(t *testing.T) {
	g := Assemble([]Piece{{Text: "a/"}, {Kind: Hole}, {Text: "/"}, {Kind: Many}, {Kind: Hole, Index: 1}})
	for _, row := range []struct {
		text, first, second string
		want                bool
	}{
		{"a/bob/x-1", "bob", "1", true},
		{"a/bob/1", "bob", "1", true},
		{"a/bob/x-2", "bob", "1", false},
		{"a/bob/x", "*", "x", false},
		{"a/*/x", "*", "x", true},
		{"a//x", "", "", true},
	} {
		if got := g.Match(row.text, row.first, row.second); got != row.want {
			t.Errorf("%q with %q and %q: %v", row.text, row.first, row.second, got)
		}
	}
}

func TestExactAndAny(t *testing.T) {
	for pattern, want := range map[string][2]bool{"a": {true, false}, "": {true, false}, "*": {false, true}, "**": {false, true}, "a*": {}, "?": {}} {
		g := Compile(pattern)
		text, exact := g.Exact()
		if got := [2]bool{exact, g.Any()}; got != want || exact && text != pattern {
			t.Errorf("%q: %v %q", pattern, got, text)
		}
	}
}

// expression is the pattern as a regular expression, the second opinion.
func expression(pattern, flags string) *regexp.Regexp {
	e := regexp.QuoteMeta(pattern)
	e = strings.ReplaceAll(e, `\*`, `.*`)
	e = strings.ReplaceAll(e, `\?`, `.`)
	return regexp.MustCompile(`(?s` + flags + `)\A` + e + `\z`)
}

func TestGlobAgreesWithARegularExpression(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[abé*?]{0,10}`).Draw(t, "pattern")
		text := rapid.StringMatching(`[abé]{0,12}`).Draw(t, "text")
		g := Compile(pattern)
		if got, want := g.Match(text), expression(pattern, "").MatchString(text); got != want {
			t.Fatalf("%q on %q: %v", pattern, text, got)
		}
	})
}

func TestMatchFoldAgreesWithARegularExpression(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab1*?]{0,8}`).Draw(t, "pattern")
		text := rapid.StringMatching(`[abAB1]{0,10}`).Draw(t, "text")
		g := Compile(pattern)
		if got, want := g.MatchFold(text), expression(pattern, "i").MatchString(text); got != want {
			t.Fatalf("%q on %q: %v", pattern, text, got)
		}
	})
}

func TestManyStarsTakeNoLongerThanTheProductOfTheLengths(t *testing.T) {
	g := Compile(strings.Repeat("a*", 40) + "b")
	text := strings.Repeat("a", 6000)
	start := time.Now()
	if g.Match(text) || g.MatchFold(text) {
		t.Error("matched")
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

func FuzzGlob(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("*?*", "é")
	f.Add("**a**", "\xff")
	f.Add("\xda", "\xb8") // valid only together
	f.Fuzz(func(t *testing.T, pattern, text string) {
		g := Compile(pattern)
		matched := g.Match(text)
		if exact, ok := g.Exact(); ok && matched != (text == exact) {
			t.Fatalf("%q is exact, on %q: %v", pattern, text, matched)
		}
		if utf8.ValidString(pattern) && utf8.ValidString(text) && len(pattern) < 200 {
			if want := expression(pattern, "").MatchString(text); matched != want {
				t.Fatalf("%q on %q: %v", pattern, text, matched)
			}
		}
	})
}
