package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"forcemfa/internal/apply"
	"forcemfa/internal/baseline"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/organization"
	"forcemfa/internal/cli/stream"
	"forcemfa/internal/plan"
	"forcemfa/internal/prose"
	"forcemfa/internal/run"
	"forcemfa/internal/survey"
	"forcemfa/internal/view"
)

func newApply(e *command.Env) *cobra.Command {
	o := applyOptions{Flags: organization.Flags{Output: command.Output{Env: e}}}
	c := &cobra.Command{
		Use:   "apply [FILE]",
		Short: "Apply a plan",
		Long: `apply plans, shows the plan, asks for confirmation, and makes the changes. For each
step it reads the target again, writes the step to the journal, makes the change, and
reads the result back. To confirm, type the alias (or ID) of the management account.
--yes skips that question and does not override guards.

With a FILE saved by plan, apply plans again and makes only the changes that both plans
contain. It reports and skips steps that are stale. If a run was killed, run apply
again to finish it.

Ctrl-C finishes the steps in flight and closes the journal. Guards that --ack overrode
when the plan was saved are overridden again.
` + command.StatusHelp,
		Example: `  forcemfa apply plan.json
  forcemfa apply --accounts 111122223333
  forcemfa apply --yes --max-changes 50
  forcemfa apply --sandbox --yes`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return runApply(c.Context(), &o, args) },
	}
	o.Add(c)
	o.AddNotices(c)
	o.guards.add(c)
	o.results.AddSave(c)
	c.Flags().BoolVar(&o.remove, "remove", false, "remove everything that forcemfa manages")
	c.Flags().BoolVar(&o.yes, "yes", false, "skip the confirmation; guards still apply")
	return c
}

type applyOptions struct {
	organization.Flags
	guards guards
	yes    bool
	remove bool

	results stream.Flags
}

func runApply(ctx context.Context, o *applyOptions, args []string) error {
	limit, acks, err := o.guards.parse()
	if err != nil {
		return err
	}
	var file *plan.Plan
	if len(args) == 1 {
		if file, err = command.ReadPlan(args[0], "plan"); err != nil {
			return err
		}
		if err := o.sameKind(args[0], file); err != nil {
			return err
		}
	}
	if acks, err = kept(acks, file); err != nil {
		return err
	}
	if file != nil {
		o.Adopt = append(o.Adopt, file.Adopt...)
	}
	results, err := o.results.Open(&o.Output)
	if err != nil {
		return err
	}
	defer results.Discard()
	s, err := o.OpenSurvey(ctx)
	if err != nil {
		return err
	}
	defer o.ProgressLine().Done()
	s.Begin(ctx, results)
	today, err := s.Plan(ctx, survey.PlanOptions{Resume: file, Acknowledge: acks, Remove: o.remove, Sink: results.Run()})
	if err != nil {
		return err
	}
	r := newApplied(s)
	todo := r.choose(file, today)
	if err := checkLimit(limit, todo); err != nil {
		return err
	}
	if err := o.carryOut(ctx, s, r, todo); err != nil {
		return err
	}
	if err := r.keep(results, s, todo); err != nil {
		return r.unshown(err)
	}
	if err := r.show(o); err != nil {
		return r.unshown(err)
	}
	return s.Exit(r.status())
}

// kept adds the acknowledgements that a plan file keeps.
func kept(acks []baseline.Acknowledgement, file *plan.Plan) ([]baseline.Acknowledgement, error) {
	if file == nil {
		return acks, nil
	}
	more, err := command.Acknowledgements(file.Acknowledged)
	if err != nil {
		return nil, command.WithHint(err, "make the plan again with \"forcemfa plan --out FILE\"")
	}
	return append(acks, more...), nil
}

// carryOut shows the steps, asks for confirmation, and runs them.
func (o *applyOptions) carryOut(ctx context.Context, s *organization.Survey, r *applied, todo *plan.Plan) error {
	if !o.JSON() && !(o.Quiet && o.yes) {
		report := planReport(s, todo)
		report.Head.Title = ""
		if err := report.Text(o.Stderr(), view.Style{Width: o.Env.Columns}); err != nil {
			return err
		}
	}
	if todo.Summary().Steps > 0 {
		id, alias, err := s.Home(ctx)
		if err != nil {
			return err
		}
		if err := o.Confirm(ctx, o.yes, id, alias); err != nil {
			return err
		}
		r.home = id
	}
	return r.run(ctx, s, todo.Steps, o)
}

// sameKind refuses a plan that removes everything without --remove, and the reverse:
// the command line decides what happens, not the file.
func (o *applyOptions) sameKind(name string, p *plan.Plan) error {
	switch {
	case p.Remove && !o.remove:
		return &command.Error{Status: command.StatusGuarded, Err: fmt.Errorf("plan %s removes everything that forcemfa manages", name), Hint: "add --remove if you want that"}
	case o.remove && !p.Remove:
		return &command.Error{Status: command.StatusGuarded, Err: fmt.Errorf("plan %s does not remove what forcemfa manages", name), Hint: `make it with "forcemfa plan --remove --out FILE"`}
	}
	return nil
}

// applied is the result of apply, as -o json prints it.
type applied struct {
	Run      string               `json:"run,omitempty"`     // empty when there was nothing to do
	Journal  string               `json:"journal,omitempty"` // its file
	Outcomes []apply.Outcome      `json:"outcomes"`
	Counts   map[apply.Status]int `json:"counts"`          // of the outcomes
	Done     []plan.Step          `json:"done,omitempty"`  // steps of the file that were done before
	Stale    []plan.StaleStep     `json:"stale,omitempty"` // steps of the file that the new plan lacks
	organization.Facts

	result apply.Result
	again  string // the command that continues
	undo   string // the command that undoes the run
	home   string // ID of the account that was confirmed
}

func newApplied(s *organization.Survey) *applied {
	return &applied{Facts: s.Facts(0), Outcomes: []apply.Outcome{}, Counts: map[apply.Status]int{}}
}

// count fills in the numbers of outcomes.
func (r *applied) count() {
	r.Outcomes = r.result.Outcomes
	for i := range r.Outcomes {
		r.Counts[r.Outcomes[i].Status]++
	}
	r.Blocked = r.Counts[apply.Blocked]
	r.Complete = r.Complete && r.result.Complete() && len(r.Stale) == 0
}

// unshown is the error of a result that could not be printed, with what was done.
func (r *applied) unshown(err error) error {
	if r.Run == "" {
		return err
	}
	return command.WithHint(fmt.Errorf("print the result of run %s, %s done: %w", r.Run, view.Count(r.Counts[apply.Done], "step"), err), "the run has ended; undo it with: "+r.undo)
}

// choose returns the steps to run: those of the new plan, or those that a file also has.
func (r *applied) choose(file, today *plan.Plan) *plan.Plan {
	if file == nil {
		return today
	}
	todo := *today
	todo.Steps, r.Done, r.Stale = plan.Intersect(file, today)
	return &todo
}

// run runs the steps. If all of them are blocked there is no run.
func (r *applied) run(ctx context.Context, s *organization.Survey, steps []plan.Step, o *applyOptions) error {
	defer r.count()
	r.again = o.Next("apply")
	if !slices.ContainsFunc(steps, func(s plan.Step) bool { return s.Blocked == "" }) {
		r.result = apply.Look(ctx, steps, s.Enter(ctx), apply.Options{Now: s.Env.Now})
		return nil
	}
	journal, err := o.OpenJournal()
	if err != nil {
		return err
	}
	r.Run, r.Journal, r.undo = journal.Run(), journal.Path(), o.Next("rollback "+journal.Run())
	r.result, err = s.Do(ctx, steps, journal, apply.Options{Home: r.home})
	if err != nil {
		return command.WithHint(fmt.Errorf("run %s stopped, %d of %s done: %w", r.Run, r.result.Count(apply.Done), view.Count(len(steps), "step"), err),
			"remove the cause (free disk space in "+filepath.Dir(r.Journal)+"); continue with: "+r.again+"; undo with: "+r.undo)
	}
	return nil
}

// keep saves the run: the audit before the changes, the plan, and the outcomes.
func (r *applied) keep(results *stream.Results, s *organization.Survey, todo *plan.Plan) error {
	results.Plan(todo)
	outcomes := map[string]int{}
	for status, n := range r.Counts {
		outcomes[string(status)] = n
	}
	results.Add(run.Record{Applied: &run.Applied{Run: r.Run, Outcomes: outcomes}})
	return results.Finish(s.RunEnd(0))
}

func (r *applied) status() int {
	if len(r.Stale) > 0 || !r.result.Complete() {
		return command.StatusIncomplete
	}
	return command.StatusOK
}

func (r *applied) show(o *applyOptions) error {
	if o.JSON() {
		return view.JSON(o.Stdout(), r)
	}
	var out bytes.Buffer
	style := o.Style()
	unreached(&out, style, r.Outcomes)
	r.showOld(&out, style)
	view.Unread(&out, style, r.Unread)
	view.Skipped(&out, style, r.Skipped)
	if r.Run == "" {
		nothing := "Nothing to do"
		if len(r.Unread) > 0 {
			nothing += " in the accounts that could be read"
		}
		if n := r.result.Count(apply.Blocked); n > 0 {
			nothing += ": " + view.Count(n, "step") + " blocked"
		}
		style.Lines(&out, nothing+".")
	} else {
		sumUp(&out, style, r.Run, r.Journal, &r.result)
		r.showNext(&out, o)
	}
	return style.Headline(o.Stdout(), r.Head.Title, out.Bytes())
}

// showOld prints the steps of the file that were not run.
func (r *applied) showOld(w io.Writer, style view.Style) {
	for i := range r.Stale {
		if i == mostLines && len(r.Stale) > mostLines+1 {
			fmt.Fprintf(w, "stale: and %s (-o json lists every one)\n", view.Count(len(r.Stale)-i, "more step"))
			break
		}
		style.Lines(w, "stale: "+view.Clean(view.StepSentence(&r.Stale[i].Step)+": "+r.Stale[i].Why))
	}
	for i := range r.Done {
		if i == mostLines && len(r.Done) > mostLines+1 {
			fmt.Fprintf(w, "done before: and %s (-o json lists every one)\n", view.Count(len(r.Done)-i, "more step"))
			break
		}
		style.Lines(w, "done before: "+view.Clean(view.StepSentence(&r.Done[i])))
	}
}

// showNext prints how to go on, and how to undo.
func (r *applied) showNext(w io.Writer, o *applyOptions) {
	if r.result.Count(apply.Interrupted)+r.result.Count(apply.Failed)+r.result.Count(apply.Skipped) > 0 {
		fmt.Fprintf(w, "Continue: %s\n", r.again)
	} else {
		fmt.Fprintf(w, "Next: %s\n", o.Next("verify"))
	}
	fmt.Fprintf(w, "Undo: %s\n", r.undo)
}

// mostLines is how many steps with the same result are printed one by one.
const mostLines = 20

// sumUp prints the result of a run in one line, and the place of its journal.
func sumUp(w io.Writer, style view.Style, run, journal string, result *apply.Result) {
	line := fmt.Sprintf("Run %s: %s", run, view.Count(result.Count(apply.Done), "step")+" done")
	for _, status := range []apply.Status{apply.Already, apply.Blocked, apply.Stale, apply.Failed, apply.Skipped, apply.Interrupted} {
		if n := result.Count(status); n > 0 {
			line += fmt.Sprintf(", %s %s", prose.Number(n), status)
		}
	}
	style.Lines(w, line+".")
	fmt.Fprintf(w, "Journal: %s\n", journal)
}

// unreached prints why a step was not done. Blocked steps are left out: the plan, which
// was shown before, has them with their remedies.
func unreached(w io.Writer, style view.Style, outcomes []apply.Outcome) {
	shown, last := map[apply.Status]int{}, map[apply.Status]string{}
	for _, out := range outcomes {
		if out.Status.Reached() || out.Status == apply.Blocked {
			continue
		}
		why := out.Why
		if why == last[out.Status] {
			why = "for the same reason"
		}
		last[out.Status] = out.Why
		if shown[out.Status]++; shown[out.Status] <= mostLines {
			style.Lines(w, fmt.Sprintf("%s: %s: %s", out.Status, view.Clean(view.StepSentence(&out.Step)), view.Clean(why)))
		}
	}
	for _, status := range []apply.Status{apply.Stale, apply.Failed, apply.Skipped, apply.Interrupted} {
		if more := shown[status] - mostLines; more > 0 {
			fmt.Fprintf(w, "%s: and %s (-o json lists every one)\n", status, view.Count(more, "more step"))
		}
	}
}
