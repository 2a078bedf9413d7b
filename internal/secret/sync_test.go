package secret

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"forcemfa/internal/testfsync"
)

// An import deletes a key where it was, so the store must survive a loss of power before
// that: its file and the directory with its name are synced, or Set is an error.
func TestAKeyIsOnDiskWhenItIsStored(t *testing.T) {
	for _, row := range []struct {
		name  string
		fails func(dir, path string) bool
		kept  bool // the store still has the key of before
	}{
		{"every sync succeeds", func(_, _ string) bool { return false }, false},
		{"the file is not synced", func(dir, path string) bool { return path != dir }, true},
		{"the directory is not synced", func(dir, path string) bool { return path == dir }, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			ctx := context.Background()
			dir, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			s, err := Open(Config{Backend: File, Dir: dir, Passphrase: NewText(passphrase), WorkFactor: fastScrypt})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.SetText(ctx, "a", NewText("before")); err != nil {
				t.Fatal(err)
			}
			var failed error
			any := false
			synced := testfsync.Watch(t, func(path string) bool {
				fails := row.fails(dir, path)
				any = any || fails
				return fails
			}, func() { failed = s.SetText(ctx, "a", NewText("after")) })
			if (failed != nil) != any {
				t.Errorf("error %v", failed)
			}
			inside := slices.ContainsFunc(synced, func(path string) bool { return strings.HasPrefix(path, dir+string(filepath.Separator)) })
			if !inside || !row.kept && !slices.Contains(synced, dir) {
				t.Errorf("synced %v", synced)
			}
			want := "after"
			if row.kept {
				want = "before"
			}
			if got, err := s.Text(ctx, "a"); err != nil || got.Reveal() != want {
				t.Errorf("%q, want %q; error %v", got.Reveal(), want, err)
			}
		})
	}
}
