package filefault

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestNextFitsTheCause(t *testing.T) {
	for _, row := range []struct {
		name, path, want string
		err              error
	}{
		{"disk full", "", "free space on the file system of /c/x", &fs.PathError{Op: "write", Path: "/c/x", Err: full[0]}},
		{"quota", "/c", "free space on the file system of /c,", &fs.PathError{Op: "write", Path: "/c/x", Err: full[1]}},
		{"wrapped", "", "free space on the file system of /c/y", fmt.Errorf("store: %w", &os.LinkError{Op: "rename", Old: "/c/x", New: "/c/y", Err: full[0]})},
		{"text of the cause", "", "free space on the file system of the directory", fmt.Errorf("cannot write data to tempfile %q: %v", "/c/x", full[0])},
		{"read-only", "", "the file system of /c/x is read-only", &fs.PathError{Op: "open", Path: "/c/x", Err: readOnly[0]}},
		{"a directory for a file", "", "a directory is in the place of the file /c/x", &fs.PathError{Op: "read", Path: "/c/x", Err: syscall.EISDIR}},
		{"not allowed", "", "give your user access to /c/x", &fs.PathError{Op: "open", Path: "/c/x", Err: fs.ErrPermission}},
		{"something else", "", "", errors.New("unknown")},
		{"no error", "", "", nil},
	} {
		if got := Next(row.err, row.path); !strings.HasPrefix(got, row.want) || (got == "") != (row.want == "") {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}

func TestAFileInTheWay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(file, "cache"), 0o700); Next(err, "") == "" {
		t.Errorf("no next step for %v", err)
	}
}

func TestADeviceWithoutSpace(t *testing.T) {
	f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("there is no /dev/full")
	}
	defer f.Close()
	_, err = f.WriteString("x")
	if got := Next(err, ""); !strings.HasPrefix(got, "free space on the file system of /dev/full") {
		t.Errorf("%v: %q", err, got)
	}
}

func TestErrorNamesThePathOnce(t *testing.T) {
	err := Error("read key", &fs.PathError{Op: "open", Path: "/c/x", Err: fs.ErrNotExist})
	if err.Error() != "read key /c/x: file does not exist" || !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := Error("read key", errors.New("no")); err.Error() != "read key: no" {
		t.Error(err)
	}
}

func TestReadEndsAtItsLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := Read(path, 5); err != nil || string(text) != "12345" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := Read(path, 4); err == nil || !strings.Contains(err.Error(), path+": larger than 4 bytes") {
		t.Errorf("a larger file: %v", err)
	}
	if _, err := Read(filepath.Join(path, "x"), 5); err == nil {
		t.Error("a file that does not exist is read")
	}
	if _, err := os.Stat("/dev/zero"); err != nil {
		t.Skip("the system has no endless device")
	}
	if _, err := Read("/dev/zero", 1<<20); err == nil {
		t.Error("a device that never ends is read")
	}
}
