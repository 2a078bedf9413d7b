// Package policy implements IAM's policy language: parse, print, decide,
// explain.
//
// [Parse] parses a [Document] once; it then decides any number of requests. A
// [Set] contains all documents that decide the requests of one principal;
// [Set.Decide] answers one [Request] with a [Decision] that names the deciding
// statement. Where AWS does not document the behavior, or a document could not
// be read, the answer is [Unknown], never a guess.
//
// The exported names are the terms of the language (policies, credentials,
// requests, decisions, proofs), which audit, prover, linter and emulator share.
package policy

import "strconv"

// Kind says what a document is attached as.
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

// Effect is the effect of a statement that applies.
type Effect uint8

// The two effects.
const (
	Allow Effect = iota + 1
	Deny
)

// Verdict is the outcome of a decision.
type Verdict uint8

// The verdicts. The zero value is Unknown, so that nothing is allowed or denied
// by mistake.
const (
	Unknown        Verdict = iota // undocumented behavior, or an unreadable document; see Decision.Why
	Allowed                       // every layer allows
	ImplicitDenied                // no layer denies, but a layer that must allow does not
	ExplicitDenied                // a Deny statement applies
)

// A Source is a document with its origin.
type Source struct {
	Name     string    // to find it: "policy arn:…", "inline policy x of group y"
	Document *Document // nil when it could not be read
	Err      error     // why Document is nil
}

// StatementName names a statement by its Sid, else by its number from 1:
// "policy arn:…, statement DenyWithoutMFA".
func (s *Source) StatementName(index int) string {
	name := s.Name + ", statement "
	if s.Document != nil && index < len(s.Document.Statements) {
		if sid := s.Document.Statements[index].SID; sid != "" {
			return name + sid
		}
	}
	return name + strconv.Itoa(index+1)
}

// A Set contains every document that decides the requests of one principal,
// except the resource's own policy, which is part of the request.
type Set struct {
	Identity []Source   // user's and groups' inline and managed, or the role's
	Boundary *Source    // nil: the principal has none
	Session  []Source   // nil: the session has no session policy
	SCPs     [][]Source // one list for each level, root first, account last; nil: no SCP applies (management account, no organization)
	RCPs     [][]Source // of the resource's account, likewise
}

// A Decision is the answer to a request.
type Decision struct {
	Verdict Verdict
	// Source and Statement (its index in the document) name the deciding
	// statement: the Deny that applies, or the Allow that lets the request pass.
	// Source is nil for an implicit denial.
	Source    *Source
	Statement int
	// Layer is the layer that did not allow (ImplicitDenied), denied, or granted
	// (Allowed): Identity, Boundary, Session, SCP, RCP, Resource or Trust.
	Layer Kind
	// Why is the reason for Unknown; empty otherwise.
	Why string
}
