// Package traffic is the verbs that read CloudTrail: what recorded calls say about a plan
// and about access keys.
package traffic

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/stream"
	"forcemfa/internal/impact"
	"forcemfa/internal/org"
	"forcemfa/internal/view"
)

// NewImpact is the verb impact.
func NewImpact(e *command.Env) *cobra.Command {
	o := impactOptions{logOptions: newLogOptions(e)}
	c := &cobra.Command{
		Use:   "impact [SOURCE…]",
		Short: "Show which recorded calls the planned policies would deny",
		Long: `impact reads CloudTrail logs and shows which users and access keys will stop working
when the plan is applied, and what to do about each. It changes nothing.

A SOURCE is a file or folder on disk: .json or .json.gz (an envelope with Records, an
array or JSON Lines), CloudTrail's folders as "aws s3 sync" copies them, or a .tar.gz or
.zip of those, or s3://BUCKET/PREFIX, of which only the accounts and days asked for are
listed and read, or athena://WORKGROUP/DATABASE.TABLE: one query in Athena folds the log,
and only distinct calls are read, or lookup: the Event history, which every account has
for 90 days without a trail, at two requests a second in each Region. Digest and Insight files are skipped. Without a SOURCE the list rests on
when access keys were last used; with --sandbox it is the log of the sample's last month.

Only the planned policies decide: a recorded success proves that today's policies
allowed the call. Calls that a service forwarded are shown and not counted twice, calls
that AWS refused before do not count. What the log cannot show is listed at the end.
` + command.StatusHelp,
		Example: `  forcemfa impact --sandbox
  aws s3 sync s3://trail-bucket/AWSLogs logs && forcemfa impact logs
  forcemfa impact s3://trail-bucket/AWSLogs/o-abc123 --since 30d
  forcemfa impact lookup --since 90d
  forcemfa impact lookup --user ci-deploy --regions us-east-1,eu-west-1
  forcemfa impact athena://primary/default.cloudtrail --since 90d --max-scan 500GB
  forcemfa impact athena://primary/default.cloudtrail --print-sql
  forcemfa impact logs --user ci-deploy
  forcemfa impact logs --by tool
  forcemfa impact logs --check impact.json
  forcemfa impact logs -o csv >impact.csv
  forcemfa impact logs --exempt-out exemptions.yaml
  forcemfa impact logs -o json | jq '.users[] | select(.denied > 0) | .arn'`,
		RunE: func(c *cobra.Command, args []string) error {
			o.sources = args
			return runImpact(c.Context(), &o)
		},
	}
	o.Add(c)
	addForms(c, &o.form, &o.Format, impactForms)
	c.Flags().StringVar(&o.user, "user", "", "show one user in full, by `name`, ARN or access key ID")
	o.results.AddSave(c)
	c.Flags().StringVar(&o.check, "check", "", "compare the forecast in this `file` of --save with the log since then")
	c.Flags().StringVar(&o.by, "by", "", "group the users who stop by account, ou, kind, tool, service, action, day, tag or tag:`KEY`")
	c.Flags().StringVar(&o.exempt, "exempt-out", "", "write exemptions of the service accounts who stop to this `file`, as a part of a config file")
	c.Flags().BoolVar(&o.redact, "redact", false, "replace names, accounts, keys and addresses by hashes with a key that stays on this machine")
	o.addDays(c)
	o.athena.add(c)
	c.Flags().BoolVar(&o.print, "print-sql", false, "print the statements for Athena and make no request")
	c.Flags().BoolVar(&o.all, "all", false, "also list users whose recorded calls go on")
	return c
}

type impactOptions struct {
	logOptions
	user   string
	by     string
	check  string // a saved run
	form   string // text, json, jsonl or csv
	exempt string // file
	redact bool
	all    bool
	print  bool // the statements for Athena

	head    view.Headline
	results stream.Flags
}

func runImpact(ctx context.Context, o *impactOptions) error {
	if o.print {
		return o.printSQL()
	}
	if o.check != "" {
		return runCheck(ctx, o)
	}
	if err := o.checkBy(); err != nil {
		return err
	}
	if o.results.Save != "" && o.redact {
		return errors.New("--save goes without --redact: plan --impact needs the names")
	}
	results, err := o.results.Open(&o.Output)
	if err != nil {
		return err
	}
	defer results.Discard()
	o.audit = o.auditInto(ctx, results)
	if o.results.Save == "" && o.by == "" && o.exempt == "" {
		o.lookup.only = o.user
	}
	s, report, err := o.read(ctx, func(*org.Account) {})
	if err != nil {
		return err
	}
	defer o.ProgressLine().Done()
	o.head = s.Headline()
	results.Impact(report)
	if err := results.Finish(s.RunEnd(0)); err != nil {
		return err
	}
	if err := o.write(report); err != nil {
		return err
	}
	incomplete := len(report.Problems) > 0 || report.Calls.Undecided > 0 || len(s.Unread) > 0
	return command.Exit(command.If(incomplete, command.StatusIncomplete))
}

func (o *impactOptions) printReport(r *impact.Report) error {
	if o.user != "" {
		return o.printUser(r)
	}
	if o.by != "" {
		return o.printGroups(r)
	}
	switch o.form {
	case "json":
		return view.JSON(o.Stdout(), o.headed(r))
	case "jsonl":
		return view.ImpactLines(o.Stdout(), r)
	case "csv":
		return view.ImpactCSV(o.Stdout(), r)
	}
	var out bytes.Buffer
	view.Impact(&out, o.Style(), r, o.Env.Now(), o.all)
	o.printAssumptions(&out, r)
	o.printUnread(&out, r)
	return o.Style().Headline(o.Stdout(), o.title(), out.Bytes())
}

// title is the line above the text; empty for a redacted report.
func (o *impactOptions) title() string {
	if o.redact {
		return ""
	}
	return o.head.Title
}

// headed is a report with its head, which names the organization: a redacted report has
// none.
func (o *impactOptions) headed(r *impact.Report) any {
	if o.redact {
		return r
	}
	return struct {
		*impact.Report
		Head view.Headline `json:"head"`
	}{r, o.head}
}

func (o *impactOptions) printUser(r *impact.Report) error {
	found := slices.DeleteFunc(slices.Clone(r.Users), func(u impact.User) bool { return u.Name != o.user && u.ARN != o.user && !u.HasKey(o.user) })
	if len(found) == 0 {
		return command.WithHint(fmt.Errorf("user %q is neither in the log nor uses an access key", o.user), `"forcemfa impact --all" lists the users`)
	}
	if o.JSON() {
		return view.JSON(o.Stdout(), found)
	}
	for i := range found {
		view.ImpactUser(o.Stdout(), o.Style(), &found[i])
	}
	return nil
}
