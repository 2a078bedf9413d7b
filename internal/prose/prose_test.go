package prose_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"forcemfa/internal/prose"
)

func TestListsAreCutForASentence(t *testing.T) {
	names := strings.Split("ada bob carol dave erin frank grace", " ")
	for n, want := range map[int]string{0: "", 1: "ada", 6: "ada, bob, carol, dave, erin, frank", 7: "ada, bob, carol, dave, erin and 2 more"} {
		if got := prose.Few(names[:n]); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}

func TestThousandsAreSeparated(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 41220118: "41,220,118", -1234: "-1,234", -123: "-123"} {
		if got := prose.Number(n); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestNounsAreCounted(t *testing.T) {
	for n, want := range map[int]string{0: "0 steps", 1: "1 step", 2000: "2,000 steps"} {
		if got := prose.Count(n, "step"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestCharactersThatNobodySees(t *testing.T) {
	for r, want := range map[rune]bool{'a': false, ' ': false, 'ü': false, '漢': false, '\x1b': true, '\n': true, '\u0085': true, '\u200b': true, '\u202e': true, '\u2066': true, '\u3164': true, '\ufe0f': true} {
		if got := prose.Unseen(r); got != want {
			t.Errorf("%U: %v", r, got)
		}
	}
}

func TestUnseenCharactersOfJSONAreEscaped(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                            `"plain"`,
		"äöü 日本 \U0001f511":                "\"äöü 日本 \U0001f511\"",
		"a\u009b2J\u0085\x7f":              `"a\u009b2J\u0085\u007f"`,
		"\u202eexe.gpj\u200b\ufeff \u00ad": `"\u202eexe.gpj\u200b\ufeff \u00ad"`,
		"tag\U000e0041 \ufe0f\U000e0100":   `"tag\udb40\udc41 \ufe0f\udb40\udd00"`,
		"esc \x1b]0;\a":                    `"esc \u001b]0;\u0007"`,
		"##vso[task.setvariable]":          `"#\u0023vso[task.setvariable]"`,
		"### ####[ #":                      `"#\u0023# #\u0023#\u0023[ #"`,
	} {
		var out bytes.Buffer
		e := json.NewEncoder(prose.JSON(&out))
		if err := e.Encode(in); err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(out.String()); got != want {
			t.Errorf("%q is %s, want %s", in, got, want)
		}
		var back string
		if err := json.Unmarshal(out.Bytes(), &back); err != nil || back != in {
			t.Errorf("%q is read as %q, %v", in, back, err)
		}
	}
}

func TestLongMessagesAreCut(t *testing.T) {
	for _, text := range []string{"", "AccessDenied: no", strings.Repeat("x", 4096)} {
		if got := prose.Message(text); got != text {
			t.Errorf("%d bytes became %d", len(text), len(got))
		}
	}
	if got, want := prose.Message(strings.Repeat("ä", 3_000_000)), strings.Repeat("ä", 2048)+"… (6,000,000 bytes)"; got != want {
		t.Errorf("%d bytes: …%s", len(got), got[len(got)-40:])
	}
	if got := prose.Message("x" + strings.Repeat("ä", 5000)); !utf8.ValidString(got) {
		t.Error("a character was cut")
	}
}
