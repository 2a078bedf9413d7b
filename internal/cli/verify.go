package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"forcemfa/internal/audit"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/view"
)

func newVerify(e *command.Env) *cobra.Command {
	o := verifyOptions{shared: shared{env: e}}
	c := &cobra.Command{
		Use:   "verify",
		Short: "Prove it",
		Long: `verify reads every account and shows for each user that every request without MFA
is refused, or names one that is not. It exits with 3 when a user is open, whatever
else audit would say. Every proof comes with a certificate, which a checker of its
own reads that believes nothing of the prover; a user whose proof it refuses is
unknown.

--aws also asks AWS, for every enforced user, what its policy simulator makes of
some telling requests without MFA (iam:SimulatePrincipalPolicy, one call a user).
` + command.StatusHelp,
		Example: `  forcemfa verify
  forcemfa verify --aws --accounts 111122223333
  forcemfa verify -o json | jq .summary
  forcemfa verify --sandbox`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runVerify(c.Context(), &o) },
	}
	o.add(c)
	c.Flags().BoolVar(&o.exitZero, "exit-zero", false, "open users do not change the exit status")
	c.Flags().BoolVar(&o.aws, "aws", false, "ask SimulatePrincipalPolicy as a second opinion")
	return c
}

type verifyOptions struct {
	shared
	aws      bool
	exitZero bool
}

func runVerify(ctx context.Context, o *verifyOptions) error {
	s, err := o.openSurvey(ctx)
	if err != nil {
		return err
	}
	s.checkProofs = true
	v := &verdicts{AuditSink: o.sink(true)}
	if err := s.audit(ctx, v); err != nil {
		return err
	}
	var second []opinion
	if o.aws {
		if second, err = s.askAWS(ctx, v.enforced); err != nil {
			return err
		}
	}
	if err := v.close(o, s, second); err != nil {
		return err
	}
	open := s.counts.Open > 0 || slices.ContainsFunc(second, opinion.differs)
	return s.exit(found(open && !o.exitZero), failedOpinion(second))
}

func found(is bool) int {
	if is {
		return command.StatusFound
	}
	return command.StatusOK
}

// verdicts passes on the users and leaves out the findings: verify speaks of
// nothing but enforcement.
type verdicts struct {
	view.AuditSink
	enforced    []audit.User
	every       int // users whose proof is about every action that AWS could have
	assumptions []string
}

// Finding leaves a finding out.
func (v *verdicts) Finding(audit.Finding) {}

// User passes a user on.
func (v *verdicts) User(u audit.User) {
	if u.State == audit.Enforced {
		v.enforced = append(v.enforced, u)
	}
	if u.Proof == audit.EveryAction {
		v.every++
	}
	for _, a := range u.Assumptions {
		if !slices.Contains(v.assumptions, a) {
			v.assumptions = append(v.assumptions, a)
		}
	}
	v.AuditSink.User(u)
}

func (v *verdicts) close(o *verifyOptions, s *survey, second []opinion) error {
	if object, ok := v.AuditSink.(*view.AuditJSON); ok {
		object.More = map[string]any{"assumptions": append([]string{}, v.assumptions...), "certificates": map[string]int{"accepted": len(v.enforced), "every_action": v.every}}
		if o.aws {
			object.More["second_opinion"] = told(second)
		}
		return v.Close(s.counts)
	}
	if err := v.Close(s.counts); err != nil {
		return err
	}
	w := o.env.Stdout
	slices.Sort(v.assumptions)
	for _, a := range v.assumptions {
		fmt.Fprintf(w, "assumed: %s\n", view.Clean(a))
	}
	if n := len(v.enforced); n > 0 {
		fmt.Fprintf(w, "certificates: the checker accepts the proofs of %s; %d are about every action that AWS could have, %d about those of the catalogue\n",
			view.Count(n, "user"), v.every, n-v.every)
	}
	for _, op := range second {
		switch {
		case op.differs():
			fmt.Fprintf(w, "AWS's simulator allows %s without MFA: %v\n", op.user.ARN, op.allowed)
		case op.err != nil:
			fmt.Fprintf(w, "AWS's simulator could not be asked about %s: %s\n", op.user.ARN, view.Clean(op.err.Error()))
		}
	}
	if o.aws {
		fmt.Fprintf(w, "second opinion: AWS's simulator was asked about %s\n", view.Count(len(second), "user"))
	}
	switch {
	case s.counts.Open > 0:
		fmt.Fprintf(w, "Not proved: %s can act without MFA.\n", view.Count(s.counts.Open, "user"))
	case s.counts.Unknown > 0:
		fmt.Fprintf(w, "Proved for %s; %d could not be decided.\n", view.Count(s.counts.Enforced, "user"), s.counts.Unknown)
	default:
		fmt.Fprintf(w, "Proved: no IAM user that is not exempt can do anything without MFA but get it (%s, %d exempt).\n", view.Count(s.counts.Enforced, "user"), s.counts.Exempt)
	}
	return nil
}
