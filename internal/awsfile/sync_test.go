package awsfile

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"forcemfa/internal/testfsync"
)

// Power may fail right after an edit. A renamed file that is not on disk would be empty
// then, so a file that cannot be synced is not put in the place of the old one.
func TestAnEditIsOnDisk(t *testing.T) {
	const before, after = "[a]\nx = 1\n", "[a]\nx = 2\n"
	for name, fails := range map[string]bool{"every sync succeeds": false, "the file is not synced": true} {
		t.Run(name, func(t *testing.T) {
			dir, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "config")
			write(t, path, before, 0o600)
			var failed error
			synced := testfsync.Watch(t, func(p string) bool { return fails && p != dir }, func() { failed = Edit(path, set("a", "x", "2")) })
			isNew := func(p string) bool { return strings.HasPrefix(p, filepath.Join(dir, ".config.forcemfa-new-")) }
			if !slices.ContainsFunc(synced, isNew) || slices.Contains(synced, dir) == fails {
				t.Errorf("synced %v", synced)
			}
			want := after
			if fails {
				want = before
			}
			if got := read(t, path); got != want || errors.Is(failed, syscall.EIO) != fails || (failed != nil) != fails {
				t.Errorf("%q, error %v", got, failed)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, ".config.forcemfa-new-*")); len(left) != 0 {
				t.Errorf("left %v", left)
			}
		})
	}
}
