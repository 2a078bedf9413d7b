package view

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// On a terminal with less columns than wide, the last cell of a row stands below the
// row, unless it has at least roomy columns next to the others. At any width it stands
// there if a word, such as an ARN, would be cut in two next to the others and not below.
const (
	wide  = 100
	roomy = 40
)

// lastBelow reports whether the last cells stand below their rows.
func (s Style) lastBelow(rows [][]string) bool {
	if s.Width <= 0 || fits(rows, s.Width) {
		return false
	}
	front := 0
	for _, width := range columnWidths(rows) {
		front += width + columnGap
	}
	indent := belowIndent
	for _, r := range rows {
		indent = max(indent, leading(r[0])+belowIndent)
	}
	room, longest := s.Width-front, longestWord(rows)
	return s.Width < wide && room < roomy || longest > room && longest <= s.Width-indent
}

// belowIndent is how far a last cell below its row is to the right of it.
const belowIndent = 4

// longestWord is the width of the longest word in the last cells.
func longestWord(rows [][]string) int {
	longest := 0
	for _, r := range rows {
		for _, word := range strings.Fields(r[len(r)-1]) {
			longest = max(longest, text.StringWidthWithoutEscSequences(word))
		}
	}
	return longest
}

// List prints rows in columns, without a header. Leading spaces of the first cell indent
// the row. If the terminal is too narrow, the last cell goes on below, as in a table.
func (s Style) List(w io.Writer, rows [][]string) {
	s.list(w, rows, columnWidths(rows), s.lastBelow(rows))
}

// narrow prints a table whose last cells are below their rows.
func (s Style) narrow(w io.Writer, header []string, rows [][]string) {
	widths := columnWidths(append(rows, header))
	line := strings.TrimRight(row(header[:len(header)-1], widths), " ")
	fmt.Fprintln(w, line)
	length := 0
	for _, r := range append(rows, header) {
		length = max(length, text.StringWidthWithoutEscSequences(row(r[:len(r)-1], widths)))
	}
	fmt.Fprintln(w, strings.Repeat("─", min(length, s.Width)))
	s.list(w, rows, widths, true)
}

// list prints rows, with the last cell below the row or next to it.
func (s Style) list(w io.Writer, rows [][]string, widths []int, below bool) {
	for _, r := range rows {
		last := r[len(r)-1]
		front := row(r[:len(r)-1], widths)
		indent := leading(r[0])
		switch room := s.Width - text.StringWidthWithoutEscSequences(front); {
		case len(r) == 1:
			s.hang(w, "", last, indent)
		case below:
			s.hang(w, "", strings.TrimRight(front, " "), indent+2)
			if last != "" {
				s.hang(w, strings.Repeat(" ", indent+belowIndent), last, indent+belowIndent)
			}
		case s.Width > 0 && room >= leastColumn:
			s.hang(w, front, last, s.Width-room)
		default:
			fmt.Fprintln(w, strings.TrimRight(front+last, " "))
		}
	}
}

// hang prints a first part and words that are wrapped to the width, with an indent on
// every line except the first.
func (s Style) hang(w io.Writer, first, words string, indent int) {
	if s.Width <= 0 || text.StringWidthWithoutEscSequences(first+words) <= s.Width {
		fmt.Fprintln(w, strings.TrimRight(first+words, " "))
		return
	}
	first += strings.Repeat(" ", leading(words))
	words = strings.TrimLeft(words, " ")
	indent = max(indent, leading(first))
	line := first
	room := s.Width - text.StringWidthWithoutEscSequences(first)
	for _, word := range strings.Fields(words) {
		width := text.StringWidthWithoutEscSequences(word)
		if strings.TrimSpace(line) != "" && width > room && width <= s.Width-indent || room <= 0 {
			fmt.Fprintln(w, strings.TrimRight(line, " "))
			line, room = strings.Repeat(" ", indent), max(s.Width-indent, leastColumn)
		}
		for ; width > room; width = text.StringWidthWithoutEscSequences(word) {
			head := text.Trim(word, max(room, 1))
			fmt.Fprintln(w, line+head)
			word = strings.TrimPrefix(word, head)
			line, room = strings.Repeat(" ", indent), max(s.Width-indent, leastColumn)
		}
		line, room = line+word+" ", room-width-1
	}
	fmt.Fprintln(w, strings.TrimRight(line, " "))
}

// Lines prints a paragraph, wrapped at words. Its leading spaces indent every line.
func (s Style) Lines(w io.Writer, paragraph string) { s.hang(w, "", paragraph, leading(paragraph)) }

func leading(cell string) int { return len(cell) - len(strings.TrimLeft(cell, " ")) }

// row is the line of cells in their columns.
func row(cells []string, widths []int) string {
	var line strings.Builder
	for i, cell := range cells {
		line.WriteString(cell)
		line.WriteString(strings.Repeat(" ", max(0, widths[i]-text.StringWidthWithoutEscSequences(cell))+columnGap))
	}
	return line.String()
}

// columnWidths are the widths of all columns except the last.
func columnWidths(rows [][]string) []int {
	var widths []int
	for _, r := range rows {
		for i, cell := range r[:len(r)-1] {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], text.StringWidthWithoutEscSequences(cell))
		}
	}
	return widths
}

// fits reports whether every row fits on one line.
func fits(rows [][]string, width int) bool {
	widths := columnWidths(rows)
	for _, r := range rows {
		if text.StringWidthWithoutEscSequences(row(r[:len(r)-1], widths)+r[len(r)-1]) > width {
			return false
		}
	}
	return true
}
