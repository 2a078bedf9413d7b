// Package reconcile is the Lambda's body: one handler for a schedule, which
// looks at the whole account, and for events, which look at what they touched.
// It collects, audits, plans, applies what it may, and tells people.
//
// A [Function] puts users into our group, attaches our policy and tags; it never
// writes a policy document, and never takes enforcement away. What only a stack
// or an administrator may do it says. Whatever it does can be done twice, out of
// order and after a kill: it looks at what is there, and a step compares before
// it writes.
package reconcile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithytime "github.com/aws/smithy-go/time"

	"forcemfa/internal/apply"
	"forcemfa/internal/fleet"
	"forcemfa/internal/notify"
	"forcemfa/internal/trail"
	"forcemfa/policy/arn"
)

// A Mode is what a function may do.
type Mode string

// The modes. Report is the default.
const (
	Report  Mode = "report"  // look and tell
	Enforce Mode = "enforce" // and put users under the policy
	Off     Mode = "off"     // nothing at all
)

// ParseMode reads a mode; empty is [Report].
func ParseMode(text string) (Mode, error) {
	switch m := Mode(text); m {
	case "":
		return Report, nil
	case Report, Enforce, Off:
		return m, nil
	}
	return Report, fmt.Errorf("mode %q: want report, enforce or off", text)
}

// A Sender tells people of a run. *notify.Notifier is one.
type Sender interface {
	Send(context.Context, *notify.Digest) error
}

// A Keeper is a [Sender] that can keep what it could not send beyond the life of
// this instance. *notify.Notifier is one, where it has a queue.
type Keeper interface {
	Keep(context.Context, []notify.Message) error // as if it were never called, unless it is nil
	Catch(context.Context) error                  // tells what was kept; nil when that is nothing
}

// A Journal keeps what a run writes, under an ID of the run.
type Journal interface {
	apply.Journal
	Run() string
}

// Options are how a function goes about it.
type Options struct {
	Mode     Mode
	Settings Settings
	Name     string // of the Lambda function; empty: not known
	// Journal begins the journal of a run in an account; nil: in the log.
	Journal func(ctx context.Context, account string, now time.Time) (Journal, error)
	Sender  Sender       // nil: nobody is told but by the log; see [Keeper]
	Log     *slog.Logger // nil: none
	Metrics io.Writer    // takes a line of CloudWatch's embedded metric format for each sweep; nil: none
	Rate    float64      // requests a second, as in fleet.Options

	Now   func() time.Time                           // nil: the time of day
	Sleep func(context.Context, time.Duration) error // nil: as long as it says
}

// A Function is one instance of the Lambda function: it answers one invocation
// after the other, and remembers what it said.
type Function struct {
	options Options
	fleet   *fleet.Fleet
	log     *slog.Logger

	running sync.Mutex // held for an invocation: at most one writes

	identifying sync.Mutex // guards what follows
	account     string     // ID of the function's own; empty: not known yet
	role        string     // name of the function's own; empty: not a role

	said    memory           // IDs of alerts that were sent
	unsent  []notify.Message // of runs whose digest could not be sent
	success time.Time        // of the last sweep that went through; zero: none did, in this instance
}

// New is a function that acts with these credentials, in their account.
func New(cfg aws.Config, o Options) (*Function, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = smithytime.SleepWithContext
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Mode == "" {
		o.Mode = Report
	}
	fl, err := fleet.New(cfg, fleet.Options{Now: o.Now, Rate: o.Rate, Concurrency: 1})
	if err != nil {
		return nil, err
	}
	f := &Function{options: o, fleet: fl}
	f.log = o.Log.With("config", o.Settings.Hash, "mode", string(f.mode()))
	return f, nil
}

func (f *Function) now() time.Time { return f.options.Now().UTC() }

// mode is what may be done: without a config that was read and is the one that
// was deployed, nothing is changed.
func (f *Function) mode() Mode {
	if f.options.Mode == Enforce && f.options.Settings.Problem != "" {
		return Report
	}
	return f.options.Mode
}

// identify finds out, once, in whose account and as which role the function
// acts.
func (f *Function) identify(ctx context.Context) error {
	f.identifying.Lock()
	defer f.identifying.Unlock()
	if f.account != "" {
		return nil
	}
	id, err := f.fleet.Identify(ctx)
	if err != nil {
		return err
	}
	f.account, f.role = id.Account, sessionRole(id)
	return nil
}

// sessionRole is the name of the role of a session; empty for anybody else.
func sessionRole(id arn.ARN) string {
	parts := strings.Split(id.Resource, "/")
	if id.Service != "sts" || len(parts) != 3 || parts[0] != "assumed-role" {
		return ""
	}
	return parts[1]
}

// A Result is what became of an invocation, as it is returned to Lambda.
type Result struct {
	Kind     string `json:"kind"` // sweep, event or ignored
	Why      string `json:"why,omitempty"`
	Users    int    `json:"users,omitempty"`
	Enforced int    `json:"enforced,omitempty"`
	Open     int    `json:"open,omitempty"`
	Unknown  int    `json:"unknown,omitempty"`
	Done     int    `json:"done"`
	Left     int    `json:"left"` // steps that the time did not suffice for
	Messages int    `json:"messages"`
}

// Handle answers one invocation: an event of EventBridge, or a schedule. An
// error has Lambda invoke it again, which is safe.
func (f *Function) Handle(ctx context.Context, payload []byte) (*Result, error) {
	if f.mode() == Off {
		f.log.Info("off")
		return &Result{Kind: "ignored", Why: "the mode is off"}, nil
	}
	if isSchedule(payload) {
		return f.exclusively(ctx, f.Sweep)
	}
	e, err := trail.Parse(payload)
	if err != nil {
		f.log.Error("unreadable event", "error", err.Error())
		return nil, err
	}
	return f.Event(ctx, e)
}

// exclusively does one thing at a time, within the time that Lambda gives.
func (f *Function) exclusively(ctx context.Context, do func(context.Context) (*Result, error)) (*Result, error) {
	f.running.Lock()
	defer f.running.Unlock()
	r, err := do(ctx)
	if err != nil {
		f.log.Error("failed", "error", err.Error())
	}
	return r, err
}

// Event answers one event.
func (f *Function) Event(ctx context.Context, e *trail.Event) (*Result, error) {
	if err := f.identify(ctx); err != nil {
		return nil, err
	}
	i, why := f.incident(e)
	if i == nil {
		f.log.Debug("ignored", "event", e.ID, "name", e.Detail.EventName, "why", why)
		return &Result{Kind: "ignored", Why: why}, nil
	}
	return f.exclusively(ctx, func(ctx context.Context) (*Result, error) { return f.answer(ctx, i) })
}

// answer alerts and repairs. The alert is sent whatever becomes of the rest: what
// cannot be read now is tried again.
func (f *Function) answer(ctx context.Context, i *incident) (*Result, error) {
	r := f.newRun("event", i.event.ID)
	r.log.Info("event", "name", i.record().EventName, "subject", i.subject(), "actor", i.record().Actor())
	a := f.raise(i)
	var failure error
	if i.of != atWatch {
		failure = f.settle(ctx, i)
		if failure == nil {
			failure = r.repair(ctx, i)
		}
	}
	if a != nil {
		r.alert(i, a)
	}
	return r.result, errors.Join(failure, r.send(ctx))
}

// raise is what the deed did against enforcement; nil for nothing.
func (f *Function) raise(i *incident) *alert {
	if i.tampers == nil {
		return nil
	}
	return i.tampers(i)
}

// settling is how long AWS may take to show what a call did: an event that is
// younger waits.
// Source: IAM User Guide, "Changes that I make are not always immediately
// visible".
const settling = 5 * time.Second

func (f *Function) settle(ctx context.Context, i *incident) error {
	age := f.now().Sub(i.record().EventTime)
	if age >= settling || age < 0 {
		return nil
	}
	return f.options.Sleep(ctx, settling-age)
}

// Sweep looks at the whole account.
func (f *Function) Sweep(ctx context.Context) (*Result, error) {
	if err := f.identify(ctx); err != nil {
		return nil, err
	}
	r := f.newRun("sweep", f.now().Format("20060102T150405Z"))
	if why := f.options.Settings.Problem; why != "" {
		r.unsettled(why)
	}
	failure := r.sweep(ctx)
	if failure == nil {
		f.success = f.now()
	}
	r.metrics(failure)
	return r.result, errors.Join(failure, r.send(ctx))
}
