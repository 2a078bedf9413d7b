//go:build unix

package main

import (
	"bufio"
	"fmt"
	"io"
	"syscall"
	"testing"
	"time"

	"forcemfa/internal/testclients"
)

// A shell starts emulate in the background, as a script does, and is killed.
func killedShell(t *testing.T, flags string) (emulate int, out *bufio.Reader) {
	t.Helper()
	shell := testclients.Command(t, "sh", "-c", "forcemfa emulate "+flags+" </dev/null & echo $!; wait")
	pipe, err := shell.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	out = bufio.NewReader(pipe)
	if _, err := fmt.Fscanln(out, &emulate); err != nil {
		t.Fatal(err)
	}
	if _, err := out.ReadString('\n'); err != nil { // the first line of emulate: it serves
		t.Fatalf("emulate did not start: %v", err)
	}
	if err := shell.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	return emulate, out
}

func TestEmulateEndsWhenItsParentIsKilled(t *testing.T) {
	t.Parallel()
	_, out := killedShell(t, "")
	if _, err := io.Copy(io.Discard, out); err != nil { // the pipe ends when emulate does
		t.Error(err)
	}
}

func TestEmulateCanOutliveItsParent(t *testing.T) {
	t.Parallel()
	emulate, out := killedShell(t, "--outlive-parent")
	time.Sleep(time.Second) // five times as long as a server needs to see that its parent has ended
	if err := syscall.Kill(emulate, syscall.SIGTERM); err != nil {
		t.Errorf("emulate has ended: %v", err)
	}
	if _, err := io.Copy(io.Discard, out); err != nil {
		t.Error(err)
	}
}
