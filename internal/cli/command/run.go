package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"forcemfa/internal/fleet"
	"forcemfa/internal/prose"
	"forcemfa/internal/view"
)

// Run executes the root command with the Env's arguments and streams, prints
// the error and its hint, and returns the exit status.
func Run(ctx context.Context, root *cobra.Command, e *Env) int {
	defer e.ReleaseTerminal()
	data := &checkedWriter{Writer: e.Stdout}
	e.Stdout = data
	root.SetIn(e.Stdin)
	root.SetOut(e.Stdout)
	root.SetErr(e.Stderr)
	root.SilenceUsage, root.SilenceErrors = true, true
	root.SetFlagErrorFunc(Misused)
	hintArguments(root)
	root.SetArgs(e.Args)
	err := exclusive(root.ExecuteContext(ctx))
	var end *Error
	switch {
	case data.err != nil && (err == nil || errors.As(err, &end) && end.Err == nil || data.caused(err)):
		end = &Error{Status: StatusFailed, Err: fmt.Errorf("write to stdout: %w", FileReason(data.err)), Hint: "the output is incomplete: free disk space, or keep the reader of the pipe open, and run it again"}
	case err == nil:
		return StatusOK
	default:
		end = ending(ctx, err)
	}
	if end.Err != nil {
		text, suggestions := suggested(prose.Message(fleet.Sentence(end.Err)))
		fmt.Fprintf(e.Stderr, "forcemfa: %s\n", view.Clean(text))
		for _, verb := range suggestions {
			fmt.Fprintf(e.Stderr, "did you mean: %s\n", view.Clean(verb))
		}
	}
	if end.Hint != "" {
		fmt.Fprintf(e.Stderr, "hint: %s\n", view.CleanLines(end.Hint))
	}
	return end.Status
}

// exclusive words the error of cobra about flags of which only one can be given; other
// errors stay.
func exclusive(err error) error {
	if err == nil {
		return nil
	}
	_, text, found := strings.Cut(err.Error(), " are set none of the others can be; [")
	list, _, whole := strings.Cut(text, "] were all set")
	if !found || !whole {
		return err
	}
	flags := strings.Fields(list)
	return WithHint(fmt.Errorf("--%s cannot be given together", strings.Join(flags, " and --")), "give only one of them")
}

// suggested splits the suggestions of cobra off an error about an unknown verb.
func suggested(text string) (first string, verbs []string) {
	first, list, found := strings.Cut(text, "\n\nDid you mean this?\n")
	if !found {
		return text, nil
	}
	return first, strings.Fields(list)
}

// A checkedWriter remembers the first error, so that text that could not be written is
// an error, whichever verb printed it.
type checkedWriter struct {
	io.Writer
	err error
}

func (c *checkedWriter) Write(text []byte) (int, error) {
	n, err := c.Writer.Write(text)
	if err != nil && c.err == nil {
		c.err = err
	}
	return n, err
}

// caused reports whether err is the error that is remembered, or the same of a later write.
func (c *checkedWriter) caused(err error) bool {
	var first, later *fs.PathError
	return errors.Is(err, c.err) || errors.As(c.err, &first) && errors.As(err, &later) && *first == *later
}

// ending is how a verb ends that returned an error: with the error's own status, or
// with that of the signal that stopped it.
func ending(ctx context.Context, err error) *Error {
	var signal *Interrupted
	stopped := errors.As(context.Cause(ctx), &signal)
	hint := "no change is half done: run it again"
	var end *Error
	if !errors.As(err, &end) {
		end = &Error{Status: StatusFailed, Err: err, Hint: HintFor(err)}
	} else if end.Hint != "" {
		hint = end.Hint
	}
	switch {
	case !stopped || end.Status != StatusFailed || end.Err == nil: // a child has its own status
		return end
	case errors.Is(err, context.Canceled):
		return &Error{Status: signal.Status(), Err: signal, Hint: hint}
	}
	return &Error{Status: signal.Status(), Err: fmt.Errorf("%w: %w", signal, end.Err), Hint: end.Hint}
}

// argumentError is the error of a wrong number of arguments, with the form of the
// command; other errors, and those of commands with verbs below, stay.
func argumentError(c *cobra.Command, args []string, err error) error {
	if err == nil || c.HasSubCommands() || !strings.Contains(err.Error(), "arg(s)") && !strings.HasPrefix(err.Error(), "unknown command") {
		return err
	}
	return fmt.Errorf("%s given: write %s", prose.Count(len(args), "argument"), strings.TrimSuffix(c.UseLine(), " [flags]"))
}

// hintArguments adds a hint to the error of too many or too few arguments, for
// a command and all below it.
func hintArguments(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			err := argumentError(c, args, check(c, args))
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
