package view

import (
	"io"
	"strings"
)

// ASCII is a writer to w for terminals and files that hold ASCII alone: the characters
// that tables and sentences are made of are replaced. Text of others stays as it is. Each
// write must hold whole characters.
func ASCII(w io.Writer) io.Writer { return asciiWriter{w} }

type asciiWriter struct{ w io.Writer }

var toASCII = strings.NewReplacer("─", "-", "│", "|", "┼", "+", "→", "->", "×", "x", "…", "...", "–", "-", "’", "'", "≥", ">=", "≤", "<=")

func (a asciiWriter) Write(text []byte) (int, error) {
	if _, err := io.WriteString(a.w, toASCII.Replace(string(text))); err != nil {
		return 0, err
	}
	return len(text), nil
}
