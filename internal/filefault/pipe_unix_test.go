//go:build unix

package filefault

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestAPipeThatNobodyWritesToIsAnError also reads pipes with a writer, as the shell's
// <(...) makes them.
func TestAPipeThatNobodyWritesToIsAnError(t *testing.T) {
	was, wasTime := patience, pipeTime
	pipeTime = 100 * time.Millisecond
	t.Cleanup(func() { patience, pipeTime = was, wasTime })
	for name, write := range map[string]func(path string) error{
		"[default]": func(path string) error { return os.WriteFile(path, []byte("[default]"), 0) },
		"silent": func(path string) error {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			t.Cleanup(func() { f.Close() })
			return err
		},
		"nobody": nil,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "pipe")
			if err := syscall.Mkfifo(path, 0o600); err != nil {
				t.Skip(err)
			}
			if name == "silent" && runtime.GOOS == "darwin" {
				t.Skip("the system has no time limit for reading a pipe")
			}
			patience = 50 * time.Millisecond
			if write != nil {
				patience = 5 * time.Second
				go func() { _ = write(path) }()
			}
			text, err := Read(path, 100)
			if string(text) == name {
				return
			}
			var at *fs.PathError
			if !errors.As(err, &at) || at.Path != path || !errors.Is(err, errPipe) {
				t.Errorf("%q, %v", text, err)
			}
			if next := Next(err, ""); !strings.HasPrefix(next, "start the program that writes to the pipe") {
				t.Errorf("next step %q", next)
			}
		})
	}
}

func TestADescriptorOfAPipeIsRead(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, _ = w.WriteString("text")
	w.Close()
	path := filepath.Join("/dev/fd", strconv.Itoa(int(r.Fd())))
	if text, err := Read(path, 100); err != nil || string(text) != "text" {
		t.Errorf("%q, %v", text, err)
	}
}
