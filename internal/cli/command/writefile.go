package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/natefinch/atomic"
)

// writeFile writes the whole file or nothing, with this mode.
func WriteFile(name string, text []byte, mode os.FileMode) error {
	return WriteStream(name, mode, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// writeStream writes what write gives it, the whole file or nothing, with this
// mode. Through a link it writes what the link leads to; a device or a pipe is
// written to and not replaced. A place that cannot be written is told before
// write is called.
func WriteStream(name string, mode os.FileMode, write func(io.Writer) error) error {
	const remedy = "name a file in a directory that you may write to"
	target, put, err := destination(name)
	if err != nil {
		return WithHint(err, remedy)
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
		return WithHint(fmt.Errorf("write %s: %w", name, FileReason(err)), remedy)
	}
	return nil
}

// destination is the file that a name leads to, and how it is written.
func destination(name string) (target string, put func(string, io.Reader, os.FileMode) error, err error) {
	switch info, err := os.Stat(name); {
	case err == nil && info.IsDir():
		return "", nil, fmt.Errorf("write %s: is a directory", name)
	case err == nil && !info.Mode().IsRegular():
		return name, writeInto, nil
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

func replaceFile(name string, from io.Reader, mode os.FileMode) error {
	if err := atomic.WriteFile(name, from); err != nil {
		return err
	}
	return os.Chmod(name, mode)
}

// writeInto leaves the mode of a device or a pipe as it is.
func writeInto(name string, from io.Reader, _ os.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Close())
}
