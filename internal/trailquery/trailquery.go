// Package trailquery runs queries over CloudTrail's log files in Athena, with a limit on
// the bytes that a query may scan.
package trailquery

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"
	smithytime "github.com/aws/smithy-go/time"
)

// A Source is athena://WORKGROUP/DATABASE.TABLE.
type Source struct{ WorkGroup, Database, Table string }

// Scheme begins the text of a [Source].
const Scheme = "athena://"

// ParseSource reads a Source.
func ParseSource(text string) (Source, error) {
	rest, ok := strings.CutPrefix(text, Scheme)
	group, table, _ := strings.Cut(rest, "/")
	database, name, _ := strings.Cut(table, ".")
	if !ok || group == "" || database == "" || name == "" || strings.ContainsAny(table, "/`\"") {
		return Source{}, fmt.Errorf("source %q: want athena://WORKGROUP/DATABASE.TABLE", text)
	}
	return Source{group, database, name}, nil
}

// A Runner runs queries in a workgroup.
type Runner struct {
	Client   *athena.Client
	Source   Source
	Output   string // s3://bucket/prefix for answers; empty: that of the workgroup
	MaxScan  int64  // bytes; 0: no limit
	Interval time.Duration
	Progress func(scanned int64) // nil: never
}

// A ScanError is a query that was stopped because it scanned too much.
type ScanError struct{ Scanned, Limit int64 }

func (e *ScanError) Error() string {
	return fmt.Sprintf("the query was stopped after it had scanned %s, more than --max-scan %s", Bytes(e.Scanned), Bytes(e.Limit))
}

// Check refuses a limit that the workgroup does not enforce: this program watches the
// bytes as well, and can be killed meanwhile.
// Source: Athena User Guide, "Configure per-query and workgroup-wide data usage controls".
func (r *Runner) Check(ctx context.Context) error {
	out, err := r.Client.GetWorkGroup(ctx, &athena.GetWorkGroupInput{WorkGroup: &r.Source.WorkGroup})
	if err != nil {
		return fmt.Errorf("read the workgroup %s: %w", r.Source.WorkGroup, err)
	}
	if r.MaxScan == 0 || out.WorkGroup == nil || out.WorkGroup.Configuration == nil {
		return nil
	}
	switch cutoff := out.WorkGroup.Configuration.BytesScannedCutoffPerQuery; {
	case cutoff == nil:
		return fmt.Errorf("the workgroup %s has no limit of bytes that a query may scan, and --max-scan is %s", r.Source.WorkGroup, Bytes(r.MaxScan))
	case *cutoff > r.MaxScan:
		return fmt.Errorf("the workgroup %s lets a query scan %s, more than --max-scan %s", r.Source.WorkGroup, Bytes(*cutoff), Bytes(r.MaxScan))
	}
	return nil
}

// Run runs a statement to its end and calls each with the rows of its answer, the header
// left out. A query that scans too much, or whose context ends, is stopped.
func (r *Runner) Run(ctx context.Context, sql string, each func(cells []string) error) (scanned int64, err error) {
	in := &athena.StartQueryExecutionInput{QueryString: &sql, WorkGroup: &r.Source.WorkGroup, QueryExecutionContext: &types.QueryExecutionContext{Database: &r.Source.Database}}
	if r.Output != "" {
		in.ResultConfiguration = &types.ResultConfiguration{OutputLocation: &r.Output}
	}
	out, err := r.Client.StartQueryExecution(ctx, in)
	if err != nil {
		return 0, fmt.Errorf("start the query: %w", err)
	}
	id := aws.ToString(out.QueryExecutionId)
	if scanned, err = r.wait(ctx, id); err != nil {
		return scanned, err
	}
	return scanned, r.rows(ctx, id, each)
}

// wait waits for the end of a query and watches what it scans.
func (r *Runner) wait(ctx context.Context, id string) (scanned int64, err error) {
	for {
		out, err := r.Client.GetQueryExecution(ctx, &athena.GetQueryExecutionInput{QueryExecutionId: &id})
		if err != nil {
			return scanned, errors.Join(fmt.Errorf("watch query %s: %w", id, err), r.stop(ctx, id))
		}
		q := out.QueryExecution
		if q == nil || q.Status == nil {
			return scanned, errors.Join(fmt.Errorf("watch query %s: the answer has no state of the query; it may not come from AWS", id), r.stop(ctx, id))
		}
		if q.Statistics != nil {
			scanned = aws.ToInt64(q.Statistics.DataScannedInBytes)
		}
		if r.Progress != nil {
			r.Progress(scanned)
		}
		switch state := q.Status.State; state {
		case types.QueryExecutionStateSucceeded:
			return scanned, nil
		case types.QueryExecutionStateFailed, types.QueryExecutionStateCancelled:
			return scanned, fmt.Errorf("query %s: %s: %s", id, strings.ToLower(string(state)), aws.ToString(q.Status.StateChangeReason))
		}
		if r.MaxScan > 0 && scanned > r.MaxScan {
			return scanned, errors.Join(&ScanError{scanned, r.MaxScan}, r.stop(ctx, id))
		}
		if err := smithytime.SleepWithContext(ctx, r.interval()); err != nil {
			return scanned, errors.Join(err, r.stop(ctx, id))
		}
	}
}

func (r *Runner) interval() time.Duration {
	if r.Interval == 0 {
		return 2 * time.Second
	}
	return r.Interval
}

// stop stops a query, also after the context has ended.
func (r *Runner) stop(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if _, err := r.Client.StopQueryExecution(ctx, &athena.StopQueryExecutionInput{QueryExecutionId: &id}); err != nil {
		return fmt.Errorf("stop query %s, which may go on: %w", id, err)
	}
	return nil
}

// rows calls each with the rows of an answer, page by page. The first row of a SELECT
// is its header.
func (r *Runner) rows(ctx context.Context, id string, each func(cells []string) error) error {
	pages := athena.NewGetQueryResultsPaginator(r.Client, &athena.GetQueryResultsInput{QueryExecutionId: &id, MaxResults: aws.Int32(1000)})
	for first := true; pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("read the answer of query %s: %w", id, err)
		}
		if page.ResultSet == nil {
			return fmt.Errorf("read the answer of query %s: a page has no ResultSet; it may not come from AWS", id)
		}
		for _, row := range page.ResultSet.Rows {
			if first {
				first = false
				continue
			}
			cells := make([]string, len(row.Data))
			for i, cell := range row.Data {
				cells[i] = aws.ToString(cell.VarCharValue)
			}
			if err := each(cells); err != nil {
				return err
			}
		}
	}
	return nil
}

// Bytes is a number of bytes in words, in powers of 1,000.
func Bytes(n int64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}} {
		if float64(n) >= unit.size {
			return fmt.Sprintf("%.3g %s", float64(n)/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
