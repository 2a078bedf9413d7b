package run

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"slices"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
)

// A Writer writes a run, record by record. It is an [audit.Sink]. The first error ends
// it; Close returns that error.
type Writer struct {
	out     *bufio.Writer
	hash    hash.Hash
	line    bytes.Buffer
	encoder *json.Encoder
	rules   map[string]*audit.Rule // that were written
	records int
	err     error
}

// NewWriter writes the head. It sets the head's Format.
func NewWriter(w io.Writer, h Head) *Writer {
	h.Format, h.Time = Format, h.Time.UTC()
	out := &Writer{out: bufio.NewWriterSize(w, 1<<16), hash: sha256.New(), rules: map[string]*audit.Rule{}}
	out.encoder = json.NewEncoder(&out.line)
	out.encoder.SetEscapeHTML(false)
	out.write(struct {
		Head Head `json:"head"`
	}{h})
	return out
}

// Add writes a record. Findings leave out what their rule says.
func (w *Writer) Add(r Record) {
	if r.Finding != nil {
		w.Finding(*r.Finding)
		return
	}
	w.records++
	w.write(r)
}

// User implements [audit.Sink].
func (w *Writer) User(u audit.User) { w.Add(Record{User: &u}) }

// Gap implements [audit.Sink].
func (w *Writer) Gap(g org.Gap) { w.Add(Record{Unread: &g}) }

// Account implements [audit.Sink].
func (w *Writer) Account(a audit.Account) { w.Add(Record{Account: &a}) }

// Finding implements [audit.Sink]. The remedy and the references of a rule are written
// once: they are most of the text of a finding.
func (w *Writer) Finding(f audit.Finding) {
	rule := w.rule(f.Rule)
	if rule != nil && rule.Remedy == f.Remedy && slices.Equal(rule.Refs, f.Refs) {
		f.Remedy, f.Refs = "", nil
	}
	w.records++
	w.write(Record{Finding: &f})
}

// rule writes a rule before its first finding; nil for findings without a rule.
func (w *Writer) rule(name string) *audit.Rule {
	if r := w.rules[name]; r != nil {
		return r
	}
	i := slices.IndexFunc(audit.Rules, func(r audit.Rule) bool { return r.Name == name })
	if i < 0 {
		return nil
	}
	r := &audit.Rules[i]
	w.rules[name] = r
	w.Add(Record{Rule: &Rule{Name: r.Name, Means: r.Means, Remedy: r.Remedy, Refs: r.Refs}})
	return r
}

// Close writes the end and the hash. It does not close what it writes to.
func (w *Writer) Close(e End) error {
	e.Records = w.records
	if e.Totals.Findings == nil {
		e.Totals.Findings = map[audit.Severity]int{}
	}
	w.write(struct {
		End End `json:"end"`
	}{e})
	w.write(sealed{hex.EncodeToString(w.hash.Sum(nil))})
	if w.err == nil {
		w.err = w.out.Flush()
	}
	if w.err != nil {
		return fmt.Errorf("write the run: %w", w.err)
	}
	return nil
}

// A sealed is the last line of a run: the hash of all bytes before it.
type sealed struct {
	SHA256 string `json:"sha256"`
}

func (w *Writer) write(v any) {
	if w.err != nil {
		return
	}
	w.line.Reset()
	if w.err = w.encoder.Encode(v); w.err == nil {
		w.hash.Write(w.line.Bytes())
		_, w.err = w.out.Write(w.line.Bytes())
	}
}
