package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"forcemfa/internal/baseline"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/organization"
	"forcemfa/internal/cli/stream"
	"forcemfa/internal/impact"
	"forcemfa/internal/plan"
	"forcemfa/internal/survey"
	"forcemfa/internal/view"
)

func newPlan(e *command.Env) *cobra.Command {
	o := planOptions{Flags: organization.Flags{Output: command.Output{Env: e}}}
	c := &cobra.Command{
		Use:   "plan",
		Short: "Show what would change",
		Long: `plan reads every account and lists the steps that would enforce MFA. It changes
nothing. Steps that would lock someone out or break a workload are blocked, with a
remedy; --ack GUARD:USER or --ack GUARD:ACCOUNT/USER overrides one guard for one user.

It prints a summary, who is affected, the policy documents with the difference for an
update, and the changes; those of a long plan by account. --all shows every change,
--verbose every user.

--out saves the plan for apply, which plans again and makes only the changes that
both plans contain. The plan keeps the acknowledgements of --ack.

--review writes one Markdown or HTML file for the people who approve the change: a
summary, who stops and why, the difference of policies, guards and acknowledgements,
every change, and how to roll back. No list in it is shortened.

--propose-waves N prints a part of a config file instead: the users who are not enforced,
spread over N waves by the recorded calls of --impact. People without calls that would be
denied come first, then those with the fewest; service accounts and the people who own
one by its tags are in the last wave.

--remove plans the removal of everything that forcemfa manages:
memberships, attachments, inline policies, enrollment windows, the group, the policy
and service control policies.
` + command.StatusHelp,
		Example: `  forcemfa plan
  forcemfa plan --out plan.json && forcemfa apply plan.json
  forcemfa plan --out plan.json --review plan.html
  forcemfa plan --ack lockout:111122223333/fiona --max-changes 5%
  forcemfa impact logs --save impact.json && forcemfa plan --impact impact.json
  forcemfa plan --impact impact.json --propose-waves 4 >waves.yaml
  forcemfa plan --sandbox`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runPlan(c.Context(), &o) },
	}
	o.Add(c)
	o.guards.add(c)
	o.results.AddSave(c)
	c.Flags().BoolVar(&o.all, "all", false, "show every change, policy document and user")
	c.Flags().BoolVarP(&o.verbose, "verbose", "v", false, "show every user in the notes: who stops, who gets a window")
	c.Flags().StringVar(&o.out, "out", "", "save the plan to this `file`")
	c.Flags().StringVar(&o.review, "review", "", "write the plan for reviewers to this `file`, as Markdown (.md) or HTML (.html)")
	c.Flags().StringVar(&o.impact, "impact", "", "a `file` of impact --save: guards cite the recorded calls")
	c.Flags().IntVar(&o.waves, "propose-waves", 0, "print `N` waves for the config instead of the plan, by the recorded calls of --impact")
	c.Flags().BoolVar(&o.remove, "remove", false, "plan the removal of everything that forcemfa manages")
	c.Flags().BoolVar(&o.detailed, "detailed-exitcode", false, "exit with 2 if the plan has steps")
	return c
}

type planOptions struct {
	organization.Flags
	guards   guards
	out      string
	detailed bool
	remove   bool
	all      bool
	verbose  bool
	impact   string
	review   string
	waves    int
	results  stream.Flags

	proposal *impact.Waves // of --propose-waves
}

// guards holds the flags that limit a plan or override a guard by name.
type guards struct {
	maxChanges string
	ack        []string
}

func (g *guards) add(c *cobra.Command) {
	c.Flags().StringVar(&g.maxChanges, "max-changes", "", "refuse a plan of more than `N` steps, or P% of the users")
	c.Flags().StringSliceVar(&g.ack, "ack", nil, "override a guard for one user: `GUARD:USER` or GUARD:ACCOUNT/USER")
}

func (g *guards) parse() (limit plan.Limit, acks []baseline.Acknowledgement, err error) {
	if limit, err = plan.ParseLimit(g.maxChanges); err != nil {
		return limit, nil, command.WithHint(err, "--max-changes takes 50 or 5%")
	}
	acks, err = command.Acknowledgements(g.ack)
	return limit, acks, err
}

// checkLimit refuses a plan with more changes than the limit.
func checkLimit(limit plan.Limit, p *plan.Plan) error {
	var over *plan.TooManyChangesError
	if err := limit.Check(p); errors.As(err, &over) {
		return &command.Error{Status: command.StatusGuarded, Err: err, Hint: "read the plan, then raise --max-changes or choose fewer --accounts"}
	}
	return nil
}

func runPlan(ctx context.Context, o *planOptions) error {
	limit, acks, err := o.guards.parse()
	if err != nil {
		return err
	}
	if err := errors.Join(checkReviewName(o.review), o.checkWaves()); err != nil {
		return err
	}
	results, err := o.results.Open(&o.Output)
	if err != nil {
		return err
	}
	defer results.Discard()
	s, err := o.OpenSurvey(ctx)
	if err != nil {
		return err
	}
	defer o.ProgressLine().Done()
	recorded, err := readImpact(o.impact, s)
	if err != nil {
		return err
	}
	s.Begin(ctx, results)
	p, err := s.Plan(ctx, survey.PlanOptions{Acknowledge: acks, Remove: o.remove, Impact: recorded, Sink: o.sink(results.Run(), recorded)})
	if err != nil {
		return err
	}
	results.Impact(recorded)
	results.Plan(p)
	if err := results.End(s.RunEnd(0)); err != nil {
		return err
	}
	p.Adopt = o.Adopt
	if err := o.show(s, p); err != nil {
		return err
	}
	if err := results.Commit(); err != nil {
		return err
	}
	if err := checkLimit(limit, p); err != nil {
		return err
	}
	if err := o.writeReview(s, p); err != nil {
		return err
	}
	if err := savePlan(&o.Flags, o.out, p, o.nextApply()); err != nil {
		return err
	}
	return s.Exit(o.status(p)...)
}

func (o *planOptions) status(p *plan.Plan) []int {
	sum := p.Summary()
	blocked, changes := command.StatusOK, command.StatusOK
	if sum.Blocked > 0 {
		blocked = command.StatusIncomplete
	}
	if o.detailed && sum.Steps > 0 {
		changes = command.StatusChanges
	}
	return []int{blocked, changes}
}

// show prints the plan in the requested format, or the proposed waves.
func (o *planOptions) show(s *organization.Survey, p *plan.Plan) error {
	if o.proposal != nil {
		return o.showWaves()
	}
	if o.JSON() {
		return view.JSON(o.Stdout(), struct {
			Plan    *plan.Plan   `json:"plan"`
			Summary plan.Summary `json:"summary"`
			Changes int          `json:"changes"` // steps that apply would make
			organization.Facts
		}{p, p.Summary(), p.Summary().Steps, s.Facts(p.Summary().Blocked)})
	}
	r := o.report(s, p)
	r.All, r.Verbose = o.all, o.all || o.verbose
	return o.PrintData(func(w io.Writer) error { return r.Text(w, o.Style()) })
}

// report is the plan with what could not be read and the command that applies it.
func (o *planOptions) report(s *organization.Survey, p *plan.Plan) *view.PlanReport {
	r := planReport(s, p)
	r.Unread, r.Skipped = s.Unread, s.Skipped
	switch sum := p.Summary(); {
	case sum.Steps > 0:
		r.Next = o.nextApply()
	case sum.Blocked > 0:
		r.Next = "follow the remedies above, then " + o.Next("plan"+o.overrides())
	case !o.remove && !s.NothingRead():
		r.Next = o.Next("verify")
	}
	return r
}

// nextApply is the command that applies the plan.
func (o *planOptions) nextApply() string {
	verb := "apply"
	if o.remove {
		verb += " --remove"
	}
	if o.out != "" {
		verb += " " + organization.Quoted(o.out)
	} else {
		verb += o.overrides()
	}
	return o.Next(verb)
}

// overrides are the flags that a saved plan keeps and another command has to repeat.
func (o *planOptions) overrides() string {
	var flags strings.Builder
	for _, name := range o.Adopt {
		flags.WriteString(" --adopt " + organization.Quoted(name))
	}
	for _, ack := range o.guards.ack {
		flags.WriteString(" --ack " + organization.Quoted(ack))
	}
	return flags.String()
}

// planReport is a plan with what is known about the organization.
func planReport(o *organization.Survey, p *plan.Plan) *view.PlanReport {
	return &view.PlanReport{Plan: p, Names: o.Names(), Head: o.Headline()}
}

// save writes a plan to a file, if one is named, and prints the command that applies
// it.
func savePlan(s *organization.Flags, name string, p *plan.Plan, apply string) error {
	if name == "" {
		return nil
	}
	if err := command.SavePlan(name, p); err != nil {
		return err
	}
	s.Remark("saved to %s; apply it with: %s", name, apply)
	return nil
}

// readImpact reads the file of --impact, which must be about the same organization; no
// name gives no report.
func readImpact(name string, s *organization.Survey) (*impact.Report, error) {
	if name == "" {
		return nil, nil
	}
	r, report, err := stream.ReadImpact(name)
	if err != nil {
		return nil, err
	}
	if id := s.ID(); r.Head.Organization != id {
		return nil, command.WithHint(fmt.Errorf("%s is about the organization %q, and these credentials are of %q", name, r.Head.Organization, id), "make it with forcemfa impact --save in this organization")
	}
	return report, nil
}
