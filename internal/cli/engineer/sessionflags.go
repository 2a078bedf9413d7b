package engineer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/mfapreset"
	"forcemfa/internal/secret"
	"forcemfa/internal/session"
	"forcemfa/internal/session/cache"
	"forcemfa/internal/session/listing"
	"forcemfa/internal/view"
)

// sessionFlags are the flags of every verb that works with the session of a
// profile.
type sessionFlags struct {
	env *machine

	profile    string
	serial     string
	region     string
	duration   time.Duration
	codeStdin  bool
	mfaProcess string
	quiet      bool
	minLeft    time.Duration
	exact      bool // minLeft was given
	// interactive: without a profile, a person picks one even if there is a default profile.
	interactive bool
	noPicker    bool // AWS tools run it
}

func (s *sessionFlags) add(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&s.profile, "profile", "", "`profile` to use, instead of the argument")
	f.StringVar(&s.serial, "serial", "", "`serial` number or ARN of the MFA device (default: the device of the user)")
	f.StringVar(&s.region, "region", "", "`region` in which to call STS and to use the session")
	f.BoolVar(&s.codeStdin, "code-stdin", false, "read the MFA code from stdin")
	f.StringVar(&s.mfaProcess, "mfa-process", "", "`command` that prints the MFA code, such as \"pass otp aws/bob\", or a preset, such as preset:ykman")
	f.BoolVarP(&s.quiet, "quiet", "q", false, "print no remarks on stderr")
	c.MarkFlagsMutuallyExclusive("code-stdin", "mfa-process")
	_ = c.RegisterFlagCompletionFunc("profile", s.env.completeProfiles)
	c.ValidArgsFunction = s.env.completeProfiles
}

func (s *sessionFlags) addMinLeft(c *cobra.Command) {
	c.Flags().DurationVar(&s.minLeft, "min-left", cache.UsualMinLeft, "renew a session that expires in less than this `duration`")
}

// checkLeft reports a session that expires earlier than --min-left: as an error if
// the flag was given, else as a remark.
func (s *sessionFlags) checkLeft(e *cache.Entry) error {
	remains := e.Expires.Sub(s.env.Now())
	if remains >= s.minLeft || !s.exact && e.Lasts(s.env.Now(), s.minLeft) {
		return nil
	}
	next := `run "forcemfa login --force"`
	if !s.usesEnvironment() {
		next = fmt.Sprintf("run \"forcemfa login --force %s\"", awsfile.Argument(s.profileName()))
	}
	if s.exact {
		return command.WithHint(fmt.Errorf("the session of %s expires in %s, which is less than --min-left %s", s.profileName(), listing.Left(remains), s.minLeft),
			next+", or lower --min-left")
	}
	s.say("the session of %s expires in %s; to get a new one, %s", s.profileName(), listing.Left(remains), next)
	return nil
}

// completeProfiles offers the profiles of the AWS settings.
func (e *machine) completeProfiles(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	files, err := e.awsFiles()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return files.Profiles(), cobra.ShellCompDirectiveNoFileComp
}

// named takes the profile from the arguments.
func (s *sessionFlags) named(args []string) error {
	if len(args) == 0 {
		return nil
	}
	if s.profile != "" && s.profile != args[0] {
		return command.WithHint(fmt.Errorf("two profiles are given: %s and %s", args[0], s.profile), "leave --profile out")
	}
	s.profile = args[0]
	return nil
}

func (s *sessionFlags) request() session.Request {
	return session.Request{Profile: s.profile, Serial: s.serial, Region: s.region, Duration: s.duration, MinLeft: s.minLeft, Exact: s.exact}
}

// manager gives sessions to this process.
func (s *sessionFlags) manager(ctx context.Context) (*session.Manager, error) {
	e := s.env
	dir, err := cache.Default(e.Getenv)
	if err != nil {
		return nil, command.WithHint(err, "set HOME or XDG_CACHE_HOME")
	}
	if err := mfapreset.Check(s.mfaProcess); err != nil {
		return nil, command.WithHint(fmt.Errorf("--mfa-process: %w", err), "docs/sessions.md describes the presets")
	}
	if err := s.pickProfile(ctx, dir); err != nil {
		return nil, err
	}
	dir.Vault = session.Vaults(ctx, e.keyStore)
	k := &session.Manager{
		Cache: dir, Getenv: e.Getenv, Home: e.home(), Now: e.Now, KeyStore: e.markedStore,
		Codes: s.codes(), Say: s.talk,
	}
	if e.CanAsk() {
		k.Choose = e.Choose
	}
	return k, nil
}

// markedStore opens the secret store that a profile is marked with; nil if it is
// marked with none.
func (e *machine) markedStore(p awsfile.Profile) (secret.Store, error) {
	if p.Get(session.StoreSetting) == "" {
		return nil, nil
	}
	return e.keyStoreOf(p)
}

// codes is where the person said that codes come from: a flag, the
// environment, or the terminal.
func (s *sessionFlags) codes() session.CodeSource {
	switch e := s.env; {
	case s.codeStdin:
		return session.CodeSource{Code: e.codeLine(bufio.NewReader(e.Stdin))}
	case s.mfaProcess != "":
		codes := session.CommandCodes(s.mfaProcess, s.serial)
		if e.CanAsk() {
			codes.Otherwise = e.AskSecret
		}
		return codes
	case e.Getenv(secret.CodeVariable) != "":
		return session.CodeSource{Code: func(context.Context, string) (string, error) { return e.Getenv(secret.CodeVariable), nil }}
	case e.CanAsk():
		return session.CodeSource{Person: true, Default: true, Code: e.AskSecret}
	}
	return session.CodeSource{Default: true, Missing: s.env.WhyNoCode()}
}

// codeLine reads a code from stdin, a line each time.
func (e *machine) codeLine(in *bufio.Reader) func(context.Context, string) (string, error) {
	return func(context.Context, string) (string, error) {
		line, err := in.ReadString('\n')
		if strings.TrimSpace(line) == "" {
			if err == nil {
				err = errors.New("the line is empty")
			}
			return "", fmt.Errorf("read the code from stdin: %w", err)
		}
		return line, nil
	}
}

// say talks to the person on stderr.
func (s *sessionFlags) say(format string, a ...any) {
	if !s.quiet {
		fmt.Fprintf(s.env.Stderr, "forcemfa: %s\n", view.CleanLines(fmt.Sprintf(format, a...)))
	}
}

// talk says what belongs to a prompt: on stderr where it is a terminal, else on
// the terminal itself, because AWS tools keep the stderr of a credential
// process to themselves.
func (s *sessionFlags) talk(format string, a ...any) {
	if !s.env.StderrTerminal && s.env.CanAsk() {
		if in, out, err := command.OpenTerminal(); err == nil {
			defer in.Close()
			fmt.Fprintf(out, "forcemfa: %s\n", view.CleanLines(fmt.Sprintf(format, a...)))
			return
		}
	}
	s.say(format, a...)
}
