package secret

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/natefinch/atomic"

	"forcemfa/internal/filefault"
	"forcemfa/internal/filelock"
)

// names is the list of what a backend holds that cannot list: a small file of
// IDs, which are no secrets.
type names struct{ path string }

// maxListFile is more than the lists of names and of key IDs hold.
const maxListFile = 16 << 20

func (n names) list() ([]string, error) {
	text, err := filefault.Read(n.path, maxListFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var ids []string
	if err := json.Unmarshal(text, &ids); err != nil {
		return nil, fmt.Errorf("%s: not a list of names: %w", n.path, err)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// change runs do, then lists the ID or forgets it; one process at a time.
func (n names) change(ctx context.Context, id string, listed bool, do func() error) error {
	unlock, err := lock(ctx, n.path)
	if err != nil {
		return err
	}
	defer unlock()
	ids, err := n.list()
	if err != nil {
		return err
	}
	err = do()
	if err != nil && (listed || !errors.Is(err, ErrNotFound)) {
		return err
	}
	have := slices.Contains(ids, id)
	if have == listed {
		return err
	}
	if listed {
		ids = append(ids, id)
	} else {
		ids = slices.DeleteFunc(ids, func(s string) bool { return s == id })
	}
	slices.Sort(ids)
	text, wrong := json.Marshal(ids)
	if wrong == nil {
		wrong = writePrivate(n.path, text)
	}
	return errors.Join(err, wrong)
}

// lockWait is how long a change waits for another one.
const lockWait = 30 * time.Second

// lock takes the lock beside a file, and makes its directory first.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return filelock.Take(ctx, path+".lock", lockWait)
}

// writePrivate puts a whole file with mode 0600 in the place of another. The file is on
// disk afterwards, because the caller may delete the key where it was before.
func writePrivate(path string, text []byte) error {
	if err := os.Chmod(path, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := atomic.WriteFile(path, bytes.NewReader(text)); err != nil || runtime.GOOS == "windows" {
		return err
	}
	dir, err := os.Open(filepath.Dir(path)) // the new name is in the directory; Windows has no such call
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
