package cli

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/impact"
	"forcemfa/internal/rehearse"
	"forcemfa/internal/trail"
	"forcemfa/internal/view"
)

func newImpact(e *command.Env) *cobra.Command {
	o := impactOptions{shared: shared{Output: command.Output{Env: e}}}
	c := &cobra.Command{
		Use:   "impact [SOURCE…]",
		Short: "Show which recorded calls the planned policies would deny",
		Long: `impact reads CloudTrail logs and shows which users and access keys will stop working
when the plan is applied, and what to do about each. It changes nothing.

A SOURCE is a file or folder on disk: .json or .json.gz (an envelope with Records, an
array or JSON Lines), CloudTrail's folders as "aws s3 sync" copies them, or a .tar.gz or
.zip of those, or s3://BUCKET/PREFIX, of which only the accounts and days asked for are
listed and read. Digest and Insight files are skipped. Without a SOURCE the list rests on
when access keys were last used; with --sandbox it is the log of the sample's last month.

Only the planned policies decide: a recorded success proves that today's policies
allowed the call. Calls that a service forwarded are shown and not counted twice, calls
that AWS refused before do not count. What the log cannot show is listed at the end.
` + command.StatusHelp,
		Example: `  forcemfa impact --sandbox
  aws s3 sync s3://trail-bucket/AWSLogs logs && forcemfa impact logs
  forcemfa impact s3://trail-bucket/AWSLogs/o-abc123 --since 30d
  forcemfa impact logs --user ci-deploy
  forcemfa impact logs --by tool
  forcemfa impact logs -o csv >impact.csv
  forcemfa impact logs --exempt-out exemptions.yaml
  forcemfa impact logs -o json | jq '.users[] | select(.denied > 0) | .arn'`,
		RunE: func(c *cobra.Command, args []string) error { return runImpact(c.Context(), &o, args) },
	}
	o.add(c)
	o.addFormats(c)
	c.Flags().StringVar(&o.user, "user", "", "show one user in full, by `name` or ARN")
	c.Flags().StringVar(&o.save, "save", "", "save the report to this `file`, for plan --impact")
	c.Flags().StringVar(&o.by, "by", "", "group the users who stop by account, ou, kind, tool, service, action or tag:`KEY`")
	c.Flags().StringVar(&o.exempt, "exempt-out", "", "write exemptions of the service accounts who stop to this `file`, as a part of a config file")
	c.Flags().BoolVar(&o.redact, "redact", false, "replace names, accounts, keys and addresses by hashes with a key that stays on this machine")
	c.Flags().StringVar(&o.since, "since", "", "first `day`, as 2026-11-01, or how long ago, as 30d (default: all; in a bucket 30d)")
	c.Flags().StringVar(&o.until, "until", "", "last `day`")
	c.Flags().BoolVar(&o.all, "all", false, "also list users whose recorded calls go on")
	return c
}

type impactOptions struct {
	shared
	user   string
	by     string
	save   string
	form   string // text, json, jsonl or csv
	exempt string // file
	redact bool
	all    bool
	since  string
	until  string

	first, last time.Time // the days of since and until; zero: no limit
}

func runImpact(ctx context.Context, o *impactOptions, sources []string) error {
	if err := o.days(); err != nil {
		return err
	}
	places, err := o.logPlaces(sources)
	if err != nil {
		return err
	}
	s, err := o.openOrganization(ctx)
	if err != nil {
		return err
	}
	defer o.ProgressLine().Done()
	judge, err := impact.NewJudge(s.Header, s.baseline, o.Env.Now())
	if err != nil {
		return err
	}
	for account, err := range s.Accounts() {
		if err != nil {
			return err
		}
		if err := judge.Add(account); err != nil {
			return err
		}
	}
	files, err := o.bucketFiles(ctx, sources)
	if err != nil {
		return err
	}
	tally, summary, err := o.readLog(ctx, judge, places, files)
	if err != nil {
		return err
	}
	report, err := judge.Report(tally, summary)
	if err != nil {
		return err
	}
	report.Unread = s.Unread
	if err := o.saveReport(s, report); err != nil {
		return err
	}
	if err := o.write(report); err != nil {
		return err
	}
	incomplete := len(report.Problems) > 0 || report.Calls.Undecided > 0 || len(s.Unread) > 0
	return command.Exit(command.If(incomplete, command.StatusIncomplete))
}

// readLog folds the calls of a log.
func (o *impactOptions) readLog(ctx context.Context, judge *impact.Judge, places []trail.Place, files []trail.LogFile) (*impact.Tally, trail.Summary, error) {
	progress := o.ProgressLine()
	log := trail.Log{Places: places, Files: files, Workers: runtime.GOMAXPROCS(0), Progress: func(done, total int) { progress.Show("log files read:", done, total) }}
	var tallies []*impact.Tally
	summary, err := log.Read(ctx, func() func(*trail.Call) {
		t := judge.NewTally()
		tallies = append(tallies, t)
		return o.within(t.Add)
	})
	if err != nil {
		return nil, summary, err
	}
	all := judge.NewTally()
	for _, t := range tallies {
		all.Merge(t)
	}
	return all, summary, nil
}

// logPlaces opens files and folders; without any, the log of the sample.
func (o *impactOptions) logPlaces(sources []string) ([]trail.Place, error) {
	if len(sources) == 0 && o.sandbox == rehearse.Sample {
		return sampleLog(o.Env.Now())
	}
	var places []trail.Place
	for _, source := range sources {
		if strings.HasPrefix(source, "s3://") {
			continue
		}
		info, err := os.Stat(source)
		if err != nil {
			return nil, command.FileError("read the log", err)
		}
		if info.IsDir() {
			places = append(places, trail.Place{FS: os.DirFS(source), Root: ".", Name: source})
			continue
		}
		dir, base := filepath.Split(filepath.Clean(source))
		root := dir
		if root == "" {
			root = "."
		}
		places = append(places, trail.Place{FS: os.DirFS(root), Root: base, Name: dir})
	}
	return places, nil
}

func sampleLog(now time.Time) ([]trail.Place, error) {
	archive, _, err := sample.Month(now)
	if err != nil {
		return nil, err
	}
	files, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, err
	}
	return []trail.Place{{FS: files, Root: ".", Name: "sample"}}, nil
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
		return view.JSON(o.Stdout(), r)
	case "jsonl":
		return view.ImpactLines(o.Stdout(), r)
	case "csv":
		return view.ImpactCSV(o.Stdout(), r)
	}
	view.Impact(o.Stdout(), o.Style(), r, o.Env.Now(), o.all)
	for _, p := range r.Problems {
		fmt.Fprintf(o.Stdout(), "not read: %s: %s\n", view.Clean(p.File), view.Clean(p.Why))
	}
	view.Unread(o.Stdout(), o.Style(), r.Unread)
	return nil
}

func (o *impactOptions) printUser(r *impact.Report) error {
	found := slices.DeleteFunc(slices.Clone(r.Users), func(u impact.User) bool { return u.Name != o.user && u.ARN != o.user })
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
