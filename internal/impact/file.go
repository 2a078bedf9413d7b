package impact

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Schema is the form of a saved report.
const Schema = "forcemfa-impact/1"

// maxFile bounds a saved report: 2 kB for each of a hundred thousand users.
const maxFile = 256 << 20

// A File is a saved report with its head.
type File struct {
	Schema       string    `json:"schema"`
	Taken        time.Time `json:"taken"`
	Organization string    `json:"organization,omitempty"` // ID; empty for an account without one
	Version      string    `json:"version"`                // of forcemfa
	Config       string    `json:"config"`                 // hash of the config and its documents
	Report       *Report   `json:"report"`
}

// Write writes the file as indented JSON.
func (f *File) Write(w io.Writer) error {
	f.Schema = Schema
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(f)
}

// Read reads a saved report. It refuses another schema, members that this version does
// not know, and what follows the report.
func Read(r io.Reader) (*File, error) {
	limited := &io.LimitedReader{R: r, N: maxFile}
	d := json.NewDecoder(limited)
	d.DisallowUnknownFields()
	var f File
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("read impact: %w", err)
	}
	switch {
	case f.Schema != Schema:
		return nil, fmt.Errorf("read impact: schema %q, want %q: make the file with this version of forcemfa", f.Schema, Schema)
	case f.Report == nil:
		return nil, fmt.Errorf("read impact: the file has no report")
	case limited.N == 0 || d.More():
		return nil, fmt.Errorf("read impact: text after the report")
	}
	return &f, nil
}

// User returns a user of the report; nil when it is not there.
func (r *Report) User(arn string) *User {
	if r == nil {
		return nil
	}
	if r.byARN == nil {
		r.byARN = map[string]*User{}
		for i := range r.Users {
			r.byARN[r.Users[i].ARN] = &r.Users[i]
		}
	}
	return r.byARN[arn]
}

// Says is the evidence about a user who stops in a sentence without subject.
func (u *User) Says() string {
	text := fmt.Sprintf("CloudTrail has %d calls that would be denied, the last at %s", u.Denied, u.Last)
	if len(u.Tools) > 0 {
		text += ", by " + u.Tools[0]
	}
	if len(u.Networks) > 0 {
		text += " from " + u.Networks[0]
	}
	return text
}
