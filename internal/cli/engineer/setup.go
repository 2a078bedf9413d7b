package engineer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"forcemfa/internal/accesskey"
	"forcemfa/internal/awsfile"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/profiles"
	"forcemfa/internal/secret"
	"forcemfa/internal/session"
	"forcemfa/internal/session/cache"
	"forcemfa/internal/view"
)

func newSetup(e *machine) *cobra.Command {
	o := setupOptions{sessionFlags: sessionFlags{env: e}}
	c := &cobra.Command{
		Use:   "setup [PROFILE]",
		Short: "Set up MFA on this machine in one conversation: device, key, profiles, session",
		Long: `setup takes a new user from an access key to AWS profiles that work with MFA. It looks at
the key, the MFA devices of its user and your AWS profiles, shows every change, and asks
once. Then it does what is missing of

  enroll      an MFA device, with a QR code in the terminal
  import      the access key, from ~/.aws/credentials to the secret store
  configure   the profiles in ~/.aws/config
  login       the first MFA session, with which it tries each profile

Run it again at any time: it skips the steps that are done.

If a policy keeps your access key from enrolling a device, setup prints the sign-in page and
the command for an administrator, and continues when the device is there.

With --aws-login, setup configures "aws login" of the AWS CLI for PROFILE instead of a key:
you sign in with a browser, and no key is stored on this machine. It explains when that
fits, writes the profile and those of your roles, and starts the sign-in.

EXIT STATUS
  0  the profiles work, or --dry-run showed the changes
  1  a step failed; the hint is the next step, and setup continues from there`,
		Example: `  forcemfa setup
  forcemfa setup bob --role prod=arn:aws:iam::111122223333:role/Admin
  forcemfa setup bob --csv ~/Downloads/bob_accessKeys.csv
  forcemfa setup bob --dry-run
  forcemfa setup bob-login --aws-login --role prod=arn:aws:iam::111122223333:role/Admin`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.named(args); err != nil {
				return err
			}
			if o.awsLogin {
				return runAWSLogin(c.Context(), &o)
			}
			return runSetup(c.Context(), &o)
		},
	}
	o.add(c)
	f := c.Flags()
	f.StringArrayVar(&o.roles, "role", nil, "add the profile of a role: `NAME=ARN`, repeatable")
	f.StringVar(&o.csv, "csv", "", "read the key from this CSV `file` of the console")
	f.StringVar(&o.backend, "backend", "", "secret store: keyring, file or pass (default: "+secret.BackendVariable+", else the keyring if there is one)")
	f.BoolVar(&o.otpauth, "otpauth", false, "print an otpauth:// URI, which includes the seed, instead of a QR code")
	f.BoolVar(&o.dryRun, "dry-run", false, "show the changes without making them")
	f.BoolVar(&o.awsLogin, "aws-login", false, "configure \"aws login\" of the AWS CLI, which needs no access key")
	for _, other := range []string{"csv", "backend", "otpauth", "serial", "code-stdin", "mfa-process"} {
		c.MarkFlagsMutuallyExclusive("aws-login", other)
	}
	return c
}

type setupOptions struct {
	sessionFlags
	roles           []string
	csv, backend    string
	otpauth, dryRun bool
	awsLogin        bool
}

// A conversation is what setup found on the machine and in AWS, and what it will change.
type conversation struct {
	*setupOptions
	manager *session.Manager
	own     *session.Access // nil: the profile has no key, but "aws login"
	devices []string        // that show codes
	files   *awsfile.Files
	move    *accesskey.Move // nil: the key is not in a file
	found   *accesskey.Found
	have    secret.Keys // in the store
	planned *profiles.Change
}

func runSetup(ctx context.Context, o *setupOptions) error {
	if err := o.env.WhyNotAsk(); err != nil && !o.dryRun {
		return command.WithHint(err, `setup is a conversation: run it in a terminal, or run "forcemfa enroll", "import", "configure" and "login" with --code-stdin and --yes`)
	}
	if err := o.begin(ctx); err != nil {
		return err
	}
	s, err := o.look(ctx)
	if err != nil {
		return err
	}
	if err := s.device(ctx); err != nil {
		return err
	}
	if err := s.plan(ctx); err != nil {
		return err
	}
	s.show()
	if o.dryRun {
		return nil
	}
	if err := o.env.Agree(ctx, "Nothing has been changed yet. Continue? [y/N] ", ""); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{s.enrollDevice, s.moveKey, s.writeProfiles, s.logIn} {
		if err := step(ctx); err != nil {
			return s.unfinished(err)
		}
	}
	return s.tryRoles(ctx)
}

// begin settles the profile, and stores a key that no profile has yet.
func (o *setupOptions) begin(ctx context.Context) error {
	files, err := o.env.awsFiles()
	if err != nil {
		return err
	}
	if o.profile == "" {
		if o.profile, err = o.ownProfile(ctx, files); err != nil {
			return err
		}
	}
	p, err := files.Profile(o.profile)
	if err != nil && !errors.Is(err, awsfile.ErrNoProfile) {
		return err
	}
	if o.csv == "" && slices.ContainsFunc(keySettings, func(s string) bool { return p.Get(s) != "" }) {
		return nil
	}
	if o.dryRun {
		next := "run it without --dry-run in a terminal"
		if errors.Is(err, awsfile.ErrNoProfile) {
			next = files.DidYouMean(o.profile, next)
		}
		return command.WithHint(fmt.Errorf("profile %s has no access key yet, so there is nothing to show", o.profile), next)
	}
	o.printf("Profile %s has no access key in the AWS files yet: setup stores it first.\n", o.profile)
	in := importOptions{
		env: o.env, profile: o.profile, csv: o.csv, backend: o.backend, region: o.region, output: "text", continues: true,
		fromEnv: o.csv == "" && o.env.Getenv(awsfile.KeyIDVariable) != "" && o.env.Getenv(awsfile.TokenVariable) == "",
	}
	return runImport(ctx, &in)
}

// keySettings are the settings by which a profile leads to a key.
var keySettings = []string{awsfile.KeyIDSetting, awsfile.SecretSetting, session.StoreSetting, "credential_process", "role_arn", "sso_session", "sso_account_id", "login_session"}

// ownProfile is the profile of the environment, or the one with a long-lived key.
func (o *setupOptions) ownProfile(ctx context.Context, files *awsfile.Files) (string, error) {
	if named := cache.EnvironmentProfile(o.env.Getenv); named != "" {
		return named, nil
	}
	keys := slices.DeleteFunc(usableProfiles(files), func(p awsfile.Profile) bool { return p.Get("role_arn") != "" })
	switch {
	case len(keys) == 0:
		return "default", nil
	case len(keys) == 1:
		return keys[0].Name, nil
	case !o.env.CanAsk():
		return "", command.WithHint(errors.New("several profiles have an access key"), "name one of them")
	}
	dir, err := cache.Default(o.env.Getenv)
	if err != nil {
		return "", command.WithHint(err, "set HOME or XDG_CACHE_HOME")
	}
	return o.env.pick(ctx, "The profile with your access key:", keys, dir)
}

// look reads the key, its user and the user's devices.
func (o *setupOptions) look(ctx context.Context) (*conversation, error) {
	s := &conversation{setupOptions: o}
	var err error
	if s.manager, err = o.sessionFlags.manager(ctx); err != nil {
		return nil, err
	}
	if s.own, err = s.manager.Own(ctx, o.request(), nil); err != nil {
		return nil, err
	}
	if s.devices, err = s.own.CodeDevices(ctx); err != nil {
		return nil, err
	}
	if s.files, err = o.env.awsFiles(); err != nil {
		return nil, err
	}
	if s.own.Route.KeyFrom != session.KeyInFile {
		return s, nil
	}
	return s, s.findKey(ctx)
}

// base is the profile of the key, or of "aws login".
func (s *conversation) base() string {
	if s.own == nil {
		return s.profile
	}
	return s.own.Route.Base
}

// findKey prepares the move of a key in a file.
func (s *conversation) findKey(ctx context.Context) (err error) {
	if s.found, err = accesskey.FromFiles(s.files, s.base()); err != nil {
		return err
	}
	if err := accesskey.Check(s.found.Keys); err != nil {
		return err
	}
	store, err := s.env.keyStore(s.backend)
	if err != nil {
		return err
	}
	if s.have, err = store.Get(ctx, s.base()); err != nil && !errors.Is(err, secret.ErrNotFound) {
		return err
	}
	s.move = &accesskey.Move{
		Settings: session.KeySettings{Files: s.files, Getenv: s.env.Getenv, Profile: s.base(), Region: s.region},
		Store:    store, Now: s.env.Now, Process: profiles.ProcessLine(helper(), s.base()),
	}
	return nil
}

// device waits for a device that only the console or an administrator can bring.
func (s *conversation) device(ctx context.Context) error {
	for len(s.devices) == 0 {
		err := s.own.MayEnroll(ctx)
		var refused *session.EnrollmentDenied
		var problem *session.Problem
		if !errors.As(err, &refused) || !errors.As(err, &problem) || s.dryRun {
			return err
		}
		s.printf("%s.\nWhat to do: %s.", problem.Sentence, problem.Next)
		if _, err := s.env.Ask(ctx, "Press Enter when this is done, or Ctrl-C to stop and run setup again later: "); err != nil {
			return err
		}
		if s.devices, err = s.own.CodeDevices(ctx); err != nil {
			return err
		}
	}
	return nil
}

// plan computes the profiles as they will be, with roles that the person adds.
func (s *conversation) plan(ctx context.Context) error {
	err := s.planProfiles()
	if err != nil || s.dryRun {
		return err
	}
	if len(s.roleNames()) == 0 {
		if err := s.askRoles(ctx); err != nil {
			return err
		}
	}
	if !s.planned.NoRegion {
		return nil
	}
	if s.region, err = s.env.Ask(ctx, "Region of the profiles, such as eu-west-1 (Enter: none): "); err != nil {
		return err
	}
	s.region = strings.TrimSpace(s.region)
	return s.planProfiles()
}

func (s *conversation) askRoles(ctx context.Context) error {
	for {
		text, err := s.env.Ask(ctx, "A role that you assume, as NAME=ARN, such as prod=arn:aws:iam::111122223333:role/Admin (Enter: no more): ")
		if err != nil {
			return err
		}
		if text = strings.TrimSpace(text); text == "" {
			return nil
		}
		s.roles = append(s.roles, text)
		if err := s.planProfiles(); err != nil {
			s.printf("%v", err)
			s.roles = s.roles[:len(s.roles)-1]
		}
	}
}

func (s *conversation) planProfiles() (err error) {
	after := s.files
	if s.move != nil {
		if after, err = s.move.After(s.found); err != nil {
			return err
		}
	}
	s.planned, err = s.profilesOf(after)
	return err
}

func (s *conversation) profilesOf(files *awsfile.Files) (*profiles.Change, error) {
	return profiles.Plan(files, profiles.Options{Profile: s.base(), Roles: s.roles, Region: s.region, Fallback: s.env.environmentRegion(), Helper: helper(), Gone: gone, SignIn: s.awsLogin})
}

// roleNames are the profiles of roles that lead to the key, new ones included.
func (s *conversation) roleNames() []string {
	var names []string
	for _, role := range s.roles {
		name, _, _ := strings.Cut(role, "=")
		names = append(names, name)
	}
	for _, name := range s.files.Profiles() {
		p, err := s.files.Profile(name)
		if err == nil && p.Get("role_arn") != "" && p.Get("source_profile") == s.base() && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// show lists the changes.
func (s *conversation) show() {
	s.printf("User %s in account %s, access key %s of profile %s.\n\nsetup makes these changes:", s.own.Name, s.own.Account, s.own.Route.Key.AccessKeyID, s.base())
	n := 0
	step := func(format string, a ...any) { n++; s.printf("  %d. %s", n, fmt.Sprintf(format, a...)) }
	if len(s.devices) == 0 {
		step("enroll an MFA device for %s in AWS: you scan a QR code and enter two codes", s.own.Name)
	}
	if s.move != nil {
		replaced := ""
		if s.have.AccessKeyID != "" && !accesskey.Same(s.have, s.found.Keys) {
			replaced = ", in place of access key " + s.have.AccessKeyID
		}
		step("move the access key from %s to the %s store%s", s.found.Path, s.move.Store.Backend(), replaced)
	}
	if text := s.planned.DiffFrom(s.files.Config); text != "" {
		step("change %s:", s.planned.Path)
		fmt.Fprint(s.env.Stderr, cleanLines(text))
	}
	step("start an MFA session, and try the profiles: %s", strings.Join(append([]string{s.base()}, s.roleNames()...), ", "))
	s.printf("")
}

// printf prints lines of the conversation.
func (s *setupOptions) printf(format string, a ...any) {
	fmt.Fprintln(s.env.Stderr, view.CleanLines(fmt.Sprintf(format, a...)))
}

func (s *conversation) enrollDevice(ctx context.Context) error {
	if len(s.devices) > 0 {
		return nil
	}
	o := enrollOptions{sessionFlags: s.sessionFlags, otpauth: s.otpauth}
	o.profile = s.base()
	return o.enroll(ctx, s.manager, s.own, s.own)
}

func (s *conversation) moveKey(ctx context.Context) error {
	if s.move == nil {
		return nil
	}
	r, err := s.move.Run(ctx, s.found, s.have)
	if err != nil {
		return err
	}
	in := importOptions{env: s.env, output: "text", continues: true}
	return in.report(&r, s.found)
}

// writeProfiles makes the change that was shown. If the files are no longer as they were,
// it shows the new change and asks again.
func (s *conversation) writeProfiles(ctx context.Context) error {
	files, err := s.env.awsFiles()
	if err != nil {
		return err
	}
	now, err := s.profilesOf(files)
	if err != nil {
		return err
	}
	o := configureOptions{env: s.env, profile: s.base(), yes: now.SameResult(s.planned), output: "text", continues: true}
	r := configured{File: now.Path, Diff: now.Diff(), Notes: now.Notes}
	if now.Needed() {
		if err := o.change(ctx, now, &r); err != nil {
			return err
		}
	}
	return o.report(&r, now.Needed())
}

func (s *conversation) logIn(ctx context.Context) error {
	req := s.request()
	req.Profile, req.Renew = s.base(), true
	e, err := s.manager.Session(ctx, req)
	if err != nil {
		return err
	}
	o := loginOptions{sessionFlags: s.sessionFlags, output: "text", continues: true}
	return o.print(e)
}

// unfinished names the next step after an error: setup does not repeat what is done.
func (s *conversation) unfinished(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	next := "forcemfa setup " + awsfile.Argument(s.base())
	hint := command.HintOf(err)
	if hint != "" {
		hint += "; "
	}
	return command.WithHint(err, fmt.Sprintf("%sthen run %q, which skips the steps that are done", hint, next))
}

// tryRoles assumes each role, and ends with the command that uses the first that works.
func (s *conversation) tryRoles(ctx context.Context) error {
	works := ""
	var failed error
	for _, name := range s.roleNames() {
		e, err := s.manager.Session(ctx, session.Request{Profile: name})
		if err != nil {
			s.printf("profile %s does not work yet: %v", name, err)
			failed = errors.Join(failed, fmt.Errorf("profile %s: %w", name, err))
			continue
		}
		s.printf("profile %s works: %s", name, e.ARN)
		if works == "" {
			works = name
		}
	}
	if failed != nil {
		return s.unfinished(failed)
	}
	if works == "" {
		works = s.base()
	}
	s.printf("\nMFA is set up. Each morning: forcemfa login %s\nnext: aws --profile %s s3 ls", awsfile.Argument(s.base()), awsfile.Word(works))
	return nil
}
