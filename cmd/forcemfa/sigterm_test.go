//go:build unix

package main

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A pipe that nobody writes blocks whoever reads it.
func TestSIGTERMEndsAProgramThatIsBlocked(t *testing.T) {
	for _, args := range [][]string{{"lint"}, {"plan", "--sandbox", "--config"}} {
		t.Run(args[0], func(t *testing.T) {
			t.Parallel()
			pipe := filepath.Join(t.TempDir(), "pipe")
			if err := syscall.Mkfifo(pipe, 0o600); err != nil {
				t.Fatal(err)
			}
			program := exec.Command("forcemfa", append(args, pipe)...)
			if err := program.Start(); err != nil {
				t.Fatal(err)
			}
			defer waitForReader(t, pipe).Close()
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

// waitForReader opens a pipe for writing as soon as a program reads it.
func waitForReader(t *testing.T, pipe string) *os.File {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if f, err := os.OpenFile(pipe, os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
			return f
		}
	}
	t.Fatal("nobody reads the pipe within a minute")
	return nil
}

// A program that waits for AWS says that it was interrupted, and how it ended.
func TestSignalEndsAProgramThatWaitsForAWS(t *testing.T) {
	for signal, want := range map[syscall.Signal]struct {
		status int
		says   string
	}{syscall.SIGINT: {130, "forcemfa: interrupted\n"}, syscall.SIGTERM: {143, "forcemfa: ended by signal: terminated\n"}} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			aws, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer aws.Close()
			program := exec.Command("forcemfa", "audit")
			program.Dir = t.TempDir()
			program.Env = append(os.Environ(), "AWS_ENDPOINT_URL=http://"+aws.Addr().String(), "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY=none", "AWS_REGION=us-east-1")
			var stderr bytes.Buffer
			program.Stderr = &stderr
			if err := program.Start(); err != nil {
				t.Fatal(err)
			}
			stop := time.AfterFunc(time.Minute, func() { _ = program.Process.Kill(); _ = aws.Close() })
			defer stop.Stop()
			asked, err := aws.Accept() // and never answered
			if err != nil {
				t.Fatal(err)
			}
			defer asked.Close()
			if err := program.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			_ = program.Wait()
			if status := program.ProcessState.ExitCode(); status != want.status || !strings.Contains(stderr.String(), want.says) {
				t.Errorf("status %d, want %d: %s", status, want.status, stderr.String())
			}
		})
	}
}

func TestAPipeIsNoPlanFile(t *testing.T) {
	t.Parallel()
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
