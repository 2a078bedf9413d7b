package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"forcemfa/internal/apply"
	"forcemfa/internal/notify"
	"forcemfa/internal/reconcile"
)

// A reconciler is the function that keeps an account enforced.
type reconciler struct{ function *reconcile.Function }

func newReconciler(getenv func(string) string, log *slog.Logger, metrics io.Writer) (*reconciler, error) {
	mode, err := reconcile.ParseMode(getenv("FORCEMFA_MODE"))
	if err != nil {
		return nil, err
	}
	cfg := config(getenv)
	journal, err := journals(cfg, getenv("FORCEMFA_JOURNAL"))
	if err != nil {
		return nil, err
	}
	f, err := reconcile.New(cfg, reconcile.Options{
		Mode:     mode,
		Settings: reconcile.ReadSettings(os.DirFS(taskRoot(getenv)), getenv("FORCEMFA_CONFIG_HASH"), getenv),
		Name:     getenv("AWS_LAMBDA_FUNCTION_NAME"),
		Journal:  journal,
		Sender:   &sender{cfg: cfg, options: channels(getenv)},
		Log:      log,
		Metrics:  metrics,
	})
	if err != nil {
		return nil, err
	}
	return &reconciler{f}, nil
}

// taskRoot is the directory of what came in the zip.
func taskRoot(getenv func(string) string) string {
	if root := getenv("LAMBDA_TASK_ROOT"); root != "" {
		return root
	}
	return "."
}

// journals begins journals at a place in S3; nil where none is given.
func journals(cfg aws.Config, place string) (func(context.Context, string, time.Time) (reconcile.Journal, error), error) {
	if place == "" {
		return nil, nil
	}
	at, err := apply.ParseS3Place(place)
	if err != nil {
		return nil, fmt.Errorf("journal place %w", err)
	}
	return func(_ context.Context, _ string, now time.Time) (reconcile.Journal, error) {
		client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = cfg.BaseEndpoint != nil })
		return apply.NewS3Journal(client, at, now), nil
	}, nil
}

// Invoke is the lambda.Handler.
func (r *reconciler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	result, err := r.function.Handle(ctx, payload)
	if err != nil {
		return nil, err
	}
	return json.Marshal(result)
}

// A sender opens its channels when there is something to say: a secret that
// cannot be read must not keep the function from its work.
type sender struct {
	cfg     aws.Config
	options notify.Options

	mu   sync.Mutex
	open *notify.Notifier
}

// Send is the reconcile.Sender.
func (s *sender) Send(ctx context.Context, d *notify.Summary) error {
	n, err := s.notifier(ctx)
	if err != nil {
		return err
	}
	return n.Send(ctx, d)
}

// Keep and Catch make it a reconcile.Keeper.
func (s *sender) Keep(ctx context.Context, messages []notify.Message) error {
	n, err := s.notifier(ctx)
	if err != nil {
		return err
	}
	return n.Keep(ctx, messages)
}

// Catch tells what an instance of the function kept.
func (s *sender) Catch(ctx context.Context) error {
	n, err := s.notifier(ctx)
	if err != nil {
		return err
	}
	return n.Catch(ctx)
}

func (s *sender) notifier(ctx context.Context) (*notify.Notifier, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		n, err := notify.Open(ctx, s.cfg, s.options)
		if err != nil {
			return nil, err
		}
		s.open = n
	}
	return s.open, nil
}
