package baseline

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// A value is how what a key holds is read, and what JSON Schema says of it:
// the two cannot disagree, because they are one table.
type value interface {
	read(node) error
	schema() *schema
}

// A field is a key of a mapping.
type field struct {
	key      string
	required bool
	about    string // a sentence for the schema and the documentation
	value    value
}

const (
	required = true
	optional = false
)

// A mapping holds these keys and no others.
type mapping struct {
	fields []field
	check  func(node) error // of the whole, when every key was read; nil: nothing to check
	least  int              // how many keys there must be
}

func (m mapping) read(n node) error {
	if err := n.mapping(m.fields); err != nil {
		return err
	}
	if m.check == nil {
		return nil
	}
	return m.check(n)
}

// A sequence holds items of one kind. begin gives what reads one.
type sequence[T any] struct {
	to    *[]T
	begin func(item *T, n node) value
}

func (q sequence[T]) read(n node) error {
	return n.list(func(at node) error {
		item := new(T)
		if err := q.begin(item, at).read(at); err != nil {
			return err
		}
		*q.to = append(*q.to, *item)
		return nil
	})
}

// A choice is one of a few words.
type choice[T ~string] struct {
	to      *T
	allowed []T
}

func oneOf[T ~string](to *T, allowed ...T) choice[T] { return choice[T]{to, allowed} }

func (c choice[T]) words() []string {
	words := make([]string, len(c.allowed))
	for i, a := range c.allowed {
		words[i] = string(a)
	}
	return words
}

func (c choice[T]) read(n node) error {
	words := c.words()
	text, err := n.text()
	if err != nil {
		return n.errorf("%s: want %s; this is %s", n.key, strings.Join(words, ", "), n.kind())
	}
	if !slices.Contains(words, text) {
		return n.errorf("%s %q: want %s", n.key, text, strings.Join(words, ", "))
	}
	*c.to = T(text)
	return nil
}

// A truth is true or false.
type truth struct{ to *bool }

func (t truth) read(n node) error {
	v, err := n.truth()
	*t.to = v
	return err
}

// A number is whole and in a range. name stands before it in errors.
type number struct {
	to            *int
	name          string
	from, through int
}

func (x number) read(n node) error {
	v, err := n.whole()
	if err != nil {
		return err
	}
	if v < x.from || v > x.through {
		return n.errorf("%s %d: want %d to %d", x.name, v, x.from, x.through)
	}
	*x.to = v
	return nil
}

// An amount is a number from 0 to most, which may have a fraction.
type amount struct {
	to   *float64
	most int
}

func (x amount) read(n node) error {
	v, err := n.decimal()
	if err != nil {
		return err
	}
	if !(v >= 0 && v <= float64(x.most)) { // NaN is neither
		return n.errorf("%s%v: want 0 to %d", n.prefix(), v, x.most)
	}
	*x.to = v
	return nil
}

// A version is the one that this program reads.
type version struct{}

func (version) read(n node) error {
	v, err := n.whole()
	if err != nil {
		return err
	}
	if v != 1 {
		return n.errorf("version %d is not known: this program reads version 1", v)
	}
	return nil
}

// A sentence is text that must say something.
type sentence struct{ to *string }

func (s sentence) read(n node) error {
	text, err := n.text()
	if err != nil {
		return err
	}
	if strings.TrimSpace(text) == "" {
		return n.errorf("%s is empty", n.key)
	}
	*s.to = text
	return nil
}

// responsible reads a person, a team or an address. Words that name nobody are refused:
// an exemption without an owner is never reviewed.
type responsible struct{ to *string }

func (r responsible) schema() *schema { return sentence(r).schema() }

func (r responsible) read(n node) error {
	if err := sentence(r).read(n); err != nil {
		return err
	}
	first, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(*r.to)), " ")
	named := strings.ContainsFunc(*r.to, unicode.IsLetter)
	if !named || slices.Contains([]string{"nobody", "none", "n/a", "na", "tbd", "tba", "todo", "unknown", "null", "nil", "xxx", "changeme"}, strings.Trim(first, ":.!?<>[]")) {
		return n.errorf("owner %q: name a person, a team or an e-mail address", *r.to)
	}
	return nil
}

// A pattern is text that must have a shape: what ok says, or, where regex is
// set, an anchored regular expression after "regex:".
type pattern struct {
	to       *string
	want     string            // in words
	ok       func(string) bool // decides
	shape    string            // as a regular expression, which may allow more than ok
	regex    bool
	examples []string
	tidy     func(string) string // removes what has no meaning; nil: nothing
}

func (p pattern) read(n node) error {
	text, err := n.text()
	if err != nil {
		return n.errorf("%s: want %s; this is %s", n.key, p.want, n.kind())
	}
	if p.tidy != nil {
		text = p.tidy(text)
	}
	if p.regex && hasRegex(n.key, text) {
		if _, err := compile(regexOf(n.key, text)); err != nil {
			return n.errorf("%s %s: %v", n.key, strconv.Quote(text), err)
		}
		*p.to = text
		return nil
	}
	if text == "" || !p.ok(text) {
		return n.errorf("%s %s: want %s", n.key, strconv.Quote(text), p.want)
	}
	*p.to = text
	return nil
}

// A day is a date without a time.
type day struct{ to *time.Time }

func (d day) read(n node) error {
	text, err := n.text()
	if err != nil {
		return n.errorf("%s: want a date such as 2027-01-31", n.key)
	}
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return n.errorf("%s %q: want a date such as 2027-01-31", n.key, text)
	}
	*d.to = at
	return nil
}

// An age is none or how old a session may be.
type age struct{ to *time.Duration }

// A session made by GetSessionToken lives from 15 minutes to 36 hours.
// Source: AWS STS API Reference, GetSessionToken, DurationSeconds.
const (
	shortestSession = 15 * time.Minute
	longestSession  = 36 * time.Hour
)

func (a age) read(n node) error {
	allowed := n.key + ": want none or a duration of 15m to 36h in whole seconds, such as 12h"
	text, err := n.text()
	if err != nil {
		return n.errorf("%s", allowed)
	}
	if text == "none" {
		*a.to = 0
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < shortestSession || d > longestSession || d%time.Second != 0 {
		return n.errorf("%s; this is %q", allowed, text)
	}
	*a.to = d
	return nil
}

// A word is text that a function reads.
type word[T any] struct {
	to    *T
	parse func(string) (T, error)
	shape string
	want  string // for errors about values that are no text; empty: the general one
}

func (w word[T]) read(n node) error {
	text, err := n.text()
	if err != nil {
		if w.want != "" {
			return n.errorf("%s: want %s; this is %s", n.key, w.want, n.kind())
		}
		return err
	}
	v, err := w.parse(text)
	if err != nil {
		return n.errorf("%v", err)
	}
	*w.to = v
	return nil
}
