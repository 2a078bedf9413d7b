package engineer

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/session"
	"forcemfa/internal/session/cache"
)

func newConsole(e *machine) *cobra.Command {
	o := consoleOptions{sessionFlags: sessionFlags{env: e, interactive: true}}
	c := &cobra.Command{
		Use:   "console [PROFILE]",
		Short: "Sign a browser in as a role, or print the link",
		Long: `console prints a link that signs a browser in to the AWS console with the role
session of a profile. Anyone with the link can sign in for 15 minutes.

With --open, console starts your browser (BROWSER, else that of the system) with a page
in a file that only you can read. The link is in no argument, because other users of this
machine could read it in the list of processes.

With --container, the link opens in a container of Firefox, so that several accounts are
open at the same time. That needs the extension "Open external links in a container", or
Granted's with --container-scheme ext+granted-containers.

A profile without a role has no such link: AWS does not accept sessions of
GetSessionToken there, and a federation token never carries MFA. Sign in with the
password instead.

EXIT STATUS
  0  the link is on stdout, or the browser was started
  1  there is no link; the hint is the next step`,
		Example: `  forcemfa console prod-admin
  forcemfa console prod-admin --open --logout
  forcemfa console prod-admin --open --container prod
  forcemfa console prod-admin --destination 'cloudwatch/home#logsV2:log-groups'
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
	f := c.Flags()
	f.StringVar(&o.service, "service", "", "console `page` to open, such as ec2 or s3")
	f.StringVar(&o.destination, "destination", "", "`page` to open: a URL of the AWS console, or a path")
	f.BoolVar(&o.open, "open", false, "start the browser instead of printing the link")
	f.BoolVar(&o.logout, "logout", false, "sign out of another session in the browser first")
	f.StringVar(&o.container, "container", "", "`name` of a Firefox container to open the link in")
	f.StringVar(&o.scheme, "container-scheme", containerSchemes[0], strings.Join(containerSchemes, " or "))
	c.MarkFlagsMutuallyExclusive("service", "destination")
	_ = c.RegisterFlagCompletionFunc("container-scheme", cobra.FixedCompletions(containerSchemes, cobra.ShellCompDirectiveNoFileComp))
	c.PreRunE = func(*cobra.Command, []string) error {
		if err := command.OneOf("container-scheme", o.scheme, containerSchemes...); err != nil {
			return err
		}
		return o.page(nil).Check()
	}
	return c
}

type consoleOptions struct {
	sessionFlags
	service, destination string
	open, logout         bool
	container, scheme    string
}

// page returns the page to open; without a session, its Region may be missing.
func (o *consoleOptions) page(e *cache.Entry) session.ConsolePage {
	p := session.ConsolePage{
		Service: o.service, Destination: o.destination, SignOut: o.logout, Endpoint: o.env.Getenv(command.SignInVariable),
	}
	if e != nil {
		p.Region = o.regionOf(e)
	}
	return p
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
	link, err := k.SignInURL(ctx, e, o.page(e))
	if err != nil {
		return err
	}
	if o.container != "" {
		link = containerLink(o.scheme, o.container, link)
	}
	if o.open {
		path, err := o.env.open(k.Cache, link, o.container != "")
		if err != nil {
			return err
		}
		o.say("the browser opens the console as %s; the link is in %s and expires in 15 minutes", e.ARN, path)
		return nil
	}
	_, err = fmt.Fprintln(o.env.Stdout, link)
	return err
}
