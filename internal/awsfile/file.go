// Package awsfile reads and edits ~/.aws/config and ~/.aws/credentials without losing a comment.
//
// A [File] holds every byte of what was read; an edit changes the lines that it
// is about and no other. What a line means follows botocore's configloader and
// the Go SDK's ini package; where the two differ, the more lenient reading is
// taken and [File.Problems] tells which line the aws CLI reads otherwise.
//
// The rules for names, words and settings of AWS files are exported, so that session,
// profiles, doctor and the verbs follow the same ones.
package awsfile

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A File is an INI file of AWS, line by line.
type File struct {
	Path string

	bom   bool
	lines []line
}

// byteOrderMark is what some Windows editors put before the text.
const byteOrderMark = "\ufeff"

type lineKind int

const (
	blank     lineKind = iota
	comment            // # or ; after any space
	header             // [section]
	setting            // key = value
	nested             // an indented key = value under a setting without a value
	continued          // an indented line that goes on with the value above
	stray              // nothing that AWS reads
)

// A line is raw bytes and what they mean.
type line struct {
	text string // without its ending
	end  string // "\n", "\r\n", "\r" or, on the last line, ""
	kind lineKind

	section string // the canonical name of the section that it is in
	owner   int    // of nested and continued lines: the index of their setting
	key     string // of settings and nested lines: in lower case
	// text[from:to] is the value, without the spaces and the comment around it.
	from, to int
}

func (l *line) value() string { return l.text[l.from:l.to] }

// Parse reads a file. Every text is a file: what makes no sense is kept, and told
// by [File.Problems].
func Parse(path string, text []byte) *File {
	f := &File{Path: path}
	rest := string(text)
	rest, f.bom = strings.CutPrefix(rest, byteOrderMark)
	for rest != "" {
		var l line
		l.text, l.end, rest = cutLine(rest)
		f.lines = append(f.lines, l)
	}
	f.index()
	return f
}

// cutLine cuts at the line endings that Python's universal newlines know.
func cutLine(s string) (text, end, rest string) {
	i := strings.IndexAny(s, "\r\n")
	if i < 0 {
		return s, "", ""
	}
	n := 1
	if strings.HasPrefix(s[i:], "\r\n") {
		n = 2
	}
	return s[:i], s[i : i+n], s[i+n:]
}

// Bytes is the whole text.
func (f *File) Bytes() []byte {
	var b bytes.Buffer
	if f.bom {
		b.WriteString(byteOrderMark)
	}
	for i := range f.lines {
		b.WriteString(f.lines[i].text)
		b.WriteString(f.lines[i].end)
	}
	return b.Bytes()
}

// index finds out what each line means.
func (f *File) index() {
	section, owner, indent := "", -1, 0
	for i := range f.lines {
		l := &f.lines[i]
		*l = line{text: l.text, end: l.end, owner: -1, section: section}
		trimmed := strings.TrimSpace(l.text)
		lead := len(l.text) - len(strings.TrimLeft(l.text, spaces))
		name, isHeader := headerName(trimmed)
		switch {
		case trimmed == "":
			l.kind = blank
		case trimmed[0] == '#' || trimmed[0] == ';':
			l.kind = comment
		case isHeader:
			section, owner = name, -1
			l.kind, l.section = header, name
		case owner >= 0 && lead > indent && f.below(i, owner):
		case splitSetting(l):
			l.kind, owner, indent = setting, i, lead
		default:
			l.kind = stray
		}
	}
}

const spaces = " \t\v\f"

// below reads line i as part of the setting above it, if it is one. An indented
// key under a setting that has a value is a setting of its own to the SDKs.
func (f *File) below(i, owner int) bool {
	l, above := &f.lines[i], &f.lines[owner]
	isSetting := splitSetting(l)
	switch {
	case isSetting && above.value() != "":
		return false
	case isSetting:
		l.kind = nested
		splitNested(l)
	default:
		l.kind = continued
		l.from, l.to = bounds(l.text, 0, len(l.text))
	}
	l.owner = owner
	return true
}

// splitNested prefers = to a : that comes first, and knows no comment behind a
// value, as botocore's reader of groups.
func splitNested(l *line) {
	at := strings.IndexByte(l.text, '=')
	if at < 0 {
		at = strings.IndexByte(l.text, ':')
	}
	l.key = strings.ToLower(strings.TrimSpace(l.text[:at]))
	l.from, l.to = bounds(l.text, at+1, len(l.text))
}

// headerName is the canonical name of a section: "profile x" whatever the spaces
// and quotes. A credentials file has the bare names of profiles, kept as they
// stand.
func headerName(trimmed string) (string, bool) {
	name, ok := cutHeader(trimmed)
	return canonical(name), ok
}

// cutHeader returns what stands between the brackets.
func cutHeader(trimmed string) (string, bool) {
	if trimmed == "" || trimmed[0] != '[' {
		return "", false
	}
	end := strings.LastIndexByte(trimmed, ']')
	if end < 0 {
		return "", false
	}
	// A bracket in a comment behind the header closes nothing.
	if first := strings.IndexByte(trimmed, ']'); first < end && startsComment(trimmed[first+1:]) {
		end = first
	}
	name := strings.TrimSpace(trimmed[1:end])
	return name, name != ""
}

func startsComment(s string) bool {
	s = strings.TrimLeft(s, spaces)
	return s != "" && (s[0] == '#' || s[0] == ';')
}

// sectionKinds are the words that stand before a name in the config file.
var sectionKinds = []string{"profile", "sso-session", "services"}

func canonical(name string) string {
	kind, rest, found := cutSpace(name)
	if !found || !slices.Contains(sectionKinds, kind) {
		return name
	}
	if n := len(rest); n >= 2 && (rest[0] == '"' || rest[0] == '\'') && rest[n-1] == rest[0] {
		rest = rest[1 : n-1]
	}
	return kind + " " + rest
}

func cutSpace(s string) (before, after string, found bool) {
	i := strings.IndexAny(s, spaces)
	if i < 0 {
		return s, "", false
	}
	return s[:i], strings.TrimSpace(s[i:]), true
}

// splitSetting finds the key and the value of a line; the delimiter is the first
// = or :, as for Python's configparser.
func splitSetting(l *line) bool {
	at := strings.IndexAny(l.text, "=:")
	if at < 0 {
		return false
	}
	key := strings.TrimSpace(l.text[:at])
	if key == "" {
		return false
	}
	l.key = strings.ToLower(key)
	l.from, l.to = bounds(l.text, at+1, inlineComment(l.text, at+1))
	return true
}

// bounds trims the spaces at both ends of text[from:to].
func bounds(text string, from, to int) (int, int) {
	s := text[from:to]
	left := len(s) - len(strings.TrimLeftFunc(s, unicode.IsSpace))
	s = strings.TrimSpace(s)
	return from + left, from + left + len(s)
}

// inlineComment is where a comment begins behind a value: at a # or ; that
// follows a space, as the SDKs have it.
func inlineComment(text string, from int) int {
	for i := from; i+1 < len(text); i++ {
		if (text[i] == ' ' || text[i] == '\t') && (text[i+1] == '#' || text[i+1] == ';') {
			return i
		}
	}
	return len(text)
}

// An Origin is a place in a file.
type Origin struct {
	Path string
	Line int // from 1
}

func (o Origin) String() string { return fmt.Sprintf("%s:%d", o.Path, o.Line) }

// A Setting is one key with what it says and where.
type Setting struct {
	Key    string // in lower case
	Value  string
	Nested []Setting // of a group such as s3
	Origin Origin
}

// A Section is one header with the settings under it. Sections of the same name
// are one: the later setting wins, as for the SDKs.
type Section struct {
	Name     string // canonical: "profile x", "default", "sso-session y"
	Origin   Origin // of the first header
	Settings []Setting
}

// Get is the setting that counts.
func (s Section) Get(key string) (Setting, bool) {
	for _, have := range s.Settings {
		if have.Key == key {
			return have, true
		}
	}
	return Setting{}, false
}

// Sections are in the order of their first headers.
func (f *File) Sections() []Section {
	var list []Section
	at := map[string]int{}
	for i := range f.lines {
		l := &f.lines[i]
		if l.kind == header {
			if _, seen := at[l.section]; !seen {
				at[l.section] = len(list)
				list = append(list, Section{Name: l.section, Origin: f.origin(i)})
			}
			continue
		}
		if l.kind == setting && l.section != "" {
			list[at[l.section]].put(f.settingAt(i))
		}
	}
	return list
}

func (s *Section) put(new Setting) {
	for i := range s.Settings {
		if s.Settings[i].Key == new.Key {
			s.Settings[i] = new
			return
		}
	}
	s.Settings = append(s.Settings, new)
}

func (f *File) settingAt(i int) Setting {
	l := &f.lines[i]
	s := Setting{Key: l.key, Value: l.value(), Origin: f.origin(i)}
	for j := i + 1; j < len(f.lines); j++ {
		switch sub := &f.lines[j]; {
		case sub.kind == header || sub.kind == setting:
			return s
		case sub.kind == nested && sub.owner == i:
			s.Nested = append(s.Nested, Setting{Key: sub.key, Value: sub.value(), Origin: f.origin(j)})
		case sub.kind == continued && sub.owner == i:
			s.Value += "\n" + sub.value()
		}
	}
	return s
}

func (f *File) origin(i int) Origin { return Origin{f.Path, i + 1} }

// Section is the section of that canonical name.
func (f *File) Section(name string) (Section, bool) {
	s := Section{Name: name}
	for i := range f.lines {
		l := &f.lines[i]
		switch {
		case l.section != name:
		case l.kind == header && s.Origin.Line == 0:
			s.Origin = f.origin(i)
		case l.kind == setting && name != "":
			s.put(f.settingAt(i))
		}
	}
	return s, s.Origin.Line > 0
}

// A Problem is a line that not every tool reads as this package does.
type Problem struct {
	Origin Origin
	What   string
	// Refused tells that the aws CLI and boto3 refuse the whole file for it.
	Refused bool
}

// Problems are in the order of their lines.
func (f *File) Problems() []Problem {
	var list []Problem
	note := func(i int, refused bool, what string) {
		list = append(list, Problem{f.origin(i), what, refused})
	}
	if f.bom {
		note(0, true, "a byte order mark stands before the text")
	}
	headers, keys := map[string]int{}, map[string]int{}
	for i := range f.lines {
		l := &f.lines[i]
		if !utf8.ValidString(l.text) {
			note(i, true, "not UTF-8")
		}
		switch {
		case l.kind == header:
			f.again(headers, l.section, i, "section "+l.section, note)
			if _, behind, _ := strings.Cut(l.text, "]"); strings.Contains(behind, "]") {
				note(i, false, "the aws CLI reads the section's name up to the last bracket")
			}
		case l.kind == stray:
			note(i, true, "neither a section nor a setting")
		case l.owner >= 0 && f.lines[l.owner].value() == "" && !strings.Contains(l.text, "="):
			note(i, true, "no key = value in the group "+f.lines[l.owner].key)
		case l.kind == setting && l.section == "":
			note(i, true, "a setting before the first section")
		case l.kind == setting:
			f.again(keys, l.section+"\x00"+l.key, i, l.key+" in section "+l.section, note)
			f.behind(i, note)
		}
	}
	return list
}

// again notes what stands in the file a second time.
func (f *File) again(seen map[string]int, name string, i int, what string, note func(int, bool, string)) {
	if first, twice := seen[name]; twice {
		note(i, true, fmt.Sprintf("%s stands at line %d already", what, first+1))
		return
	}
	seen[name] = i
}

// behind notes what the aws CLI takes for a part of a value and the SDKs do not.
func (f *File) behind(i int, note func(int, bool, string)) {
	l := &f.lines[i]
	if rest := l.text[l.to:]; strings.TrimSpace(rest) != "" && l.from < l.to {
		note(i, false, "the aws CLI reads the comment behind "+l.key+" as part of its value")
	}
	if l.text != "" && strings.ContainsRune(spaces, rune(l.text[0])) && i > 0 && f.deeper(i) {
		note(i, false, "the aws CLI reads "+l.key+", which is indented, as part of the value above it")
	}
}

// deeper tells whether the setting stands further to the right than the one above
// it in its section.
func (f *File) deeper(i int) bool {
	for j := i - 1; j >= 0 && f.lines[j].kind != header; j-- {
		if f.lines[j].kind == setting {
			return indentOf(f.lines[i].text) > indentOf(f.lines[j].text)
		}
	}
	return false
}

func indentOf(s string) int { return len(s) - len(strings.TrimLeft(s, spaces)) }

// SecretComments are comments that look like a setting with a secret: a key that
// somebody took out of use and left there.
func (f *File) SecretComments() []Origin {
	var list []Origin
	for i := range f.lines {
		if f.lines[i].kind != comment {
			continue
		}
		l := line{text: strings.TrimLeft(f.lines[i].text, spaces+"#;")}
		if splitSetting(&l) && secretSetting(l.key) && l.value() != "" {
			list = append(list, f.origin(i))
		}
	}
	return list
}

// Redacted is the text with every secret replaced by a word that tells nothing,
// fit to be shown.
func (f *File) Redacted() []byte {
	shown := Parse(f.Path, f.Bytes())
	for i := range shown.lines {
		l := &shown.lines[i]
		c := line{text: strings.TrimLeft(l.text, spaces+"#;")}
		if _, was, ok := strings.Cut(l.text, wasMark); ok {
			c.text = was
		}
		if splitSetting(&c) && secretSetting(c.key) {
			l.text = l.text[:len(l.text)-len(c.text)+c.from] + "(secret)"
		} else if l.owner >= 0 && secretSetting(shown.lines[l.owner].key) {
			l.text = "(secret)"
		}
	}
	return shown.Bytes()
}

// secretSetting tells whether the value of a key must not be shown.
func secretSetting(key string) bool {
	switch key {
	case SecretSetting, TokenSetting, OldTokenSetting:
		return true
	}
	return false
}

// HoldsSecret tells whether a setting of the file is a secret.
func (f *File) HoldsSecret() bool {
	return slices.ContainsFunc(f.lines, func(l line) bool { return secretSetting(l.key) })
}
