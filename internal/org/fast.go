package org

import (
	"encoding/json"
	"hash/maphash"
	"reflect"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// fast decodes a line as [Write] writes it, three times as fast as encoding/json. ok is
// false for any other line, right or wrong: decode must read that. So fast accepts nothing
// that decode refuses: no unknown member, none twice, no invalid UTF-8, no white space.
func fast(line []byte, to *Account) (ok bool) {
	s, _ := scans.Get().(*scan)
	if s == nil {
		s = new(scan)
	}
	s.text, s.at = line, 0
	ok = accountPlan()(s, reflect.ValueOf(to).Elem()) && s.at == len(s.text)
	s.text = nil
	scans.Put(s)
	return ok
}

var (
	scans       sync.Pool // of *scan
	accountPlan = sync.OnceValue(func() plan { return planOf(reflect.TypeFor[Account]()) })
	seed        = maphash.MakeSeed()
)

// A scan is a position in a line.
type scan struct {
	text  []byte
	at    int
	room  []byte       // of a text with escapes
	texts [4096]string // recent texts by their hash: many accounts have the same policies
}

// A plan decodes the value at the position into v, which is zero. false: not in the form
// that Write gives it.
type plan func(s *scan, v reflect.Value) bool

func planOf(t reflect.Type) plan {
	if t == reflect.TypeFor[time.Time]() {
		return (*scan).time
	}
	switch t.Kind() {
	case reflect.String:
		return (*scan).string
	case reflect.Bool:
		return (*scan).bool
	case reflect.Int, reflect.Int64:
		return (*scan).int
	case reflect.Pointer:
		element := planOf(t.Elem())
		return orNull(func(s *scan, v reflect.Value) bool {
			v.Set(reflect.New(t.Elem()))
			return element(s, v.Elem())
		})
	case reflect.Slice:
		element := planOf(t.Elem())
		return orNull(func(s *scan, v reflect.Value) bool { return s.slice(v, element) })
	case reflect.Struct:
		members := membersOf(t)
		return func(s *scan, v reflect.Value) bool { return s.object(v, members) }
	}
	return func(*scan, reflect.Value) bool { return false }
}

// orNull leaves the value zero where the text has null.
func orNull(do plan) plan {
	return func(s *scan, v reflect.Value) bool { return s.skip("null") || do(s, v) }
}

// skip moves behind a text, if it is there.
func (s *scan) skip(text string) bool {
	if len(s.text)-s.at < len(text) || string(s.text[s.at:s.at+len(text)]) != text {
		return false
	}
	s.at += len(text)
	return true
}

// A member is a member of an object.
type member struct {
	mark string // its name in quotes, with the colon
	do   plan
}

// membersOf returns the members of a struct in the order of its fields.
func membersOf(t reflect.Type) []member {
	var all []member
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		all = append(all, member{`"` + name + `":`, planOf(t.Field(i).Type)})
	}
	return all
}

// object decodes an object whose members come in the order of the fields, some left out.
func (s *scan) object(v reflect.Value, members []member) bool {
	if !s.skip("{") {
		return false
	}
	if s.skip("}") {
		return true
	}
	for i := range members {
		if !s.skip(members[i].mark) {
			continue
		}
		if !members[i].do(s, v.Field(i)) {
			return false
		}
		if !s.skip(",") {
			return s.skip("}")
		}
	}
	return false // a member that is unknown, twice or out of order
}

func (s *scan) slice(v reflect.Value, element plan) bool {
	if !s.skip("[") {
		return false
	}
	if s.skip("]") {
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		return true
	}
	for n := 0; ; n++ {
		if n == v.Cap() {
			v.Grow(max(n, 4))
		}
		v.SetLen(n + 1)
		if !element(s, v.Index(n)) {
			return false
		}
		if !s.skip(",") {
			return s.skip("]")
		}
	}
}

func (s *scan) bool(v reflect.Value) bool {
	if s.skip("true") {
		v.SetBool(true)
		return true
	}
	return s.skip("false")
}

// int decodes an integer of at most 18 digits.
func (s *scan) int(v reflect.Value) bool {
	negative := s.skip("-")
	start, n := s.at, int64(0)
	for s.at < len(s.text) && '0' <= s.text[s.at] && s.text[s.at] <= '9' {
		n = 10*n + int64(s.text[s.at]-'0')
		s.at++
	}
	digits := s.at - start
	if digits == 0 || digits > 18 || digits > 1 && s.text[start] == '0' || negative && n == 0 {
		return false
	}
	if negative {
		n = -n
	}
	if v.OverflowInt(n) {
		return false
	}
	v.SetInt(n)
	return s.at < len(s.text) && s.text[s.at] != '.' && s.text[s.at] != 'e' && s.text[s.at] != 'E'
}

func (s *scan) time(v reflect.Value) bool {
	start := s.at
	if _, plain := s.literal(); !plain {
		return false
	}
	return v.Addr().Interface().(*time.Time).UnmarshalJSON(s.text[start:s.at]) == nil
}

func (s *scan) string(v reflect.Value) bool {
	text, plain := s.literal()
	if text == nil {
		return false
	}
	if !plain {
		if text = s.unescaped(text); text == nil {
			return false
		}
	}
	if !utf8.Valid(text) {
		return false
	}
	v.SetString(s.kept(text))
	return true
}

// literal moves behind a string and returns what is between its quotes; nil: there is none.
// plain is false if it has escapes or is no string.
func (s *scan) literal() (text []byte, plain bool) {
	if !s.skip(`"`) {
		return nil, false
	}
	start := s.at
	plain = true
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return s.text[start : s.at-1], plain
		case c == '\\':
			plain = false
			s.at++
		case c < ' ':
			return nil, false
		}
	}
	return nil, false
}

// escapes are the characters that stand for themselves after a backslash.
var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f'}

// unescaped returns a text with its escapes replaced, valid until the next one; nil: an
// escape is wrong.
func (s *scan) unescaped(text []byte) []byte {
	out := s.room[:0]
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\\' {
			i++
			if i == len(text) {
				return nil
			}
			if c = escapes[text[i]]; c == 0 {
				return unquotedText(text)
			}
		}
		out = append(out, c)
	}
	s.room = out
	return out
}

// unquotedText is unescaped for texts that name characters by their numbers.
func unquotedText(text []byte) []byte {
	var out string
	if json.Unmarshal([]byte(`"`+string(text)+`"`), &out) != nil {
		return nil
	}
	return []byte(out)
}

// kept returns a text as a string, the same one for texts that come often.
func (s *scan) kept(text []byte) string {
	if len(text) == 0 {
		return ""
	}
	place := &s.texts[maphash.Bytes(seed, text)%uint64(len(s.texts))]
	if *place != string(text) {
		*place = string(text)
	}
	return *place
}
