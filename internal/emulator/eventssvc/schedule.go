package eventssvc

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Schedule is the parsed expression of a rule.
type Schedule struct {
	every  time.Duration // of rate(); 0: a cron expression
	fields [6]map[int]bool
}

// ParseSchedule parses rate(VALUE UNIT) and cron(MINUTE HOUR DAY MONTH WEEKDAY YEAR), in
// UTC. The forms L, W and # of cron are not supported.
// Source: EventBridge User Guide, "Setting a schedule pattern for scheduled rules (legacy)".
func ParseSchedule(text string) (*Schedule, error) {
	kind, rest, ok := strings.Cut(strings.TrimSuffix(text, ")"), "(")
	words := strings.Fields(rest)
	switch {
	case ok && kind == "rate" && len(words) == 2:
		return parseRate(words[0], words[1])
	case ok && kind == "cron" && len(words) == 6:
		return parseCron(words)
	}
	return nil, fmt.Errorf("schedule %q: want rate(VALUE UNIT) or cron(MINUTE HOUR DAY MONTH WEEKDAY YEAR)", text)
}

func parseRate(value, unit string) (*Schedule, error) {
	n, err := strconv.Atoi(value)
	size := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[strings.TrimSuffix(unit, "s")]
	if err != nil || n < 1 || size == 0 || (n == 1) == strings.HasSuffix(unit, "s") {
		return nil, fmt.Errorf("rate(%s %s): want a whole number and minutes, hours or days", value, unit)
	}
	return &Schedule{every: time.Duration(n) * size}, nil
}

// cronFields are the ranges and names of the six fields.
var cronFields = [6]struct {
	low, high int
	names     string
}{{0, 59, ""}, {0, 23, ""}, {1, 31, ""}, {1, 12, "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"}, {1, 7, "SUN MON TUE WED THU FRI SAT"}, {1970, 2199, ""}}

func parseCron(words []string) (*Schedule, error) {
	s := &Schedule{}
	if (words[2] == "?") == (words[4] == "?") {
		return nil, fmt.Errorf("cron(%s): one of day and weekday must be ?", strings.Join(words, " "))
	}
	for i, word := range words {
		field, err := parseField(word, i)
		if err != nil {
			return nil, fmt.Errorf("cron(%s): %w", strings.Join(words, " "), err)
		}
		s.fields[i] = field
	}
	return s, nil
}

func parseField(word string, i int) (map[int]bool, error) {
	f := cronFields[i]
	all := map[int]bool{}
	for _, part := range strings.Split(word, ",") {
		span, step, stepped := strings.Cut(part, "/")
		every := 1
		if stepped {
			n, err := strconv.Atoi(step)
			if err != nil || n < 1 {
				return nil, fmt.Errorf("%s is not a step", part)
			}
			every = n
		}
		low, high := f.low, f.high
		if span != "*" && span != "?" {
			first, last, ranged := strings.Cut(span, "-")
			var ok, okLast bool
			low, ok = fieldValue(first, i)
			if high = low; ranged {
				high, okLast = fieldValue(last, i)
			} else if okLast = true; stepped {
				high = f.high
			}
			if !ok || !okLast || low > high {
				return nil, fmt.Errorf("%s is not a value from %d to %d", part, f.low, f.high)
			}
		}
		for n := low; n <= high; n += every {
			all[n] = true
		}
	}
	return all, nil
}

func fieldValue(word string, i int) (int, bool) {
	for n, name := range strings.Fields(cronFields[i].names) {
		if strings.EqualFold(name, word) {
			return n + 1, true
		}
	}
	n, err := strconv.Atoi(word)
	return n, err == nil && n >= cronFields[i].low && n <= cronFields[i].high
}

// After returns the first time of the schedule after t; zero: never. The times of a rate
// count from the creation of the rule or the last time.
func (s *Schedule) After(t time.Time) time.Time {
	if s.every > 0 {
		return t.Add(s.every)
	}
	t = t.UTC().Truncate(time.Minute).Add(time.Minute)
	for t.Year() <= cronFields[5].high {
		day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
		switch {
		case !s.fields[5][t.Year()]:
			t = time.Date(t.Year()+1, 1, 1, 0, 0, 0, 0, time.UTC)
		case !s.fields[3][int(t.Month())] || !s.fields[2][t.Day()] || !s.fields[4][int(t.Weekday())+1]:
			t = day.AddDate(0, 0, 1)
		case !s.fields[1][t.Hour()]:
			t = t.Truncate(time.Hour).Add(time.Hour)
		case !s.fields[0][t.Minute()]:
			t = t.Add(time.Minute)
		default:
			return t
		}
	}
	return time.Time{}
}
