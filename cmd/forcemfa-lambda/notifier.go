package main

import (
	"context"
	"log/slog"

	"forcemfa/internal/notify"
)

// A notifier is the function that tells people what all accounts have to say.
type notifier struct {
	open *notify.Notifier
	log  *slog.Logger
}

func newNotifier(ctx context.Context, getenv func(string) string, log *slog.Logger) (*notifier, error) {
	n, err := notify.Open(ctx, config(getenv), channels(getenv))
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

// variables are those of the environment that say who is told.
var variables = []string{
	"FORCEMFA_SLACK_WEBHOOK_SECRET", "FORCEMFA_SLACK_TOKEN_SECRET", "FORCEMFA_SLACK_CHANNEL", "FORCEMFA_SNS_TOPIC",
	"FORCEMFA_WEBHOOK_URL", "FORCEMFA_WEBHOOK_SECRET", "FORCEMFA_BUS", "FORCEMFA_SECURITY_HUB", "FORCEMFA_QUEUE",
}

// channels are who is told.
func channels(getenv func(string) string) notify.Options {
	env := map[string]string{}
	for _, name := range variables {
		env[name] = getenv(name)
	}
	return notify.OptionsFrom(env)
}
