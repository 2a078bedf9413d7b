package testfsync_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/testfsync"
)

func TestWatchSeesEachSyncAndLetsOneFail(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "f")
	var first, second, third error
	synced := testfsync.Watch(t, func(p string) bool { return p == dir }, func() {
		file, err := os.Create(path)
		if err != nil {
			first = err
			return
		}
		first = file.Sync()
		folder, err := os.Open(dir)
		if err != nil {
			second = err
			return
		}
		second, third = folder.Sync(), file.Sync()
		_, _ = file.Close(), folder.Close()
	})
	if first != nil || !errors.Is(second, syscall.EIO) || third != nil {
		t.Errorf("errors %v, %v, %v", first, second, third)
	}
	if d := cmp.Diff([]string{path, dir, path}, synced); d != "" {
		t.Errorf("synced (-want +got):\n%s", d)
	}
	if synced := testfsync.Watch(t, nil, func() {}); synced != nil {
		t.Errorf("synced %v", synced)
	}
}
