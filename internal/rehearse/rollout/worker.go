package rollout

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/engine"
)

// A Worker does what AWS does by itself in a cloud that serves clients: schedules fire,
// events reach their targets, functions run, alarms change. Only one of its methods works
// at a time.
type Worker struct {
	cloud  *emulator.Cloud
	engine *engine.Engine
	report func(engine.Problem)

	mu     sync.Mutex
	moving atomic.Bool // Advance works
}

// NewWorker starts to collect the events of a cloud. report takes what a policy did not
// allow, and what failed.
func NewWorker(c *emulator.Cloud, functions engine.Runner, report func(engine.Problem)) (*Worker, error) {
	e, err := engine.New(c, functions)
	if err != nil {
		return nil, err
	}
	w := &Worker{cloud: c, engine: e, report: report}
	c.OnCall(w.observe)
	return w, nil
}

// observe lets a credential report become ready at once while the clock is moved: a
// function polls it by the clock of this machine.
func (w *Worker) observe(r emulator.Record) {
	if r.Operation == "GenerateCredentialReport" && w.moving.Load() {
		w.cloud.Advance(reportTime)
	}
}

// Close ends the collection of events.
func (w *Worker) Close() {
	w.cloud.OnCall(nil)
	w.engine.Close()
}

// Advance moves the clock, and does everything that is due until then at its time.
func (w *Worker) Advance(ctx context.Context, d time.Duration) error {
	return w.run(ctx, func() time.Time {
		w.moving.Store(true)
		return w.cloud.Now().Add(d)
	})
}

// Work does what is due with every tick, until ctx ends.
func (w *Worker) Work(ctx context.Context, ticks <-chan time.Time) {
	for {
		select {
		case <-ticks:
			_ = w.run(ctx, w.cloud.Now) // ends with ctx
		case <-ctx.Done():
			return
		}
	}
}

func (w *Worker) run(ctx context.Context, until func() time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.moving.Store(false)
	err := w.engine.Run(ctx, until())
	w.engine.Transitions() // nobody asks for them
	for _, p := range w.engine.Problems() {
		w.report(p)
	}
	return err
}
