//go:build unix

package command

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// OpenTerminal returns where to read an answer and where to write a question.
func OpenTerminal() (in, out *os.File, err error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, nil, errNoTerminal
	}
	return tty, tty, nil
}

// foreground returns an error if another process group has the terminal: reading
// would stop this process while others wait for it.
func foreground(tty *os.File) error {
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	if err != nil {
		return errNoTerminal
	}
	if group != unix.Getpgrp() {
		return errBackground
	}
	return nil
}

// hideEcho turns the echo off and returns a function that turns it on again.
func hideEcho(tty *os.File) (restore func()) {
	fd := int(tty.Fd())
	state, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return func() {}
	}
	hidden := *state
	hidden.Lflag &^= unix.ECHO
	hidden.Lflag |= unix.ICANON | unix.ISIG
	hidden.Iflag |= unix.ICRNL
	_ = unix.IoctlSetTermios(fd, setTermios, &hidden)
	return func() { _ = unix.IoctlSetTermios(fd, setTermios, state) }
}

// ignoreBackgroundReads makes a read fail, where it would stop the process, after the
// process was moved to the background. The function that it returns ends this: a
// child must not inherit it.
func ignoreBackgroundReads() (end func()) {
	signal.Ignore(syscall.SIGTTIN)
	return func() { signal.Reset(syscall.SIGTTIN) }
}

// followJobControl turns the echo on before Ctrl-Z stops the process, and off again
// after "fg" continues it.
func (p *prompter) followJobControl() (end func()) {
	signals, done := make(chan os.Signal, 2), make(chan struct{})
	signal.Notify(signals, syscall.SIGTSTP, syscall.SIGCONT)
	go func() {
		for {
			select {
			case <-done:
				return
			case s := <-signals:
				if s == syscall.SIGCONT {
					p.resume()
					continue
				}
				p.suspend()
				stop()
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

// stop stops this process until a SIGCONT. It sends SIGSTOP because Go's runtime keeps
// its handler of SIGTSTP after signal.Reset. The leader of a session has no shell
// that could continue it.
func stop() {
	if session, err := unix.Getsid(0); err == nil && session != unix.Getpid() {
		_ = unix.Kill(unix.Getpid(), unix.SIGSTOP)
	}
}
