package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"forcemfa/internal/view"
)

// Run executes the root command with the Env's arguments and streams, prints
// the error and its hint, and returns the exit status.
func Run(ctx context.Context, root *cobra.Command, e *Env) int {
	root.SetIn(e.Stdin)
	root.SetOut(e.Stdout)
	root.SetErr(e.Stderr)
	root.SilenceUsage, root.SilenceErrors = true, true
	root.SetFlagErrorFunc(Misused)
	hintArguments(root)
	root.SetArgs(e.Args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return StatusOK
	}
	var end *Error
	if !errors.As(err, &end) {
		end = &Error{Status: StatusFailed, Err: err, Hint: HintFor(err)}
	}
	if end.Err != nil {
		fmt.Fprintf(e.Stderr, "forcemfa: %s\n", view.Clean(end.Err.Error()))
	}
	if end.Hint != "" {
		fmt.Fprintf(e.Stderr, "hint: %s\n", end.Hint)
	}
	return end.Status
}

// hintArguments adds a hint to the error of too many or too few arguments, for
// a command and all below it.
func hintArguments(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			err := check(c, args)
			switch sandbox := c.Flags().Lookup("sandbox"); {
			case err != nil && len(args) > 0 && sandbox != nil && sandbox.Changed && sandbox.Value.String() == sandbox.NoOptDefVal:
				return WithHint(err, "write a snapshot for the sandbox with an equals sign, --sandbox=FILE; see "+c.CommandPath()+" --help")
			case err != nil:
				return Misused(c, err)
			}
			return nil
		}
	}
	for _, verb := range c.Commands() {
		hintArguments(verb)
	}
}
