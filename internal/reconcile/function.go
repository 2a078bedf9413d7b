// Package reconcile is the body of the Lambda function. Scheduled scans check the whole
// account, events check the users they affect. It collects, audits, plans, applies the
// steps that it is allowed to make, and notifies.
//
// A [Function] adds users to the group of forcemfa, attaches its policy and sets tags. It
// never writes a policy document and never removes enforcement; it reports what only the
// stack or an administrator may do. Every action can be repeated, run out of order and
// after a crash: it reads the current state first, and a step compares before it writes.
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

// A Mode is what a function is allowed to do.
type Mode string

// The modes. Report is the default.
const (
	Report  Mode = "report"  // read and notify
	Enforce Mode = "enforce" // also put users under the policy
	Off     Mode = "off"     // nothing
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

// A Sender sends the summary of a run. *notify.Notifier is one.
type Sender interface {
	Send(context.Context, *notify.Summary) error
}

// A Keeper is a [Sender] that can keep unsent messages beyond the life of this instance.
// *notify.Notifier is one if it has a queue.
type Keeper interface {
	Keep(context.Context, []notify.Message) error // all or nothing
	Catch(context.Context) error                  // sends what was kept, if anything
}

// A Journal records what a run changes, under the ID of the run.
type Journal interface {
	apply.Journal
	Run() string
}

// Options configure a function.
type Options struct {
	Mode     Mode
	Settings Settings
	Name     string // of the Lambda function; empty: unknown
	// Journal starts the journal of a run in an account; nil: in the log.
	Journal func(ctx context.Context, account string, now time.Time) (Journal, error)
	Sender  Sender       // nil: messages go to the log only; see [Keeper]
	Log     *slog.Logger // nil: none
	Metrics io.Writer    // takes a line in CloudWatch's embedded metric format for each scheduled scan; nil: none
	Rate    float64      // requests a second, as in fleet.Options

	Now   func() time.Time                           // nil: time.Now
	Sleep func(context.Context, time.Duration) error // nil: sleeps
}

// A Function is one instance of the Lambda function: it handles one invocation after the
// other, and remembers the alerts that it sent.
type Function struct {
	options Options
	fleet   *fleet.Fleet
	log     *slog.Logger

	running sync.Mutex // held during an invocation: at most one writes
	counted int64      // calls of the invocations that ended; guarded by running

	identifying sync.Mutex // guards the two fields below
	account     string     // ID of the function's account; empty: not known yet
	role        string     // name of the function's role; empty: not a role

	sent        memory           // IDs of the alerts that were sent
	unsent      []notify.Message // messages of earlier runs that could not be sent
	lastSuccess time.Time        // end of the last successful scan of this instance; zero: none
}

// New returns a function that acts with these credentials, in their account.
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

// mode is the effective mode. If the config cannot be read, or differs from the deployed
// one, the function only reports. A change of the environment does not turn it off.
func (f *Function) mode() Mode {
	if f.options.Mode == Enforce && f.options.Settings.Problem != "" || f.options.Settings.Changed {
		return Report
	}
	return f.options.Mode
}

// identify finds out the account and the role of the function, once.
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

// sessionRole is the name of a session's role; empty for any other principal.
func sessionRole(id arn.ARN) string {
	parts := strings.Split(id.Resource, "/")
	if id.Service != "sts" || len(parts) != 3 || parts[0] != "assumed-role" {
		return ""
	}
	return parts[1]
}

// A Result is the result of an invocation, returned to Lambda.
type Result struct {
	Kind     string `json:"kind"` // scan, event or ignored
	Why      string `json:"why,omitempty"`
	Users    int    `json:"users,omitempty"`
	Enforced int    `json:"enforced,omitempty"`
	Open     int    `json:"open,omitempty"`
	Unknown  int    `json:"unknown,omitempty"`
	Done     int    `json:"done"`
	Left     int    `json:"left"` // steps left for the next run for lack of time
	Messages int    `json:"messages"`
}

// Handle handles one invocation: an event from EventBridge, or a schedule. Lambda retries
// after an error, which is safe.
func (f *Function) Handle(ctx context.Context, payload []byte) (*Result, error) {
	if f.mode() == Off {
		f.log.Info("off")
		return &Result{Kind: "ignored", Why: "the mode is off"}, nil
	}
	if isSchedule(payload) {
		return f.exclusively(ctx, f.Scan)
	}
	e, err := trail.Parse(payload)
	if err != nil {
		f.log.Error("unreadable event", "error", err.Error())
		return nil, err
	}
	return f.Event(ctx, e)
}

// exclusively runs one invocation at a time.
func (f *Function) exclusively(ctx context.Context, do func(context.Context) (*Result, error)) (*Result, error) {
	f.running.Lock()
	defer f.running.Unlock()
	r, err := do(ctx)
	f.counted = f.fleet.Calls()
	if err != nil {
		f.log.Error("failed", "error", err.Error())
	}
	return r, err
}

// Event handles one event.
func (f *Function) Event(ctx context.Context, e *trail.Event) (*Result, error) {
	if err := f.identify(ctx); err != nil {
		return nil, err
	}
	i, why := f.incident(e)
	if i == nil {
		f.log.Debug("ignored", "event", e.ID, "name", e.Detail.EventName, "why", why)
		return &Result{Kind: "ignored", Why: why}, nil
	}
	return f.exclusively(ctx, func(ctx context.Context) (*Result, error) { return f.respond(ctx, i) })
}

// respond alerts and repairs. The alert is sent even if the repair fails: Lambda retries
// that.
func (f *Function) respond(ctx context.Context, i *incident) (*Result, error) {
	r := f.newRun("event", i.event.ID)
	r.log.Info("event", "name", i.record().EventName, "subject", i.subject(), "actor", i.record().Actor())
	a := f.raise(i)
	var failure error
	if i.scope != deploymentScope {
		failure = f.waitUntilVisible(ctx, i)
		if failure == nil {
			failure = r.repair(ctx, i)
		}
	}
	if a == nil {
		a = r.exempted(i)
	}
	if a != nil {
		r.alert(i, a)
	}
	return r.result, errors.Join(failure, r.send(ctx))
}

// raise is the alert for an incident; nil if it does not weaken enforcement.
func (f *Function) raise(i *incident) *alert {
	if i.detect == nil {
		return nil
	}
	return i.detect(i)
}

// settling is how long the effect of a call may be invisible. The function waits that
// long after an event.
// Source: IAM User Guide, "Changes that I make are not always immediately
// visible".
const settling = 5 * time.Second

func (f *Function) waitUntilVisible(ctx context.Context, i *incident) error {
	age := f.now().Sub(i.record().EventTime)
	if age >= settling || age < 0 {
		return nil
	}
	return f.options.Sleep(ctx, settling-age)
}

// Scan checks the whole account.
func (f *Function) Scan(ctx context.Context) (*Result, error) {
	if err := f.identify(ctx); err != nil {
		return nil, err
	}
	r := f.newRun("scan", f.now().Format("20060102T150405Z"))
	if why := f.options.Settings.Problem; why != "" {
		r.configProblem(why)
	}
	failure := r.scan(ctx)
	if failure == nil {
		f.lastSuccess = f.now()
	}
	r.metrics(failure)
	return r.result, errors.Join(failure, r.send(ctx))
}
