package stream

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/history"
	"forcemfa/internal/impact"
	"forcemfa/internal/keys"
	"forcemfa/internal/plan"
	"forcemfa/internal/run"
	"forcemfa/internal/view"
)

// Finish ends the run and puts the files under their names. It does nothing if End or
// Commit did so before.
func (r *Results) Finish(e run.End) error {
	if err := r.End(e); err != nil {
		return err
	}
	return r.Commit()
}

// Plan adds the numbers of a plan, and its blocked steps.
func (r *Results) Plan(p *plan.Plan) {
	if !r.Recording() {
		return
	}
	sum := run.Plan{Summary: p.Summary(), Remove: p.Remove, Notes: p.Notes, Scheduled: p.Scheduled, Guards: map[string]int{}}
	var blocked []run.Blocked
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Blocked != "" {
			sum.Guards[cmp.Or(view.GuardOf(s), "other")]++
			blocked = append(blocked, run.Blocked{ID: s.ID, Op: s.Op, Account: s.Account, Subject: s.Subject, Why: s.Blocked, Remedy: s.Remedy})
		}
	}
	r.Add(run.Record{Plan: &sum})
	for i := range blocked {
		r.Add(run.Record{Blocked: &blocked[i]})
	}
}

// Impact adds what CloudTrail says; nil: nothing.
func (r *Results) Impact(report *impact.Report) {
	if report == nil || !r.Recording() {
		return
	}
	r.Add(run.Record{Impact: report.WithoutUsers()})
	for i := range report.Users {
		r.Add(run.Record{Affected: &report.Users[i]})
	}
}

// Keys adds a ranking of keys.
func (r *Results) Keys(ranking *keys.Ranking) {
	if !r.Recording() {
		return
	}
	sums := run.Keys{Keys: len(ranking.Keys), Administer: ranking.Administer(), Unused: ranking.Unused()}
	for i := range ranking.Keys {
		if ranking.Keys[i].Active {
			sums.Active++
		}
	}
	r.Add(run.Record{Keys: &sums})
	for i := range ranking.Keys {
		r.Add(run.Record{Key: &ranking.Keys[i]})
	}
}

// Forecast adds what became of the forecast that was made at that time.
func (r *Results) Forecast(made time.Time, o *impact.Outcome) {
	if !r.Recording() {
		return
	}
	r.Add(run.Record{Forecast: &run.Forecast{Made: made, Calls: o.Calls, Score: o.Score}})
	for i, list := range [][]impact.Fate{o.Misses, o.Alarms, o.Open, o.Hits, o.Silent} {
		for _, f := range list {
			r.Add(run.Record{Fate: &run.Fate{Became: run.Fates[i], Fate: f}})
		}
	}
}

// RunError adds the next step to an error of reading a run.
func RunError(err error) error {
	var broken *run.Error
	var whole *command.Error
	var file *fs.PathError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &whole), errors.As(err, &file) && file.Op == "write": // of a file that is written, or of stdout
		return err
	case errors.As(err, &broken):
		return command.WithHint(err, broken.Remedy)
	}
	return command.WithHint(command.FileError("read the run", err), "name a file that was written with --save")
}

// ReadImpact reads a saved run with what CloudTrail said.
func ReadImpact(name string) (*run.Run, *impact.Report, error) {
	r, err := history.Open(name)
	if err != nil {
		return nil, nil, RunError(err)
	}
	report, err := r.Impact()
	if err != nil {
		return nil, nil, RunError(err)
	}
	if report == nil {
		return nil, nil, command.WithHint(fmt.Errorf("%s is a run of %s and has no impact", name, r.Head.Verb), "make it with forcemfa impact --save")
	}
	return r, report, nil
}
