package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"forcemfa/internal/apply"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/organization"
	"forcemfa/internal/plan"
	"forcemfa/internal/prose"
	"forcemfa/internal/view"
	"forcemfa/policy/arn"
)

func newRollback(e *command.Env) *cobra.Command {
	o := rollbackOptions{Flags: organization.Flags{Output: command.Output{Env: e}}}
	c := &cobra.Command{
		Use:   "rollback RUN | --list",
		Short: "Undo a run, from its journal",
		Long: `rollback undoes the steps of a run, last step first, from the journal that apply
wrote, also if the run was killed. It reads each target first. Targets that changed
after the run are reported and skipped; targets that are already as they were before
the run stay as they are. It shows the steps with the differences of their policy
documents, and asks for confirmation as apply does. A rollback is a run of its own and
can be undone.

Policy versions that the run deleted are created again with the same text; AWS gives
them new version numbers. A policy or group that is created again gets a new unique ID.

--list lists the runs of this machine, oldest first. A run that was stopped is
"interrupted", one that was killed or is still running "unfinished"; the last column
has the number of steps and the command that does the rest. Give a saved plan again if
the run had one.

--journal reads the journals of the Lambda from S3 instead:
s3://BUCKET/PREFIX/ACCOUNT. Other principals may be able to write there, so a journal
with an entry that the function of that account cannot have written is refused as a
whole (exit status 5), and --list shows it as "refused".
` + command.StatusHelp,
		Example: `  forcemfa rollback --list
  forcemfa rollback 20270131T120000Z
  forcemfa rollback 20270131T120000Z --yes -o json
  forcemfa rollback --journal s3://acme-forcemfa/journal/111122223333 --list`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return runRollback(c.Context(), &o, args) },
	}
	o.Add(c)
	o.AddNotices(c)
	c.Flags().StringVar(&o.journal, "journal", "", "read journals in S3: `s3://BUCKET/PREFIX`")
	c.Flags().BoolVar(&o.list, "list", false, "list the runs that have a journal")
	c.Flags().BoolVar(&o.yes, "yes", false, "skip the confirmation; guards still apply")
	return c
}

type rollbackOptions struct {
	organization.Flags
	list    bool
	yes     bool
	journal string

	target *organization.Target // see opened
}

func runRollback(ctx context.Context, o *rollbackOptions, args []string) error {
	if o.list == (len(args) == 1) {
		return command.WithHint(errors.New("rollback takes one run, or --list alone"), `list the runs with "forcemfa rollback --list"`)
	}
	runs, err := o.openJournals(ctx)
	if err != nil {
		return err
	}
	if o.list {
		return o.listRuns(runs)
	}
	record, err := runs.record(args[0])
	if err != nil {
		return err
	}
	t, err := o.opened(ctx)
	if err != nil {
		return err
	}
	id, alias, err := t.Home(ctx)
	if err != nil {
		return err
	}
	if made := record.Home(); made != "" && made != id {
		return &command.Error{Status: command.StatusGuarded, Err: fmt.Errorf("run %s belongs to the organization of %s, and these credentials belong to %s: nothing was changed", record.Run, made, id),
			Hint: "use the credentials of the organization that the run changed"}
	}
	if err := runs.verify(record); err != nil {
		return err
	}
	if err := o.Settle(ctx, record); err != nil {
		return err
	}
	r := &rolledBack{Undoes: record.Run, home: id}
	steps := record.Undo()
	if runs.account != "" {
		steps = record.UndoFunction()
	}
	r.look(ctx, t, steps)
	if len(r.todo) > 0 {
		if !o.JSON() || !o.yes {
			view.Documents(o.Stderr(), r.todo)
			view.Plan(o.Stderr(), view.Style{}, &plan.Plan{Steps: r.todo})
		}
		if err := o.Confirm(ctx, o.yes, id, alias); err != nil {
			return err
		}
		if err := r.run(ctx, t, runs, record); err != nil {
			return err
		}
	}
	if err := r.show(o); err != nil {
		return err
	}
	whole := apply.Result{Outcomes: r.Outcomes}
	return command.Exit(command.If(!whole.Complete(), command.StatusIncomplete))
}

// rolledBack is the result of a rollback, as -o json prints it.
type rolledBack struct {
	Undoes   string          `json:"undoes"`
	Run      string          `json:"run,omitempty"`     // empty when there was nothing to do
	Journal  string          `json:"journal,omitempty"` // its file
	Outcomes []apply.Outcome `json:"outcomes"`

	home string
	todo []plan.Step
	at   []int // position of each step to do among the outcomes
}

// look compares every target with the state that the run left, and keeps the steps
// that can be undone.
func (r *rolledBack) look(ctx context.Context, t *organization.Target, steps []plan.Step) {
	progress, seen := t.ProgressLine(), atomic.Int64{}
	r.Outcomes = apply.Look(ctx, steps, t.Enter(ctx), apply.Options{
		Now: t.Env.Now, Concurrency: t.Fleet.Concurrency(), Undoes: r.Undoes,
		Progress: func(apply.Outcome) { progress.Show("targets read:", int(seen.Add(1)), len(steps)) },
	}).Outcomes
	progress.Done()
	pending := map[string]bool{}
	for i := range r.Outcomes {
		if r.Outcomes[i].Status == apply.Pending {
			pending[r.Outcomes[i].Step.ID] = true
		}
	}
	for i, out := range r.Outcomes {
		if out.Status != apply.Pending {
			continue
		}
		s := out.Step
		s.Needs = nil
		for _, id := range out.Step.Needs {
			if pending[id] {
				s.Needs = append(s.Needs, id)
			}
		}
		r.todo, r.at = append(r.todo, s), append(r.at, i)
	}
}

func (r *rolledBack) run(ctx context.Context, t *organization.Target, runs *journals, record *apply.Record) error {
	journal, err := t.OpenJournal()
	if err != nil {
		return err
	}
	if again, err := runs.read(record.Run); err != nil || !reflect.DeepEqual(again.Entries, record.Entries) {
		changed := fmt.Errorf("the journal of run %s changed in the meantime: nothing was changed", record.Run)
		return &command.Error{Status: command.StatusGuarded, Err: errors.Join(changed, err, journal.Close()), Hint: "run it again"}
	}
	r.Run, r.Journal = journal.Run(), journal.Path()
	result, err := t.Do(ctx, r.todo, journal, apply.Options{Home: r.home, Undoes: r.Undoes})
	for i, out := range result.Outcomes {
		r.Outcomes[r.at[i]] = out
	}
	return err
}

func (r *rolledBack) show(o *rollbackOptions) error {
	if o.JSON() {
		return view.JSON(o.Stdout(), r)
	}
	w := o.Stdout()
	unreached(w, o.Style(), r.Outcomes)
	if r.Run == "" {
		fmt.Fprintf(w, "Nothing to undo of run %s.\n", r.Undoes)
		return nil
	}
	whole := apply.Result{Outcomes: r.Outcomes}
	sumUp(w, o.Style(), r.Run, r.Journal, &whole)
	return nil
}

// A listed is a run, as --list shows it.
type listed struct {
	Run      string               `json:"run"`
	Began    time.Time            `json:"began"`
	Home     string               `json:"home,omitempty"`
	By       string               `json:"by,omitempty"` // ARN of the identity that made it
	Status   string               `json:"status"`       // finished, interrupted, unfinished, unreadable or refused
	Undoes   string               `json:"undoes,omitempty"`
	Finished bool                 `json:"finished"` // ended by itself, and was not killed
	Planned  int                  `json:"planned"`  // all steps of the run
	Steps    map[apply.Status]int `json:"steps"`    // of those that were begun
	InDoubt  int                  `json:"in_doubt"`
	Left     int                  `json:"interrupted"`        // steps that a run which was stopped did not reach
	Continue string               `json:"continue,omitempty"` // the command that finishes a run which was stopped
	Error    string               `json:"error,omitempty"`    // why its journal cannot be read, or was not written by the function
}

// listRuns lists the runs. A run whose journal cannot be read is listed with the reason
// and makes the result incomplete.
func (o *rollbackOptions) listRuns(from *journals) error {
	runs, err := from.list()
	if err != nil {
		return err
	}
	all, status := []listed{}, command.StatusOK
	for _, run := range runs {
		l := o.described(from, run)
		if l.Error != "" {
			status = command.StatusIncomplete
		}
		all = append(all, l)
	}
	if o.JSON() {
		err = view.JSON(o.Stdout(), struct {
			Runs []listed `json:"runs"`
		}{all})
	} else {
		o.showRuns(from, all)
	}
	return errors.Join(err, command.Exit(status))
}

// described is a run with the command that does the rest of it.
func (o *rollbackOptions) described(from *journals, run string) listed {
	l := from.listed(run)
	switch {
	case l.Status != "interrupted" && l.Status != "unfinished" || from.account != "": // the next scan of a function does the rest
	case l.Undoes != "":
		l.Continue = o.Next("rollback " + l.Undoes)
	default:
		l.Continue = o.Next("apply")
	}
	return l
}

func (j *journals) listed(run string) listed {
	record, err := j.read(run)
	if err != nil {
		return listed{Run: run, Status: "unreadable", Error: reason(err)}
	}
	if j.check != nil {
		if err := j.check(record); err != nil {
			return listed{Run: run, Status: "refused", Error: err.Error()}
		}
	}
	l := listed{
		Run: run, Began: record.Began(), Home: record.Home(), By: record.By(), Status: "unfinished", Undoes: record.Undoes(), Finished: record.Finished(),
		Planned: record.Steps(), Steps: map[apply.Status]int{}, InDoubt: len(record.InDoubt()), Left: record.Interrupted(),
	}
	switch {
	case l.Left > 0:
		l.Status = "interrupted"
	case l.Finished:
		l.Status = "finished"
	}
	for _, status := range record.Statuses() {
		if status != "" {
			l.Steps[status]++
		}
	}
	return l
}

// reason returns the text of an error without the file name.
func reason(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}

func (o *rollbackOptions) showRuns(from *journals, all []listed) {
	if len(all) == 0 {
		fmt.Fprintf(o.Stdout(), "No runs in %s.\n", from.name)
		return
	}
	rows := make([][]string, len(all))
	for i, l := range all {
		began := ""
		if !l.Began.IsZero() {
			began = l.Began.UTC().Format("2006-01-02 15:04 MST")
		}
		rows[i] = []string{l.Run, began, l.Status, prose.Number(l.Steps[apply.Done]) + " of " + prose.Number(l.Planned), view.Clean(l.origin()) + l.remark()}
	}
	o.Style().Table(o.Stdout(), []string{"run", "began", "status", "steps done", "remarks"}, rows, nil)
}

// who is the identity that made a run, without what all ARNs begin with.
func (l *listed) who() string {
	if a, err := arn.Parse(l.By); err == nil {
		return a.Resource
	}
	return l.By
}

// origin says who made a run, and for which organization.
func (l *listed) origin() string {
	text := ""
	if l.By != "" {
		text = "by " + l.who()
	}
	if l.Home != "" {
		text = strings.TrimPrefix(text+" in the organization of "+l.Home, " ")
	}
	if text != "" && l.remark() != "" {
		text += "; "
	}
	return text
}

// begun is how many steps have an entry in the journal.
func (l *listed) begun() int {
	n := l.InDoubt
	for _, count := range l.Steps {
		n += count
	}
	return n
}

// remark describes a run in the last column.
func (l *listed) remark() string {
	if l.Error != "" {
		return l.Status + ": " + view.Clean(l.Error)
	}
	var parts []string
	if l.Undoes != "" {
		parts = append(parts, "undoes "+l.Undoes)
	}
	if n := l.Steps[apply.Failed]; n > 0 {
		parts = append(parts, view.Count(n, "step")+" failed")
	}
	if l.InDoubt > 0 {
		parts = append(parts, view.Count(l.InDoubt, "step")+" in doubt")
	}
	switch {
	case l.Status == "unfinished":
		parts = append(parts, fmt.Sprintf("was killed or is running, %d of %s begun", l.begun(), view.Count(l.Planned, "step")))
	case l.Left > 0:
		parts = append(parts, fmt.Sprintf("stopped before %d of %s", l.Left, view.Count(l.Planned, "step")))
	}
	if l.Continue != "" {
		parts = append(parts, "continue: "+l.Continue)
	}
	return strings.Join(parts, ", ")
}
