package session_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"forcemfa/internal/session"
	"forcemfa/internal/session/cache"
)

func TestAdviceAboutTheCacheFitsTheCause(t *testing.T) {
	m := newRig(t).manager()
	for _, row := range []struct {
		err  error
		want string
	}{
		{&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, "free space on the file system of " + m.Cache.Path},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.EROFS}, "the file system of " + m.Cache.Path + " is read-only"},
		{&fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}, "give your user access to " + m.Cache.Path},
		{errors.New("others can look into it"), "make " + m.Cache.Path + " a directory that only you can use"},
	} {
		if got := m.CacheRemedy(row.err); !strings.HasPrefix(got, row.want) || !strings.HasSuffix(got, "; XDG_CACHE_HOME selects another one") {
			t.Errorf("%v: %q", row.err, got)
		}
	}
}

// No code is requested for a session that cannot be stored.
func TestAFileInThePlaceOfTheCache(t *testing.T) {
	r := newRig(t)
	r.settings(identity, "", "jonas")
	file := filepath.Join(r.home, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.env["XDG_CACHE_HOME"] = file
	p := r.refused(r.manager(), session.Request{Profile: "jonas"})
	if !strings.Contains(p.Next, "a file is in the place of a directory") || len(r.asked) != 0 {
		t.Errorf("%s; next step %q; %d prompts", p.Sentence, p.Next, len(r.asked))
	}
}

// The message about a lock that cannot be taken has the path once.
func TestALockThatCannotBeTaken(t *testing.T) {
	r := newRig(t)
	r.settings(identity, "", "jonas")
	m := r.manager()
	name := cache.PlaceOf("jonas", m.Getenv).LockName()
	if err := os.MkdirAll(m.Cache.LockPath(name), 0o700); err != nil { // a directory has its place
		t.Fatal(err)
	}
	if err := os.Chmod(m.Cache.Path, 0o700); err != nil {
		t.Fatal(err)
	}
	p := r.refused(m, session.Request{Profile: "jonas"})
	if strings.Count(p.Sentence, m.Cache.Path) != 1 || !strings.HasPrefix(p.Sentence, "lock "+m.Cache.LockPath(name)+": ") || len(r.asked) != 0 {
		t.Errorf("%s; %d prompts", p.Sentence, len(r.asked))
	}
}
