// Package apply carries a plan out: it compares each subject with what its step
// expects, journals, writes, and reads back.
//
// Accounts are worked on side by side, the steps of one account in their
// order. A step that fails, is blocked or is stale stops only those that need
// it. Every write is in the [Journal] before it is made, so that a run that
// was killed can be told from its journal, finished by the next one, and undone
// with [Record.Undo].
//
// The outcomes, records and journals are exported because the verbs, the Lambda and
// the view share them.
package apply

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	smithytime "github.com/aws/smithy-go/time"
	"golang.org/x/sync/errgroup"

	"forcemfa/internal/plan"
)

// A Status is what became of a step.
type Status string

// What becomes of a step.
const (
	Done        Status = "done"        // written, and seen afterwards
	Already     Status = "already"     // was as wanted; nothing written
	Stale       Status = "stale"       // is neither as expected nor as wanted; nothing written
	Blocked     Status = "blocked"     // the plan says so
	Failed      Status = "failed"      // tried, or could not be read
	Skipped     Status = "skipped"     // needs a step that was not done
	Interrupted Status = "interrupted" // the run ended before
	Pending     Status = "pending"     // is as expected, and would be written: what Look says
)

// Reached tells whether what the step wants is so.
func (s Status) Reached() bool { return s == Done || s == Already }

// An Outcome is a step and what became of it.
type Outcome struct {
	Step   plan.Step `json:"step"`
	Status Status    `json:"status"`
	Why    string    `json:"why,omitempty"` // empty for Done and Already
}

// A Result is what became of a run.
type Result struct {
	Outcomes []Outcome `json:"outcomes"` // one for each step, in their order
	// Err says why the journal could not be kept, which ends a run at once:
	// nothing is written that is not journaled. Nil otherwise.
	Err error `json:"-"`
}

// Complete tells whether everything that the steps want is so.
func (r *Result) Complete() bool {
	return r.Err == nil && len(r.Outcomes) == r.Count(Done)+r.Count(Already)
}

// Count is the number of steps of which this became.
func (r *Result) Count(status Status) int {
	n := 0
	for i := range r.Outcomes {
		if r.Outcomes[i].Status == status {
			n++
		}
	}
	return n
}

// Options are how a run goes about it. The zero value is the default.
type Options struct {
	Now         func() time.Time                           // nil: the time of day
	Sleep       func(context.Context, time.Duration) error // nil: as long as it says; returns early with the context's error
	Concurrency int                                        // accounts at a time; 0: 5
	Patience    time.Duration                              // how long a write may take to be seen, and AWS to be throttled; 0: two minutes
	Progress    func(Outcome)                              // told of each step as it ends, one at a time; nil: nobody is
	Home        string                                     // ID of the account that the run was confirmed for, for the journal
	Undoes      string                                     // the run that this one takes back, for the journal
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
	if o.Progress == nil {
		o.Progress = func(Outcome) {}
	}
	return o
}

// Run carries out steps, which are in the order of a [plan.Plan]. config gives
// the credentials for an account; an account that cannot be entered fails its
// steps. When ctx ends, the steps in flight are finished and no other is
// begun.
func Run(ctx context.Context, steps []plan.Step, config func(account string) (aws.Config, error), journal Journal, o Options) Result {
	r := &run{
		options: o.filled(), config: config, journal: journal,
		result:  Result{Outcomes: make([]Outcome, len(steps))},
		reached: map[string]Status{},
	}
	r.append(ctx, Entry{Kind: Begin, Format: Format, Steps: len(steps), Home: o.Home, Undoes: o.Undoes})
	r.all(ctx, steps)
	r.append(ctx, Entry{Kind: End, Counts: r.counts()})
	return r.result
}

// Look tells of each step what [Run] would make of it now, and writes nothing:
// Pending where it would write.
func Look(ctx context.Context, steps []plan.Step, config func(account string) (aws.Config, error), o Options) Result {
	r := &run{
		options: o.filled(), config: config, look: true,
		result:  Result{Outcomes: make([]Outcome, len(steps))},
		reached: map[string]Status{},
	}
	r.all(ctx, steps)
	return r.result
}

// all carries out the steps of each account, some accounts at a time. Steps of
// the organization wait for what stands before them, and what stands after them
// for these.
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
	look    bool // nothing is written, and there is no journal

	mu      sync.Mutex
	result  Result
	reached map[string]Status // by step ID
}

// account carries out the steps of one account one after the other.
func (r *run) account(ctx context.Context, steps []plan.Step, indexes []int) {
	w := &worker{run: r}
	for _, i := range indexes {
		s := &steps[i]
		status, why := r.hindrance(ctx, s)
		if status == "" {
			status, why = w.step(ctx, s)
		}
		r.end(i, Outcome{Step: *s, Status: status, Why: why})
	}
}

// hindrance says why a step is not begun; empty when it can be.
func (r *run) hindrance(ctx context.Context, s *plan.Step) (Status, string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.result.Err != nil:
		return Interrupted, "the journal could not be kept"
	case ctx.Err() != nil:
		return Interrupted, "the run was stopped before this step"
	case s.Blocked != "":
		return Blocked, s.Blocked
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

// append journals an entry and tells whether it is kept. The entry is written
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
		r.result.Err = fmt.Errorf("keep the journal: %w", err)
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

// step carries out one step to its end, also when ctx ends meanwhile.
func (w *worker) step(ctx context.Context, s *plan.Step) (Status, string) {
	if err := w.enter(s.Account); err != nil {
		return Failed, fmt.Sprintf("enter account %s: %v", s.Account, err)
	}
	e, known := executors[s.Op]
	if !known {
		return Failed, fmt.Sprintf("no such change %q", s.Op)
	}
	a := &attempt{worker: w, step: s, executor: e, ctx: context.WithoutCancel(ctx), deadline: w.options.Now().Add(w.options.Patience)}
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
	w.client, w.organizations = iam.NewFromConfig(cfg), organizations.NewFromConfig(cfg)
	return nil
}

// An attempt is one step being carried out.
type attempt struct {
	*worker
	step     *plan.Step
	executor executor
	ctx      context.Context // without the end of the run's
	deadline time.Time
}

// run compares, journals, writes and reads back.
func (a *attempt) run() (Status, string) {
	now, err := a.read()
	switch {
	case gone(err) && a.step.Want.Holds(plan.State{}):
		return Already, "" // with its subject, what the step takes away is gone
	case gone(err) && a.look && len(a.step.Needs) > 0:
		return Pending, "" // a step before this one makes it
	case gone(err):
		return Stale, "it is not there any more: " + err.Error()
	case err != nil:
		return Failed, err.Error()
	case a.step.Want.Holds(now):
		return Already, ""
	case !a.step.Expect.Holds(now) && !lacksTexts(a.step, now):
		return Stale, difference(&a.step.Expect, &now)
	case a.look:
		return Pending, ""
	}
	drop, err := a.prepare()
	if err != nil {
		return Failed, err.Error()
	}
	if !a.append(a.ctx, Entry{Kind: Intent, Step: a.step, Before: &now, Dropped: drop}) {
		return Interrupted, "the journal could not be kept"
	}
	status, why := a.write(drop)
	a.append(a.ctx, Entry{Kind: Ended, ID: a.step.ID, Status: status, Why: why})
	return status, why
}

// lacksTexts tells whether everything that a step wants holds except for versions of the
// policy that were deleted: a run was killed between deleting them and its
// write.
func lacksTexts(s *plan.Step, now plan.State) bool {
	but := s.Want
	but.Texts = nil
	return len(s.Want.Texts) > 0 && but.Holds(now)
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

// prepare reads in full what the write takes away for good.
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

// write makes the change and waits until it is seen. When the answer is an
// error, what is there afterwards decides: a request whose answer was lost has
// been carried out all the same.
func (a *attempt) write(drop []Version) (Status, string) {
	failure := a.retry(func() error { return a.writeOnce(drop) }, true)
	patience := a.deadline
	switch {
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
		return Failed, failure.Error()
	case err != nil:
		return Failed, "written, but reading it back failed: " + err.Error()
	}
	return Failed, fmt.Sprintf("written, but not seen within %s", a.options.Patience)
}

// await reads until what the step wants is there or the time is over; it reads
// at least once.
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

// settling is how long an entity that AWS does not know may be one that was
// made a moment ago.
// Source: IAM User Guide, "Changes that I make are not always immediately
// visible".
const settling = 30 * time.Second

func longer(pause time.Duration) time.Duration { return min(2*pause, lastPause) }

// retry tries until there is no error that passes by itself or the step's
// time is over. With fresh, an entity that AWS does not know was made or seen
// a moment ago.
func (a *attempt) retry(try func() error, fresh bool) error {
	settled := a.options.Now().Add(settling)
	for pause := firstPause; ; pause = longer(pause) {
		err := try()
		young := fresh && gone(err) && a.options.Now().Before(settled)
		if err == nil || !passing(err) && !young || !a.pause(pause, a.deadline) {
			return err
		}
	}
}

// pause waits, unless that would take longer than until.
func (a *attempt) pause(d time.Duration, until time.Time) bool {
	return !a.options.Now().Add(d).After(until) && a.options.Sleep(a.ctx, d) == nil
}

// difference says in a sentence how a subject is not as a step expected.
func difference(expect, now *plan.State) string {
	switch {
	case expect.Present && !now.Present:
		return "it is not there any more"
	case !expect.Present && now.Present:
		return "it is there already, and differs from what is wanted"
	case expect.Value != now.Value:
		return fmt.Sprintf("its value is %q now, not %q", now.Value, expect.Value)
	case !plan.SameDocument(expect.Document, now.Document):
		return "its document was changed meanwhile"
	case len(plan.Missing(expect.Texts, now.Texts)) > 0:
		return "versions of it are missing"
	}
	return fmt.Sprintf("its versions are %v now, not %v", now.Versions, expect.Versions)
}
