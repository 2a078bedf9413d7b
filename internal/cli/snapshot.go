package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/organization"
	"forcemfa/internal/org"
)

func newSnapshot(e *command.Env) *cobra.Command {
	o := snapshotOptions{Flags: organization.Flags{Output: command.Output{Env: e}}}
	c := &cobra.Command{
		Use:   "snapshot",
		Short: "Save the organization to a file",
		Long: `snapshot reads every account and writes it as JSON Lines: a header, then one account
per line. A snapshot holds no secrets. Other commands work on it with --sandbox=FILE,
rehearse and emulate with --org FILE.
` + command.StatusHelp,
		Example: `  forcemfa snapshot --out snapshot.jsonl
  forcemfa snapshot --sandbox | head -1 | jq .organization
  forcemfa rehearse --org snapshot.jsonl`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runSnapshot(c.Context(), &o) },
	}
	o.Add(c)
	c.Flags().StringVar(&o.out, "out", "", "write to this `file` instead of stdout")
	_ = c.Flags().MarkHidden("output") // a snapshot has one form
	return c
}

type snapshotOptions struct {
	organization.Flags
	out string
}

func runSnapshot(ctx context.Context, o *snapshotOptions) error {
	s, err := o.OpenSurvey(ctx)
	if err != nil {
		return err
	}
	defer o.ProgressLine().Done()
	write := func(w io.Writer) error { return org.Write(w, *s.Header, s.Accounts()) }
	if o.out == "" {
		err = write(o.Stdout())
	} else {
		err = command.WriteStream(o.out, 0o600, write)
	}
	if err != nil {
		return err
	}
	s.PrintUnread(o.Stderr())
	if o.out != "" {
		o.Remark("saved to %s; read it with: forcemfa audit --sandbox=%s", o.out, organization.Quoted(o.out))
	}
	return s.Exit()
}
