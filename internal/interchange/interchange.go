// Package interchange writes a run in the formats of other programs: spreadsheets, code
// scanning, test reports, chat, and security data lakes.
//
// Each format is a [view.AuditSink], so the same stream becomes any of them, while it is
// read or long after. Findings have the same IDs, in the same order, in all of them.
package interchange

import (
	"encoding/json"
	"io"
	"maps"
	"slices"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/run"
	"forcemfa/internal/view"
)

// Formats are the names of the formats of this package, in the order of the
// documentation.
var Formats = []string{"jsonl", "csv", "csv-findings", "sarif", "junit", "markdown", "ocsf"}

// New returns the sink of a format, which writes to w; nil if this package has no such
// format.
func New(format string, w io.Writer, h *run.Head) view.AuditSink {
	switch format {
	case "jsonl":
		return newLines(w, h)
	case "csv":
		return newUsers(w, h)
	case "csv-findings":
		return newFindings(w)
	case "sarif":
		return newFindingLog(w, h)
	case "junit":
		return newJUnit(w, h)
	case "markdown":
		return newMarkdown(w)
	case "ocsf":
		return newOCSF(w, h)
	}
	return nil
}

// array writes a JSON array, one value a line.
type array struct {
	w    io.Writer
	some bool
	err  error
}

func (a *array) add(v any) {
	before := ",\n"
	if !a.some {
		before = "[\n"
	}
	a.some = true
	a.write(before, v)
}

func (a *array) close() error {
	if !a.some {
		a.write("[", nil)
	}
	a.write("\n]\n", nil)
	return a.err
}

func (a *array) write(before string, v any) {
	if a.err != nil {
		return
	}
	text := []byte(before)
	if v != nil {
		var line []byte
		if line, a.err = json.Marshal(v); a.err != nil {
			return
		}
		text = append(text, line...)
	}
	_, a.err = a.w.Write(text)
}

// accountName is an account's ID with its name.
func accountName(f *audit.Finding) string { return view.AccountName(f.Account, f.AccountName) }

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func stamp(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
