// Package history keeps the newest runs of each organization on disk.
//
// A run is one compressed file, named by time and verb, in a directory for its
// organization. Only files with such a name are counted or removed.
package history

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"forcemfa/internal/run"
)

// Kept is how many runs are kept for each organization.
const Kept = 100

// stamp is the time in the name of a file: names in order are runs in order.
const stamp = "20060102T150405.000000000Z"

var runName = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}\.[0-9]{9}Z-[a-z-]+\.run\.gz$`)

// Dir is the directory of the runs of an organization, below a directory for all of
// them. It is named by the ID of the organization, or of the account that is in none.
func Dir(parent string, h *run.Head) (string, error) {
	id := h.Organization
	if id == "" {
		id = h.Management
	}
	if !regexp.MustCompile(`^[a-z0-9-]+$`).MatchString(id) {
		return "", errors.New("neither the organization nor the account of the run is known")
	}
	return filepath.Join(parent, id), nil
}

// A File is a run that is being written.
type File struct {
	file *os.File
	zip  *gzip.Writer
	name string
}

// Create begins the file of a run below a directory for all runs.
func Create(parent string, h *run.Head) (*File, error) {
	dir, err := Dir(parent, h)
	if err != nil {
		return nil, fmt.Errorf("keep the run: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("keep the run: %w", err)
	}
	file, err := os.CreateTemp(dir, ".run-")
	if err != nil {
		return nil, fmt.Errorf("keep the run: %w", err)
	}
	verb := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return '-'
	}, h.Verb)
	zip, _ := gzip.NewWriterLevel(file, gzip.BestSpeed)
	return &File{file: file, zip: zip, name: filepath.Join(dir, h.Time.UTC().Format(stamp)+"-"+verb+".run.gz")}, nil
}

func (f *File) Write(text []byte) (int, error) { return f.zip.Write(text) }

// Commit puts the run under its name, and removes the oldest runs beyond [Kept]. Another
// run of the same verb at the same time is replaced.
func (f *File) Commit() error {
	err := errors.Join(f.zip.Close(), f.file.Close())
	if err == nil {
		err = os.Rename(f.file.Name(), f.name)
	}
	if err != nil {
		_ = os.Remove(f.file.Name())
		return fmt.Errorf("keep the run: %w", err)
	}
	return prune(filepath.Dir(f.name))
}

// Discard removes a run that was not committed.
func (f *File) Discard() {
	_ = f.file.Close()
	_ = os.Remove(f.file.Name())
}

func prune(dir string) error {
	names, err := List(dir)
	if err != nil {
		return err
	}
	for _, name := range names[:max(0, len(names)-Kept)] {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove an old run: %w", err)
		}
	}
	return nil
}

// List names the kept runs in the directory of an organization, the oldest first.
func List(dir string) ([]string, error) {
	return names(dir, func(e os.DirEntry) bool { return e.Type().IsRegular() && runName.MatchString(e.Name()) })
}

// Organizations names the directories of organizations with kept runs.
func Organizations(parent string) ([]string, error) { return names(parent, os.DirEntry.IsDir) }

// names are the entries of a directory that are kept, in order; none if it does not exist.
func names(dir string, kept func(os.DirEntry) bool) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("list the runs: %w", err)
	}
	var list []string
	for _, e := range entries {
		if kept(e) {
			list = append(list, filepath.Join(dir, e.Name()))
		}
	}
	return list, nil
}

// Open checks and opens a saved run.
func Open(name string) (*run.Run, error) {
	return run.Open(name, func() (io.ReadCloser, error) {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		if info, err := f.Stat(); err == nil && info.IsDir() {
			_ = f.Close()
			return nil, &os.PathError{Op: "open", Path: name, Err: errors.New("is a directory")}
		}
		return f, nil
	})
}
