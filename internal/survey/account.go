package survey

import (
	"context"

	"forcemfa/internal/audit"
	"forcemfa/internal/collect"
	"forcemfa/internal/fleet"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/planner"
)

// An Account is one account, read and audited.
type Account struct {
	*org.Account
	Header  *org.Header
	Audited *audit.Audited
	Input   *planner.Input // what plans of the account are made from

	fleet   *fleet.Fleet
	auditor *audit.Auditor
}

// NewAccount audits an account that was read.
func NewAccount(o Options, header *org.Header, read *org.Account) *Account {
	auditor := audit.New(header, o.Baseline, o.Now)
	auditor.CheckProofs = o.CheckProofs
	return &Account{
		Account: read, Header: header, Audited: auditor.Audit(read), fleet: o.Fleet, auditor: auditor,
		Input: &planner.Input{Header: header, Baseline: o.Baseline, Now: o.Now, Partial: o.Partial},
	}
}

// Audit audits the account again after a change of the data.
func (a *Account) Audit() { a.Audited = a.auditor.Audit(a.Account) }

// NeedDetail names the users that a step would change and whose details decide whether
// that is safe.
func (a *Account) NeedDetail() []string { return planner.NeedsDetail(a.Input, a.Audited) }

// ReadDetail reads the current devices, password and keys of users, and audits the
// account again. The credential report, which it replaces, can be hours old.
func (a *Account) ReadDetail(ctx context.Context, users []string) error {
	if len(users) == 0 {
		return nil
	}
	if err := collect.Detail(ctx, a.fleet, a.Account, users); err != nil {
		return err
	}
	a.Audit()
	return nil
}

// Plan is the steps for this account alone.
func (a *Account) Plan() []plan.Step { return planner.ForAccount(a.Input, a.Audited) }
