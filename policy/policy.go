// Package policy is IAM's policy language: parse, print, decide, explain.
//
// A [Document] is parsed once by [Parse] and then decides any number of
// requests. A [Set] is all documents that decide the requests of one
// principal; [Set.Decide] answers for one [Request] with a [Decision] that
// names the statement that decided. Where AWS does not document what happens,
// or a document could not be read, the answer is [Unknown] and never a guess.
package policy

// Kind is the role a document plays in a decision.
type Kind uint8

// The kinds of policy documents.
const (
	Identity Kind = iota + 1 // managed or inline policy of a user, group or role
	Boundary                 // permissions boundary
	Session                  // session policy of AssumeRole or GetFederationToken
	SCP                      // service control policy
	RCP                      // resource control policy
	Resource                 // resource-based policy
	Trust                    // role trust policy
)

// Effect is what a statement does when it applies.
type Effect uint8

// The two effects.
const (
	Allow Effect = iota + 1
	Deny
)

// Verdict is the outcome of a decision.
type Verdict uint8

// The outcomes. The zero value is Unknown, so that nothing is allowed or
// denied by omission.
const (
	Unknown        Verdict = iota // AWS does not document it, or something could not be read: Decision.Why says which
	Allowed                       // every layer says yes
	ImplicitDenied                // no layer denies, but one that must allow does not
	ExplicitDenied                // a Deny statement applies
)

// A Source is a document and where it was found.
type Source struct {
	Name     string    // as a person would look for it: "policy arn:…", "inline policy x of group y"
	Document *Document // nil when it could not be read
	Err      error     // why Document is nil
}

// A Set is every document that decides the requests of one principal, apart
// from the resource's own policy, which comes with the request.
type Set struct {
	Identity []Source   // user's and groups' inline and managed, or the role's
	Boundary *Source    // nil: the principal has none
	Session  []Source   // nil: the session was made without a session policy
	SCPs     [][]Source // one list a level, root first, account last; nil: no SCP applies (management account, no organization)
	RCPs     [][]Source // of the resource's account, likewise
}

// A Decision is the answer to a request.
type Decision struct {
	Verdict Verdict
	// Source and Statement (its index in the document) name what decided: the
	// Deny that applies, or the Allow that lets the request through. Source is
	// nil for an implicit denial.
	Source    *Source
	Statement int
	// Layer is what did not allow (ImplicitDenied), denied or, for Allowed,
	// granted: Identity, Boundary, Session, SCP, RCP, Resource or Trust.
	Layer Kind
	// Why says what is unknown; empty unless Verdict is Unknown.
	Why string
}
