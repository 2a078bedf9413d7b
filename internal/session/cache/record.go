package cache

import (
	"strconv"
	"strings"
	"time"
)

// A record is the text of a file: a first line that names the format, then a
// line for each value, a word and a quoted string, and a last line without which
// the file is not whole.
type record []field

type field struct{ key, value string }

const (
	firstLine = "forcemfa 1"
	lastLine  = "end"
)

func (r record) text() string {
	var b strings.Builder
	b.WriteString(firstLine + "\n")
	for _, f := range r {
		b.WriteString(f.key)
		b.WriteByte(' ')
		b.WriteString(strconv.Quote(f.value))
		b.WriteByte('\n')
	}
	b.WriteString(lastLine + "\n")
	return b.String()
}

// parse reads a record. Anything but a whole one is ErrCold.
func parse(text string) (record, error) {
	rest, ok := strings.CutPrefix(text, firstLine+"\n")
	if !ok {
		return nil, ErrCold
	}
	var r record
	for {
		line, more, ok := strings.Cut(rest, "\n")
		if !ok {
			return nil, ErrCold
		}
		if line == lastLine && more == "" {
			return r, nil
		}
		key, quoted, _ := strings.Cut(line, " ")
		value, err := strconv.Unquote(quoted)
		if err != nil || key == "" || quoted[0] != '"' {
			return nil, ErrCold
		}
		r = append(r, field{key, value})
		rest = more
	}
}

// get is the first value of a key, empty when there is none.
func (r record) get(key string) string {
	for _, f := range r {
		if f.key == key {
			return f.value
		}
	}
	return ""
}

func (r *record) put(key, value string) {
	if value != "" {
		*r = append(*r, field{key, value})
	}
}

func (r *record) putTime(key string, t time.Time) {
	if !t.IsZero() {
		r.put(key, t.UTC().Format(time.RFC3339Nano))
	}
}

// getTime is the zero time when there is none that can be read.
func (r record) getTime(key string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, r.get(key))
	if err != nil {
		return time.Time{}
	}
	return t
}
