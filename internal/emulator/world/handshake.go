package world

import (
	"time"

	"forcemfa/internal/org"
)

// A Handshake is a request of the organization that an account must answer. It is not
// changed: a new state replaces it. No snapshot has it.
type Handshake struct {
	ID, Action string // INVITE, ENABLE_ALL_FEATURES, APPROVE_ALL_FEATURES, TRANSFER_RESPONSIBILITY
	State      string // as of Changed; see StateAt
	Parent     string // ID of the handshake that this one is a part of; empty: none
	// Party and PartyKind are the recipient: an account ID (ACCOUNT) or an email address
	// (EMAIL); empty: the organization itself.
	Party, PartyKind string
	Notes            string
	Transfer         string    // ID of the transfer that it proposes; empty: none
	Tags             []org.Tag // of the account, once it has joined
	Requested        time.Time
	Expires          time.Time
	Changed          time.Time
}

// States of a handshake.
const (
	HandshakeRequested = "REQUESTED"
	HandshakeOpen      = "OPEN"
	HandshakeExpired   = "EXPIRED"
)

// shownFor is how long a handshake is shown after it has ended.
// Source: Organizations API Reference, AcceptHandshake.
const shownFor = 30 * 24 * time.Hour

// StateAt returns the state at a time: a handshake that nobody answers expires.
func (h *Handshake) StateAt(now time.Time) string {
	if h.Pending() && !now.Before(h.Expires) {
		return HandshakeExpired
	}
	return h.State
}

// Pending reports whether the handshake was neither answered nor canceled.
func (h *Handshake) Pending() bool {
	return h.State == HandshakeRequested || h.State == HandshakeOpen
}

// Shown reports whether AWS still shows the handshake.
func (h *Handshake) Shown(now time.Time) bool {
	ended := h.Changed
	if h.Pending() {
		ended = h.Expires
	}
	return now.Before(ended.Add(shownFor))
}

// A Transfer is the arrangement by which the organization pays the bills of another one.
// It has the status of its handshake until it is withdrawn. No snapshot has it.
type Transfer struct {
	ID, Name            string
	Handshake           string // ID
	Source, SourceEmail string // account whose bills are paid; empty: not known
	Start, End          time.Time
	Withdrawn           bool
}

// A ResourcePolicy is the policy by which the management account delegates operations of
// Organizations to members. It is not changed.
type ResourcePolicy struct{ ID, Document string }

// An AccountCreation is a request to create an account. No snapshot has it.
type AccountCreation struct {
	ID, Name  string
	Account   string // empty: it failed
	GovCloud  string // ID of the account in AWS GovCloud (US); empty: none
	Failure   string
	Requested time.Time
}

// FindHandshake returns a handshake, read-only; nil: there is none with this ID.
func (o *Organization) FindHandshake(id string) *Handshake {
	for i := range o.Handshakes {
		if o.Handshakes[i].ID == id {
			return &o.Handshakes[i]
		}
	}
	return nil
}

// FindTransfer returns a transfer, read-only; nil: there is none with this ID.
func (o *Organization) FindTransfer(id string) *Transfer {
	for i := range o.Transfers {
		if o.Transfers[i].ID == id {
			return &o.Transfers[i]
		}
	}
	return nil
}

// SetOrganization replaces the organization; nil: the accounts are in none.
func (w *World) SetOrganization(o *Organization) {
	w.Organization, w.borrowed = o, false
}
