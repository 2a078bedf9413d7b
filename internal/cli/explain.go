package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"forcemfa/internal/audit"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/planner"
	"forcemfa/internal/view"
	"forcemfa/policy"
	"forcemfa/policy/arn"
	"forcemfa/policy/prove"
)

func newExplain(e *command.Env) *cobra.Command {
	o := explainOptions{shared: shared{env: e}}
	c := &cobra.Command{
		Use:   "explain USER",
		Short: "Why this user is as it is: policies, state, witness, what would fix it",
		Long: `explain says of one user, by name, ACCOUNT/name or ARN, what state it is in and why:
every document that decides its requests, the request without MFA that passes,
what audit finds, and the steps that would fix it. It changes nothing.
` + command.StatusHelp,
		Example: `  forcemfa explain bob
  forcemfa explain 111122223333/bob -o json
  forcemfa explain --sandbox victor`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return runExplain(c.Context(), &o, args[0]) },
	}
	o.add(c)
	c.Flags().BoolVar(&o.exitZero, "exit-zero", false, "an open user does not change the exit status")
	return c
}

type explainOptions struct {
	shared
	exitZero bool
}

// explained is one user as -o json prints it.
type explained struct {
	audit.User
	Documents []explainedDocument `json:"documents"`
	// Roles are those that the user can become without MFA; Switches what of
	// its own enforcement it can switch off.
	Roles     []explainedRole   `json:"roles_without_mfa"`
	Switches  []explainedSwitch `json:"can_switch_off"`
	Undecided []string          `json:"undecided,omitempty"`
	Findings  []audit.Finding   `json:"findings"`
	Steps     []plan.Step       `json:"steps"`
}

type explainedRole struct {
	ARN string   `json:"arn"`
	Via []string `json:"via,omitempty"`
}

type explainedSwitch struct {
	What       string `json:"what"`
	Action     string `json:"action"`
	Resource   string `json:"resource"`
	As         string `json:"as,omitempty"` // the role that the user has to become first
	WithoutMFA bool   `json:"without_mfa"`
	AllowedBy  string `json:"allowed_by,omitempty"`
}

type explainedDocument struct {
	Layer      string   `json:"layer"` // identity, boundary or scp
	Name       string   `json:"name"`
	Unreadable string   `json:"unreadable,omitempty"`
	Allows     int      `json:"allows"` // statements
	Denies     int      `json:"denies"`
	MFA        []string `json:"mfa,omitempty"` // the statements that look at MFA, with their condition
}

func runExplain(ctx context.Context, o *explainOptions, who string) error {
	name := who
	if a, err := arn.Parse(who); err == nil {
		o.accounts, name = []string{a.Account}, a.Name()
	} else if account, user, found := strings.Cut(who, "/"); found && arn.IsAccountID(account) {
		o.accounts, name = []string{account}, user
	}
	s, err := o.openSurvey(ctx)
	if err != nil {
		return err
	}
	users, err := s.explain(ctx, name)
	if err != nil {
		return err
	}
	if len(users) == 0 {
		return s.nobody(who)
	}
	if o.json() {
		err = view.JSON(o.env.Stdout, users)
		view.Gaps(o.env.Stderr, o.style(), s.gaps)
	} else {
		for i := range users {
			users[i].print(o.env.Stdout)
		}
		view.Gaps(o.env.Stdout, o.style(), s.gaps)
	}
	open := slices.ContainsFunc(users, func(u explained) bool { return u.State == audit.Open })
	return errors.Join(err, s.exit(found(open && !o.exitZero)))
}

// nobody is the error for a user who was not found. In an account that could not
// be read there may be one.
func (s *survey) nobody(who string) error {
	view.Gaps(s.env.Stderr, s.style(), s.gaps)
	if s.unread() {
		return &command.Error{Status: command.StatusIncomplete, Err: fmt.Errorf("no user %q is known: no account could be read", who), Hint: unreadHint}
	}
	return command.WithHint(fmt.Errorf("no user %q in %s that could be read", who, view.Count(s.readable, "account")), `"forcemfa audit --all" lists the users`)
}

// explain finds the users of this name, in every account.
func (s *survey) explain(ctx context.Context, name string) ([]explained, error) {
	defer s.progress.Done()
	users := []explained{}
	in := s.planInput()
	var found []*audit.Audited
	in.Accounts = func(yield func(*audit.Audited, error) bool) {
		for a, err := range s.audited(ctx, &in) {
			if err == nil && a.Account.User(name) != nil {
				found = append(found, a)
			}
			if !yield(a, err) {
				return
			}
		}
	}
	p, err := planner.Make(in)
	if err != nil {
		return nil, err
	}
	var documents org.Cache
	auditor := audit.New(s.header, s.baseline, in.Now)
	for _, a := range found {
		u := a.Account.User(name)
		e := explained{Documents: documentsOf(documents.PolicySet(s.header, a.Account, u)), Findings: []audit.Finding{}, Steps: []plan.Step{}}
		for _, state := range a.Users {
			if state.Name == u.Name {
				e.User = state
			}
		}
		for _, f := range a.Findings {
			if f.Subject == "user/"+u.Name {
				e.Findings = append(e.Findings, f)
			}
		}
		e.Steps = stepsFor(p.Steps, a.Account, u, in.Covers(a.Account))
		e.reach(auditor.Reach(a.Account, u))
		users = append(users, e)
	}
	return users, nil
}

// reach adds what the user can become and switch off.
func (e *explained) reach(r audit.Reach) {
	e.Roles, e.Switches, e.Undecided = []explainedRole{}, []explainedSwitch{}, r.Unknown
	for _, role := range r.Roles {
		e.Roles = append(e.Roles, explainedRole{role.Role.ARN, role.Via})
	}
	for _, s := range r.Switches {
		if s.WithoutMFA == prove.Unknown || s.WithMFA == prove.Unknown {
			e.Undecided = append(e.Undecided, s.What+": "+s.Why)
		}
		if s.WithoutMFA == prove.Open || s.WithMFA == prove.Open {
			e.Switches = append(e.Switches, explainedSwitch{s.What, s.Action, s.Resource, s.As, s.WithoutMFA == prove.Open, s.AllowedBy})
		}
	}
}

// stepsFor are the steps that change a user, its groups, a policy that it has or
// the organization's that covers it, and those of its account that they need.
func stepsFor(steps []plan.Step, a *org.Account, u *org.User, covered bool) []plan.Step {
	subjects := map[string]bool{u.ARN: true}
	for _, policy := range u.Attached {
		subjects[policy] = true
	}
	for _, name := range u.Groups {
		if g := a.Group(name); g != nil {
			subjects[g.ARN] = true
			for _, policy := range g.Attached {
				subjects[policy] = true
			}
		}
	}
	wanted := map[string]bool{}
	out := []plan.Step{}
	for i := len(steps) - 1; i >= 0; i-- {
		s := &steps[i]
		if s.OfOrganization() {
			if covered {
				out = append(out, *s)
			}
		} else if subjects[s.Subject] || wanted[s.ID] {
			for _, id := range s.Needs {
				wanted[id] = true
			}
			out = append(out, *s)
		}
	}
	slices.Reverse(out)
	return out
}

func documentsOf(set *policy.Set) []explainedDocument {
	out := []explainedDocument{}
	add := func(layer string, sources ...policy.Source) {
		for _, s := range sources {
			out = append(out, documentOf(layer, s))
		}
	}
	add("identity", set.Identity...)
	if set.Boundary != nil {
		add("boundary", *set.Boundary)
	}
	for _, level := range set.SCPs {
		add("scp", level...)
	}
	return out
}

func documentOf(layer string, s policy.Source) explainedDocument {
	d := explainedDocument{Layer: layer, Name: s.Name}
	if s.Document == nil {
		d.Unreadable = s.Err.Error()
		return d
	}
	for i, statement := range s.Document.Statements {
		word := "allow"
		if statement.Effect == policy.Deny {
			word = "deny"
			d.Denies++
		} else {
			d.Allows++
		}
		for _, c := range statement.Conditions {
			if strings.HasPrefix(strings.ToLower(c.Key), "aws:multifactorauth") {
				label := statement.SID
				if label == "" {
					label = fmt.Sprintf("statement %d", i+1)
				}
				d.MFA = append(d.MFA, fmt.Sprintf("%s: %s if %s %s %s", label, word, c.Operator, c.Key, strings.Join(c.Values, ", ")))
			}
		}
	}
	return d
}

func (e *explained) print(w io.Writer) {
	fmt.Fprintf(w, "%s in %s\n", view.Clean(e.ARN), view.AccountName(e.Account, e.AccountName))
	fmt.Fprintf(w, "  state: %s\n", view.UserLine(e.User))
	for _, a := range e.Assumptions {
		fmt.Fprintf(w, "  assumed: %s\n", view.Clean(a))
	}
	fmt.Fprintln(w, "  documents that decide its requests:")
	for _, d := range e.Documents {
		if d.Unreadable != "" {
			fmt.Fprintf(w, "    %-8s  %s: unreadable: %s\n", d.Layer, view.Clean(d.Name), view.Clean(d.Unreadable))
			continue
		}
		fmt.Fprintf(w, "    %-8s  %s (%d allow, %d deny)\n", d.Layer, view.Clean(d.Name), d.Allows, d.Denies)
		for _, line := range d.MFA {
			fmt.Fprintf(w, "              %s\n", view.Clean(line))
		}
	}
	e.printReach(w)
	for _, f := range e.Findings {
		fmt.Fprintf(w, "  %s: %s\n    remedy: %s\n", f.Rule, view.Clean(f.What), view.Clean(f.Remedy))
	}
	if len(e.Steps) > 0 {
		fmt.Fprintln(w, "  what would fix it:")
	}
	for i := range e.Steps {
		fmt.Fprintf(w, "    %s\n", view.Clean(view.StepSentence(&e.Steps[i])))
		if e.Steps[i].Blocked != "" {
			fmt.Fprintf(w, "      blocked: %s\n      remedy: %s\n", view.Clean(e.Steps[i].Blocked), view.Clean(e.Steps[i].Remedy))
		}
	}
	fmt.Fprintln(w)
}

func (e *explained) printReach(w io.Writer) {
	for _, r := range e.Roles {
		via := ""
		if len(r.Via) > 0 {
			via = " by way of " + strings.Join(r.Via, ", ")
		}
		fmt.Fprintf(w, "  can become without MFA: %s%s\n", view.Clean(r.ARN), view.Clean(via))
	}
	for _, s := range e.Switches {
		with, as := "with MFA", ""
		if s.WithoutMFA {
			with = "WITHOUT MFA"
		}
		if s.As != "" {
			as = " as " + s.As
		}
		fmt.Fprintf(w, "  can switch it off %s%s: %s (%s on %s)\n", with, view.Clean(as), view.Clean(s.What), s.Action, view.Clean(s.Resource))
	}
	for _, u := range e.Undecided {
		fmt.Fprintf(w, "  not decided: %s\n", view.Clean(u))
	}
}
