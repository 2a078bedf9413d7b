// Package baseline holds the desired state: the config file with its exemptions.
// The documents are made by package document.
//
// A [Baseline] comes from [Parse] or [Default] and is read-only afterwards.
// [Baseline.Document] is the policy that must be in force for every user without
// an exemption.
//
// The sections of the config file are exported types because the planner, the Lambda
// and the templates read them.
package baseline

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"forcemfa/internal/baseline/document"
	"forcemfa/policy/arn"
)

// The names of the policy and group in an account. forcemfa manages only the exact
// ARN, and policies that it adopted: another policy of the same name under another
// path is a name collision.
const (
	Path             = "/forcemfa/"
	PolicyName       = "ForceMFA"
	GroupName        = "ForceMFA"
	InlinePolicyName = "ForceMFA" // of a user whose attachments and groups are full
)

// PolicyARN is the ARN of the ForceMFA policy that forcemfa creates in an account. The
// policy that an account has is [Baseline.PolicyOf].
func PolicyARN(partition, account string) string {
	return arn.IAM(partition, account, "policy", Path, PolicyName)
}

// GroupARN is the ARN of the ForceMFA group in an account.
func GroupARN(partition, account string) string {
	return arn.IAM(partition, account, "group", Path, GroupName)
}

// A Baseline is the desired state of an organization.
type Baseline struct {
	Name        string            `json:"-"` // of the config file; empty: the defaults, without a file
	Attach      Attach            `json:"attach"`
	Scope       Scope             `json:"scope"`
	Adopt       []string          `json:"adopt,omitempty"` // paths and names of policies that take the place of the forcemfa policy where an account has them
	Policy      document.Policy   `json:"policy"`
	Window      Window            `json:"window"`
	Waves       []Wave            `json:"waves,omitempty"`
	SCP         SCP               `json:"scp"`
	Guard       GuardSCP          `json:"guard_scp"`
	Trust       Trust             `json:"trust"`
	Access      *Access           `json:"access,omitempty"`     // nil: not managed
	Athena      Athena            `json:"-"`                    // not part of the hash, because it enforces nothing
	Notify      Notify            `json:"-"`                    // where notifications go; not part of the hash
	Exemptions  []Exemption       `json:"exemptions,omitempty"` // in the order of the file, break-glass users after them
	Acknowledge []Acknowledgement `json:"acknowledge,omitempty"`
	Observed    []Observation     `json:"observed,omitempty"`
	Environment []string          `json:"-"` // names of the environment variables that changed it
}

// Scope selects the users who must have the policy.
type Scope string

// The scopes. All is the default.
const (
	ScopeAll           Scope = "all"
	ScopeWithoutDevice Scope = "without-device" // only users without an MFA device; the access keys of the others are not enforced
)

// Trust is what role trust policies must require of accounts and users. The zero
// value requires nothing.
type Trust struct {
	MFA    bool          `json:"mfa"`
	MaxAge time.Duration `json:"max_age"` // after the MFA code, in whole seconds; zero: no limit
}

// Athena is what is known about queries of CloudTrail logs.
type Athena struct{ PricePerTB float64 } // USD

// SCP is where the service control policy of [AttachSCP] goes.
type SCP struct {
	Targets []string `json:"targets,omitempty"` // IDs of roots, units and accounts; none: the root
}

// A GuardSCP denies changes to the policy, the group and the tags of forcemfa to
// everybody except a few roles. The zero value is no guard SCP.
type GuardSCP struct {
	Targets []string `json:"targets,omitempty"`
	Except  []string `json:"except,omitempty"` // ARNs of roles, or globs
}

// Attach is how the policy reaches a user.
type Attach string

// The ways to attach.
const (
	AttachGroup  Attach = "group"  // through one group managed by forcemfa
	AttachGroups Attach = "groups" // to every existing group
	AttachUser   Attach = "user"   // directly
	AttachSCP    Attach = "scp"    // by a service control policy; in the management account through the group
)

// defaultExemptTag is what is exempt without a config file.
const defaultExemptTag = "userType=Service"

// Default is the baseline without a config file: every user through the group,
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
		Scope:  ScopeAll,
		Policy: document.Policy{
			SelfService:          document.SelfServiceEnroll,
			Enrollment:           document.EnrollmentConsole,
			ConsoleAuthorization: document.ConsoleAuthorizationAuto,
			FAS:                  document.FASAllow,
		},
		Window: Window{Tag: "forcemfa-enrollment", Days: 2},
		Athena: Athena{PricePerTB: 5},
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

// withoutFile describes the defaults without a config file.
func (b *Baseline) withoutFile() string {
	reach := map[Attach]string{
		AttachGroup: "attach through the group " + GroupName, AttachGroups: "attach to every group",
		AttachUser: "attach to each user", AttachSCP: "attach a service control policy",
	}[b.Attach]
	said := "no config file: " + reach + ", every account and user"
	for _, e := range b.Exemptions {
		said += ", exempt the " + e.Match.String()
	}
	return said
}

// Notes are the notes of a plan about the baseline: defaults in force and open
// choices.
func (b *Baseline) Notes() []string {
	var notes []string
	if b.Name == "" {
		notes = append(notes, b.withoutFile())
	}
	if len(b.Environment) > 0 {
		notes = append(notes, "from the environment: "+strings.Join(b.Environment, ", "))
	}
	if b.Scope == ScopeWithoutDevice {
		notes = append(notes, "scope is without-device: MFA is not enforced for the access keys of users with a device")
	}
	if b.Policy.ConsoleAuthorization == document.ConsoleAuthorizationAuto {
		notes = append(notes, "console_authorization is auto: "+strings.Join(document.SigninActions(), " and ")+
			" are denied before MFA; set it to on if AWS Sign-In evaluates them in your organization")
	}
	if b.Policy.ConsoleAuthorization == document.ConsoleAuthorizationOn {
		notes = append(notes, "console_authorization is on: sessions without MFA can call "+strings.Join(document.SigninActions(), " and ")+
			"; access keys are denied CreateOAuth2Token")
	}
	if b.Policy.Enrollment == document.EnrollmentAny {
		notes = append(notes, "enrollment is any: with the stolen access key of a user without a device, a thief can enroll a device")
	}
	return notes
}
