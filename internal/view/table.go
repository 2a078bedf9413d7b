// Package view shows findings, plans and progress: on a terminal, as JSON.
//
// Tables are printed here and nowhere else.
package view

import (
	"encoding/json"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// A Style is how a person's terminal wants to be written to. The zero value is
// plain text without colours.
type Style struct {
	Color bool
}

// Table prints rows under a header. The last row of a table with a total is
// given apart; nil: none. Cells must not hold control characters; whatever
// comes from AWS goes through [Clean].
func Table(w io.Writer, header []string, rows [][]string, total []string) {
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
	t.SetColumnConfigs(numberColumns(header, rows))
	t.Render()
}

func cells(row []string) table.Row {
	out := make(table.Row, len(row))
	for i, cell := range row {
		out[i] = cell
	}
	return out
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

// Clean makes text that others wrote harmless on a terminal: control
// characters, which could move the cursor or hide text, become ?.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) {
			return '?'
		}
		return r
	}, s)
}

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
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
