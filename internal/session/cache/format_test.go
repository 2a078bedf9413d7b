package cache

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// written is a session as format 1 stores it.
const written = `forcemfa 1
`

// A session of an earlier version is read; one of a newer version counts as none, so
// that the user is asked for a code and the file is replaced.
func TestSessionsOfOtherVersions(t *testing.T) {
	text, err := os.ReadFile("testdata/format-1.session")
	if err != nil {
		t.Fatal(err)
	}
	d := Dir{Path: t.TempDir()}
	for first, want := range map[string]error{written: nil, "forcemfa 2\n": ErrCold} {
		stored := strings.Replace(string(text), written, first, 1)
		if err := os.WriteFile(filepath.Join(d.Path, "x.session"), []byte(stored), 0o600); err != nil {
			t.Fatal(err)
		}
		e, err := d.Load("x")
		if !errors.Is(err, want) || want == nil && (e.AccessKeyID != "ASIAEXAMPLE" || !e.Issued.Equal(now)) {
			t.Errorf("%q: %+v, %v", first, e, err)
		}
	}
}
