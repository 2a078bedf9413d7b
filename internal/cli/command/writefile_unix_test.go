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

// Somebody else can make a link in /tmp before the file is written there.
func TestLinksOfOthersAreNotFollowedInPublicDirectories(t *testing.T) {
	public, own := t.TempDir(), t.TempDir()
	if err := os.Chmod(public, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	link := func(dir, name, to string) string {
		path := filepath.Join(dir, name)
		if err := os.Symlink(to, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	direct := link(public, "direct", filepath.Join(own, "file"))
	me, somebody := os.Geteuid(), os.Geteuid()+1
	for _, row := range []struct {
		name   string
		me     int
		link   string
		byRoot bool // is followed when root made it
	}{
		{direct, somebody, direct, true},
		{link(own, "relative", filepath.Join("..", filepath.Base(public), "direct")), somebody, direct, true},
		{direct, me, "", false},
		{link(own, "private", filepath.Join(own, "file")), somebody, "", false},
		{link(public, "loop", filepath.Join(public, "loop")), me, "", false},
		{filepath.Join(public, "new"), somebody, "", false},
	} {
		want := row.link
		if me == 0 && row.byRoot {
			want = ""
		}
		if got, found := othersLink(row.name, row.me); found != (want != "") || found && filepath.Base(got) != filepath.Base(want) {
			t.Errorf("%s as %d: %q, %v", row.name, row.me, got, found)
		}
	}
	if me != 0 {
		t.Skip("only root can give a link to another user")
	}
	for _, name := range []string{direct, filepath.Join(own, "relative")} {
		if err := os.Lchown(direct, 65534, 65534); err != nil {
			t.Fatal(err)
		}
		err := WriteFile(name, []byte("x"), 0o600)
		if err == nil || !strings.Contains(err.Error(), "a link that another user made") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Lstat(filepath.Join(own, "file")); err == nil {
			t.Error("the file was written")
		}
	}
}
