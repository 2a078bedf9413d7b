package view

import (
	"encoding/json"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"forcemfa/internal/audit"
)

// A SARIFLog is one run of a verb in the Static Analysis Results Interchange
// Format 2.1.0, which code scanning services read.
// Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version
// 2.1.0".
type SARIFLog struct {
	Version string // of forcemfa
	Rules   []SARIFRule
	Results []SARIFResult
	// Problems is what could not be read: the run was not successful then.
	Problems []SARIFProblem
}

// A SARIFRule is one kind of result.
type SARIFRule struct {
	ID       string
	Title    string
	Means    string
	Remedy   string
	Severity audit.Severity
	Tags     []string // requirements that it is evidence for
}

// A SARIFResult is one finding: in a file, or about a thing that is no file.
type SARIFResult struct {
	Rule         string
	Severity     audit.Severity
	Message      string
	File         string // as given on the command line; empty: none
	Line, Column int    // from 1; 0: the whole file
	Subject      string // its name where there is no line: a statement, a user
	Fingerprint  string // the same as long as it is the same finding
	Properties   map[string]any
	Fix          *SARIFFix // nil: none
}

// A SARIFFix is a correction of the file: replacements that do not overlap.
type SARIFFix struct {
	Description  string
	Replacements []SARIFReplacement
}

// A SARIFReplacement replaces the text between two places. Lines and columns count
// from 1, columns in Unicode code points; the end is behind the last character.
type SARIFReplacement struct {
	Line, Column       int
	EndLine, EndColumn int
	Text               string
}

// A SARIFProblem is something that could not be read.
type SARIFProblem struct {
	Message      string
	File         string
	Line, Column int
}

// sarifLevels are the levels of SARIF, and the scores that code scanning ranks
// results by.
var sarifLevels = map[audit.Severity]struct{ level, score string }{
	audit.Critical: {"error", "9.5"}, audit.High: {"error", "8.0"}, audit.Medium: {"warning", "5.5"},
	audit.Low: {"note", "3.0"}, audit.Info: {"note", "0.0"},
}

// The objects of SARIF that are written.
type (
	sarifText struct {
		Text string `json:"text"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifLogical struct {
		Name string `json:"fullyQualifiedName"`
	}
	sarifLocation struct {
		Physical *sarifPhysical `json:"physicalLocation,omitempty"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifRule struct {
		ID            string            `json:"id"`
		Short         sarifText         `json:"shortDescription"`
		Full          sarifText         `json:"fullDescription"`
		Help          sarifText         `json:"help"`
		Configuration map[string]string `json:"defaultConfiguration"`
		Properties    map[string]any    `json:"properties"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Fingerprints map[string]string `json:"partialFingerprints,omitempty"`
		Fixes        []sarifFix        `json:"fixes,omitempty"`
		Properties   map[string]any    `json:"properties,omitempty"`
	}
	sarifFix struct {
		Description sarifText     `json:"description"`
		Changes     []sarifChange `json:"artifactChanges"`
	}
	sarifChange struct {
		Artifact     sarifArtifact      `json:"artifactLocation"`
		Replacements []sarifReplacement `json:"replacements"`
	}
	sarifReplacement struct {
		Deleted  sarifSpan `json:"deletedRegion"`
		Inserted sarifText `json:"insertedContent"`
	}
	sarifSpan struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
		EndLine     int `json:"endLine"`
		EndColumn   int `json:"endColumn"`
	}
	sarifNotification struct {
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
	}
)

// Write prints the log.
func (s *SARIFLog) Write(w io.Writer) error {
	rules := make([]sarifRule, len(s.Rules))
	for i, r := range s.Rules {
		rules[i] = r.object()
	}
	results := make([]sarifResult, len(s.Results))
	for i := range s.Results {
		results[i] = s.result(&s.Results[i])
	}
	invocation := map[string]any{"executionSuccessful": len(s.Problems) == 0}
	if len(s.Problems) > 0 {
		var told []sarifNotification
		for _, p := range s.Problems {
			told = append(told, sarifNotification{"error", sarifText{p.Message}, location(p.File, p.Line, p.Column, "")})
		}
		invocation["toolExecutionNotifications"] = told
	}
	driver := map[string]any{"name": "forcemfa", "version": s.Version, "rules": rules}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(map[string]any{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json",
		"version": "2.1.0",
		"runs": []any{map[string]any{
			"tool": map[string]any{"driver": driver}, "columnKind": "unicodeCodePoints",
			"invocations": []any{invocation}, "results": results,
		}},
	})
}

func (r *SARIFRule) object() sarifRule {
	l := sarifLevels[r.Severity]
	return sarifRule{
		r.ID, sarifText{r.Title}, sarifText{r.Means}, sarifText{r.Remedy}, map[string]string{"level": l.level},
		map[string]any{"security-severity": l.score, "tags": append([]string{"security", "mfa"}, r.Tags...)},
	}
}

func (s *SARIFLog) result(r *SARIFResult) sarifResult {
	out := sarifResult{
		RuleID: r.Rule, RuleIndex: slices.IndexFunc(s.Rules, func(rule SARIFRule) bool { return rule.ID == r.Rule }),
		Level: sarifLevels[r.Severity].level, Message: sarifText{r.Message},
		Locations: location(r.File, r.Line, r.Column, r.Subject), Properties: map[string]any{"severity": r.Severity},
	}
	for name, value := range r.Properties {
		out.Properties[name] = value
	}
	if r.Fingerprint != "" {
		out.Fingerprints = map[string]string{"forcemfa/v1": r.Fingerprint}
	}
	if r.Fix != nil {
		out.Fixes = []sarifFix{r.Fix.object(r.File)}
	}
	return out
}

func (f *SARIFFix) object(file string) sarifFix {
	change := sarifChange{Artifact: sarifArtifact{fileURI(file)}}
	for _, r := range f.Replacements {
		change.Replacements = append(change.Replacements, sarifReplacement{sarifSpan{r.Line, r.Column, r.EndLine, r.EndColumn}, sarifText{r.Text}})
	}
	return sarifFix{sarifText{f.Description}, []sarifChange{change}}
}

func location(file string, line, column int, subject string) []sarifLocation {
	var l sarifLocation
	if file != "" {
		l.Physical = &sarifPhysical{Artifact: sarifArtifact{fileURI(file)}}
		if line > 0 {
			l.Physical.Region = &sarifRegion{line, column}
		}
	}
	if subject != "" {
		l.Logical = []sarifLogical{{subject}}
	}
	return []sarifLocation{l}
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
