package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"forcemfa/internal/cli"
	"forcemfa/internal/cli/command"
)

func TestEveryVerbHasAManPage(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	root := cli.Root(command.ProcessEnv())
	if err := write(root, dir); err != nil {
		t.Fatal(err)
	}
	for _, c := range root.Commands() {
		if !c.IsAvailableCommand() {
			continue
		}
		page, err := os.ReadFile(filepath.Join(dir, "man", "forcemfa-"+c.Name()+".1"))
		if err != nil {
			t.Errorf("%s has no man page: %v", c.Name(), err)
			continue
		}
		if !strings.Contains(string(page), c.Short[:10]) || !strings.Contains(string(page), "2023") {
			t.Errorf("the page of %s lacks its summary or the date of SOURCE_DATE_EPOCH:\n%.300s", c.Name(), page)
		}
	}
}

func TestTheSameSourceGivesTheSameFiles(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	first, second := t.TempDir(), t.TempDir()
	for _, dir := range []string{first, second} {
		if err := write(cli.Root(command.ProcessEnv()), dir); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(first, "*", "*"))
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		rel, _ := filepath.Rel(first, f)
		a, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(second, rel))
		if err != nil || string(a) != string(b) {
			t.Errorf("%s differs between two runs (%v)", rel, err)
		}
	}
}
