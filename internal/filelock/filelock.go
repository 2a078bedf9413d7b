// Package filelock locks files between processes and names the process that holds a lock.
package filelock

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// A HeldError says that another process kept a lock for longer than the caller
// was willing to wait.
type HeldError struct {
	Path string
	PID  int // 0: not known
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("%s holds the lock %s", Process(e.PID), e.Path)
}

// Process names a process by its ID, as returned by [Holder].
func Process(pid int) string {
	if pid == 0 {
		return "another forcemfa process"
	}
	return fmt.Sprintf("another forcemfa process (PID %d)", pid)
}

const poll = 20 * time.Millisecond

// Take locks a file, which it creates if needed, and writes the ID of this process
// into it. While another process holds the lock, it waits for up to patience; then
// the error is a [*HeldError]. The operating system releases the lock when its
// holder ends.
func Take(ctx context.Context, path string, patience time.Duration) (release func(), err error) {
	file := flock.New(path, flock.SetPermissions(0o600))
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	locked, err := file.TryLockContext(waiting, poll)
	switch {
	case locked:
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err == nil || waiting.Err() != nil:
		return nil, &HeldError{path, Holder(path)}
	default:
		return nil, err
	}
	// Only the messages of other processes are vaguer when this fails, as on
	// Windows, where a locked file cannot be written through a second handle.
	_ = os.WriteFile(path, strconv.AppendInt(nil, int64(os.Getpid()), 10), 0o600)
	return func() { _ = file.Unlock() }, nil
}

// Holder returns the ID of the process that took the lock last, 0 if it is not
// known. It is meaningful only while the lock is held.
func Holder(path string) int {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 0 {
		return 0
	}
	return pid
}
