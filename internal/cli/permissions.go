package cli

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/spf13/cobra"

	"forcemfa/internal/baseline"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/deploy"
	"forcemfa/policy/arn"
)

func newPermissions(e *command.Env) *cobra.Command {
	o := permissionsOptions{env: e}
	c := &cobra.Command{
		Use:   "permissions",
		Short: "Print the IAM policy that a task needs",
		Long: `permissions prints the identity policy that permits a task and no more, for a role that
you create yourself. It reads nothing from AWS.

Tasks: audit and apply (in every account), management (list the accounts and assume the
role in each), scp (management, and write service control policies), deploy (stacks,
StackSets and their resources), lambda, notifier and central (the roles of the
functions).
` + command.StatusHelp,
		Example: `  forcemfa permissions --for audit
  forcemfa permissions --for apply --account 111122223333 >apply.json
  forcemfa permissions --for lambda --config forcemfa.yaml`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return o.run() },
	}
	c.Flags().StringVar(&o.task, "for", "audit", "audit, apply, management, scp, deploy, lambda, notifier or central")
	c.Flags().StringVar(&o.account, "account", "*", "`ID` of the account of the resources, or * for every account")
	c.Flags().StringVar(&o.partition, "partition", "aws", "partition of the accounts")
	c.Flags().StringVar(&o.config, "config", "", "config `file` (default forcemfa.yaml)")
	_ = c.RegisterFlagCompletionFunc("for", cobra.FixedCompletions(deploy.Tasks, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("partition", cobra.FixedCompletions(arn.PartitionIDs(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

type permissionsOptions struct {
	env                              *command.Env
	task, account, partition, config string
}

var accountOrAny = regexp.MustCompile(`^(\*|[0-9]{12})$`)

func (o *permissionsOptions) run() error {
	err := errors.Join(command.OneOf("for", o.task, deploy.Tasks...), command.OneOf("partition", o.partition, arn.PartitionIDs()...))
	if !accountOrAny.MatchString(o.account) {
		err = errors.Join(err, fmt.Errorf("--account %q is not an account ID of 12 digits, or *", o.account))
	}
	if err != nil {
		return err
	}
	b, err := o.env.Baseline(command.ConfigFile(o.config), func() (*baseline.Baseline, error) { return baseline.Default(), nil })
	if err != nil {
		return err
	}
	text, err := deploy.Permissions(o.task, b, deploy.Place{Partition: o.partition, Account: o.account, Region: arn.HomeRegion(o.partition)})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(o.env.Stdout, text)
	return err
}
