// Package rehearse does the whole job on the embedded AWS: audit, plan, apply, audit
// again, with every attack scenario before and after. It changes nothing real.
package rehearse

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"forcemfa/internal/apply"
	"forcemfa/internal/attack"
	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/fleet"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/survey"
	"forcemfa/internal/trail"
	"forcemfa/internal/view"
)

// Options configure a rehearsal.
type Options struct {
	Baseline    *baseline.Baseline
	Plan        *plan.Plan // only the steps of this plan are applied; nil: all
	Acknowledge []baseline.Acknowledgement
	Now         func() time.Time
	Sample      int // users that are attacked; 0: all
	// Replay is logs whose calls are sent before and after the plan.
	Replay []trail.Place
	// Log is called with each stage of the work; nil: never.
	Log func(stage string)
	// Progress is called from time to time within a stage; nil: never.
	Progress func(what string, done, total int)
	// Record receives the first audit; nil: nothing does.
	Record Recorder
}

// A Recorder receives the first audit of a rehearsal.
type Recorder interface {
	// Begin is called with the organization, and returns the sink of the audit; nil: it
	// is not needed.
	Begin(*org.Header) audit.Sink
	// End is called when the audit is complete.
	End(*survey.Survey)
}

// Run rehearses in a sandbox, which it changes.
func Run(ctx context.Context, box *Sandbox, o Options) (*view.Rehearsal, error) {
	if o.Log == nil {
		o.Log = func(string) {}
	}
	if o.Progress == nil {
		o.Progress = func(string, int, int) {}
	}
	r := &rehearsal{Options: o, box: box}
	if err := r.run(ctx); err != nil {
		return nil, err
	}
	return &r.out, nil
}

type rehearsal struct {
	Options
	box *Sandbox
	out view.Rehearsal
}

func (r *rehearsal) run(ctx context.Context) error {
	r.box.CompleteReports()
	r.Log("auditing the organization")
	before, err := r.audit(ctx, r.Record)
	if err != nil {
		return err
	}
	fixture := newFixture(r.box, r.Baseline)
	victims := sampled(before.users, r.Sample)
	if len(victims) < len(before.users) {
		r.out.Sample = &view.Sample{Users: len(victims), Of: len(before.users)}
	}
	stolen, err := fixture.collectCredentials(ctx, victims)
	if err != nil {
		return err
	}
	unchanged := r.box.Cloud.Fork()
	if err := r.enforce(ctx); err != nil {
		return err
	}
	r.Log("auditing the organization again")
	after, err := r.audit(ctx, nil)
	if err != nil {
		return err
	}
	r.count(before, after)
	if err := r.replay(ctx, before, after, unchanged); err != nil {
		return err
	}
	r.attack(ctx, fixture.subjects(unchanged, before, stolen), fixture.subjects(r.box.Cloud.Fork(), after, stolen))
	return ctx.Err()
}

// survey reads the sandbox without a limit on requests. It calls each, unless it is nil,
// with every account.
func (r *rehearsal) survey(ctx context.Context, each func(*org.Account)) (*survey.Survey, error) {
	f, err := fleet.New(r.box.Config, fleet.Options{Rate: -1, Now: r.Now})
	if err != nil {
		return nil, err
	}
	return survey.Open(ctx, survey.Options{Fleet: f, Baseline: r.Baseline, Now: r.Now(), Account: each, Progress: r.Progress})
}

// audited is the result of one audit and the accounts that it read. It is the audit's
// sink.
type audited struct {
	header   *org.Header
	accounts map[string]*org.Account // by ID
	users    []audit.User
	states   []audit.Account
	counts   audit.Counts
	unread   []org.Gap
	skipped  []org.Gap
}

func (a *audited) User(u audit.User)         { a.users = append(a.users, u) }
func (a *audited) Finding(audit.Finding)     {}
func (a *audited) Gap(g org.Gap)             { a.unread = append(a.unread, g) }
func (a *audited) Account(acc audit.Account) { a.states = append(a.states, acc) }

func (r *rehearsal) audit(ctx context.Context, record Recorder) (*audited, error) {
	a := &audited{accounts: map[string]*org.Account{}}
	s, err := r.survey(ctx, func(account *org.Account) { a.accounts[account.ID] = account })
	if err != nil {
		return nil, err
	}
	var sink audit.Sink = a
	if record != nil {
		if more := record.Begin(s.Header); more != nil {
			sink = audit.Sinks{a, more}
		}
	}
	if err := s.Audit(ctx, sink); err != nil {
		return nil, err
	}
	if record != nil {
		record.End(s)
	}
	a.header, a.counts, a.skipped = s.Header, s.Totals.Counts, s.Skipped
	return a, nil
}

// enforce plans and applies with the same code as the verbs.
func (r *rehearsal) enforce(ctx context.Context) error {
	s, err := r.survey(ctx, nil)
	if err != nil {
		return err
	}
	p, err := s.Plan(ctx, survey.PlanOptions{Resume: r.Plan, Acknowledge: r.Acknowledge})
	if err != nil {
		return err
	}
	if r.Plan != nil {
		var stale []plan.StaleStep
		p.Steps, _, stale = plan.Intersect(r.Plan, p)
		r.out.Plan.Stale = len(stale)
	}
	sum := p.Summary()
	r.out.Plan.Steps, r.out.Plan.Blocked = sum.Steps, sum.Blocked
	r.Log("applying " + view.Count(sum.Steps, "step"))
	config := func(account string) (aws.Config, error) {
		cfg, _, err := s.Fleet.Enter(ctx, account)
		return cfg, err
	}
	result := apply.Run(ctx, p.Steps, config, discardJournal{}, apply.Options{Now: r.Now})
	r.out.Plan.Done = result.Count(apply.Done) + result.Count(apply.Already)
	r.out.Plan.Stale += result.Count(apply.Stale)
	r.out.Plan.Failed = sum.Steps - r.out.Plan.Done - result.Count(apply.Stale)
	return result.Err
}

// count fills in the results of the audits.
func (r *rehearsal) count(before, after *audited) {
	r.out.Before, r.out.After = before.counts, after.counts
	r.out.Unread = append([]org.Gap{}, after.unread...)
	r.out.Skipped = append([]org.Gap{}, after.skipped...)
	r.out.Accounts = []view.AccountChange{}
	earlier := map[string]audit.Counts{}
	for _, a := range before.states {
		earlier[a.ID] = a.Counts
	}
	for _, a := range after.states {
		r.out.Accounts = append(r.out.Accounts, view.AccountChange{ID: a.ID, Name: a.Name, Before: earlier[a.ID], After: a.Counts})
	}
}

// attack tries every attack before and after, and the expected access after. Access that
// is only to be preserved is tried where it worked before.
func (r *rehearsal) attack(ctx context.Context, before, after []*attack.Subject) {
	attacksBefore := r.try(ctx, "attacks before", attack.Cases(attack.Attacks, before))
	worked := map[string]bool{}
	for _, result := range r.try(ctx, "access before", toPreserve(attack.Cases(attack.ExpectedAccess, before))) {
		worked[result.ID()] = result.Outcome == attack.Succeeded
	}
	attacksAfter := r.try(ctx, "attacks after", attack.Cases(attack.Attacks, after))
	var expected []attack.Case
	for _, c := range attack.Cases(attack.ExpectedAccess, after) {
		if !c.Scenario.Preserve || worked[c.ID()] {
			expected = append(expected, c)
		}
	}
	addResults(&r.out, attacksBefore, attacksAfter, r.try(ctx, "expected access", expected))
	r.out.Windows = openWindows(after, r.box.Cloud.Now())
}

func toPreserve(cases []attack.Case) []attack.Case {
	var kept []attack.Case
	for _, c := range cases {
		if c.Scenario.Preserve {
			kept = append(kept, c)
		}
	}
	return kept
}

func (r *rehearsal) try(ctx context.Context, what string, cases []attack.Case) []attack.Result {
	r.Log("trying " + what + ": " + view.Count(len(cases), "case"))
	n := 0
	return attack.Try(ctx, cases, func(attack.Result) {
		n++
		r.Progress("trying "+what+":", n, len(cases))
	})
}

// discardJournal is the journal of a run whose cloud is discarded afterwards.
type discardJournal struct{}

func (discardJournal) Append(context.Context, apply.Entry) error { return nil }
