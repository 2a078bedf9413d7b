package yaml

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// hostile are texts of about size bytes that cost much, or are nested deeply.
func hostile(size int) map[string]string {
	repeat := func(before, text string) string { return before + strings.Repeat(text, size/len(text)) }
	texts := map[string]string{
		"brackets": repeat("a: ", "["), "braces": repeat("a: ", "{a: "), "entries": repeat("", "- "), "keys": repeat("", "? "),
		"closed brackets": "a: " + strings.Repeat("[", size/2) + strings.Repeat("]", size/2),
		"values":          repeat("", "a: "), "flow values": repeat("a: [", "a: "), "tags": repeat("a: ", "!a "), "anchors": repeat("a: ", "&a "),
		"tags in lines": repeat("a:\n", " !a\n"), "anchors and tags": repeat("a: ", "&a !a "), "keys in flow": repeat("a: {", "? "),
		"quotes": repeat("", `"`), "aliases": repeat("a: &a b\nc: [", "*a,"), "documents": repeat("", "---\n"), "equal keys": repeat("", "a: b\n"),
		"list": repeat("", "- b\n"), "flow list": repeat("a: [", "b,") + "]", "comments": repeat("", "#\n"), "lines": repeat("a: b\n", "  b\n"),
		"literals": repeat("", "|\n"), "directives": repeat("", "%a\n"), "merges": repeat("", "<<: "), "an open quote": repeat(`a: "`, "x\n"),
		"escapes": repeat(`a: "`, `\n`) + `"`, "colons": repeat("", ":"), "dashes": repeat("", "-\n"), "commas": repeat("a: [", ","), "colons in braces": repeat("{", "a:"), "texts in braces": repeat("{", "a:b "), "entries in braces": repeat("{", "a:b: c, ") + "}",
	}
	var indented, dashes strings.Builder
	for i := 0; indented.Len() < size; i++ {
		fmt.Fprintf(&indented, "%sa:\n", strings.Repeat(" ", i))
		fmt.Fprintf(&dashes, "%s-\n", strings.Repeat(" ", i))
	}
	texts["indented keys"], texts["indented entries"] = indented.String(), dashes.String()
	return texts
}

func TestHostileTextsAreReadInTime(t *testing.T) {
	const most, memory = 10 * time.Second, 200 << 20
	for name, text := range hostile(100_000) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, err := Parse(text)
		runtime.ReadMemStats(&after)
		took, bytes := time.Since(start), after.TotalAlloc-before.TotalAlloc
		if testing.Verbose() {
			t.Logf("%s: %v, %d MB, %v", name, took.Round(time.Millisecond), bytes>>20, err)
		}
		if took > most || bytes > memory {
			t.Errorf("%s: %v and %d MB for %d bytes", name, took, bytes>>20, len(text))
		}
	}
}

func TestDeepTextsNameTheLine(t *testing.T) {
	for name, text := range map[string]string{
		"brackets": "a: b\nc:\n  " + strings.Repeat("[", MaxDepth+1),
		"entries":  "a: b\nc:\n  " + strings.Repeat("- ", MaxDepth+1),
		"anchors":  "a: b\nc:\n  " + strings.Repeat("&a ", MaxDepth+1) + "d",
		"tags":     "a: b\nc:\n  " + strings.Repeat("!a ", MaxDepth+1) + "d",
	} {
		_, err := Parse(text)
		var e *Error
		if !errors.As(err, &e) || e.Line != 3 || !strings.Contains(e.Message, "nested deeper than 200 levels") {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := Parse(strings.Repeat("#\n", MaxSize/2+1))
	if err == nil || !strings.Contains(err.Error(), "convert it to JSON") {
		t.Errorf("a large file: %v", err)
	}
}

func TestShallowTextsAreRead(t *testing.T) {
	wide := strings.Repeat("- &a {b: [1, 2], c: !Sub x}\n- d:\n    - e: f\n      g: h\n", 5_000)
	deep := strings.Repeat("[", MaxDepth-10) + strings.Repeat("]", MaxDepth-10)
	for name, text := range map[string]string{
		"wide": wide, "deep": deep, "JSON in one line": `{"a": [` + strings.Repeat(`{"b": "[[["}, `, 5_000) + `{}]}`,
		"brackets in text": "a: |\n" + strings.Repeat("  [[[[[[[\n", 100) + "b: '" + strings.Repeat("{", 500) + "'\n",
		"documents":        strings.Repeat("---\na:\n  - b\n", 500),
	} {
		if _, err := Parse(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Source: YAML 1.2.2, "Plain Style": a colon within a plain text does not end a key.
func TestColonsWithinPlainTextsAreText(t *testing.T) {
	for text, want := range map[string]string{
		"a: {b: [iam:GetUser, s3:*], c: d}":            "a: {b: [iam:GetUser, s3:*], c: d}",
		`{aws:MultiFactorAuthPresent: "false"}`:        `{aws:MultiFactorAuthPresent: "false"}`,
		"{ä: ü:x, é:y:z: {a:b: [c:d]}}":                "{ä: ü:x, é:y:z: {a:b: [c:d]}}",
		"x: {\r\n  a: iam:GetUser,\r\n  b: c\r\n}\r\n": "x: {a: iam:GetUser, b: c}",
		"{arn: arn:aws:iam::111122223333:role/x}":      "{arn: arn:aws:iam::111122223333:role/x}",
		"{x: http://a, y: !Ref AWS::AccountId}":        "{x: http://a, y: !Ref AWS::AccountId}",
		`{"a":b, 'c':d}`:                               `{"a": b, 'c': d}`,
		"[iam:GetUser]":                                "[iam:GetUser]",
	} {
		file, err := Parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := strings.TrimSpace(file.String()); got != want {
			t.Errorf("%q is read as %q, want %q", text, got, want)
		}
	}
}
