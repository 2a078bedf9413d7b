package auditor

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"forcemfa/internal/audit"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/stream"
	"forcemfa/internal/compare"
	"forcemfa/internal/history"
	"forcemfa/internal/report"
	"forcemfa/internal/run"
	"forcemfa/internal/view"
)

// NewReport returns the verb report.
func NewReport(e *command.Env) *cobra.Command {
	o := reportOptions{Output: command.Output{Env: e}}
	c := &cobra.Command{
		Use:   "report [RUN]",
		Short: "Write a saved run as HTML, or in any format of audit",
		Long: `report reads a run that was saved with --save, or kept in the history, and writes it as
text, as one HTML page, or in any format of audit. It reads the file only, and needs no
AWS account.

--html writes one HTML file for managers and auditors: who can act without MFA, by
account and unit, the ten worst in words, exemptions, what was not read, and below it
every user and finding with filters and search. The file loads nothing from the network.

--since compares the run with an earlier one: which findings are new, fixed, changed and
still there. --trend shows the numbers of all kept runs of the organization of RUN;
without RUN, of the only organization that has kept runs. It takes the formats text,
json, csv and svg; with --html and RUN it adds the trend to the page.
` + command.StatusHelp,
		Example: `  forcemfa audit --save run.json
  forcemfa report run.json --html report.html
  forcemfa report run.json --html report.html --since last-week.json --trend
  forcemfa report run.json --since last-week.json -o markdown
  forcemfa report run.json -o csv=users.csv -o ocsf=findings.json
  forcemfa report --trend -o svg=trend.svg`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return runReport(c, &o, args) },
	}
	o.AddFlags(c)
	o.results.AddFormats(c, &o.Output, "svg")
	f := c.Flags()
	f.StringVar(&o.results.Page, "html", "", "write the report as one HTML page to this `file`; - is stdout")
	f.StringVar(&o.since, "since", "", "compare with this earlier `RUN`")
	f.BoolVar(&o.trend, "trend", false, "show the numbers of the kept runs; with --html, add them to the page")
	f.BoolVar(&o.all, "all", false, "show every user, finding and difference")
	f.StringVar(&o.groupBy, "group-by", "", "group the findings by account, rule or user")
	return c
}

type reportOptions struct {
	command.Output
	results stream.Flags
	since   string
	trend   bool
	all     bool
	groupBy string
}

func runReport(c *cobra.Command, o *reportOptions, args []string) error {
	if o.groupBy != "" {
		if err := command.OneOf("group-by", o.groupBy, view.ByAccount, view.ByRule, view.ByUser); err != nil {
			return err
		}
	}
	html := o.results.Page
	switch {
	case len(args) == 0 && html != "":
		return command.Misused(c, errors.New("--html needs a RUN"))
	case len(args) == 0 && !o.trend:
		return command.Misused(c, errors.New("report needs a RUN, or --trend"))
	case html == "-" && o.results.ToStdout():
		return command.WithHint(errors.New("--html - and --output would both go to stdout"), "name a file: -o FORMAT=FILE")
	}
	var r *run.Run // nil: none is named
	if len(args) == 1 {
		var err error
		if r, err = openRun(args[0]); err != nil {
			return err
		}
	}
	if o.trend && html == "" {
		return o.runTrend(r)
	}
	return o.runPage(r)
}

// runPage writes a run in the formats of --output, as a page, or both.
func (o *reportOptions) runPage(r *run.Run) (err error) {
	var since *compare.Result
	if o.since != "" {
		if since, err = compared(o.since, r); err != nil {
			return err
		}
	}
	if o.results.Page == "" || o.results.Given() {
		if err := o.write(r, since); err != nil {
			return err
		}
	}
	if o.results.Page == "" {
		return nil
	}
	earlier := report.Earlier{Since: sinceOf(since)}
	if o.trend {
		if earlier.Trend, err = o.moments(r); err != nil {
			return err
		}
	}
	return o.writeHTML(func(w io.Writer) error { return stream.RunError(report.Of(w, r, earlier)) })
}

// writeHTML writes the page to stdout, or the whole file or nothing.
func (o *reportOptions) writeHTML(write func(io.Writer) error) error {
	if o.results.Page == "-" {
		return write(o.Env.Stdout)
	}
	if err := command.WriteStream(o.results.Page, 0o600, write); err != nil {
		return err
	}
	o.Remark("written: %s", o.results.Page)
	return nil
}

// openRun opens a saved run.
func openRun(name string) (*run.Run, error) {
	r, err := history.Open(name)
	return r, stream.RunError(err)
}

// compared is the difference between an earlier run and this one.
func compared(name string, later *run.Run) (*compare.Result, error) {
	earlier, err := openRun(name)
	if err != nil {
		return nil, err
	}
	result, err := compare.Runs(earlier, later)
	var mixed *compare.MixedError
	if errors.As(err, &mixed) {
		return nil, command.WithHint(err, "compare two runs of one organization")
	}
	return result, stream.RunError(err)
}

// write writes the run in the formats of --output.
func (o *reportOptions) write(r *run.Run, since *compare.Result) error {
	results, err := o.results.Open(&o.Output)
	if err != nil {
		return err
	}
	defer results.Discard()
	err = o.PrintData(func(w io.Writer) error {
		sink, err := results.Sink(w, r.Head, o.text)
		if err != nil {
			return err
		}
		for record, err := range r.Records() {
			if err != nil {
				return stream.RunError(err)
			}
			record.Send(sink)
			if record.Proofs != nil {
				sink.Verified(view.Verification(*record.Proofs))
			}
		}
		return sink.Close(view.Conclusion{Head: r.Head, End: r.End, Since: since})
	})
	if err != nil {
		return err
	}
	return results.Commit()
}

func (o *reportOptions) text(w io.Writer) view.AuditSink {
	text := view.NewAuditText(w, o.Style())
	text.All, text.GroupBy = o.all, o.groupBy
	return text
}

// mostLines is more differences than the page shows in words.
const mostLines = 20

// sinceOf is the comparison as the page shows it: numbers, and the worst differences.
func sinceOf(r *compare.Result) *report.Since {
	if r == nil {
		return nil
	}
	s := &report.Since{Time: r.Earlier.Head.Time, Counts: r.Earlier.Users, New: len(r.New), Fixed: len(r.Fixed), Changed: len(r.Changed), Stayed: len(r.Stayed)}
	for _, group := range []struct {
		kind string
		list []audit.Finding
	}{{"New", r.New}, {"Fixed", r.Fixed}} {
		for _, f := range slices.SortedFunc(slices.Values(group.list), compare.Worst) {
			if len(s.Lines) < mostLines && (f.Severity == audit.Critical || f.Severity == audit.High) {
				s.Lines = append(s.Lines, fmt.Sprintf("%s: %s in %s, %s: %s", group.kind, f.Subject, view.AccountName(f.Account, f.AccountName), f.Rule, f.What))
			}
		}
	}
	return s
}
