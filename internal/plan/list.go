package plan

import (
	"strings"

	"forcemfa/internal/prose"
)

// A List names everybody whom the plan affects in one way. It is whole, however long.
type List struct {
	Kind string `json:"kind"` // as KindStops
	What string `json:"what"` // how the users are affected
	// Users are in the order of the accounts.
	Users []Affected `json:"users"`
}

// An Affected is a user, or an account, that a plan affects.
type Affected struct {
	Account string `json:"account"`
	User    string `json:"user,omitempty"` // empty: the account
	Why     string `json:"why,omitempty"`
}

// String is the user as account/name, with the reason.
func (a Affected) String() string {
	text := a.Account
	if a.User != "" {
		text += "/" + a.User
	}
	if a.Why != "" {
		text += " (" + a.Why + ")"
	}
	return text
}

// The kinds of lists.
const (
	KindStops          = "stops"           // users with credentials that stop working
	KindThrough        = "through"         // users who are enforced by a step on a policy or group that covers them already
	KindWindow         = "window"          // users for whom an enrollment window is opened
	KindLockedOut      = "locked-out"      // users who are enforced without a sign-in path, by acknowledgement
	KindServicesUnread = "services-unread" // users whose SSH keys and service-specific credentials could not be read
	KindScheduled      = "scheduled"       // users of a wave that has not begun
	KindOutOfScope     = "out-of-scope"    // users with a device, when the scope is without-device
	KindDirect         = "direct"          // users with the policy attached directly though attach is not user
	KindInline         = "inline"          // users who get the inline policy
	KindQuotas         = "quotas-unread"   // accounts whose quotas could not be read
)

// List returns the list of a kind; nil: there is none.
func (p *Plan) List(kind string) []Affected {
	var users []Affected
	for _, l := range p.Lists {
		if l.Kind == kind {
			users = append(users, l.Users...)
		}
	}
	return users
}

// Sentence is the list as a sentence with at most so many users; 0: with all.
func (l *List) Sentence(most int) string {
	shown := l.Users
	if most > 0 && len(shown) > most {
		shown = shown[:most]
	}
	names := make([]string, len(shown))
	for i, u := range shown {
		names[i] = u.String()
	}
	text := l.What + ": " + strings.Join(names, ", ")
	if more := len(l.Users) - len(shown); more > 0 {
		text += " and " + prose.Number(more) + " more"
	}
	return text
}

// Sentences are the notes, and the lists with at most so many users; 0: with all.
func (p *Plan) Sentences(most int) []string {
	all := append([]string{}, p.Notes...)
	for i := range p.Lists {
		all = append(all, p.Lists[i].Sentence(most))
	}
	return all
}
