package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/org"
	"forcemfa/internal/view"
)

func newSnapshot(e *command.Env) *cobra.Command {
	o := snapshotOptions{shared: shared{env: e}}
	c := &cobra.Command{
		Use:   "snapshot",
		Short: "Save what was seen",
		Long: `snapshot reads every account and writes what it saw as JSON Lines: a header, then
one account a line. It holds no secret. Other verbs work on it with
--sandbox=FILE, rehearse and emulate with --org FILE.
` + command.StatusHelp,
		Example: `  forcemfa snapshot --out snapshot.jsonl
  forcemfa snapshot --sandbox | head -1 | jq .organization
  forcemfa rehearse --org snapshot.jsonl`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runSnapshot(c.Context(), &o) },
	}
	o.add(c)
	c.Flags().StringVar(&o.out, "out", "", "the `file` to write, instead of stdout")
	_ = c.Flags().MarkHidden("output") // a snapshot has one form
	return c
}

type snapshotOptions struct {
	shared
	out string
}

func runSnapshot(ctx context.Context, o *snapshotOptions) error {
	s, err := o.openSurvey(ctx)
	if err != nil {
		return err
	}
	write := func(w io.Writer) error { return org.Write(w, *s.header, s.watched()) }
	if o.out == "" {
		err = write(o.env.Stdout)
	} else {
		err = command.WriteStream(o.out, 0o600, write)
	}
	s.progress.Done()
	if err != nil {
		return err
	}
	view.Gaps(o.env.Stderr, o.style(), s.gaps)
	return s.exit()
}

// watched is the stream, with what was read and its gaps noted as it passes.
func (s *survey) watched() org.Accounts {
	return func(yield func(*org.Account, error) bool) {
		for account, err := range s.accounts {
			if account != nil {
				s.note(account)
			}
			if !yield(account, err) {
				return
			}
		}
	}
}
