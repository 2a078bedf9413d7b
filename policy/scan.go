package policy

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A scanner reads JSON from left to right and tracks its position. It never
// recurses: the grammar of a policy has a fixed depth, so the parser states what
// may come next and everything else is an error. The first error is kept.
type scanner struct {
	text string
	at   int
	err  *SyntaxError

	// line and start (of the line) belong to at; column counts the characters
	// between start and counted.
	line, start, counted, column int
}

func newScanner(text string) *scanner { return &scanner{text: text, line: 1} }

// position is where the next token starts, from 1.
func (s *scanner) position() (line, column int) {
	s.space()
	s.column += utf8.RuneCountInString(s.text[s.counted:s.at])
	s.counted = s.at
	return s.line, s.column + 1
}

// fail records the first error, at the next token.
func (s *scanner) fail(message string) {
	if s.err != nil {
		return
	}
	line, column := s.position()
	s.err = &SyntaxError{Line: line, Column: column, Message: message}
}

// failAt is fail for a position that was already read.
func (s *scanner) failAt(line, column int, message string) {
	if s.err == nil {
		s.err = &SyntaxError{Line: line, Column: column, Message: message}
	}
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case '\n':
			s.at++
			s.line++
			s.start, s.counted, s.column = s.at, s.at, 0
		case ' ', '\t', '\r':
			s.at++
		default:
			return
		}
	}
}

// peek returns the first byte of the next token, 0 at the end or after an error.
func (s *scanner) peek() byte {
	s.space()
	if s.err != nil || s.at == len(s.text) {
		return 0
	}
	return s.text[s.at]
}

// open reads a required byte.
func (s *scanner) open(c byte) bool {
	if s.peek() != c {
		s.fail("want " + string(rune(c)) + ", found " + s.found())
		return false
	}
	s.at++
	return true
}

// found describes the next token for an error message.
func (s *scanner) found() string {
	c := s.peek()
	switch {
	case c == 0:
		return "the end of the text"
	case c == '"':
		return "a string"
	case c == '{':
		return "an object"
	case c == '[':
		return "an array"
	case c == '-' || '0' <= c && c <= '9':
		return "a number"
	}
	for _, word := range []string{"true", "false", "null"} {
		if strings.HasPrefix(s.text[s.at:], word) {
			return word
		}
	}
	r, _ := utf8.DecodeRuneInString(s.text[s.at:])
	return strconv.QuoteRune(r)
}

// object calls member for every key, positioned before its value. A repeated key
// is an error: JSON readers differ on which value counts, and a policy must be
// unambiguous.
func (s *scanner) object(member func(key string, line, column int)) {
	if !s.open('{') {
		return
	}
	if s.peek() == '}' {
		s.at++
		return
	}
	seen := map[string]bool{}
	for s.err == nil {
		line, column := s.position()
		key := s.string("a quoted name")
		if seen[key] {
			s.failAt(line, column, "duplicate "+strconv.Quote(key))
		}
		seen[key] = true
		if s.open(':') {
			member(key, line, column)
		}
		if s.more('}') {
			continue
		}
		return
	}
}

// array calls element for every element, positioned before it.
func (s *scanner) array(element func()) {
	if !s.open('[') {
		return
	}
	if s.peek() == ']' {
		s.at++
		return
	}
	for s.err == nil {
		element()
		if !s.more(']') {
			return
		}
	}
}

// more reads a comma (true) or the end of the list (false).
func (s *scanner) more(end byte) bool {
	switch s.peek() {
	case ',':
		s.at++
		if s.peek() == end {
			s.fail("no value after the comma")
		}
		return true
	case end:
		s.at++
		return false
	}
	s.fail("want , or " + string(rune(end)) + ", found " + s.found())
	return false
}

// end checks that nothing follows.
func (s *scanner) end() {
	if s.err == nil && s.peek() != 0 {
		s.fail("want the end of the text, found " + s.found())
	}
}

// string reads a string; want describes it in error messages.
func (s *scanner) string(want string) string {
	if s.peek() != '"' {
		s.fail("want " + want + ", found " + s.found())
		return ""
	}
	s.at++
	from := s.at
	for s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case c == '"':
			text := s.text[from:s.at]
			s.at++
			return s.valid(text)
		case c == '\\':
			return s.escaped(from)
		case c < ' ':
			s.fail("control character in a string: write it as \\u" + hex4(c))
			return ""
		}
		s.at++
	}
	s.fail("unterminated string")
	return ""
}

// escaped reads the rest of a string, from the first backslash on.
func (s *scanner) escaped(from int) string {
	var b strings.Builder
	b.WriteString(s.text[from:s.at])
	for s.err == nil && s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return s.valid(b.String())
		case c == '\\':
			s.at++
			b.WriteRune(s.escape())
		case c < ' ':
			s.fail("control character in a string: write it as \\u" + hex4(c))
		default:
			b.WriteByte(c)
			s.at++
		}
	}
	s.fail("unterminated string")
	return ""
}

func (s *scanner) valid(text string) string {
	if !utf8.ValidString(text) {
		s.fail("string is not UTF-8")
	}
	return text
}

const escapes = `"\/bfnrt`
const escaped = "\"\\/\b\f\n\r\t"

// escape reads an escape sequence after its backslash.
func (s *scanner) escape() rune {
	if s.at == len(s.text) {
		return 0
	}
	c := s.text[s.at]
	if i := strings.IndexByte(escapes, c); i >= 0 {
		s.at++
		return rune(escaped[i])
	}
	if c != 'u' {
		s.fail("unknown escape \\" + s.text[s.at:s.at+runeWidth(s.text[s.at:])])
		return 0
	}
	r := s.unicode()
	if !utf16.IsSurrogate(r) {
		return r
	}
	if strings.HasPrefix(s.text[s.at:], `\u`) {
		s.at++
		if pair := utf16.DecodeRune(r, s.unicode()); pair != utf8.RuneError {
			return pair
		}
	}
	s.fail("half of a surrogate pair")
	return 0
}

func runeWidth(s string) int {
	_, width := utf8.DecodeRuneInString(s)
	return width
}

// unicode reads uXXXX.
func (s *scanner) unicode() rune {
	if len(s.text)-s.at < 5 {
		s.fail("want four hexadecimal digits after \\u")
		return 0
	}
	n, err := strconv.ParseUint(s.text[s.at+1:s.at+5], 16, 16)
	if err != nil || s.text[s.at+1] == '+' {
		s.fail("want four hexadecimal digits after \\u")
		return 0
	}
	s.at += 5
	return rune(n)
}

func hex4(c byte) string {
	const digits = "0123456789abcdef"
	return "00" + string(digits[c>>4]) + string(digits[c&15])
}

// scalar reads a string, a number or a boolean, as text.
func (s *scanner) scalar() string {
	switch c := s.peek(); {
	case c == '"':
		return s.string("")
	case c == '-' || '0' <= c && c <= '9':
		return s.number()
	}
	for _, word := range [...]string{"true", "false"} {
		if strings.HasPrefix(s.text[s.at:], word) {
			s.at += len(word)
			return word
		}
	}
	s.fail("want a string, a number or a boolean, found " + s.found())
	return ""
}

// number reads a JSON number without an exponent: IAM's grammar has integers and
// decimals.
func (s *scanner) number() string {
	from := s.at
	if s.text[s.at] == '-' {
		s.at++
	}
	whole := s.digits()
	if whole == "" || len(whole) > 1 && whole[0] == '0' {
		s.fail("not a JSON number")
		return ""
	}
	if s.at < len(s.text) && s.text[s.at] == '.' {
		s.at++
		if s.digits() == "" {
			s.fail("not a JSON number")
			return ""
		}
	}
	if s.at < len(s.text) && (s.text[s.at] == 'e' || s.text[s.at] == 'E') {
		s.fail("a number with an exponent: write it out")
		return ""
	}
	return s.text[from:s.at]
}

func (s *scanner) digits() string {
	from := s.at
	for s.at < len(s.text) && '0' <= s.text[s.at] && s.text[s.at] <= '9' {
		s.at++
	}
	return s.text[from:s.at]
}
