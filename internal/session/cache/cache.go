// Package cache keeps temporary credentials in files that only their owner can
// read, so that a session is made once and used until it expires. The secrets of
// sessions can be kept in a [Vault] instead, and the rest in the files.
//
// It is all that a warm call needs, and it is linked into a helper that AWS
// tools start again and again: it imports no SDK, no network and no JSON. Long-lived
// keys never come here.
//
// A directory holds entries, one for each session, and links, one for each
// profile that was asked for. Names are hashes. A file that is damaged, that
// somebody else owns or that others can read counts as if it were not there.
package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// ErrCold says that there is no usable file: nobody wrote it, or it is damaged,
// or it is of another profile.
var ErrCold = errors.New("nothing in the cache")

// A Dir is a directory of cached sessions.
type Dir struct {
	Path string
	// Vault opens the secret store of a backend, for the sessions whose secrets
	// do not rest in their files. nil: such sessions count as if they were not
	// there, so that a program without stores hands over to one with stores.
	Vault func(backend string) (Vault, error)
}

// Default is the directory in which sessions rest: forcemfa in XDG_CACHE_HOME,
// else in what the system has for caches.
func Default(getenv func(string) string) (Dir, error) {
	if dir := getenv("XDG_CACHE_HOME"); isAbs(dir) {
		return Dir{Path: join(dir, "forcemfa")}, nil
	}
	home, name := getenv("HOME"), ".cache"
	switch runtime.GOOS {
	case "windows":
		home, name = getenv("LocalAppData"), ""
	case "darwin":
		name = join("Library", "Caches")
	}
	if home == "" {
		return Dir{}, errors.New("find the cache: neither XDG_CACHE_HOME nor a home directory is set")
	}
	return Dir{Path: join(home, name, "forcemfa")}, nil
}

// Name is the name of an entry: a hash of all that tells it from others. The
// parts are kept apart, so that none can pass for two.
func Name(parts ...string) string {
	var text strings.Builder
	text.WriteString("forcemfa 1\n")
	for _, p := range parts {
		text.WriteString(strconv.Itoa(len(p)))
		text.WriteByte(':')
		text.WriteString(p)
	}
	sum := sha256.Sum256([]byte(text.String()))
	return hex.EncodeToString(sum[:20])
}

// Suffixes of the files.
const (
	entrySuffix  = ".session"
	linkSuffix   = ".profile"
	deviceSuffix = ".device"
	lockSuffix   = ".lock"
)

// LockPath is the file that is locked while somebody makes the session of this
// name.
func (d Dir) LockPath(name string) string { return join(d.Path, name+lockSuffix) }

// Make makes the directory, and refuses one that others can look into. A symbolic link
// that belongs to us is followed: home directories on a small disk have them.
func (d Dir) Make() error {
	if err := os.MkdirAll(d.Path, 0o700); err != nil {
		return err
	}
	info, err := os.Lstat(d.Path)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 && own(info) {
		info, err = os.Stat(d.Path)
	}
	if err != nil {
		return err
	}
	switch {
	case !info.IsDir():
		return &fs.PathError{Op: "use cache", Path: d.Path, Err: errors.New("it is not a directory")}
	case !own(info):
		return &fs.PathError{Op: "use cache", Path: d.Path, Err: errors.New("it belongs to somebody else")}
	case wide(info.Mode()):
		return &fs.PathError{Op: "use cache", Path: d.Path, Err: errors.New("others can look into it: run chmod 700 on it")}
	}
	return nil
}

// write replaces a file by a whole new one.
func (d Dir) write(name string, r record) error {
	if err := d.Make(); err != nil {
		return err
	}
	temporary := join(d.Path, "."+name+"."+strconv.Itoa(os.Getpid())+"."+strconv.FormatInt(time.Now().UnixNano(), 36))
	f, err := os.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(r.text())
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(temporary, join(d.Path, name))
	}
	if err != nil {
		_ = os.Remove(temporary)
	}
	return err
}

func (d Dir) read(name string) (record, error) {
	text, err := readOwn(join(d.Path, name))
	if err != nil {
		return nil, err
	}
	return parse(text)
}

func (d Dir) remove(name string) error {
	err := os.Remove(join(d.Path, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// names are the names of the files with a suffix, without it.
func (d Dir) names(suffix string) ([]string, error) {
	files, err := os.ReadDir(d.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var out []string
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), suffix); ok && !strings.HasPrefix(name, ".") {
			out = append(out, name)
		}
	}
	return out, err
}
