package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/term"
)

// askTerminal talks to the person at the terminal even when stdin and stdout
// are files.
func askTerminal(ctx context.Context, question string) (string, error) {
	name := "/dev/tty"
	if runtime.GOOS == "windows" {
		name = "CONIN$"
	}
	tty, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return "", errNoTerminal
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
	tty, out, err := OpenTerminal()
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

var errNoTerminal = errors.New("there is no terminal to prompt at")

// OpenTerminal returns where to read an answer and where to write a question.
func OpenTerminal() (in, out *os.File, err error) {
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

// hasTerminal reports whether this process has a terminal, even when stdin is
// redirected.
func hasTerminal() bool {
	in, _, err := OpenTerminal()
	if err != nil {
		return false
	}
	_ = in.Close()
	return true
}
