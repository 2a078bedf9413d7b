package engineer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

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

exec removes variables that select other credentials (AWS_PROFILE, AWS_CONTAINER_*,
AWS_ROLE_ARN, web identities) and the secrets of forcemfa (FORCEMFA_*). It sets FORCEMFA
to the name of the profile. Where FORCEMFA is already set, exec requires --nested.

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
			return runExec(c.Context(), &o, argv)
		},
	}
	o.add(c)
	c.Flags().SetInterspersed(false)
	c.Flags().BoolVar(&o.nested, "nested", false, "run inside another exec")
	return c
}

type execOptions struct {
	sessionFlags
	nested bool
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
	if err := c.Flags().Parse(args[1:]); err != nil {
		return nil, err
	}
	return c.Flags().Args(), nil
}

func runExec(ctx context.Context, o *execOptions, argv []string) error {
	if inside := o.env.Getenv(session.Marker); inside != "" && !o.nested {
		return command.WithHint(fmt.Errorf("this shell already runs in exec %s", inside), "exit it first, or use --nested")
	}
	shell := len(argv) == 0
	if shell {
		argv = []string{ownShell(o.env.Getenv)}
	}
	// A command that is not there costs no code.
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return notRun(argv[0], err)
	}
	k, err := o.manager(ctx)
	if err != nil {
		return err
	}
	e, err := k.Session(ctx, o.request())
	if err != nil {
		return err
	}
	name := o.profileName()
	if shell {
		o.say("started a shell with the session of %s until %s (%s); type exit to leave it", name, e.Expires.Local().Format("Mon 15:04"), left(e.Expires.Sub(o.env.Now())))
	}
	return become(o.env, path, argv, childEnviron(o.env.ChildEnviron(), e, name))
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

// misleading are variables that lead AWS tools to other credentials than
// those of the session, or tell of others' end.
var misleading = []string{
	awsfile.KeyIDVariable, awsfile.SecretVariable, awsfile.TokenVariable, "AWS_SECURITY_TOKEN",
	"AWS_CREDENTIAL_EXPIRATION", "AWS_SESSION_EXPIRATION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE",
	"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", session.Marker,
}

// childEnviron is the environment for a child: without what would mislead it
// and without the secrets of forcemfa, with the session.
func childEnviron(environ []string, e *cache.Entry, profile string) []string {
	var out []string
	region := false
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if slices.ContainsFunc(misleading, func(m string) bool { return sameVariable(m, name) }) || ownVariable(name) {
			continue
		}
		region = region || value != "" && (sameVariable(name, "AWS_REGION") || sameVariable(name, "AWS_DEFAULT_REGION"))
		out = append(out, pair)
	}
	for _, v := range sessionVariables(e, !region) {
		out = append(out, v.name+"="+v.value)
	}
	return append(out, session.Marker+"="+profile)
}

// ownVariable says that a variable is one of forcemfa's own, some of which hold
// what opens the secret store.
func ownVariable(name string) bool {
	return strings.HasPrefix(strings.ToUpper(name), "FORCEMFA_")
}

func sameVariable(a, b string) bool {
	if runtime.GOOS == "windows" {
		return strings.EqualFold(a, b)
	}
	return a == b
}

type assignment struct{ name, value string }

// sessionVariables are a session as environment variables.
func sessionVariables(e *cache.Entry, region bool) []assignment {
	ends := e.Expires.UTC().Format(time.RFC3339)
	out := []assignment{
		{awsfile.KeyIDVariable, e.AccessKeyID},
		{awsfile.SecretVariable, e.SecretAccessKey},
		{awsfile.TokenVariable, e.SessionToken},
		{"AWS_CREDENTIAL_EXPIRATION", ends},
		{"AWS_SESSION_EXPIRATION", ends},
	}
	if region && e.Region != "" {
		out = append(out, assignment{"AWS_REGION", e.Region}, assignment{"AWS_DEFAULT_REGION", e.Region})
	}
	return out
}
