package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/view"
	"forcemfa/policy/arn"
)

// A Kind is what a message tells of.
type Kind string

// The kinds.
const (
	KindFinding    Kind = "finding"    // something is not as wanted
	KindEnforced   Kind = "enforced"   // somebody came behind MFA
	KindWorkaround Kind = "workaround" // not as configured, but another way was found
	KindBlocked    Kind = "blocked"    // not, and no other way was found
	KindTampering  Kind = "tampering"  // somebody changed what enforces
	KindGap        Kind = "gap"        // something could not be read
	KindFixed      Kind = "fixed"      // the finding of this ID is gone
	KindTest       Kind = "test"       // nothing happened
)

// Kinds are all of them, in the order of a summary of equal severity.
func Kinds() []Kind {
	return []Kind{KindTampering, KindBlocked, KindWorkaround, KindFinding, KindGap, KindEnforced, KindFixed, KindTest}
}

// A Message is one thing that people hear about. As JSON it is the detail of an
// event on the bus.
type Message struct {
	// ID is of what the message is about: that of a finding, rule/account/subject,
	// or of the same shape. A message of kind fixed has the ID of its finding.
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
	What        string         `json:"what"`   // happened, in one sentence
	Remedy      string         `json:"remedy"` // the next step; empty: none is needed
	// At is when it happened. ID, Kind and At together are what makes two
	// deliveries one message, so a delivery that is repeated must repeat At: take
	// the time of the event or of the run, not that of sending.
	At time.Time `json:"at"`
}

// Rule is the first part of the ID.
func (m *Message) Rule() string {
	rule, _, _ := strings.Cut(m.ID, "/")
	return rule
}

// Urgent tells whether the message goes out at once, and not with the next
// summary. A severity that is not known is urgent.
func (m *Message) Urgent() bool { return view.Rank(m.severity()) <= view.Rank(audit.High) }

// severity is the message's, and high where it is none that this program knows:
// what a newer member sends must not be hidden.
func (m *Message) severity() audit.Severity {
	switch m.Severity {
	case audit.Critical, audit.High, audit.Medium, audit.Low, audit.Info:
		return m.Severity
	}
	return audit.High
}

// key is the same for every delivery of one message.
func (m *Message) key() string {
	return strings.Join([]string{m.ID, string(m.Kind), m.At.UTC().Format(time.RFC3339Nano)}, "\x00")
}

// testRule is the rule of messages that [Tests] makes.
const testRule = "test"

// isTest tells whether nothing happened.
func (m *Message) isTest() bool { return m.Kind == KindTest || m.Rule() == testRule }

// name is the subject as people call it: the name of a user, else the subject.
func (m *Message) name() string {
	if user, ok := strings.CutPrefix(m.Subject, "user/"); ok {
		return user[strings.LastIndex(user, "/")+1:]
	}
	if m.Subject == "" {
		return "account " + m.Account
	}
	return m.Subject
}

// title is the message in a few words, without a result that it does not have.
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
	KindFinding:    "Not as wanted: %s",
	KindEnforced:   "MFA enforced for %s",
	KindWorkaround: "Could not attach ForceMFA to %s as configured",
	KindBlocked:    "Could not enforce MFA for %s",
	KindTampering:  "Tampering with MFA enforcement: %s",
	KindGap:        "Could not be read: %s",
	KindFixed:      "Fixed: %s",
	KindTest:       "TEST: forcemfa can reach you about %s",
}

// place is the account as people know it.
func (m *Message) place() string {
	switch {
	case m.Alias != "":
		return m.Account + " (" + m.Alias + ")"
	case m.AccountName != "":
		return m.Account + " (" + m.AccountName + ")"
	}
	return m.Account
}

// A Summary is what one run, or ten minutes of an organization, has to tell.
type Summary struct {
	Run        string    `json:"run,omitempty"` // under which the log tells more; empty: none
	ConfigHash string    `json:"config_hash,omitempty"`
	Since      time.Time `json:"since,omitzero"`
	Until      time.Time `json:"until,omitzero"`
	Messages   []Message `json:"messages"`
}

// with is the summary with other messages.
func (d *Summary) with(messages []Message) *Summary {
	other := *d
	other.Messages = messages
	return &other
}

// sorted are the messages, the worst first, and otherwise in an order that does
// not depend on the one in which they came.
func (d *Summary) sorted() []Message {
	kinds := Kinds()
	all := slices.Clone(d.Messages)
	slices.SortStableFunc(all, func(a, b Message) int {
		if by := view.Rank(a.severity()) - view.Rank(b.severity()); by != 0 {
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

// more says where to see what a summary had no room for.
func (d *Summary) more() string {
	if d.Run != "" {
		return "the log of run " + d.Run + ` has each of them; "forcemfa audit" lists what is open now`
	}
	return `the log of each account's run has them; "forcemfa audit" lists what is open now`
}

// accounts is how many accounts the messages are about.
func accounts(messages []Message) int {
	seen := map[string]bool{}
	for i := range messages {
		seen[messages[i].Account] = true
	}
	return len(seen)
}

// parseMessage reads the detail of an event.
func parseMessage(text []byte) (Message, error) {
	var m Message
	if err := json.Unmarshal(text, &m); err != nil {
		return Message{}, fmt.Errorf("read message: %w", err)
	}
	switch {
	case m.ID == "":
		return Message{}, errors.New("read message: it has no id")
	case m.Kind == "":
		return Message{}, fmt.Errorf("read message %q: it has no kind", m.ID)
	case !arn.IsAccountID(m.Account):
		return Message{}, fmt.Errorf("read message %q: account %q is no account ID", m.ID, m.Account)
	}
	return m, nil
}

// Tests is a summary for each of the kinds, with one message that says of itself
// that nothing happened.
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

// testMessages say what a message of each kind looks like.
var testMessages = map[Kind]Message{
	KindFinding: {Severity: audit.High, What: "a test: s3:GetObject would be allowed without MFA",
		Remedy: `nothing to do; of a real one, "forcemfa explain USER" says why and what would mend it`},
	KindEnforced: {Severity: audit.Info, What: "a test: ForceMFA was attached through the group ForceMFA"},
	KindWorkaround: {Severity: audit.Medium, What: "a test: the group is not possible, because the quota GroupsPerUser (10) is full; the policy was attached to the user instead",
		Remedy: "nothing to do; of a real one, take the user out of a group that it does not need"},
	KindBlocked: {Severity: audit.High, What: "a test: the quotas GroupsPerUser, AttachedPoliciesPerUser and UserPolicySize are full; nothing was attached",
		Remedy: "nothing to do; of a real one, make room in one of the quotas"},
	KindTampering: {Severity: audit.Critical, What: "a test: somebody detached ForceMFA, and it was attached again",
		Remedy: "nothing to do; of a real one, ask who did it, in CloudTrail"},
	KindGap: {Severity: audit.Medium, What: "a test: the account could not be entered",
		Remedy: "nothing to do; of a real one, let the role in"},
	KindFixed: {Severity: audit.Info, What: "a test: what a finding told of is gone"},
	KindTest:  {Severity: audit.Info, What: "a test: this channel works"},
}
