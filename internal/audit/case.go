package audit

import (
	"iter"

	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/prove/certificate"
)

// A Case is one user with what an independent check of its state needs.
type Case struct {
	User  User
	Claim certificate.Claim // what a proof has to prove; Actions lists all known actions
	Proof *policy.Proof     // nil unless the user is enforced
}

// Cases yields the users of an account in their order.
func (a *Auditor) Cases(account *org.Account) iter.Seq[Case] {
	return func(yield func(Case) bool) {
		at, around := baseline.PlaceOf(a.header, account), a.surroundings(account)
		for i := range account.Users {
			u := &account.Users[i]
			subject := a.subject(account, u, around)
			c := Case{User: a.user(account, at, u, around), Claim: claimOf(&subject)}
			c.Claim.Actions = catalogued()
			if c.User.State == Enforced {
				c.Proof = a.prover.User(subject).Proof
			}
			if !yield(c) {
				return
			}
		}
	}
}

// EnrollmentSet lists the actions that every user may call without MFA, sorted.
func (a *Auditor) EnrollmentSet() []string { return a.enrollment }
