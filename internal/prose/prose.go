// Package prose puts lists and numbers into sentences, and finds characters that nobody
// sees, for every package that writes messages.
package prose

import (
	"strconv"
	"strings"
	"unicode"
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
