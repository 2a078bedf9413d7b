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

// A run is one invocation at work.
type run struct {
	*Function
	log    *slog.Logger
	id     string
	began  time.Time
	seen   *account // as it was read; nil: it was not
	result *Result

	messages []notify.Message
}

func (f *Function) newRun(kind, id string) *run {
	return &run{
		Function: f, id: id, began: f.now(), result: &Result{Kind: kind},
		log: f.log.With("account", f.account, "run", id),
	}
}

// sweep looks at everybody, and repairs what it may.
func (r *run) sweep(ctx context.Context) error {
	begin, done := r.budget(ctx)
	defer done()
	a, err := r.read(begin, sweepPatience)
	if err != nil {
		return fmt.Errorf("read the account: %w", err)
	}
	r.seen = a
	if err := r.everybody(begin); err != nil {
		return err
	}
	r.standing()
	r.gaps(append(a.header.Gaps, a.Account.Gaps...))
	return nil
}

// repair looks at what a deed touched, and repairs that.
func (r *run) repair(ctx context.Context, i *incident) error {
	begin, done := r.budget(ctx)
	defer done()
	a, err := r.read(begin, eventPatience)
	if err != nil {
		return fmt.Errorf("read the account after %s: %w", i.record().EventName, err)
	}
	r.seen = a
	switch i.of {
	case atEverybody:
		return r.everybody(begin)
	case atUser:
		return r.one(begin, i)
	}
	return nil
}

// everybody repairs what it may of all users.
func (r *run) everybody(ctx context.Context) error {
	a := r.seen
	if err := a.detailed(ctx, a.wanting()); err != nil {
		return fmt.Errorf("read users: %w", err)
	}
	return r.carryOut(ctx, a.plan(), func(*plan.Step) bool { return true })
}

// one repairs the user whom an incident is about, with what has to be repaired
// first.
func (r *run) one(ctx context.Context, i *incident) error {
	a := r.seen
	u, err := a.find(ctx, i)
	if err != nil || u == nil {
		return err
	}
	if err := a.detailed(ctx, []string{u.Name}); err != nil {
		return fmt.Errorf("read user %s: %w", u.Name, err)
	}
	own := func(s *plan.Step) bool { return s.Subject == u.ARN }
	steps := chosen(a.plan(), own)
	if slices.ContainsFunc(steps, func(s plan.Step) bool { return !own(&s) && a.may(&s) }) {
		if err := a.detailed(ctx, a.wanting()); err != nil {
			return fmt.Errorf("read users: %w", err)
		}
		steps = chosen(a.plan(), own)
	}
	return r.carryOut(ctx, steps, own)
}

// carryOut does what may be done of a plan, and says why the rest of it is not:
// of the steps that are told.
func (r *run) carryOut(ctx context.Context, steps []plan.Step, told func(*plan.Step) bool) error {
	todo, kept := r.seen.sort(steps)
	if err := r.apply(ctx, todo); err != nil {
		return err
	}
	for _, h := range kept {
		switch {
		case h.left:
			r.result.Left++
		case told(&h.step) && h.severity != "":
			r.held(&h)
		}
	}
	r.conclude()
	return nil
}

// apply carries steps out, where the mode allows it, and says what became of
// them.
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
		return fmt.Errorf("begin the journal: %w", err)
	}
	r.log.Info("apply", "steps", len(steps), "journal", journal.Run())
	result := apply.Run(ctx, steps, r.enter(ctx), journal, apply.Options{
		Now: r.options.Now, Sleep: r.options.Sleep, Concurrency: 1, Patience: patience, Home: r.seen.home(),
	})
	for n := range result.Outcomes {
		r.became(&result.Outcomes[n])
	}
	r.seen.happened(result.Outcomes)
	return result.Err
}

func (r *run) journal(ctx context.Context) (Journal, error) {
	if r.options.Journal == nil {
		return logJournal{r.log, r.id}, nil
	}
	return r.options.Journal(ctx, r.account, r.now())
}

// became says what became of one step.
func (r *run) became(o *apply.Outcome) {
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
		line.Warn("step", "why", o.Why) // somebody was faster; of that there is an event
	case apply.Interrupted:
		line.Warn("step left for the next run", "why", o.Why)
		r.result.Left++
	default:
		line.Error("step", "why", o.Why)
		r.failed(s, o.Why)
	}
}

// conclude counts the users as they are after the run, and says what the time
// did not suffice for.
func (r *run) conclude() {
	counts := r.seen.audited.Summary.Counts
	r.result.Users, r.result.Enforced, r.result.Open, r.result.Unknown = counts.Users, counts.Enforced, counts.Open, counts.Unknown
	if r.result.Left > 0 {
		r.say(notify.Message{
			ID: "unfinished/" + r.account + "/account", Kind: notify.KindGap, Severity: audit.Medium, Subject: "account",
			What:   fmt.Sprintf("the time did not suffice: %d steps are left for the next run", r.result.Left),
			Remedy: "none, if the next sweep says no more of it; else give the function more time",
		})
	}
	r.log.Info("done", "users", counts.Users, "enforced", counts.Enforced, "exempt", counts.Exempt, "open", counts.Open,
		"unknown", counts.Unknown, "steps", r.result.Done, "left", r.result.Left, "calls", r.fleet.Calls())
}

// standing says of each finding of high severity that is left, but for users of
// whom something was said already.
func (r *run) standing() {
	said := map[string]bool{}
	for _, m := range r.messages {
		said[m.Subject] = true
	}
	for n := range r.seen.audited.Findings {
		found := &r.seen.audited.Findings[n]
		r.log.Info("finding", "finding", found.ID, "severity", string(found.Severity))
		if found.Severity != audit.Critical && found.Severity != audit.High || said[found.Subject] && found.Rule == "user-open" {
			continue
		}
		m := notify.Message{ID: found.ID, Kind: notify.KindFinding, Severity: found.Severity, Subject: found.Subject, ARN: found.ARN, What: found.What, Remedy: found.Remedy}
		if found.Rule == "policy-drift" {
			m.Remedy = redeploy
		}
		r.say(m)
	}
}

// gaps says what could not be read.
func (r *run) gaps(gaps []org.Gap) {
	for _, g := range gaps {
		r.log.Warn("gap", "what", g.What, "why", g.Why)
		r.say(notify.Message{
			ID: "gap/" + r.account + "/" + g.What, Kind: notify.KindGap, Severity: audit.Medium, Subject: "account",
			What: g.What + " could not be read: " + g.Why, Remedy: "let the function's role read it: docs/lambda.md lists its actions",
		})
	}
}

// unsettled says why nothing is changed.
func (r *run) unsettled(why string) {
	r.say(notify.Message{
		ID: "config/" + r.account + "/account", Kind: notify.KindGap, Severity: audit.High, Subject: "account",
		What: "nothing is changed, only reported: " + why, Remedy: "run forcemfa deploy apply, which packs the config file again",
	})
}

// send tells people what the run has to say, and what earlier ones could not.
func (r *run) send(ctx context.Context) error {
	all := merged(r.unsent, r.messages)
	r.result.Messages = len(all)
	if r.options.Sender == nil {
		return nil
	}
	if len(all) > 0 {
		if err := r.tell(ctx, all); err != nil {
			return err
		}
	}
	if k, ok := r.options.Sender.(Keeper); ok && (len(all) > 0 || r.result.Kind == "sweep") {
		return k.Catch(ctx)
	}
	return nil
}

// tell sends messages. Those that cannot be sent are kept, or else remembered by
// this instance.
func (r *run) tell(ctx context.Context, all []notify.Message) error {
	err := r.options.Sender.Send(ctx, &notify.Digest{
		Run: r.id, ConfigHash: r.options.Settings.Hash, Since: r.began, Until: r.now(), Messages: all,
	})
	if err != nil {
		r.unsent = all
		kept := "in the queue"
		if why := r.keep(ctx, all); why != nil {
			kept = "by this instance: " + why.Error()
		}
		for n := range all {
			r.log.Error("not told", "message", all[n].ID, "kind", string(all[n].Kind), "arn", all[n].ARN, "kept", kept)
		}
		return fmt.Errorf("tell people: %w", err)
	}
	r.unsent = nil
	for n := range all {
		if all[n].Kind == notify.KindTampering {
			r.said.add(all[n].ID)
		}
	}
	return nil
}

// keep has the sender keep messages, where it can, so that this instance need
// not.
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

// merged are the messages of both, each once.
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

var errStopped = errors.New("the time is over")
