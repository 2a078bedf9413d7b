// Package prove answers whether any request without MFA can succeed: with a proof,
// or with a counterexample.
//
// [User] and [Prover.User] decide all requests of a user, not a list of them.
// For each credential that can be without MFA ([policy.Credential.MFA] is the
// table) they partially evaluate the Denies with everything that is fixed for the
// user and the credential, drop those that cannot apply, and divide the remaining
// requests into cells that no pattern and no condition distinguishes:
//
//   - actions by the Denies that match them and by their resources. A Deny on
//     every resource without open conditions decides its actions at once, so that
//     only its exceptions remain;
//   - resources by the patterns that match them, found part by part with an
//     automaton that follows all patterns at once and returns a shortest ARN of
//     each cell, within the ARN templates of the action;
//   - other condition keys by the values that the conditions distinguish:
//     literals and globs (the same automaton), numbers and dates on both sides of
//     and between thresholds, networks, true and false, a missing key where the
//     key can be missing, sets of values for keys that are lists. Keys that depend
//     on each other stay together: the two clocks, aws:SourceIp and the keys of
//     VPC endpoints, aws:RequestedRegion and aws:ResourceAccount and the ARN.
//
// A user is Enforced when Denies that certainly apply cover every cell outside of
// the enrollment set. Where AWS does not document which of two interpretations
// holds, a Deny counts only if it applies in both, and a counterexample only if no
// Deny applies in either, unless Subject.Observed has the answer. The evaluator decides a request of every remaining cell:
// it is the counterexample, or the answer is Unknown with the reason. The answer is
// also Unknown when the evaluator disagrees with the search, and when there are
// more than 100,000 combinations.
//
// Outcome is about the [Catalog], Strict about every action that AWS could
// ever have; a proof in the strict universe holds in both. Answer.Today says what
// Allows and Denies let pass as they are. Answer.Proof is the proof certificate,
// data that package certificate checks by other means.
//
// An answer relies on these assumptions: the evaluator of package policy is right;
// all policies of the user were read; for Outcome, the catalog's ARN templates are
// complete. An action of IAM, of the catalog or not, has resources of IAM in the
// user's account. A request with several resources counts as one request for each. Any
// request may have any condition key, whatever the catalog says about its action,
// so a counterexample may have a key that its action never has. A user name may
// contain any character. Resource control policies apply to resources of the
// user's own account. Resource-based policies are not read: none of their Denies
// counts, and Answer.Today says where one of their Allows would matter.
// Answer.Assumptions lists the rest.
//
// [Weakens] compares two documents, [Prover.Reach] follows sts:AssumeRole from
// role to role, and [Prover.SwitchOff] finds who can disable an enforcement.
//
// The exported names are the questions and the parts of their answers, which
// audit, plan and lint report field by field.
package prove

import (
	"forcemfa/policy"
)

// A Subject is one IAM user with everything that decides the user's requests.
type Subject struct {
	Principal policy.Principal
	Set       *policy.Set
	// Context holds the fixed keys of the principal: aws:username, aws:userid,
	// aws:PrincipalArn, aws:PrincipalTag/…, aws:PrincipalOrgID…
	Context *policy.Context
	// HasDevice means that AWS itself refuses to add or remove a device without
	// MFA.
	HasDevice bool
	// ForwardedCallsPass is set when the baseline has fas: allow, so that a call
	// forwarded by a service needs no Deny.
	ForwardedCallsPass bool
	// Enrollment is the enrollment set: the actions that the user may call
	// without MFA in order to get MFA. Actions on users belong to it only for
	// the subject's own user. Actions that no policy controls
	// (sts:GetSessionToken, sts:GetCallerIdentity) need not be listed.
	Enrollment []string
	// EnrollmentByKey means that a long-lived key may enable the first device.
	// Otherwise iam:EnableMFADevice is not in the enrollment set for such a key,
	// because a stolen key could enroll the thief's phone.
	EnrollmentByKey bool
	// Credentials lists the kinds that the user has today. The search tries them
	// first for a counterexample; the outcome does not depend on them.
	Credentials []policy.Credential
	// Known holds names of resources that exist, for examples, by the variable of
	// the catalog's ARN templates: BucketName, GroupNameWithPath,
	// PolicyNameWithPath, RoleNameWithPath; OtherUserName is another user of the
	// account with its path. Without a name, an example has a made-up one.
	Known map[string]string
	// Roles lists roles that the subject may try to assume, with their trust
	// policies, which decide whether sts:AssumeRole is allowed today.
	Roles []Role
	// Observed are answers to what AWS's documentation leaves open. They are used only
	// where the answer is Unknown without them: Answer.Observed says which.
	Observed policy.Observed

	owner       string // the account whose resources Set.RCPs bind; empty: the principal's own
	tagsUnknown bool   // for a subject that represents all users: its tags are unknown
	// For a session of a role: whoever assumes it may choose its tags, or its source identity.
	sessionTags, sourceIdentity bool
	sessionName                 sessionName
}

// A sessionName says what policies can see of the name of a role session in aws:userid.
// Source: IAM User Guide, "AWS global condition context keys", aws:userid: role-id:role-session-name.
type sessionName struct {
	after   string // what aws:userid begins with; empty if no policy of the session compares the key
	limited bool   // the trust policy of the role compares sts:RoleSessionName, or was not read
}

// A Role is a role with its trust policy.
type Role struct {
	ARN   string
	Trust policy.Source
	// RCPs are the resource control policies of the role's account, for a role of another
	// account than the subject's; otherwise those of the subject's Set apply.
	RCPs [][]policy.Source
	// Set and Context are those of the role's sessions, for [Prover.Reach] and
	// [Prover.SwitchOff]. Without a Set the permissions of the sessions are
	// unknown.
	Set     *policy.Set
	Context *policy.Context
}

// An Outcome says what is known about a subject's requests without MFA.
type Outcome uint8

// The outcomes. The zero value is Unknown.
const (
	Unknown  Outcome = iota
	Enforced         // the Denies in force refuse every request outside the enrollment set
	Open             // Answer.Counterexample is a request that they do not refuse
)

// An Answer is the result of [User].
type Answer struct {
	Outcome Outcome
	// Counterexample is nil unless Outcome is Open.
	Counterexample *Counterexample
	// Latent means that nothing refuses the counterexample, but nothing that was
	// read allows it today.
	Latent bool
	// Obstacle says what refuses a latent counterexample today, as in "no policy
	// allows s3:GetObject"; empty otherwise.
	Obstacle string
	// Why is the reason for Unknown; empty otherwise.
	Why string
	// Assumptions lists what the answer relies on in addition to the documents.
	Assumptions []string
	// Observed are those of Subject.Observed that the answer relies on, too.
	Observed policy.Observed

	// Strict is the outcome for the universe [Strict]; Outcome is for
	// [Catalog]. Beyond is the counterexample when Strict is Open.
	Strict Outcome
	Beyond *Counterexample
	// Today answers a different question: what do Allows and Denies together let
	// pass?
	Today Today
	// Proof is the proof certificate for package certificate to check when
	// Outcome is Enforced; nil otherwise.
	Proof *policy.Proof
}

// Today says whether the documents as they are allow anything without MFA
// outside of the enrollment set. Enforced means that they don't, because a Deny
// refuses it or because no Allow grants it.
type Today struct {
	Outcome     Outcome // the counterexample of Open is Answer.Counterexample
	Why         string  // empty unless Outcome is Unknown
	Assumptions []string
}

// User answers for one subject. A [Prover] is faster for many.
func User(s Subject) Answer { return new(Prover).User(s) }
