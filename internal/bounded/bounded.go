// Package bounded reads input that may be large or have no end, in memory that stays
// near the limit.
package bounded

import (
	"errors"
	"io"
	"io/fs"
)

// ErrTooLarge is the error of [ReadAll] for input above the limit.
var ErrTooLarge = errors.New("larger than the limit")

// first is how much of input of unknown size is read at first.
const first = 32 << 10

// ReadAll reads input of at most this many bytes to its end. Larger input, or input
// without an end, is [ErrTooLarge] after the limit, and until then takes no more memory
// than the limit. [io.ReadAll] takes more than twice as much, because it copies what it
// read before it returns.
func ReadAll(in io.Reader, most int64) ([]byte, error) {
	room, err := roomFor(in, most)
	if err != nil {
		return nil, err
	}
	part, parts, total := make([]byte, 0, room), [][]byte(nil), int64(0)
	for {
		n, err := in.Read(part[len(part):cap(part)])
		part = part[:len(part)+n]
		total += int64(n)
		switch {
		case total > most:
			return nil, ErrTooLarge
		case err == io.EOF:
			return join(parts, part, total), nil
		case err != nil:
			return nil, err
		case len(part) == cap(part):
			parts = append(parts, part)
			part = make([]byte, 0, min(max(first, total/2), most+1-total))
		}
	}
}

// roomFor is how many bytes to read at first: of a regular file all, and one more, which
// shows its end.
func roomFor(in io.Reader, most int64) (int64, error) {
	room := int64(first)
	if f, ok := in.(interface{ Stat() (fs.FileInfo, error) }); ok {
		info, err := f.Stat()
		switch {
		case err != nil || !info.Mode().IsRegular():
		case info.Size() > most:
			return 0, ErrTooLarge
		default:
			room = max(512, info.Size()+1) // files of /proc have the size 0
		}
	}
	return min(room, most+1), nil
}

func join(parts [][]byte, last []byte, total int64) []byte {
	if len(parts) == 0 {
		return last
	}
	whole := make([]byte, 0, total)
	for i, part := range parts {
		whole = append(whole, part...)
		parts[i] = nil
	}
	return append(whole, last...)
}
