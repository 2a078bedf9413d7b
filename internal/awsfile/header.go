package awsfile

import "strings"

// A Header is the line that begins a section.
type Header struct {
	Text string // between the brackets, as it stands
	Name string // canonical, as in [Section]
	// Spaces between a bracket and the text, which botocore takes for a part of the name.
	Before, Behind bool
	Origin         Origin
}

// Headers are in the order of their lines.
func (f *File) Headers() []Header {
	var list []Header
	for i := range f.lines {
		l := &f.lines[i]
		if l.kind != header {
			continue
		}
		line := strings.TrimSpace(l.text)
		text, _ := cutHeader(line)
		before, behind, _ := strings.Cut(line[1:], text)
		list = append(list, Header{Text: text, Name: l.section, Before: before != "", Behind: behind[0] != ']', Origin: f.origin(i)})
	}
	return list
}

// PlainCharacters are what every SDK reads in the name of a profile, with letters and
// digits.
// Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files".
const PlainCharacters = "_ - . : / @ + %"

// PlainName replaces the characters that not every SDK reads in a name.
func PlainName(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r != ' ' && strings.ContainsRune(PlainCharacters, r) {
			return r
		}
		return '-'
	}, name)
}
