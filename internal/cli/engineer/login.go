package engineer

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/session"
	"forcemfa/internal/session/cache"
	"forcemfa/internal/session/listing"
)

func newLogin(e *machine) *cobra.Command {
	o := loginOptions{sessionFlags: sessionFlags{env: e, interactive: true}}
	c := &cobra.Command{
		Use:   "login [PROFILE]",
		Short: "Start an MFA session with one code",
		Long: `login starts the MFA session of the user of a profile: it calls GetSessionToken with one
code. All profiles with roles of the same user then work without a code in exec, export
and credential-process until the session expires (12 hours).

login renews a session of which less than a quarter is left, and --force renews any.
It finds key, Region and MFA device before it prompts for the code, and reports
a missing one. Without PROFILE it takes AWS_PROFILE, else shows a list of the profiles
on a terminal, else takes default. The code comes from the terminal, --code-stdin,
--mfa-process, FORCEMFA_CODE, or the profile's mfa_process. login never sends a code twice.

Security keys and passkeys show no codes, and STS does not support them. Enroll
an authenticator app as well, or add --browser.

--browser is for profiles without an access key, also new ones: you sign in to the AWS
console with any MFA device, and login keeps the session of AWS Sign-In. It lasts 15
minutes, and exec, export and credential-process renew it without you until AWS ends the
sign-in after 12 hours. Your user needs signin:AuthorizeOAuth2Access and
signin:CreateOAuth2Token, as in the AWS managed policy SignInLocalDevelopmentAccess. AWS
does not document whether requests with these credentials count as made with MFA.

EXIT STATUS
  0  there is a session
  1  there is no session; the hint is the next step`,
		Example: `  forcemfa login bob
  forcemfa login prod-admin            # a role of the same user: no second code
  forcemfa login bob --duration 36h --force
  pass otp aws/bob | forcemfa login bob --code-stdin
  forcemfa login bob --browser         # without an access key`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.named(args); err != nil {
				return err
			}
			if o.browser {
				return runBrowserLogin(c.Context(), &o)
			}
			return runLogin(c.Context(), &o)
		},
	}
	o.add(c)
	c.Flags().DurationVar(&o.duration, "duration", 0, "`duration` of a new MFA session, 15m to 36h (default 12h)")
	c.Flags().BoolVarP(&o.force, "force", "f", false, "start a new session even if there is one")
	c.Flags().BoolVar(&o.browser, "browser", false, "sign in with a browser, for a profile without an access key")
	c.Flags().IntVar(&o.port, "port", 0, "with --browser, the loopback `port` to which the browser comes back (default: a free one)")
	c.Flags().BoolVar(&o.noOpen, "no-open", false, "with --browser, print the address and start no browser")
	c.Flags().DurationVar(&o.wait, "wait", 10*time.Minute, "with --browser, how long to wait for you")
	for _, other := range []string{"code-stdin", "mfa-process", "serial", "duration", "force"} {
		c.MarkFlagsMutuallyExclusive("browser", other)
	}
	c.Flags().StringVarP(&o.output, "output", "o", "text", "text or json")
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		if err := o.checkBrowser(c.Flags().Changed); err != nil {
			return err
		}
		return command.CheckOutput(o.output)
	}
	return c
}

type loginOptions struct {
	sessionFlags
	force     bool
	browser   bool
	port      int
	noOpen    bool
	wait      time.Duration
	output    string
	continues bool // setup goes on: there is no next command
}

func runLogin(ctx context.Context, o *loginOptions) error {
	k, err := o.manager(ctx)
	if err != nil {
		return err
	}
	req := o.request()
	req.Fresh, req.Renew = o.force, true
	k.Resolved = func(r *session.Route) error {
		for _, remark := range r.Remarks() {
			o.say("%s", remark)
		}
		return nil
	}
	e, err := k.Session(ctx, req)
	if err != nil {
		return err
	}
	return o.print(e)
}

func (o *loginOptions) print(e *cache.Entry) error {
	if o.output == "json" {
		return listing.JSON(o.env.Stdout, listing.Of(*e, o.env.Now()))
	}
	what := "MFA session"
	switch {
	case e.Kind == cache.SignInSession:
		what = "signed in as " + listing.Of(*e, o.env.Now()).Label() + ", session"
	case e.Kind != cache.MFASession:
		what = "session of " + e.ARN
	}
	o.say("%s: %s until %s (%s)", e.Profile, what, e.Expires.Local().Format("Mon 15:04"), listing.Left(e.Expires.Sub(o.env.Now())))
	if o.env.StderrTerminal && !o.continues {
		o.say("next: %s", o.nextCommand(e.Profile))
	}
	return nil
}

// nextCommand is a command that uses the session of a profile: AWS tools find it
// themselves where the profile is set up for them.
func (o *loginOptions) nextCommand(profile string) string {
	const call = "aws sts get-caller-identity"
	if files, err := o.env.awsFiles(); err == nil {
		p, err := files.Profile(profile)
		_, own := awsfile.HelperProfile(p.Get("credential_process"))
		if err == nil && (own || p.Get("role_arn") != "") {
			return call + " --profile " + awsfile.Word(profile)
		}
	}
	return "forcemfa exec " + awsfile.Argument(profile) + " -- " + call
}
