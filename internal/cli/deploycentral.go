package cli

import (
	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
)

func newDeployCentral(e *command.Env) *cobra.Command {
	c := &cobra.Command{
		Use:   "central",
		Short: "Deploy one Lambda that enters every account, instead of one in each",
		Long: `deploy central deploys one function for the whole organization, instead of one in each
account. The function, in the account that runs the command (the management account, or a delegated
administrator of StackSets), assumes a role in every account on a schedule and enforces
MFA there. Each account gets the policy, the group and that role, which cannot write a
policy document.

It reacts on its schedule only: there are no events. Up to some thousands of accounts
one function is enough; with --form map a Step Functions Distributed Map divides the
accounts among many. docs/scale.md says which to take and what it costs.

Print the templates with deploy template: central, central-map and central-member.
` + command.StatusHelp,
		Example: `  forcemfa deploy central plan
  forcemfa deploy central apply --mode enforce
  forcemfa deploy central apply --form map`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	plan, apply := newDeployPlan(e, true), newDeployApply(e, true)
	plan.Short, apply.Short = "Show what would be deployed with one central Lambda", "Deploy the central Lambda, or remove it"
	plan.Long = `deploy central plan shows what deploy central apply would do: the stack of the function,
the stack set of the roles, and the resources that change. It changes nothing.

A parameter that is not given keeps its deployed value.
` + command.StatusHelp
	plan.Example = `  forcemfa deploy central plan
  forcemfa deploy central plan --form map --parameter Workers=20 --detailed-exitcode`
	apply.Long = `deploy central apply creates the bucket, uploads the package, and creates or updates the
stack of the function and the stacks of the accounts. It shows the plan, and asks once
for the management account's alias (or ID).

--remove deletes the stacks and the stack set. The policy and the group stay, so
that users stay enforced until forcemfa apply --remove. The bucket stays, too.
` + command.StatusHelp
	apply.Example = `  forcemfa deploy central apply
  forcemfa deploy central apply --mode enforce
  forcemfa deploy central apply --form map --parameter Workers=20
  forcemfa deploy central apply --remove`
	c.AddCommand(plan, apply)
	return c
}
