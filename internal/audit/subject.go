package audit

import (
	"forcemfa/internal/org"
	"forcemfa/policy/prove"
)

// Subjects returns a function that gives the users of an account as input of package
// prove, for questions about one kind of credential.
func (a *Auditor) Subjects(account *org.Account) func(*org.User) prove.Subject {
	around := a.surroundings(account)
	return func(u *org.User) prove.Subject { return a.subject(account, u, around) }
}
