// Package audit turns a snapshot and a baseline into a stream of findings and
// of user states.
//
// Findings, users and rules are exported because every output and the planner read
// them.
package audit

import (
	"time"

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
	Why            string                `json:"why,omitempty"`             // for an unknown user
	Exemption      string                `json:"exemption,omitempty"`
	Proof          Universe              `json:"proof,omitempty"` // for an enforced user: the actions that the proof covers
	Assumptions    []string              `json:"assumptions,omitempty"`
	MFA            org.Tri               `json:"mfa"`
	Devices        []org.Device          `json:"devices,omitempty"`
	CannotEnroll   string                `json:"cannot_enroll,omitempty"` // for a user without a device: why it cannot enroll one today
	Console        org.Tri               `json:"console"`
	ActiveKeys     int                   `json:"active_keys"`

	Read *org.User `json:"-"` // as it was read
}

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

// severities are all severities, worst first.
var severities = []Severity{Critical, High, Medium, Low, Info}

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

// Counts are the numbers of users by state. Users is the sum of the other four: users
// that were read. The users of an account that could not be read are in none of them.
type Counts struct {
	Users    int `json:"users"`
	Enforced int `json:"enforced"`
	Exempt   int `json:"exempt"`
	Open     int `json:"open"`
	Unknown  int `json:"unknown"`
}

// An Account sums up one account.
type Account struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Alias string `json:"alias,omitempty"`
	Read  bool   `json:"read"`
	// Skipped is why the account was not entered: AWS has suspended or closed it.
	Skipped string    `json:"skipped,omitempty"`
	Report  time.Time `json:"report"` // age of the credential report
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

// Add adds an account and its findings.
func (t *Totals) Add(a *Audited) {
	t.Counts.Add(a.Summary.Counts)
	switch {
	case a.Summary.Read:
		t.AccountsRead++
	case a.Summary.Skipped != "":
		t.AccountsSkipped++
	default:
		t.AccountsUnread++
	}
	if t.Findings == nil {
		t.Findings, t.Undecided = map[Severity]int{}, map[Severity]int{}
	}
	for i := range a.Findings {
		f := &a.Findings[i]
		t.Findings[f.Severity]++
		if f.Rule == "account-unreadable" || f.Rule == "user-unknown" {
			t.Undecided[f.Severity]++
		}
	}
}
