package bootstrap

import (
	"context"
	"log/slog"

	"forcemfa/internal/notify"
)

// A notifier is the function that sends the notifications of all accounts.
type notifier struct {
	open *notify.Notifier
	log  *slog.Logger
}

func newNotifier(ctx context.Context, e *Environment, log *slog.Logger) (*notifier, error) {
	n, err := notify.Open(ctx, config(e), e.channels())
	if err != nil {
		return nil, err
	}
	return &notifier{n, log}, nil
}

// Invoke is the lambda.Handler.
func (n *notifier) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if err := n.open.Handle(ctx, payload); err != nil {
		n.log.Error("not told", "error", err.Error())
		return nil, err
	}
	return []byte("null"), nil
}

// channels returns the options of the channels.
func (e *Environment) channels() notify.Options {
	o := notify.OptionsFrom(e.Getenv)
	o.Now, o.Sleep, o.Loopback = e.Now, e.Sleep, e.Loopback
	return o
}
