package engineer

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/secret"
	"forcemfa/internal/view"
)

func newDoctor(e *machine) *cobra.Command {
	d := doctor{env: e}
	c := &cobra.Command{
		Use:   "doctor [PROFILE]",
		Short: "What is wrong with this machine's setup, and the one next step",
		Long: `doctor reads ~/.aws/config, ~/.aws/credentials and the environment, then asks AWS with
the key of PROFILE whether the endpoint answers, the clock is right, the key works and
the user has an MFA device that gives codes. It changes nothing and shows no secret.

Findings are broken (something does not work), risk (it works, and is not as safe as
it could be) or unknown (it could not be checked).

EXIT STATUS
  0  all is well
  1  an error stopped it
  3  there are findings`,
		Example:           "  forcemfa doctor\n  forcemfa doctor alice -o json\n  forcemfa doctor --offline",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: e.completeProfiles,
		RunE:              func(c *cobra.Command, args []string) error { return runDoctor(c.Context(), &d, args) },
	}
	f := c.Flags()
	f.BoolVar(&d.offline, "offline", false, "look at files only: ask neither AWS nor the secret store")
	f.StringVar(&d.region, "region", "", "`region` in which AWS is called")
	f.StringVarP(&d.output, "output", "o", "text", "text or json")
	c.PreRunE = func(*cobra.Command, []string) error { return command.CheckOutput(d.output) }
	return c
}

// A doctor is one examination. Checks add findings; what a check finds out for
// those after it is kept here too.
type doctor struct {
	env            *machine
	offline        bool
	region, output string

	files   *awsfile.Files
	profile string // whose key is tried; empty when there is none
	keys    secret.Keys

	findings []diagnosis
}

// How bad a diagnosis is.
const (
	levelBroken  = "broken"
	levelUnknown = "unknown"
	levelRisk    = "risk"
)

// A diagnosis is one thing that is wrong, and what mends it.
type diagnosis struct {
	Check string `json:"check"`
	Level string `json:"level"`
	Where string `json:"where,omitempty"` // file:line, a profile or an endpoint
	What  string `json:"what"`
	Next  string `json:"next"`
}

// examination is what --output json prints.
type examination struct {
	Profile  string      `json:"profile,omitempty"`
	Findings []diagnosis `json:"findings"`
	Next     string      `json:"next,omitempty"`
}

func (d *doctor) add(check, level, where, what, next string) {
	d.findings = append(d.findings, diagnosis{check, level, where, what, next})
}

func runDoctor(ctx context.Context, d *doctor, args []string) error {
	d.readFiles()
	d.checkModes()
	d.checkText()
	d.choose(args)
	d.checkProfiles()
	d.checkEnvironment()
	if !d.offline {
		if d.findKey(ctx); d.profile != "" {
			d.checkAWS(ctx)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return d.report()
}

// report prints what does not work before what could be better; the first is the
// one next step.
func (d *doctor) report() error {
	order := []string{levelBroken, levelUnknown, levelRisk}
	slices.SortStableFunc(d.findings, func(a, b diagnosis) int {
		return slices.Index(order, a.Level) - slices.Index(order, b.Level)
	})
	r := examination{Profile: d.profile, Findings: append([]diagnosis{}, d.findings...)}
	if len(d.findings) > 0 {
		r.Next = d.findings[0].Next
	}
	status := command.StatusOK
	if len(d.findings) > 0 {
		status = command.StatusFound
	}
	if d.output == "json" {
		if err := view.JSON(d.env.Stdout, r); err != nil {
			return err
		}
		return command.Exit(status)
	}
	for _, f := range r.Findings {
		where := ""
		if f.Where != "" {
			where = view.Clean(f.Where) + ": "
		}
		fmt.Fprintf(d.env.Stdout, "%-8s %s%s\n         %s\n", f.Level, where, view.Clean(f.What), view.Clean(f.Next))
	}
	if len(r.Findings) == 0 {
		fmt.Fprintln(d.env.Stdout, "all is well")
	} else {
		fmt.Fprintf(d.env.Stdout, "next: %s\n", view.Clean(r.Next))
	}
	return command.Exit(status)
}
