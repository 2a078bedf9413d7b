package cli

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"forcemfa/internal/apply"
	"forcemfa/internal/attack"
	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/emulator"
	"forcemfa/internal/fleet"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/view"
)

func newRehearse(e *command.Env) *cobra.Command {
	o := rehearseOptions{shared: shared{env: e}}
	c := &cobra.Command{
		Use:   "rehearse [PLAN]",
		Short: "The whole job on an AWS in memory, with every door tried; touches nothing real",
		Long: `rehearse loads the sample organization, or a snapshot of yours, into an AWS in
memory and does the whole job there: audit, plan, apply, audit again. Before and
after, it tries for every user what a thief with a stolen key, session or password
would try, with real signed requests; and after, what must still work: enrolling,
MFA sessions, roles, the exempt robots.

With a PLAN that plan saved, only its steps are done. Nothing real is read but the
files that you name, and nothing real is changed.

EXIT STATUS
  0  nobody is open, every door is closed, everything that must work works
  1  an error stopped it
  3  otherwise`,
		Example: `  forcemfa rehearse
  forcemfa rehearse --org snapshot.jsonl --config forcemfa.yaml plan.json
  forcemfa rehearse -o json | jq .doors`,
		Args:    cobra.MaximumNArgs(1),
		PreRunE: func(*cobra.Command, []string) error { return command.CheckOutput(o.output) },
		RunE:    func(c *cobra.Command, args []string) error { return runRehearse(c.Context(), &o, args) },
	}
	f := c.Flags()
	organizationFlags(f, &o.org)
	f.StringVar(&o.config, "config", "", "the `file` that says what is wanted (default: the sample's own, or the defaults)")
	f.StringSliceVar(&o.ack, "ack", nil, "lift a guard for one user: `GUARD:USER` or GUARD:ACCOUNT/USER")
	f.StringVarP(&o.output, "output", "o", "text", "text or json")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress and no remarks on stderr")
	f.BoolVar(&o.noColor, "no-color", false, "no colours on a terminal")
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

type rehearseOptions struct {
	shared
	org string
	ack []string
}

func runRehearse(ctx context.Context, o *rehearseOptions, args []string) error {
	_, acks, err := (&guards{ack: o.ack}).parse()
	if err != nil {
		return err
	}
	r := &rehearsal{rehearseOptions: o, acks: acks}
	if len(args) == 1 {
		if r.file, err = readPlan(args[0], "plan"); err != nil {
			return err
		}
	}
	// A rehearsal lives for seconds, and thousands of requests leave garbage:
	// collected less often, it ends a fifth sooner.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	if err := r.open(); err != nil {
		return err
	}
	out, err := r.run(ctx)
	if err != nil {
		return err
	}
	if o.json() {
		err = view.JSON(o.env.Stdout, out)
	} else {
		out.print(o.env.Stdout, o.style())
	}
	if err != nil {
		return err
	}
	return command.Exit(out.status())
}

// A rehearsal is the whole job on one embedded AWS.
type rehearsal struct {
	*rehearseOptions
	file     *plan.Plan // nil: the plan is what is planned
	acks     []baseline.Acknowledgement
	box      *sandbox
	baseline *baseline.Baseline
	stage    *stage
	loot     map[string]*loot // by user ARN
	out      rehearsed
}

// open loads the organization and what is wanted of it. Only files that were
// named are read.
func (r *rehearsal) open() (err error) {
	if r.box, err = openSandbox(r.org, r.env.Now); err != nil {
		return err
	}
	r.sandbox = sampleOrganization // so that no file is read that was not named
	r.baseline, err = r.readBaseline(r.box.baseline)
	return err
}

func (r *rehearsal) run(ctx context.Context) (*rehearsed, error) {
	r.box.hasReports(ctx)
	r.remark("auditing the organization as it is")
	before, err := r.look(ctx)
	if err != nil {
		return nil, err
	}
	r.stage = newStage(r.box, r.baseline)
	if err := r.steal(ctx, before); err != nil {
		return nil, err
	}
	untouched := r.box.cloud.Fork()
	if err := r.enforce(ctx); err != nil {
		return nil, err
	}
	r.remark("auditing again")
	after, err := r.look(ctx)
	if err != nil {
		return nil, err
	}
	r.count(before, after)
	r.tryDoors(ctx, r.subjects(untouched, before), r.subjects(r.box.cloud.Fork(), after))
	return &r.out, ctx.Err()
}

// target is the embedded organization as verbs see it, as fast as it goes.
func (r *rehearsal) target() (*target, error) {
	f, err := fleet.New(r.box.cfg, fleet.Options{Rate: unlimited, Now: r.env.Now})
	if err != nil {
		return nil, err
	}
	return &target{shared: &r.shared, fleet: f, baseline: r.baseline}, nil
}

// A seen is one audit of the organization and the accounts that it read. It is
// the audit's sink.
type seen struct {
	accounts map[string]*org.Account // by ID
	users    []audit.User
	states   []audit.Account
	counts   audit.Counts
	gaps     []org.Gap
}

func (s *seen) User(u audit.User)       { s.users = append(s.users, u) }
func (s *seen) Finding(audit.Finding)   {}
func (s *seen) Gap(g org.Gap)           { s.gaps = append(s.gaps, g) }
func (s *seen) Account(a audit.Account) { s.states = append(s.states, a) }

// kept is a stream that is kept besides.
func (s *seen) kept(accounts org.Accounts) org.Accounts {
	return func(yield func(*org.Account, error) bool) {
		for a, err := range accounts {
			if err == nil {
				s.accounts[a.ID] = a
			}
			if !yield(a, err) {
				return
			}
		}
	}
}

// look audits the organization.
func (r *rehearsal) look(ctx context.Context) (*seen, error) {
	t, err := r.target()
	if err != nil {
		return nil, err
	}
	s, err := t.survey(ctx)
	if err != nil {
		return nil, err
	}
	found := &seen{accounts: map[string]*org.Account{}}
	s.accounts = found.kept(s.accounts)
	if err := s.audit(ctx, found); err != nil {
		return nil, err
	}
	found.counts = s.counts
	return found, nil
}

// enforce plans and applies, by the same code as the verbs.
func (r *rehearsal) enforce(ctx context.Context) error {
	t, err := r.target()
	if err != nil {
		return err
	}
	s, err := t.survey(ctx)
	if err != nil {
		return err
	}
	p, err := s.plan(ctx, r.file, r.acks)
	if err != nil {
		return err
	}
	if r.file != nil {
		var stale []plan.Step
		p.Steps, _, stale = plan.Intersect(r.file, p)
		r.out.Plan.Stale = len(stale)
	}
	sum := p.Summary()
	r.out.Plan.Steps, r.out.Plan.Blocked = sum.Steps, sum.Blocked
	r.remark("applying %s", view.Count(sum.Steps, "step"))
	config := func(account string) (aws.Config, error) {
		cfg, _, err := t.fleet.Enter(ctx, account)
		return cfg, err
	}
	result := apply.Run(ctx, p.Steps, config, forgottenJournal{}, apply.Options{Now: r.env.Now})
	r.out.Plan.Done = result.Count(apply.Done) + result.Count(apply.Already)
	r.out.Plan.Stale += result.Count(apply.Stale)
	r.out.Plan.Failed = sum.Steps - r.out.Plan.Done - result.Count(apply.Stale)
	return result.Err
}

// steal takes every user's credentials, before anything is enforced.
func (r *rehearsal) steal(ctx context.Context, s *seen) error {
	r.loot = map[string]*loot{}
	for _, u := range s.users {
		l, err := r.stage.steal(ctx, u.Account, u.Name)
		if err != nil {
			return fmt.Errorf("take a session of %s: %w", u.ARN, err)
		}
		r.loot[u.ARN] = l
	}
	return nil
}

// subjects are the users that were seen, each with forks of the cloud.
func (r *rehearsal) subjects(cloud *emulator.Cloud, s *seen) []*attack.Subject {
	var accounts []*org.Account
	for _, id := range sortedKeys(s.accounts) {
		accounts = append(accounts, s.accounts[id])
	}
	m := attack.NewInventory(accounts, r.stage.holdings)
	var subjects []*attack.Subject
	for _, u := range s.users {
		if l := r.loot[u.ARN]; l != nil {
			subjects = append(subjects, r.stage.subject(cloud, u, s.accounts[u.Account], m, l))
		}
	}
	return subjects
}

// count fills in what the audits say.
func (r *rehearsal) count(before, after *seen) {
	r.out.Before, r.out.After = before.counts, after.counts
	r.out.Gaps = append([]org.Gap{}, after.gaps...)
	r.out.Accounts = []accountStates{}
	was := map[string]audit.Counts{}
	for _, a := range before.states {
		was[a.ID] = a.Counts
	}
	for _, a := range after.states {
		r.out.Accounts = append(r.out.Accounts, accountStates{a.ID, a.Name, was[a.ID], a.Counts})
	}
}

// tryDoors tries every door before and after. What must be kept counts after
// where it worked before.
func (r *rehearsal) tryDoors(ctx context.Context, before, after []*attack.Subject) {
	attacksBefore := r.try(ctx, "trying doors before", attack.Cases(attack.Attacks, before))
	worked := map[string]bool{}
	for _, result := range r.try(ctx, "trying what works before", keptOnly(attack.Cases(attack.ExpectedAccess, before))) {
		worked[result.ID()] = result.Outcome == attack.Succeeded
	}
	attacksAfter := r.try(ctx, "trying doors after", attack.Cases(attack.Attacks, after))
	var must []attack.Case
	for _, c := range attack.Cases(attack.ExpectedAccess, after) {
		if !c.Scenario.Preserve || worked[c.ID()] {
			must = append(must, c)
		}
	}
	r.out.countDoors(attacksBefore, attacksAfter, r.try(ctx, "trying what must work", must))
	r.out.Windows = windows(after, r.box.cloud.Now())
}

func keptOnly(cases []attack.Case) []attack.Case {
	var kept []attack.Case
	for _, c := range cases {
		if c.Scenario.Preserve {
			kept = append(kept, c)
		}
	}
	return kept
}

// try tries cases and shows how far it is.
func (r *rehearsal) try(ctx context.Context, what string, cases []attack.Case) []attack.Result {
	r.remark("%s: %d", what, len(cases))
	progress, n := r.progress(), 0
	defer progress.Done()
	return attack.Try(ctx, cases, func(attack.Result) {
		n++
		progress.Show(what+":", n, len(cases))
	})
}

// A forgottenJournal is that of a run whose world is forgotten with it.
type forgottenJournal struct{}

func (forgottenJournal) Append(context.Context, apply.Entry) error { return nil }
