// Package prose puts lists and numbers into sentences, for every package that writes
// messages.
package prose

import (
	"strconv"
	"strings"
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

// Number is a number with commas between thousands.
func Number(n int) string {
	text := strconv.Itoa(n)
	for at := len(text) - 3; at > 0 && text[at-1] != '-'; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
