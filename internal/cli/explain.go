package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"forcemfa/internal/audit"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/organization"
	"forcemfa/internal/view"
	"forcemfa/policy/arn"
)

func newExplain(e *command.Env) *cobra.Command {
	o := explainOptions{Flags: organization.Flags{Output: command.Output{Env: e}}}
	c := &cobra.Command{
		Use:   "explain USER",
		Short: "Explain the state of a user: policies, example request, remedy",
		Long: `explain shows the state of one user, given by name, ACCOUNT/name or ARN, and the
reasons: an example request that succeeds without MFA with the statement that allows
it, when its access keys were last used and what stops working, every policy document
that decides its requests, the findings, and the steps that would fix them. It changes
nothing.
` + command.StatusHelp,
		Example: `  forcemfa explain bob
  forcemfa explain 111122223333/bob -o json
  forcemfa explain --sandbox pavel`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return runExplain(c.Context(), &o, args[0]) },
	}
	o.Add(c)
	c.Flags().BoolVar(&o.exitZero, "exit-zero", false, command.ExitZeroUsage)
	return c
}

type explainOptions struct {
	organization.Flags
	exitZero bool
}

func runExplain(ctx context.Context, o *explainOptions, who string) error {
	name := who
	if a, err := arn.Parse(who); err == nil {
		o.Accounts, name = []string{a.Account}, a.Name()
	} else if account, user, found := strings.Cut(who, "/"); found && arn.IsAccountID(account) {
		o.Accounts, name = []string{account}, user
	}
	s, err := o.OpenSurvey(ctx)
	if err != nil {
		return err
	}
	defer o.ProgressLine().Done()
	users, err := s.Explain(ctx, name)
	if err != nil {
		return err
	}
	if len(users) == 0 {
		return s.NoSuchUser(who)
	}
	if o.JSON() {
		err = view.JSON(o.Stdout(), users)
		s.PrintUnread(o.Stderr())
	} else {
		for i := range users {
			if i > 0 {
				fmt.Fprintln(o.Stdout())
			}
			users[i].Text(o.Stdout(), o.Style())
		}
		s.PrintUnread(o.Stdout())
	}
	open := slices.ContainsFunc(users, func(u view.Explanation) bool { return u.State == audit.Open })
	return errors.Join(err, s.ExitZero(o.exitZero, command.If(open, command.StatusFound)))
}
