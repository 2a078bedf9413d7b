package filelock

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestASecondHolderLearnsThePIDOfTheFirst(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	release, err := Take(t.Context(), path, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Take(t.Context(), path, 50*time.Millisecond)
	var held *HeldError
	if !errors.As(err, &held) || held.Path != path {
		t.Fatalf("error %v, want a HeldError", err)
	}
	if runtime.GOOS != "windows" && !strings.Contains(err.Error(), "PID "+strconv.Itoa(os.Getpid())) {
		t.Errorf("%q does not name the process that holds the lock", err)
	}
	release()
	again, err := Take(t.Context(), path, time.Second)
	if err != nil {
		t.Fatalf("after release: %v", err)
	}
	again()
}

func TestWaitingForALockEndsWithTheContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	release, err := Take(t.Context(), path, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Take(ctx, path, time.Minute); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want that of the context", err)
	}
}

func TestADamagedLockFileNamesNobody(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	for _, text := range []string{"", "x", "-4", "0"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if pid := Holder(path); pid != 0 {
			t.Errorf("%q: PID %d", text, pid)
		}
	}
}

// Another user can put a link into a directory such as /tmp: neither the lock nor the
// process ID may reach what it names.
func TestALinkInPlaceOfALockIsNotFollowed(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a right there")
	}
	dir := t.TempDir()
	victim, missing := filepath.Join(dir, "victim"), filepath.Join(dir, "missing")
	if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for i, target := range []string{victim, missing} {
		path := filepath.Join(dir, "lock"+strconv.Itoa(i))
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
		if release, err := Take(t.Context(), path, 50*time.Millisecond); err == nil {
			release()
			t.Errorf("%s: locked", target)
		}
		_ = writeID(path)
	}
	if text, err := os.ReadFile(victim); err != nil || string(text) != "precious" {
		t.Errorf("the file behind the link is %q, %v", text, err)
	}
	if _, err := os.Lstat(missing); err == nil {
		t.Error("the file behind the link was created")
	}
}
