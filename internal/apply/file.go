package apply

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"forcemfa/internal/filefault"
	"forcemfa/internal/filelock"
	"forcemfa/internal/org"
)

// The files of a journal directory.
const (
	suffix   = ".jsonl"
	lockName = "apply.lock"
)

// A FileJournal is the journal of one run as a file of JSON lines that only its owner
// can read. While it is open, no other run on this machine can begin in the same
// directory.
type FileJournal struct {
	run  string
	lock *flock.Flock
	file *os.File

	sequence // an append that fails may leave an incomplete line
}

// A LockedError says that another run has locked the journal directory.
type LockedError struct {
	File string // the lock file
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("another apply is running: it holds the lock file %s", e.File)
}

// OpenJournal begins the journal of a new run in a directory, which it creates if
// needed. The error is a [*LockedError] while another run is in progress.
func OpenJournal(dir string, now time.Time) (*FileJournal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create journal directory: %w", err)
	}
	if err := tighten(dir); err != nil {
		return nil, err
	}
	lock := filelock.New(filepath.Join(dir, lockName))
	mine, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock journal directory: %w", err)
	}
	if !mine {
		return nil, &LockedError{File: lock.Path()}
	}
	j := &FileJournal{lock: lock}
	if err := j.create(dir, now); err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	return j, nil
}

// tighten removes the permission of others to read a journal directory and the journals
// in it, which older programs and copies of files leave. The error says that others can
// write to the directory: what is in it may not come from this program.
func tighten(dir string) error {
	if err := ownWrites(dir, "journal directory"); err != nil || runtime.GOOS == "windows" {
		return err
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("list journals: %w", err)
	}
	paths := []string{dir}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), suffix) {
			paths = append(paths, filepath.Join(dir, f.Name()))
		}
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("list journals: %w", err)
		}
		mode := info.Mode().Perm()
		if mode&0o077 == 0 || mode&0o022 != 0 { // ReadJournal refuses a file that others can write
			continue
		}
		if err := os.Chmod(path, mode&0o700); err != nil {
			return fmt.Errorf("keep others from reading the journals: %w", err)
		}
	}
	return nil
}

// ownWrites returns an error when others than the owner can write to a file or a
// directory. A rollback does what a journal says, so it must not come from others.
func ownWrites(path, what string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return othersWrite(info, path, what)
}

func othersWrite(info fs.FileInfo, path, what string) error {
	if runtime.GOOS == "windows" || info.Mode().Perm()&0o022 == 0 {
		return nil
	}
	return fmt.Errorf("others can write to the %s %s (mode %o): compare it with a copy, then run chmod go-w", what, path, info.Mode().Perm())
}

// create creates a new file with the time as its name.
func (j *FileJournal) create(dir string, now time.Time) error {
	first := now.UTC().Format("20060102T150405Z")
	for n := 1; ; n++ {
		run := first
		if n > 1 {
			run = fmt.Sprintf("%s-%d", first, n)
		}
		file, err := os.OpenFile(filepath.Join(dir, run+suffix), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("create journal: %w", err)
		}
		j.run, j.file = run, file
		if err := syncDir(dir); err != nil {
			return errors.Join(fmt.Errorf("sync journal directory: %w", err), file.Close())
		}
		return nil
	}
}

// syncDir makes the name of a new file durable. Windows has no such call and does not
// need it.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Run is the ID of the run, by which [ReadJournal] finds it.
func (j *FileJournal) Run() string { return j.run }

// Path is the journal's file.
func (j *FileJournal) Path() string { return j.file.Name() }

// Append writes one line and syncs it to disk. After an error every further Append
// fails.
func (j *FileJournal) Append(_ context.Context, e Entry) error {
	return j.append(e, func(_ int, line []byte) error {
		if _, err := j.file.Write(append(line, '\n')); err != nil {
			return err
		}
		return j.file.Sync()
	})
}

// Close closes the journal and unlocks the directory.
func (j *FileJournal) Close() error {
	if err := errors.Join(j.file.Close(), j.lock.Unlock()); err != nil {
		return fmt.Errorf("close journal: %w", err)
	}
	return nil
}

// ReadJournal reads the journal of one run. An incomplete last line, which a crash
// leaves, is dropped and sets [Record.Torn]. Any other line that is not an entry is an
// error that names file and line.
func ReadJournal(dir, run string) (*Record, error) {
	if !isRun(run) {
		return nil, fmt.Errorf("read journal: %q is not the ID of a run, as 20270131T120000Z", run)
	}
	path := filepath.Join(dir, run+suffix)
	file, info, err := filefault.OpenRegular(path)
	if err != nil {
		return nil, filefault.Error("read journal", err)
	}
	defer file.Close()
	if err := errors.Join(ownWrites(dir, "journal directory"), othersWrite(info, path, "journal")); err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	r, err := parseJournal(file)
	if err != nil {
		return nil, fmt.Errorf("read journal %s:%w", path, err)
	}
	r.Run = run
	return r, nil
}

// parseJournal reads JSON lines. The error begins with the number of the line.
func parseJournal(in io.Reader) (*Record, error) {
	r, begun := new(Record), map[string]bool{}
	for lines := bufio.NewReaderSize(in, maxEntry); ; {
		line, err := lines.ReadSlice('\n')
		n := len(r.Entries)
		switch {
		case err == io.EOF:
			r.Torn = len(line) > 0
			return r, nil
		case err == bufio.ErrBufferFull:
			return nil, fmt.Errorf("%d: the line is longer than %d bytes", n+1, maxEntry)
		case err != nil:
			return nil, fmt.Errorf("%d: %w", n+1, err)
		}
		e, err := parseEntry(line, n == 0, begun)
		if err != nil {
			return nil, fmt.Errorf("%d: %w", n+1, err)
		}
		r.Entries = append(r.Entries, e)
	}
}

// maxCounts is more than there are results of a step.
const maxCounts = 20

// parseEntry reads one line. The first must be a Begin of [Format]. begun are the IDs of
// the steps before it, to which it adds its own: a run begins each step once.
func parseEntry(line []byte, first bool, begun map[string]bool) (e Entry, err error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return e, fmt.Errorf("not a journal entry: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return e, errors.New("more than one entry on a line")
	}
	if len(e.Counts) > maxCounts {
		return e, errors.New("more counts than there are results of steps")
	}
	if member, _ := org.Duplicate(line); member != "" {
		return e, fmt.Errorf("member %q is there twice", member)
	}
	switch {
	case first != (e.Kind == Begin):
		return e, fmt.Errorf("unexpected entry %q", e.Kind)
	case first && e.Format != Format:
		return e, fmt.Errorf("format %d is not supported: this program reads format %d", e.Format, Format)
	case e.Kind == Intent && e.Step == nil:
		return e, errors.New("an intent without its step")
	case e.Kind == Intent && begun[e.Step.ID]:
		return e, fmt.Errorf("the step %q begins twice", e.Step.ID)
	case e.Kind == Intent:
		begun[e.Step.ID] = true
	}
	return e, nil
}

// isRun reports whether s has the form of a run ID.
func isRun(s string) bool {
	return len(s) >= len("20270131T120000Z") && s[0] != '-' && strings.Trim(s, "0123456789TZ-") == ""
}

// RunIDs are the runs of a directory, oldest first; none when it does not exist.
func RunIDs(dir string) ([]string, error) {
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list journals: %w", err)
	}
	var runs []string
	for _, f := range files {
		if run, isJournal := strings.CutSuffix(f.Name(), suffix); isJournal && isRun(run) {
			runs = append(runs, run)
		}
	}
	slices.SortFunc(runs, compareRuns)
	return runs, nil
}

// compareRuns orders run IDs by time, then by the number of the run in that second.
func compareRuns(a, b string) int {
	timeA, numberA, _ := strings.Cut(a, "-")
	timeB, numberB, _ := strings.Cut(b, "-")
	return cmp.Or(strings.Compare(timeA, timeB), cmp.Compare(len(numberA), len(numberB)), strings.Compare(numberA, numberB))
}
