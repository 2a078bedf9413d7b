package report

import (
	"bytes"
	"encoding/json"
	"strings"
)

// The characters that stand for parts of an owner in a text of the dictionary, so that
// the same sentence about many users is stored once. They are of the private use area;
// visible never lets them through from outside.
const (
	placeARN     = "\ue000"
	placeName    = "\ue001"
	placeAccount = "\ue002"
)

func private(r rune) bool { return '\ue000' <= r && r <= '\uf8ff' }

// An owner is the user, or the subject of a finding, that a text is about.
type owner struct{ arn, name, account string }

// template replaces the parts of the owner in a visible text.
func (o *owner) template(s string) string {
	if o.arn != "" {
		s = strings.ReplaceAll(s, o.arn, placeARN)
	}
	if o.name != "" {
		s = replaceWord(s, o.name, placeName)
	}
	if o.account != "" {
		s = strings.ReplaceAll(s, o.account, placeAccount)
	}
	return s
}

// replaceWord replaces a name where it is not part of a longer word, so that the user a
// leaves every other word alone.
func replaceWord(s, name, by string) string {
	if !strings.Contains(s, name) {
		return s
	}
	var out strings.Builder
	last := 0
	for from := 0; ; {
		at := strings.Index(s[from:], name)
		if at < 0 {
			break
		}
		at += from
		end := at + len(name)
		from = end
		if (at == 0 || !nameByte(s[at-1])) && (end == len(s) || !nameByte(s[end])) {
			out.WriteString(s[last:at])
			out.WriteString(by)
			last = end
		}
	}
	out.WriteString(s[last:])
	return out.String()
}

// nameByte reports whether a byte can be part of an IAM name, or of a character outside
// ASCII.
func nameByte(b byte) bool {
	return b >= 0x80 || b == '_' || '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}

// A dictionary numbers texts, so that each is in the file once.
type dictionary struct {
	numbers map[string]int
	json    bytes.Buffer // the texts, separated by commas
}

// of is the number of a text; 0 is the empty text.
func (d *dictionary) of(s string) int {
	if d.numbers == nil {
		d.numbers = map[string]int{"": 0}
		_, _ = d.json.WriteString(`""`)
	}
	if n, ok := d.numbers[s]; ok {
		return n
	}
	n := len(d.numbers)
	d.numbers[strings.Clone(s)] = n
	_ = d.json.WriteByte(',')
	writeString(&d.json, s)
	return n
}

// text is the number of a text about an owner.
func (d *dictionary) text(s string, o *owner) int {
	if s == "" {
		return d.of("")
	}
	return d.of(o.template(visible(s)))
}

// writeString writes a string as JSON that may stand in a script element: json.Marshal
// escapes < and >, so that no text ends the element.
func writeString(w *bytes.Buffer, s string) {
	text, _ := json.Marshal(s) // a string is always JSON
	_, _ = w.Write(text)
}
