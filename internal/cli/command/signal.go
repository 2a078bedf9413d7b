package command

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// An Interrupted is the cause of a context that a signal ended.
type Interrupted struct{ Signal os.Signal }

func (i *Interrupted) Error() string {
	if i.Signal == os.Interrupt {
		return "interrupted"
	}
	return "ended by signal: " + i.Signal.String()
}

// Status returns the exit status that shells give to a program that the signal
// ended: 130 for Ctrl-C.
func (i *Interrupted) Status() int {
	if number, ok := i.Signal.(syscall.Signal); ok {
		return 128 + int(number)
	}
	return StatusFailed
}

// grace is how long a program may take to end after a signal: a step in flight is
// completed and journaled in that time. A run that is cut is completed by the next.
const grace = 5 * time.Second

// surviving counts the children and the work that this program must survive for.
var surviving atomic.Int32

// WithSignals returns a context that Ctrl-C and SIGTERM end; its cause is an
// [*Interrupted]. A program that is still there after some seconds, or at a second
// signal, is ended with the status of the signal: a read of a pipe that nobody
// writes doesn't see the context. stop ends the handling of signals.
func WithSignals(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals, stopped := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, EndSignals()...)
	go func() {
		select {
		case s := <-signals:
			cancel(&Interrupted{s})
			endLater(&Interrupted{s}, signals, stopped)
		case <-stopped:
		}
	}()
	return ctx, sync.OnceFunc(func() {
		signal.Stop(signals)
		close(stopped)
		cancel(nil)
	})
}

// endLater ends the program after the grace, or at the next signal.
func endLater(first *Interrupted, signals <-chan os.Signal, stopped <-chan struct{}) {
	late := time.After(grace)
	for {
		select {
		case <-stopped:
			return
		case <-signals:
		case <-late:
		}
		if surviving.Load() == 0 {
			os.Exit(first.Status())
		}
	}
}

// EndSignals returns the signals that ask this program to end.
func EndSignals() []os.Signal { return []os.Signal{os.Interrupt, syscall.SIGTERM} }

// ConsoleSignals returns the signals that this program must survive while a child that
// it waits for has the console. Windows sends Ctrl-C and Ctrl-Break to every process of
// a console (Go reports both as os.Interrupt), and the close of the console as SIGTERM;
// a program that ended first would leave the child behind. On other systems exec
// replaces this process, so there is nothing to survive.
// Source: Go, package os/signal, "Windows".
func ConsoleSignals(goos string) []os.Signal {
	if goos == "windows" {
		return EndSignals()
	}
	return nil
}

// Finish has the program survive the grace and further signals until end is called, for
// work that must not be cut.
func Finish() (end func()) {
	surviving.Add(1)
	return func() { surviving.Add(-1) }
}

// Survive receives signals and does nothing about them until end is called. Without a
// handler, Ctrl-C ends a program on Windows even after signal.Ignore; with one that is
// not read, nothing else happens.
func Survive(signals []os.Signal) (end func()) {
	if len(signals) == 0 {
		return func() {} // signal.Notify without signals means all of them
	}
	unread := make(chan os.Signal, 1)
	signal.Notify(unread, signals...)
	surviving.Add(1)
	return func() {
		signal.Stop(unread)
		surviving.Add(-1)
	}
}
