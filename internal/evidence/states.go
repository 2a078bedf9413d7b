package evidence

import (
	"io"
	"iter"

	"forcemfa/internal/audit"
	"forcemfa/internal/run"
)

// openRun opens the run in the pack, and begins the run that the snapshot gives.
func (c *check) openRun() error {
	saved, err := run.Open(runFile, func() (io.ReadCloser, error) { return c.open(runFile) })
	if err != nil {
		return refusedFile(runFile, "%v", err)
	}
	head := saved.Head
	switch {
	case !head.Time.Equal(c.manifest.AsOf):
		return refusedFile(runFile, "its time is not the one in the manifest")
	case head.Organization != c.manifest.Organization || head.Config != c.manifest.ConfigHash:
		return refusedFile(runFile, "its organization or config is not the one in the manifest")
	}
	c.states = newStates(saved)
	in := Input{Header: &c.header, Baseline: c.baseline, Findings: c.format}
	c.recorder = newRecorder(c.runHash, c.findingsHash, &in, c.auditor, &head)
	return nil
}

// states are the users of a run, one after the other.
type states struct {
	pull func() (run.Record, error, bool)
	stop func()
}

func newStates(r *run.Run) *states {
	s := new(states)
	s.pull, s.stop = iter.Pull2(r.Records())
	return s
}

// next reports whether the next user of the run is this one in the same state; nil:
// whether there is one.
func (s *states) next(u *audit.User) bool {
	for {
		record, err, more := s.pull()
		switch {
		case err != nil || !more:
			return false
		case record.User != nil:
			return u == nil || record.User.ARN == u.ARN && record.User.State == u.State
		}
	}
}
