package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
	"forcemfa/policy/arn"
)

// A Kind says what a message is about.
type Kind string

// The kinds of messages.
const (
	KindFinding    Kind = "finding"    // something deviates from the config
	KindEnforced   Kind = "enforced"   // MFA is now enforced for a user
	KindWindow     Kind = "window"     // an enrollment window was opened: MFA is not enforced for enrolling
	KindWorkaround Kind = "workaround" // not as configured, but in another way
	KindBlocked    Kind = "blocked"    // not possible in any way
	KindTampering  Kind = "tampering"  // somebody changed the enforcement
	KindUnread     Kind = "unread"     // something could not be read
	KindFixed      Kind = "fixed"      // the finding with the same ID is gone
	KindTest       Kind = "test"       // nothing happened
)

// Kinds returns all kinds, in their order within a severity.
func Kinds() []Kind {
	return []Kind{KindTampering, KindBlocked, KindWorkaround, KindFinding, KindUnread, KindWindow, KindEnforced, KindFixed, KindTest}
}

// A Message notifies people of one thing. Its JSON is the detail of an event on
// the bus.
type Message struct {
	// ID is rule/account/subject: that of the finding, or one of the same form.
	// A message of kind fixed has the ID of its finding.
	ID          string         `json:"id"`
	Kind        Kind           `json:"kind"`
	Severity    audit.Severity `json:"severity"`
	Account     string         `json:"account"`
	Alias       string         `json:"alias,omitempty"`
	AccountName string         `json:"account_name,omitempty"`
	Partition   string         `json:"partition,omitempty"` // empty: aws
	Region      string         `json:"region,omitempty"`
	Subject     string         `json:"subject"` // user/bob, role/Admin, account
	ARN         string         `json:"arn,omitempty"`
	What        string         `json:"what"`   // what happened, in one sentence
	Remedy      string         `json:"remedy"` // the next step; empty if none is needed
	// At is when it happened. Two deliveries with the same ID, Kind and At are
	// the same message, so a repeated delivery must repeat At: use the time of
	// the event or of the run, not the time of sending.
	At time.Time `json:"at"`
}

// Rule returns the first part of the ID.
func (m *Message) Rule() string {
	rule, _, _ := strings.Cut(m.ID, "/")
	return rule
}

// Urgent reports whether the message is sent at once instead of with the next
// summary. An unknown severity is urgent.
func (m *Message) Urgent() bool { return m.severity().Rank() <= audit.High.Rank() }

// severity returns the severity of the message, and high for an unknown one: a
// message from a newer member function must not be hidden.
func (m *Message) severity() audit.Severity {
	if slices.Contains(audit.Severities, m.Severity) {
		return m.Severity
	}
	return audit.High
}

// key returns the same value for every delivery of a message.
func (m *Message) key() string {
	return strings.Join([]string{m.ID, string(m.Kind), m.At.UTC().Format(time.RFC3339Nano)}, "\x00")
}

// testRule is the rule of the messages from [Tests].
const testRule = "test"

// isTest reports whether the message is a test.
func (m *Message) isTest() bool { return m.Kind == KindTest || m.Rule() == testRule }

// name returns the name of the user, or the subject for others.
func (m *Message) name() string {
	if user, ok := strings.CutPrefix(m.Subject, "user/"); ok {
		return user[strings.LastIndex(user, "/")+1:]
	}
	if m.Subject == "" {
		return "account " + m.Account
	}
	return m.Subject
}

// title returns a short title of the message.
func (m *Message) title() string {
	of, known := titles[m.Kind]
	if !known {
		of = string(m.Kind) + ": %s"
	}
	title := fmt.Sprintf(of, m.name())
	if m.Kind == KindFinding || m.Kind == KindFixed {
		title += " (" + m.Rule() + ")"
	}
	if m.isTest() && m.Kind != KindTest {
		return "TEST: " + title
	}
	return title
}

var titles = map[Kind]string{
	KindFinding:    "Not as configured: %s",
	KindEnforced:   "MFA enforced for %s",
	KindWindow:     "Enrollment window opened for %s",
	KindWorkaround: "Could not attach ForceMFA to %s as configured",
	KindBlocked:    "Could not enforce MFA for %s",
	KindTampering:  "Tampering with MFA enforcement: %s",
	KindUnread:     "Could not read: %s",
	KindFixed:      "Fixed: %s",
	KindTest:       "TEST: notifications about %s arrive here",
}

// place returns the account ID with its alias or name.
func (m *Message) place() string {
	switch {
	case m.Alias != "":
		return m.Account + " (" + m.Alias + ")"
	case m.AccountName != "":
		return m.Account + " (" + m.AccountName + ")"
	}
	return m.Account
}

// OfFinding is the message about a finding.
func OfFinding(f *audit.Finding) Message {
	return Message{
		ID: f.ID, Kind: KindFinding, Severity: f.Severity, Account: f.Account, AccountName: f.AccountName,
		Subject: f.Subject, ARN: f.ARN, What: f.What, Remedy: f.Remedy,
	}
}

// OfGap is the message about something that could not be read.
func OfGap(g org.Gap) Message {
	return Message{
		ID: "unread/" + g.Account + "/" + g.What, Kind: KindUnread, Severity: audit.Medium, Account: g.Account, Subject: "account",
		What: g.What + " could not be read: " + g.Why, Remedy: "allow the role of forcemfa to read it: docs/permissions.md",
	}
}

// A Summary holds the messages of one run, or of ten minutes of an organization.
type Summary struct {
	Run        string    `json:"run,omitempty"` // the run whose log has the details; empty: none
	ConfigHash string    `json:"config_hash,omitempty"`
	Since      time.Time `json:"since,omitzero"`
	Until      time.Time `json:"until,omitzero"`
	Messages   []Message `json:"messages"`
}

// with returns the summary with other messages.
func (d *Summary) with(messages []Message) *Summary {
	other := *d
	other.Messages = messages
	return &other
}

// sorted returns the messages, worst first, in an order that does not depend on
// the order of their arrival.
func (d *Summary) sorted() []Message {
	kinds := Kinds()
	all := slices.Clone(d.Messages)
	slices.SortStableFunc(all, func(a, b Message) int {
		if by := a.severity().Rank() - b.severity().Rank(); by != 0 {
			return by
		}
		if by := slices.Index(kinds, a.Kind) - slices.Index(kinds, b.Kind); by != 0 {
			return by
		}
		if by := strings.Compare(a.Account, b.Account); by != 0 {
			return by
		}
		if by := strings.Compare(a.ID, b.ID); by != 0 {
			return by
		}
		return a.At.Compare(b.At)
	})
	return all
}

// more says where to find the messages that do not fit into a notification.
func (d *Summary) more() string {
	if d.Run != "" {
		return "the log of run " + d.Run + ` has each of them; "forcemfa audit" lists what is open now`
	}
	return `the log of each account's run has them; "forcemfa audit" lists what is open now`
}

// accounts returns the number of accounts with messages.
func accounts(messages []Message) int {
	seen := map[string]bool{}
	for i := range messages {
		seen[messages[i].Account] = true
	}
	return len(seen)
}

// parseMessage parses the detail of an event.
func parseMessage(text []byte) (Message, error) {
	var m Message
	if err := json.Unmarshal(text, &m); err != nil {
		return Message{}, fmt.Errorf("read message: %w", err)
	}
	switch {
	case m.ID == "":
		return Message{}, errors.New("read message: the message has no id")
	case m.Kind == "":
		return Message{}, fmt.Errorf("read message %q: the message has no kind", m.ID)
	case !arn.IsAccountID(m.Account):
		return Message{}, fmt.Errorf("read message %q: account %q is not an account ID", m.ID, m.Account)
	}
	return m, nil
}

// Tests returns a summary for each of the kinds, with one message that says that
// it is a test.
func Tests(kinds []Kind, account, alias, partition string, at time.Time) []Summary {
	var all []Summary
	for _, k := range kinds {
		m := testMessages[k]
		m.ID = strings.Join([]string{testRule, account, string(k)}, "/")
		m.Kind, m.Account, m.Alias, m.Partition, m.At = k, account, alias, partition, at
		m.Subject, m.ARN = "user/forcemfa-test", arn.IAM(partition, account, "user", "/", "forcemfa-test")
		all = append(all, Summary{Run: "test", Since: at, Until: at, Messages: []Message{m}})
	}
	return all
}

// testMessages are examples of each kind.
var testMessages = map[Kind]Message{
	KindFinding: {Severity: audit.High, What: "a test: s3:GetObject would be allowed without MFA",
		Remedy: `nothing to do for this test; for a real finding, "forcemfa explain USER" shows the reason and a fix`},
	KindEnforced: {Severity: audit.Info, What: "a test: ForceMFA was attached through the group ForceMFA"},
	KindWindow: {Severity: audit.Low, What: "a test: the user may enroll an MFA device with an access key until a date",
		Remedy: "nothing to do for this test; otherwise, have the user run forcemfa enroll before that date"},
	KindWorkaround: {Severity: audit.Medium, What: "a test: the user could not be added to the group because the quota GroupsPerUser (10) is full; the policy was attached to the user instead",
		Remedy: "nothing to do for this test; otherwise, remove the user from a group that is not needed"},
	KindBlocked: {Severity: audit.High, What: "a test: the quotas GroupsPerUser, AttachedPoliciesPerUser and UserPolicySize are full; nothing was attached",
		Remedy: "nothing to do for this test; otherwise, make room in one of the quotas"},
	KindTampering: {Severity: audit.Critical, What: "a test: somebody detached ForceMFA, and it was attached again",
		Remedy: "nothing to do for this test; otherwise, find the caller in CloudTrail"},
	KindUnread: {Severity: audit.Medium, What: "a test: the account could not be entered",
		Remedy: "nothing to do for this test; otherwise, let the account trust the role"},
	KindFixed: {Severity: audit.Info, What: "a test: the problem of a finding is gone"},
	KindTest:  {Severity: audit.Info, What: "a test: this channel works"},
}
