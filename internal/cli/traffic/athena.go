package traffic

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/spf13/cobra"

	"forcemfa/internal/apply"
	"forcemfa/internal/baseline"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/organization"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/impact"
	"forcemfa/internal/org"
	"forcemfa/internal/rehearse"
	"forcemfa/internal/trailbucket"
	"forcemfa/internal/trailquery"
	"forcemfa/internal/trailsql"
	"forcemfa/internal/view"
)

// athenaOptions are the flags of a source in Athena.
type athenaOptions struct {
	create   string        // where the logs are; empty: the table exists
	location string        // where the logs of an existing table are, for the estimate
	folder   apply.S3Place // create or location
	output   string        // s3://bucket/prefix
	regions  []string      // of the table and the query
	maxScan  string
	price    float64 // for a TB, in USD; 0: that of the config file
	yes      bool
}

func (a *athenaOptions) add(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&a.create, "create-table", "", "create the table in Athena over the log in this `folder`: s3://BUCKET/PREFIX/AWSLogs/O-ID")
	f.StringVar(&a.location, "location", "", "the `folder` of the log of an existing table, for the estimate of the cost")
	f.StringVar(&a.output, "athena-output", "", "`folder` for Athena's answers, s3://BUCKET/PREFIX (default: that of the workgroup)")
	f.StringSliceVar(&a.regions, "regions", nil, "only these `Regions` of the table in Athena or of lookup (default all)")
	f.StringVar(&a.maxScan, "max-scan", "", "refuse or stop a query in Athena that scans more than this `size`, as 500GB")
	f.Float64Var(&a.price, "price-per-tb", 0, "`USD` for each TB that Athena scans, for the estimate (default: athena.price_per_tb of the config file, 5)")
	f.BoolVar(&a.yes, "yes", false, "start the query in Athena without a question")
}

// parseSize reads a size in powers of 1,000, as Athena is billed and limited.
func parseSize(text string) (int64, error) {
	number, unit := strings.TrimRight(text, "BKMGTkmgt"), strings.ToUpper(strings.TrimLeft(text, "0123456789."))
	factor, known := map[string]float64{"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}[unit]
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || !known || n <= 0 || n*factor > 1e18 {
		return 0, fmt.Errorf("--max-scan %q: use a size such as 500GB or 1.5TB", text)
	}
	return int64(n * factor), nil
}

// querySource is the source in Athena; ok is false without one.
func (o *logOptions) querySource() (source trailquery.Source, ok bool, err error) {
	for _, text := range o.sources {
		if !strings.HasPrefix(text, trailquery.Scheme) {
			continue
		}
		if len(o.sources) > 1 {
			return source, false, errors.New("a source in Athena stands alone: its table holds the whole log")
		}
		source, err = trailquery.ParseSource(text)
		return source, err == nil, err
	}
	return source, false, nil
}

// queryLog folds the log of a source in Athena into a tally.
func (o *logOptions) queryLog(ctx context.Context, s *organization.Survey, tally *impact.Tally, r *trailquery.Runner) (duplicates int, err error) {
	cfg, err := o.AWSConfig(ctx)
	if err != nil {
		return 0, err
	}
	r.Client = athena.NewFromConfig(cfg)
	if o.athena.price == 0 {
		o.athena.price = s.Target.Baseline.Athena.PricePerTB
	}
	source := r.Source
	o.lastMonth(source)
	if err := r.Check(ctx); err != nil {
		return 0, &command.Error{Status: command.StatusGuarded, Err: err, Hint: "set the limit of the workgroup (athena:UpdateWorkGroup, BytesScannedCutoffPerQuery) to --max-scan or less"}
	}
	accounts := o.judge.Accounts()
	if err := o.agree(ctx, accounts, s.Header.Partition); err != nil {
		return 0, err
	}
	if o.athena.create != "" {
		table := o.table(source, accounts, s.Header.Partition)
		if _, err := r.Run(ctx, table.Create(), func([]string) error { return nil }); err != nil {
			return 0, fmt.Errorf("create the table %s.%s: %w", source.Database, source.Table, err)
		}
	}
	q := o.query(o.judge, source)
	scanned, err := r.Run(ctx, q.Select(), func(cells []string) error {
		row, err := trailsql.Parse(cells)
		if err == nil {
			duplicates += tally.AddRow(&row)
		}
		return err
	})
	o.ProgressLine().Done()
	o.Remark("Athena scanned %s (%.2f USD at %.2f USD per TB)", trailquery.Bytes(scanned), float64(scanned)/1e12*o.athena.price, o.athena.price)
	return duplicates, err
}

// parseFolder reads the folder of the log.
func (a *athenaOptions) parseFolder() (err error) {
	flag, text := "--location", a.location
	if a.create != "" {
		flag, text = "--create-table", a.create
	}
	if text == "" {
		return nil
	}
	if a.folder, err = apply.ParseS3Place(text); err != nil {
		return fmt.Errorf("%s %w", flag, err)
	}
	return nil
}

// lastMonth sets the days of a query without --since: a table has years of logs.
func (o *logOptions) lastMonth(source trailquery.Source) {
	today := o.Env.Now().UTC().Truncate(24 * time.Hour)
	if o.first.IsZero() {
		o.first = today.AddDate(0, 0, -bucketDays)
		o.Remark("reading the last %d days of %s.%s; --since reads more", bucketDays, source.Database, source.Table)
	}
	if o.last.IsZero() {
		o.last = today
	}
}

// runner is the source in Athena with its limit, without a client; nil without such a
// source.
func (o *logOptions) runner() (*trailquery.Runner, error) {
	source, ok, err := o.querySource()
	if err != nil || !ok {
		return nil, err
	}
	r := &trailquery.Runner{Source: source, Output: o.athena.output}
	if o.athena.maxScan != "" {
		if r.MaxScan, err = parseSize(o.athena.maxScan); err != nil {
			return nil, err
		}
	}
	if err := o.athena.parseFolder(); err != nil {
		return nil, err
	}
	progress := o.ProgressLine()
	r.Progress = func(scanned int64) { progress.Show("Athena has scanned MB:", int(scanned/1e6), 0) }
	return r, nil
}

// query is the SELECT of the judge over the accounts, Regions and days asked for.
func (o *logOptions) query(judge *impact.Judge, source trailquery.Source) *trailsql.Query {
	q := judge.Query()
	q.Database, q.Table, q.Regions, q.First, q.Last = source.Database, source.Table, o.athena.regions, o.first, o.last
	if o.after > 0 {
		q.First = time.Unix(o.after, 0)
	}
	if o.Filtered() {
		q.Accounts = judge.Accounts()
	}
	if len(q.Accounts) == 0 {
		q.Accounts = o.Accounts
	}
	return &q
}

func (o *logOptions) table(source trailquery.Source, accounts []string, partition string) *trailsql.Table {
	first := o.first
	if first.IsZero() {
		first = o.Env.Now().UTC().AddDate(-1, 0, 0)
	}
	return &trailsql.Table{Database: source.Database, Name: source.Table, Location: o.athena.create, Accounts: accounts, Regions: o.regionsOf(partition), First: first}
}

func (o *logOptions) regionsOf(partition string) []string {
	if len(o.athena.regions) > 0 {
		return o.athena.regions
	}
	return trailsql.Regions(partition)
}

// agree shows what the query will cost and asks before it is started.
func (o *logOptions) agree(ctx context.Context, accounts []string, partition string) error {
	cost := "an unknown number of bytes (--location gives an estimate)"
	if o.athena.folder.Bucket != "" {
		e, err := o.estimate(ctx, accounts, o.regionsOf(partition))
		if err != nil {
			return err
		}
		cost = fmt.Sprintf("about %s ± %s, %.2f ± %.2f USD at %.2f USD per TB (%s of %s listed)", trailquery.Bytes(int64(e.Bytes)), trailquery.Bytes(int64(e.Error)),
			e.Bytes/1e12*o.athena.price, e.Error/1e12*o.athena.price, o.athena.price, view.Count(e.Sampled, "folder"), view.Count(e.Folders, "folder"))
	}
	if o.athena.yes {
		o.Remark("the query scans %s", cost)
		return nil
	}
	return o.Env.Agree(ctx, "The query scans "+cost+". Start it?", "add --yes")
}

func (o *logOptions) estimate(ctx context.Context, accounts, regions []string) (trailbucket.Estimate, error) {
	cfg, err := o.AWSConfig(ctx)
	if err != nil {
		return trailbucket.Estimate{}, err
	}
	in := trailbucket.Options{Bucket: o.athena.folder.Bucket, Prefix: o.athena.folder.Prefix, Accounts: accounts, Since: o.first, Until: o.last}
	e, err := trailbucket.EstimateSize(ctx, apply.S3Client(cfg), in, regions, uint64(o.first.Unix()))
	if err != nil {
		return e, command.WithHint(err, "the caller needs s3:ListBucket on the bucket, and its Region")
	}
	return e, nil
}

// printSQL prints the statements of a source in Athena. It makes no request.
func (o *impactOptions) printSQL() error {
	source, ok, err := o.querySource()
	switch {
	case err != nil:
		return err
	case !ok:
		return errors.New("--print-sql needs a source in Athena: athena://WORKGROUP/DATABASE.TABLE")
	}
	if err := o.days(); err != nil {
		return err
	}
	b, err := o.ReadBaseline(func() (*baseline.Baseline, error) {
		if o.Sandbox == rehearse.Sample {
			return baseline.Parse("forcemfa.yaml", sample.Config())
		}
		return baseline.Default(), nil
	})
	if err != nil {
		return err
	}
	judge, err := impact.NewJudge(&org.Header{Partition: "aws"}, b, o.Env.Now())
	if err != nil {
		return err
	}
	accounts, folder := o.printedPlace()
	o.athena.create = folder
	q := o.query(judge, source)
	_, err = fmt.Fprintf(o.Stdout(), "-- The table: CloudTrail's columns, partitions projected for each account, Region and day.\n%s;\n\n-- The distinct calls, and the evidence about each key.\n%s;\n",
		strings.TrimRight(o.table(source, accounts, "aws").Create(), "\n"), strings.TrimRight(q.Select(), "\n"))
	return err
}

// printedPlace is the accounts and the folder of a table that is only printed: those of
// the flags, of the sample, or words to replace.
func (o *impactOptions) printedPlace() (accounts []string, folder string) {
	accounts, folder = slices.Clone(o.Accounts), o.athena.create
	if o.Sandbox == rehearse.Sample {
		header, all := sample.Organization()
		for i := range all {
			if len(o.Accounts) == 0 {
				accounts = append(accounts, all[i].ID)
			}
		}
		if folder == "" {
			folder = "s3://TRAIL-BUCKET/AWSLogs/" + header.Organization.ID
		}
	}
	if len(accounts) == 0 {
		accounts = []string{"ACCOUNT-IDS"}
		o.Remark("replace ACCOUNT-IDS by the IDs of the accounts, or name them in --accounts")
	}
	if folder == "" {
		folder = "s3://TRAIL-BUCKET/AWSLogs/O-ID"
		o.Remark("replace TRAIL-BUCKET and O-ID, or name the folder in --create-table")
	}
	return accounts, folder
}
