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

// A Journal keeps what a run does. An entry is durable when Append returns
// nil: it survives a crash of the machine. Append is called from several
// goroutines.
type Journal interface {
	Append(context.Context, Entry) error
}

// A sequence is what kinds of journals have in common: entries one after the
// other, and none after one that is missing.
type sequence struct {
	mu     sync.Mutex
	n      int
	failed error
}

// append has the text of the nth entry kept. After an error every further
// append fails.
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

// A Kind is what an entry says.
type Kind string

// The kinds of entries.
const (
	Begin  Kind = "begin"  // a run begins
	Intent Kind = "intent" // a step is about to be written
	Ended  Kind = "ended"  // what became of it
	End    Kind = "end"    // the run ended by itself
)

// An Entry is one line of a journal. Each Kind sets the fields after it.
type Entry struct {
	Kind Kind      `json:"kind"`
	Time time.Time `json:"time"`

	Format int    `json:"format,omitempty"` // Begin
	Steps  int    `json:"steps,omitempty"`  // Begin: how many the run was given
	Home   string `json:"home,omitempty"`   // Begin: ID of the account that the run was confirmed for
	Undoes string `json:"undoes,omitempty"` // Begin: the run that this one takes back

	Step    *plan.Step  `json:"step,omitempty"`    // Intent, in full
	Before  *plan.State `json:"before,omitempty"`  // Intent: as it was read just before
	Dropped []Version   `json:"dropped,omitempty"` // Intent: policy versions that the write deletes for good

	ID     string `json:"id,omitempty"` // Ended: of the step
	Status Status `json:"status,omitempty"`
	Why    string `json:"why,omitempty"`

	Counts map[Status]int `json:"counts,omitempty"` // End
}

// A Record is the journal of one run, read back.
type Record struct {
	Run     string
	Entries []Entry
	// Torn: the last line is cut off, because the run was killed while it
	// wrote it. What it was to say had not been acted on.
	Torn bool
}

// Began is when the run began; the zero time for a journal that was torn
// before that.
func (r *Record) Began() time.Time {
	if len(r.Entries) == 0 {
		return time.Time{}
	}
	return r.Entries[0].Time
}

// Home is the ID of the account that the run was confirmed for; empty in
// journals that do not say.
func (r *Record) Home() string {
	if len(r.Entries) == 0 {
		return ""
	}
	return r.Entries[0].Home
}

// Undoes is the run that this one took back; empty for an apply.
func (r *Record) Undoes() string {
	if len(r.Entries) == 0 {
		return ""
	}
	return r.Entries[0].Undoes
}

// Settled is when AWS shows for sure what the run did: some time after its last
// entry when a step failed or is in doubt, else at once, because every other
// one was seen.
func (r *Record) Settled() time.Time {
	for _, status := range r.Statuses() {
		if status != Done {
			return r.Entries[len(r.Entries)-1].Time.Add(settling)
		}
	}
	return r.Began()
}

// Finished tells whether the run ended by itself, and was not killed.
func (r *Record) Finished() bool {
	return len(r.Entries) > 0 && r.Entries[len(r.Entries)-1].Kind == End
}

// Statuses is what became of each step that was begun, by ID. A step without
// one is in doubt: the run was killed after it announced the write.
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

// InDoubt are the steps that were announced and of which the journal does not
// say what became.
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

// Undo are the steps that undo the run, last first, for [Run]. They hold for
// steps that failed or are in doubt as well: one that was not carried out is
// found as it should be, and nothing is written. What was done to a subject
// since the run makes its step stale. Policy versions that were deleted for good
// are wanted again, by their text. Reads may show the past for a while, so undo a
// run no sooner than [Record.Settled].
func (r *Record) Undo() []plan.Step {
	var undo []plan.Step
	neededBy := map[string][]string{} // IDs of the inverses of those that needed a step
	for i := len(r.Entries) - 1; i >= 0; i-- {
		e := &r.Entries[i]
		if e.Kind != Intent {
			continue
		}
		back := plan.Inverse(*e.Step)
		for _, v := range e.Dropped {
			if back.Op != plan.UpdatePolicy { // which makes its document anew
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
