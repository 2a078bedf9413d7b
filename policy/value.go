package policy

import (
	"strings"
	"time"
)

// A decimal is an integer or decimal number of any length, kept as digits.
type decimal struct {
	negative    bool
	whole, part string // without leading zeros; without trailing zeros
}

// parseDecimal parses digits with an optional sign and fraction. 10abc, 1e3 and
// the empty string are not numbers.
func parseDecimal(s string) (d decimal, ok bool) {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		d.negative = s[0] == '-'
		s = s[1:]
	}
	whole, part, dot := strings.Cut(s, ".")
	if whole == "" || dot && part == "" || !digits(whole) || !digits(part) {
		return decimal{}, false
	}
	d.whole, d.part = strings.TrimLeft(whole, "0"), strings.TrimRight(part, "0")
	if d.whole == "" && d.part == "" {
		d.negative = false
	}
	return d, true
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// compare returns a negative number when d is less, a positive one when it is
// greater.
func (d decimal) compare(o decimal) int {
	if d.negative != o.negative {
		if d.negative {
			return -1
		}
		return 1
	}
	c := len(d.whole) - len(o.whole)
	if c == 0 {
		c = strings.Compare(d.whole, o.whole)
	}
	if c == 0 {
		c = strings.Compare(d.part, o.part)
	}
	if d.negative {
		return -c
	}
	return c
}

// An instant is a date operand: the time, and whether another interpretation of
// the text gives another time.
type instant struct {
	seconds  int64
	nanos    int
	doubtful bool
}

func (i instant) compare(o instant) int {
	switch {
	case i.seconds < o.seconds:
		return -1
	case i.seconds > o.seconds:
		return 1
	}
	return i.nanos - o.nanos
}

// parseInstant parses seconds since 1970, with or without a fraction, or one of
// the W3C forms of ISO 8601. A date without a time is midnight in UTC.
// Source: IAM User Guide, "Date condition operators".
func parseInstant(s string) (i instant, ok bool) {
	if d, ok := parseDecimal(s); ok {
		return d.instant(len(s) == len("2006"))
	}
	layout := layoutOf(s)
	if layout == "" {
		return instant{}, false
	}
	t, err := time.Parse(layout, s)
	if err != nil {
		return instant{}, false
	}
	return instant{seconds: t.Unix(), nanos: t.Nanosecond(), doubtful: layout == noZone}, true
}

// noZone is a form that W3C does not have: its time zone is unknown.
const noZone = "2006-01-02T15:04:05"

func layoutOf(s string) string {
	switch {
	case len(s) == len("2006-01"):
		return "2006-01"
	case len(s) == len(time.DateOnly):
		return time.DateOnly
	case len(s) == len(noZone) && s[len(s)-1] != 'Z' && s[len(s)-3] == ':' && s[16] == ':':
		return noZone
	case len(s) >= len("2006-01-02T15:04Z") && s[16] != ':':
		return "2006-01-02T15:04Z07:00"
	case len(s) > len(noZone):
		return time.RFC3339
	}
	return ""
}

func (d decimal) instant(year bool) (i instant, ok bool) {
	if len(d.whole) > 15 {
		return instant{}, false
	}
	for k := range len(d.whole) {
		i.seconds = i.seconds*10 + int64(d.whole[k]-'0')
	}
	for k, unit := 0, 100_000_000; k < len(d.part) && unit > 0; k, unit = k+1, unit/10 {
		i.nanos += int(d.part[k]-'0') * unit
	}
	if d.negative {
		i.seconds, i.nanos = -i.seconds, -i.nanos
	}
	i.doubtful = year && !d.negative && d.part == ""
	return i, true
}

// parseBool parses true and false in any case.
func parseBool(s string) (value, ok bool) {
	switch {
	case s == "true", equalFold(s, "true"):
		return true, true
	case s == "false", equalFold(s, "false"):
		return false, true
	}
	return false, false
}
