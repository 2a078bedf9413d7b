package trail

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Limits of what is read. A record of CloudTrail has at most 256 kB; others may
// have added to it.
const (
	maxRecord = 4 << 20  // bytes; a larger one is skipped
	maxText   = 16 << 20 // bytes of a record after which the file is left
	chunk     = 1 << 20  // read at a time
)

var errLarge = fmt.Errorf("a record has more than %d MB", maxText>>20)

// ErrNoRecords says that a file holds JSON without CloudTrail records: a digest,
// an Insight, or another log.
var ErrNoRecords = errors.New("the file holds no CloudTrail records")

// A Reader reads the calls of one text: an envelope {"Records": […]}, an array of
// records, or JSON Lines. Its memory is that of the largest record.
type Reader struct {
	scanner
	in   io.Reader
	base int64 // bytes before the text of the scanner
	done bool  // in has ended
	call Call

	Latest int64 // Unix time; later records are skipped. 0: none is

	Read    int // records
	Skipped Skipped
}

// Skipped counts the records that were skipped, by reason.
type Skipped struct {
	Invalid int // without a time, source or name
	Version int // with an eventVersion that is not 1.x
	Large   int // larger than 4 MB
	Future  int // after the latest time
}

// Err is the error about the records that were skipped of read and skipped ones; nil: none.
func (s Skipped) Err(read int) error {
	skipped := s.Invalid + s.Version + s.Large + s.Future
	if skipped == 0 {
		return nil
	}
	var why []string
	for _, r := range []struct {
		n    int
		what string
	}{
		{s.Invalid, "no time, source or name"}, {s.Version, "an unknown eventVersion"},
		{s.Large, fmt.Sprintf("more than %d MB", maxRecord>>20)}, {s.Future, "a time in the future"},
	} {
		if r.n > 0 {
			why = append(why, fmt.Sprintf("%d with %s", r.n, r.what))
		}
	}
	return fmt.Errorf("%d of %d records were skipped: %s", skipped, read+skipped, strings.Join(why, ", "))
}

// NewReader returns a Reader.
func NewReader(in io.Reader) *Reader {
	return &Reader{in: in, scanner: scanner{shared: map[string]string{}}}
}

// Reset reads another text and keeps the strings of the calls.
func (r *Reader) Reset(in io.Reader) {
	r.in, r.base, r.done, r.at, r.text = in, 0, false, 0, r.text[:0]
	r.Read, r.Skipped = 0, Skipped{}
}

// Calls calls each with every record. The call is valid until each returns, its
// strings remain. Calls stops with the error of each, and with an error that
// names the byte at which the text is no JSON or ends.
func (r *Reader) Calls(each func(*Call) error) error {
	if err := r.bom(); err != nil {
		return err
	}
	for {
		c, err := r.peek()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		switch c {
		case '[':
			err = r.array(each)
		case '{':
			err = r.envelope(each)
		default:
			err = fmt.Errorf("unexpected %q where a record should start", c)
		}
		if err != nil {
			return r.located(err)
		}
	}
	if r.Read == 0 && r.Skipped.Invalid > 0 {
		return ErrNoRecords
	}
	return nil
}

// bom skips a byte order mark of UTF-8.
func (r *Reader) bom() error {
	if err := r.more(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	r.text = bytes.TrimPrefix(r.text, []byte("\xef\xbb\xbf"))
	return nil
}

// more reads the next chunk and forgets the text before the scanner.
func (r *Reader) more() error {
	if r.done {
		return io.EOF
	}
	if len(r.text)-r.at > maxText {
		return errLarge
	}
	n := copy(r.text[:cap(r.text)], r.text[r.at:])
	r.base += int64(r.at)
	r.at = 0
	if cap(r.text) < n+chunk {
		r.text = append(make([]byte, 0, 2*(n+chunk)), r.text[:n]...)
	}
	r.text = r.text[:n]
	return r.fill()
}

// fill reads until the buffer is full. A reader of compressed data gives little at a
// time.
func (r *Reader) fill() error {
	before := len(r.text)
	for len(r.text) < cap(r.text) {
		n, err := r.in.Read(r.text[len(r.text):cap(r.text)])
		r.text = r.text[:len(r.text)+n]
		if errors.Is(err, io.EOF) {
			r.done = true
			break
		}
		if err != nil {
			return err
		}
	}
	if len(r.text) == before {
		return io.EOF
	}
	return nil
}

// peek returns the next byte that is no white space; io.EOF at the end.
func (r *Reader) peek() (byte, error) {
	for {
		c, err := r.next()
		if err == nil {
			return c, nil
		}
		if err := r.more(); err != nil {
			return 0, err
		}
	}
}

// whole runs read on a text that holds one value, and reads more of the file
// where the text ends within it.
func (r *Reader) whole(read func() error) error {
	for {
		start := r.at
		err := read()
		if !errors.Is(err, errShort) {
			return err
		}
		r.at = start
		if err := r.more(); errors.Is(err, io.EOF) {
			return errShort
		} else if err != nil {
			return err
		}
	}
}

// one reads one record and passes it on.
func (r *Reader) one(each func(*Call) error) error {
	start := r.base + int64(r.at)
	if err := r.whole(func() error { return r.record(&r.call) }); err != nil {
		return err
	}
	switch c := &r.call; {
	case c.Time == 0 || c.Name == "" || c.Source == "":
		r.Skipped.Invalid++
	case r.unknown:
		r.Skipped.Version++
	case r.base+int64(r.at)-start > maxRecord:
		r.Skipped.Large++
	case r.Latest != 0 && c.Time > r.Latest:
		r.Skipped.Future++
	default:
		r.Read++
		return each(c)
	}
	return nil
}

// array reads an array of records.
func (r *Reader) array(each func(*Call) error) error {
	r.at++
	for first := true; ; first = false {
		c, err := r.peek()
		if err != nil {
			return shortAtEnd(err)
		}
		switch {
		case c == ']':
			r.at++
			return nil
		case !first && c == ',':
			r.at++
		case !first:
			return fmt.Errorf("unexpected %q after a record", c)
		}
		if err := r.one(each); err != nil {
			return err
		}
	}
}

// envelope reads an object at the top: a record, or one with the member Records.
func (r *Reader) envelope(each func(*Call) error) error {
	records := false
	err := r.whole(func() error {
		start := r.at
		records = false
		err := r.object(func(name []byte) error {
			if string(name) == "Records" {
				if c, err := r.next(); err != nil || c == '[' {
					records = err == nil
					return errors.Join(err, errRecords)
				}
			}
			return r.skip()
		})
		if errors.Is(err, errShort) {
			return errShort
		}
		if err == nil {
			r.at = start
		}
		return err
	})
	switch {
	case records:
		return r.records(each)
	case err != nil:
		return err
	}
	return r.one(each)
}

// errRecords ends the scan of an envelope at its records.
var errRecords = errors.New("here are the records")

// records reads the array of an envelope, and the members behind it.
func (r *Reader) records(each func(*Call) error) error {
	if err := r.array(each); err != nil {
		return err
	}
	return r.whole(func() error {
		for {
			c, err := r.next()
			if err != nil {
				return err
			}
			r.at++
			switch c {
			case '}':
				return nil
			case ',':
				if err := r.behind(); err != nil {
					return err
				}
			default:
				return fmt.Errorf("unexpected %q after the records", c)
			}
		}
	})
}

// behind skips a member of an envelope.
func (r *Reader) behind() error {
	c, err := r.next()
	if err != nil {
		return err
	}
	if c != '"' {
		return fmt.Errorf("unexpected %q after the records", c)
	}
	name, err := r.quoted()
	if err != nil {
		return err
	}
	if string(name) == "Records" {
		return errors.New("a second list of records after the first")
	}
	if err := r.colon(); err != nil {
		return err
	}
	return r.skip()
}

func shortAtEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return errShort
	}
	return err
}

// located adds where the text is wrong.
func (r *Reader) located(err error) error {
	return fmt.Errorf("after %d records, at byte %d: %w", r.Read, r.base+int64(r.at), err)
}
