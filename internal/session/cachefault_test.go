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
