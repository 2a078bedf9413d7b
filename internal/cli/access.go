package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"forcemfa/internal/access"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/organization"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/view"
)

func newAccess(e *command.Env) *cobra.Command {
	c := &cobra.Command{
		Use:   "access",
		Short: "Manage groups and cross-account roles that require MFA",
		Long: `access creates the groups and roles of the access section of the config file: groups
in the identity account with their members and the roles they may assume, and in each
account the roles, whose trust policies require MFA. For each person it prints a link
that switches to the role in the console and a block for ~/.aws/config.

An existing role keeps its permissions and trusted principals; account and user
principals are required to use MFA. No member is removed from a group; members that the
config does not name are reported.`,
		Example: `  forcemfa access plan
  forcemfa access apply --yes`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newAccessPlan(e), newAccessApply(e))
	return c
}

func newAccessPlan(e *command.Env) *cobra.Command {
	o := accessOptions{applyOptions: applyOptions{Flags: organization.Flags{Output: command.Output{Env: e}}}}
	c := &cobra.Command{
		Use:   "plan",
		Short: "Show what would change, and how people will use it",
		Long: "access plan lists the steps of access apply and shows how each person uses the roles. It changes nothing.\n" +
			"--out saves the plan for access apply, which plans again and makes only the changes that both plans contain.\n" + command.StatusHelp,
		Example: "  forcemfa access plan\n  forcemfa access plan --out access.json && forcemfa access apply access.json",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return runAccessPlan(c.Context(), &o) },
	}
	o.Add(c)
	o.guards.add(c)
	c.Flags().StringVar(&o.out, "out", "", "save the plan to this `file`")
	return c
}

func newAccessApply(e *command.Env) *cobra.Command {
	o := accessOptions{applyOptions: applyOptions{Flags: organization.Flags{Output: command.Output{Env: e}}}}
	c := &cobra.Command{
		Use:   "apply [FILE]",
		Short: "Make the changes of access plan",
		Long: "access apply plans, shows the plan, asks for confirmation, and makes the changes as apply does: each change\n" +
			"is in the journal before it is made, and forcemfa rollback undoes the run. With a FILE saved by access plan\n" +
			"it makes only the changes that both plans contain.\n" + command.StatusHelp,
		Example: "  forcemfa access apply access.json\n  forcemfa access apply --yes",
		Args:    cobra.MaximumNArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return runAccessApply(c.Context(), &o, args) },
	}
	o.Add(c)
	o.AddNotices(c)
	o.guards.add(c)
	c.Flags().BoolVar(&o.yes, "yes", false, "skip the confirmation; guards still apply")
	return c
}

type accessOptions struct {
	applyOptions
	out string
}

// An accessSurvey is one look at the accounts that the access section names.
type accessSurvey struct {
	*organization.Survey
	in access.Input
}

// openAccess reads the accounts of the access section, or of the part of it
// that concerns some users.
func (o *accessOptions) openAccess(ctx context.Context, users ...string) (*accessSurvey, plan.Limit, error) {
	limit, acks, err := o.guards.parse()
	if err != nil {
		return nil, limit, err
	}
	t, err := o.Open(ctx)
	if err != nil {
		return nil, limit, err
	}
	section := t.Baseline.Access
	if section == nil {
		return nil, limit, command.WithHint(errors.New("the config file has no access section"), "docs/access.md shows one")
	}
	if len(users) > 0 {
		section = section.Of(users)
	}
	if len(o.Accounts) == 0 {
		o.Accounts = []string{section.Account}
		for _, g := range section.Grants {
			o.Accounts = append(o.Accounts, g.Accounts...)
		}
		slices.Sort(o.Accounts)
		o.Accounts = slices.Compact(o.Accounts)
		if t, err = o.Open(ctx); err != nil {
			return nil, limit, err
		}
	}
	s := &accessSurvey{Survey: &organization.Survey{Target: t}, in: access.Input{Access: section, Acknowledge: acks}}
	return s, limit, s.read(ctx)
}

// read reads the accounts as they are now, with the current devices and keys of the
// people.
func (s *accessSurvey) read(ctx context.Context) error {
	read, err := s.Target.Survey(ctx)
	if err != nil {
		return err
	}
	defer s.ProgressLine().Done()
	s.Survey = read
	s.in.Header, s.in.Baseline, s.in.Now = read.Header, s.Target.Baseline, s.Env.Now()
	s.in.Accounts, err = read.Read(ctx, s.people)
	return err
}

// people are the users of the identity account that are members of a group.
func (s *accessSurvey) people(a *org.Account) []string {
	var names []string
	if a.ID != s.in.Access.Account {
		return nil
	}
	for _, g := range s.in.Access.Groups {
		for _, name := range g.Members {
			if a.User(name) != nil {
				names = append(names, name)
			}
		}
	}
	return names
}

func runAccessPlan(ctx context.Context, o *accessOptions) error {
	apply := o.Next("access apply " + organization.Quoted(o.out)) // before the accounts are chosen
	s, limit, err := o.openAccess(ctx)
	if err != nil {
		return err
	}
	p := access.Plan(s.in)
	if o.JSON() {
		err = view.JSON(o.Stdout(), struct {
			Plan    *plan.Plan      `json:"plan"`
			Summary plan.Summary    `json:"summary"`
			People  []access.Person `json:"people"`
			Changes int             `json:"changes"`
			organization.Facts
		}{p, p.Summary(), access.People(s.in), p.Summary().Steps, s.Facts(p.Summary().Blocked)})
	} else {
		var out bytes.Buffer
		view.Plan(&out, o.Style(), p)
		s.PrintUnread(&out)
		showPeople(&out, access.People(s.in))
		err = o.Style().Headline(o.Stdout(), s.Headline().Title, out.Bytes())
	}
	if err != nil {
		return err
	}
	if err := checkLimit(limit, p); err != nil {
		return err
	}
	if err := savePlan(&o.Flags, o.out, p, apply); err != nil {
		return err
	}
	blocked := command.StatusOK
	if p.Summary().Blocked > 0 {
		blocked = command.StatusIncomplete
	}
	return s.Exit(blocked)
}

func runAccessApply(ctx context.Context, o *accessOptions, args []string) error {
	var file *plan.Plan
	if len(args) == 1 {
		var err error
		if file, err = command.ReadPlan(args[0], "access plan"); err != nil {
			return err
		}
	}
	s, limit, err := o.openAccess(ctx)
	if err != nil {
		return err
	}
	s.in.Resume = file
	r := newApplied(s.Survey)
	todo := r.choose(file, access.Plan(s.in))
	if err := checkLimit(limit, todo); err != nil {
		return err
	}
	if err := o.carryOut(ctx, s.Survey, r, todo); err != nil {
		return err
	}
	if err := r.show(&o.applyOptions); err != nil {
		return err
	}
	if !o.JSON() {
		showPeople(o.Stdout(), access.People(s.in))
	}
	return s.Exit(r.status())
}

// showPeople prints how each person uses the roles: in the console, and in
// ~/.aws/config, where the profile of the own key has the name of the user.
func showPeople(w io.Writer, people []access.Person) {
	for _, person := range people {
		fmt.Fprintf(w, "\n# %s of %s\n", view.Clean(person.Name), person.Account)
		for _, p := range person.Profiles {
			fmt.Fprintf(w, "# console: %s\n[profile %s]\nrole_arn = %s\nsource_profile = %s\n", p.Link, view.Clean(p.Name), p.RoleARN, view.Clean(person.Name))
			if p.Serial == "" {
				fmt.Fprintf(w, "# mfa_serial: %s has no device that gives codes yet\n", view.Clean(person.Name))
				continue
			}
			fmt.Fprintf(w, "mfa_serial = %s\n", p.Serial)
		}
	}
}
