package bootstrap

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"forcemfa/internal/apply"
	"forcemfa/internal/central"
	"forcemfa/internal/reconcile"
)

// A centralRun is the function that keeps the accounts of an organization enforced.
type centralRun struct{ run *central.Run }

func newCentral(e *Environment, log *slog.Logger) (*centralRun, error) {
	getenv := e.Getenv
	mode, err := reconcile.ParseMode(getenv("FORCEMFA_MODE"))
	if err != nil {
		return nil, err
	}
	cfg := config(e)
	o := central.Options{
		Role:     getenv("FORCEMFA_ROLE"),
		Mode:     mode,
		Settings: reconcile.ReadSettings(e.root(), getenv("FORCEMFA_CONFIG_HASH"), getenv),
		Accounts: list(getenv("FORCEMFA_ACCOUNTS")), NotAccounts: list(getenv("FORCEMFA_NOT_ACCOUNTS")),
		Sender:  &sender{cfg: cfg, options: e.channels()},
		Log:     log,
		Metrics: e.Out,
		Rate:    e.Rate,
		Now:     e.Now,
		Sleep:   e.Sleep,
	}
	for name, to := range map[string]*apply.S3Place{"FORCEMFA_RESULTS": &o.Results, "FORCEMFA_JOURNAL": &o.Journals} {
		if text := getenv(name); text != "" {
			if *to, err = apply.ParseS3Place(text); err != nil {
				return nil, fmt.Errorf("%s %w", name, err)
			}
		}
	}
	for name, to := range map[string]*int{"FORCEMFA_CONCURRENCY": &o.Concurrency, "FORCEMFA_WORKERS": &o.Workers, "FORCEMFA_ACCOUNTS_PER_WORKER": &o.PerWorker} {
		if text := getenv(name); text != "" {
			if *to, err = strconv.Atoi(text); err != nil || *to < 1 {
				return nil, fmt.Errorf("%s is %q: want a number of 1 or more", name, text)
			}
		}
	}
	run, err := central.New(cfg, o)
	if err != nil {
		return nil, err
	}
	return &centralRun{run}, nil
}

// list returns the parts of a text with commas; none for an empty text.
func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}

// Invoke is the lambda.Handler.
func (c *centralRun) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	result, err := c.run.Handle(ctx, payload)
	if err != nil {
		return nil, err
	}
	return json.Marshal(result)
}
