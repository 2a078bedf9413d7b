package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
)

// No line of a help page is wider than a terminal of 80 columns, except examples and
// words that are wider.
func TestHelpPagesFitOnATerminal(t *testing.T) {
	e := &command.Env{Now: time.Now, Getenv: func(string) string { return "" }, Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}}
	root := Root(e)
	pages := 0
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		var page bytes.Buffer
		c.SetOut(&page)
		if err := c.Help(); err != nil {
			t.Fatal(err)
		}
		pages++
		examples := false
		for line := range strings.Lines(page.String()) {
			line = strings.TrimRight(line, "\n")
			if line != "" && line[0] != ' ' {
				examples = line == "Examples:"
			}
			if !examples && utf8.RuneCountInString(line) > helpColumns && strings.Contains(strings.TrimSpace(line), " ") {
				t.Errorf("%s --help: %d columns: %s", c.CommandPath(), utf8.RuneCountInString(line), line)
			}
		}
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(root)
	if pages < 40 {
		t.Errorf("%d help pages", pages)
	}
}

func TestWrappedLinesKeepTheirColumn(t *testing.T) {
	for _, row := range []struct{ line, want string }{
		{"short", "short"},
		{"one two three four five", "one two three\nfour five"},
		{"  -q, --quiet   print no remarks", "  -q, --quiet\n      print no\n      remarks"},
		{"  a   one two three four", "  a   one two\n      three\n      four"},
	} {
		if got := wrappedLine(row.line, 15); got != row.want {
			t.Errorf("%q:\n%s\nwant\n%s", row.line, got, row.want)
		}
	}
}

// A paragraph of the source is filled: its line breaks are not those of the terminal.
func TestParagraphsOfHelpPagesAreFilled(t *testing.T) {
	page := "one two three\nfour\nfive:\n\n  kept as\n  it is\nEXIT STATUS\n  0  fine\nsix\nseven\n\nUsage:\n  a b\n\nExamples:\n  a long example of a verb\n"
	want := "one two three\nfour five:\n\n  kept as\n  it is\nEXIT STATUS\n  0  fine\nsix seven\n\nUsage:\n  a b\n\nExamples:\n  a long example of a verb\n"
	if got := wrappedPage(page, 15); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
