package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEveryCommandOfTheGuideIsRun compares the commands of docs/guide.md with
// those of the scenario that runs them, which [TestScenarios] does.
func TestEveryCommandOfTheGuideIsRun(t *testing.T) {
	guide := fenced(read(t, "../../docs/guide.md"))
	var run []string
	for _, line := range strings.Split(read(t, "testdata/guide.txtar"), "\n") {
		if words := strings.Fields(line); len(words) > 2 && words[0] == "status" {
			run = append(run, strings.Join(words[2:], " "))
		}
	}
	if d := cmp.Diff(guide, run); d != "" || len(guide) < 10 {
		t.Errorf("%d commands in the guide (-guide +scenario):\n%s", len(guide), d)
	}
	if steps := strings.Count(read(t, "../../docs/guide.md"), "\n## "); steps != 10 {
		t.Errorf("the guide has %d steps, not ten", steps)
	}
}

// fenced are the lines of a page's shell blocks.
func fenced(page string) []string {
	var lines []string
	inside := false
	for _, line := range strings.Split(page, "\n") {
		switch {
		case line == "```sh":
			inside = true
		case line == "```":
			inside = false
		case inside:
			lines = append(lines, line)
		}
	}
	return lines
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
