// Package evidence is the evidence pack: an archive with everything that somebody else
// needs to check, without AWS and without trust in forcemfa's prover, that users cannot
// act without MFA.
//
// [Write] writes a pack from accounts as they are read. [Check] reads a pack of unknown
// origin in bounded memory: it compares the hashes, audits the snapshot in the pack again,
// compares the result with what the pack says of every user, and has the independent
// checker of package certificate check the proof of each enforced user against the
// policies that the snapshot gives that user. [Sign] and [Verify] are the signature beside
// the pack, in the format of minisign, which covers every byte.
//
// A pack is a ZIP archive. Its files, in this order, are text or JSON Lines, and the same
// input always gives the same bytes:
//
//	README.txt       what the pack is, and how to check it
//	config.json      the config that was in force
//	snapshot.jsonl   what was read of the organization (package org)
//	policies.jsonl   each policy document once, by the SHA-256 of its text
//	sets.jsonl       the documents that decide for a user, for each different set of them
//	proofs.jsonl     each different proof certificate once
//	users.jsonl      each user: state, set, condition keys, proof
//	run.jsonl        the run with all findings (package run)
//	findings.ocsf.json             the findings for other programs
//	assessment-results.oscal.json  the findings for compliance programs
//	actions.jsonl    the list of actions, only if a proof relies on it
//	manifest.json    what the pack says as a whole, and size and SHA-256 of the files
//
// Policies, sets, proofs and users are all that the independent checker needs, so a
// program can check the proofs that knows no snapshot: cmd/forcemfa-check.
//
// The types of the lines are exported because they are the format.
package evidence

import (
	"fmt"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/policy"
)

// Format is the version of the pack that this program writes, and the only one it reads.
const Format = 1

// Kind is the member "kind" of every manifest.
const Kind = "forcemfa evidence pack"

// The files of a pack.
const (
	readmeFile   = "README.txt"
	configFile   = "config.json"
	snapshotFile = "snapshot.jsonl"
	policiesFile = "policies.jsonl"
	setsFile     = "sets.jsonl"
	proofsFile   = "proofs.jsonl"
	usersFile    = "users.jsonl"
	runFile      = "run.jsonl"
	findingsFile = "findings.ocsf.json"
	resultsFile  = "assessment-results.oscal.json"
	actionsFile  = "actions.jsonl"
	manifestFile = "manifest.json"
)

// A limit bounds a file of a pack. Those that are kept in memory have the smaller ones.
type limit struct {
	name     string
	most     int64 // bytes
	optional bool
}

const (
	kib = 1 << 10
	mib = 1 << 20
)

// limits lists the files of a pack in their order, except the manifest. They are far
// above the needs of an organization of 10,000 accounts.
var limits = []limit{
	{readmeFile, 64 * kib, false},
	{configFile, 4 * mib, false},
	{snapshotFile, 4096 * mib, false},
	{policiesFile, 64 * mib, false},
	{setsFile, 32 * mib, false},
	{proofsFile, 32 * mib, false},
	{usersFile, 2048 * mib, false},
	{runFile, 4096 * mib, false},
	{findingsFile, 4096 * mib, false},
	{resultsFile, 4096 * mib, true}, // packs of format 1 were written without it
	{actionsFile, 32 * mib, true},
}

const (
	mostManifest = 4 * mib
	mostArchive  = 2048 * mib
	mostLine     = 64 * mib // of a snapshot: an account
	mostRecord   = 4 * mib  // a line of the other files
	mostRatio    = 300      // of the files to the archive; a zip bomb has 1,000 and more
)

// A Manifest says what a pack says as a whole.
type Manifest struct {
	Kind         string          `json:"kind"`
	Format       int             `json:"format"`
	AsOf         time.Time       `json:"as_of"` // the states hold for this time
	Taken        time.Time       `json:"taken"` // when the organization was read
	Program      Program         `json:"program"`
	Organization string          `json:"organization,omitempty"`
	ConfigHash   string          `json:"config_hash"`
	Accounts     AccountCounts   `json:"accounts"`
	Users        audit.Counts    `json:"users"`
	Proofs       ProofCounts     `json:"proofs"`
	Claim        Claim           `json:"claim"`
	Rules        []string        `json:"rules,omitempty"` // that the findings come from; missing in the packs of earlier versions
	Redaction    *RedactionCount `json:"redaction,omitempty"`
	Assumptions  []string        `json:"assumptions"`
	Files        []File          `json:"files"`
}

// A Program is the version that wrote a pack.
type Program struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
}

// AccountCounts are the accounts of a pack.
type AccountCounts struct {
	Read    int `json:"read"`
	Unread  int `json:"unread"`
	Skipped int `json:"skipped"` // suspended or closed
}

// ProofCounts are the enforced users by what their proofs cover.
type ProofCounts struct {
	Certificates  int `json:"certificates"`   // different ones
	AnyAction     int `json:"any_action"`     // users whose proof covers every action that AWS could have
	ListedActions int `json:"listed_actions"` // users whose proof covers the actions in actions.jsonl
}

// A Claim is what is claimed of every enforced user: every request without MFA is
// refused, except the actions of the enrollment set, and except forwarded calls if they
// pass. Proofs may rely on the observed answers, and name those that they rely on.
type Claim struct {
	Enrollment         []string        `json:"enrollment"`
	ForwardedCallsPass bool            `json:"forwarded_calls_pass"`
	Observed           policy.Observed `json:"observed,omitzero"`
}

// A RedactionCount says what a redacted pack leaves out.
type RedactionCount struct {
	Users int `json:"users_left_out"` // the redacted text would give them another state
}

// A File is a file of a pack.
type File struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// A User is a line of users.jsonl.
type User struct {
	ARN             string          `json:"arn"`
	Account         string          `json:"account"`
	State           audit.State     `json:"state"`
	Set             int             `json:"set"`             // a line of sets.jsonl, from 0
	Proof           *int            `json:"proof,omitempty"` // a line of proofs.jsonl, from 0; only for an enforced user
	HasDevice       bool            `json:"has_device"`
	EnrollmentByKey bool            `json:"enrollment_by_key"`
	Context         *policy.Context `json:"context"` // the condition keys that all requests of the user have
	Example         string          `json:"example,omitempty"`
	Why             string          `json:"why,omitempty"`
	Exemption       string          `json:"exemption,omitempty"`
}

// A Set is a line of sets.jsonl.
type Set struct {
	Identity []Source   `json:"identity"`
	Boundary *Source    `json:"boundary,omitempty"`
	SCPs     [][]Source `json:"scps"`           // by level, the root first; null: none applies
	RCPs     [][]Source `json:"rcps,omitempty"` // likewise
}

// A Source is a document of a set, or why it could not be read.
type Source struct {
	Policy string `json:"policy,omitempty"` // the SHA-256 of the document
	Unread string `json:"unread,omitempty"`
}

// A Policy is a line of policies.jsonl. The hash is that of the document's text.
type Policy struct {
	SHA256   string `json:"sha256"`
	Name     string `json:"name"` // where it was found first
	Document string `json:"document"`
}

// An Action is a line of actions.jsonl.
type Action struct {
	Name      string   `json:"action"`
	Resources []string `json:"resources,omitempty"`
	Any       bool     `json:"any,omitempty"` // requests can have the resource *
}

// An Error says why a pack is refused.
type Error struct {
	File string // of the pack; empty: the whole
	Line int    // from 1; 0: the whole file
	Why  string
}

func (e *Error) Error() string {
	switch {
	case e.File == "":
		return e.Why
	case e.Line == 0:
		return e.File + ": " + e.Why
	}
	return fmt.Sprintf("%s, line %d: %s", e.File, e.Line, e.Why)
}

func refusedFile(file, format string, args ...any) error {
	return &Error{File: file, Why: fmt.Sprintf(format, args...)}
}
