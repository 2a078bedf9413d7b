//go:build unix

package filelock

import (
	"path/filepath"
	"syscall"
	"testing"
)

func TestAPipeInPlaceOfALockNamesNobody(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	if pid := Holder(path); pid != 0 {
		t.Errorf("PID %d", pid)
	}
	if pid := Holder("/dev/zero"); pid != 0 {
		t.Errorf("PID %d of a device", pid)
	}
}
