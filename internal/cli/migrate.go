package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/spf13/cobra"

	"forcemfa/internal/access"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/organization"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/view"
)

func newMigrate(e *command.Env) *cobra.Command {
	o := migrateOptions{accessOptions: accessOptions{applyOptions: applyOptions{Flags: organization.Flags{Output: command.Output{Env: e}}}}}
	c := &cobra.Command{
		Use:   "migrate USER…",
		Short: "Move users from direct policies to group and role",
		Long: `migrate moves users of the identity account to the groups and roles that the access
section of the config file grants them. It checks that the user has an MFA device,
creates group and roles, proves that the user can assume a role with MFA and not
without, and then removes the user's own policies. The journal holds each policy, so
that forcemfa rollback restores them.

Policies with a Deny and policies managed by forcemfa stay. A user who would be locked
out is refused. --canary also assumes the role for real: it prompts for a code of the
user's device, and needs the user's key as --canary-profile.
` + command.StatusHelp,
		Example: `  forcemfa migrate carlos
  forcemfa migrate carlos --canary --canary-profile carlos
  forcemfa migrate ada bob --yes`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return runMigrate(c.Context(), &o, args) },
	}
	o.Add(c)
	o.AddNotices(c)
	o.guards.add(c)
	c.Flags().BoolVar(&o.yes, "yes", false, "skip the confirmation; guards still apply")
	c.Flags().BoolVar(&o.canary, "canary", false, "assume a role with a real code before policies are removed")
	c.Flags().StringVar(&o.canaryProfile, "canary-profile", "", "AWS `profile` with the key of the user, for --canary")
	return c
}

type migrateOptions struct {
	accessOptions
	canary        bool
	canaryProfile string
}

// migrated is the result of a migration, as -o json prints it.
type migrated struct {
	Ready      *applied           `json:"ready"`      // groups and roles
	Migrations []access.Migration `json:"migrations"` // as planned when those were ready
	Stripped   *applied           `json:"stripped"`   // the users' own policies
}

func runMigrate(ctx context.Context, o *migrateOptions, users []string) error {
	if o.canary && (len(users) != 1 || o.canaryProfile == "") {
		return command.WithHint(errors.New("--canary takes one user, whose key is in --canary-profile"), "run migrate once for each user")
	}
	s, limit, err := o.openAccess(ctx, users...)
	if err != nil {
		return err
	}
	if err := s.readiness(users); err != nil {
		return err
	}
	p := access.Plan(s.in)
	if err := checkLimit(limit, p); err != nil {
		return err
	}
	if p.Summary().Blocked > 0 {
		view.Plan(o.Stderr(), view.Style{}, p)
		return &command.Error{Status: command.StatusGuarded, Err: errors.New("group and role cannot be created: nothing was changed"), Hint: "follow the remedies of the blocked steps"}
	}
	m := &migrated{Ready: newApplied(s.Survey)}
	if err := o.carryOut(ctx, s.Survey, m.Ready, p); err != nil {
		return err
	}
	if m.Ready.status() != command.StatusOK {
		return errors.Join(m.Ready.show(&o.applyOptions), &command.Error{Status: command.StatusIncomplete, Err: errors.New("group and role are not ready: no policy was removed")})
	}
	if len(p.Steps) > 0 {
		if err := s.read(ctx); err != nil {
			return err
		}
	}
	if err := o.strip(ctx, s, m, users, limit); err != nil {
		return err
	}
	if err := m.show(o); err != nil {
		return err
	}
	return s.Exit(m.Stripped.status())
}

// readiness refuses users that the config does not name, and users who cannot get a
// session with MFA.
func (s *accessSurvey) readiness(users []string) error {
	for _, name := range users {
		if len(s.in.Access.GroupsOf(name)) == 0 {
			return command.WithHint(fmt.Errorf("no group of the access section has the member %s", name), "add the user to a group of the access section")
		}
		var u *org.User
		for _, a := range s.in.Accounts {
			if a.ID == s.in.Access.Account {
				u = a.User(name)
			}
		}
		if u == nil {
			return command.WithHint(fmt.Errorf("account %s has no user %s, or could not be read", s.in.Access.Account, name), "check the name, and the role by which the account is entered")
		}
		if why, remedy := access.NoMFASession(u); why != "" {
			return &command.Error{Status: command.StatusGuarded, Err: errors.New(why + ": nothing was changed"), Hint: remedy}
		}
	}
	return nil
}

// strip removes the users' own policies, once each has a proven sign-in path.
func (o *migrateOptions) strip(ctx context.Context, s *accessSurvey, m *migrated, users []string, limit plan.Limit) error {
	p := &plan.Plan{Users: len(users), Steps: []plan.Step{}}
	for _, name := range users {
		one := access.Migrate(s.in, name)
		m.Migrations = append(m.Migrations, one)
		p.Steps = append(p.Steps, one.Steps...)
		for _, kept := range one.Kept {
			p.Notes = append(p.Notes, name+" keeps "+kept)
		}
		if len(one.Roles) > 0 {
			p.Notes = append(p.Notes, name+" assumes with MFA, and not without: "+strings.Join(one.Roles, ", "))
		}
	}
	if err := checkLimit(limit, p); err != nil {
		return err
	}
	if o.canary {
		if err := o.tryRole(ctx, s, &m.Migrations[0]); err != nil {
			return err
		}
	}
	m.Stripped = newApplied(s.Survey)
	return o.carryOut(ctx, s.Survey, m.Stripped, p)
}

// tryRole assumes a role as the user with a real code.
func (o *migrateOptions) tryRole(ctx context.Context, s *accessSurvey, m *access.Migration) error {
	refuse := func(err error) error {
		return &command.Error{Status: command.StatusGuarded, Err: fmt.Errorf("canary: %w: no policy was removed", err), Hint: "check the device and the code; group and role stay as they are"}
	}
	if len(m.Roles) == 0 {
		return nil // every step is blocked for that
	}
	cfg, err := o.canaryConfig(ctx)
	if err != nil {
		return err
	}
	client := sts.NewFromConfig(cfg)
	who, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return refuse(err)
	}
	if !strings.HasSuffix(aws.ToString(who.Arn), "/"+m.User) || aws.ToString(who.Account) != s.in.Access.Account {
		return refuse(fmt.Errorf("profile %s is %s, not %s", o.canaryProfile, aws.ToString(who.Arn), m.User))
	}
	serial := s.serial(m.User)
	code, err := o.Env.Ask(ctx, "MFA code of "+m.User+": ")
	if err != nil {
		return refuse(err)
	}
	_, err = client.AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn: &m.Roles[0], RoleSessionName: aws.String("forcemfa-canary"), SerialNumber: &serial, TokenCode: aws.String(strings.TrimSpace(code)),
	})
	if err != nil {
		return refuse(fmt.Errorf("assume %s: %w", m.Roles[0], err))
	}
	o.Remark("canary: %s assumed %s with a code", m.User, m.Roles[0])
	return nil
}

// canaryConfig returns the config of the profile with the user's key. A named profile
// takes precedence over credentials in the environment.
func (o *migrateOptions) canaryConfig(ctx context.Context) (aws.Config, error) {
	cfg, err := command.LoadConfig(ctx, config.WithSharedConfigProfile(o.canaryProfile))
	if err != nil {
		return aws.Config{}, command.WithHint(fmt.Errorf("load AWS config: %w", err), command.ProfileHint(o.canaryProfile))
	}
	return cfg, nil
}

// serial returns a device of the user that generates codes.
func (s *accessSurvey) serial(user string) string {
	for _, a := range s.in.Accounts {
		if a.ID != s.in.Access.Account {
			continue
		}
		for _, d := range a.User(user).Devices {
			if d.Kind.GivesCodes() {
				return d.Serial
			}
		}
	}
	return ""
}

func (m *migrated) show(o *migrateOptions) error {
	if o.JSON() {
		return view.JSON(o.Stdout(), m)
	}
	w := o.Stdout()
	unreached(w, o.Style(), m.Stripped.Outcomes)
	for _, one := range m.Migrations {
		for _, roleARN := range one.Roles {
			fmt.Fprintf(w, "%s assumes %s with MFA, and not without\n", view.Clean(one.User), roleARN)
		}
		for _, kept := range one.Kept {
			fmt.Fprintf(w, "%s keeps %s\n", view.Clean(one.User), view.Clean(kept))
		}
	}
	view.Unread(w, o.Style(), m.Stripped.Unread)
	for _, r := range []*applied{m.Ready, m.Stripped} {
		if r.Run != "" {
			sumUp(w, o.Style(), r.Run, r.Journal, &r.result)
		}
	}
	if m.Ready.Run == "" && m.Stripped.Run == "" {
		fmt.Fprintln(w, "Nothing to do.")
	}
	return nil
}
