package report

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"forcemfa/internal/prose"
)

// visible shows characters that take no room or change the direction of a text as
// U+202E in brackets, so that no name looks like another one.
func visible(s string) string {
	if printable(s) || !strings.ContainsFunc(s, hidden) {
		return s
	}
	var out strings.Builder
	for _, r := range s {
		if hidden(r) {
			fmt.Fprintf(&out, "[U+%04X]", r)
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}

// printable reports whether a text is printable ASCII, as nearly every name is.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func hidden(r rune) bool {
	return prose.Unseen(r) || r == unicode.ReplacementChar || private(r)
}

// longest is how many characters of a name the summary shows.
const longest = 72

// short is a visible text of at most longest characters. The details show the whole.
func short(s string) string {
	s = visible(s)
	if len(s) <= longest {
		return s
	}
	runes := []rune(s)
	if len(runes) <= longest {
		return s
	}
	return string(runes[:longest/2]) + "…" + string(runes[len(runes)-longest/2+1:])
}

// day is a date as in "28 November 2026".
func day(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2 January 2006")
}

// epochDay is the number of days since 1970, so that dates take few bytes; zero: none.
func epochDay(t *time.Time) int {
	if t == nil || t.IsZero() {
		return 0
	}
	return int(t.Unix() / 86400)
}

// tail is the last part of an ARN, for a sentence.
func tail(arn string) string {
	return arn[strings.LastIndexAny(arn, "/:")+1:]
}
