package cli

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/organization"
	"forcemfa/internal/deploy"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/survey"
	"forcemfa/internal/view"
)

// newDeployApply is deploy apply or, with one function for all accounts, deploy central
// apply.
func newDeployApply(e *command.Env, central bool) *cobra.Command {
	o := deployApplyOptions{deployOptions: deployOptions{Flags: organization.Flags{Output: command.Output{Env: e}}, central: central}}
	c := &cobra.Command{
		Use:   "apply",
		Short: "Deploy the Lambda, or remove it",
		Long: `deploy apply creates the bucket, uploads the package, and creates or updates the
stacks and the stack set. It shows the plan, asks once for the management account's
alias (or ID), and reports each account when CloudFormation has finished it. A
failed account is reported with the reason, and the exit status is 4; correct the
cause and run it again. A policy that somebody edited gets a new version, which is
journaled as in forcemfa apply.

--revert-drift first restores the rules, functions, roles and alarms that somebody
changed or deleted, with a drift-aware change set of each of these stacks: deploy
plan names them. Without it they stay as they are, because CloudFormation compares a
template with the previous one, not with the account.

--remove deletes the stacks and the stack set. The policy and the group stay, so
that users stay enforced until forcemfa apply --remove. The bucket stays, too.
` + command.StatusHelp,
		Example: `  forcemfa deploy apply
  forcemfa deploy apply --mode enforce
  forcemfa deploy apply --ou Workloads --sign-in-regions us-east-2,eu-north-1
  forcemfa deploy apply --revert-drift
  forcemfa deploy apply --remove`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runDeployApply(c.Context(), &o) },
	}
	o.add(c)
	c.Flags().BoolVar(&o.yes, "yes", false, "skip the confirmation; guards still apply")
	c.Flags().BoolVar(&o.revert, "revert-drift", false, "restore deployed resources that somebody changed or deleted")
	c.Flags().BoolVar(&o.remove, "remove", false, "delete stacks and stack set; users stay enforced")
	c.MarkFlagsMutuallyExclusive("revert-drift", "remove")
	return c
}

type deployApplyOptions struct {
	deployOptions
	yes, revert bool
}

// A deployment is what became of a deploy apply, as -o json prints it.
type deployment struct {
	Outcomes []deploy.Outcome `json:"outcomes"`
	Repairs  *applied         `json:"repairs,omitempty"` // of policies that somebody edited
	Unread   []org.Gap        `json:"unread"`
}

func runDeployApply(ctx context.Context, o *deployApplyOptions) error {
	site, t, err := o.deployment(ctx)
	if err != nil {
		return err
	}
	if needed, err := o.preview(ctx, site); err != nil {
		return err
	} else if !needed {
		return o.end(&deployment{Outcomes: []deploy.Outcome{}, Unread: site.Gaps()})
	}
	home, alias, err := t.Home(ctx)
	if err != nil {
		return err
	}
	if err := o.Confirm(ctx, o.yes, home, alias); err != nil {
		return err
	}
	r := &deployment{Outcomes: []deploy.Outcome{}}
	if err := o.change(ctx, site, r); err != nil {
		return err
	}
	r.Unread = site.Gaps()
	if drifted := site.Drifted(); !o.remove && len(drifted) > 0 {
		if err := o.repair(ctx, drifted, home, r); err != nil {
			return err
		}
	}
	return o.end(r)
}

// preview shows the plan, and reports whether there is anything to do.
func (o *deployApplyOptions) preview(ctx context.Context, site *deploy.Deployment) (needed bool, err error) {
	if o.remove {
		for _, note := range site.Notes() {
			o.Remark("note: %s", view.Clean(note))
		}
		return true, nil
	}
	p, err := site.Plan(ctx)
	if err != nil {
		return false, err
	}
	if !o.JSON() {
		err = p.Text(o.Stderr(), view.Style{})
	}
	return p.Changes() > 0 || o.revert && p.Restorable() > 0, err
}

// change makes the changes, or removes what was deployed.
func (o *deployApplyOptions) change(ctx context.Context, site *deploy.Deployment, r *deployment) error {
	report := o.teller(r)
	if o.remove {
		return site.Remove(ctx, report)
	}
	if o.revert {
		if err := site.Revert(ctx, report); err != nil {
			return err
		}
	}
	return site.Apply(ctx, report)
}

// teller keeps each outcome and says it as it comes.
func (o *deployApplyOptions) teller(r *deployment) func(deploy.Outcome) {
	var one sync.Mutex
	return func(out deploy.Outcome) {
		one.Lock()
		defer one.Unlock()
		r.Outcomes = append(r.Outcomes, out)
		if !o.JSON() {
			o.Remark("%s", sentence(&out))
		}
	}
}

func sentence(out *deploy.Outcome) string {
	text := fmt.Sprintf("%s: %s %s in %s %s", out.Status, out.Kind, view.Clean(out.Name), out.Account, out.Region)
	if out.Why != "" {
		text += ": " + view.Clean(out.Why)
	}
	return text
}

// repair gives policies that somebody edited the wanted text again: the steps of
// a plan of those accounts that concern the policy, under the plan's guards.
func (o *deployApplyOptions) repair(ctx context.Context, accounts []string, home string, r *deployment) error {
	own := *o
	own.Accounts, own.Units, own.NotAccounts = accounts, nil, nil
	s, err := own.OpenSurvey(ctx)
	if err != nil {
		return err
	}
	whole, err := s.Plan(ctx, survey.PlanOptions{})
	if err != nil {
		return err
	}
	r.Unread = append(r.Unread, s.Unread...)
	r.Repairs = newApplied(s)
	r.Repairs.home = home
	return r.Repairs.run(ctx, s, policySteps(whole), &applyOptions{Flags: own.Flags})
}

// policySteps are the steps that mend policies, and those that they need.
func policySteps(p *plan.Plan) []plan.Step {
	var needed []string
	for _, s := range slices.Backward(p.Steps) {
		if s.Op == plan.UpdatePolicy || slices.Contains(needed, s.ID) {
			needed = append(append(needed, s.ID), s.Needs...)
		}
	}
	return slices.DeleteFunc(slices.Clone(p.Steps), func(s plan.Step) bool { return !slices.Contains(needed, s.ID) })
}

// end prints what became of everything and gives the status.
func (o *deployApplyOptions) end(r *deployment) error {
	status := command.StatusOK
	failed := 0
	for i := range r.Outcomes {
		if s := r.Outcomes[i].Status; s == deploy.Failed || s == deploy.Skipped {
			failed++
		}
	}
	if failed > 0 || len(r.Unread) > 0 || r.Repairs != nil && r.Repairs.status() != command.StatusOK {
		status = command.StatusIncomplete
	}
	if o.JSON() {
		if err := view.JSON(o.Stdout(), r); err != nil {
			return err
		}
		return command.Exit(status)
	}
	return o.print(r, failed, status)
}

func (o *deployApplyOptions) print(r *deployment, failed, status int) error {
	w := o.Stdout()
	for i := range r.Outcomes {
		if s := r.Outcomes[i].Status; s == deploy.Failed || s == deploy.Skipped {
			fmt.Fprintln(w, sentence(&r.Outcomes[i]))
		}
	}
	if r.Repairs != nil && r.Repairs.Run != "" {
		unreached(w, o.Style(), r.Repairs.Outcomes)
		sumUp(w, o.Style(), r.Repairs.Run, r.Repairs.Journal, &r.Repairs.result)
	}
	view.Unread(w, o.Style(), r.Unread)
	switch {
	case len(r.Outcomes) == 0:
		fmt.Fprintln(w, "Nothing to do.")
	case o.remove:
		fmt.Fprintf(w, "Removed, %d failed. Users stay enforced: the policy and the group stay until forcemfa apply --remove.\n", failed)
	default:
		fmt.Fprintf(w, "Deployed: %s, %d failed.\n", view.Count(len(r.Outcomes)-failed, "part"), failed)
	}
	return command.Exit(status)
}
