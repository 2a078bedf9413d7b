package cli

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// helpColumns is the width of help pages where the width of the terminal is unknown.
const helpColumns = 80

// wrapHelp wraps the help pages of all verbs at the width of the terminal. Examples are
// left as they are: they are for pasting.
func wrapHelp(root *cobra.Command, columns int) {
	if columns == 0 {
		columns = helpColumns
	}
	show := root.HelpFunc()
	root.SetHelpFunc(func(c *cobra.Command, args []string) {
		out := c.OutOrStdout()
		var page bytes.Buffer
		c.SetOut(&page)
		show(c, args)
		c.SetOut(out)
		_, _ = io.WriteString(out, wrappedPage(page.String(), columns)) // Env.Stdout keeps the error
	})
}

// wrappedPage wraps a help page. Paragraphs of the text before the usage are filled,
// because their line breaks are those of the source. Indented lines stay lines.
func wrappedPage(page string, columns int) string {
	var text strings.Builder
	var paragraph []string
	fill := func() {
		if paragraph != nil {
			text.WriteString(wrappedLine(strings.Join(paragraph, " "), columns) + "\n")
			paragraph = nil
		}
	}
	prose, examples := true, false
	for line := range strings.Lines(page) {
		line = strings.TrimRight(line, "\n")
		starts := line != "" && line[0] != ' '
		if starts {
			examples = line == "Examples:"
			prose = prose && line != "Usage:"
		}
		if prose && starts && line != "EXIT STATUS" {
			paragraph = append(paragraph, line)
			continue
		}
		fill()
		if !examples {
			line = wrappedLine(line, columns)
		}
		text.WriteString(line + "\n")
	}
	fill()
	return text.String()
}

// column is the start of a line up to the text that is wrapped below itself: the
// indentation, and the first column of a list with two.
var column = regexp.MustCompile(`^ +(\S+( \S+)*  +)?`)

func wrappedLine(line string, columns int) string {
	if utf8.RuneCountInString(line) <= columns {
		return line
	}
	start := column.FindString(line)
	indent := utf8.RuneCountInString(start)
	if indent > columns*2/3 {
		start, indent = "", 6
	}
	var text strings.Builder
	text.WriteString(start)
	at := utf8.RuneCountInString(start)
	for i, word := range strings.Fields(line[len(start):]) {
		length := utf8.RuneCountInString(word)
		switch {
		case i == 0 && start == "":
			lead := len(line) - len(strings.TrimLeft(line, " "))
			text.WriteString(strings.Repeat(" ", lead))
			at = lead
		case i == 0:
		case at+1+length > columns:
			text.WriteString("\n" + strings.Repeat(" ", indent))
			at = indent
		default:
			text.WriteString(" ")
			at++
		}
		text.WriteString(word)
		at += length
	}
	return text.String()
}
