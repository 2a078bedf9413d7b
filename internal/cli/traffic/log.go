package traffic

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"forcemfa/internal/apply"
	"forcemfa/internal/audit"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/offline"
	"forcemfa/internal/cli/organization"
	"forcemfa/internal/cli/stream"
	"forcemfa/internal/impact"
	"forcemfa/internal/org"
	"forcemfa/internal/rehearse"
	"forcemfa/internal/trail"
	"forcemfa/internal/trailbucket"
	"forcemfa/internal/trailquery"
	"forcemfa/internal/view"
)

// bucketDays is how much of a bucket is read unless --since says otherwise.
const bucketDays = 30

// logOptions are the flags of verbs that read an organization and its CloudTrail log.
type logOptions struct {
	organization.Flags
	sources []string
	since   string
	until   string

	byDay       bool // tell calls apart by day
	longTerm    bool // read every key of the organization
	athena      athenaOptions
	lookup      lookup
	after       int64         // only calls at this time or later; 0: all
	judge       *impact.Judge // of the organization that was read
	tally       *impact.Tally // of the log that was read
	first, last time.Time     // the days of since and until; zero: no limit

	// audit is called with the organization, and returns the sink of its audit; nil: it
	// is not audited.
	audit func(*organization.Survey) audit.Sink
}

func newLogOptions(e *command.Env) logOptions {
	return logOptions{Flags: organization.Flags{Output: command.Output{Env: e}}}
}

// addDays adds the flags that limit the log.
func (o *logOptions) addDays(c *cobra.Command) {
	c.Flags().StringVar(&o.since, "since", "", "first `day`, as 2026-11-01, or how long ago, as 30d (default: all; in a bucket 30d)")
	c.Flags().StringVar(&o.until, "until", "", "last `day`")
}

// addTrail adds the flags of the log to a verb whose arguments are no sources.
func (o *logOptions) addTrail(c *cobra.Command) {
	o.addDays(c)
	o.athena.add(c)
	c.Flags().StringArrayVar(&o.sources, "trail", nil, "a CloudTrail log: a `SOURCE` as of impact")
}

// read reads the organization, calling each with every account, and then the log. What
// the flags say about the log is checked first, because the organization may be large.
func (o *logOptions) read(ctx context.Context, each func(*org.Account)) (*organization.Survey, *impact.Report, error) {
	if err := o.days(); err != nil {
		return nil, nil, err
	}
	query, err := o.runner()
	if err != nil {
		return nil, nil, err
	}
	places, buckets, err := o.logPlaces()
	if err != nil {
		return nil, nil, err
	}
	s, err := o.readOrganization(ctx, each)
	if err != nil {
		return nil, nil, err
	}
	judge := o.judge
	if o.byDay {
		judge.ByDay()
	}
	files, err := o.bucketFiles(ctx, buckets)
	if err != nil {
		return nil, nil, err
	}
	tally, summary, err := o.readLog(ctx, judge, places, files)
	if err != nil {
		return nil, nil, err
	}
	if query != nil {
		duplicates, err := o.queryLog(ctx, s, tally, query)
		if err != nil {
			return nil, nil, err
		}
		summary.Duplicates += duplicates
	}
	if o.lookup.asked {
		if err := o.lookUp(ctx, s, tally, &summary); err != nil {
			return nil, nil, err
		}
	}
	o.tally = tally
	report, err := judge.Report(tally, summary)
	if err != nil {
		return nil, nil, err
	}
	report.Unread = s.Unread
	return s, report, nil
}

// incomplete is the exit status for what could not be read of the log and the
// organization.
func incomplete(r *impact.Report) error {
	return command.Exit(command.If(len(r.Problems)+len(r.Unread) > 0, command.StatusIncomplete))
}

// printUnread prints what could not be read of the log and the organization.
func (o *logOptions) printUnread(w io.Writer, r *impact.Report) {
	for _, p := range r.Problems {
		fmt.Fprintf(w, "not read: %s: %s\n", view.Clean(p.File), view.Clean(p.Why))
	}
	view.Unread(w, o.Style(), r.Unread)
}

// auditInto begins the run with the organization, and audits it if the run is saved or
// kept.
func (o *logOptions) auditInto(ctx context.Context, results *stream.Results) func(*organization.Survey) audit.Sink {
	return func(s *organization.Survey) audit.Sink {
		s.Begin(ctx, results)
		return results.Run()
	}
}

// readOrganization reads the accounts into the judge of recorded calls.
func (o *logOptions) readOrganization(ctx context.Context, each func(*org.Account)) (*organization.Survey, error) {
	t, err := o.Open(ctx)
	if err != nil {
		return nil, err
	}
	t.LongTerm = o.longTerm
	s, err := t.Survey(ctx)
	if err != nil {
		return nil, err
	}
	if o.judge, err = impact.NewJudge(s.Header, s.Target.Baseline, o.Env.Now()); err != nil {
		return nil, err
	}
	add := func(account *org.Account) error {
		each(account)
		return o.judge.Add(account)
	}
	return s, o.accounts(ctx, s, add)
}

// accounts adds each account, and audits it if the audit has a sink.
func (o *logOptions) accounts(ctx context.Context, s *organization.Survey, add func(*org.Account) error) error {
	if o.audit != nil {
		if sink := o.audit(s); sink != nil {
			var failed error
			s.Options.Account = func(account *org.Account) { failed = errors.Join(failed, add(account)) }
			return errors.Join(s.Audit(ctx, sink), failed)
		}
	}
	for account, err := range s.Accounts() {
		if err == nil {
			err = add(account)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// days reads --since and --until. Without --since a log of which only later calls are
// wanted begins on the day of those.
func (o *logOptions) days() (err error) {
	if o.first, err = o.day("since", o.since); err != nil {
		return err
	}
	if o.last, err = o.day("until", o.until); err != nil {
		return err
	}
	if o.first.IsZero() && o.after > 0 {
		o.first = time.Unix(o.after, 0).UTC().Truncate(24 * time.Hour)
	}
	if !o.last.IsZero() && o.last.Before(o.first) {
		return fmt.Errorf("--until %s is before --since %s", o.until, cmp.Or(o.since, o.first.Format(time.DateOnly)))
	}
	return nil
}

// day reads a date, or a number of days before now.
func (o *logOptions) day(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if number, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(number); err == nil && n >= 0 && n < 10000 {
			return o.Env.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -n), nil
		}
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return day, fmt.Errorf("--%s %q: use a day such as 2026-11-01, or how long ago, such as 30d", flag, text)
	}
	return day, nil
}

// within leaves out calls that are not between --since and --until.
func (o *logOptions) within(add func(*trail.Call)) func(*trail.Call) {
	if o.Filtered() {
		add = o.ofAccounts(add)
	}
	if o.first.IsZero() && o.last.IsZero() && o.after == 0 {
		return add
	}
	from, to := o.first.Unix(), o.last.AddDate(0, 0, 1).Unix()
	return func(c *trail.Call) {
		if c.Time < o.after {
			return
		}
		if (o.first.IsZero() || c.Time >= from) && (o.last.IsZero() || c.Time < to) {
			add(c)
		}
	}
}

// ofAccounts leaves out calls of users in accounts that the flags leave out. Role sessions
// stay: a user of a chosen account may have started them.
func (o *logOptions) ofAccounts(add func(*trail.Call)) func(*trail.Call) {
	accounts := o.judge.Accounts()
	return func(c *trail.Call) {
		user := c.Caller.Type == "IAMUser" || c.Caller.Type == "FederatedUser"
		if !user || slices.Contains(accounts, cmp.Or(c.Caller.Account, c.Account)) {
			add(c)
		}
	}
}

// bucketFiles lists the log files in S3.
func (o *logOptions) bucketFiles(ctx context.Context, buckets []apply.S3Place) (files []trail.LogFile, err error) {
	for _, place := range buckets {
		in := trailbucket.Options{Bucket: place.Bucket, Prefix: place.Prefix, Accounts: o.Accounts, Since: o.first, Until: o.last}
		if in.Since.IsZero() {
			in.Since = o.Env.Now().UTC().AddDate(0, 0, -bucketDays)
			o.Remark("reading the last %d days of %s; --since reads more", bucketDays, place)
		}
		progress := o.ProgressLine()
		in.Progress = func(n int) { progress.Show("log files listed:", n, 0) }
		cfg, err := o.AWSConfig(ctx)
		if err != nil {
			return nil, err
		}
		found, err := trailbucket.List(ctx, apply.S3Client(cfg), in)
		if err != nil {
			return nil, command.WithHint(err, "the caller needs s3:ListBucket and s3:GetObject on the bucket, and its Region")
		}
		if len(found) == 0 {
			return nil, command.WithHint(fmt.Errorf("%s has no CloudTrail log files of these days", place), "give the folder above AWSLogs, or an earlier --since")
		}
		files = append(files, found...)
	}
	return files, nil
}

// skew is how far the clock of this machine may be behind the log.
const skew = 24 * time.Hour

// readLog folds the calls of a log.
func (o *logOptions) readLog(ctx context.Context, judge *impact.Judge, places []trail.Place, files []trail.LogFile) (*impact.Tally, trail.Summary, error) {
	progress := o.ProgressLine()
	log := trail.Log{
		Places: places, Files: files, Workers: runtime.GOMAXPROCS(0), Latest: o.Env.Now().Add(skew),
		Progress: func(done, total int) { progress.Show("log files read:", done, total) },
	}
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

// logPlaces opens files and folders, and names those in S3. Without a source it is the
// log of the sample.
func (o *logOptions) logPlaces() (places []trail.Place, buckets []apply.S3Place, err error) {
	if len(o.sources) == 0 && o.Sandbox == rehearse.Sample {
		place, err := offline.SampleLog(o.Env.Now())
		return []trail.Place{place}, nil, err
	}
	for _, source := range o.sources {
		switch {
		case source == lookupSource:
			o.lookup.asked, o.History = true, true
			continue
		case strings.HasPrefix(source, trailquery.Scheme):
			continue
		case strings.HasPrefix(source, "s3://"):
			bucket, err := apply.ParseS3Place(source)
			if err != nil {
				return nil, nil, fmt.Errorf("source %w", err)
			}
			buckets = append(buckets, bucket)
			continue
		}
		place, err := offline.LogPlace(source)
		if err != nil {
			return nil, nil, err
		}
		places = append(places, place)
	}
	return places, buckets, nil
}
