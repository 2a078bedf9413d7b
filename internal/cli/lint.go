package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/offline"
	"forcemfa/internal/cli/organization"
	"forcemfa/internal/org"
	"forcemfa/internal/view"
)

// newLint is the verb lint, with the flags that say which organization --live reads.
func newLint(e *command.Env) *cobra.Command {
	o := organization.Flags{Output: command.Output{Env: e}}
	c := offline.NewLint(e, func(ctx context.Context) (string, bool, error) { return readSnapshot(ctx, &o) })
	target := &cobra.Command{}
	o.Add(target)
	target.Flags().VisitAll(func(f *pflag.Flag) {
		if c.Flags().Lookup(f.Name) == nil {
			c.Flags().AddFlag(f)
		}
	})
	c.PreRunE = target.PreRunE
	return c
}

// readSnapshot reads the organization as a snapshot.
func readSnapshot(ctx context.Context, s *organization.Flags) (text string, complete bool, err error) {
	o, err := s.OpenSurvey(ctx)
	if err != nil {
		return "", false, err
	}
	defer s.ProgressLine().Done()
	var b strings.Builder
	if err := org.Write(&b, *o.Header, o.Accounts()); err != nil {
		return "", false, err
	}
	view.Unread(s.Stderr(), s.Style(), o.Unread)
	return b.String(), len(o.Unread) == 0, nil
}
