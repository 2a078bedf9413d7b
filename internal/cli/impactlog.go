package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"forcemfa/internal/apply"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/trail"
	"forcemfa/internal/trailbucket"
)

// bucketDays is how much of a bucket is read unless --since says otherwise.
const bucketDays = 30

// days reads --since and --until.
func (o *impactOptions) days() (err error) {
	if o.first, err = o.day("since", o.since); err != nil {
		return err
	}
	if o.last, err = o.day("until", o.until); err != nil {
		return err
	}
	if !o.last.IsZero() && o.last.Before(o.first) {
		return fmt.Errorf("--until %s is before --since %s", o.until, o.since)
	}
	return nil
}

// day reads a date, or a number of days before now.
func (o *impactOptions) day(flag, text string) (time.Time, error) {
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
func (o *impactOptions) within(add func(*trail.Call)) func(*trail.Call) {
	if o.first.IsZero() && o.last.IsZero() {
		return add
	}
	from, to := o.first.Unix(), o.last.AddDate(0, 0, 1).Unix()
	return func(c *trail.Call) {
		if (o.first.IsZero() || c.Time >= from) && (o.last.IsZero() || c.Time < to) {
			add(c)
		}
	}
}

// bucketFiles lists the log files of the sources in S3.
func (o *impactOptions) bucketFiles(ctx context.Context, sources []string) (files []trail.LogFile, err error) {
	for _, source := range sources {
		if !strings.HasPrefix(source, "s3://") {
			continue
		}
		place, err := apply.ParseS3Place(source)
		if err != nil {
			return nil, fmt.Errorf("source %w", err)
		}
		in := trailbucket.Options{Bucket: place.Bucket, Prefix: place.Prefix, Accounts: o.accounts, Since: o.first, Until: o.last}
		if in.Since.IsZero() {
			in.Since = o.Env.Now().UTC().AddDate(0, 0, -bucketDays)
			o.Remark("reading the last %d days of %s; --since reads more", bucketDays, source)
		}
		progress := o.ProgressLine()
		in.Progress = func(n int) { progress.Show("log files listed:", n, 0) }
		cfg, err := o.awsConfig(ctx)
		if err != nil {
			return nil, err
		}
		client := s3.NewFromConfig(cfg, func(s *s3.Options) { s.UsePathStyle = cfg.BaseEndpoint != nil })
		found, err := trailbucket.List(ctx, client, in)
		if err != nil {
			return nil, command.WithHint(err, "the caller needs s3:ListBucket and s3:GetObject on the bucket, and its Region")
		}
		if len(found) == 0 {
			return nil, command.WithHint(fmt.Errorf("%s has no CloudTrail log files of these days", source), "give the folder above AWSLogs, or an earlier --since")
		}
		files = append(files, found...)
	}
	return files, nil
}
