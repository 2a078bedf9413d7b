package traffic

import (
	"bytes"
	"context"
	"slices"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/stream"
	"forcemfa/internal/impact"
	"forcemfa/internal/keys"
	"forcemfa/internal/org"
	"forcemfa/internal/view"
)

// NewKeys is the verb keys.
func NewKeys(e *command.Env) *cobra.Command {
	o := keysOptions{logOptions: newLogOptions(e)}
	c := &cobra.Command{
		Use:   "keys",
		Short: "Show which access keys to retire first",
		Long: `keys lists every access key, service-specific credential and SSH key of the
organization: its age, its last use, the worst that it can do without MFA, who uses it,
and the next step. The first to retire is first. It changes nothing.

What a key can do is decided from the policies of its user: administer the account,
also by way of a role, read or write all data, run code, read or write one bucket or
table. Who uses it is known from CloudTrail: --trail reads logs as impact does, with
the same flags for Athena, and may be repeated. With --sandbox it is the log of the sample's last month.

Active keys come before inactive ones, then those that can do the most, then those that
nothing has used for 90 days, then the oldest.

--save writes the run with every key, for "forcemfa report RUN --html FILE".
` + command.StatusHelp,
		Example: `  forcemfa keys --sandbox
  forcemfa keys --trail s3://trail-bucket/AWSLogs/o-abc123
  forcemfa keys --unused -o csv >keys.csv
  forcemfa keys --trail logs --save keys.json && forcemfa report keys.json --html report.html
  forcemfa keys retire AKIAIOSFODNN7EXAMPLE --for 1h
  forcemfa keys -o json | jq -r '.keys[0].id'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runKeys(c.Context(), &o) },
	}
	o.Add(c)
	addForms(c, &o.form, &o.Format, keysForms)
	o.addTrail(c)
	o.results.AddSave(c)
	c.Flags().StringVar(&o.user, "user", "", "only the keys of this user, by `name` or ARN")
	c.Flags().BoolVar(&o.unused, "unused", false, "only active keys that nothing has used for 90 days")
	c.Flags().BoolVar(&o.all, "all", false, "print every key; the text has the first 20 otherwise")
	c.AddCommand(newRetire(e), newReplace(e))
	return c
}

var keysForms = []string{"text", "json", "csv"}

type keysOptions struct {
	logOptions
	form   string // text, json or csv
	user   string
	unused bool
	all    bool

	results stream.Flags
}

func runKeys(ctx context.Context, o *keysOptions) error {
	o.longTerm = true
	results, err := o.results.Open(&o.Output)
	if err != nil {
		return err
	}
	defer results.Discard()
	o.audit = o.auditInto(ctx, results)
	var accounts []*org.Account
	s, report, err := o.read(ctx, func(a *org.Account) { accounts = append(accounts, a) })
	if err != nil {
		return err
	}
	defer o.ProgressLine().Done()
	l := keys.NewLister(s.Header, s.Target.Baseline, report, o.Env.Now())
	for i, a := range accounts {
		o.ProgressLine().Show("accounts decided:", i, len(accounts))
		l.Add(a)
	}
	o.ProgressLine().Done()
	ranking := l.Ranking()
	ranking.Unread, ranking.Problems = append(ranking.Unread, report.Unread...), append(ranking.Problems, report.Problems...)
	if report.Calls.Read > 0 {
		results.Impact(report)
	}
	results.Keys(ranking)
	if err := results.Finish(s.RunEnd(0)); err != nil {
		return err
	}
	if o.user != "" && !ranking.Of(o.user) && !hasUser(accounts, o.user) {
		return s.NoSuchUser(o.user)
	}
	if o.unused {
		ranking.Idle()
	}
	if err := o.print(s.Headline(), ranking, report); err != nil {
		return err
	}
	return incomplete(report)
}

// hasUser reports whether a user is in one of some accounts, by name or ARN.
func hasUser(accounts []*org.Account, user string) bool {
	return slices.ContainsFunc(accounts, func(a *org.Account) bool {
		return slices.ContainsFunc(a.Users, func(u org.User) bool { return u.Name == user || u.ARN == user })
	})
}

// firstKeys is how many keys the text has without --all.
const firstKeys = 20

func (o *keysOptions) print(head view.Headline, r *keys.Ranking, report *impact.Report) error {
	switch o.form {
	case "json":
		return view.JSON(o.Stdout(), struct {
			*keys.Ranking
			Head view.Headline `json:"head"`
		}{r, head})
	case "csv":
		o.printUnread(o.Stderr(), report)
		return view.KeysCSV(o.Stdout(), r)
	}
	most := firstKeys
	if o.all || o.user != "" {
		most = len(r.Keys)
	}
	var out bytes.Buffer
	view.Keys(&out, o.Style(), r, o.Env.Now(), most)
	o.printUnread(&out, report)
	return o.Style().Headline(o.Stdout(), head.Title, out.Bytes())
}
