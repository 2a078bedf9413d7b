package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/rogpeppe/go-internal/diff"

	"forcemfa/internal/plan"
)

// Documents prints what each step writes: the difference between the policy document
// that it replaces and the new one, and the other versions that it creates.
func Documents(w io.Writer, steps []plan.Step) {
	for i := range steps {
		s := &steps[i]
		if before, after := indented(s.Expect.Document), indented(s.Want.Document); before != after {
			fmt.Fprintf(w, "\n%s", CleanLines(string(diff.Diff(s.ID+" (now)", []byte(before), s.ID+" (new)", []byte(after)))))
		}
		for n, text := range s.Want.Texts {
			name := fmt.Sprintf("%s (version %d of %d that is created again)", s.ID, n+1, len(s.Want.Texts))
			fmt.Fprintf(w, "\n%s", CleanLines(string(diff.Diff("nothing", nil, name, []byte(indented(text))))))
		}
	}
}

// indented is a document with one member per line; a document that is not JSON stays as
// it is.
func indented(document string) string {
	if document == "" {
		return ""
	}
	var out bytes.Buffer
	if json.Indent(&out, []byte(document), "", "  ") != nil {
		out.Reset()
		out.WriteString(document)
	}
	out.WriteByte('\n')
	return out.String()
}
