package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"forcemfa/internal/apply"
	"forcemfa/internal/audit"
	"forcemfa/internal/notify"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
)

// A run is one invocation.
type run struct {
	*Function
	log    *slog.Logger
	id     string
	began  time.Time
	seen   *account // nil: not read
	result *Result

	messages []notify.Message
}

func (f *Function) newRun(kind, id string) *run {
	return &run{
		Function: f, id: id, began: f.now(), result: &Result{Kind: kind},
		log: f.log.With("account", f.account, "run", id),
	}
}

// scan checks all users, and makes the repairs that the mode allows.
func (r *run) scan(ctx context.Context) error {
	begin, done := r.budget(ctx)
	defer done()
	a, err := r.read(begin, scanReportWait)
	if err != nil {
		return fmt.Errorf("read the account: %w", err)
	}
	r.seen = a
	if err := r.repairAll(begin); err != nil {
		return err
	}
	r.openFindings()
	r.unread(append(a.Header.Gaps, a.Account.Gaps...))
	return nil
}

// repair checks the users that an incident affects, and makes the repairs that
// the mode allows.
func (r *run) repair(ctx context.Context, i *incident) error {
	begin, done := r.budget(ctx)
	defer done()
	a, err := r.read(begin, eventReportWait)
	if err != nil {
		return fmt.Errorf("read the account after %s: %w", i.record().EventName, err)
	}
	r.seen = a
	switch i.scope {
	case allUsersScope:
		return r.repairAll(begin)
	case userScope:
		return r.repairUser(begin, i)
	}
	return nil
}

// repairAll makes the repairs that the mode allows, for all users.
func (r *run) repairAll(ctx context.Context) error {
	a := r.seen
	if err := a.readInTime(ctx, a.usersToRead()); err != nil {
		return fmt.Errorf("read users: %w", err)
	}
	return r.execute(ctx, a.Plan(), func(*plan.Step) bool { return true })
}

// repairUser repairs the user that an incident is about, and what its repair depends on.
func (r *run) repairUser(ctx context.Context, i *incident) error {
	a := r.seen
	u, err := a.find(ctx, i)
	if err != nil || u == nil {
		return err
	}
	if err := a.readInTime(ctx, []string{u.Name}); err != nil {
		return fmt.Errorf("read user %s: %w", u.Name, err)
	}
	own := func(s *plan.Step) bool { return s.Subject == u.ARN }
	steps := chosen(a.Plan(), own)
	if slices.ContainsFunc(steps, func(s plan.Step) bool { return !own(&s) && a.may(&s) }) {
		if err := a.readInTime(ctx, a.usersToRead()); err != nil {
			return fmt.Errorf("read users: %w", err)
		}
		steps = chosen(a.Plan(), own)
	}
	return r.execute(ctx, steps, own)
}

// execute applies the steps that the function may apply, and reports why it does not
// apply the others, as far as they are to be reported.
func (r *run) execute(ctx context.Context, steps []plan.Step, report func(*plan.Step) bool) error {
	todo, kept := r.seen.sort(steps)
	if err := r.apply(ctx, todo); err != nil {
		return err
	}
	for _, h := range kept {
		switch {
		case h.left:
			r.result.Left++
		case report(&h.step) && h.severity != "":
			r.held(&h)
		}
	}
	r.conclude()
	return nil
}

// apply applies steps if the mode allows it, and reports the outcomes.
func (r *run) apply(ctx context.Context, steps []plan.Step) error {
	if len(steps) == 0 {
		return nil
	}
	if r.mode() != Enforce {
		r.proposed(steps)
		return nil
	}
	journal, err := r.journal(ctx)
	if err != nil {
		return fmt.Errorf("start the journal: %w", err)
	}
	r.log.Info("apply", "steps", len(steps), "journal", journal.Run())
	result := apply.Run(ctx, steps, r.enter(ctx), journal, apply.Options{
		Now: r.options.Now, Sleep: r.options.Sleep, Concurrency: 1, Patience: stepTimeout, Home: r.seen.home(),
	})
	for n := range result.Outcomes {
		r.outcome(&result.Outcomes[n])
	}
	r.seen.update(result.Outcomes)
	return result.Err
}

func (r *run) journal(ctx context.Context) (Journal, error) {
	if r.options.Journal == nil {
		return logJournal{r.log, r.id}, nil
	}
	return r.options.Journal(ctx, r.account, r.now())
}

// outcome logs and reports the outcome of one step.
func (r *run) outcome(o *apply.Outcome) {
	s := &o.Step
	line := r.log.With("step", s.ID, "status", string(o.Status), "findings", s.Because)
	switch o.Status {
	case apply.Done:
		line.Info("step")
		r.result.Done++
		r.done(s)
	case apply.Already:
		line.Info("step")
	case apply.Stale:
		line.Warn("step", "why", o.Why) // changed in the meantime, which has its own event
	case apply.Interrupted:
		line.Warn("step left for the next run", "why", o.Why)
		r.result.Left++
	default:
		line.Error("step", "why", o.Why)
		r.failed(s, o.Why)
	}
}

// conclude counts the users by state after the run, and reports steps that are left.
func (r *run) conclude() {
	counts := r.seen.Audited.Summary.Counts
	r.result.Users, r.result.Enforced, r.result.Open, r.result.Unknown = counts.Users, counts.Enforced, counts.Open, counts.Unknown
	if r.result.Left > 0 {
		r.say(notify.Message{
			ID: "unfinished/" + r.account + "/account", Kind: notify.KindUnread, Severity: audit.Medium, Subject: "account",
			What:   fmt.Sprintf("the function ran out of time: %d steps are left for the next run", r.result.Left),
			Remedy: "none, unless the next scheduled scan reports it again; in that case raise the timeout of the function",
		})
	}
	r.log.Info("done", "users", counts.Users, "enforced", counts.Enforced, "exempt", counts.Exempt, "open", counts.Open,
		"unknown", counts.Unknown, "steps", r.result.Done, "left", r.result.Left, "calls", r.fleet.Calls()-r.counted)
}

// openFindings reports the remaining findings of high severity, except for users that
// already have a message.
func (r *run) openFindings() {
	reported := map[string]bool{}
	for _, m := range r.messages {
		reported[m.Subject] = true
	}
	for n := range r.seen.Audited.Findings {
		found := &r.seen.Audited.Findings[n]
		r.log.Info("finding", "finding", found.ID, "severity", string(found.Severity))
		if found.Severity != audit.Critical && found.Severity != audit.High || reported[found.Subject] && found.Rule == "user-open" {
			continue
		}
		m := notify.OfFinding(found)
		if found.Rule == "policy-drift" {
			m.Remedy = redeploy
		}
		r.say(m)
	}
}

// unread reports what could not be read.
func (r *run) unread(gaps []org.Gap) {
	for _, g := range gaps {
		r.log.Warn("not read", "what", g.What, "why", g.Why)
		r.say(notify.Message{
			ID: "unread/" + r.account + "/" + g.What, Kind: notify.KindUnread, Severity: audit.Medium, Subject: "account",
			What: g.What + " could not be read: " + g.Why, Remedy: "allow the function's role to read it: docs/lambda.md lists its actions",
		})
	}
}

// configProblem reports why the function changes nothing.
func (r *run) configProblem(why string) {
	r.say(notify.Message{
		ID: "config/" + r.account + "/account", Kind: notify.KindUnread, Severity: audit.High, Subject: "account",
		What: "the function only reports and changes nothing: " + why, Remedy: "run forcemfa deploy apply, which packages the config file again",
	})
}

// send sends the messages of this run, and those of earlier runs that could not be sent.
func (r *run) send(ctx context.Context) error {
	all := merged(r.unsent, r.messages)
	r.result.Messages = len(all)
	if r.options.Sender == nil {
		return nil
	}
	if len(all) > 0 {
		if err := r.notify(ctx, all); err != nil {
			return err
		}
	}
	if k, ok := r.options.Sender.(Keeper); ok && (len(all) > 0 || r.result.Kind == "scan") {
		return k.Catch(ctx)
	}
	return nil
}

// notify sends messages. If they cannot be sent, they are kept in the queue, or in the
// memory of this instance.
func (r *run) notify(ctx context.Context, all []notify.Message) error {
	err := r.options.Sender.Send(ctx, &notify.Summary{
		Run: r.id, ConfigHash: r.options.Settings.Hash, Since: r.began, Until: r.now(), Messages: all,
	})
	if err != nil {
		r.unsent = all
		kept := "in the queue"
		if why := r.keep(ctx, all); why != nil {
			kept = "by this instance: " + why.Error()
		}
		for n := range all {
			r.log.Error("not sent", "message", all[n].ID, "kind", string(all[n].Kind), "arn", all[n].ARN, "kept", kept)
		}
		return fmt.Errorf("send notifications: %w", err)
	}
	r.unsent = nil
	for n := range all {
		if all[n].Kind == notify.KindTampering {
			r.sent.add(all[n].ID)
		}
	}
	return nil
}

// keep puts messages into the sender's queue, if it has one.
func (r *run) keep(ctx context.Context, messages []notify.Message) error {
	k, ok := r.options.Sender.(Keeper)
	if !ok {
		return errors.New("there is no queue")
	}
	err := k.Keep(ctx, messages)
	if err == nil {
		r.unsent = nil
	}
	return err
}

// merged is the messages of both lists without duplicates.
func merged(before, now []notify.Message) []notify.Message {
	type key struct {
		id   string
		kind notify.Kind
		at   time.Time
	}
	seen := map[key]bool{}
	var all []notify.Message
	for _, m := range append(append([]notify.Message{}, before...), now...) {
		k := key{m.ID, m.Kind, m.At}
		if !seen[k] {
			seen[k] = true
			all = append(all, m)
		}
	}
	return all
}

var errStopped = errors.New("the function ran out of time")
