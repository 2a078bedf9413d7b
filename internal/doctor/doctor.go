// Package doctor examines the AWS settings of a machine: files, environment,
// access key, clock and MFA device. It changes nothing and its reports contain
// no secret.
package doctor

import (
	"context"
	"slices"
	"time"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/secret"
)

// A Machine is what an examination reads.
type Machine struct {
	Getenv func(string) string
	Home   string // directory with .aws
	Now    func() time.Time
	// Store opens the secret store that holds the long-lived key of a profile.
	Store func(p awsfile.Profile) (secret.Store, error)
}

// Options of an examination. The zero value examines the profile of
// AWS_PROFILE, else default, else the first profile with a key.
type Options struct {
	Profile string
	Region  string // in which AWS is called; empty: the profile's
	Offline bool   // read files only, call neither AWS nor the secret store
}

// A Level says how bad a finding is.
type Level string

// The levels, the worst first.
const (
	Broken  Level = "broken"  // something does not work
	Unknown Level = "unknown" // it could not be checked
	Risk    Level = "risk"    // it works, but less securely than it could
)

var worstFirst = []Level{Broken, Unknown, Risk}

// A Finding is one problem and its remedy.
type Finding struct {
	Check string `json:"check"`
	Level Level  `json:"level"`
	Where string `json:"where,omitempty"` // file:line, a profile or an endpoint
	What  string `json:"what"`
	Next  string `json:"next"`
}

// A Report is the result of an examination.
type Report struct {
	// Profile is the profile whose key was tried; empty if there was none.
	Profile  string    `json:"profile,omitempty"`
	Findings []Finding `json:"findings"` // the worst first
	Next     string    `json:"next,omitempty"`
}

// Examine checks the files and the environment and, unless Offline, calls AWS
// with the key of the profile. Anything it cannot check is a finding, not an
// error.
func Examine(ctx context.Context, m Machine, o Options) Report {
	e := &examination{Machine: m, options: o}
	e.readFiles()
	e.checkModes()
	e.checkText()
	e.checkSections()
	e.choose()
	e.checkProfiles()
	e.checkEnvironment()
	if !o.Offline {
		if e.findKey(ctx); e.profile != "" {
			e.checkAWS(ctx)
		}
	}
	slices.SortStableFunc(e.findings, func(a, b Finding) int {
		return slices.Index(worstFirst, a.Level) - slices.Index(worstFirst, b.Level)
	})
	r := Report{Profile: e.profile, Findings: append([]Finding{}, e.findings...)}
	if len(r.Findings) > 0 {
		r.Next = r.Findings[0].Next
	}
	return r
}

// An examination is in progress: checks add findings, and what one check reads
// serves the checks after it.
type examination struct {
	Machine
	options Options

	files   *awsfile.Files
	profile string // whose key is tried; empty if there is none
	keys    secret.Keys

	findings []Finding
}

func (e *examination) add(check string, level Level, where, what, next string) {
	e.findings = append(e.findings, Finding{check, level, where, what, next})
}
