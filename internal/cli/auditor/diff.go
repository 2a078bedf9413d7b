package auditor

import (
	"io"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/view"
)

// NewDiff returns the verb diff.
func NewDiff(e *command.Env) *cobra.Command {
	o := diffOptions{Output: command.Output{Env: e}}
	c := &cobra.Command{
		Use:   "diff EARLIER LATER",
		Short: "Show what changed between two saved runs",
		Long: `diff compares two runs of one organization that were saved with --save: which findings
are new, fixed, changed and still there, and whose state changed. Findings in accounts
that the later run did not read are reported as not read, never as fixed.
` + command.StatusHelp,
		Example: `  forcemfa diff monday.json friday.json
  forcemfa diff monday.json friday.json -o json | jq '.new[].id'`,
		Args:    cobra.ExactArgs(2),
		PreRunE: func(*cobra.Command, []string) error { return command.CheckOutput(o.Format) },
		RunE:    func(_ *cobra.Command, args []string) error { return runDiff(&o, args[0], args[1]) },
	}
	o.AddFlags(c)
	c.Flags().BoolVar(&o.all, "all", false, "show every difference")
	return c
}

type diffOptions struct {
	command.Output
	all bool
}

func runDiff(o *diffOptions, first, second string) error {
	later, err := openRun(second)
	if err != nil {
		return err
	}
	result, err := compared(first, later)
	if err != nil {
		return err
	}
	if later.Head.Time.Before(result.Earlier.Head.Time) {
		o.Remark("WARNING: %s is older than %s", second, first)
	}
	if o.JSON() {
		return view.JSON(o.Stdout(), result)
	}
	return o.PrintData(func(w io.Writer) error {
		view.Comparison(w, o.Style(), result, o.all)
		return nil
	})
}
