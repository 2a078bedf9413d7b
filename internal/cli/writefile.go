package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/natefinch/atomic"
)

// writeFile writes the whole file or nothing, with this mode. Through a link it
// writes what the link leads to; a device or a pipe is written to and not
// replaced.
func writeFile(name string, text []byte, mode os.FileMode) error {
	if err := writeWhole(name, text, mode); err != nil {
		return hinted(err, "name a file in a directory that you may write to")
	}
	return nil
}

func writeWhole(name string, text []byte, mode os.FileMode) error {
	switch info, err := os.Stat(name); {
	case err == nil && info.IsDir():
		return fmt.Errorf("write %s: is a directory", name)
	case err == nil && !info.Mode().IsRegular():
		return writeInto(name, text)
	}
	target := name
	if real, err := filepath.EvalSymlinks(name); err == nil {
		target = real
	}
	if _, err := os.Stat(filepath.Dir(target)); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := atomic.WriteFile(target, bytes.NewReader(text)); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return os.Chmod(target, mode)
}

func writeInto(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return fileError("write", err)
	}
	if _, err := f.Write(text); err != nil {
		_ = f.Close()
		return fileError("write", err)
	}
	return f.Close()
}
