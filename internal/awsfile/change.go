package awsfile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Set gives a setting a value, in place where the key stands already: the space
// around it, a comment behind it and the case of the key stay. Where it stands
// twice the one that counts is changed. A key that is not there comes after the
// last setting of its section, a section that is not there at the end. The value
// cannot be empty: [File.Unset] takes a setting out.
func (f *File) Set(section, key, value string) error {
	if err := checkSetting(section, key, value); err != nil {
		return err
	}
	if i := f.find(section, key); i >= 0 {
		return f.replace(i, value)
	}
	f.insert(f.place(section), key, value)
	return nil
}

func checkSetting(section, key, value string) error {
	switch {
	case section == "" || strings.ContainsAny(section, "\r\n[]") || section != strings.TrimSpace(section) || section != canonical(section):
		return fmt.Errorf("section name %q: want one line without brackets, and no space or quotes around the name", section)
	case !sameForBotocore(section):
		return fmt.Errorf("section name %q: the AWS CLI and boto3 read another name, or none: use a name without quotes, backslashes and control characters, other than DEFAULT", section)
	case key == "" || strings.ContainsFunc(key, notInKey):
		return fmt.Errorf("key %q: want letters, digits, underscores and hyphens", key)
	case value == "":
		// Without a value, indented lines below would become a group of it.
		return fmt.Errorf("value of %s: it is empty", key)
	case strings.ContainsAny(value, "\r\n") || value != strings.TrimSpace(value):
		// The value may be a secret, so it is not shown.
		return fmt.Errorf("value of %s: want one line without space around it", key)
	case inlineComment(" "+value, 0) < len(value)+1:
		return fmt.Errorf("value of %s: a # or ; after a space begins a comment in this file", key)
	}
	return nil
}

// sameForBotocore reports whether botocore finds a section by its name. It splits the
// names of the config file as a shell does, and its INI reader takes [DEFAULT] for
// defaults of every section. Source: botocore, configloader.build_profile_map.
func sameForBotocore(section string) bool {
	if section == "DEFAULT" || strings.ContainsFunc(section, unicode.IsControl) || !utf8.ValidString(section) {
		return false
	}
	kind, name, found := cutSpace(section)
	if !found || !slices.Contains(sectionKinds, kind) {
		return true
	}
	words, err := SplitCommand(quoted(section))
	return err == nil && len(words) == 2 && words[1] == name
}

func notInKey(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
}

// find is the index of the setting that counts, -1 when there is none.
func (f *File) find(section, key string) int {
	for i := range slices.Backward(f.lines) {
		if l := &f.lines[i]; l.kind == setting && l.section == section && l.key == strings.ToLower(key) {
			return i
		}
	}
	return -1
}

var errGroup = errors.New("is a group of settings, not a value")

func (f *File) replace(i int, value string) error {
	l := &f.lines[i]
	parts := f.parts(i)
	for _, j := range parts {
		if f.lines[j].kind == nested {
			return fmt.Errorf("%s: %s: %w", f.origin(i), l.key, errGroup)
		}
	}
	if l.from == l.to && strings.HasSuffix(l.text[:l.from], "=") {
		value = " " + value
	}
	l.text = l.text[:l.from] + value + l.text[l.to:]
	f.drop(parts)
	f.index()
	return nil
}

// parts are the lines below a setting that belong to its value.
func (f *File) parts(i int) (indexes []int) {
	for j := i + 1; j < len(f.lines) && f.lines[j].kind != header && f.lines[j].kind != setting; j++ {
		if f.lines[j].owner == i {
			indexes = append(indexes, j)
		}
	}
	return indexes
}

// drop takes lines out; the indexes are in order. Where the last line had no
// ending the last one that is left has none.
func (f *File) drop(indexes []int) {
	open := len(f.lines) > 0 && f.lines[len(f.lines)-1].end == ""
	for _, i := range slices.Backward(indexes) {
		f.lines = slices.Delete(f.lines, i, i+1)
	}
	if n := len(f.lines); open && n > 0 {
		f.lines[n-1].end = ""
	}
}

// Unset takes a setting out wherever it stands in the sections of that name,
// with the lines below that belong to it, and tells whether there was one.
func (f *File) Unset(section, key string) bool {
	var gone []int
	for i := range f.lines {
		if l := &f.lines[i]; l.kind == setting && l.section == section && l.key == strings.ToLower(key) {
			gone = append(append(gone, i), f.parts(i)...)
		}
	}
	f.drop(gone)
	f.index()
	return len(gone) > 0
}

// place is where a new setting of the section goes; the section is made where
// there is none.
func (f *File) place(section string) int {
	if at := f.lastOf(section); at >= 0 {
		return at + 1
	}
	f.append("[" + quoted(section) + "]")
	return len(f.lines)
}

// lastOf is the last line of the first section of that name that says something.
func (f *File) lastOf(section string) int {
	at := -1
	for i := range f.lines {
		l := &f.lines[i]
		switch {
		case l.kind == header && at >= 0:
			return at
		case l.kind == header && l.section == section:
			at = i
		case at >= 0 && l.kind != blank && l.kind != comment:
			at = i
		}
	}
	return at
}

// quoted is a section's name as it stands between brackets: names with a space
// are quoted, as "aws configure" does.
func quoted(section string) string {
	kind, name, found := cutSpace(section)
	if !found || !slices.Contains(sectionKinds, kind) || !strings.ContainsAny(name, spaces+`'#;`) {
		return section
	}
	return kind + ` "` + name + `"`
}

// append adds a line at the end, after an empty one when there is text above.
func (f *File) append(text string) {
	if n := len(f.lines); n > 0 {
		if f.lines[n-1].end == "" {
			f.lines[n-1].end = f.ending()
		}
		if f.lines[n-1].kind != blank {
			f.lines = append(f.lines, line{end: f.ending()})
		}
	}
	f.lines = append(f.lines, line{text: text, end: f.ending()})
	f.index()
}

// ending is how the lines of this file end: as the first does.
func (f *File) ending() string {
	if len(f.lines) > 0 && f.lines[0].end != "" {
		return f.lines[0].end
	}
	return "\n"
}

// insert puts a setting before line i. A last line without an ending stays one.
func (f *File) insert(i int, key, value string) {
	l := line{text: strings.TrimRight(key+f.delimiter(i)+value, spaces), end: f.ending()}
	if i > 0 && i == len(f.lines) && f.lines[i-1].end == "" {
		f.lines[i-1].end, l.end = f.ending(), ""
	}
	f.lines = slices.Insert(f.lines, i, l)
	f.index()
}

// delimiter is written as the setting above line i has it.
func (f *File) delimiter(i int) string {
	if i > 0 && f.lines[i-1].kind == setting && f.lines[i-1].from < f.lines[i-1].to {
		above := f.lines[i-1].text[:f.lines[i-1].from]
		trimmed := strings.TrimRight(above, spaces+"=:")
		if d := above[len(trimmed):]; strings.TrimSpace(d) == "=" && len(d) <= 3 {
			return d
		}
	}
	return " = "
}

// All is every place where a key stands in the sections of that name, in their
// order; the last one counts.
func (f *File) All(section, key string) []Setting {
	var list []Setting
	for i := range f.lines {
		if l := &f.lines[i]; l.kind == setting && l.section == section && l.key == strings.ToLower(key) {
			list = append(list, f.settingAt(i))
		}
	}
	return list
}

// UnsetAll removes settings from a section, and the section itself if it has no
// others. Comments stay. It reports whether anything was removed.
func (f *File) UnsetAll(section string, keys ...string) bool {
	removed := false
	for _, key := range keys {
		removed = f.Unset(section, key) || removed
	}
	if s, ok := f.Section(section); !removed || !ok || len(s.Settings) > 0 {
		return removed
	}
	var headers []int
	for i := range f.lines {
		if l := &f.lines[i]; l.kind == header && l.section == section {
			headers = append(headers, i)
			if i > 0 && f.lines[i-1].kind == blank && (i+1 == len(f.lines) || f.lines[i+1].kind == blank || f.lines[i+1].kind == header) {
				headers = slices.Insert(headers, len(headers)-1, i-1)
			}
		}
	}
	f.drop(headers)
	f.index()
	return true
}
