package command

import (
	"context"
	"os"
	"os/signal"
	"syscall"
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

// WithSignals returns a context that Ctrl-C and SIGTERM end; its cause is an
// [*Interrupted]. stop ends the handling of signals.
func WithSignals(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case s := <-signals:
			cancel(&Interrupted{s})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}
