// Package filelock locks files between processes and names the process that holds a lock.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"io"
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

// New is a lock that is not taken. A link in place of the file is an error where the
// system can tell.
func New(path string) *flock.Flock {
	return flock.New(path, flock.SetPermissions(0o600), flock.SetFlag(os.O_CREATE|os.O_RDONLY|noFollow))
}

// Take locks a file, which it creates if needed, and writes the ID of this process
// into it. While another process holds the lock, it waits for up to patience; then
// the error is a [*HeldError]. The operating system releases the lock when its
// holder ends.
func Take(ctx context.Context, path string, patience time.Duration) (release func(), err error) {
	file := New(path)
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
	_ = writeID(path)
	return func() { _ = file.Unlock() }, nil
}

func writeID(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC|noFollow, 0)
	if err != nil {
		return err
	}
	_, err = file.Write(strconv.AppendInt(nil, int64(os.Getpid()), 10))
	return errors.Join(err, file.Close())
}

// mostID is more than a process ID takes.
const mostID = 32

// Holder returns the ID of the process that took the lock last, 0 if it is not
// known. It is meaningful only while the lock is held.
func Holder(path string) int {
	file, err := os.OpenFile(path, os.O_RDONLY|noFollow, 0)
	if err != nil {
		return 0
	}
	defer file.Close()
	_ = file.SetReadDeadline(time.Now()) // of a pipe; a file has none
	text, err := io.ReadAll(io.LimitReader(file, mostID))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 0 {
		return 0
	}
	return pid
}
