package command

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/natefinch/atomic"
)

// A NewFile is a file that appears under its name when it is complete, and not before.
type NewFile struct {
	name   string // as the user gave it
	target string // where links lead
	file   *os.File
	mode   os.FileMode
	stream bool  // a device, which is written directly
	err    error // of the first write that failed
}

// CreateFile begins a file. A place that cannot be written is an error now, before the
// work whose result the file is for.
func CreateFile(name string, mode os.FileMode) (*NewFile, error) {
	target, err := destination(name)
	if err != nil {
		return nil, WithHint(err, writeElsewhere)
	}
	f := &NewFile{name: name, target: target, mode: mode}
	if slices.Contains(streams, target) {
		f.stream = true
		f.file, err = os.OpenFile(target, os.O_WRONLY, 0)
	} else {
		f.file, err = os.CreateTemp(filepath.Dir(target), ".forcemfa-")
	}
	if err != nil {
		return nil, f.failed(err)
	}
	return f, nil
}

// Name is the name of the file as the user gave it.
func (f *NewFile) Name() string { return f.name }

func (f *NewFile) Write(text []byte) (int, error) {
	n, err := f.file.Write(text)
	if err != nil {
		f.err = cmp.Or(f.err, f.failed(err))
		return n, f.err
	}
	return n, nil
}

// Commit puts the file under its name. The file has its mode before: with that of an old
// file, even for a moment, others could open it.
func (f *NewFile) Commit() error {
	if f.stream {
		return f.closed(f.file.Close())
	}
	err := errors.Join(f.file.Chmod(f.mode), f.file.Sync(), f.file.Close())
	if err == nil {
		err = atomic.ReplaceFile(f.file.Name(), f.target)
	}
	if err != nil {
		_ = os.Remove(f.file.Name())
	}
	return f.closed(err)
}

func (f *NewFile) closed(err error) error {
	f.file = nil
	if err != nil {
		return f.failed(err)
	}
	return nil
}

// Discard removes a file that was not committed. It may be called after Commit, and
// without a file.
func (f *NewFile) Discard() {
	if f == nil || f.file == nil {
		return
	}
	_ = f.file.Close()
	if !f.stream {
		_ = os.Remove(f.file.Name())
	}
	f.file = nil
}

// failed is an error with the name that the user knows.
func (f *NewFile) failed(err error) error {
	var one interface{ Unwrap() []error }
	if errors.As(err, &one) && len(one.Unwrap()) > 0 {
		err = one.Unwrap()[0]
	}
	return WithHint(fmt.Errorf("write %s: %w", f.name, FileReason(err)), writeElsewhere)
}
