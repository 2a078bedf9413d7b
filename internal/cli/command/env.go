// Package command holds what every verb of the command line needs: the
// process's environment, output, exit statuses, errors with hints, prompts and files.
// The names are exported because the verbs stand in three packages.
package command

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"
)

// An Env is everything that a verb reads from its process or writes to it.
// Tests run verbs in an Env of their own.
type Env struct {
	Args           []string // without the program's name
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Now            func() time.Time
	// StdoutTerminal and StderrTerminal report whether the stream is a terminal.
	StdoutTerminal, StderrTerminal bool
	// Columns is the width that text on stdout is wrapped to; 0: it is not wrapped. Rows
	// is the height of the terminal on stdout.
	Columns, Rows int
	// Page shows text through a pager; nil: text is printed.
	Page func(text []byte) error
	// Ask prompts at the terminal, even when stdin is redirected. It fails
	// without a terminal.
	Ask func(ctx context.Context, question string) (string, error)
	// AskSecret prompts like Ask and does not echo the answer.
	AskSecret func(ctx context.Context, question string) (string, error)
	// Terminal returns why this process cannot prompt, nil if it can. Without it,
	// the process can prompt if AskSecret is set.
	Terminal func() error
	// Release gives the terminal back to whoever runs next: after a secret its echo
	// is off. May be nil.
	Release func()
	// Environ is the whole environment, for child processes; nil: os.Environ.
	Environ func() []string
	// StateDir is the parent of the journal directory; created on first use.
	StateDir string
}

// ProcessEnv returns the Env of the running process.
func ProcessEnv() *Env {
	columns, rows := screen(os.Getenv("COLUMNS"))
	prompts := &prompter{}
	return &Env{
		Args:           os.Args[1:],
		Stdin:          os.Stdin,
		Stdout:         os.Stdout,
		Stderr:         os.Stderr,
		Getenv:         os.Getenv,
		Now:            time.Now,
		Columns:        columns,
		Rows:           rows,
		Page:           page,
		StdoutTerminal: term.IsTerminal(int(os.Stdout.Fd())),
		StderrTerminal: term.IsTerminal(int(os.Stderr.Fd())),
		Ask:            prompts.ask,
		AskSecret:      prompts.askSecret,
		Terminal:       prompts.ready,
		Release:        prompts.release,
		StateDir:       stateDir(),
	}
}

// screen is the size of the terminal on stdout; 0 if it is none. A number in the
// variable COLUMNS is the width, also where stdout is not a terminal.
func screen(variable string) (columns, rows int) {
	columns, rows, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		columns, rows = 0, 0
	}
	if n, err := strconv.Atoi(variable); err == nil && n > 0 {
		columns = n
	}
	return columns, rows
}

// stateDir follows the XDG Base Directory Specification, except on Windows.
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

// JournalDir is the directory of the journals of runs.
func (e *Env) JournalDir() string { return filepath.Join(e.StateDir, "runs") }

// HistoryDir is the directory of the runs that are kept.
func (e *Env) HistoryDir() string { return filepath.Join(e.StateDir, "history") }

// ChildStdout is the stdout that a child process inherits.
func (e *Env) ChildStdout() io.Writer {
	if c, ok := e.Stdout.(*checkedWriter); ok {
		return c.Writer
	}
	return e.Stdout
}

// ChildEnviron is the environment that a child process inherits.
func (e *Env) ChildEnviron() []string {
	if e.Environ != nil {
		return e.Environ()
	}
	return os.Environ()
}

// UTF8 reports whether text may have characters outside ASCII: unless the locale says
// otherwise, as LANG=C does. Source: POSIX, "Internationalization Variables": the first of
// LC_ALL, LC_CTYPE and LANG that is set decides.
func (e *Env) UTF8() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if locale := strings.ToUpper(e.Getenv(name)); locale != "" {
			return strings.Contains(locale, "UTF-8") || strings.Contains(locale, "UTF8")
		}
	}
	return true
}
