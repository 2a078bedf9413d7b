package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/organization"
	"forcemfa/internal/cli/stream"
	"forcemfa/internal/notify"
	"forcemfa/internal/view"
)

func newAudit(e *command.Env) *cobra.Command {
	o := auditOptions{Flags: organization.Flags{Output: command.Output{Env: e}}}
	c := &cobra.Command{
		Use:   "audit",
		Short: "Show which users can act without MFA",
		Long: `audit reads every account and decides for each IAM user whether a request without
MFA can succeed. For an open user it shows an example request. It changes nothing.

It prints a summary, the 20 worst findings and the number of findings by rule. --all
prints every user and finding, account by account; --group-by groups the findings.

States: enforced (the Denies in force refuse every request without MFA
except the enrollment set), exempt, open, unknown (could not be decided).
` + command.StatusHelp,
		Example: `  forcemfa audit
  forcemfa audit --group-by rule
  forcemfa audit --accounts 111122223333,444455556666 --fail-on high
  forcemfa audit --save run.json -o text -o csv=users.csv -o sarif=audit.sarif
  forcemfa audit -o json | jq '.accounts[].user_states[] | select(.state=="open")'
  forcemfa audit --sandbox`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runAudit(c.Context(), &o) },
	}
	o.Add(c)
	o.results.AddSave(c)
	o.results.AddFormats(c, &o.Output)
	o.failOn.AddFlags(c)
	c.Flags().BoolVar(&o.notify, "notify", false, "send the findings of high severity to the channels of the config")
	c.Flags().BoolVar(&o.Loopback, "loopback", false, "allow channels on this machine without TLS, for tests")
	_ = c.Flags().MarkHidden("loopback")
	c.Flags().BoolVar(&o.all, "all", false, "show every user and finding")
	c.Flags().StringVar(&o.groupBy, "group-by", "", "group the findings by account, rule or user")
	_ = c.RegisterFlagCompletionFunc("group-by", cobra.FixedCompletions(groupings, cobra.ShellCompDirectiveNoFileComp))
	return c
}

type auditOptions struct {
	notify bool // send the findings to the channels
	organization.Flags
	failOn  command.FailOn
	all     bool
	groupBy string
	results stream.Flags
}

var groupings = []string{view.ByAccount, view.ByRule, view.ByUser}

func runAudit(ctx context.Context, o *auditOptions) error {
	if err := o.failOn.Check(); err != nil {
		return err
	}
	if o.groupBy != "" {
		if err := command.OneOf("group-by", o.groupBy, groupings...); err != nil {
			return err
		}
	}
	results, err := o.results.Open(&o.Output)
	if err != nil {
		return err
	}
	defer results.Discard()
	s, err := o.OpenSurvey(ctx)
	if err != nil {
		return err
	}
	defer o.ProgressLine().Done()
	s.Begin(ctx, results)
	found, status := 0, command.StatusOK
	var messages []notify.Message
	err = o.PrintData(func(w io.Writer) error {
		out, err := results.Sink(w, s.RunHead(), auditText(&o.Output, o.all, o.groupBy))
		if err != nil {
			return err
		}
		sink := &noticeSink{AuditSink: out}
		defer func() { messages = sink.messages }()
		if err := s.Audit(ctx, sink); err != nil {
			return err
		}
		found, status = o.failOn.Of(s.Totals)
		return sink.Close(s.Conclusion(found))
	})
	if err == nil {
		err = results.Commit()
	}
	if err != nil {
		return err
	}
	if o.notify {
		o.notifyAudit(ctx, s, messages)
	}
	return s.ExitZero(o.failOn.ExitZero, status)
}

// auditText makes the format for people.
func auditText(s *command.Output, all bool, groupBy string) func(io.Writer) view.AuditSink {
	return func(w io.Writer) view.AuditSink {
		text := view.NewAuditText(w, s.Style())
		text.All, text.GroupBy = all, groupBy
		return text
	}
}
