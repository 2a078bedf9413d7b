package cli

import (
	"context"

	"github.com/spf13/cobra"

	"forcemfa/internal/audit"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/view"
)

func newAudit(e *command.Env) *cobra.Command {
	o := auditOptions{shared: shared{env: e}}
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
	o.failOn.add(c)
	c.Flags().BoolVar(&o.all, "all", false, "also show users for whom MFA is enforced")
	return c
}

type auditOptions struct {
	shared
	failOn failOn
	all    bool
}

func runAudit(ctx context.Context, o *auditOptions) error {
	if err := o.failOn.check(); err != nil {
		return err
	}
	s, err := o.openOrganization(ctx)
	if err != nil {
		return err
	}
	defer o.progress().Done()
	sink := o.sink(o.all)
	if err := s.Audit(ctx, sink); err != nil {
		return err
	}
	if err := sink.Close(s.Counts); err != nil {
		return err
	}
	return s.exit(o.failOn.status(s.Worst))
}

// sink is the output format that the user asked for.
func (s *shared) sink(all bool) view.AuditSink {
	if s.json() {
		return view.NewAuditJSON(s.stdout())
	}
	text := view.NewAuditText(s.stdout(), s.style())
	text.All = all
	return text
}

// failOn holds the flags that decide which findings change the exit status.
type failOn struct {
	severity string
	exitZero bool
}

func (f *failOn) add(c *cobra.Command) {
	c.Flags().StringVar(&f.severity, "fail-on", string(audit.Low), "exit with 3 for findings of this `severity` or worse: critical, high, medium, low, info")
	c.Flags().BoolVar(&f.exitZero, "exit-zero", false, "exit with 0 even if there are findings")
	_ = c.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions(severities, cobra.ShellCompDirectiveNoFileComp))
}

var severities = []string{string(audit.Critical), string(audit.High), string(audit.Medium), string(audit.Low), string(audit.Info)}

func (f *failOn) check() error { return command.OneOf("fail-on", f.severity, severities...) }

// status returns the exit status for the worst finding of a run.
func (f *failOn) status(worst audit.Severity) int {
	if !f.exitZero && worst != "" && view.Rank(worst) <= view.Rank(audit.Severity(f.severity)) {
		return command.StatusFound
	}
	return command.StatusOK
}
