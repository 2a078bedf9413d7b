package org

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"sync"

	"forcemfa/internal/bounded"
	"forcemfa/internal/prose"
)

// longest is how many bytes a line of a snapshot may have: far above an
// account with every IAM quota raised and used up, below what would fill the
// memory.
const longest = 1 << 30

// copied is how long a line is at most that is copied as it grows.
const copied = 16 << 20

// Write writes a snapshot as JSON Lines: the header, then one account a line,
// each written before the next is asked for. It sets the header's Format, and
// refuses accounts that [Read] would refuse.
func Write(w io.Writer, h Header, accounts Accounts) error {
	h.Format = Format
	out := bufio.NewWriter(w)
	lines := json.NewEncoder(prose.JSON(out))
	lines.SetEscapeHTML(false)
	if err := lines.Encode(&h); err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	seen := order{}
	for a, err := range accounts {
		if err != nil {
			return err
		}
		if err := seen.next(a); err != nil {
			return fmt.Errorf("write snapshot: %w", err)
		}
		if err := lines.Encode(a); err != nil {
			return fmt.Errorf("write snapshot: account %s: %w", a.ID, err)
		}
		if err := out.Flush(); err != nil {
			return fmt.Errorf("write snapshot: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	return nil
}

// Read reads what [Write] wrote: the header at once, the accounts as they are
// asked for, once. An error names the line of the file. Refused are another
// format, fields that this version does not know, members that an object has twice, a
// file that was cut, accounts or things in them that are out of order or there twice,
// unknown partitions, and ARNs of another account than the one they are in.
func Read(r io.Reader) (Header, Accounts, error) {
	in := &reader{in: bufio.NewReaderSize(r, 1<<16)}
	var h Header
	if err := in.header(&h); err != nil {
		return Header{}, nil, err
	}
	return h, func(yield func(*Account, error) bool) {
		seen := order{}
		for a, err := range in.accounts() {
			if err == io.EOF {
				if err := seen.end(h.Accounts); err != nil {
					yield(nil, fmt.Errorf("line %d: %w", in.line, err))
				}
				return
			}
			if err == nil {
				if err = seen.next(a.account); err != nil {
					err = fmt.Errorf("line %d: %w", a.line, err)
				}
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(a.account, nil) {
				return
			}
		}
	}, nil
}

type reader struct {
	in    *bufio.Reader
	line  int       // of the last line read, from 1
	lines sync.Pool // of *[]byte: the room of lines that were decoded
}

func (r *reader) header(h *Header) error {
	line, whole, err := r.read()
	if err == io.EOF {
		return errors.New("line 1: the snapshot is empty; want a header, then one account a line")
	}
	if err != nil {
		return err
	}
	// The version comes first: another format may have other fields.
	var version struct {
		Format *int `json:"format"`
	}
	if err := json.Unmarshal(line, &version); err == nil {
		switch {
		case version.Format == nil:
			return fmt.Errorf("line 1: no snapshot header: \"format\" is missing")
		case *version.Format != Format:
			return fmt.Errorf("line 1: snapshot format %d: this version reads format %d only; take the snapshot again", *version.Format, Format)
		}
	}
	if err := decode(line, r.line, whole, h); err != nil {
		return err
	}
	if err := h.check(); err != nil {
		return fmt.Errorf("line 1: %w", err)
	}
	return nil
}

// A decoding is an account that is decoded while others are.
type decoding struct {
	account *Account
	line    int
	err     chan error
}

// accounts are the accounts in their order, and io.EOF after the last. The lines are read
// on the caller's goroutine, as many ahead as there are processors to decode them.
func (r *reader) accounts() iter.Seq2[decoding, error] {
	return func(yield func(decoding, error) bool) {
		var ahead []decoding
		var last error
		for {
			for last == nil && len(ahead) < runtime.GOMAXPROCS(0) {
				d := decoding{new(Account), 0, make(chan error, 1)}
				var line []byte
				var whole bool
				if line, whole, last = r.read(); last != nil {
					break
				}
				d.line = r.line
				go func() {
					d.err <- decodeAccount(line, d.line, whole, d.account)
					r.lines.Put(&line)
				}()
				ahead = append(ahead, d)
			}
			if len(ahead) == 0 {
				yield(decoding{}, last)
				return
			}
			d := ahead[0]
			ahead = ahead[1:]
			if !yield(d, <-d.err) {
				return
			}
		}
	}
}

// read is the next line without its end. whole is false when the line has no
// end, as the last one of a file that was cut.
func (r *reader) read() (line []byte, whole bool, err error) {
	if room, ok := r.lines.Get().(*[]byte); ok {
		line = (*room)[:0]
	}
	for {
		part, err := r.in.ReadSlice('\n')
		if len(line) == 0 && errors.Is(err, bufio.ErrBufferFull) && part[0] != '{' {
			// What begins so is no snapshot, and may have no end.
			return nil, false, fmt.Errorf("line %d: want a JSON object", r.line+1)
		}
		line = append(line, part...)
		if errors.Is(err, bufio.ErrBufferFull) {
			if len(line) < copied || cap(line)-len(line) >= r.in.Size() {
				continue
			}
			line, err = r.rest(line)
		}
		if err == io.EOF && len(line) == 0 {
			return nil, false, io.EOF
		}
		r.line++
		if err != nil && err != io.EOF {
			return nil, false, fmt.Errorf("line %d: %w", r.line, err)
		}
		trimmed, whole := bytes.CutSuffix(line, []byte("\n"))
		return trimmed, whole, nil
	}
}

// rest is a long line with the part of it that was not read. io.EOF: it has no end.
func (r *reader) rest(line []byte) ([]byte, error) {
	in := restOfLine{in: r.in}
	rest, err := bounded.ReadAll(&in, longest-int64(len(line)))
	switch {
	case errors.Is(err, bounded.ErrTooLarge):
		return nil, fmt.Errorf("longer than %d bytes", longest)
	case err != nil:
		return nil, err
	case !in.ended:
		err = io.EOF
	}
	return append(append(make([]byte, 0, len(line)+len(rest)), line...), rest...), err
}

// A restOfLine ends after a line feed.
type restOfLine struct {
	in    *bufio.Reader
	ended bool
}

func (l *restOfLine) Read(to []byte) (int, error) {
	if l.ended {
		return 0, io.EOF
	}
	if _, err := l.in.Peek(1); err != nil {
		return 0, err
	}
	part, _ := l.in.Peek(min(len(to), l.in.Buffered()))
	if end := bytes.IndexByte(part, '\n'); end >= 0 {
		part, l.ended = part[:end+1], true
	}
	n := copy(to, part)
	_, err := l.in.Discard(n)
	return n, err
}

// decodeAccount reads the line of an account.
func decodeAccount(line []byte, number int, whole bool, to *Account) error {
	if fast(line, to) {
		return nil
	}
	*to = Account{}
	return decode(line, number, whole, to)
}

// decode reads a line of JSON.
func decode(line []byte, number int, whole bool, to any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	err := d.Decode(to)
	if err == nil {
		end := d.InputOffset()
		if _, err = d.Token(); err == io.EOF {
			if member, at := Duplicate(line); member != "" {
				return fmt.Errorf("line %d, column %d: member %q is there twice; take the snapshot again", number, at+1, member)
			}
			return nil
		}
		return fmt.Errorf("line %d, column %d: something follows the object", number, end+1)
	}
	cut := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	if cut && !whole {
		return fmt.Errorf("line %d: the file is cut off in the middle of this line; take the snapshot again", number)
	}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d, column %d: not JSON: %w", number, syntax.Offset, err)
	case errors.As(err, &kind):
		return fmt.Errorf("line %d, column %d: %s is a JSON %s, which it cannot be", number, kind.Offset, kind.Field, kind.Value)
	case cut:
		return fmt.Errorf("line %d: not a whole JSON object", number)
	}
	return fmt.Errorf("line %d: %w", number, err)
}
