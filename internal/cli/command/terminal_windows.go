package command

import (
	"os"

	"golang.org/x/sys/windows"
)

// OpenTerminal returns where to read an answer and where to write a question.
func OpenTerminal() (in, out *os.File, err error) {
	if in, err = os.OpenFile("CONIN$", os.O_RDWR, 0); err != nil {
		return nil, nil, errNoTerminal
	}
	if out, err = os.OpenFile("CONOUT$", os.O_RDWR, 0); err != nil {
		_ = in.Close()
		return nil, nil, errNoTerminal
	}
	return in, out, nil
}

// foreground returns nil: Windows has no background jobs of a console.
func foreground(*os.File) error { return nil }

// hideEcho turns the echo off and returns a function that turns it on again.
func hideEcho(console *os.File) (restore func()) {
	handle := windows.Handle(console.Fd())
	var mode uint32
	if windows.GetConsoleMode(handle, &mode) != nil {
		return func() {}
	}
	hidden := mode&^windows.ENABLE_ECHO_INPUT | windows.ENABLE_PROCESSED_INPUT | windows.ENABLE_LINE_INPUT
	_ = windows.SetConsoleMode(handle, hidden)
	return func() { _ = windows.SetConsoleMode(handle, mode) }
}

func ignoreBackgroundReads() (end func()) { return func() {} }

func (*prompter) followJobControl() (end func()) { return func() {} }
