package apply_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"forcemfa/internal/apply"
	"forcemfa/internal/testfsync"
)

// A change is made only after its intent is on disk, in a journal whose name is on disk.
// Otherwise nobody could undo it after a loss of power.
func TestEntriesAreOnDiskBeforeTheChange(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var j *apply.FileJournal
	open := func() { j, err = apply.OpenJournal(dir, start) }
	if synced := testfsync.Watch(t, nil, open); err != nil || !slices.Contains(synced, dir) {
		t.Fatalf("a new journal: synced %v, error %v", synced, err)
	}
	var failed error
	entry := func() { failed = j.Append(context.Background(), entries()[0]) }
	for range 2 {
		if synced := testfsync.Watch(t, nil, entry); failed != nil || !slices.Equal(synced, []string{j.Path()}) {
			t.Errorf("an entry: synced %v, error %v", synced, failed)
		}
	}
	fails := func(string) bool { return true }
	if testfsync.Watch(t, fails, entry); !errors.Is(failed, syscall.EIO) {
		t.Errorf("an entry that is not synced: error %v", failed)
	}
	if entry(); failed == nil {
		t.Error("another entry is written after one that was not synced")
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}

	if testfsync.Watch(t, fails, open); !errors.Is(err, syscall.EIO) {
		t.Fatalf("a journal whose name is not synced: error %v", err)
	}
	if open(); err != nil {
		t.Fatalf("the directory is still locked: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}
