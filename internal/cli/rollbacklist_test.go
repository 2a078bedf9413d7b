package cli

import (
	"testing"
	"time"

	"forcemfa/internal/apply"
	"forcemfa/internal/plan"
)

// A run that Ctrl-C stopped is not finished: the list has how much of it is left, and the
// command that does the rest.
func TestARunThatWasStoppedIsInterruptedInTheList(t *testing.T) {
	at := time.Date(2026, time.November, 20, 9, 0, 0, 0, time.UTC)
	begin := apply.Entry{Kind: apply.Begin, Time: at, Format: apply.Format, Steps: 40}
	undo := begin
	undo.Undoes = "20261120T080000Z"
	step := func(id string) []apply.Entry {
		return []apply.Entry{{Kind: apply.Intent, Time: at, Step: &plan.Step{ID: id}}, {Kind: apply.Ended, Time: at, ID: id, Status: apply.Done}}
	}
	end := func(counts map[apply.Status]int) apply.Entry {
		return apply.Entry{Kind: apply.End, Time: at, Counts: counts}
	}
	for _, row := range []struct {
		name           string
		entries        []apply.Entry
		status, remark string
	}{
		{"all done", append(append([]apply.Entry{begin}, step("a")...), end(map[apply.Status]int{apply.Done: 1})), "finished", ""},
		{"stopped", append(append([]apply.Entry{begin}, step("a")...), end(map[apply.Status]int{apply.Done: 1, apply.Interrupted: 39})), "interrupted",
			"stopped before 39 of 40 steps, continue: forcemfa apply --profile admin"},
		{"killed", append(append([]apply.Entry{begin}, step("a")...), step("b")[0]), "unfinished",
			"1 step in doubt, was killed or is running, 2 of 40 steps begun, continue: forcemfa apply --profile admin"},
		{"a rollback that was stopped", append(append([]apply.Entry{undo}, step("a")...), end(map[apply.Status]int{apply.Done: 1, apply.Interrupted: 39})), "interrupted",
			"undoes 20261120T080000Z, stopped before 39 of 40 steps, continue: forcemfa rollback 20261120T080000Z --profile admin"},
	} {
		t.Run(row.name, func(t *testing.T) {
			from := &journals{read: func(run string) (*apply.Record, error) { return &apply.Record{Run: run, Entries: row.entries}, nil }}
			o := &rollbackOptions{}
			o.Profile = "admin"
			l := o.described(from, "20261120T090000Z")
			if l.Status != row.status || l.remark() != row.remark || l.Planned != 40 {
				t.Errorf("%s of %d steps, %q; want %s of 40, %q", l.Status, l.Planned, l.remark(), row.status, row.remark)
			}
		})
	}
}
