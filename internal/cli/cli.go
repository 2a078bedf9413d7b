// Package cli is the command line: one file a verb, each with its command,
// its options, its run and its help.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"forcemfa/internal/secret"
	"forcemfa/internal/view"
)

// An Env is the world outside of the program: everything that a verb may ask
// of its process, so that tests run verbs in their own.
type Env struct {
	Args           []string // without the program's name
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Now            func() time.Time
	// StdoutTerminal and StderrTerminal say whether a person reads them.
	StdoutTerminal, StderrTerminal bool
	// Columns is how wide the terminal on stdout is; 0: not known, or none.
	Columns int
	// Ask puts a question to the person at the terminal, whatever stdin is.
	// It fails where there is none.
	Ask func(ctx context.Context, question string) (string, error)
	// AskSecret asks for what must not be seen: nothing typed is shown.
	AskSecret func(ctx context.Context, question string) (string, error)
	// HasTerminal says whether there is one to ask on; nil: where AskSecret is.
	HasTerminal func() bool
	// Environ is the whole environment, for child processes; nil: os.Environ.
	Environ func() []string
	// StateDir is where journals rest; made when first needed.
	StateDir string

	// stores are the secret stores that were opened, by backend: one that was
	// opened with a passphrase does not ask for it again.
	stores map[string]secret.Store
}

// The exit statuses. When several hold, the order is failed, guarded,
// incomplete, found, changes.
const (
	statusOK         = 0
	statusFailed     = 1 // an error stopped the verb
	statusChanges    = 2 // the plan has changes, asked for with --detailed-exitcode
	statusFound      = 3 // findings at or above --fail-on
	statusIncomplete = 4 // something was unreadable, blocked, stale or partly applied
	statusGuarded    = 5 // a guard stopped everything
)

const statusHelp = `
EXIT STATUS
  0  nothing to report
  1  an error stopped it
  2  the plan has changes (only with --detailed-exitcode)
  3  findings at or above --fail-on
  4  incomplete: something was unreadable, blocked, stale or partly applied
  5  a guard stopped everything`

// worst is the status that wins when several hold.
func worst(statuses ...int) int {
	for _, s := range []int{statusFailed, statusGuarded, statusIncomplete, statusFound, statusChanges} {
		for _, have := range statuses {
			if have == s {
				return s
			}
		}
	}
	return statusOK
}

// An exitError ends a verb with a status; err is nil when everything was said
// already.
type exitError struct {
	status int
	err    error
	hint   string
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// exit is nil for status 0.
func exit(status int) error {
	if status == statusOK {
		return nil
	}
	return &exitError{status: status}
}

// hinted adds the next step to an error.
func hinted(err error, hint string) error {
	return &exitError{status: statusFailed, err: err, hint: hint}
}

// Main runs the program and returns its exit status.
func Main(ctx context.Context, e *Env) int {
	root := newRoot(e)
	root.SetArgs(e.Args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return statusOK
	}
	var end *exitError
	if !errors.As(err, &end) {
		end = &exitError{status: statusFailed, err: err, hint: hintFor(err)}
	}
	if end.err != nil {
		fmt.Fprintf(e.Stderr, "forcemfa: %s\n", view.Clean(end.err.Error()))
	}
	if end.hint != "" {
		fmt.Fprintf(e.Stderr, "hint: %s\n", end.hint)
	}
	return end.status
}

func newRoot(e *Env) *cobra.Command {
	root := &cobra.Command{
		Use:   "forcemfa",
		Short: "Put every IAM user of an AWS organization behind MFA, prove it, keep it so",
		Long: `forcemfa puts every IAM user of an AWS organization behind MFA and proves it.

The administrator runs audit, plan, apply and verify. Nothing is changed but by
apply. rehearse does the whole job on an AWS in memory and touches nothing real:
start there.`,
		Example: `  forcemfa rehearse
  forcemfa audit --profile management
  forcemfa plan --out plan.json && forcemfa apply plan.json
  forcemfa verify`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
	}
	root.SetIn(e.Stdin)
	root.SetOut(e.Stdout)
	root.SetErr(e.Stderr)
	root.AddGroup(
		&cobra.Group{ID: "try", Title: "Try it:"},
		&cobra.Group{ID: "enforce", Title: "Enforce:"},
		&cobra.Group{ID: "day", Title: "The engineer's day:"},
		&cobra.Group{ID: "other", Title: "Other:"})
	for group, verbs := range map[string][]*cobra.Command{
		"try":     {newRehearse(e), newEmulate(e)},
		"enforce": {newAudit(e), newPlan(e), newApply(e), newRollback(e), newAccess(e), newMigrate(e), newDeploy(e), newVerify(e), newExplain(e), newLint(e), newSnapshot(e), newNotify(e), newInit(e), newSchema(e)},
		"day":     {newImport(e), newConfigure(e), newDoctor(e), newLogin(e), newCredentialProcess(e), newExec(e), newExport(e), newSessions(e), newShellInit(e), newConsole(e), newRotate(e), newEnroll(e)},
		"other":   {newVersion(e)},
	} {
		for _, verb := range verbs {
			verb.GroupID = group
			root.AddCommand(verb)
		}
	}
	root.SetHelpCommandGroupID("other")
	root.SetCompletionCommandGroupID("other")
	root.SetFlagErrorFunc(misused)
	root.InitDefaultCompletionCmd()
	explainArguments(root)
	refuseUnknownShells(root)
	return root
}

// misused is an error of a command line, whose next step is the verb's help.
func misused(c *cobra.Command, err error) error {
	return hinted(err, "see "+c.CommandPath()+" --help")
}

// explainArguments gives the same step to arguments that are too many or too few.
func explainArguments(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			err := check(c, args)
			switch sandbox := c.Flags().Lookup("sandbox"); {
			case err != nil && len(args) > 0 && sandbox != nil && sandbox.Changed && sandbox.Value.String() == sampleOrganization:
				return hinted(err, "a snapshot for the sandbox stands after an equals sign, --sandbox=FILE; see "+c.CommandPath()+" --help")
			case err != nil:
				return misused(c, err)
			}
			return nil
		}
	}
	for _, verb := range c.Commands() {
		explainArguments(verb)
	}
}

// refuseUnknownShells makes an error of a shell that there is no completion for,
// where cobra prints help.
func refuseUnknownShells(root *cobra.Command) {
	for _, c := range root.Commands() {
		if c.Name() != "completion" {
			continue
		}
		c.Args = func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return misused(c, fmt.Errorf("completion for %q: there is bash, zsh, fish and powershell", args[0]))
			}
			return nil
		}
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	}
}

// checkOutput checks the value of --output.
func checkOutput(output string) error {
	if output != "text" && output != "json" {
		return fmt.Errorf("--output %q: want text or json", output)
	}
	return nil
}

// fileError makes an error of the operating system name the file once.
func fileError(what string, err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("%s %s: %w", what, path.Path, path.Err)
	}
	return fmt.Errorf("%s: %w", what, err)
}
