package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/term"
)

// ProcessEnv is the Env of this process.
func ProcessEnv() *Env {
	return &Env{
		Args:           os.Args[1:],
		Stdin:          os.Stdin,
		Stdout:         os.Stdout,
		Stderr:         os.Stderr,
		Getenv:         os.Getenv,
		Now:            time.Now,
		Columns:        columns(),
		StdoutTerminal: term.IsTerminal(int(os.Stdout.Fd())),
		StderrTerminal: term.IsTerminal(int(os.Stderr.Fd())),
		Ask:            askTerminal,
		AskSecret:      askSecret,
		HasTerminal:    hasTerminal,
		StateDir:       stateDir(),
	}
}

// columns is how wide the terminal on stdout is; 0 where it is none.
func columns() int {
	width, _, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// stateDir follows the XDG Base Directory Specification, and each system's
// habit where it does not apply.
func stateDir() string {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "forcemfa")
	}
	if runtime.GOOS == "windows" {
		if dir := os.Getenv("LocalAppData"); dir != "" {
			return filepath.Join(dir, "forcemfa")
		}
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".local", "state", "forcemfa")
}

// askTerminal talks to the person at the terminal even when stdin and stdout
// are files.
func askTerminal(ctx context.Context, question string) (string, error) {
	name := "/dev/tty"
	if runtime.GOOS == "windows" {
		name = "CONIN$"
	}
	tty, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return "", errors.New("there is no terminal to ask on")
	}
	defer tty.Close()
	fmt.Fprint(os.Stderr, question)
	type answer struct {
		line string
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		line, err := bufio.NewReader(tty).ReadString('\n')
		got <- answer{strings.TrimSpace(line), err}
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(os.Stderr)
		return "", ctx.Err()
	case a := <-got:
		return a.line, a.err
	}
}

// askSecret is askTerminal without an echo; the question goes to the terminal
// itself.
func askSecret(ctx context.Context, question string) (string, error) {
	tty, out, err := openTerminal()
	if err != nil {
		return "", err
	}
	defer tty.Close()
	fd := int(tty.Fd())
	was, err := term.GetState(fd)
	if err != nil {
		return "", errNoTerminal
	}
	fmt.Fprint(out, question)
	defer fmt.Fprintln(out)
	type answer struct {
		text []byte
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		got <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		_ = term.Restore(fd, was) // the read above left the echo off
		return "", ctx.Err()
	case a := <-got:
		return string(a.text), a.err
	}
}

var errNoTerminal = errors.New("there is no terminal to ask on")

// openTerminal is where to read an answer and where to write a question.
func openTerminal() (in, out *os.File, err error) {
	if runtime.GOOS == "windows" {
		in, err = os.OpenFile("CONIN$", os.O_RDWR, 0)
		out = os.Stderr
	} else {
		in, err = os.OpenFile("/dev/tty", os.O_RDWR, 0)
		out = in
	}
	if err != nil {
		return nil, nil, errNoTerminal
	}
	return in, out, nil
}
