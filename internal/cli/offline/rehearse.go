package offline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/stream"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/rehearse"
	"forcemfa/internal/rehearse/rollout"
	"forcemfa/internal/view"
)

// NewRehearse returns the verb rehearse.
func NewRehearse(e *command.Env) *cobra.Command {
	o := rehearseOptions{Output: command.Output{Env: e}}
	c := &cobra.Command{
		Use:   "rehearse [PLAN]",
		Short: "Run the whole job on the embedded AWS, with every attack scenario",
		Long: `rehearse loads the sample organization, or a snapshot of your own, into the
embedded AWS and runs the whole job there: audit, plan, apply, audit again. Before and
after, it tries every attack scenario for every user with real signed requests: what
an attacker with a stolen key, session or password would try. Afterwards it tries the
expected access: enrollment, MFA sessions, roles, exempt service accounts.

With --replay, the calls of a CloudTrail log are sent by their users as signed requests
before and after the plan, each kind of call once, and compared with the forecast of
impact. Calls whose protocol does not name the operation (REST), or that need parameters
which are not replayed, are decided by the evaluator from the recorded context, and
counted apart. A SOURCE is a file, folder or archive as of impact; "sample" is the month
of the sample organization.

With --deploy it plays the deployment of the Lambda in the sample organization instead:
deploy, the first scheduled scan, events, tampering, a new account, an outage of Slack,
an update, a rollback and the removal, in virtual time. The functions run as processes
with the permissions of the templates. A part that fails names the permission or rule
that is missing.

All users are attacked, which takes a minute and more for thousands of users. With
--sample N it is N users: one of every kind, by state, credentials and device, then
others. The audits before and after always cover everybody.

With a PLAN file saved by plan, only its steps are applied. rehearse reads only the files
that you name, and changes nothing real.

EXIT STATUS
  0  no user that was read is open, every attack is refused, all expected access works,
     every answer to a replayed call is the forecast; with --deploy, every part of the deployment works
  1  an error stopped the command
  3  otherwise
Accounts that cannot be read are named in the last lines and do not change the status.`,
		Example: `  forcemfa rehearse
  forcemfa rehearse --deploy
  forcemfa rehearse --org snapshot.jsonl --config forcemfa.yaml plan.json
  forcemfa rehearse --org snapshot.jsonl --sample 100
  forcemfa rehearse --org snapshot.jsonl --replay logs
  forcemfa rehearse -o json | jq .attacks_after`,
		Args: cobra.MaximumNArgs(1),
		PreRunE: func(c *cobra.Command, _ []string) error {
			o.invoked = command.InvocationOf(c)
			return command.CheckOutput(o.Format)
		},
		RunE: func(c *cobra.Command, args []string) error { return runRehearse(c.Context(), &o, args) },
	}
	f := c.Flags()
	organizationFlags(f, &o.org)
	f.StringVar(&o.config, "config", "", "config `file` (default: the config of the sample, or the defaults)")
	f.StringSliceVar(&o.ack, "ack", nil, "override a guard for one user: `GUARD:USER` or GUARD:ACCOUNT/USER")
	f.IntVar(&o.sample, "sample", 0, "try attacks and expected access for `N` users, of every kind of user; 0 for all")
	f.BoolVar(&o.deploy, "deploy", false, "play the deployment of the Lambda instead")
	f.StringArrayVar(&o.replay, "replay", nil, "also send the calls of a CloudTrail log before and after the plan: a `SOURCE` on disk as of impact")
	c.MarkFlagsMutuallyExclusive("deploy", "replay")
	c.MarkFlagsMutuallyExclusive("deploy", "org")
	c.MarkFlagsMutuallyExclusive("deploy", "config")
	c.MarkFlagsMutuallyExclusive("deploy", "ack")
	c.MarkFlagsMutuallyExclusive("deploy", "sample")
	o.AddFlags(c)
	o.results.AddSave(c)
	c.MarkFlagsMutuallyExclusive("deploy", "save")
	return c
}

type rehearseOptions struct {
	command.Output
	config string
	org    string
	ack    []string
	deploy bool
	sample int
	replay []string

	results stream.Flags
	invoked command.Invocation
}

func runRehearse(ctx context.Context, o *rehearseOptions, args []string) error {
	if o.deploy {
		return rehearseDeployment(ctx, o, args)
	}
	if o.sample < 0 {
		return fmt.Errorf("--sample %d: give a number of users, or 0 for all", o.sample)
	}
	acks, err := command.Acknowledgements(o.ack)
	if err != nil {
		return err
	}
	options := rehearse.Options{
		Acknowledge: acks, Now: o.Env.Now, Sample: o.sample, Progress: o.ProgressLine().Show,
		Log: func(stage string) {
			if o.Progress != "json" { // each stage is in the JSON, too
				o.Remark("%s", stage)
			}
		},
	}
	if options.Replay, err = replayed(o.replay, o.Env.Now()); err != nil {
		return err
	}
	if len(args) == 1 {
		if options.Plan, err = command.ReadPlan(args[0], "plan"); err != nil {
			return err
		}
	}
	// A rehearsal takes seconds, and its thousands of requests leave garbage: collecting
	// it less often saves a fifth of the time.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	box, err := OpenSandbox(o.org, emulator.Options{Clock: o.Env.Now})
	if err != nil {
		return err
	}
	if options.Baseline, err = o.Env.Baseline(o.config, box.Baseline); err != nil {
		return err
	}
	results, err := o.results.Open(&o.Output)
	if err != nil {
		return err
	}
	defer results.Discard()
	record := &recorder{options: o, results: results, baseline: options.Baseline}
	options.Record = record
	defer o.ProgressLine().Done()
	result, err := rehearse.Run(ctx, box, options)
	if err != nil {
		return err
	}
	if err := record.finish(result); err != nil {
		return err
	}
	if o.JSON() {
		err = view.JSON(o.Stdout(), result)
	} else {
		result.Next = "forcemfa audit"
		if o.org != "" && o.org != rehearse.Sample {
			result.Next = "forcemfa plan --out plan.json"
		}
		err = o.PrintData(func(w io.Writer) error { return result.Text(w, o.Style()) })
	}
	if err != nil {
		return err
	}
	return command.Exit(command.If(!result.Passed(), command.StatusFound))
}

// rehearseDeployment plays the deployment in the sample organization.
func rehearseDeployment(ctx context.Context, o *rehearseOptions, args []string) error {
	if len(args) > 0 {
		return errors.New("--deploy takes no plan: it rehearses the whole deployment")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	box, err := OpenSandbox("", emulator.Options{Clock: o.Env.Now, Stopped: true})
	if err != nil {
		return err
	}
	b, err := box.Baseline()
	if err != nil {
		return err
	}
	program, err := functionProgram()
	if err != nil {
		return err
	}
	story, err := rollout.Run(ctx, box, rollout.Options{
		Baseline: b, Config: sample.Config(), Program: program, Progress: func(title string) { o.Remark("%s", title) },
	})
	if err != nil {
		return err
	}
	if o.JSON() {
		err = view.JSON(o.Stdout(), story)
	} else {
		err = o.PrintData(story.Text)
	}
	if err != nil {
		return err
	}
	return command.Exit(command.If(!story.Passed(), command.StatusFound))
}

// functionVerb is the verb of the functions in a rehearsal. Nobody runs it by hand.
const functionVerb = "rehearsed-function"

// NewFunction returns the verb of the processes that rehearse --deploy and emulate start.
func NewFunction(e *command.Env) *cobra.Command {
	return &cobra.Command{
		Use: functionVerb, Hidden: true, DisableFlagParsing: true,
		Short: "Serve a Lambda function of rehearse --deploy or emulate",
		RunE: func(c *cobra.Command, _ []string) error {
			return rollout.ServeFunction(c.Context(), e.Getenv, e.Stdout)
		},
	}
}
