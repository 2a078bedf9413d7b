package cli

import (
	"context"
	"runtime/debug"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/emulator"
	"forcemfa/internal/rehearse"
	"forcemfa/internal/view"
)

func newRehearse(e *command.Env) *cobra.Command {
	o := rehearseOptions{shared: shared{env: e}}
	c := &cobra.Command{
		Use:   "rehearse [PLAN]",
		Short: "Run the whole job on the embedded AWS, with every attack scenario",
		Long: `rehearse loads the sample organization, or a snapshot of your own, into the
embedded AWS and runs the whole job there: audit, plan, apply, audit again. Before and
after, it tries every attack scenario for every user with real signed requests: what
an attacker with a stolen key, session or password would try. Afterwards it tries the
expected access: enrollment, MFA sessions, roles, exempt service accounts.

With a PLAN file saved by plan, only its steps are applied. rehearse reads only the files
that you name, and changes nothing real.

EXIT STATUS
  0  no user is open, every attack is refused, all expected access works
  1  an error stopped the command
  3  otherwise`,
		Example: `  forcemfa rehearse
  forcemfa rehearse --org snapshot.jsonl --config forcemfa.yaml plan.json
  forcemfa rehearse -o json | jq .attacks_after`,
		Args:    cobra.MaximumNArgs(1),
		PreRunE: func(*cobra.Command, []string) error { return command.CheckOutput(o.output) },
		RunE:    func(c *cobra.Command, args []string) error { return runRehearse(c.Context(), &o, args) },
	}
	f := c.Flags()
	organizationFlags(f, &o.org)
	f.StringVar(&o.config, "config", "", "config `file` (default: the config of the sample, or the defaults)")
	f.StringSliceVar(&o.ack, "ack", nil, "override a guard for one user: `GUARD:USER` or GUARD:ACCOUNT/USER")
	f.StringVarP(&o.output, "output", "o", "text", "text or json")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "print no progress and no remarks on stderr")
	f.BoolVar(&o.noColor, "no-color", false, "no colors on a terminal")
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
	options := rehearse.Options{
		Acknowledge: acks, Now: o.env.Now, Progress: o.progress().Show,
		Log: func(stage string) { o.remark("%s", stage) },
	}
	if len(args) == 1 {
		if options.Plan, err = readPlan(args[0], "plan"); err != nil {
			return err
		}
	}
	// A rehearsal takes seconds, and its thousands of requests leave garbage: collecting
	// it less often saves a fifth of the time.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	box, err := openSandbox(o.org, emulator.Options{Clock: o.env.Now})
	if err != nil {
		return err
	}
	o.sandbox = rehearse.Sample // so that only files are read that the user named
	if options.Baseline, err = o.readBaseline(box.Baseline); err != nil {
		return err
	}
	defer o.progress().Done()
	result, err := rehearse.Run(ctx, box, options)
	if err != nil {
		return err
	}
	if o.json() {
		err = view.JSON(o.stdout(), result)
	} else {
		result.Text(o.stdout(), o.style())
	}
	if err != nil {
		return err
	}
	return command.Exit(found(!result.Passed()))
}
