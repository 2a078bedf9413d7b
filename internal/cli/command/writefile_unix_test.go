//go:build unix

package command

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestPipesAndDevicesAreNotFiles(t *testing.T) {
	dir := t.TempDir()
	pipe, link, socket := filepath.Join(dir, "pipe"), filepath.Join(dir, "link"), filepath.Join(dir, "socket")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(pipe, link); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for name, want := range map[string]string{pipe: "is a pipe", link: "is a pipe", socket: "is a socket", "/dev/zero": "is a device"} {
		err := WriteStream(name, 0o600, func(io.Writer) error { t.Errorf("%s: it was asked what to write", name); return nil })
		if err == nil || !strings.Contains(err.Error(), "write "+name+": "+want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
