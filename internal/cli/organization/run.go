package organization

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithytime "github.com/aws/smithy-go/time"

	"forcemfa/internal/apply"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/plan"
	"forcemfa/internal/view"
)

// Confirm asks for the alias or ID of the management account that is about to change.
func (s *Flags) Confirm(ctx context.Context, yes bool, id, alias string) error {
	if yes {
		return nil
	}
	name := alias
	if name == "" {
		name = id
	}
	answer, err := s.Env.Ask(ctx, fmt.Sprintf("To confirm, type the name of the management account (%s): ", name))
	switch {
	case err != nil:
		return &command.Error{Status: command.StatusGuarded, Err: fmt.Errorf("ask for confirmation: %w", err), Hint: "run it on a terminal, or add --yes"}
	case answer != id && (alias == "" || answer != alias):
		return &command.Error{Status: command.StatusGuarded, Err: fmt.Errorf("%q is neither %s nor its alias: nothing was changed", answer, id), Hint: "check the profile, then type " + name}
	}
	return nil
}

// Do runs the steps, shows progress, and closes the journal.
func (t *Target) Do(ctx context.Context, steps []plan.Step, journal *apply.FileJournal, o apply.Options) (apply.Result, error) {
	progress, done, began := t.ProgressLine(), atomic.Int64{}, t.Env.Now()
	o.Now, o.Concurrency = t.Env.Now, t.Fleet.Concurrency()
	if caller, err := t.Fleet.Identify(ctx); err == nil {
		o.By = caller.String()
	}
	o.InFlight, o.Gone = new(atomic.Int64), t.Fleet.Gone
	o.Progress = func(out apply.Outcome) {
		if out.Status.Reached() {
			done.Add(1)
		}
		progress.Show("steps done:", int(done.Load()), len(steps))
	}
	ended := make(chan struct{})
	go func() {
		select {
		case <-ctx.Done():
			t.Remark("interrupted: finishing %s in flight, then closing the journal", view.Count(int(o.InFlight.Load()), "step"))
		case <-ended:
		}
	}()
	result := apply.Run(ctx, steps, t.Enter(ctx), journal, o)
	close(ended)
	progress.Done()
	err := errors.Join(result.Err, journal.Close())
	t.notifyRun(ctx, journal.Run(), o.Undoes, began, result)
	return result, err
}

// Settle waits until AWS shows the result of a run's steps in doubt.
func (s *Flags) Settle(ctx context.Context, record *apply.Record) error {
	left := record.Unsettled(s.Env.Now())
	if left <= 0 {
		return nil
	}
	s.Remark("waiting %s until AWS shows the result of steps in doubt", left.Round(time.Second))
	return smithytime.SleepWithContext(ctx, left)
}

// Enter returns the config of an account, even after ctx has ended, so that a step in
// flight is finished.
func (t *Target) Enter(ctx context.Context) func(account string) (aws.Config, error) {
	return func(account string) (aws.Config, error) {
		cfg, _, err := t.Fleet.Enter(context.WithoutCancel(ctx), account)
		return cfg, err
	}
}

// OpenJournal opens the journal of a new run and locks out other runs.
func (s *Flags) OpenJournal() (*apply.FileJournal, error) {
	if s.Env.StateDir == "" {
		return nil, command.WithHint(errors.New("no directory for the journal"), "set XDG_STATE_HOME or HOME")
	}
	journal, err := apply.OpenJournal(s.Env.JournalDir(), s.Env.Now())
	var locked *apply.LockedError
	switch {
	case errors.As(err, &locked):
		return nil, &command.Error{Status: command.StatusGuarded, Err: err, Hint: "wait until that run has ended"}
	case err != nil:
		return nil, command.WithHint(err, "set XDG_STATE_HOME to a directory that you may write to")
	}
	return journal, nil
}
