package cli

import (
	"context"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/view"
)

func newAudit(e *command.Env) *cobra.Command {
	o := auditOptions{shared: shared{Output: command.Output{Env: e}}}
	c := &cobra.Command{
		Use:   "audit",
		Short: "Show which users can act without MFA",
		Long: `audit reads every account and decides for each IAM user whether a request without
MFA can succeed. For an open user it shows an example request. It changes nothing.

States: enforced (the Denies in force refuse every request without MFA
except the enrollment set), exempt, open, unknown (could not be decided).
` + command.StatusHelp,
		Example: `  forcemfa audit
  forcemfa audit --accounts 111122223333,444455556666 --fail-on high
  forcemfa audit -o json | jq '.accounts[].user_states[] | select(.state=="open")'
  forcemfa audit --sandbox`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runAudit(c.Context(), &o) },
	}
	o.add(c)
	o.failOn.AddFlags(c)
	c.Flags().BoolVar(&o.all, "all", false, "also show users for whom MFA is enforced")
	return c
}

type auditOptions struct {
	shared
	failOn command.FailOn
	all    bool
}

func runAudit(ctx context.Context, o *auditOptions) error {
	if err := o.failOn.Check(); err != nil {
		return err
	}
	s, err := o.openOrganization(ctx)
	if err != nil {
		return err
	}
	defer o.ProgressLine().Done()
	sink := o.sink(o.all)
	if err := s.Audit(ctx, sink); err != nil {
		return err
	}
	if err := sink.Close(s.Counts); err != nil {
		return err
	}
	return s.exit(o.failOn.Status(s.Worst))
}

// sink is the output format that the user asked for.
func (s *shared) sink(all bool) view.AuditSink {
	if s.JSON() {
		return view.NewAuditJSON(s.Stdout())
	}
	text := view.NewAuditText(s.Stdout(), s.Style())
	text.All = all
	return text
}
