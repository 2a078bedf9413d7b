package engineer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/session"
	"forcemfa/internal/session/cache"
	"forcemfa/internal/session/environ"
	"forcemfa/internal/session/listing"
)

func newExec(e *machine) *cobra.Command {
	o := execOptions{sessionFlags: sessionFlags{env: e}}
	o.renew = renewal{sessionFlags: &o.sessionFlags, setting: true}
	c := &cobra.Command{
		Use:        "exec [PROFILE] [--] [COMMAND [ARG…]]",
		SuggestFor: []string{"assume", "run"},
		Short:      "Run a command with a profile's session",
		Long: `exec replaces itself with the command and sets the session of the profile in its
environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, the Region,
and the expiration in AWS_CREDENTIAL_EXPIRATION and AWS_SESSION_EXPIRATION. The command
receives signals directly. Without a command, exec starts a shell.

exec renews a session that expires within 15 minutes (--min-left). If nobody can enter a
code, it uses the session and says when it expires. With --min-left, it fails instead.

exec sets AWS_REGION and AWS_DEFAULT_REGION to the same Region: that of --region, of the
environment, or of the profile. It removes variables that select other credentials
(AWS_PROFILE, AWS_CONTAINER_*, AWS_ROLE_ARN, web identities) and the secrets of forcemfa
(FORCEMFA_SECRET_PASSPHRASE, FORCEMFA_CODE, FORCEMFA_SIGNING_PASSWORD). The other
settings of forcemfa stay.

With --renew, exec sets AWS_PROFILE and the Region instead of the session. AWS tools then
run the credential_process of the profile and renew the session themselves, so that a
command can outlast it. "forcemfa configure" writes such profiles. To make it the
default of a profile, set forcemfa_exec = profile in ~/.aws/config.

With --role-arn, exec assumes a role that is in no profile, from the session of the
profile of --source. --duration sets how long the session lasts: that of the role, from
15 minutes to 12 hours (more than an hour needs a code of its own), or a new MFA session.

With --all-profiles, exec runs the command once for each profile of an access key and of
its roles, or those that --match selects. It gets all sessions before it starts the first
command, and writes the name of the profile before each line. Profiles that get their
credentials in another way are skipped.

With FORCEMFA_NOTICE=title (or desktop), the title of the terminal (or a notification)
says ten minutes before the end that the session is about to end. title:30m says it
earlier. "forcemfa use" does the same.

It sets FORCEMFA to the name of the profile. Where FORCEMFA is already set, exec needs
a PROFILE and a COMMAND, or --nested.

EXIT STATUS
  the exit status of the command, with --all-profiles the highest; 1 if there is no
  session, 127 if the command does not exist, 126 if it cannot be run`,
		Example: `  forcemfa exec bob -- aws s3 ls
  forcemfa exec prod --renew -- terraform apply
  forcemfa exec --role-arn arn:aws:iam::111122223333:role/Audit --source bob -- aws s3 ls
  forcemfa exec --all-profiles --match 'prod-*' -- aws sts get-caller-identity
  forcemfa exec bob`,
		RunE: func(c *cobra.Command, args []string) error {
			argv, err := o.parse(c, args)
			if err != nil {
				return err
			}
			if err := o.checkMany(c); err != nil {
				return err
			}
			o.exact, o.renew.given = c.Flags().Changed("min-left"), c.Flags().Changed("renew")
			if o.all {
				return runAll(c.Context(), &o, argv)
			}
			return runExec(c.Context(), &o, argv)
		},
	}
	o.add(c)
	o.addMinLeft(c)
	o.renew.add(c)
	f := c.Flags()
	f.SetInterspersed(false)
	f.BoolVar(&o.nested, "nested", false, "run inside another exec")
	f.StringVar(&o.roleARN, "role-arn", "", "`ARN` of a role to assume, which needs no profile")
	f.StringVar(&o.source, "source", "", "with --role-arn: `profile` from whose session to assume the role")
	f.DurationVar(&o.ownDuration, "duration", 0, "`duration` of the session (default: that of the profile)")
	o.addMany(c)
	for _, other := range []string{"role-arn", "duration"} {
		c.MarkFlagsMutuallyExclusive("renew", other)
	}
	c.MarkFlagsMutuallyExclusive("source", "profile")
	_ = c.RegisterFlagCompletionFunc("source", e.completeProfiles)
	return c
}

type execOptions struct {
	sessionFlags
	renew    renewal
	nested   bool
	roleARN  string
	source   string
	all      bool // profiles
	match    string
	parallel int

	ownDuration time.Duration
	// firstIsProfile: the profile is the first argument, without -- before it.
	firstIsProfile bool
}

// parse takes the profile off the command, and the flags that stand between
// them. What is behind the command's name is the command's.
func (o *execOptions) parse(c *cobra.Command, args []string) ([]string, error) {
	if o.source != "" || o.all {
		if c.ArgsLenAtDash() != 0 && len(args) > 1 && args[1] == "--" {
			return nil, command.WithHint(fmt.Errorf("%s is before --, and the profile is given by --source or --all-profiles", args[0]), "leave it out")
		}
		o.profile = o.source
		return args, nil
	}
	if c.ArgsLenAtDash() == 0 || len(args) == 0 {
		return args, nil
	}
	if err := o.named(args[:1]); err != nil {
		return nil, err
	}
	o.firstIsProfile = true
	if err := c.Flags().Parse(args[1:]); err != nil {
		return nil, err
	}
	return c.Flags().Args(), nil
}

func (o *execOptions) request() session.Request {
	req := o.sessionFlags.request()
	req.RoleARN, req.OwnDuration = o.roleARN, o.ownDuration
	return req
}

func runExec(ctx context.Context, o *execOptions, argv []string) error {
	shell := len(argv) == 0
	if inside := o.env.Getenv(session.Marker); inside != "" && !o.nested && (shell || o.profile == "") {
		return command.WithHint(fmt.Errorf("this shell already has the session of %s", inside),
			`name the profile and a command ("forcemfa exec PROFILE -- COMMAND"), leave the session first (exit or "forcemfa unuse"), or use --nested`)
	}
	if shell {
		argv = []string{ownShell(o.env.Getenv)}
	}
	// A command that is not there costs no code.
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return o.explainArguments(notRun(argv[0], err))
	}
	notice, err := o.env.notice()
	if err != nil {
		return err
	}
	k, err := o.manager(ctx)
	if err != nil {
		return err
	}
	e, variables, err := o.session(ctx, k)
	if err != nil {
		return err
	}
	name := o.profileName()
	if shell {
		o.say("started a shell with the session of %s until %s (%s); type exit to leave it", name, e.Expires.Local().Format("Mon 15:04"), listing.Left(e.Expires.Sub(o.env.Now())))
	}
	if err := o.env.remind(notice, name, o.renew.end(e), os.Getpid()); err != nil {
		return err
	}
	return become(o.env, path, argv, environ.Child(o.env.ChildEnviron(), variables, o.markerOf(name)))
}

// session returns the session for the command, and its variables.
func (o *execOptions) session(ctx context.Context, k *session.Manager) (*cache.Entry, []environ.Assignment, error) {
	if err := o.renew.check(k); err != nil {
		return nil, nil, o.explainArguments(err)
	}
	e, err := k.Session(ctx, o.request())
	if err != nil {
		return nil, nil, o.explainArguments(err)
	}
	if err := o.checkLeft(e); err != nil {
		return nil, nil, err
	}
	variables, err := o.renew.variables(e)
	return e, variables, err
}

// explainArguments replaces an error where the first argument is a command and no
// profile: "exec aws s3 ls" lacks "--".
func (o *execOptions) explainArguments(err error) error {
	files, unread := o.env.awsFiles()
	if !o.firstIsProfile || unread != nil || files.Has(o.profile) {
		return err
	}
	if _, absent := exec.LookPath(o.profile); absent != nil {
		return err
	}
	return command.WithHint(fmt.Errorf("no profile %s: exec takes the first argument for the profile, unless -- is before it", o.profile),
		fmt.Sprintf(`put -- before the command: "forcemfa exec -- %s …" or "forcemfa exec PROFILE -- %s …"`, awsfile.Word(o.profile), awsfile.Word(o.profile)))
}

func notRun(name string, err error) error {
	status := 127
	if errors.Is(err, fs.ErrPermission) {
		status = 126
	}
	return &command.Error{Status: status, Err: fmt.Errorf("run %s: %w", name, err), Hint: "check the name of the command and PATH"}
}

// profileName is what a session goes by.
func (s *sessionFlags) profileName() string {
	if s.usesEnvironment() {
		return "environment"
	}
	return cache.PlaceOf(s.profile, s.env.Getenv).Profile
}

// usesEnvironment reports whether the key comes from the environment.
func (s *sessionFlags) usesEnvironment() bool {
	return s.profile == "" && s.env.Getenv(awsfile.KeyIDVariable) != ""
}

func ownShell(env func(string) string) string {
	if runtime.GOOS == "windows" {
		if shell := env("COMSPEC"); shell != "" {
			return shell
		}
		return "cmd.exe"
	}
	if shell := env("SHELL"); shell != "" {
		return shell
	}
	return "/bin/sh"
}
