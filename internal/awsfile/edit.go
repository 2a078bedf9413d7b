package awsfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/natefinch/atomic"

	"forcemfa/internal/bounded"
	"forcemfa/internal/filefault"
	"forcemfa/internal/filelock"
)

// lockWait is how long an edit waits for another one.
const lockWait = 30 * time.Second

// maxTries is how often an edit begins again because a program that takes no
// lock changed the file meanwhile.
const maxTries = 5

// Edit changes a file: under a lock, from what it holds now, as one rename of a
// synced file, so that a reader sees the old text or the new one and a killed
// edit leaves one of them. The file behind a symbolic link is edited and the
// link stays. A file that holds a secret, and a new one, gets mode 0600; a
// stricter mode is kept. An edit that changes nothing writes nothing.
func Edit(path string, edit func(*File) error) error {
	target, err := resolve(path)
	if err != nil {
		return fmt.Errorf("edit %s: %w", path, err)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return fmt.Errorf("edit %s: %w", path, bare(err))
	}
	unlock, err := lock(target)
	if err != nil {
		return fmt.Errorf("edit %s: %w", path, err)
	}
	defer unlock()
	sweep(target)
	for range maxTries {
		done, err := attempt(path, target, edit)
		if done || err != nil {
			return err
		}
	}
	return fmt.Errorf("edit %s: another program keeps changing it; run it again later", path)
}

// bare is an error of the operating system without the path, which the caller
// names.
func bare(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// resolve follows symbolic links, also one to a file that is not there yet.
func resolve(path string) (string, error) {
	target, err := filepath.EvalSymlinks(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return target, bare(err)
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return path, nil
	}
	to, err := os.Readlink(path)
	if err != nil {
		return "", bare(err)
	}
	if !filepath.IsAbs(to) {
		to = filepath.Join(filepath.Dir(path), to)
	}
	return resolve(to)
}

// lock takes the lock beside the file. The file itself cannot carry it: the
// rename puts another in its place.
func lock(target string) (unlock func(), err error) {
	dir, name := filepath.Split(target)
	path := filepath.Join(dir, "."+strings.TrimPrefix(name, ".")+".forcemfa.lock")
	unlock, err = filelock.Take(context.Background(), path, lockWait)
	var held *filelock.HeldError
	switch {
	case errors.As(err, &held):
		return nil, fmt.Errorf("%w; end it, then run this again", err)
	case err != nil:
		return nil, fmt.Errorf("lock %s: %w", path, bare(err))
	}
	return unlock, nil
}

// temporary is how the files that hold an unfinished edit begin.
func temporary(target string) string { return "." + filepath.Base(target) + ".forcemfa-new-" }

// sweep removes what a killed edit left. The lock is held, so nobody is at it.
func sweep(target string) {
	left, _ := filepath.Glob(filepath.Join(escapeGlob(filepath.Dir(target)), escapeGlob(temporary(target))+"*"))
	for _, path := range left {
		_ = os.Remove(path)
	}
}

func escapeGlob(s string) string {
	if os.PathSeparator == '\\' {
		return s // a backslash escapes nothing in a pattern on Windows
	}
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(s)
}

// attempt edits once; done is false when the file changed meanwhile.
func attempt(path, target string, edit func(*File) error) (done bool, err error) {
	before, info, err := current(target)
	if err != nil {
		return false, fmt.Errorf("edit %s: %w", path, bare(err))
	}
	if err := checkEncoding(path, before); err != nil {
		return false, err
	}
	f := Parse(path, before)
	if err := edit(f); err != nil {
		return false, err
	}
	after := f.Bytes()
	mode := modeFor(info, f.HoldsSecret() || Parse(path, before).HoldsSecret())
	if bytes.Equal(before, after) && (info == nil || info.Mode().Perm() == mode) {
		return true, nil
	}
	if err := replace(target, after, info, mode, before); err != nil {
		if errors.Is(err, errChanged) {
			return false, nil
		}
		return false, fmt.Errorf("edit %s: %w", path, bare(err))
	}
	return true, nil
}

func current(target string) ([]byte, fs.FileInfo, error) {
	file, info, err := filefault.OpenRegular(target)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	text, err := bounded.ReadAll(file, largest)
	return text, info, err
}

// modeFor is 0600 for a new file, and at most that for one with a secret.
func modeFor(info fs.FileInfo, secret bool) fs.FileMode {
	if info == nil {
		return 0o600
	}
	if mode := info.Mode().Perm(); !secret {
		return mode
	} else {
		return mode & 0o600
	}
}

var errChanged = errors.New("changed meanwhile")

// replace writes a file beside the target and renames it over the target, unless
// the target holds something else than before by now.
func replace(target string, text []byte, info fs.FileInfo, mode fs.FileMode, before []byte) (err error) {
	new, err := os.CreateTemp(filepath.Dir(target), temporary(target)+"*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = new.Close()
			_ = os.Remove(new.Name())
		}
	}()
	keepOwner(new, info)
	if err := new.Chmod(mode); err != nil && os.PathSeparator == '/' {
		return err
	}
	if _, err := new.Write(text); err != nil {
		return err
	}
	if err := new.Sync(); err != nil {
		return err
	}
	if err := new.Close(); err != nil {
		return err
	}
	if now, _, err := current(target); err != nil {
		return err
	} else if !bytes.Equal(now, before) {
		return errChanged
	}
	if err := atomic.ReplaceFile(new.Name(), target); err != nil {
		return err
	}
	syncDir(filepath.Dir(target))
	return nil
}

// syncDir makes the rename durable where a directory can be synced.
func syncDir(path string) {
	if dir, err := os.Open(path); err == nil {
		_ = dir.Sync()
		_ = dir.Close()
	}
}
