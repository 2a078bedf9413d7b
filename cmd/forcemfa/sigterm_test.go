//go:build unix

package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A pipe that nobody writes blocks whoever reads it.
func TestSIGTERMEndsAProgramThatIsBlocked(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"lint", pipe}, {"plan", "--sandbox", "--config", pipe}} {
		t.Run(args[0], func(t *testing.T) {
			t.Parallel()
			program := exec.Command("forcemfa", args...)
			if err := program.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second) // until it waits for the pipe
			if err := program.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			stop := time.AfterFunc(time.Minute, func() { _ = program.Process.Kill() })
			defer stop.Stop()
			_ = program.Wait()
			if status := program.ProcessState.ExitCode(); status != 143 {
				t.Errorf("status %d, want 143: %v", status, program.ProcessState)
			}
		})
	}
}

func TestAPipeIsNoPlanFile(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	program := exec.Command("forcemfa", "plan", "--sandbox", "--out", pipe)
	stop := time.AfterFunc(time.Minute, func() { _ = program.Process.Kill() })
	defer stop.Stop()
	text, _ := program.CombinedOutput()
	if status := program.ProcessState.ExitCode(); status != 1 || !strings.Contains(string(text), "write "+pipe+": is a pipe, not a file") {
		t.Errorf("status %d: %s", status, text)
	}
}
