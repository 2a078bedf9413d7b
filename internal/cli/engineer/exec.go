package engineer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"runtime"

	"github.com/spf13/cobra"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/session"
	"forcemfa/internal/session/cache"
)

func newExec(e *machine) *cobra.Command {
	o := execOptions{sessionFlags: sessionFlags{env: e}}
	c := &cobra.Command{
		Use:   "exec [PROFILE] [--] [COMMAND [ARG…]]",
		Short: "Run a command with a profile's session",
		Long: `exec replaces itself with the command and sets the session of the profile in its
environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, the Region,
and the expiration in AWS_CREDENTIAL_EXPIRATION and AWS_SESSION_EXPIRATION. The command
receives signals directly. Without a command, exec starts a shell.

exec renews a session that expires within 15 minutes (--min-left). If nobody can enter a
code, it uses the session and says when it expires. With --min-left, it fails instead.

exec sets AWS_REGION and AWS_DEFAULT_REGION to the same Region: that of --region, of the
environment, or of the profile. It removes variables that select other credentials
(AWS_PROFILE, AWS_CONTAINER_*, AWS_ROLE_ARN, web identities) and the secrets of forcemfa
(FORCEMFA_SECRET_PASSPHRASE, FORCEMFA_CODE). The other settings of forcemfa stay.

It sets FORCEMFA to the name of the profile. Where FORCEMFA is already set, exec needs
a PROFILE and a COMMAND, or --nested.

EXIT STATUS
  the exit status of the command; 1 if there is no session, 127 if the command does not
  exist, 126 if it cannot be run`,
		Example: `  forcemfa exec bob -- aws s3 ls
  forcemfa exec prod -- terraform apply
  forcemfa exec bob`,
		RunE: func(c *cobra.Command, args []string) error {
			argv, err := o.parse(c, args)
			if err != nil {
				return err
			}
			o.exact = c.Flags().Changed("min-left")
			return runExec(c.Context(), &o, argv)
		},
	}
	o.add(c)
	o.addMinLeft(c)
	c.Flags().SetInterspersed(false)
	c.Flags().BoolVar(&o.nested, "nested", false, "run inside another exec")
	return c
}

type execOptions struct {
	sessionFlags
	nested bool
	// firstIsProfile: the profile is the first argument, without -- before it.
	firstIsProfile bool
}

// parse takes the profile off the command, and the flags that stand between
// them. What is behind the command's name is the command's.
func (o *execOptions) parse(c *cobra.Command, args []string) ([]string, error) {
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
	k, err := o.manager(ctx)
	if err != nil {
		return err
	}
	e, err := k.Session(ctx, o.request())
	if err != nil {
		return o.explainArguments(err)
	}
	if err := o.checkLeft(e); err != nil {
		return err
	}
	name := o.profileName()
	if shell {
		o.say("started a shell with the session of %s until %s (%s); type exit to leave it", name, e.Expires.Local().Format("Mon 15:04"), left(e.Expires.Sub(o.env.Now())))
	}
	return become(o.env, path, argv, childEnviron(o.env.ChildEnviron(), e, o.regionOf(e), name))
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
	if s.profile == "" && s.env.Getenv(awsfile.KeyIDVariable) != "" {
		return "environment"
	}
	return cache.PlaceOf(s.profile, s.env.Getenv).Profile
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
