package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/natefinch/atomic"
)

// writeFile writes the whole file or nothing, with this mode.
func writeFile(name string, text []byte, mode os.FileMode) error {
	return writeStream(name, mode, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// writeStream writes what write gives it, the whole file or nothing, with this
// mode. Through a link it writes what the link leads to; a device or a pipe is
// written to and not replaced. A place that cannot be written is told before
// write is called.
func writeStream(name string, mode os.FileMode, write func(io.Writer) error) error {
	const remedy = "name a file in a directory that you may write to"
	target, replace, err := destination(name)
	if err != nil {
		return hinted(err, remedy)
	}
	if !replace {
		return writeInto(target, write)
	}
	from, to := io.Pipe()
	done := make(chan error)
	go func() {
		err := write(to)
		_ = to.CloseWithError(err)
		done <- err
	}()
	err = atomic.WriteFile(target, from)
	_ = from.Close() // what is still written goes nowhere
	if failed := <-done; failed != nil && !errors.Is(failed, io.ErrClosedPipe) {
		return failed
	}
	if err != nil {
		return hinted(fmt.Errorf("write %s: %w", name, err), remedy)
	}
	return os.Chmod(target, mode)
}

// destination is the file that a name leads to, and whether it is to be
// replaced.
func destination(name string) (target string, replace bool, err error) {
	switch info, err := os.Stat(name); {
	case err == nil && info.IsDir():
		return "", false, fmt.Errorf("write %s: is a directory", name)
	case err == nil && !info.Mode().IsRegular():
		return name, false, nil
	}
	target = name
	if real, err := filepath.EvalSymlinks(name); err == nil {
		target = real
	}
	if _, err := os.Stat(filepath.Dir(target)); err != nil {
		return "", false, fmt.Errorf("write %s: %w", name, err)
	}
	return target, true, nil
}

func writeInto(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return fileError("write", err)
	}
	if err := write(f); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
