package apply_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/apply"
	"forcemfa/internal/plan"
)

var step = plan.Step{
	ID: "PutUserPolicy/111122223333/arn:aws:iam::111122223333:user/bob/ForceMFA", Op: plan.PutUserPolicy, Account: "111122223333",
	Subject: "arn:aws:iam::111122223333:user/bob", Object: "ForceMFA",
	Expect: plan.State{Present: true, Document: "{}"}, Want: plan.State{Present: true, Document: allowAll}, Because: []string{"f"},
}

// entries are the entries of a run that was killed during its second step.
func entries() []apply.Entry {
	other := step
	other.ID, other.Object = other.ID+"2", other.Object+"2"
	return []apply.Entry{
		{Kind: apply.Begin, Time: start, Format: apply.Format, Steps: 2},
		{Kind: apply.Intent, Time: start.Add(1), Step: &step, Before: &step.Expect, Dropped: []apply.Version{{ID: "v1", Created: start, Document: "{}"}}},
		{Kind: apply.Ended, Time: start.Add(2), ID: step.ID, Status: apply.Done},
		{Kind: apply.Intent, Time: start.Add(3), Step: &other, Before: &step.Expect},
	}
}

func open(t *testing.T, dir string, entries ...apply.Entry) *apply.FileJournal {
	t.Helper()
	j, err := apply.OpenJournal(dir, start)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := j.Append(context.Background(), e); err != nil {
			t.Fatal(err)
		}
	}
	return j
}

func shut(t *testing.T, j *apply.FileJournal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestJournalReadsBackWhatWasAppended(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "journal")
	j := open(t, dir, entries()...)
	shut(t, j)
	r, err := apply.ReadJournal(dir, j.Run())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&apply.Record{Run: "20261102T090000Z", Entries: entries()}, r); d != "" {
		t.Errorf("record (-appended +read):\n%s", d)
	}
	if doubt := r.InDoubt(); len(doubt) != 1 || doubt[0].ID != step.ID+"2" || r.Finished() || !r.Began().Equal(start) {
		t.Errorf("in doubt %v, finished %v, began %s", doubt, r.Finished(), r.Began())
	}
}

func TestOnlyStepsInDoubtAreWaitedFor(t *testing.T) {
	other := step
	other.ID, other.Object = other.ID+"2", other.Object+"2"
	at := func(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }
	begin := apply.Entry{Kind: apply.Begin, Time: start, Format: apply.Format, Steps: 2}
	intent := func(n int, s *plan.Step) apply.Entry { return apply.Entry{Kind: apply.Intent, Time: at(n), Step: s} }
	ended := func(n int, s *plan.Step, status apply.Status) apply.Entry {
		return apply.Entry{Kind: apply.Ended, Time: at(n), ID: s.ID, Status: status}
	}
	end := func(n int) apply.Entry { return apply.Entry{Kind: apply.End, Time: at(n)} }
	for _, row := range []struct {
		name    string
		entries []apply.Entry
		want    time.Duration // at the time of the last entry
	}{
		{"no entries", nil, 0},
		{"no steps", []apply.Entry{begin, end(1)}, 0},
		{"all steps done", []apply.Entry{begin, intent(1, &step), ended(2, &step, apply.Done), intent(3, &other), ended(4, &other, apply.Done), end(5)}, 0},
		{"killed after a step was done", []apply.Entry{begin, intent(1, &step), ended(2, &step, apply.Done)}, 0},
		{"killed during the first step", []apply.Entry{begin, intent(1, &step)}, 30 * time.Second},
		{"killed during the second step", []apply.Entry{begin, intent(1, &step), ended(2, &step, apply.Done), intent(3, &other)}, 30 * time.Second},
		{"killed during a step while another one went on", []apply.Entry{begin, intent(1, &step), intent(2, &other), ended(7, &other, apply.Done)}, 30 * time.Second},
		{"a step failed", []apply.Entry{begin, intent(1, &step), ended(2, &step, apply.Failed), intent(3, &other), ended(4, &other, apply.Done), end(5)}, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := &apply.Record{Entries: row.entries}
			last := start
			if n := len(row.entries); n > 0 {
				last = row.entries[n-1].Time
			}
			if got := r.Unsettled(last); got != row.want {
				t.Errorf("waits %s, want %s", got, row.want)
			}
			for _, ahead := range []time.Duration{10 * time.Minute, 24 * time.Hour} { // the clock of the run was
				if got := r.Unsettled(last.Add(-ahead)); got != row.want {
					t.Errorf("made %s ahead: waits %s, want %s", ahead, got, row.want)
				}
			}
			if got := r.Unsettled(last.Add(time.Minute)); got != 0 {
				t.Errorf("a minute later: waits %s", got)
			}
		})
	}
}

func TestOnlyTheOwnerCanReadTheJournal(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	dir := filepath.Join(t.TempDir(), "journal")
	j := open(t, dir)
	defer shut(t, j)
	for path, want := range map[string]os.FileMode{dir: 0o700, j.Path(): 0o600, filepath.Join(dir, "apply.lock"): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
	}
}

func TestOneApplyRunsAtATime(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	_, err := apply.OpenJournal(dir, start)
	var locked *apply.LockedError
	if !errors.As(err, &locked) || !strings.Contains(err.Error(), filepath.Join(dir, "apply.lock")) {
		t.Fatalf("second journal: %v", err)
	}
	shut(t, first)
	second := open(t, dir)
	defer shut(t, second)
	if second.Run() != "20261102T090000Z-2" {
		t.Errorf("the second run of a second is %s", second.Run())
	}
}

func TestATornLastLineIsDroppedAndReported(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, entries()...)
	shut(t, j)
	whole, err := os.ReadFile(j.Path())
	if err != nil {
		t.Fatal(err)
	}
	lastLine := strings.LastIndex(strings.TrimSuffix(string(whole), "\n"), "\n") + 1
	for size := len(whole) - 1; size > lastLine; size-- {
		if err := os.Truncate(j.Path(), int64(size)); err != nil {
			t.Fatal(err)
		}
		r, err := apply.ReadJournal(dir, j.Run())
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(&apply.Record{Run: j.Run(), Torn: true, Entries: entries()[:3]}, r); d != "" {
			t.Fatalf("cut to %d bytes (-want +got):\n%s", size, d)
		}
	}
}

func TestADamagedJournalNamesItsLine(t *testing.T) {
	const begin = `{"kind":"begin","time":"2026-11-02T09:00:00Z","format":1}` + "\n"
	for text, want := range map[string]string{
		begin + "{\"kind\":\n" + begin: ":2: not a journal entry: unexpected EOF",
		begin + begin:                  `:2: unexpected entry "begin"`,
		"{}\n":                         `:1: unexpected entry ""`,
		strings.Replace(begin, `"format":1`, `"format":9`, 1):                       ":1: format 9 is not supported: this program reads format 1",
		begin + `{"kind":"intent"}` + "\n":                                          ":2: an intent without its step",
		begin + strings.Repeat(`{"kind":"intent","step":{"id":"s"}}`+"\n", 200_000): `:3: the step "s" begins twice`,
		begin + `{"kind":"end"} {"kind":"end"}` + "\n":                              ":2: more than one entry on a line",
		begin + strings.Repeat(" ", 1<<20) + "\n":                                   ":2: the line is longer than 1048576 bytes",
		begin + strings.Repeat("\x00", 1<<21):                                       ":2: the line is longer than 1048576 bytes",
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "20261102T090000Z.jsonl")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := apply.ReadJournal(dir, "20261102T090000Z"); err == nil || err.Error() != "read journal "+path+want {
			t.Errorf("error %v\nwant  %s", err, want)
		}
		if ids, err := apply.RunIDs(dir); err != nil || len(ids) != 1 {
			t.Errorf("listing the runs passes over it: %v, %v", ids, err)
		}
	}
}

func TestRunsAreListedInTheirOrder(t *testing.T) {
	dir := t.TempDir()
	if runs, err := apply.RunIDs(filepath.Join(dir, "none")); runs != nil || err != nil {
		t.Errorf("no directory: %v, %v", runs, err)
	}
	for range 11 {
		shut(t, open(t, dir, entries()[0]))
	}
	later, err := apply.OpenJournal(dir, start.Add(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, later)
	runs, err := apply.RunIDs(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range runs {
		got = append(got, strings.TrimPrefix(r, "20261102T"))
	}
	want := strings.Fields("090000Z 090000Z-2 090000Z-3 090000Z-4 090000Z-5 090000Z-6 090000Z-7 090000Z-8 090000Z-9 090000Z-10 090000Z-11 090001Z")
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("runs (-want +got):\n%s", d)
	}
}

func TestOnlyRunsCanBeRead(t *testing.T) {
	for _, run := range []string{"", "..", "../x", "20261102T090000Z/../x", "apply", "-2026"} {
		if _, err := apply.ReadJournal(t.TempDir(), run); err == nil || !strings.Contains(err.Error(), "is not the ID of a run") {
			t.Errorf("run %q: %v", run, err)
		}
	}
	if _, err := apply.ReadJournal(t.TempDir(), "20261102T090000Z"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a run that is not there: %v", err)
	}
}

func TestUndoReversesTheOrder(t *testing.T) {
	made := plan.Step{ID: "a", Op: plan.CreateGroup, Account: "1", Subject: "g", Want: plan.State{Present: true}}
	filled := plan.Step{ID: "b", Op: plan.AddUserToGroup, Account: "1", Subject: "u", Object: "g", Want: plan.State{Present: true}, Needs: []string{"a"}}
	r := apply.Record{Entries: []apply.Entry{{Kind: apply.Begin}, {Kind: apply.Intent, Step: &made}, {Kind: apply.Intent, Step: &filled}}}
	there := plan.State{Present: true}
	want := []plan.Step{
		{ID: "RemoveUserFromGroup/1/u/g", Op: plan.RemoveUserFromGroup, Account: "1", Subject: "u", Object: "g", Expect: there, Because: []string{}},
		{ID: "DeleteGroup/1/g", Op: plan.DeleteGroup, Account: "1", Subject: "g", Expect: there, Because: []string{}, Needs: []string{"RemoveUserFromGroup/1/u/g"}},
	}
	if d := cmp.Diff(want, r.Undo()); d != "" {
		t.Errorf("undo (-want +got):\n%s", d)
	}
}

func FuzzReadJournal(f *testing.F) {
	f.Add([]byte("{\"kind\":\"begin\",\"format\":1}\n{\"kind\":\"intent\",\"step\":{\"id\":\"x\"}}\n{\"kind\":\"ended\",\"id\":\"x\",\"status\":\"done\"}\n{\"ki"))
	f.Add([]byte("{\"kind\":\"begin\",\"format\":1}\n{}\n"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "20261102T090000Z.jsonl"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := apply.ReadJournal(dir, "20261102T090000Z")
		if err != nil {
			return
		}
		if r.Torn != (len(text) > 0 && text[len(text)-1] != '\n') {
			t.Errorf("torn: %v", r.Torn)
		}
		if len(r.Undo()) < len(r.InDoubt()) {
			t.Errorf("%d to undo, %d in doubt", len(r.Undo()), len(r.InDoubt()))
		}
	})
}

// An entry that is not on the disk does not count, because the change comes after it.
func TestAnEntryThatCannotBeSyncedIsAnError(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a pipe can be flushed on Windows")
	}
	j := open(t, t.TempDir())
	defer shut(t, j)
	read, write, err := os.Pipe() // it takes the text, and cannot be synced
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	j.WriteTo(write)
	if err := j.Append(context.Background(), apply.Entry{Kind: apply.Begin, Time: start, Format: apply.Format}); err == nil {
		t.Error("no error")
	}
	if err := j.Append(context.Background(), apply.Entry{Kind: apply.End, Time: start}); err == nil {
		t.Error("no error of the next entry")
	}
}

// Older programs, and copies, leave journals that others can read. A journal that others can write is not believed: what
// it says is undone.
func TestJournalsThatOthersCanWriteAreRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	for _, row := range []struct {
		dir, file os.FileMode
		refused   string
		want      [2]os.FileMode // after the next run began
	}{
		{0o700, 0o600, "", [2]os.FileMode{0o700, 0o600}}, {0o755, 0o644, "", [2]os.FileMode{0o700, 0o600}}, {0o750, 0o640, "", [2]os.FileMode{0o700, 0o600}},
		{0o700, 0o400, "", [2]os.FileMode{0o700, 0o400}},
		{0o700, 0o666, "20261102T090000Z.jsonl", [2]os.FileMode{0o700, 0o666}}, {0o700, 0o620, "20261102T090000Z.jsonl", [2]os.FileMode{0o700, 0o620}},
		{0o777, 0o600, "journal directory", [2]os.FileMode{0o777, 0o600}}, {0o770, 0o600, "journal directory", [2]os.FileMode{0o770, 0o600}},
	} {
		dir := filepath.Join(t.TempDir(), "journal")
		j := open(t, dir, entries()...)
		shut(t, j)
		for path, mode := range map[string]os.FileMode{j.Path(): row.file, dir: row.dir} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
		}
		_, err := apply.ReadJournal(dir, j.Run())
		if (err == nil) != (row.refused == "") || err != nil && (!strings.Contains(err.Error(), row.refused) || !strings.Contains(err.Error(), "others can write")) {
			t.Errorf("%o %o: %v", row.dir, row.file, err)
		}
		next, err := apply.OpenJournal(dir, start.Add(time.Hour))
		if (err == nil) != (row.dir&0o022 == 0) {
			t.Errorf("%o: open: %v", row.dir, err)
		}
		if err == nil {
			shut(t, next)
		}
		for i, path := range []string{dir, j.Path()} {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != row.want[i] {
				t.Errorf("%o %o: %s has mode %o: %v", row.dir, row.file, path, info.Mode().Perm(), err)
			}
		}
	}
}

func TestTheFirstEntryOfAJournalDescribesTheRun(t *testing.T) {
	r := apply.Record{Entries: []apply.Entry{
		{Kind: apply.Begin, Time: start, Format: apply.Format, Steps: 3, Home: "111122223333", Undoes: "20261102T090000Z", By: "arn:aws:iam::111122223333:user/ann"},
		{Kind: apply.End, Time: start.Add(time.Minute)},
	}}
	if !r.Began().Equal(start) || r.Home() != "111122223333" || r.Undoes() != "20261102T090000Z" || r.By() != "arn:aws:iam::111122223333:user/ann" || r.Steps() != 3 || !r.Finished() {
		t.Errorf("%s, %q, %q, %q, %d, %v", r.Began(), r.Home(), r.Undoes(), r.By(), r.Steps(), r.Finished())
	}
	if r = (apply.Record{}); !r.Began().IsZero() || r.Home() != "" || r.Undoes() != "" || r.By() != "" || r.Steps() != 0 || r.Finished() {
		t.Errorf("without entries: %+v", r)
	}
}
