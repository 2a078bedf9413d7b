// Package run is the file of one run of a verb: who ran it, when and with which config,
// and everything that it found. Every format and every report is made from a run, also
// long after it.
//
// A run is JSON Lines. Each line is an object with one member, which names the kind of
// the record: first "head", then records in the order of [Record], then "end", which
// counts them, then "sha256", the hash of all bytes before it. The hash shows damage and
// careless edits; evidence packs are signed. Compression is around the file and not part
// of it.
//
// [Writer] writes a run as it happens and is an [audit.Sink]. [Open] checks a whole file
// first, so that its [Run.Head] and [Run.End] are known and nothing is made from half a
// file; [Run.Records] and [Run.Send] then stream the records. Memory grows with none of
// them.
//
// The names of the records are exported because every output reads them.
package run

import (
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/impact"
	"forcemfa/internal/keys"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
)

// Format is the version of the file. It changes with every member that is added, because
// members that a version does not know are refused.
const Format = 1

// A Head says what a run is about. It is known when the run begins.
type Head struct {
	Format       int       `json:"format"`
	Verb         string    `json:"verb"`                         // audit, verify, plan…
	Organization string    `json:"organization,omitempty"`       // ID; empty for an account that is in none
	Management   string    `json:"management_account,omitempty"` // ID
	Partition    string    `json:"partition"`
	Time         time.Time `json:"time"`
	Caller       string    `json:"caller,omitempty"` // ARN of the identity that the run started with
	Version      string    `json:"version"`          // of forcemfa
	Config       string    `json:"config"`           // hash of the config and of the documents that it gives
	ConfigFile   string    `json:"config_file,omitempty"`
	Flags        []string  `json:"flags,omitempty"`    // as given, in order; without values that could be secret
	Sandbox      bool      `json:"sandbox,omitempty"`  // on the embedded AWS
	Filtered     bool      `json:"filtered,omitempty"` // flags left accounts out
}

// An End says how a run ended.
type End struct {
	Name string `json:"name,omitempty"` // alias of the management account, else its name
	audit.Totals
	Complete bool `json:"complete"` // everything was read, and every user decided
	Failing  int  `json:"failing"`  // findings that change the exit status
	Records  int  `json:"records"`  // between head and end; set by the writer
}

// A Record is one line between head and end. One member is set; they come in the order
// in which they stand here, except that the records from Rule to Account repeat for each
// account: rules at their first finding, users by name, findings by ID, what was not
// read, and the account last.
type Record struct {
	Document  *Document           `json:"document,omitempty"`
	Exemption *baseline.Exemption `json:"exemption,omitempty"`

	Rule    *Rule          `json:"rule,omitempty"`
	User    *audit.User    `json:"user,omitempty"`
	Finding *audit.Finding `json:"finding,omitempty"` // with remedy and references, which the file has once for each rule
	Unread  *org.Gap       `json:"unread,omitempty"`
	Account *audit.Account `json:"account,omitempty"` // also those that were skipped or could not be read

	Proofs    *Proofs        `json:"proofs,omitempty"`
	Impact    *impact.Report `json:"impact,omitempty"` // without its users
	Affected  *impact.User   `json:"affected,omitempty"`
	Plan      *Plan          `json:"plan,omitempty"`
	Blocked   *Blocked       `json:"blocked,omitempty"`
	Applied   *Applied       `json:"applied,omitempty"`
	Rehearsal *Rehearsal     `json:"rehearsal,omitempty"`

	Keys     *Keys     `json:"keys,omitempty"`
	Key      *keys.Key `json:"key,omitempty"`      // of Keys, the first to retire first
	Forecast *Forecast `json:"forecast,omitempty"` // what became of it
	Fate     *Fate     `json:"fate,omitempty"`     // of Forecast, those that nobody expected first
}

// A Document is a policy document that the config gives.
type Document struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	Text   string `json:"text"`
}

// A Rule is a rule with findings, as it was in the version that made the run.
type Rule struct {
	Name   string   `json:"name"`
	Means  string   `json:"means"`
	Remedy string   `json:"remedy"`
	Refs   []string `json:"refs,omitempty"`
}

// Proofs are what verify knows in addition to an audit.
type Proofs struct {
	Assumptions []string  `json:"assumptions"`              // of the proofs, in words
	Accepted    int       `json:"accepted"`                 // users whose proof the independent checker accepted
	AnyAction   int       `json:"any_action"`               // those of them whose proof covers any action that AWS could have
	Opinions    []Opinion `json:"second_opinion,omitempty"` // of AWS's policy simulator
}

// An Opinion is what AWS's policy simulator says about one user.
type Opinion struct {
	ARN     string   `json:"arn"`
	Allowed []string `json:"allowed"` // actions without MFA
	Error   string   `json:"error,omitempty"`
}

// A Plan sums up the steps of a plan.
type Plan struct {
	plan.Summary
	Remove    bool             `json:"remove,omitempty"` // the plan removes everything that forcemfa manages
	Notes     []string         `json:"notes,omitempty"`
	Scheduled []plan.Scheduled `json:"scheduled,omitempty"` // waves that have not started
	Guards    map[string]int   `json:"guards,omitempty"`    // blocked steps by guard; "other" without one
}

// A Blocked is a step of the plan that is not made.
type Blocked struct {
	ID      string  `json:"id"` // of the step
	Op      plan.Op `json:"op"`
	Account string  `json:"account"`
	Subject string  `json:"subject"`
	Why     string  `json:"why"`
	Remedy  string  `json:"remedy,omitempty"`
}

// An Applied counts the steps of an apply by their outcome.
type Applied struct {
	Run      string         `json:"run,omitempty"` // ID, for rollback
	Outcomes map[string]int `json:"outcomes"`
}

// A Rehearsal is the result of the attack scenarios before and after the plan was applied
// to the embedded AWS.
type Rehearsal struct {
	Before      audit.Counts `json:"before"` // users by state
	After       audit.Counts `json:"after"`
	AttacksThen Attacks      `json:"attacks_before"`
	AttacksNow  Attacks      `json:"attacks_after"`
	Expected    Expected     `json:"expected_access"`
}

// Keys count the long-term credentials of an organization.
type Keys struct {
	Keys       int `json:"keys"`
	Active     int `json:"active"`
	Administer int `json:"administer"` // active, and can administer an account without MFA
	Unused     int `json:"unused"`     // active, and nothing has used them for 90 days
}

// A Forecast is how a saved run of impact compares with the calls recorded since.
type Forecast struct {
	Made  time.Time    `json:"made"`
	Calls impact.Calls `json:"calls"` // recorded since
	Score impact.Score `json:"score"`
}

// The names of what became of a kind of calls, in the order of their records.
const (
	Missed     = "missed"       // denied, and not forecast
	FalseAlarm = "false-alarm"  // forecast as denied, and it still succeeds without MFA
	Exposed    = "not-enforced" // the same, of a user whom the roll-out left out
	Hit        = "hit"          // forecast as denied, and denied
	Silent     = "silent"       // forecast as denied, and not recorded since
)

// Fates are all names of what became of a kind of calls.
var Fates = []string{Missed, FalseAlarm, Exposed, Hit, Silent}

// A Fate is what became of one kind of calls.
type Fate struct {
	Became string `json:"became"`
	impact.Fate
}

// Attacks count attack scenarios by their outcome.
type Attacks struct {
	Tried     int `json:"tried"`
	Refused   int `json:"refused"`
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
}

// Expected counts expected access.
type Expected struct {
	Tried  int `json:"tried"`
	Worked int `json:"worked"`
}
