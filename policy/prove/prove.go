// Package prove answers whether any request without MFA can pass: a proof, or
// a counterexample.
//
// [User] and [Prover.User] decide all requests of a user, not a list of them.
// For each credential that can be without MFA ([policy.Credential.MFA] is the
// table) they partially evaluate the Denies with what is fixed for the user and
// the credential, drop those that cannot fire, and divide the requests that are
// left into cells that no pattern and no condition tells apart:
//
//   - actions by the Denies that they meet and the resources that they have. A
//     Deny on every resource without open conditions settles its actions at
//     once, so that only what it leaves out is looked at;
//   - resources by the patterns that match them, found part by part with an
//     automaton that follows all patterns at once and gives a shortest ARN of
//     each cell, within the ARN templates of the action;
//   - other condition keys by the values that the conditions tell apart:
//     literals and globs (the same automaton), numbers and dates on both sides of
//     and between thresholds, networks, true and false, absence where the key
//     can be absent, sets of values for keys that have several. Keys that depend
//     on each other stay together: the two clocks, aws:SourceIp and the keys of
//     VPC endpoints, aws:RequestedRegion and aws:ResourceAccount and the ARN.
//
// A user is Enforced when a Deny that applies for certain covers every cell
// outside of the enrollment set. Where AWS does not document which of two readings
// holds, a Deny counts only if it applies in both, and a counterexample only if none
// does. Every cell that is left is put to the evaluator as a request: it is the
// counterexample, or the answer is Unknown and says why; so it is when the evaluator
// disagrees with the search, and when there are more than 100 000 combinations.
//
// Outcome is about the [Catalogue], Strict about every action that AWS could
// ever have; a proof in the strict universe is one in both. Answer.Today asks
// besides what Allows and Denies let pass as they are. Answer.Proof is data
// that package certificate checks by other means.
//
// What an answer rests on: that the evaluator of package policy is right; that
// all policies of the user were read; for Outcome, that the catalogue's ARN
// templates are complete. A request with several resources is taken as one for
// each. A condition key may be on any request, whatever the catalogue says of
// the action, so that a counterexample may carry a key that its action never has; and a
// user name may hold any character. Resource control policies bind resources of
// the user's own account. The policies of resources are not read: no Deny of
// theirs counts, and Answer.Today says so where an Allow of theirs would matter.
// Answer.Assumptions lists the rest.
//
// [Weakens] compares two documents, [Prover.Reach] follows sts:AssumeRole from
// role to role, and [Prover.SwitchOff] tells who can take an enforcement away.
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
	// Enrollment is the enrollment set: the actions that the user may do
	// without MFA, so as to get MFA. Those that act on a user are in it for
	// the subject's own user alone. What no policy can control
	// (sts:GetSessionToken, sts:GetCallerIdentity) needs no mention.
	Enrollment []string
	// EnrollmentByKey: a long-lived key may enable the first device. Otherwise
	// iam:EnableMFADevice is outside of the enrollment set for such a key: a
	// stolen one would enroll the thief's phone.
	EnrollmentByKey bool
	// Credentials are the kinds that the user has today. A counterexample is looked
	// for among them first; the outcome does not depend on them.
	Credentials []policy.Credential
	// Roles are roles that the subject may try to assume, with their trust
	// policies: whether sts:AssumeRole is allowed today depends on them.
	Roles []Role

	tagsUnknown bool // for a subject that stands for all: its tags can be anything
}

// A Role is a role with its trust policy.
type Role struct {
	ARN   string
	Trust policy.Source
	// Set and Context are those of its sessions, for [Prover.Reach] and
	// [Prover.SwitchOff]. Without a Set nothing is known of what they may do.
	Set     *policy.Set
	Context *policy.Context
}

// An Outcome is what is known about the requests of a subject without MFA.
type Outcome uint8

// The outcomes. The zero value is Unknown.
const (
	Unknown  Outcome = iota
	Enforced         // the Denies in force refuse every request outside the enrollment set
	Open             // Answer.Counterexample is a request that they do not refuse
)

// An Answer is what [User] found.
type Answer struct {
	Outcome Outcome
	// Counterexample is nil unless Outcome is Open.
	Counterexample *Counterexample
	// Latent: nothing refuses the counterexample, but nothing that was read allows it
	// today.
	Latent bool
	// Why says what could not be decided; empty unless Outcome is Unknown.
	Why string
	// Assumptions is what the answer rests on besides the documents.
	Assumptions []string

	// Strict is the outcome in the universe [Strict]: Outcome is the one in the
	// [Catalogue]. Beyond is its counterexample when it is Open.
	Strict Outcome
	Beyond *Counterexample
	// Today is the other question: what do Allows and Denies together let
	// pass?
	Today Today
	// Proof is why the outcome is Enforced, for package certificate to check;
	// nil otherwise.
	Proof *policy.Proof
}

// Today says whether anything outside of the enrollment set is allowed without
// MFA by the documents as they are. Enforced: nothing is, because a Deny
// refuses it or because no Allow gives it.
type Today struct {
	Outcome     Outcome // the counterexample of Open is Answer.Counterexample
	Why         string  // empty unless Outcome is Unknown
	Assumptions []string
}

// User answers for one subject. For many of them, a [Prover] is faster.
func User(s Subject) Answer { return new(Prover).User(s) }
