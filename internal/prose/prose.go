// Package prose puts lists and numbers into sentences, and finds and replaces characters
// that nobody sees, for every package that writes messages or data.
package prose

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// most is how many names of a list a sentence has.
const most = 5

// Few is a list cut short for a sentence, with how many more there are. One more name
// is written out instead of counted.
func Few(names []string) string {
	if len(names) <= most+1 {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + " and " + Number(len(names)-most) + " more"
}

// Count is a number with its noun: 1 step, 2 steps.
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Number(n) + " " + noun + "s"
}

// Plural is the form of a word for a number.
func Plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// Number is a number with commas between thousands.
func Number(n int) string {
	text := strconv.Itoa(n)
	for at := len(text) - 3; at > 0 && text[at-1] != '-'; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// unseen are the characters that take no room: format characters, line and paragraph
// separators, fillers and variation selectors.
var unseen = []*unicode.RangeTable{unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector}

// Unseen reports whether a character is a control character, takes no room, or changes the
// direction of a text, so that one name could look like another.
// Source: Unicode Standard Annex 44, Default_Ignorable_Code_Point.
func Unseen(r rune) bool {
	return unicode.IsControl(r) || r > 0x7f && unicode.In(r, unseen...)
}

// Clean makes text that others wrote harmless on a terminal: control characters, which
// could move the cursor or hide text, and characters without width or with a direction,
// which make one name look like another, become ?. So does the beginning of a command for
// a runner of pipelines.
func Clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if Unseen(r) {
			return '?'
		}
		return r
	}, s)
	if strings.Contains(s, "##") || strings.Contains(s, " ::") || strings.HasPrefix(s, "::") { // not each ARN
		return withoutCommands(s)
	}
	return s
}

// withoutCommands spoils the beginning of what a runner of pipelines executes when it is
// printed: ##[set-output name=x], ##vso[task.setvariable variable=x] and ##teamcity[…]
// anywhere, ::add-mask::x where a line begins, which can be after any space in a table. It
// has no regular expression, since a session from the cache is handed out before package
// regexp initializes.
// Source: GitHub, "Workflow commands"; Azure Pipelines, "Logging commands".
func withoutCommands(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); {
		length := 0
		if i == 0 || s[i-1] == ' ' {
			length = workflowCommand(s[i:])
		}
		switch {
		case length > 0:
			out.WriteString("?:" + s[i+2:i+length-2] + "?:")
			i += length
		case loggingCommand(s[i:]):
			out.WriteString("#?")
			i += 2
		default:
			out.WriteByte(s[i])
			i++
		}
	}
	return out.String()
}

func isLetter(r rune) bool { return 'a' <= r|0x20 && r|0x20 <= 'z' }

// loggingCommand reports whether s begins with ##, letters and [.
func loggingCommand(s string) bool {
	rest, ok := strings.CutPrefix(s, "##")
	return ok && strings.HasPrefix(strings.TrimLeftFunc(rest, isLetter), "[")
}

// workflowCommand is the length of ::name:: or ::name parameters:: at the beginning of s; 0:
// there is none.
func workflowCommand(s string) int {
	name, ok := strings.CutPrefix(s, "::")
	rest := strings.TrimLeftFunc(name, func(r rune) bool { return isLetter(r) || r == '-' })
	if !ok || len(rest) == len(name) {
		return 0
	}
	if strings.HasPrefix(rest, " ") {
		rest = rest[max(0, strings.IndexByte(rest, ':')):]
	}
	if !strings.HasPrefix(rest, "::") {
		return 0
	}
	return len(s) - len(rest) + 2
}

// Message is a message that others wrote, cut after a few thousand bytes: an endpoint can
// answer with megabytes.
func Message(s string) string {
	const most = 4096
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "… (" + Number(len(s)) + " bytes)"
}

// JSON is a writer of JSON to w, in which every unseen character is escaped, and the second
// # of two. The values stay as they are, and text that others wrote does nothing on a
// terminal and is no command for a runner of pipelines. Each call of Write must have whole
// characters.
func JSON(w io.Writer) io.Writer { return escaper{w} }

type escaper struct{ w io.Writer }

func (e escaper) Write(text []byte) (int, error) {
	if !slices.ContainsFunc(text, func(b byte) bool { return b >= 0x7f }) && !bytes.Contains(text, []byte("##")) {
		return e.w.Write(text)
	}
	out := make([]byte, 0, len(text)+64)
	for rest := text; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		switch {
		case r == '#' && len(out) > 0 && out[len(out)-1] == '#':
			out = append(out, `\u0023`...)
		case r < 0x7f || !Unseen(r):
			out = append(out, rest[:size]...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		rest = rest[size:]
	}
	if n, err := e.w.Write(out); err != nil || n < len(out) {
		return 0, err
	}
	return len(text), nil
}
