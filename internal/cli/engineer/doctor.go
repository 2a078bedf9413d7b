package engineer

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/doctor"
	"forcemfa/internal/view"
)

func newDoctor(e *machine) *cobra.Command {
	o := doctorOptions{env: e}
	c := &cobra.Command{
		Use:   "doctor [PROFILE]",
		Short: "Check this machine's AWS setup and print the next step",
		Long: `doctor checks ~/.aws/config, ~/.aws/credentials and the environment. It then calls
AWS with the key of PROFILE to check that the endpoint answers, the clock is right, the
key works and the user has an MFA device with codes. It changes nothing and prints no
secret.

A finding is broken (something does not work), risk (it works, but less securely than
it could) or unknown (it could not be checked).

EXIT STATUS
  0  no findings
  1  an error stopped it
  3  there are findings`,
		Example: `  forcemfa doctor
  forcemfa doctor alice -o json
  forcemfa doctor --offline`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: e.completeProfiles,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.Profile = args[0]
			}
			return runDoctor(c.Context(), &o)
		},
	}
	f := c.Flags()
	f.BoolVar(&o.Offline, "offline", false, "check files only; call neither AWS nor the secret store")
	f.StringVar(&o.Region, "region", "", "`region` in which to call AWS")
	f.StringVarP(&o.output, "output", "o", "text", "text or json")
	c.PreRunE = func(*cobra.Command, []string) error { return command.CheckOutput(o.output) }
	return c
}

type doctorOptions struct {
	env *machine
	doctor.Options
	output string
}

func runDoctor(ctx context.Context, o *doctorOptions) error {
	report := doctor.Examine(ctx, doctor.Machine{
		Getenv: o.env.Getenv, Home: o.env.home(), Now: o.env.Now, Store: o.env.keyStoreOf,
	}, o.Options)
	if err := ctx.Err(); err != nil {
		return err
	}
	status := command.StatusOK
	if len(report.Findings) > 0 {
		status = command.StatusFound
	}
	if o.output == "json" {
		if err := view.JSON(o.env.Stdout, report); err != nil {
			return err
		}
		return command.Exit(status)
	}
	printReport(o.env.Stdout, &report)
	return command.Exit(status)
}

func printReport(w io.Writer, r *doctor.Report) {
	for _, f := range r.Findings {
		where := ""
		if f.Where != "" {
			where = view.Clean(f.Where) + ": "
		}
		fmt.Fprintf(w, "%-8s %s%s\n         %s\n", f.Level, where, view.Clean(f.What), view.Clean(f.Next))
	}
	if len(r.Findings) == 0 {
		fmt.Fprintln(w, "no problems found")
		return
	}
	fmt.Fprintf(w, "next: %s\n", view.Clean(r.Next))
}
