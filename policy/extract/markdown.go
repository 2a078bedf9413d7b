package extract

import (
	"regexp"
	"strings"
	"sync"
)

// fence matches a code block of Markdown: its first line, and what is in it.
var fence = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile("(?ms)^[ \\t]*(?:```|~~~)[^`\\n]*\\n(.*?)^[ \\t]*(?:```|~~~)[ \\t]*\\r?$")
})

// fenced returns the documents in the code blocks of a text that is neither JSON nor
// YAML, or has no documents as such, for the reason that err says. Of other text around
// a document, the error says so.
func fenced(s string, err error) (out []Document, because error) {
	for _, at := range fence().FindAllStringSubmatchIndex(s, -1) {
		before := strings.Count(s[:at[2]], "\n")
		found, _ := documents(s[at[2]:at[3]])
		for _, d := range found {
			d.Line += before
			for i := range d.Statements {
				d.Statements[i] += before
			}
			out = append(out, d)
		}
	}
	begin := strings.TrimLeft(s, " \t\r\n")
	switch {
	case len(out) > 0:
		return out, nil
	case begin != "" && !strings.ContainsRune("{[\"", rune(begin[0])) && strings.Contains(s, `"Statement"`):
		if none, is := err.(*NotFoundError); is && none.Recognized {
			return nil, err
		}
		return nil, &NotFoundError{"other text around a document; save the document alone, from { to }", true}
	}
	return nil, err
}
