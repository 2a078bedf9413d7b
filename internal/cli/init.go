package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"forcemfa/internal/baseline"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/organization"
)

func newInit(e *command.Env) *cobra.Command {
	o := initOptions{Flags: organization.Flags{Output: command.Output{Env: e}}}
	c := &cobra.Command{
		Use:   "init",
		Short: "Write a first config file",
		Long: `init reads the organization and writes a first forcemfa.yaml: the defaults, and as
comments the decisions that are yours: users that look like service accounts, users
for emergencies, a first wave. It never overwrites a file. With --impact, recorded calls
decide who looks like a service account, where there are any.
` + command.StatusHelp,
		Example: `  forcemfa init
  forcemfa init -o - --sandbox
  forcemfa init --impact impact.json
  forcemfa init -o team.yaml --ou ou-ab12-11111111`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runInit(c.Context(), &o) },
	}
	o.Add(c)
	file := c.Flags().Lookup("output")
	file.Usage, file.DefValue = "write to this `file`; - for stdout", command.DefaultConfig
	o.Format = command.DefaultConfig
	c.Flags().StringVar(&o.impact, "impact", "", "a `file` of impact --save: recorded calls show who is a service account")
	c.PreRunE = func(c *cobra.Command, _ []string) error { return o.FromEnvironment(c) }
	return c
}

type initOptions struct {
	organization.Flags
	impact string
}

func runInit(ctx context.Context, o *initOptions) error {
	if o.Format != "-" {
		if _, err := os.Lstat(o.Format); err == nil {
			return o.taken()
		}
	}
	s, err := o.OpenSurvey(ctx)
	if err != nil {
		return err
	}
	recorded, err := readImpact(o.impact, s)
	if err != nil {
		return err
	}
	d := baseline.NewDraft(s.Header, o.Env.Now())
	if recorded != nil {
		d.Recorded = recorded.Program
	}
	for account, err := range s.Accounts() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		d.Add(account)
	}
	o.ProgressLine().Done()
	if err := o.write(d.Text()); err != nil {
		return err
	}
	s.PrintUnread(o.Stderr())
	return s.Exit()
}

// write creates the file and never overwrites one.
func (o *initOptions) write(text []byte) error {
	if o.Format == "-" {
		if _, err := o.Stdout().Write(text); err != nil {
			return fmt.Errorf("print the config: %w", err)
		}
		return nil
	}
	file, err := os.OpenFile(o.Format, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return o.taken()
	}
	if err != nil {
		return command.WithHint(command.FileError("write", err), "name a file in a directory that you may write to")
	}
	_, err = file.Write(text)
	if err := errors.Join(err, file.Close()); err != nil {
		return command.WithHint(command.FileError("write", err), "free disk space, delete the partial file and run it again")
	}
	plan := o.Flags
	if plan.Config = o.Format; plan.Config == command.DefaultConfig {
		plan.Config = ""
	}
	o.Remark("wrote %s; read it, then: %s", o.Format, plan.Next("plan"))
	return nil
}

func (o *initOptions) taken() error {
	return command.WithHint(fmt.Errorf("%s exists: nothing was written", o.Format), "name another file with -o, or - for stdout")
}
