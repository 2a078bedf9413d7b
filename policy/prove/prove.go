// Package prove answers whether any request without MFA can pass: a proof, or
// a witness.
//
// [User] and [Prover.User] decide a list of requests, the probes. The list is
// this, and an answer is as good as it:
//
//   - the actions of a fixed table (every dangerous one of IAM and STS, telling
//     ones of some seventy other services), each on every kind of resource that
//     the catalogue gives it, on the user itself and on somebody else;
//   - for every service that a Deny names: its actions by what the Denies make
//     of them, one for each combination, on every kind of resource, on every
//     resource that a Deny names and on one that none names; and an action and
//     a service that AWS has yet to invent;
//   - every action that an Allow names, on every resource that it names;
//   - each of them with every credential that can be without MFA, and with
//     every combination of the values that a Deny asks for in keys that the
//     sender may choose: one that is named, one that is not, and none.
//
// When there are more combinations than are tried, the answer is Unknown
// unless one of those tried is a witness.
package prove

import (
	"forcemfa/policy"
)

// A Subject is one IAM user with everything that decides its requests.
type Subject struct {
	Principal policy.Principal
	Set       *policy.Set
	// Context holds the keys that are fixed for the principal: aws:username,
	// aws:userid, aws:PrincipalArn, aws:PrincipalTag/…, aws:PrincipalOrgID…
	Context *policy.Context
	// HasDevice: AWS itself refuses to add or remove a device without MFA
	// once the user has one.
	HasDevice bool
	// ForwardedCallsPass is set when the baseline says fas: allow, so that a
	// call forwarded by a service needs no Deny of its own.
	ForwardedCallsPass bool
	// Enrolment is the enrolment set: the actions that the user may do
	// without MFA, so as to get MFA. Those that act on a user are in it for
	// the subject's own user alone. What no policy can control
	// (sts:GetSessionToken, sts:GetCallerIdentity) needs no mention.
	Enrolment []string
	// EnrolmentByKey: a long-lived key may enable the first device. Otherwise
	// iam:EnableMFADevice is outside of the enrolment set for such a key: a
	// stolen one would enrol the thief's phone.
	EnrolmentByKey bool
	// Credentials are the kinds that the user has today. A witness is looked
	// for among them first; the outcome does not depend on them.
	Credentials []policy.Credential
	// Roles are roles that the subject may try to assume, with their trust
	// policies: whether sts:AssumeRole is allowed today depends on them.
	Roles []Role
}

// A Role is a role with its trust policy.
type Role struct {
	ARN   string
	Trust policy.Source
}

// An Outcome is what is known about the requests of a subject without MFA.
type Outcome uint8

// The outcomes. The zero value is Unknown.
const (
	Unknown  Outcome = iota
	Enforced         // the Denies in force refuse every request outside the enrolment set
	Open             // Answer.Witness is a request that they do not refuse
)

// An Answer is what [User] found.
type Answer struct {
	Outcome Outcome
	// Witness is nil unless Outcome is Open.
	Witness *Witness
	// Latent: nothing refuses the witness, but nothing that was read allows it
	// today.
	Latent bool
	// Why says what could not be decided; empty unless Outcome is Unknown.
	Why string
	// Assumptions is what the answer rests on besides the documents.
	Assumptions []string
}

// User answers for one subject. For many of them, a [Prover] is faster.
func User(s Subject) Answer { return new(Prover).User(s) }
