package command

import (
	"os"
	"path/filepath"
	"testing"

	"forcemfa/internal/testfsync"
)

// A plan or a report that is not on disk does not take the place of the old file.
func TestWriteFileKeepsTheOldFileWhenTheNewOneIsNotOnDisk(t *testing.T) {
	name := filepath.Join(t.TempDir(), "plan.json")
	for i, fails := range []bool{false, true} {
		want := "first"
		var failed error
		synced := testfsync.Watch(t, func(string) bool { return fails }, func() { failed = WriteFile(name, []byte([]string{want, "second"}[i]), 0o600) })
		text, err := os.ReadFile(name)
		if err != nil || string(text) != want || (failed != nil) != fails || len(synced) != 1 {
			t.Errorf("%q, synced %v, errors %v, %v", text, synced, failed, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(name), ".forcemfa-*")); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}
