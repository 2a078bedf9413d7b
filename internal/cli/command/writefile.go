package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/natefinch/atomic"
)

const writeElsewhere = "name a file in a directory that you may write to, with free space"

// WriteFile writes the whole file or nothing, with this mode.
func WriteFile(name string, text []byte, mode os.FileMode) error {
	return WriteStream(name, mode, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// WriteStream writes what write gives it, the whole file or nothing, with this
// mode. Through a link it writes what the link leads to. A device or a pipe is an
// error, except the [streams]: it would get half of a file, and a pipe without a
// reader would block the program. A place that cannot be written is reported
// before write is called.
func WriteStream(name string, mode os.FileMode, write func(io.Writer) error) error {
	target, put, err := destination(name)
	if err != nil {
		return WithHint(err, writeElsewhere)
	}
	from, to := io.Pipe()
	done := make(chan error)
	go func() {
		err := write(to)
		_ = to.CloseWithError(err)
		done <- err
	}()
	err = put(target, from, mode)
	_ = from.Close() // what is still written goes nowhere
	if failed := <-done; failed != nil && !errors.Is(failed, io.ErrClosedPipe) {
		return failed
	}
	if err != nil {
		return WithHint(fmt.Errorf("write %s: %w", name, FileReason(err)), writeElsewhere)
	}
	return nil
}

// destination is the file that a name leads to, and how it is written.
func destination(name string) (target string, put func(string, io.Reader, os.FileMode) error, err error) {
	if err := checkLinks(name); err != nil {
		return "", nil, fmt.Errorf("write %s: %w", name, err)
	}
	switch info, err := os.Stat(name); {
	case err == nil && info.IsDir():
		return "", nil, fmt.Errorf("write %s: is a directory", name)
	case err == nil && !info.Mode().IsRegular() && slices.Contains(streams, name):
		return name, writeInto, nil
	case err == nil && !info.Mode().IsRegular():
		return "", nil, fmt.Errorf("write %s: is %s, not a file", name, kindOf(info.Mode()))
	}
	target = name
	if real, err := filepath.EvalSymlinks(name); err == nil {
		target = real
	}
	if _, err := os.Stat(filepath.Dir(target)); err != nil {
		return "", nil, fmt.Errorf("write %s: %w", name, err)
	}
	return target, replaceFile, nil
}

// NotAFile returns an error if a name leads to a pipe or a device, which cannot be
// appended to as a file can: opening a pipe waits for a reader.
func NotAFile(name string) error {
	info, err := os.Stat(name)
	if err != nil || info.IsDir() || info.Mode().IsRegular() || slices.Contains(streams, name) {
		return nil
	}
	return fmt.Errorf("is %s, not a file", kindOf(info.Mode()))
}

// streams are the names of devices and pipes that may be written.
var streams = []string{os.DevNull, "/dev/stdout", "/dev/stderr"}

func kindOf(mode os.FileMode) string {
	switch {
	case mode&os.ModeNamedPipe != 0:
		return "a pipe"
	case mode&os.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}

// replaceFile puts a new file in the place of an old one. The new file has its mode before
// it has the name: with the mode of the old one, even for a moment, others could open it.
func replaceFile(name string, from io.Reader, mode os.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = io.Copy(f, from)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	return atomic.ReplaceFile(f.Name(), name)
}

// writeInto leaves the mode of a stream as it is.
func writeInto(name string, from io.Reader, _ os.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Close())
}
