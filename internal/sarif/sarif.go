// Package sarif writes logs in the Static Analysis Results Interchange Format 2.1.0,
// which code scanning services read.
//
// Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
package sarif

import (
	"bytes"
	"encoding/json"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"forcemfa/internal/audit"
	"forcemfa/internal/prose"
)

// A Log is one run of a verb.
type Log struct {
	Version string // of forcemfa
	Rules   []Rule
	Results []Result
	// Problems is what could not be read: the run was not successful then.
	Problems []Problem
}

// A Rule is one kind of result.
type Rule struct {
	ID       string
	Title    string
	Means    string
	Remedy   string
	Severity audit.Severity
	Tags     []string // requirements that it is evidence for
}

// A Result is one finding: in a file, or about a thing that is no file.
type Result struct {
	Rule         string
	Severity     audit.Severity
	Message      string
	File         string // as given on the command line; empty: none
	Line, Column int    // from 1; 0: the whole file
	Subject      string // its name where there is no line: a statement, a user
	Fingerprint  string // the same as long as it is the same finding
	Properties   map[string]any
	Fix          *Fix // nil: none
}

// A Fix is a correction of the file: replacements that do not overlap.
type Fix struct {
	Description  string
	Replacements []Replacement
}

// A Replacement replaces the text between two places. Lines and columns count
// from 1, columns in Unicode code points; the end is behind the last character.
type Replacement struct {
	Line, Column       int
	EndLine, EndColumn int
	Text               string
}

// A Problem is something that could not be read.
type Problem struct {
	Message      string
	File         string
	Line, Column int
}

// levels are the levels of SARIF, and the scores that code scanning ranks
// results by.
var levels = map[audit.Severity]struct{ level, score string }{
	audit.Critical: {"error", "9.5"}, audit.High: {"error", "8.0"}, audit.Medium: {"warning", "5.5"},
	audit.Low: {"note", "3.0"}, audit.Info: {"note", "0.0"},
}

// The objects of SARIF that are written.
type (
	text struct {
		Text string `json:"text"`
	}
	artifact struct {
		URI string `json:"uri"`
	}
	region struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
	}
	physical struct {
		Artifact artifact `json:"artifactLocation"`
		Region   *region  `json:"region,omitempty"`
	}
	logical struct {
		Name string `json:"fullyQualifiedName"`
	}
	location struct {
		Physical *physical `json:"physicalLocation,omitempty"`
		Logical  []logical `json:"logicalLocations,omitempty"`
	}
	rule struct {
		ID            string            `json:"id"`
		Short         text              `json:"shortDescription"`
		Full          text              `json:"fullDescription"`
		Help          text              `json:"help"`
		Configuration map[string]string `json:"defaultConfiguration"`
		Properties    map[string]any    `json:"properties"`
	}
	result struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      text              `json:"message"`
		Locations    []location        `json:"locations"`
		Fingerprints map[string]string `json:"partialFingerprints,omitempty"`
		Fixes        []fix             `json:"fixes,omitempty"`
		Properties   map[string]any    `json:"properties,omitempty"`
	}
	fix struct {
		Description text     `json:"description"`
		Changes     []change `json:"artifactChanges"`
	}
	change struct {
		Artifact     artifact      `json:"artifactLocation"`
		Replacements []replacement `json:"replacements"`
	}
	replacement struct {
		Deleted  span `json:"deletedRegion"`
		Inserted text `json:"insertedContent"`
	}
	span struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
		EndLine     int `json:"endLine"`
		EndColumn   int `json:"endColumn"`
	}
	notification struct {
		Level     string     `json:"level"`
		Message   text       `json:"message"`
		Locations []location `json:"locations,omitempty"`
	}
)

// Write prints the log.
func (s *Log) Write(w io.Writer) error {
	stream := NewWriter(w, s.Version, s.Rules)
	for i := range s.Results {
		stream.Result(&s.Results[i])
	}
	return stream.Close(s.Problems, nil)
}

// A Writer prints a log result by result, so that memory does not grow with their number.
type Writer struct {
	w     io.Writer
	index map[string]int // of the rules
	some  bool
	err   error
}

// NewWriter prints the beginning of a log.
func NewWriter(w io.Writer, version string, list []Rule) *Writer {
	s := &Writer{w: prose.JSON(w), index: map[string]int{}}
	rules := make([]rule, len(list))
	for i, r := range list {
		rules[i], s.index[r.ID] = r.object(), i
	}
	// The languages and the newlines are SARIF's defaults. go-sarif validates a log that
	// leaves them out as if they were empty, and refuses it.
	driver := map[string]any{"name": "forcemfa", "version": version, "language": "en-US", "rules": rules}
	s.print(`{"$schema":"https://json.schemastore.org/sarif-2.1.0.json","version":"2.1.0","runs":[{"columnKind":"unicodeCodePoints","language":"en-US","newlineSequences":["\r\n","\n"],"tool":`, map[string]any{"driver": driver})
	s.print(",\n\"results\":[", nil)
	return s
}

// Result prints a result.
func (s *Writer) Result(r *Result) {
	separator := "\n"
	if s.some {
		separator = ",\n"
	}
	s.some = true
	s.print(separator, s.object(r))
}

// Close prints what could not be read, and properties of the run; nil: none.
func (s *Writer) Close(problems []Problem, properties map[string]any) error {
	invocation := map[string]any{"executionSuccessful": len(problems) == 0}
	if len(problems) > 0 {
		var list []notification
		for _, p := range problems {
			list = append(list, notification{"error", text{p.Message}, locations(p.File, p.Line, p.Column, "")})
		}
		invocation["toolExecutionNotifications"] = list
	}
	s.print("],\n\"invocations\":", []any{invocation})
	if properties != nil {
		s.print(",\n\"properties\":", properties)
	}
	s.print("}]}\n", nil)
	return s.err
}

// print prints a text and a value; the first error ends the stream.
func (s *Writer) print(before string, v any) {
	if s.err != nil {
		return
	}
	var line bytes.Buffer
	line.WriteString(before)
	if v != nil {
		e := json.NewEncoder(&line)
		e.SetEscapeHTML(false)
		if s.err = e.Encode(v); s.err != nil {
			return
		}
		line.Truncate(line.Len() - 1)
	}
	_, s.err = s.w.Write(line.Bytes())
}

func (r *Rule) object() rule {
	l := levels[r.Severity]
	return rule{
		r.ID, text{r.Title}, text{r.Means}, text{r.Remedy}, map[string]string{"level": l.level},
		map[string]any{"security-severity": l.score, "tags": append([]string{"security", "mfa"}, r.Tags...)},
	}
}

func (s *Writer) object(r *Result) result {
	index, known := s.index[r.Rule]
	if !known {
		index = -1
	}
	out := result{
		RuleID: r.Rule, RuleIndex: index, Level: levels[r.Severity].level, Message: text{r.Message},
		Locations: locations(r.File, r.Line, r.Column, r.Subject), Properties: map[string]any{"severity": r.Severity},
	}
	for name, value := range r.Properties {
		out.Properties[name] = value
	}
	if r.Fingerprint != "" {
		out.Fingerprints = map[string]string{"forcemfa/v1": r.Fingerprint}
	}
	if r.Fix != nil {
		out.Fixes = []fix{r.Fix.object(r.File)}
	}
	return out
}

func (f *Fix) object(file string) fix {
	c := change{Artifact: artifact{fileURI(file)}}
	for _, r := range f.Replacements {
		c.Replacements = append(c.Replacements, replacement{span{r.Line, r.Column, r.EndLine, r.EndColumn}, text{r.Text}})
	}
	return fix{text{f.Description}, []change{c}}
}

func locations(file string, line, column int, subject string) []location {
	var l location
	if file != "" {
		l.Physical = &physical{Artifact: artifact{fileURI(file)}}
		if line > 0 {
			l.Physical.Region = &region{line, column}
		}
	}
	if subject != "" {
		l.Logical = []logical{{subject}}
	}
	return []location{l}
}

// fileURI is a file name as a URI: relative names stay relative.
func fileURI(name string) string {
	slashed := filepath.ToSlash(name)
	u := url.URL{Path: slashed}
	switch {
	case strings.HasPrefix(slashed, "/"):
		u.Scheme = "file"
	case filepath.VolumeName(name) != "":
		u = url.URL{Scheme: "file", Path: "/" + slashed}
	}
	return u.String()
}
