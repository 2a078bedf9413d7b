package engineer

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/session"
)

func newConsole(e *machine) *cobra.Command {
	o := consoleOptions{sessionFlags: sessionFlags{env: e}}
	c := &cobra.Command{
		Use:   "console [PROFILE]",
		Short: "Print a link that signs a browser in as a role",
		Long: `console prints a link that signs a browser in to the AWS console with the role
session of a profile. Anyone with the link can sign in for 15 minutes.
console does not start a browser, because other users of this machine could read the
link in the list of processes.

A profile without a role has no such link: AWS does not accept sessions of
GetSessionToken there, and a federation token never carries MFA. Sign in with the
password instead.

EXIT STATUS
  0  the link is on stdout
  1  there is no link; the hint is the next step`,
		Example: `  forcemfa console prod-admin
  forcemfa console prod-admin --service ec2 --region eu-west-1 | pbcopy`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.named(args); err != nil {
				return err
			}
			return runConsole(c.Context(), &o)
		},
	}
	o.add(c)
	c.Flags().StringVar(&o.service, "service", "", "console `page` to open, such as ec2 or s3")
	return c
}

type consoleOptions struct {
	sessionFlags
	service string
}

func runConsole(ctx context.Context, o *consoleOptions) error {
	k, err := o.manager(ctx)
	if err != nil {
		return err
	}
	e, err := k.Session(ctx, o.request())
	if err != nil {
		return err
	}
	page := session.ConsolePage{Service: o.service, Region: o.regionOf(e), Endpoint: o.env.Getenv(command.SignInVariable)}
	link, err := k.SignInURL(ctx, e, page)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(o.env.Stdout, link)
	return err
}
