package world

import (
	"iter"
	"time"
)

// A DelegationRequest is the request of a partner for temporary access to an account. It
// is not changed: a new one replaces it. No snapshot has it.
type DelegationRequest struct {
	ID, Requestor       string // account of the partner
	WorkflowID          string // unique for the partner
	Description         string
	Message             string
	Template            string // ARN of the policy that Document was made from
	Parameters          []PolicyParameter
	Document            string // permission policy
	RedirectURL         string
	Channel             string
	Duration            time.Duration
	OnlySendByOwner     bool
	Owner, OwnerAccount string // ARN of the identity, and its account; empty: none yet
	Approver            Approver
	State               string // as of Updated; see StateAt
	Notes, Rejection    string
	Created, Updated    time.Time
	// Token is exchanged for credentials; empty: it was not sent yet.
	Token string
	Sent  time.Time
}

// A PolicyParameter replaces @{Name} in a template.
type PolicyParameter struct {
	Name, Type string
	Values     []string
}

// An Approver is the identity whose permissions are delegated.
type Approver struct {
	ARN, User, Role, Session string // lower-case names; without User and Role: the root user
}

// States of a delegation request.
const (
	DelegationUnassigned = "UNASSIGNED"
	DelegationAssigned   = "ASSIGNED"
	DelegationPending    = "PENDING_APPROVAL"
	DelegationAccepted   = "ACCEPTED"
	DelegationFinalized  = "FINALIZED"
	DelegationRejected   = "REJECTED"
	DelegationExpired    = "EXPIRED"
)

// Expires returns when the request expires unless its state changes.
// Source: IAM User Guide, "Building your integration", expiration path.
func (d *DelegationRequest) Expires() time.Time {
	if d.State == DelegationUnassigned {
		return d.Updated.Add(24 * time.Hour)
	}
	return d.Updated.Add(7 * 24 * time.Hour)
}

// StateAt returns the state at a time.
func (d *DelegationRequest) StateAt(now time.Time) string {
	if !now.Before(d.Expires()) {
		return DelegationExpired
	}
	return d.State
}

// Delegation returns a delegation request, read-only; nil if there is none with this ID.
func (w *World) Delegation(id string) *DelegationRequest {
	d, _ := w.delegations.get(id)
	return d
}

// Delegations returns all delegation requests by their ID, read-only.
func (w *World) Delegations() iter.Seq2[string, *DelegationRequest] { return w.delegations.all }

// SetDelegation adds a delegation request, or replaces the one with its ID. It must not be
// changed afterwards.
func (w *World) SetDelegation(d *DelegationRequest) { w.delegations.set(d.ID, d) }
