package prose_test

import (
	"strings"
	"testing"

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
