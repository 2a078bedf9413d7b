package apply

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"forcemfa/internal/baseline"
	"forcemfa/internal/plan"
	"forcemfa/policy/arn"
)

// The times that the entries of one run of the function may have. A run ends before the
// function's timeout of 15 minutes. Clocks differ by less than the skew.
const (
	functionTime = 15 * time.Minute
	clockSkew    = 5 * time.Minute
)

// CheckFunction returns the first entry of a journal that the function of an account
// cannot have written in this run, with the reason; nil when there is none. Everybody
// who can write to the bucket can write a journal, so a journal from there is checked
// before anything that it says is used.
func (r *Record) CheckFunction(account string, b *baseline.Baseline, now time.Time) error {
	c := functionCheck{account: account, baseline: b, now: now, seen: map[string]bool{}}
	for i := range r.Entries {
		if err := c.entry(r.Run, &r.Entries[i], i == 0); err != nil {
			return fmt.Errorf("entry %d of run %s was not written by the function of account %s: %w", i+1, r.Run, account, err)
		}
	}
	return nil
}

// A functionCheck follows the entries of a journal.
type functionCheck struct {
	account  string
	baseline *baseline.Baseline
	now      time.Time

	began time.Time
	steps int        // of the run
	last  *plan.Step // the step of the last intent
	open  bool       // the last intent has no result yet
	ended bool
	seen  map[string]bool // step IDs
}

func (c *functionCheck) entry(run string, e *Entry, first bool) error {
	if first {
		return c.begin(run, e)
	}
	switch {
	case c.ended:
		return errors.New("it follows the end of the run")
	case e.Time.Before(c.began.Add(-clockSkew)) || e.Time.After(c.began.Add(functionTime+clockSkew)) || e.Time.After(c.now.Add(clockSkew)):
		return fmt.Errorf("the time %s is outside the run", e.Time.Format(time.RFC3339))
	}
	switch e.Kind {
	case Intent:
		return c.intent(e)
	case Ended:
		if !c.open || e.ID != c.last.ID || e.Status != Done && e.Status != Failed {
			return fmt.Errorf("a result %q of a step that is not in progress", e.Status)
		}
		c.open = false
	case End:
		if c.open {
			return errors.New("the run ends within a step")
		}
		c.ended = true
	default:
		return fmt.Errorf("unexpected entry %q", e.Kind)
	}
	return nil
}

// begin compares the first entry with the ID of the run, which contains its time.
func (c *functionCheck) begin(run string, e *Entry) error {
	const layout = "20060102T150405Z"
	if len(run) < len(layout) {
		return fmt.Errorf("%q is not the ID of a run", run)
	}
	id, err := time.Parse(layout, run[:len(layout)])
	switch {
	case err != nil:
		return fmt.Errorf("%q is not the ID of a run", run)
	case e.Time.Before(id.Add(-clockSkew)) || e.Time.After(id.Add(functionTime)):
		return fmt.Errorf("the time %s is not that of the run ID: the entries are those of another run", e.Time.Format(time.RFC3339))
	case e.Time.After(c.now.Add(clockSkew)):
		return fmt.Errorf("the time %s is in the future", e.Time.Format(time.RFC3339))
	case !arn.IsAccountID(e.Home):
		return fmt.Errorf("home %q is not an account ID", e.Home)
	case e.Undoes != "":
		return fmt.Errorf("it undoes run %q, and the function undoes no run", e.Undoes)
	case e.Steps < 1:
		return errors.New("a run has steps")
	}
	c.began, c.steps = e.Time, e.Steps
	return nil
}

// intent checks a step. The function makes the steps of its account one after the other,
// in the order of a plan.
func (c *functionCheck) intent(e *Entry) error {
	s := e.Step
	switch {
	case s.Account != c.account:
		return fmt.Errorf("the step is in account %q", s.Account)
	case c.open:
		return errors.New("a step begins within another")
	case c.seen[s.ID]:
		return fmt.Errorf("step %s is given twice", s.ID)
	case len(c.seen) == c.steps:
		return fmt.Errorf("the run has more than its %d steps", c.steps)
	case c.last != nil && plan.Compare(*c.last, *s) >= 0:
		return fmt.Errorf("step %s is out of order", s.ID)
	case e.Before == nil || !s.Expect.Holds(*e.Before):
		return errors.New("the state before the change is not the expected one")
	case len(e.Dropped) > 0:
		return errors.New("the function deletes no policy versions")
	}
	if err := s.CheckFunction(c.baseline, c.began); err != nil {
		return err
	}
	c.seen[s.ID], c.last, c.open = true, s, true
	return nil
}

// UndoFunction is [Record.Undo] for a journal of the function. The mark of a user whose
// device was enrolled by an access key stays: whoever can write to the bucket can also
// write that the function set it, and without the mark nobody asks about the device.
func (r *Record) UndoFunction() []plan.Step {
	steps := r.Undo()
	for i := range steps {
		if s := &steps[i]; s.Op == plan.UntagUser && strings.EqualFold(s.Object, baseline.DeviceByKeyTag) {
			_, name := entity(s)
			s.Block("the device was enrolled by an access key, which only a person can confirm", "forcemfa enroll --confirm "+name)
		}
	}
	return steps
}
