package engineer

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/secret"
	"forcemfa/internal/session/cache"
)

// aboutAWSLogin explains the way without a key. It promises nothing about MFA: AWS does
// not document whether requests with these credentials count as made with MFA.
// Source: AWS Sign-In User Guide, "Sign in through the AWS CLI"; managed policy
// SignInLocalDevelopmentAccess.
const aboutAWSLogin = `"aws login" of the AWS CLI signs you in with a browser, as in the console, with any MFA
device: security keys and passkeys too. The AWS CLI and current SDKs then get
credentials that they renew themselves for up to 12 hours.

It fits you if you have a password for the console and a browser, and if the tools that you
use know the setting login_session (boto3 needs botocore[crt]). Use setup without
--aws-login for tools that don't know it, and for machines without a browser.

No access key is stored on this machine. The tokens of the sign-in are in plain text
in ~/.aws/login/cache. Your user needs signin:AuthorizeOAuth2Access and
signin:CreateOAuth2Token, as in the AWS managed policy SignInLocalDevelopmentAccess.

AWS does not document whether requests with these credentials count as made with MFA. If a
role or policy requires MFA, the command at the end shows whether it accepts them.
`

func runAWSLogin(ctx context.Context, o *setupOptions) error {
	if err := o.env.WhyNotAsk(); err != nil && !o.dryRun {
		return command.WithHint(err, `setup is a conversation: run it in a terminal, or run "aws login" yourself`)
	}
	if o.profile == "" {
		o.profile = cache.PlaceOf("", o.env.Getenv).Profile
	}
	s := &conversation{setupOptions: o}
	var err error
	if s.files, err = o.env.awsFiles(); err != nil {
		return err
	}
	if err := s.checkSignIn(); err != nil {
		return err
	}
	program, err := findAWSLogin(ctx)
	if err != nil {
		return err
	}
	o.printf("%s", aboutAWSLogin)
	if err := s.plan(ctx); err != nil {
		return err
	}
	s.showSignIn()
	if o.dryRun {
		return nil
	}
	if err := o.env.Agree(ctx, "Nothing has been changed yet. Continue? [y/N] ", ""); err != nil {
		return err
	}
	if err := s.writeProfiles(ctx); err != nil {
		return err
	}
	return s.signIn(ctx, program)
}

// checkSignIn refuses a profile with other credentials: SDKs prefer some of them, and
// "aws login" refuses others.
func (s *conversation) checkSignIn() error {
	p, err := s.files.Profile(s.profile)
	if err != nil && !errors.Is(err, awsfile.ErrNoProfile) {
		return err
	}
	for _, key := range append([]string{awsfile.KeyIDSetting}, otherSources...) {
		if set, ok := p.Setting(key); ok && key != "login_session" {
			return command.WithHint(fmt.Errorf("%s: profile %s has %s, and \"aws login\" needs a profile of its own", set.Origin, s.profile, key),
				fmt.Sprintf("name another profile, which may be new, such as \"forcemfa setup %s --aws-login\"", awsfile.Argument(s.profile+"-login")))
		}
	}
	return s.planProfiles()
}

func (s *conversation) showSignIn() {
	s.printf("setup makes these changes:")
	n := 1
	if text := s.planned.DiffFrom(s.files.Config); text != "" {
		s.printf("  1. change %s:", s.planned.Path)
		fmt.Fprint(s.env.Stderr, cleanLines(text))
		n++
	}
	s.printf("  %d. run: aws login --profile %s\n     It opens a browser, and adds login_session to the profile.\n", n, awsfile.Word(s.profile))
}

// signIn runs "aws login" at the terminal.
func (s *conversation) signIn(ctx context.Context, program string) error {
	s.env.ReleaseTerminal()
	c := exec.CommandContext(ctx, program, "login", "--profile", s.profile)
	c.Env = withoutSession(s.env.ChildEnviron())
	c.Stdin, c.Stdout, c.Stderr = s.env.Stdin, s.env.Stderr, s.env.Stderr
	if err := c.Run(); err != nil {
		return command.WithHint(fmt.Errorf("aws login --profile %s: %w", awsfile.Word(s.profile), err),
			fmt.Sprintf("the profiles are written: when the reason above is gone, run \"aws login --profile %s\"; on a machine without a browser, add --remote", awsfile.Word(s.profile)))
	}
	works := append(s.roleNames(), s.profile)[0]
	s.printf("\nEach morning: aws login --profile %s\nnext: aws --profile %s sts get-caller-identity", awsfile.Word(s.profile), awsfile.Word(works))
	return nil
}

// The first version of the AWS CLI with "aws login".
const (
	loginMajor = 2
	loginMinor = 32
)

// findAWSLogin returns the AWS CLI, if it is new enough for "aws login".
func findAWSLogin(ctx context.Context) (string, error) {
	program, err := exec.LookPath("aws")
	if err != nil {
		return "", command.WithHint(errors.New("the AWS CLI is not in PATH"), "install version 2.32.0 of the AWS CLI or later")
	}
	text, err := secret.Output(exec.CommandContext(ctx, program, "--version"))
	if err != nil {
		return "", fmt.Errorf("%s --version: %w", program, err)
	}
	words := strings.Fields(string(text))
	if len(words) == 0 || !knowsLogin(words[0]) {
		return "", command.WithHint(fmt.Errorf("%s is %q, and \"aws login\" is new in aws-cli/%d.%d.0", program, strings.Join(words[:min(1, len(words))], ""), loginMajor, loginMinor), "install version 2.32.0 of the AWS CLI or later")
	}
	return program, nil
}

// knowsLogin reports whether a version such as "aws-cli/2.32.0" has "aws login".
func knowsLogin(version string) bool {
	numbers := strings.Split(strings.TrimPrefix(version, "aws-cli/"), ".")
	if len(numbers) < 2 {
		return false
	}
	major, bad := strconv.Atoi(numbers[0])
	minor, alsoBad := strconv.Atoi(numbers[1])
	return bad == nil && alsoBad == nil && (major > loginMajor || major == loginMajor && minor >= loginMinor)
}
