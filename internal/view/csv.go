package view

import (
	"encoding/csv"
	"io"
	"strings"
	"unicode/utf8"
)

// CSV writes rows for spreadsheets. No cell is a formula, and none moves the cursor of a
// terminal: CSV has no escapes, so unseen characters become ? as in tables.
type CSV struct{ w *csv.Writer }

// NewCSV writes the header.
func NewCSV(w io.Writer, header ...string) CSV {
	c := CSV{csv.NewWriter(w)}
	c.Row(header...)
	return c
}

// Row writes a row. The first error is kept for Flush.
func (c CSV) Row(cells ...string) {
	for i := range cells {
		cells[i] = Clean(cell(cells[i]))
	}
	_ = c.w.Write(cells)
}

// Flush writes what is buffered, and returns the first error of all rows.
func (c CSV) Flush() error {
	c.w.Flush()
	return c.w.Error()
}

// cell makes a text safe in a spreadsheet: one that a spreadsheet would execute gets a
// quote in front of it. Spreadsheets skip spaces in front of a formula, and read
// full-width signs as the usual ones.
// Source: OWASP, "CSV Injection".
func cell(text string) string {
	begin := strings.TrimLeft(text, " \u00a0\u3000")
	if first, _ := utf8.DecodeRuneInString(begin); begin != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		return "'" + text
	}
	return text
}
