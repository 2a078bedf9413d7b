package awsfile

import "strings"

// A Header is the line that begins a section.
type Header struct {
	Text   string // between the brackets, as it stands
	Name   string // canonical, as in [Section]
	Origin Origin
}

// Headers are in the order of their lines.
func (f *File) Headers() []Header {
	var list []Header
	for i := range f.lines {
		l := &f.lines[i]
		if l.kind != header {
			continue
		}
		text, _ := cutHeader(strings.TrimSpace(l.text))
		list = append(list, Header{Text: text, Name: l.section, Origin: f.origin(i)})
	}
	return list
}
