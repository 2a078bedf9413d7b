package history_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"forcemfa/internal/history"
	"forcemfa/internal/run"
)

func keep(t *testing.T, parent string, at time.Time) {
	t.Helper()
	h := run.Head{Verb: "access plan", Organization: "o-1", Time: at, Partition: "aws"}
	f, err := history.Create(parent, &h)
	if err != nil {
		t.Fatal(err)
	}
	if err := run.NewWriter(f, h).Close(run.End{}); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
}

func TestNewestRunsAreKept(t *testing.T) {
	parent := t.TempDir()
	begin := time.Date(2026, 11, 28, 14, 2, 0, 0, time.UTC)
	keep(t, parent, begin)
	dir := filepath.Join(parent, "o-1")
	other := filepath.Join(dir, "20000101-notes.txt")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range history.Kept + 2 {
		keep(t, parent, begin.Add(time.Duration(i)*time.Minute))
	}
	names, err := history.List(dir)
	if err != nil || len(names) != history.Kept {
		t.Fatalf("%d runs, %v", len(names), err)
	}
	if want := "20261128T140400.000000000Z-access-plan.run.gz"; filepath.Base(names[0]) != want {
		t.Errorf("the oldest is %s, want %s", names[0], want)
	}
	if _, err := os.Stat(other); err != nil {
		t.Error("a file that is no run was removed")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	r, err := history.Open(names[history.Kept-1])
	if err != nil || r.Head.Verb != "access plan" {
		t.Errorf("%+v, %v", r, err)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 && os.PathSeparator == '/' {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestRunsWithoutAnOrganizationAreKeptByAccount(t *testing.T) {
	for id, ok := range map[string]bool{"111111111111": true, "": false, "../x": false} {
		dir, err := history.Dir("p", &run.Head{Management: id})
		if (err == nil) != ok || ok && !strings.HasSuffix(dir, id) {
			t.Errorf("%q: %s, %v", id, dir, err)
		}
	}
}
