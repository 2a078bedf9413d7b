package bootstrap

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"forcemfa/internal/apply"
	"forcemfa/internal/notify"
	"forcemfa/internal/reconcile"
)

// A reconciler is the function that keeps an account enforced.
type reconciler struct{ function *reconcile.Function }

func newReconciler(e *Environment, log *slog.Logger) (*reconciler, error) {
	getenv := e.Getenv
	mode, err := reconcile.ParseMode(getenv("FORCEMFA_MODE"))
	if err != nil {
		return nil, err
	}
	cfg := config(e)
	journal, err := journals(cfg, getenv("FORCEMFA_JOURNAL"))
	if err != nil {
		return nil, err
	}
	f, err := reconcile.New(cfg, reconcile.Options{
		Mode:     mode,
		Settings: reconcile.ReadSettings(e.root(), getenv("FORCEMFA_CONFIG_HASH"), getenv),
		Name:     getenv("AWS_LAMBDA_FUNCTION_NAME"),
		Journal:  journal,
		Sender:   &sender{cfg: cfg, options: e.channels()},
		Log:      log,
		Metrics:  e.Out,
		Rate:     e.Rate,
		Now:      e.Now,
		Sleep:    e.Sleep,
	})
	if err != nil {
		return nil, err
	}
	return &reconciler{f}, nil
}

// root returns the files that came in the zip.
func (e *Environment) root() fs.FS {
	if e.Root != nil {
		return e.Root
	}
	if root := e.Getenv("LAMBDA_TASK_ROOT"); root != "" {
		return os.DirFS(root)
	}
	return os.DirFS(".")
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
		return apply.NewS3Journal(apply.S3Client(cfg), at, now), nil
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

// A sender opens its channels with the first message: a secret that cannot be read
// must not keep the function from enforcing MFA.
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

// Catch sends what an instance of the function kept.
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
