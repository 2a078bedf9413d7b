// Package engine does what AWS does by itself, on the clock of the embedded AWS: rules
// match events and deliver them to their targets, schedules fire, functions are invoked
// and retried, failed events go to dead-letter queues, alarms change their state, and
// stack sets follow accounts.
//
// Nothing happens until [Engine.Run] moves the clock.
package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/cfnsvc"
	"forcemfa/internal/emulator/cloudtrailsvc"
	"forcemfa/internal/emulator/eventssvc"
	"forcemfa/internal/emulator/lambdasvc"
	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/trail"
	"forcemfa/policy/arn"
)

// A Runner runs the code of functions.
type Runner interface {
	// Run handles one event. An error is a failed invocation. log takes what the function
	// writes.
	Run(ctx context.Context, i *Invocation) (log []byte, err error)
}

// An Invocation is one event for one function.
type Invocation struct {
	Account, Region string
	Function        *lambdasvc.Function // read-only
	Credentials     aws.Credentials     // of its role
	RequestID       string
	Payload         []byte
}

// A Problem is something that a policy did not allow, or that failed.
type Problem struct {
	At      time.Time
	Account string
	What    string
}

// A Transition is a change of the state of an alarm.
type Transition struct {
	At                      time.Time
	Account, Name, From, To string
	Reason                  string
}

// An Engine works for one cloud.
type Engine struct {
	cloud  *emulator.Cloud
	runner Runner
	cancel func()
	ticked time.Time // when alarms were evaluated; only Run uses it

	mu          sync.Mutex // guards the fields below
	problems    []Problem
	transitions []Transition
}

// New starts to collect the events of a cloud.
func New(c *emulator.Cloud, r Runner) (*Engine, error) {
	e := &Engine{cloud: c, runner: r, ticked: c.Now().Truncate(tick)}
	cancel, err := c.Subscribe(`{"detail-type":[{"exists":true}]}`, e.recorded)
	e.cancel = cancel
	return e, err
}

// Close ends the collection of events.
func (e *Engine) Close() { e.cancel() }

// Watch records the calls that the roles of functions and services are not allowed. It is
// for [emulator.Cloud.OnCall].
func (e *Engine) Watch(r emulator.Record) {
	var api smithy.APIError
	if r.Err == nil || !errors.As(r.Err, &api) || r.Caller.Role == nil {
		return
	}
	if code := api.ErrorCode(); strings.HasPrefix(code, "AccessDenied") || code == "UnauthorizedOperation" {
		e.problem(r.Caller.Account, "%s", api.ErrorMessage())
	}
}

func (e *Engine) problem(account, format string, a ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.problems = append(e.problems, Problem{e.cloud.Now(), account, fmt.Sprintf(format, a...)})
}

// Problems returns what was not allowed or failed since the last call.
func (e *Engine) Problems() []Problem {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := e.problems
	e.problems = nil
	return all
}

// Transitions returns the changes of alarms since the last call.
func (e *Engine) Transitions() []Transition {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := e.transitions
	e.transitions = nil
	return all
}

// moved is a task: an account joined the organization, moved in it, or left it.
type moved struct{ account string }

// following is how long stack sets take to notice an account.
const following = time.Minute

// recorded puts a CloudTrail event on the default bus, if a trail logs the events of the
// account.
func (e *Engine) recorded(event trail.Event) {
	text, err := event.JSON()
	if err != nil {
		return
	}
	e.cloud.Update(func(w *world.World) {
		now := e.cloud.Now()
		if w.Account(event.Account) == nil {
			return
		}
		if cloudtrailsvc.Logged(w, event.Account) {
			w.Later(now, eventssvc.Posted{Bus: "arn:" + w.Partition + ":events:" + event.Region + ":" + event.Account + ":event-bus/" + eventssvc.DefaultBus, Event: text})
		}
		for _, account := range affected(w, &event) {
			w.Later(now.Add(following), moved{account})
		}
	})
}

// affected returns the accounts that a call joined to the organization, moved or removed.
func affected(w *world.World, event *trail.Event) []string {
	d := &event.Detail
	if event.Source != "aws.organizations" || d.Failed() {
		return nil
	}
	switch d.EventName {
	case "MoveAccount", "RemoveAccountFromOrganization":
		return []string{d.Parameters.Text("accountId")}
	case "LeaveOrganization":
		return []string{event.Account}
	case "CreateAccount":
		var ids []string
		for _, id := range w.Accounts() {
			if a := w.Account(id); a.Name == d.Parameters.Text("accountName") && !a.Joined.Before(d.EventTime) {
				ids = append(ids, id)
			}
		}
		return ids
	}
	return nil
}

// Run does everything that is due until a time, and moves the clock there.
func (e *Engine) Run(ctx context.Context, until time.Time) error {
	for ctx.Err() == nil {
		due, do := e.next()
		if do == nil || due.After(until) {
			if now := e.cloud.Now(); now.Before(until) {
				e.cloud.Advance(until.Sub(now))
			}
			return nil
		}
		if now := e.cloud.Now(); due.After(now) {
			e.cloud.Advance(due.Sub(now))
		}
		do(ctx)
	}
	return ctx.Err()
}

// next returns the earliest work; nil: none.
func (e *Engine) next() (due time.Time, do func(context.Context)) {
	e.cloud.View(func(w *world.World) {
		if t, ok := w.Next(); ok {
			due, do = t.Due, e.task
		}
		if at, account, rule := nextSchedule(w); rule != nil && (do == nil || at.Before(due)) {
			region, key := regionOf(rule.ARN), rule.ARN
			due, do = at, func(context.Context) { e.fire(account, region, key) }
		}
		if at := e.ticked.Add(tick); hasAlarms(w) && (do == nil || at.Before(due)) {
			due, do = at, func(context.Context) { e.evaluate(at) }
		}
	})
	return due, do
}

func regionOf(resource string) string {
	a, _ := arn.Parse(resource)
	return a.Region
}

func nextSchedule(w *world.World) (at time.Time, account string, next *eventssvc.Rule) {
	for _, id := range w.Accounts() {
		for _, r := range world.List[*eventssvc.Rule](w.Account(id)) {
			if r.Enabled && !r.Next.IsZero() && (next == nil || r.Next.Before(at)) {
				at, account, next = r.Next, id, r
			}
		}
	}
	return at, account, next
}

// task does the earliest task.
func (e *Engine) task(ctx context.Context) {
	var t world.Task
	e.cloud.Update(func(w *world.World) {
		t, _ = w.Next()
		w.Take()
	})
	switch what := t.What.(type) {
	case eventssvc.Posted:
		e.match(what)
	case invoke:
		e.invoke(ctx, what)
	case moved:
		e.cloud.Serve(e.management(), e.region(), func(c *operation.Call) { cfnsvc.Follow(c, what.account) })
	}
}

func (e *Engine) management() (id string) {
	e.cloud.View(func(w *world.World) { id = w.Organization.ManagementAccount })
	return id
}

func (e *Engine) region() (region string) {
	e.cloud.View(func(w *world.World) { region = arn.HomeRegion(w.Partition) })
	return region
}

// fire delivers the event of a schedule.
func (e *Engine) fire(account, region, key string) {
	e.cloud.Serve(account, region, func(c *operation.Call) {
		r, ok := world.Change[*eventssvc.Rule](c.World, account, key)
		if !ok { // a client deleted it
			return
		}
		schedule, err := eventssvc.ParseSchedule(r.Schedule)
		if err != nil {
			return
		}
		at := r.Next
		r.Next = schedule.After(at)
		event := eventssvc.Event{
			Version: "0", ID: c.World.NewUUID(), DetailType: trail.Scheduled, Source: "aws.events", Account: account, Time: at.UTC().Truncate(time.Second), Region: region,
			Resources: []string{key}, Detail: json.RawMessage(`{}`),
		}
		text, err := json.Marshal(event)
		if err == nil {
			e.deliver(c, r, text)
		}
	})
}

// match delivers an event to the targets of the rules that match it.
func (e *Engine) match(p eventssvc.Posted) {
	bus, err := arn.Parse(p.Bus)
	if err != nil {
		return
	}
	name := strings.TrimPrefix(bus.Resource, "event-bus/")
	e.cloud.Serve(bus.Account, bus.Region, func(c *operation.Call) {
		rules := world.List[*eventssvc.Rule](c.World.Account(bus.Account))
		for _, r := range slices.Clone(rules) {
			if !r.Enabled || r.Pattern == "" || r.Bus != name || regionOf(r.ARN) != bus.Region {
				continue
			}
			if pattern, err := trail.ParsePattern([]byte(r.Pattern)); err == nil && pattern.Match(p.Event) {
				e.deliver(c, r, p.Event)
			}
		}
	})
}
