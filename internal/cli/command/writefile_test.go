package command

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWriteFileReplacesNothingButFiles(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, []byte("before"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Skip("no links here:", err)
	}
	for _, name := range []string{target, link, filepath.Join(dir, "new"), os.DevNull} {
		if err := WriteFile(name, []byte("after"), 0o600); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{target, filepath.Join(dir, "new")} {
		text, err := os.ReadFile(name)
		info, _ := os.Lstat(name)
		if err != nil || string(text) != "after" || info.Mode() != 0o600 {
			t.Errorf("%s: %q, %v, %v", name, text, info.Mode(), err)
		}
	}
	for name, want := range map[string]os.FileMode{link: os.ModeSymlink, os.DevNull: os.ModeDevice | os.ModeCharDevice} {
		if info, err := os.Lstat(name); err != nil || info.Mode().Type() != want {
			t.Errorf("%s was replaced: %v, %v", name, info, err)
		}
	}
}

func TestWriteStreamThatFailsLeavesTheFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "snapshot.jsonl")
	if err := os.WriteFile(name, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	cut := errors.New("the network is gone")
	err := WriteStream(name, 0o600, func(w io.Writer) error {
		_, _ = io.WriteString(w, "half of it")
		return cut
	})
	text, _ := os.ReadFile(name)
	left, _ := os.ReadDir(dir)
	if !errors.Is(err, cut) || string(text) != "before" || len(left) != 1 {
		t.Errorf("%v; the file holds %q, beside it %v", err, text, left)
	}
}

func TestWriteFileNamesWhatItCannotWrite(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{dir, filepath.Join(dir, "absent", "plan.json")} {
		err := WriteStream(name, 0o600, func(io.Writer) error { t.Errorf("%s: it was asked what to write", name); return nil })
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
