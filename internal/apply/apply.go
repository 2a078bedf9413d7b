// Package apply carries out a plan. For each step it compares the subject with the
// expected state, journals the change, makes it and reads it back.
//
// Accounts are changed concurrently, the steps of one account in order. A step that
// fails, is blocked or is stale stops only the steps that need it. Each change is in
// the [Journal] before it is made, so a run that was killed can be recognized by its
// journal, finished by the next run, and undone with [Record.Undo].
//
// The outcomes, records and journals are exported because the verbs, the Lambda and
// the view share them.
package apply

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	smithytime "github.com/aws/smithy-go/time"
	"golang.org/x/sync/errgroup"

	"forcemfa/internal/fleet"
	"forcemfa/internal/plan"
)

// A Status is the result of a step.
type Status string

// The results of a step.
const (
	Done        Status = "done"        // changed, and confirmed by a read
	Already     Status = "already"     // was in the wanted state; nothing was changed
	Stale       Status = "stale"       // is neither in the expected nor in the wanted state; nothing was changed
	Blocked     Status = "blocked"     // by the plan
	Failed      Status = "failed"      // the change or a read failed
	Skipped     Status = "skipped"     // needs a step that was not done
	Interrupted Status = "interrupted" // the run ended before the step
	Pending     Status = "pending"     // is in the expected state, and would be changed; only from [Look]
)

// Reached reports whether the subject of the step is in the wanted state.
func (s Status) Reached() bool { return s == Done || s == Already }

// An Outcome is a step with its result.
type Outcome struct {
	Step   plan.Step `json:"step"`
	Status Status    `json:"status"`
	Why    string    `json:"why,omitempty"` // empty for Done and Already
}

// A Result is the result of a run.
type Result struct {
	Outcomes []Outcome `json:"outcomes"` // one for each step, in their order
	// Err is the error that kept an entry out of the journal. It ends the run at
	// once, because no change is made that is not journaled.
	Err error `json:"-"`
}

// Complete reports whether the subjects of all steps are in the wanted state.
func (r *Result) Complete() bool {
	return r.Err == nil && len(r.Outcomes) == r.Count(Done)+r.Count(Already)
}

// Count is the number of steps with a status.
func (r *Result) Count(status Status) int {
	n := 0
	for i := range r.Outcomes {
		if r.Outcomes[i].Status == status {
			n++
		}
	}
	return n
}

// Options are the options of a run. The zero value is the default.
type Options struct {
	Now         func() time.Time                           // nil: time.Now
	Sleep       func(context.Context, time.Duration) error // nil: sleeps; returns the context's error when that ends
	Concurrency int                                        // accounts at a time; 0: 5
	Patience    time.Duration                              // how long a step waits until its change is visible, and retries while AWS throttles; 0: two minutes
	Gone        func() error                               // why AWS can no longer be reached, which ends the run; nil: never
	InFlight    *atomic.Int64                              // the number of steps that are being carried out; nil: not counted
	Progress    func(Outcome)                              // called after each step, never concurrently; nil: no calls
	Home        string                                     // ID of the account for which the run was confirmed, for the journal
	By          string                                     // ARN of the identity that makes the run, for the journal
	Undoes      string                                     // ID of the run that this one undoes, for the journal
}

const (
	defaultConcurrency = 5
	defaultPatience    = 2 * time.Minute
)

func (o Options) filled() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = smithytime.SleepWithContext
	}
	if o.Concurrency <= 0 {
		o.Concurrency = defaultConcurrency
	}
	if o.Patience <= 0 {
		o.Patience = defaultPatience
	}
	if o.Gone == nil {
		o.Gone = func() error { return nil }
	}
	if o.InFlight == nil {
		o.InFlight = new(atomic.Int64)
	}
	if o.Progress == nil {
		o.Progress = func(Outcome) {}
	}
	return o
}

// Run carries out steps, which are in the order of a [plan.Plan]. config returns the
// AWS config with credentials for an account. If it returns an error, the steps of the
// account fail. When ctx ends, steps that have begun are finished and no other step
// begins.
func Run(ctx context.Context, steps []plan.Step, config func(account string) (aws.Config, error), journal Journal, o Options) Result {
	r := &run{
		options: o.filled(), config: config, journal: journal,
		result:  Result{Outcomes: make([]Outcome, len(steps))},
		reached: map[string]Status{},
		undone:  undoneBy(steps),
	}
	r.append(ctx, Entry{Kind: Begin, Format: Format, Steps: len(steps), Home: o.Home, Undoes: o.Undoes, By: o.By})
	r.all(ctx, steps)
	r.append(ctx, Entry{Kind: End, Counts: r.counts()})
	return r.result
}

// Look returns the outcome that each step would have in [Run] now, and changes
// nothing. Steps that would be carried out are [Pending].
func Look(ctx context.Context, steps []plan.Step, config func(account string) (aws.Config, error), o Options) Result {
	r := &run{
		options: o.filled(), config: config, look: true,
		result:  Result{Outcomes: make([]Outcome, len(steps))},
		reached: map[string]Status{},
		undone:  undoneBy(steps),
	}
	r.all(ctx, steps)
	return r.result
}

// all carries out the steps of several accounts at a time. Steps of the organization
// begin after all steps before them, and end before the steps after them begin.
func (r *run) all(ctx context.Context, steps []plan.Step) {
	for first := 0; first < len(steps); {
		last := first
		for last < len(steps) && steps[last].OfOrganization() == steps[first].OfOrganization() {
			last++
		}
		var work errgroup.Group
		work.SetLimit(r.options.Concurrency)
		for _, indexes := range byAccount(steps, first, last) {
			work.Go(func() error {
				r.account(ctx, steps, indexes)
				return nil
			})
		}
		_ = work.Wait() // the work returns no errors: they are outcomes
		first = last
	}
}

// byAccount are the positions of the steps of each account between two
// positions, in the order in which the accounts first appear.
func byAccount(steps []plan.Step, first, last int) [][]int {
	var accounts [][]int
	position := map[string]int{}
	for i := first; i < last; i++ {
		at, seen := position[steps[i].Account]
		if !seen {
			at = len(accounts)
			position[steps[i].Account] = at
			accounts = append(accounts, nil)
		}
		accounts[at] = append(accounts[at], i)
	}
	return accounts
}

// A run is one [Run].
type run struct {
	options Options
	config  func(account string) (aws.Config, error)
	journal Journal
	look    bool // nothing is changed, and there is no journal
	undone  undone

	mu      sync.Mutex
	result  Result
	reached map[string]Status // by step ID
}

// account carries out the steps of one account in order.
func (r *run) account(ctx context.Context, steps []plan.Step, indexes []int) {
	w := &worker{run: r}
	for _, i := range indexes {
		s := &steps[i]
		status, why := r.hindrance(ctx, s)
		if status == "" {
			r.options.InFlight.Add(1)
			status, why = w.step(ctx, s)
			r.options.InFlight.Add(-1)
		}
		r.end(i, Outcome{Step: *s, Status: status, Why: why})
	}
}

// hindrance is the status of a step that cannot begin, and why; empty when it can.
func (r *run) hindrance(ctx context.Context, s *plan.Step) (Status, string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case s.Blocked != "":
		return Blocked, s.Blocked
	case r.result.Err != nil:
		return Interrupted, "the journal could not be written"
	case ctx.Err() != nil:
		return Interrupted, "the run was stopped before this step"
	}
	if err := r.options.Gone(); err != nil {
		return Interrupted, err.Error()
	}
	for _, id := range s.Needs {
		status, known := r.reached[id]
		switch {
		case !known:
			return Skipped, "needs " + id + ", which is not part of this run"
		case !status.Reached() && status != Pending:
			return Skipped, fmt.Sprintf("needs %s, which is %s", id, status)
		}
	}
	return "", ""
}

func (r *run) end(i int, o Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Outcomes[i] = o
	r.reached[o.Step.ID] = o.Status
	r.options.Progress(o)
}

func (r *run) counts() map[Status]int {
	counts := map[Status]int{}
	for i := range r.result.Outcomes {
		counts[r.result.Outcomes[i].Status]++
	}
	return counts
}

// append journals an entry and reports whether that succeeded. The entry is written
// even when ctx has ended.
func (r *run) append(ctx context.Context, e Entry) bool {
	e.Time = r.options.Now().UTC()
	err := r.journal.Append(context.WithoutCancel(ctx), e)
	if err == nil {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.result.Err == nil {
		r.result.Err = fmt.Errorf("write the journal: %w", err)
	}
	return false
}

// A worker carries out the steps of one account.
type worker struct {
	*run
	client        *iam.Client
	organizations *organizations.Client
	err           error // why there is no client
}

// step carries out one step. It finishes the step even when ctx ends.
func (w *worker) step(ctx context.Context, s *plan.Step) (Status, string) {
	if err := w.enter(s.Account); err != nil {
		return Failed, fmt.Sprintf("sign in to account %s: %v", s.Account, err)
	}
	e, known := executors[s.Op]
	if !known {
		return Failed, fmt.Sprintf("unknown operation %q", s.Op)
	}
	a := &attempt{worker: w, step: s, executor: e, deadline: w.options.Now().Add(w.options.Patience)}
	a.ctx = context.WithValue(context.WithoutCancel(ctx), traceKey{}, &a.trace)
	return a.run()
}

func (w *worker) enter(account string) error {
	if w.client != nil || w.err != nil {
		return w.err
	}
	cfg, err := w.config(account)
	if err != nil {
		w.err = err
		return err
	}
	w.client, w.organizations = iam.NewFromConfig(cfg, iamAnswers), organizations.NewFromConfig(cfg, organizationAnswers)
	return nil
}

// An attempt carries out one step.
type attempt struct {
	*worker
	step     *plan.Step
	executor executor
	ctx      context.Context // does not end with the run's context
	deadline time.Time

	trace     trace
	unchanged bool // AWS refused the change
}

// run compares, journals, changes and reads back.
func (a *attempt) run() (Status, string) {
	now, err := a.read()
	switch {
	case gone(err) && a.step.Want.Holds(plan.State{}):
		return Already, "" // the step removes something from a subject that no longer exists
	case gone(err) && a.look && len(a.step.Needs) > 0:
		return Pending, "" // an earlier step creates the subject
	case gone(err):
		return Stale, "it no longer exists: " + fleet.Reason(err)
	case err != nil:
		return Failed, fleet.Reason(err)
	case a.step.Want.Holds(now):
		return Already, ""
	case !a.step.Expect.Holds(now) && !lacksTexts(a.step, now):
		return Stale, difference(&a.step.Expect, &now)
	}
	if a.options.Undoes != "" {
		others, err := a.shared()
		switch {
		case err != nil:
			return Failed, fleet.Reason(err)
		case others != "":
			return Stale, others
		}
	}
	if a.look {
		return Pending, ""
	}
	drop, err := a.prepare()
	if err != nil {
		return Failed, fleet.Reason(err)
	}
	if !a.append(a.ctx, Entry{Kind: Intent, Step: a.step, Before: &now, Dropped: drop}) {
		return Interrupted, "the journal could not be written"
	}
	status, why := a.write(drop)
	a.append(a.ctx, Entry{Kind: Ended, ID: a.step.ID, Status: status, Why: why, Unchanged: a.unchanged})
	return status, why
}

// lacksTexts reports whether only versions of the policy are missing from the wanted
// state. A run that is killed after it deleted versions leaves that.
func lacksTexts(s *plan.Step, now plan.State) bool {
	rest := s.Want
	rest.Texts = nil
	return len(s.Want.Texts) > 0 && rest.Holds(now)
}

func (a *attempt) read() (now plan.State, err error) {
	err = a.retry(func() error {
		now, err = a.readOnce()
		return err
	}, len(a.step.Needs) > 0 && !a.look)
	return now, err
}

func (a *attempt) readOnce() (plan.State, error) {
	if a.executor.scp != nil {
		return a.executor.scp.read(a.ctx, a.organizations, a.step)
	}
	return a.executor.read(a.ctx, a.client, a.step)
}

func (a *attempt) writeOnce(drop []Version) error {
	if a.executor.scp != nil {
		return a.executor.scp.write(a.ctx, a.organizations, a.step)
	}
	return a.executor.write(a.ctx, a.client, a.step, drop)
}

// prepare reads the policy versions that the change deletes permanently.
func (a *attempt) prepare() (drop []Version, err error) {
	if a.executor.drops == nil {
		return nil, nil
	}
	err = a.retry(func() error {
		drop, err = a.executor.drops(a.ctx, a.client, a.step)
		return err
	}, false)
	return drop, err
}

// write makes the change and waits until it is visible. After an error the state
// decides, because AWS may have carried out a request whose response was lost.
func (a *attempt) write(drop []Version) (Status, string) {
	failure := a.retry(func() error { return a.writeOnce(drop) }, true)
	patience := a.deadline
	switch {
	case failure != nil && !a.trace.made && !a.trace.doubt:
		return a.refused(failure)
	case inUse(failure):
		return Stale, fleet.Reason(failure)
	case failure != nil && mayBeDone(failure, a.step.Op):
		patience = earlier(patience, a.options.Now().Add(settling))
	case failure != nil:
		patience = a.options.Now()
	}
	seen, err := a.await(patience)
	switch {
	case seen:
		return Done, ""
	case failure != nil:
		return Failed, fleet.Reason(failure)
	case err != nil:
		return Failed, "changed, but reading it back failed: " + fleet.Reason(err)
	}
	return Failed, fmt.Sprintf("changed, but not visible within %s", a.options.Patience)
}

// await reads, at least once, until the subject is in the wanted state or the time is
// over.
func (a *attempt) await(until time.Time) (seen bool, err error) {
	for pause := firstPause; ; pause = longer(pause) {
		now, err := a.readOnce()
		switch {
		case err == nil && a.step.Want.Holds(now):
			return true, nil
		case err != nil && !gone(err) && !passing(err):
			return false, err
		}
		if !a.pause(pause, until) {
			return false, err
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// The pauses between tries double from the first to the last.
const (
	firstPause = 250 * time.Millisecond
	lastPause  = 8 * time.Second
)

// settling is how long AWS may not find an entity after its creation.
// Source: IAM User Guide, "Changes that I make are not always immediately
// visible".
const settling = 30 * time.Second

func longer(pause time.Duration) time.Duration { return min(2*pause, lastPause) }

// retry calls try until it succeeds, fails with an error that waiting does not resolve,
// or the deadline of the step passes. With fresh, the entity was created or read a moment
// ago, or its use ended, so an error that says otherwise is retried for a while.
func (a *attempt) retry(try func() error, fresh bool) error {
	settled := a.options.Now().Add(settling)
	for pause := firstPause; ; pause = longer(pause) {
		err := try()
		young := fresh && (gone(err) || inUse(err)) && a.options.Now().Before(settled)
		if err == nil || !passing(err) && !young || !a.pause(pause, a.deadline) {
			return err
		}
	}
}

// pause waits and reports true, unless that would end after until.
func (a *attempt) pause(d time.Duration, until time.Time) bool {
	return !a.options.Now().Add(d).After(until) && a.options.Sleep(a.ctx, d) == nil
}

// difference says how a subject differs from the expected state.
func difference(expect, now *plan.State) string {
	switch {
	case expect.Present && !now.Present:
		return "it no longer exists"
	case !expect.Present && now.Present:
		return "it exists already, and differs from the planned one"
	case expect.Value != now.Value:
		return fmt.Sprintf("its value is %q now, not %q", now.Value, expect.Value)
	case !plan.SameDocument(expect.Document, now.Document):
		return "its document changed after the plan was made"
	case len(plan.Missing(expect.Texts, now.Texts)) > 0:
		return "some of its versions no longer exist"
	}
	return fmt.Sprintf("its versions are %v now, not %v", now.Versions, expect.Versions)
}
