package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"forcemfa/internal/plan"
)

// A Journal records a run. When Append returns nil, the entry survives a crash of the
// machine. Append is safe for concurrent use.
type Journal interface {
	Append(context.Context, Entry) error
}

// A sequence numbers the entries of a journal. After an entry that could not be written,
// it accepts no more.
type sequence struct {
	mu     sync.Mutex
	n      int
	failed error
}

// append passes the text and number of the next entry to keep. After an error every
// further append fails.
func (q *sequence) append(e Entry, keep func(n int, text []byte) error) error {
	text, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("append to journal: %w", err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.failed != nil {
		return q.failed
	}
	q.n++
	if err := keep(q.n, text); err != nil {
		q.failed = fmt.Errorf("append to journal: %w", err)
	}
	return q.failed
}

// Format is the version of the journal.
const Format = 1

// A Kind is the kind of an entry.
type Kind string

// The kinds of entries.
const (
	Begin  Kind = "begin"  // a run begins
	Intent Kind = "intent" // a step is about to change its subject
	Ended  Kind = "ended"  // the result of that step
	End    Kind = "end"    // the run ended and was not killed
)

// An Entry is one line of a journal. Each Kind sets the fields after it.
type Entry struct {
	Kind Kind      `json:"kind"`
	Time time.Time `json:"time"`

	Format int    `json:"format,omitempty"` // Begin
	Steps  int    `json:"steps,omitempty"`  // Begin: how many steps the run has
	Home   string `json:"home,omitempty"`   // Begin: ID of the account for which the run was confirmed
	Undoes string `json:"undoes,omitempty"` // Begin: ID of the run that this one undoes
	By     string `json:"by,omitempty"`     // Begin: ARN of the identity that made the run

	Step    *plan.Step  `json:"step,omitempty"`    // Intent, in full
	Before  *plan.State `json:"before,omitempty"`  // Intent: the state just before the change
	Dropped []Version   `json:"dropped,omitempty"` // Intent: policy versions that the change deletes permanently

	ID     string `json:"id,omitempty"` // Ended: of the step
	Status Status `json:"status,omitempty"`
	Why    string `json:"why,omitempty"`
	// Unchanged: AWS refused the change, so the run has nothing to undo, even if somebody
	// else makes the same change.
	Unchanged bool `json:"unchanged,omitempty"`

	Counts map[Status]int `json:"counts,omitempty"` // End
}

// A Record is the content of a journal.
type Record struct {
	Run     string
	Entries []Entry
	// Torn reports that the last line is incomplete, because the run was killed while
	// it wrote that line. The change of that entry was not made.
	Torn bool
}

// Began is when the run began; the zero time for a journal without entries.
func (r *Record) Began() time.Time {
	if len(r.Entries) == 0 {
		return time.Time{}
	}
	return r.Entries[0].Time
}

// Home is the ID of the account for which the run was confirmed; empty when the
// journal does not say.
func (r *Record) Home() string {
	if len(r.Entries) == 0 {
		return ""
	}
	return r.Entries[0].Home
}

// By is the ARN of the identity that made the run; empty when the journal does not say.
func (r *Record) By() string {
	if len(r.Entries) == 0 {
		return ""
	}
	return r.Entries[0].By
}

// Undoes is the ID of the run that this one undid; empty for an apply.
func (r *Record) Undoes() string {
	if len(r.Entries) == 0 {
		return ""
	}
	return r.Entries[0].Undoes
}

// Unsettled is how long reads of AWS may not show every change of the run yet. That is
// so only for steps in doubt: the run has read back the others. It is never longer than
// AWS takes to show a change, even if the run was made with a clock that was ahead.
func (r *Record) Unsettled(now time.Time) time.Duration {
	if len(r.InDoubt()) == 0 {
		return 0
	}
	left := r.Entries[len(r.Entries)-1].Time.Add(settling).Sub(now)
	return max(0, min(left, settling))
}

// Finished reports whether the run ended and was not killed.
func (r *Record) Finished() bool {
	return len(r.Entries) > 0 && r.Entries[len(r.Entries)-1].Kind == End
}

// Steps is how many steps the run has, those that are blocked included.
func (r *Record) Steps() int {
	if len(r.Entries) == 0 {
		return 0
	}
	return r.Entries[0].Steps
}

// Interrupted is how many steps a run that ended did not reach, because it was stopped.
func (r *Record) Interrupted() (n int) {
	for i := range r.Entries {
		n += r.Entries[i].Counts[Interrupted]
	}
	return n
}

// Failed is how many steps of a run that ended were neither reached nor left alone as
// stale or blocked, those that never began included.
func (r *Record) Failed() (n int) {
	for i := range r.Entries {
		counts := r.Entries[i].Counts
		n += counts[Failed] + counts[Skipped] + counts[Interrupted]
	}
	return n
}

// Statuses are the results of the steps that began, by ID. An empty status is in doubt:
// the run was killed after the intent was journaled.
func (r *Record) Statuses() map[string]Status {
	became := map[string]Status{}
	for i := range r.Entries {
		switch e := &r.Entries[i]; e.Kind {
		case Intent:
			became[e.Step.ID] = ""
		case Ended:
			became[e.ID] = e.Status
		}
	}
	return became
}

// InDoubt are the steps whose intent is in the journal without a result.
func (r *Record) InDoubt() []plan.Step {
	became := r.Statuses()
	var steps []plan.Step
	for i := range r.Entries {
		if e := &r.Entries[i]; e.Kind == Intent && became[e.Step.ID] == "" {
			steps = append(steps, *e.Step)
		}
	}
	return steps
}

// Check returns the first entry whose step contradicts itself, as in a journal that was
// edited, with the reason; nil when there is none.
func (r *Record) Check() error {
	for i := range r.Entries {
		if s := r.Entries[i].Step; s != nil {
			if field, err := s.Check(); err != nil {
				return fmt.Errorf("entry %d of run %s: step.%s: %w", i+1, r.Run, field, err)
			}
			if s.Op == plan.RestoreKey { // its inverse would delete a key
				return fmt.Errorf("entry %d of run %s: step.op: no run has a step %s", i+1, r.Run, s.Op)
			}
		}
	}
	return nil
}

// Undo returns the steps for [Run] that undo the run, in reverse order. They include
// the inverses of steps that failed or are in doubt: if such a step was not carried out,
// its inverse finds the wanted state and changes nothing. Steps that AWS refused are left
// out, because somebody else may have made their change. If a subject changed after the
// run, its step is stale. Deleted policy versions are restored by their text. Reads may
// return an older state for a while, so don't undo a run while it is [Record.Unsettled].
func (r *Record) Undo() []plan.Step {
	var undo []plan.Step
	unchanged := map[string]bool{}
	for i := range r.Entries {
		if e := &r.Entries[i]; e.Kind == Ended {
			unchanged[e.ID] = e.Unchanged
		}
	}
	neededBy := map[string][]string{} // IDs of the inverses of the steps that needed a step
	for i := len(r.Entries) - 1; i >= 0; i-- {
		e := &r.Entries[i]
		if e.Kind != Intent || unchanged[e.Step.ID] {
			continue
		}
		back := plan.Inverse(*e.Step)
		for _, v := range e.Dropped {
			if back.Op != plan.UpdatePolicy { // it creates the document itself
				back.Want.Texts = append(back.Want.Texts, v.Document)
			}
		}
		back.Needs = neededBy[e.Step.ID]
		slices.Sort(back.Needs)
		for _, id := range e.Step.Needs {
			neededBy[id] = append(neededBy[id], back.ID)
		}
		undo = append(undo, back)
	}
	return undo
}
