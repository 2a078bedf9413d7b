package trail

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// errShort is what a scanner returns when the text ends within a value.
var errShort = errors.New("the text ends within a record")

// A scanner reads JSON of which most is skipped: records have about 1,300 bytes,
// and a call needs 300 of them. It never recurses into what it skips.
type scanner struct {
	text   []byte
	at     int
	shared map[string]string

	unknown bool // the last record has an eventVersion that is not known
}

// maxShared bounds the strings that calls share.
const maxShared = 1 << 16

// share returns a string with this content, the same one each time.
func (s *scanner) share(b []byte) string {
	if text, ok := s.shared[string(b)]; ok {
		return text
	}
	if len(s.shared) >= maxShared {
		clear(s.shared)
	}
	text := string(b)
	s.shared[text] = text
	return text
}

// next skips white space and returns the byte at which the next token starts.
func (s *scanner) next() (byte, error) {
	for s.at < len(s.text) {
		switch c := s.text[s.at]; c {
		case ' ', '\n', '\r', '\t':
			s.at++
		default:
			return c, nil
		}
	}
	return 0, errShort
}

// quoted reads a string and returns what is between its quotes, with escapes as
// they are.
func (s *scanner) quoted() ([]byte, error) {
	start := s.at + 1
	for i := start; ; {
		j := bytes.IndexByte(s.text[i:], '"')
		if j < 0 {
			return nil, errShort
		}
		end := i + j
		slashes := 0
		for k := end - 1; k >= start && s.text[k] == '\\'; k-- {
			slashes++
		}
		if slashes%2 == 0 {
			s.at = end + 1
			return s.text[start:end], nil
		}
		i = end + 1
	}
}

// string reads a value that should be a string. Another value is skipped and
// gives an empty string.
func (s *scanner) string() ([]byte, error) {
	c, err := s.next()
	if err != nil {
		return nil, err
	}
	if c != '"' {
		return nil, s.skip()
	}
	raw, err := s.quoted()
	if err != nil || bytes.IndexByte(raw, '\\') < 0 {
		return raw, err
	}
	var text string
	if err := json.Unmarshal(s.text[s.at-len(raw)-2:s.at], &text); err != nil {
		return nil, fmt.Errorf("read a string: %w", err)
	}
	return []byte(text), nil
}

// into reads a string into a field of a call.
func (s *scanner) into(field *string) error {
	b, err := s.string()
	if err == nil {
		*field = s.share(b)
	}
	return err
}

// skip moves behind the next value.
func (s *scanner) skip() error {
	c, err := s.next()
	if err != nil {
		return err
	}
	switch c {
	case '"':
		_, err := s.quoted()
		return err
	case '{', '[':
		return s.skipNested()
	case '}', ']', ',', ':':
		return fmt.Errorf("unexpected %q", c)
	}
	return s.skipWord()
}

func (s *scanner) skipNested() error {
	for depth := 0; s.at < len(s.text); {
		switch s.text[s.at] {
		case '"':
			if _, err := s.quoted(); err != nil {
				return err
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				s.at++
				return nil
			}
		}
		s.at++
	}
	return errShort
}

// skipWord moves behind a number, true, false or null.
func (s *scanner) skipWord() error {
	start := s.at
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c == '-', c == '+', c == '.', c == 'E':
		default:
			if s.at == start {
				return fmt.Errorf("unexpected %q", c)
			}
			return nil
		}
	}
	return errShort // at the end of a text a word may go on
}

// object reads an object and calls member for each of its members, which reads or
// skips the value. A value that is not an object is skipped.
func (s *scanner) object(member func(name []byte) error) error {
	c, err := s.next()
	if err != nil {
		return err
	}
	if c != '{' {
		return s.skip()
	}
	s.at++
	for first := true; ; first = false {
		c, err := s.next()
		if err != nil {
			return err
		}
		switch {
		case c == '}':
			s.at++
			return nil
		case !first && c == ',':
			s.at++
			if c, err = s.next(); err != nil {
				return err
			}
		case !first:
			return fmt.Errorf("unexpected %q after a member of an object", c)
		}
		if c != '"' {
			return fmt.Errorf("unexpected %q where a member's name should be", c)
		}
		name, err := s.quoted()
		if err != nil {
			return err
		}
		if err := s.colon(); err != nil {
			return err
		}
		if err := member(name); err != nil {
			return err
		}
	}
}

func (s *scanner) colon() error {
	c, err := s.next()
	if err != nil {
		return err
	}
	if c != ':' {
		return fmt.Errorf("unexpected %q where a colon should be", c)
	}
	s.at++
	return nil
}
