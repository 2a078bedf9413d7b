package view

import (
	"bytes"
	"io"

	"github.com/jedib0t/go-pretty/v6/text"

	"forcemfa/internal/run"
)

// A Headline is the head of a JSON output: the head of the run, and the line that opens
// text.
type Headline struct {
	Title string `json:"title"`
	run.Head
	Name string `json:"name,omitempty"` // of the organization
}

// Headed is the head of a run as JSON shows it.
func Headed(h *run.Head, e *run.End) Headline {
	head := Headline{Title: run.Title(h, e), Head: *h, Name: e.Name}
	head.Format = run.Format
	return head
}

// Headline prints the title of a run above a text, with an empty line between them;
// without a title the text alone.
func (s Style) Headline(w io.Writer, title string, below []byte) error {
	var out bytes.Buffer
	if title != "" {
		s.Lines(&out, s.Paint(text.Bold, Clean(title)))
		if !bytes.HasPrefix(below, []byte("\n")) {
			out.WriteByte('\n')
		}
	}
	out.Write(below)
	_, err := w.Write(out.Bytes())
	return err
}
