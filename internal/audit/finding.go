// Package audit turns a snapshot and a baseline into a stream of findings and
// of user states.
//
// Findings, users and rules are exported because every output and the planner read
// them.
package audit

import (
	"slices"
	"time"

	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/policy/prove"
)

// A State is the result of the audit for one user.
type State string

// The four states of a user.
const (
	Enforced State = "enforced" // the Denies in force refuse every request without MFA outside the enrollment set
	Exempt   State = "exempt"   // an unexpired exemption matches
	Open     State = "open"     // neither; Example is a request that succeeds
	Unknown  State = "unknown"  // could not be decided
)

// A User is one user's state with the facts that the report shows.
type User struct {
	Account        string                `json:"account"`
	AccountName    string                `json:"account_name"`
	Name           string                `json:"name"`
	ARN            string                `json:"arn"`
	State          State                 `json:"state"`
	Example        *prove.Counterexample `json:"example,omitempty"`         // for an open user
	NotExploitable bool                  `json:"not_exploitable,omitempty"` // open, but nothing that was read allows the example today
	Obstacle       string                `json:"obstacle,omitempty"`        // what refuses the example that is not exploitable today
	Why            string                `json:"why,omitempty"`             // for an unknown user
	Exemption      string                `json:"exemption,omitempty"`
	ExemptBy       *baseline.Exemption   `json:"exempt_by,omitempty"` // the exemption of an exempt user
	Proof          Universe              `json:"proof,omitempty"`     // for an enforced user: the actions that the proof covers
	DeniedBy       []string              `json:"denied_by,omitempty"` // for an enforced user: the Deny statements that the proof rests on
	Assumptions    []string              `json:"assumptions,omitempty"`
	MFA            org.Tri               `json:"mfa"`
	Devices        []org.Device          `json:"devices,omitempty"`
	CannotEnroll   string                `json:"cannot_enroll,omitempty"` // for a user without a device: why it cannot enroll one today
	Console        org.Tri               `json:"console"`
	NewerThan      *time.Time            `json:"newer_than,omitempty"` // the credential report, which lacks the user: password and keys are unknown
	PasswordUsed   *time.Time            `json:"password_used,omitempty"`
	ActiveKeys     int                   `json:"active_keys"`
	Keys           []org.AccessKey       `json:"keys,omitempty"` // active or not
	Created        time.Time             `json:"created,omitzero"`
	Tags           []org.Tag             `json:"tags,omitempty"`
	Boundary       string                `json:"boundary,omitempty"` // ARN of the permissions boundary
	Window         string                `json:"window,omitempty"`   // the value of the tag that keeps an enrollment window open

	Read *org.User `json:"-"` // as it was read
}

// KeysKnown reports whether ActiveKeys says what there is: keys are read with the password.
func (u *User) KeysKnown() bool { return u.ActiveKeys > 0 || u.Console != org.Unknown }

// States are all states of a user.
var States = []State{Enforced, Exempt, Open, Unknown}

// A Severity ranks findings.
type Severity string

// The severities, worst first.
const (
	Critical Severity = "critical"
	High     Severity = "high"
	Medium   Severity = "medium"
	Low      Severity = "low"
	Info     Severity = "info"
)

// Severities are all severities, worst first.
var Severities = []Severity{Critical, High, Medium, Low, Info}

// Rank orders severities, worst first: 0 is critical. Any other text ranks last.
func (s Severity) Rank() int {
	if i := slices.Index(Severities, s); i >= 0 {
		return i
	}
	return len(Severities)
}

// A Finding is one deviation from the baseline or from a best practice.
type Finding struct {
	ID          string                `json:"id"` // rule/account/subject, the same in every output and notification
	Rule        string                `json:"rule"`
	Severity    Severity              `json:"severity"`
	Account     string                `json:"account"`
	AccountName string                `json:"account_name,omitempty"`
	Subject     string                `json:"subject"` // user/bob, role/Admin, policy/ForceMFA, root, account
	ARN         string                `json:"arn,omitempty"`
	What        string                `json:"what"`   // one sentence
	Remedy      string                `json:"remedy"` // the next step
	Example     *prove.Counterexample `json:"example,omitempty"`
	Refs        []string              `json:"refs,omitempty"` // compliance: cis_5.0:1.9, securityhub:IAM.5
}

// A Sink receives the stream. For each account, in order of the IDs: its users by
// name, its findings by ID, its gaps, then the account itself.
type Sink interface {
	User(User)
	Finding(Finding)
	Gap(org.Gap)
	Account(Account)
}

// Sinks send a stream to several sinks.
type Sinks []Sink

// User implements [Sink].
func (s Sinks) User(u User) { s.each(func(sink Sink) { sink.User(u) }) }

// Finding implements [Sink].
func (s Sinks) Finding(f Finding) { s.each(func(sink Sink) { sink.Finding(f) }) }

// Gap implements [Sink].
func (s Sinks) Gap(g org.Gap) { s.each(func(sink Sink) { sink.Gap(g) }) }

// Account implements [Sink].
func (s Sinks) Account(a Account) { s.each(func(sink Sink) { sink.Account(a) }) }

func (s Sinks) each(send func(Sink)) {
	for _, sink := range s {
		send(sink)
	}
}

// Counts are the numbers of users by state. Users is the sum of the other four: users
// that were read. The users of an account that could not be read are in none of them.
type Counts struct {
	Users    int `json:"users"`
	Enforced int `json:"enforced"`
	Exempt   int `json:"exempt"`
	Open     int `json:"open"`
	Unknown  int `json:"unknown"`

	// NewerThanReport are the users whose passwords and keys are unknown because they
	// are newer than the credential report.
	NewerThanReport int `json:"newer_than_report,omitempty"`
}

// An Account sums up one account.
type Account struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Alias string `json:"alias,omitempty"`
	Read  bool   `json:"read"`
	// Skipped is why the account was not entered: AWS has suspended or closed it.
	Skipped string `json:"skipped,omitempty"`
	// Units are the names of the organizational units above the account, the root first.
	Units  []string  `json:"units,omitempty"`
	Report time.Time `json:"report"` // age of the credential report
	Counts
}

// Totals are the numbers of a whole audit.
type Totals struct {
	Counts                           // of users
	AccountsRead    int              `json:"accounts_read"`
	AccountsUnread  int              `json:"accounts_unread"`  // that could not be read
	AccountsSkipped int              `json:"accounts_skipped"` // that are suspended or closed
	Findings        map[Severity]int `json:"findings"`
	// Undecided are those of the findings that say only that something could not be
	// read or decided. They make an audit incomplete, and say nothing about a user.
	Undecided map[Severity]int `json:"-"`
}

// AddAccount adds an account that is not audited.
func (t *Totals) AddAccount(read, skipped bool) {
	switch {
	case read:
		t.AccountsRead++
	case skipped:
		t.AccountsSkipped++
	default:
		t.AccountsUnread++
	}
}

// Add adds an account and its findings.
func (t *Totals) Add(a *Audited) {
	t.Counts.Add(a.Summary.Counts)
	t.AddAccount(a.Summary.Read, a.Summary.Skipped != "")
	if t.Findings == nil {
		t.Findings = map[Severity]int{}
	}
	if t.Undecided == nil {
		t.Undecided = map[Severity]int{}
	}
	for i := range a.Findings {
		f := &a.Findings[i]
		t.Findings[f.Severity]++
		if f.Rule == "account-unreadable" || f.Rule == "user-unknown" {
			t.Undecided[f.Severity]++
		}
	}
}
