package offline

import (
	"context"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/emulator"
	"forcemfa/internal/rehearse"
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

With a PLAN file saved by plan, only its steps are applied. rehearse reads only the files
that you name, and changes nothing real.

EXIT STATUS
  0  no user that was read is open, every attack is refused, all expected access works
  1  an error stopped the command
  3  otherwise
Accounts that cannot be read are named in the last lines and do not change the status.`,
		Example: `  forcemfa rehearse
  forcemfa rehearse --org snapshot.jsonl --config forcemfa.yaml plan.json
  forcemfa rehearse -o json | jq .attacks_after`,
		Args:    cobra.MaximumNArgs(1),
		PreRunE: func(*cobra.Command, []string) error { return command.CheckOutput(o.Format) },
		RunE:    func(c *cobra.Command, args []string) error { return runRehearse(c.Context(), &o, args) },
	}
	f := c.Flags()
	organizationFlags(f, &o.org)
	f.StringVar(&o.config, "config", "", "config `file` (default: the config of the sample, or the defaults)")
	f.StringSliceVar(&o.ack, "ack", nil, "override a guard for one user: `GUARD:USER` or GUARD:ACCOUNT/USER")
	o.AddFlags(c)
	return c
}

type rehearseOptions struct {
	command.Output
	config string
	org    string
	ack    []string
}

func runRehearse(ctx context.Context, o *rehearseOptions, args []string) error {
	acks, err := command.Acknowledgements(o.ack)
	if err != nil {
		return err
	}
	options := rehearse.Options{
		Acknowledge: acks, Now: o.Env.Now, Progress: o.ProgressLine().Show,
		Log: func(stage string) { o.Remark("%s", stage) },
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
	defer o.ProgressLine().Done()
	result, err := rehearse.Run(ctx, box, options)
	if err != nil {
		return err
	}
	if o.JSON() {
		err = view.JSON(o.Stdout(), result)
	} else {
		result.Next = "forcemfa audit"
		if o.org != "" && o.org != rehearse.Sample {
			result.Next = "forcemfa plan --out plan.json"
		}
		err = o.PrintData(func(w io.Writer) error {
			result.Text(w, o.Style())
			return nil
		})
	}
	if err != nil {
		return err
	}
	return command.Exit(command.If(!result.Passed(), command.StatusFound))
}
