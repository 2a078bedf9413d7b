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
