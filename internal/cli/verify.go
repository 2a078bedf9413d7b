package cli

import (
	"context"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/organization"
	"forcemfa/internal/cli/stream"
	"forcemfa/internal/simulator"
	"forcemfa/internal/view"
)

func newVerify(e *command.Env) *cobra.Command {
	o := verifyOptions{Flags: organization.Flags{Output: command.Output{Env: e}}}
	c := &cobra.Command{
		Use:   "verify",
		Short: "Prove that no user can act without MFA",
		Long: `verify reads every account and proves for each user that every request without MFA
is refused, or shows a request that is not. It exits with 3 if MFA is not enforced for
a user, also when something was not read, and whatever the other findings of audit. An independent checker reads the proof
certificate of each user and does not rely on the prover; a user whose proof it rejects
is unknown.

--aws also runs some requests without MFA through AWS's policy simulator, for each
enforced user (iam:SimulatePrincipalPolicy, one call per user).
` + command.StatusHelp,
		Example: `  forcemfa verify
  forcemfa verify --aws --accounts 111122223333
  forcemfa verify -o json | jq .summary
  forcemfa verify --sandbox`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runVerify(c.Context(), &o) },
	}
	o.Add(c)
	o.results.AddSave(c)
	o.results.AddFormats(c, &o.Output)
	c.Flags().BoolVar(&o.exitZero, "exit-zero", false, command.ExitZeroUsage)
	c.Flags().BoolVar(&o.all, "all", false, "show every user")
	c.Flags().BoolVar(&o.aws, "aws", false, "also ask AWS's policy simulator (SimulatePrincipalPolicy)")
	return c
}

type verifyOptions struct {
	organization.Flags
	aws      bool
	exitZero bool
	all      bool
	results  stream.Flags
}

func runVerify(ctx context.Context, o *verifyOptions) error {
	results, err := o.results.Open(&o.Output)
	if err != nil {
		return err
	}
	defer results.Discard()
	t, err := o.Open(ctx)
	if err != nil {
		return err
	}
	t.CheckProofs = true
	s, err := t.Survey(ctx)
	if err != nil {
		return err
	}
	defer o.ProgressLine().Done()
	s.Begin(ctx, results)
	open := 0
	var opinions []simulator.Opinion
	err = o.PrintData(func(w io.Writer) (err error) {
		sink, err := results.Sink(w, s.RunHead(), auditText(&o.Output, o.all, ""))
		if err != nil {
			return err
		}
		sink.Wrap(func(out view.AuditSink) view.AuditSink { return view.Enforcement{AuditSink: out} })
		proofs := &view.Proofs{Sink: sink}
		if err := s.Audit(ctx, proofs); err != nil {
			return err
		}
		if o.aws {
			show := func(done, total int) { o.ProgressLine().Show("users simulated:", done, total) }
			if opinions, err = simulator.Ask(ctx, t.Fleet, proofs.Enforced, show); err != nil {
				return err
			}
		}
		open = s.Totals.Open + allowed(opinions)
		sink.Verified(proofs.Verification(o.viewed(opinions)))
		return sink.Close(s.Conclusion(open))
	})
	if err == nil {
		err = results.Commit()
	}
	if err != nil {
		return err
	}
	return s.ExitZero(o.exitZero, command.If(open > 0, command.StatusFound), simulated(opinions))
}

// allowed counts the users that AWS's policy simulator allows something without MFA.
func allowed(opinions []simulator.Opinion) (n int) {
	for _, p := range opinions {
		if len(p.Allowed) > 0 {
			n++
		}
	}
	return n
}

// viewed returns the opinions in the form that is printed; nil without --aws.
func (o *verifyOptions) viewed(opinions []simulator.Opinion) []view.Opinion {
	if !o.aws {
		return nil
	}
	out := []view.Opinion{}
	for _, p := range opinions {
		v := view.Opinion{ARN: p.ARN, Allowed: append([]string{}, p.Allowed...)}
		if p.Err != nil {
			v.Error = p.Err.Error()
		}
		out = append(out, v)
	}
	return out
}

// simulated returns the status for users that could not be simulated.
func simulated(opinions []simulator.Opinion) int {
	if slices.ContainsFunc(opinions, func(p simulator.Opinion) bool { return p.Err != nil }) {
		return command.StatusIncomplete
	}
	return command.StatusOK
}
