// Package notices writes the messages that people get before a roll-out: one for each
// person, one for each owner of service accounts, and a summary for each account.
//
// A [Collection] takes the users of an audit and returns [Notice] values; [Render] makes
// text, Markdown or mail of them by templates that an administrator can edit. It sends
// nothing and writes no files. Names, addresses and tags come from AWS or from a file,
// and are untrusted.
package notices

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/impact"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
)

// The kinds of notices.
const (
	ForPerson  = "person"
	ForOwner   = "owner"   // of service accounts
	ForAccount = "account" // a summary for the owner of an account
)

// A Recipient is whom a notice is for. The address is empty when none is known.
type Recipient struct {
	Name    string `json:"name"`
	Address string `json:"address,omitempty"`
}

// A Subject is a user whom the roll-out will enforce.
type Subject struct {
	User        string   `json:"user"`
	ARN         string   `json:"arn"`
	Account     string   `json:"account"`
	AccountName string   `json:"account_name"`
	Wave        string   `json:"wave,omitempty"` // empty: none, the user is enforced with the next apply
	From        string   `json:"from,omitempty"` // the first day, as 2027-01-15; empty: not decided
	Service     bool     `json:"service"`        // probably a service account
	Device      bool     `json:"device"`         // has an MFA device
	Stops       []string `json:"stops"`          // what stops without MFA, with the evidence
	Steps       []string `json:"steps"`          // what to do before
	Blocked     string   `json:"blocked,omitempty"`
	To          string   `json:"to,omitempty"` // the address of the person or owner
}

// A Notice is one message.
type Notice struct {
	Kind     string    `json:"kind"`
	File     string    `json:"file"` // without its ending
	To       Recipient `json:"to"`
	Subject  string    `json:"subject"`
	Account  string    `json:"account,omitempty"` // of ForAccount
	Name     string    `json:"account_name,omitempty"`
	Help     string    `json:"help,omitempty"` // whom to ask
	Subjects []Subject `json:"users"`
}

// First is the earliest day on which a user of the notice is enforced; empty when none is
// decided.
func (n *Notice) First() string {
	first := ""
	for _, s := range n.Subjects {
		if s.From != "" && (first == "" || s.From < first) {
			first = s.From
		}
	}
	return first
}

// Options are what the notices are made from, in addition to the users.
type Options struct {
	Now         time.Time
	From        time.Time // the first day for users without a wave; zero: not decided
	Help        string    // whom to ask
	NameTags    []string  // keys of tags with the name of a person
	AddressTags []string  // with the address
	OwnerTags   []string  // with the address of a service account's owner
	Contacts    Contacts
	Plan        *plan.Plan     // blocked steps are mentioned; nil: none
	Impact      *impact.Report // recorded calls are evidence; nil: none
}

// A Collection collects the users of an audit.
type Collection struct {
	header   *org.Header
	baseline *baseline.Baseline
	options  Options
	blocked  map[string]string // reasons by ARN
	subjects []collected
}

type collected struct {
	Subject
	to Recipient
}

// New starts a collection.
func New(h *org.Header, b *baseline.Baseline, o Options) *Collection {
	c := &Collection{header: h, baseline: b, options: o, blocked: map[string]string{}}
	if o.Plan != nil {
		for i := range o.Plan.Steps {
			if s := &o.Plan.Steps[i]; s.Blocked != "" {
				c.blocked[s.Subject] = s.Blocked
			}
		}
	}
	return c
}

// Add adds a user of an account, unless the roll-out doesn't change anything for it: it is
// enforced or exempt already, or has no credentials.
func (c *Collection) Add(a *org.Account, u *audit.User) {
	if u.State == audit.Enforced || u.State == audit.Exempt || u.Read == nil || u.ActiveKeys == 0 && u.Console == org.No {
		return
	}
	s := Subject{
		User: clean(u.Name), ARN: u.ARN, Account: a.ID, AccountName: clean(cmp.Or(a.Alias, a.Name)),
		Service: c.service(u), Device: u.MFA == org.Yes, Blocked: clean(c.blocked[u.ARN]),
	}
	s.Wave, s.From = c.wave(baseline.PlaceOf(c.header, a), u.Read)
	s.Stops, s.Steps = c.stops(u), steps(a, u, s.Service)
	to := c.recipient(a, u, s.Service)
	s.To = to.Address
	c.subjects = append(c.subjects, collected{s, to})
}

// service reports whether a user is probably a service account: its calls say so, or it
// has access keys and no console password.
func (c *Collection) service(u *audit.User) bool {
	if c.options.Impact != nil {
		switch r := c.options.Impact.User(u.ARN); {
		case r != nil && r.Kind == impact.ServiceAccount:
			return true
		case r != nil && (r.Kind == impact.Person || r.Kind == impact.Both):
			return false
		}
	}
	return u.Console == org.No && u.MFA != org.Yes
}

// wave is the name and the first day of a user's wave.
func (c *Collection) wave(at baseline.Place, u *org.User) (name, from string) {
	if w := c.baseline.Scheduled(at, u, c.options.Now); w != nil {
		return clean(w.Name), w.From.Format(time.DateOnly)
	}
	if !c.options.From.IsZero() {
		return "", c.options.From.Format(time.DateOnly)
	}
	return "", ""
}

// Notices are the notices in the order of their kind and file.
func (c *Collection) Notices() []Notice {
	slices.SortFunc(c.subjects, func(a, b collected) int {
		return cmp.Or(strings.Compare(a.Account, b.Account), strings.Compare(a.ARN, b.ARN))
	})
	var people, all []Notice
	owners, accounts := map[string]*Notice{}, map[string]*Notice{}
	for i := range c.subjects {
		s := &c.subjects[i]
		c.account(accounts, &s.Subject)
		if s.Service {
			c.owner(owners, s)
			continue
		}
		people = append(people, Notice{
			Kind: ForPerson, File: "people/" + s.Account + "-" + fileName(s.User), To: s.to, Help: c.options.Help, Subjects: []Subject{s.Subject},
			Subject: "MFA for " + s.User + " in " + s.AccountName + when(s.From),
		})
	}
	all = append(people, sorted(owners)...)
	return append(all, sorted(accounts)...)
}

func when(from string) string {
	if from == "" {
		return ""
	}
	return " from " + from
}

// owner adds a service account to the notice of its owner.
func (c *Collection) owner(owners map[string]*Notice, s *collected) {
	key := strings.ToLower(cmp.Or(s.to.Address, s.to.Name, s.Account))
	n := owners[key]
	if n == nil {
		to := s.to
		if to == (Recipient{}) {
			to.Name = "owner of the service accounts of " + s.AccountName
		}
		n = &Notice{Kind: ForOwner, File: "owners/" + fileName(key), To: to, Help: c.options.Help}
		owners[key] = n
	}
	n.Subjects = append(n.Subjects, s.Subject)
	n.Subject = "MFA for your service accounts" + when(n.First())
}

// account adds a user to the summary of its account.
func (c *Collection) account(accounts map[string]*Notice, s *Subject) {
	n := accounts[s.Account]
	if n == nil {
		n = &Notice{
			Kind: ForAccount, File: "accounts/" + s.Account, Account: s.Account, Name: s.AccountName, Help: c.options.Help,
			To: c.options.Contacts.owner(s.Account),
		}
		accounts[s.Account] = n
	}
	n.Subjects = append(n.Subjects, *s)
	n.Subject = "MFA in the account " + s.AccountName + when(n.First())
}

func sorted(all map[string]*Notice) []Notice {
	var out []Notice
	for _, n := range all {
		out = append(out, *n)
	}
	slices.SortFunc(out, func(a, b Notice) int { return strings.Compare(a.File, b.File) })
	return out
}

// fileName is a name that every file system accepts. Different names that become the same
// get different endings.
func fileName(name string) string {
	safe := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || strings.ContainsRune("-_.@+", r) {
			return r
		}
		return '_'
	}, name)
	if safe != name || len(safe) > 100 || strings.HasPrefix(safe, ".") {
		return strings.TrimLeft(safe[:min(len(safe), 100)], ".") + "-" + fingerprint(name)
	}
	return safe
}
