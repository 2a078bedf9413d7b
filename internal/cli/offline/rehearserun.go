package offline

import (
	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/cli/stream"
	"forcemfa/internal/org"
	"forcemfa/internal/rehearse"
	"forcemfa/internal/run"
	"forcemfa/internal/survey"
	"forcemfa/internal/view"
)

// A recorder saves the run of a rehearsal: its first audit, and the results of the
// attacks. Rehearsals are in a sandbox, so they are not in the history.
type recorder struct {
	options  *rehearseOptions
	results  *stream.Results
	baseline *baseline.Baseline
	head     run.Head
	end      run.End
}

// Begin implements [rehearse.Recorder].
func (r *recorder) Begin(h *org.Header) audit.Sink {
	r.head = run.Head{
		Format: run.Format, Verb: r.options.invoked.Verb, Flags: r.options.invoked.Flags, Partition: h.Partition, Time: r.options.Env.Now().UTC(),
		Caller: h.Caller, Version: Build().Version, Config: r.baseline.Hash(), ConfigFile: r.baseline.Name, Sandbox: true,
	}
	if h.Organization != nil {
		r.head.Organization, r.head.Management = h.Organization.ID, h.Organization.ManagementAccount
	}
	r.results.Begin(r.head, r.baseline)
	return r.results.Run()
}

// End implements [rehearse.Recorder].
func (r *recorder) End(s *survey.Survey) {
	r.end = run.End{Totals: s.Totals, Complete: s.Complete()}
	if _, alias, _ := s.ManagementAccount(); alias != "" {
		r.end.Name = alias
	}
}

// finish adds the results, ends the run, and gives the result its head.
func (r *recorder) finish(result *view.Rehearsal) error {
	r.results.Add(run.Record{Rehearsal: &run.Rehearsal{
		Before: result.Before, After: result.After, AttacksThen: run.Attacks(result.AttacksBefore), AttacksNow: run.Attacks(result.AttacksAfter),
		Expected: run.Expected(result.ExpectedAccess),
	}})
	result.Head = view.Headed(&r.head, &r.end)
	return r.results.Finish(r.end)
}

var _ rehearse.Recorder = (*recorder)(nil)
