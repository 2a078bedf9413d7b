package auditor

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/compare"
	"forcemfa/internal/history"
	"forcemfa/internal/interchange"
	"forcemfa/internal/report"
	"forcemfa/internal/run"
	"forcemfa/internal/view"
)

// runTrend shows the numbers of kept runs.
func (o *reportOptions) runTrend(r *run.Run) error {
	if o.since != "" {
		return command.WithHint(errors.New("--trend goes without --since, except in a page"), "write the page with --html FILE")
	}
	points, err := o.points(r)
	if err != nil {
		return err
	}
	results, err := o.results.Open(&o.Output)
	if err != nil {
		return err
	}
	defer results.Discard()
	err = results.Each(o.Stdout(), func(format string, w io.Writer) error {
		switch format {
		case "json":
			return view.JSON(w, map[string]any{"runs": points})
		case "csv":
			return interchange.TrendCSV(w, points)
		case "svg":
			return interchange.TrendSVG(w, points)
		case "text":
			view.Trend(w, o.Style(), points)
			return nil
		}
		return fmt.Errorf("--trend has no format %s: want text, json, csv or svg", format)
	})
	if err != nil {
		return err
	}
	return results.Commit()
}

// points are the numbers of the kept runs of the organization of a run, with that run;
// without one, of the only organization that has any.
func (o *reportOptions) points(r *run.Run) ([]compare.Point, error) {
	dir, err := historyOf(o.Env.HistoryDir(), r)
	if err != nil {
		return nil, err
	}
	runs, err := o.openKept(dir, r)
	if err != nil {
		return nil, err
	}
	points, err := compare.Trend(runs)
	if err != nil {
		return nil, command.WithHint(err, "compare runs of one organization")
	}
	return points, nil
}

// moments are the numbers of the kept runs until the given one, for the page. Runs that
// left accounts out are not among them.
func (o *reportOptions) moments(given *run.Run) ([]report.Moment, error) {
	points, err := o.points(given)
	if err != nil {
		return nil, err
	}
	var out []report.Moment
	for i := range points {
		if p := &points[i]; !p.Filtered && !p.Time.After(given.Head.Time) {
			out = append(out, report.Moment{Time: p.Time, Counts: p.Counts})
		}
	}
	return out, nil
}

// historyOf is the directory with the kept runs of the organization of a run; without one,
// of the only organization that has any, and empty if none has.
func historyOf(parent string, r *run.Run) (string, error) {
	if r != nil {
		return history.Dir(parent, &r.Head)
	}
	all, err := history.Organizations(parent)
	switch {
	case err != nil:
		return "", command.FileError("list the runs", err)
	case len(all) == 0:
		return "", nil
	case len(all) == 1:
		return all[0], nil
	}
	for i := range all {
		all[i] = filepath.Base(all[i])
	}
	return "", command.WithHint(fmt.Errorf("there are runs of %d organizations: %s", len(all), strings.Join(all, ", ")), "name a run of the organization: forcemfa report RUN --trend")
}

// openKept opens the runs in a directory of the history, and adds a run that is not
// there.
func (o *reportOptions) openKept(dir string, given *run.Run) ([]*run.Run, error) {
	names, err := history.List(dir)
	if err != nil {
		return nil, command.FileError("list the runs", err)
	}
	var runs []*run.Run
	for i, name := range names {
		o.ProgressLine().Show("runs read:", i, len(names))
		r, err := history.Open(name)
		if err != nil {
			o.Remark("WARNING: left out: %v", err)
			continue
		}
		if given != nil && r.Head.Time.Equal(given.Head.Time) && r.Head.Verb == given.Head.Verb {
			given = nil
		}
		runs = append(runs, r)
	}
	o.ProgressLine().Done()
	if given != nil {
		runs = append(runs, given)
	}
	if len(runs) == 0 {
		return nil, command.WithHint(errors.New("no run is kept"), "run audit without --no-history and --sandbox, or name a saved run")
	}
	return runs, nil
}
