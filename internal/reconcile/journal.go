package reconcile

import (
	"context"
	"log/slog"

	"forcemfa/internal/apply"
)

// A logJournal writes the journal of a run to the function's log, for a function without
// another place for it. rollback cannot read it.
type logJournal struct {
	log *slog.Logger
	run string
}

// Run is the ID of the run in the log.
func (j logJournal) Run() string { return j.run }

// Append writes one line of the log.
func (j logJournal) Append(_ context.Context, e apply.Entry) error {
	j.log.Info("journal", "entry", e)
	return nil
}
