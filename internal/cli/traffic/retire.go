package traffic

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithytime "github.com/aws/smithy-go/time"
	"github.com/spf13/cobra"

	"forcemfa/internal/apply"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/organization"
	"forcemfa/internal/collect"
	"forcemfa/internal/filelock"
	"forcemfa/internal/keys"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/view"
)

// newRetire is the verb keys retire.
func newRetire(e *command.Env) *cobra.Command {
	o := retireOptions{Flags: organization.Flags{Output: command.Output{Env: e}}}
	c := &cobra.Command{
		Use:   "retire KEY…",
		Short: "Retire access keys: deny their requests for a while, deactivate them, delete them",
		Long: `retire takes access keys out of use in three stages, each a run with a journal.
Service-specific credentials and SSH keys have the last two: a policy about sessions
does not stop them.

Without a stage it begins a brown-out: an inline policy denies every request of the
user without a session for the time of --for, and is removed again at its end, on
Ctrl-C, or by the next "keys retire" if this process was killed. Requests of all access
keys of the user stop; sessions, also those that began with the key, go on. Whoever
needs the key notices, and CloudTrail records AccessDenied with its ID.

--deactivate deactivates the keys after a quiet period. Expect no record in CloudTrail of
calls with an inactive key: AWS does not document one. --delete deletes inactive keys and
asks again, because nothing can restore a deleted key. "forcemfa rollback RUN" undoes
every stage except that one. A key or policy that somebody changed in the meantime is
left alone.
` + command.StatusHelp,
		Example: `  forcemfa keys retire AKIAIOSFODNN7EXAMPLE --for 1h
  forcemfa keys retire --end
  forcemfa keys retire --deactivate AKIAIOSFODNN7EXAMPLE
  forcemfa keys retire --delete AKIAIOSFODNN7EXAMPLE
  forcemfa keys retire --deactivate ACCAIOSFODNN7EXAMPLE --accounts 111122223333`,
		RunE: func(c *cobra.Command, args []string) error { return runRetire(c.Context(), &o, args) },
	}
	o.Add(c)
	o.AddNotices(c)
	f := c.Flags()
	f.DurationVar(&o.length, "for", time.Hour, "how long the brown-out denies requests")
	f.BoolVar(&o.end, "end", false, "end the brown-outs that this machine has begun")
	f.BoolVar(&o.deactivate, "deactivate", false, "deactivate the keys")
	f.BoolVar(&o.remove, "delete", false, "delete the keys, which must be inactive")
	f.DurationVar(&o.unusedFor, "unused-for", 24*time.Hour, "deactivate only keys that were not used for this time")
	f.StringSliceVar(&o.confirmed, "confirm-delete", nil, "the `IDs` of the keys to delete, instead of the question")
	f.BoolVar(&o.yes, "yes", false, "skip the confirmation, except that of --delete")
	return c
}

type retireOptions struct {
	organization.Flags
	length     time.Duration
	end        bool
	deactivate bool
	remove     bool
	unusedFor  time.Duration
	confirmed  []string
	yes        bool
}

// retired is the result, as -o json prints it.
type retired struct {
	Stage    string          `json:"stage"` // brown-out, deactivate, delete or end
	Run      string          `json:"run,omitempty"`
	Undo     string          `json:"undo,omitempty"` // the run that ended the brown-out
	Until    *time.Time      `json:"until,omitempty"`
	Outcomes []apply.Outcome `json:"outcomes"`
	Ended    []string        `json:"ended"` // runs whose brown-out was left by a process that was killed
}

func runRetire(ctx context.Context, o *retireOptions, ids []string) error {
	if err := o.check(ids); err != nil {
		return err
	}
	t, err := o.Open(ctx)
	if err != nil {
		return err
	}
	defer o.ProgressLine().Done()
	home, alias, err := t.Home(ctx)
	if err != nil {
		return err
	}
	r := &retired{Stage: "end", Outcomes: []apply.Outcome{}, Ended: []string{}}
	if err := o.endLeft(ctx, t, home, r); err != nil || o.end {
		return errors.Join(err, o.show(r))
	}
	steps, err := o.steps(ctx, t, r, ids)
	if err != nil {
		return err
	}
	if err := o.agree(ctx, t, steps, home, alias, ids); err != nil {
		return err
	}
	if err := o.carryOut(ctx, t, home, r, steps); err != nil {
		return err
	}
	return o.show(r)
}

func (o *retireOptions) check(ids []string) error {
	switch {
	case o.deactivate && o.remove:
		return errors.New("--deactivate and --delete are different stages: give one of them")
	case o.end && len(ids)+len(o.confirmed) > 0:
		return errors.New("--end takes no keys: it ends every brown-out that this machine has begun")
	case !o.end && len(ids) == 0:
		return command.WithHint(errors.New("no key is named"), `"forcemfa keys" lists the keys`)
	case o.length < time.Second || o.length > 24*time.Hour:
		return fmt.Errorf("--for %s: want 1s to 24h", o.length)
	case o.unusedFor < 0:
		return fmt.Errorf("--unused-for %s: want 0 or more", o.unusedFor)
	}
	return nil
}

// steps finds the keys and makes their steps. A brown-out has one step for each user.
func (o *retireOptions) steps(ctx context.Context, t *organization.Target, r *retired, ids []string) ([]plan.Step, error) {
	caller, err := t.Fleet.Identify(ctx)
	if err != nil {
		return nil, err
	}
	cfg, _, err := t.Fleet.Enter(ctx, caller.Account)
	if err != nil {
		return nil, err
	}
	now, steps := o.Env.Now(), []plan.Step(nil)
	until := now.Add(o.length).UTC().Truncate(time.Second)
	services, err := o.serviceOwners(ctx, t, ids)
	if err != nil {
		return nil, err
	}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		of, err := ownerOf(ctx, t, cfg, services, id)
		if err != nil {
			return nil, err
		}
		account, u := of.account, of.user
		if u.ARN == caller.String() && !ofService(id) {
			return nil, &command.Error{Status: command.StatusGuarded, Err: fmt.Errorf("access key %s belongs to %s, who runs this: nothing was changed", id, u.Name), Hint: "use other credentials"}
		}
		switch {
		case o.deactivate:
			r.Stage = "deactivate"
			steps = append(steps, o.deactivation(account, u, id, now))
		case o.remove:
			r.Stage = "delete"
			steps = append(steps, keys.Delete(account, u, id))
		default:
			r.Stage, r.Until = "brown-out", &until
			steps = o.brownOut(steps, account, u, id, until)
		}
	}
	return steps, nil
}

// An owner is the user of a credential.
type owner struct {
	account string
	user    *org.User
}

// ownerOf is the user of a key, from those of services or from AWS.
func ownerOf(ctx context.Context, t *organization.Target, cfg aws.Config, services map[string]owner, id string) (of owner, err error) {
	if of = services[id]; of.user == nil {
		of.account, of.user, err = collect.KeyOwner(ctx, t.Fleet, cfg, id)
	}
	return of, err
}

// ofService reports whether an ID is that of a service-specific credential or SSH key.
func ofService(id string) bool {
	return strings.HasPrefix(id, org.ServiceCredentialPrefix) || strings.HasPrefix(id, org.SSHKeyPrefix)
}

// serviceOwners finds the users of service-specific credentials and SSH keys. AWS names
// the account of access keys alone, so the accounts of the flags are read.
func (o *retireOptions) serviceOwners(ctx context.Context, t *organization.Target, ids []string) (map[string]owner, error) {
	wanted := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !ofService(id) })
	owners := map[string]owner{}
	if len(wanted) == 0 {
		return owners, nil
	}
	if !o.deactivate && !o.remove {
		return nil, command.WithHint(fmt.Errorf("%s: a brown-out denies requests without a session, and does not stop this kind of credential", wanted[0]),
			o.Next("keys retire --deactivate "+wanted[0])+", which rollback undoes")
	}
	t.LongTerm = true
	s, err := t.Survey(ctx)
	if err != nil {
		return nil, err
	}
	for a, err := range s.Accounts() {
		if err != nil {
			return nil, err
		}
		for i := range a.Users {
			u := &a.Users[i]
			if u.Services == nil {
				continue
			}
			for _, c := range u.Services.Listed {
				owners[c.ID] = owner{a.ID, u}
			}
		}
	}
	for _, id := range wanted {
		if owners[id].user == nil {
			return nil, command.WithHint(fmt.Errorf("no user of the accounts that were read has the credential %s: nothing was changed", id), `"forcemfa keys" lists the credentials and the accounts that cannot be read`)
		}
	}
	return owners, nil
}

// deactivation is the step that deactivates a key, blocked while the key is in use.
func (o *retireOptions) deactivation(account string, u *org.User, id string, now time.Time) plan.Step {
	s := keys.Deactivate(account, u, id)
	for _, k := range u.Keys {
		if k.ID == id && k.Used != nil && now.Sub(*k.Used) < o.unusedFor {
			s.Block("the key was used at "+k.Used.UTC().Format(time.RFC3339)+" for "+k.UsedService, "find out by whom with a brown-out, or shorten --unused-for")
		}
	}
	return s
}

func (o *retireOptions) brownOut(steps []plan.Step, account string, u *org.User, id string, until time.Time) []plan.Step {
	s := keys.BrownOut(account, u, until)
	if slices.ContainsFunc(steps, func(other plan.Step) bool { return other.ID == s.ID }) {
		return steps
	}
	if n := u.ActiveKeys(); n > 1 {
		o.Remark("WARNING: %s has %d active keys: the requests of all of them stop, not only those of %s", u.Name, n, id)
	}
	if s.Expect.Present {
		s.Block("a brown-out of "+u.Name+" has begun already", "wait for its end, or run forcemfa keys retire --end")
	}
	return append(steps, s)
}

// agree shows the steps and asks; a deletion asks again.
func (o *retireOptions) agree(ctx context.Context, t *organization.Target, steps []plan.Step, home, alias string, ids []string) error {
	if !o.JSON() || !o.yes {
		view.Plan(o.Stderr(), view.Style{}, &plan.Plan{Steps: steps})
	}
	if !slices.ContainsFunc(steps, func(s plan.Step) bool { return s.Blocked == "" }) {
		return nil
	}
	if err := o.Confirm(ctx, o.yes, home, alias); err != nil || !o.remove {
		return err
	}
	want := strings.Join(slices.Compact(slices.Sorted(slices.Values(ids))), ",")
	given := strings.Join(slices.Compact(slices.Sorted(slices.Values(o.confirmed))), ",")
	if given == "" {
		answer, err := o.Env.Ask(ctx, "Nothing can restore a deleted key. To delete, type the IDs of the keys again: ")
		if err != nil {
			return &command.Error{Status: command.StatusGuarded, Err: fmt.Errorf("ask for confirmation: %w", err), Hint: "run it on a terminal, or add --confirm-delete " + want}
		}
		words := strings.FieldsFunc(answer, func(r rune) bool { return r == ' ' || r == ',' })
		slices.Sort(words)
		given = strings.Join(words, ",")
	}
	if given != want {
		return &command.Error{Status: command.StatusGuarded, Err: fmt.Errorf("%q are not the keys to delete: nothing was changed", given), Hint: "type " + want}
	}
	return nil
}

// carryOut runs the steps; a brown-out then waits and ends.
func (o *retireOptions) carryOut(ctx context.Context, t *organization.Target, home string, r *retired, steps []plan.Step) error {
	if !slices.ContainsFunc(steps, func(s plan.Step) bool { return s.Blocked == "" }) {
		r.Outcomes = apply.Look(ctx, steps, t.Enter(ctx), apply.Options{Now: o.Env.Now}).Outcomes
		return nil
	}
	journal, err := o.OpenJournal()
	if err != nil {
		return err
	}
	r.Run = journal.Run()
	if r.Until == nil {
		result, err := t.Do(ctx, steps, journal, apply.Options{Home: home})
		r.Outcomes = result.Outcomes
		return err
	}
	release, err := filelock.Take(ctx, o.lock(r.Run), time.Second)
	if err != nil {
		return errors.Join(err, journal.Close())
	}
	defer release()
	defer command.Survive(command.EndSignals())()
	o.Remark("this process ends the brown-out at %s, or now on Ctrl-C: keep it running. If it is killed, run: %s", r.Until.Format(time.RFC3339), o.Next("keys retire --end"))
	result, err := t.Do(context.WithoutCancel(ctx), steps, journal, apply.Options{Home: home})
	r.Outcomes = result.Outcomes
	if result.Count(apply.Done) > 0 {
		_ = smithytime.SleepWithContext(ctx, r.Until.Sub(o.Env.Now())) // Ctrl-C ends the brown-out early
	}
	undo, ended := o.undo(context.WithoutCancel(ctx), t, home, r.Run)
	r.Undo = undo
	return errors.Join(err, ended)
}

// lock is the file that the process with the undo of a run holds locked.
func (o *retireOptions) lock(run string) string {
	return filepath.Join(o.Env.JournalDir(), "brown-out-"+run+".lock")
}

// undo removes the policies of a brown-out, as a run of its own.
func (o *retireOptions) undo(ctx context.Context, t *organization.Target, home, run string) (undo string, err error) {
	record, err := apply.ReadJournal(o.Env.JournalDir(), run)
	if err != nil {
		return "", err
	}
	if err := record.Check(); err != nil {
		return "", err
	}
	if err := o.Settle(ctx, record); err != nil {
		return "", err
	}
	journal, err := o.OpenJournal()
	if err != nil {
		return "", err
	}
	result, err := t.Do(ctx, record.Undo(), journal, apply.Options{Home: home, Undoes: run})
	if err == nil && !result.Complete() {
		err = fmt.Errorf("steps of the brown-out of run %s were not undone: %s; look at them, then run: %s", run, unreached(result.Outcomes), o.Next("keys retire --end"))
	}
	return journal.Run(), err
}

// unreached are the outcomes of the steps that were not done, in words.
func unreached(outcomes []apply.Outcome) string {
	var lines []string
	for i := range outcomes {
		if !outcomes[i].Status.Reached() {
			lines = append(lines, outcomeLine(&outcomes[i]))
		}
	}
	return strings.Join(lines, "; ")
}

// outcomeLine is an outcome in one line.
func outcomeLine(o *apply.Outcome) string {
	line := string(o.Status) + ": " + view.StepSentence(&o.Step)
	if o.Why != "" {
		line += ": " + o.Why
	}
	return view.Clean(line)
}

// endLeft ends the brown-outs whose process is gone.
func (o *retireOptions) endLeft(ctx context.Context, t *organization.Target, home string, r *retired) error {
	if o.Sandbox != "" {
		return nil
	}
	left, err := leftBrownOuts(o.Env.JournalDir(), home)
	if err != nil {
		return err
	}
	for _, run := range left {
		release, err := filelock.Take(ctx, o.lock(run), 50*time.Millisecond)
		var held *filelock.HeldError
		if errors.As(err, &held) {
			if o.end {
				o.Remark("%s holds the undo of run %s: end it with Ctrl-C", filelock.Process(held.PID), run)
			}
			continue
		}
		if err != nil {
			return err
		}
		_, err = o.undo(ctx, t, home, run)
		release()
		if err != nil {
			return err
		}
		r.Ended = append(r.Ended, run)
		o.Remark("ended the brown-out of run %s, whose process was gone", run)
	}
	return nil
}

// leftBrownOuts are the runs of an organization that began a brown-out and that no run
// has undone.
func leftBrownOuts(dir, home string) (left []string, err error) {
	runs, err := apply.RunIDs(dir)
	if err != nil {
		return nil, err
	}
	undone := map[string]bool{}
	for _, run := range runs {
		record, err := apply.ReadJournal(dir, run)
		if err != nil || record.Home() != home || record.Check() != nil {
			continue // rollback --list names it
		}
		if record.Finished() && record.Failed() == 0 {
			undone[record.Undoes()] = true
		}
		begins := slices.ContainsFunc(record.Entries, func(e apply.Entry) bool {
			if e.Step == nil || e.Step.Expect.Present {
				return false
			}
			_, ok := keys.BrownOutEnd(e.Step)
			return ok
		})
		if begins {
			left = append(left, run)
		}
	}
	return slices.DeleteFunc(left, func(run string) bool { return undone[run] }), nil
}

func (o *retireOptions) show(r *retired) error {
	whole := apply.Result{Outcomes: r.Outcomes}
	status := command.If(!whole.Complete(), command.StatusIncomplete)
	if o.JSON() {
		return errors.Join(view.JSON(o.Stdout(), r), command.Exit(status))
	}
	w, style := o.Stdout(), o.Style()
	for i := range r.Outcomes {
		style.Lines(w, outcomeLine(&r.Outcomes[i]))
	}
	if r.Run != "" {
		fmt.Fprintf(w, "Run %s, %s.\n", r.Run, r.Stage)
	}
	o.showNext(r)
	return command.Exit(status)
}

// showNext prints what follows a stage.
func (o *retireOptions) showNext(r *retired) {
	w, style := o.Stdout(), o.Style()
	switch {
	case r.Stage == "end" && len(r.Ended) == 0:
		fmt.Fprintln(w, "No brown-out was left.")
	case r.Stage == "end":
		fmt.Fprintf(w, "Ended: %s\n", strings.Join(r.Ended, ", "))
	case r.Run == "":
	case r.Stage == "brown-out":
		fmt.Fprintf(w, "The brown-out is over; run %s ended it.\n", r.Undo)
		style.Lines(w, "Look for AccessDenied with the ID of the key in CloudTrail, then: "+o.Next("keys retire --deactivate KEY"))
	case r.Stage == "deactivate":
		style.Lines(w, "Expect no record in CloudTrail of calls with an inactive key: whoever misses it has to report it.")
		fmt.Fprintf(w, "Undo: %s\n", o.Next("rollback "+r.Run))
	}
}
