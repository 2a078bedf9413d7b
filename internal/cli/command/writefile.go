package command

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
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
	f, err := CreateFile(name, mode)
	if err != nil {
		return err
	}
	defer f.Discard()
	err = write(f)
	switch {
	case f.err != nil: // which write may have wrapped
		return f.err
	case err != nil:
		return err
	}
	return f.Commit()
}

// destination is the file or stream that a name leads to.
func destination(name string) (target string, err error) {
	if err := checkLinks(name); err != nil {
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	switch info, err := os.Stat(name); {
	case err == nil && info.IsDir():
		return "", fmt.Errorf("write %s: is a directory", name)
	case err == nil && !info.Mode().IsRegular() && slices.Contains(streams, name):
		return name, nil
	case err == nil && !info.Mode().IsRegular():
		return "", fmt.Errorf("write %s: is %s, not a file", name, kindOf(info.Mode()))
	}
	target = name
	if real, err := filepath.EvalSymlinks(name); err == nil {
		target = real
	}
	if _, err := os.Stat(filepath.Dir(target)); err != nil {
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	return target, nil
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
