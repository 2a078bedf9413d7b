// Package baseline is the wanted state: the config file, its exemptions and
// the ForceMFA documents.
//
// A [Baseline] comes from [Parse] or [Default] and is read-only afterwards.
// What it wants of AWS is text: [Baseline.Document] is the policy that every
// user who is not exempt must have in force.
package baseline

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"forcemfa/policy/arn"
)

// The names of what this program makes in an account. Only the exact ARN is
// ours: a policy of the same name under another path is a look-alike.
const (
	Path             = "/forcemfa/"
	PolicyName       = "ForceMFA"
	GroupName        = "ForceMFA"
	InlinePolicyName = "ForceMFA" // of a user whose attachments and groups are full
)

// PolicyARN is the ARN of our managed policy in an account.
func PolicyARN(partition, account string) string {
	return arn.IAM(partition, account, "policy", Path, PolicyName)
}

// GroupARN is the ARN of our group in an account.
func GroupARN(partition, account string) string {
	return arn.IAM(partition, account, "group", Path, GroupName)
}

// A Baseline is what is wanted.
type Baseline struct {
	Name        string            `json:"-"` // of the config file; empty: the defaults, without a file
	Attach      Attach            `json:"attach"`
	Policy      Policy            `json:"policy"`
	Window      Window            `json:"window"`
	Exemptions  []Exemption       `json:"exemptions,omitempty"` // in the order of the file, break-glass users after them
	Acknowledge []Acknowledgement `json:"acknowledge,omitempty"`
}

// Attach is how the policy reaches a user.
type Attach string

// The ways to attach.
const (
	AttachGroup Attach = "group" // through one group of ours
	AttachUser  Attach = "user"  // directly
)

// Policy are the options of the ForceMFA document. The zero value is the
// default.
type Policy struct {
	SelfService             SelfService          `json:"self_service"`
	Enrolment               Enrolment            `json:"enrolment"`
	PasswordChangeBeforeMFA bool                 `json:"allow_password_change_before_mfa"`
	ConsoleAuthorization    ConsoleAuthorization `json:"console_authorization"`
	MaxSessionAge           time.Duration        `json:"max_session_age"` // whole seconds; zero: none
	FAS                     FAS                  `json:"fas"`
}

// SelfService is what the document grants.
type SelfService string

// The grants. Enrol is the default.
const (
	SelfServiceEnrol SelfService = "enrol" // to manage one's own MFA devices
	SelfServiceFull  SelfService = "full"  // and one's own access keys, certificates and SSH keys, with MFA
	SelfServiceNone  SelfService = "none"  // nothing: the Denies alone
)

// Enrolment is what may create and enable a first device.
type Enrolment string

// The ways to enrol. Console is the default.
const (
	EnrolmentConsole Enrolment = "console" // a console session, or a key while the user's window is open
	EnrolmentAny     Enrolment = "any"     // a long-lived key as well, so a stolen one can enrol the thief's phone
)

// ConsoleAuthorization is whether console sign-in itself is left open to a
// user without MFA, for accounts that use AWS Sign-In's console authorization.
type ConsoleAuthorization string

// The choices. Auto is the default and today the same as Off.
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
	FASAllow FAS = "allow" // the Denies look at direct calls only
	FASDeny  FAS = "deny"  // at forwarded ones as well, which lose the MFA flag
)

// defaultExemptTag is what is exempt without a config file.
const defaultExemptTag = "userType=Service"

// Default is the baseline without a config file: everybody through our group,
// except users with the tag userType=Service.
func Default() *Baseline {
	b := defaults()
	b.Exemptions = []Exemption{{
		Match:  Match{Tag: defaultExemptTag},
		Owner:  "nobody: the default without a config file",
		Reason: "service users, until a config file says which",
	}}
	return b
}

// defaults is what a config file changes: nobody is exempt.
func defaults() *Baseline {
	return &Baseline{
		Attach: AttachGroup,
		Policy: Policy{
			SelfService:          SelfServiceEnrol,
			Enrolment:            EnrolmentConsole,
			ConsoleAuthorization: ConsoleAuthorizationAuto,
			FAS:                  FASAllow,
		},
		Window: Window{Tag: "forcemfa-enrolment", Days: 7},
	}
}

// Hash identifies the baseline: its options, exemptions and acknowledgements,
// and the documents that they give. The name of the file and the layout of
// its text are left out.
func (b *Baseline) Hash() string {
	whole := struct {
		*Baseline
		Documents []string
	}{b, []string{b.Document("aws"), b.DenyDocument("aws")}}
	text, err := json.Marshal(whole)
	if err != nil {
		panic("baseline: " + err.Error()) // strings, numbers and dates always marshal
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Notes are the sentences that belong at the head of a plan: which defaults
// are in force and what is not decided.
func (b *Baseline) Notes() []string {
	var notes []string
	if b.Name == "" {
		notes = append(notes, "no config file: attach through the group "+GroupName+", every account and user, exempt the tag "+defaultExemptTag)
	}
	if b.Policy.ConsoleAuthorization == ConsoleAuthorizationAuto {
		notes = append(notes, "console_authorization is auto: "+strings.Join(signinActions, " and ")+
			" are not left open before MFA; set it to on where AWS Sign-In evaluates them")
	}
	if b.Policy.Enrolment == EnrolmentAny {
		notes = append(notes, "enrolment is any: a stolen access key of a user without a device can enrol the thief's phone")
	}
	return notes
}
