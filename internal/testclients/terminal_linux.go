package testclients

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A Terminal is a program that runs in a pseudo-terminal of its own, with what the
// terminal shows.
type Terminal struct {
	t     testing.TB
	cmd   *exec.Cmd
	keys  *os.File
	mu    sync.Mutex
	shown bytes.Buffer
	read  int // how much of shown Expect has passed
	ended chan struct{}
}

// InTerminal starts a program as the leader of a session whose terminal is a new
// pseudo-terminal. Streams of the command that are set already are left alone, so a
// program can have a terminal and its stderr in a file.
func InTerminal(t testing.TB, cmd *exec.Cmd) *Terminal {
	t.Helper()
	keys, screen, err := pseudoTerminal()
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	if cmd.Stdin == nil {
		cmd.Stdin = screen
	}
	if cmd.Stdout == nil {
		cmd.Stdout = screen
	}
	if cmd.Stderr == nil {
		cmd.Stderr = screen
	}
	cmd.ExtraFiles = []*os.File{screen}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = screen.Close()
	term := &Terminal{t: t, cmd: cmd, keys: keys, ended: make(chan struct{})}
	go term.watch()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = keys.Close()
	})
	return term
}

func pseudoTerminal() (keys, screen *os.File, err error) {
	keys, err = os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	number, err := unix.IoctlGetInt(int(keys.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(keys.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		_ = keys.Close()
	}
	return keys, screen, err
}

func (s *Terminal) watch() {
	defer close(s.ended)
	buffer := make([]byte, 4096)
	for {
		n, err := s.keys.Read(buffer)
		s.mu.Lock()
		s.shown.Write(buffer[:n])
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// Type types a text, as it is: a line needs its "\r", Ctrl-Z is "\x1a".
func (s *Terminal) Type(text string) {
	s.t.Helper()
	if _, err := io.WriteString(s.keys, text); err != nil {
		s.t.Fatal(err)
	}
}

// Shown is everything that the terminal has shown.
func (s *Terminal) Shown() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.String()
}

const terminalPatience = 2 * time.Minute // for a machine that is busy

// Expect waits until the terminal shows a text after that of the last Expect.
func (s *Terminal) Expect(text string) {
	s.t.Helper()
	for end := time.Now().Add(terminalPatience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		shown := s.Shown()
		if at := strings.Index(shown[s.read:], text); at >= 0 {
			s.read += at + len(text)
			return
		}
	}
	s.t.Fatalf("the terminal does not show %q:\n%s", text, s.Shown())
}

// Wait returns the exit status of the program.
func (s *Terminal) Wait() int {
	s.t.Helper()
	done := make(chan error, 1)
	go func() { done <- s.cmd.Wait() }()
	select {
	case <-done:
	case <-time.After(terminalPatience):
		s.t.Fatalf("the program does not end:\n%s", s.Shown())
	}
	select {
	case <-s.ended:
	case <-time.After(time.Second): // another process has the terminal still open
	}
	return s.cmd.ProcessState.ExitCode()
}

// Echoes reports whether the terminal shows what is typed.
func (s *Terminal) Echoes() bool {
	s.t.Helper()
	state, err := unix.IoctlGetTermios(int(s.keys.Fd()), unix.TCGETS)
	if err != nil {
		s.t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}
