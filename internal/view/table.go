// Package view shows findings, plans and progress: on a terminal, as JSON.
//
// Tables are printed here and nowhere else.
//
// Every printed thing has an exported type because the verbs fill it in.
package view

import (
	"encoding/json"
	"forcemfa/internal/prose"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// A Style is how a person's terminal wants to be written to. The zero value is
// plain text without colours.
type Style struct {
	Color bool
	// Width is how many columns there are; 0: as many as it takes.
	Width int
}

// Table prints rows under a header. The last row of a table with a total is
// given apart; nil: none. Cells must not hold control characters; whatever
// comes from AWS goes through [Clean]. On a terminal that is too narrow, the last cell
// of a row goes on below itself, and below the row if there is little room next to it.
func (s Style) Table(w io.Writer, header []string, rows [][]string, total []string) {
	if total == nil && s.lastBelow(append(rows, header)) {
		s.narrow(w, header, rows)
		return
	}
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.Style().Options = table.Options{SeparateHeader: true, SeparateFooter: total != nil}
	t.Style().Format.Header = text.FormatDefault
	t.Style().Format.Footer = text.FormatDefault
	t.Style().Box.PaddingLeft = ""
	t.Style().Box.PaddingRight = "  "
	t.AppendHeader(cells(header))
	for _, row := range rows {
		t.AppendRow(cells(row))
	}
	if total != nil {
		t.AppendFooter(cells(total))
	}
	t.SuppressTrailingSpaces()
	columns := numberColumns(header, rows)
	if last, ok := s.lastColumn(header, append(rows, header)); ok {
		columns = append(columns, last)
	}
	t.SetColumnConfigs(columns)
	t.Render()
}

func cells(row []string) table.Row {
	out := make(table.Row, len(row))
	for i, cell := range row {
		out[i] = cell
	}
	return out
}

// The last column of a wide table is wrapped, but not to shreds.
const (
	columnGap   = 2
	leastColumn = 24
)

// lastColumn wraps the last column when the lines would be too long.
func (s Style) lastColumn(header []string, rows [][]string) (table.ColumnConfig, bool) {
	last, before := len(header)-1, 0
	for i := range last {
		widest := 0
		for _, row := range rows {
			widest = max(widest, text.StringWidthWithoutEscSequences(row[i]))
		}
		before += widest + columnGap
	}
	room := max(s.Width-before-columnGap, leastColumn)
	for _, row := range rows {
		if s.Width > 0 && text.StringWidthWithoutEscSequences(row[last]) > room {
			return table.ColumnConfig{Number: last + 1, WidthMax: room, WidthMaxEnforcer: text.WrapSoft}, true
		}
	}
	return table.ColumnConfig{}, false
}

// numberColumns puts columns that hold nothing but numbers to the right.
func numberColumns(header []string, rows [][]string) []table.ColumnConfig {
	var out []table.ColumnConfig
	for i := range header {
		numbers := len(rows) > 0
		for _, row := range rows {
			numbers = numbers && i < len(row) && strings.Trim(text.StripEscape(row[i]), "0123456789-") == ""
		}
		if numbers {
			out = append(out, table.ColumnConfig{Number: i + 1, Align: text.AlignRight, AlignHeader: text.AlignRight, AlignFooter: text.AlignRight})
		}
	}
	return out
}

// Clean makes text that others wrote harmless on a terminal: control characters, which
// could move the cursor or hide text, and characters without width or with a direction,
// which make one name look like another, become ?.
func Clean(s string) string { return prose.Clean(s) }

// Paint colours text when the style says so.
func (s Style) Paint(c text.Color, words string) string {
	if !s.Color {
		return words
	}
	text.EnableColors()
	return text.Colors{c}.Sprint(words)
}

// JSON prints a value as indented JSON with a final newline.
func JSON(w io.Writer, v any) error {
	e := json.NewEncoder(prose.JSON(w))
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
