package document

import "time"

// Options are what a document is made from: the options of the policy, and what the
// service control policies except.
type Options struct {
	Policy     Policy
	WindowTag  string      // tag key of the enrollment window
	WindowMark string      // tag key of users who used it
	Networks   []string    // CIDR blocks from which an access key may enroll; none: everywhere
	Exemptions []Exemption // in the service control policies
	Except     []string    // ARNs or globs of the roles that the guard SCP does not restrict
	Adopted    []string    // paths and names of adopted policies, which the guard SCP protects too
	AllGroups  bool        // the policy is on every group, so memberships of all groups are guarded
}

// An Exemption selects users by patterns: globs, or regular expressions after
// "regex:". Empty fields match all users, and all other fields must match.
type Exemption struct {
	Tag, Name, Path, ARN, Account, OU string

	Text    string // in errors
	Expired bool   // its tag is still protected, its users are not excepted
}

// Policy are the options of the ForceMFA document. The zero value is the
// default.
type Policy struct {
	SelfService             SelfService          `json:"self_service"`
	Enrollment              Enrollment           `json:"enrollment"`
	PasswordChangeBeforeMFA bool                 `json:"allow_password_change_before_mfa"`
	ConsoleAuthorization    ConsoleAuthorization `json:"console_authorization"`
	MaxSessionAge           time.Duration        `json:"max_session_age"` // whole seconds; zero: none
	FAS                     FAS                  `json:"fas"`
}

// SelfService is what the document grants.
type SelfService string

// The grants. Enroll is the default.
const (
	SelfServiceEnroll SelfService = "enroll" // to manage one's own MFA devices
	SelfServiceFull   SelfService = "full"   // and one's own access keys, certificates and SSH keys, with MFA
	SelfServiceNone   SelfService = "none"   // nothing: the Denies alone
)

// Enrollment is what may create and enable a first device.
type Enrollment string

// The ways to enroll. Console is the default.
const (
	EnrollmentConsole Enrollment = "console" // a console session, or a key while the user's enrollment window is open
	EnrollmentAny     Enrollment = "any"     // also a long-term access key, so the thief of a key can enroll a device
)

// ConsoleAuthorization says whether the sign-in actions are allowed before MFA, for
// accounts that use the console authorization of AWS Sign-In.
type ConsoleAuthorization string

// The choices. Auto is the default, and currently the same as Off.
const (
	ConsoleAuthorizationAuto ConsoleAuthorization = "auto"
	ConsoleAuthorizationOn   ConsoleAuthorization = "on"
	ConsoleAuthorizationOff  ConsoleAuthorization = "off"
)

// FAS is what happens to requests that an AWS service forwards for a user
// (forward access sessions).
type FAS string

// The choices. Allow is the default.
const (
	FASAllow FAS = "allow" // the Denies apply only to direct calls
	FASDeny  FAS = "deny"  // the Denies also apply to forwarded calls, which lose the MFA flag
)
