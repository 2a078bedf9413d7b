package awsfile

import (
	"fmt"
	"slices"
	"strings"
)

// The comments by which this program knows its own lines. What it adds to a file
// of somebody else it can take out again, byte for byte.
const (
	blockBegin = "# BEGIN forcemfa: written by forcemfa configure; remove with forcemfa configure --remove"
	blockEnd   = "# END forcemfa"
	// setMark stands above a setting that was added to a section of the person's.
	setMark = "# forcemfa-set"
	// wasMark stands before a line that was taken out of use.
	wasMark = "# forcemfa-was: "
)

// A BlockError is a marked block that cannot be changed safely.
type BlockError struct {
	Origin Origin
	What   string
}

func (e *BlockError) Error() string { return fmt.Sprintf("%s: %s", e.Origin, e.What) }

// block is the indexes of the first and the last line of our block; ok is false
// when there is none.
func (f *File) block() (first, last int, ok bool, err error) {
	first, last = -1, -1
	for i := range f.lines {
		switch text := strings.TrimSpace(f.lines[i].text); {
		case text == blockBegin && first >= 0, text == blockEnd && last >= 0, text == blockEnd && first < 0:
			return 0, 0, false, &BlockError{f.origin(i), "a mark of the forcemfa block is duplicated or has no counterpart; correct it by hand"}
		case text == blockBegin:
			first = i
		case text == blockEnd:
			last = i
		}
	}
	if first >= 0 && last < 0 {
		return 0, 0, false, &BlockError{f.origin(first), "the forcemfa block has no end mark; correct it by hand"}
	}
	return first, last, first >= 0, nil
}

// InBlock tells whether a section stands in our block.
func (f *File) InBlock(section string) (bool, error) {
	first, last, ok, err := f.block()
	if !ok || err != nil {
		return false, err
	}
	return slices.ContainsFunc(f.lines[first:last], func(l line) bool { return l.kind == header && l.section == section }), nil
}

// AddSection puts a new section into our block, which is made at the end of the
// file where there is none.
func (f *File) AddSection(section string, settings []Setting) error {
	lines := []line{{text: "[" + quoted(section) + "]", end: f.ending()}}
	for _, s := range settings {
		if err := checkSetting(section, s.Key, s.Value); err != nil {
			return err
		}
		lines = append(lines, line{text: s.Key + " = " + s.Value, end: f.ending()})
	}
	_, last, ok, err := f.block()
	if err != nil {
		return err
	}
	if !ok {
		f.beginBlock()
		_, last, _, _ = f.block()
	}
	f.lines = slices.Insert(f.lines, last, lines...)
	f.index()
	return nil
}

// beginBlock appends an empty block, with an empty line before it that goes away
// with it.
func (f *File) beginBlock() {
	if n := len(f.lines); n > 0 {
		if f.lines[n-1].end == "" {
			f.lines[n-1].end = f.ending()
		}
		f.lines = append(f.lines, line{end: f.ending()})
	}
	f.lines = append(f.lines, line{text: blockBegin, end: f.ending()}, line{text: blockEnd, end: f.ending()})
	f.index()
}

// RemoveBlock takes our block out and tells whether there was one. Settings that
// somebody added behind it are in a section of the block, so they are an error
// rather than settings of another section.
func (f *File) RemoveBlock() (bool, error) {
	first, last, ok, err := f.block()
	if !ok || err != nil {
		return false, err
	}
	for i := last + 1; i < len(f.lines); i++ {
		if l := &f.lines[i]; l.kind == header {
			break
		} else if l.kind != blank && l.kind != comment {
			return false, &BlockError{f.origin(i), "this line is in a section that begins in the forcemfa block; give it a section of its own"}
		}
	}
	if first > 0 && f.lines[first-1].kind == blank {
		first--
	}
	f.lines = slices.Delete(f.lines, first, last+1)
	f.index()
	return true, nil
}

// Override gives a setting another value and keeps the old line as a comment,
// for [File.Restore]. The new line is indented as the old one, because the lines
// below it mean what they mean by how far they are indented.
func (f *File) Override(section, key, value string) error {
	if err := checkSetting(section, key, value); err != nil {
		return err
	}
	i := f.find(section, key)
	if f.ours(i) {
		return f.replace(i, value)
	}
	at, indent := f.place(section), ""
	if i >= 0 {
		indent = f.lines[i].text[:indentOf(f.lines[i].text)]
		at = f.retire(i) + 1
	}
	f.insert(at, indent+key, value)
	f.lines = slices.Insert(f.lines, at, line{text: setMark, end: f.ending()})
	f.index()
	return nil
}

// Suppress takes a setting out of use wherever it stands in the sections of that
// name, and keeps its lines as comments for [File.Restore]. One that Override
// added just goes.
func (f *File) Suppress(section, key string) bool {
	done := false
	for i := f.find(section, key); i >= 0; i = f.find(section, key) {
		if f.ours(i) {
			f.drop(append([]int{i - 1, i}, f.parts(i)...))
			f.index()
		} else {
			f.retire(i)
		}
		done = true
	}
	return done
}

// ours tells whether the setting was added by Override.
func (f *File) ours(i int) bool {
	return i > 0 && f.lines[i].kind == setting && strings.TrimSpace(f.lines[i-1].text) == setMark
}

// retire turns a setting, with the lines that belong to it, into comments, and
// returns the index of the last of them.
func (f *File) retire(i int) int {
	end := i
	for _, j := range f.parts(i) {
		f.lines[j].text, end = wasMark+f.lines[j].text, j
	}
	f.lines[i].text = wasMark + f.lines[i].text
	f.index()
	return end
}

// Restore undoes every Override and Suppress, and tells whether there was one.
func (f *File) Restore() bool {
	var gone []int
	done := false
	for i := range f.lines {
		text := f.lines[i].text
		switch {
		case strings.HasPrefix(text, wasMark):
			f.lines[i].text, done = text[len(wasMark):], true
		case strings.TrimSpace(text) == setMark && i+1 < len(f.lines) && (f.lines[i+1].kind == setting || f.lines[i+1].kind == nested):
			// Nested it is where a setting between it and a group went meanwhile.
			gone = append(gone, i, i+1)
		}
	}
	f.drop(gone)
	f.index()
	return done || len(gone) > 0
}
