package attack

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
)

// A Subject is one IAM user with the credentials that can be stolen from it and the
// targets within its reach. [Inventory.Subject] makes one. It is read-only and shared
// by all attempts.
type Subject struct {
	User        audit.User
	Partition   string
	Enforcement Enforcement
	// MustResetPassword is set if the password has to be changed at the next
	// sign-in. It opens no session before that.
	MustResetPassword bool
	// WindowEnd is when the enrollment window of the user closes; zero: it has none.
	WindowEnd time.Time
	// EnrollsByKey is set if the configuration lets every user enroll a first device
	// with an access key.
	EnrollsByKey bool
	// SelfService is set if the enforced policies let a user without a device enroll
	// one: self-service is not none.
	SelfService bool
	// BreakGlass is set for an exempt user that is kept for emergencies.
	BreakGlass bool
	// Fork makes a scene that no other attempt sees.
	Fork func() (*Scene, error)

	targets targets
}

// Enforcement is what the MFA requirement depends on, whether it exists yet or not.
type Enforcement struct {
	PolicyARN    string
	Group        string
	InlinePolicy string
	ExemptTag    org.Tag // makes a user exempt
	WindowTag    org.Tag // opens the enrollment window of a user
	MarkTag      string  // key of the tag of users whose device a person has to confirm
	ExemptPath   string  // with ExemptName, makes a user exempt, or would in a common config
	ExemptName   string
	ExemptByName bool     // the config exempts users by path or name in this account
	GuardedRoles []string // ARNs of roles that only administrators of forcemfa may create
	Guarded      bool     // a guard SCP restricts users with MFA too
}

// A Scene is a private copy of the environment, with the stolen credentials and what
// the owner has.
type Scene struct {
	Config aws.Config // region, endpoint and transport; its credentials are not used
	Clock  Clock
	// Key is the stolen long-term access key; nil: the user has none.
	Key aws.CredentialsProvider
	// EarlierSession is a GetSessionToken session without MFA, started with the key
	// before MFA was enforced; nil: there is none.
	EarlierSession aws.CredentialsProvider
	// Password is the console password; empty: the user has none.
	Password string
	// SignIn signs in to the console with the right password. The code is from a
	// TOTP device, [SecurityKey], or empty. Where AWS would refuse, the error is
	// a smithy.APIError with the code AccessDenied.
	SignIn func(ctx context.Context, code string) (aws.CredentialsProvider, error)
	// Device is the owner's device that shows codes; nil: the owner has none.
	Device *Device
	// Plant makes an unassigned virtual device whose codes the attacker has, as an
	// accomplice in the account would.
	Plant func(ctx context.Context) (*Device, error)
}

// SecurityKey is passed to [Scene.SignIn] in place of a code by users with a security
// key or a passkey.
const SecurityKey = "security-key"

// A Clock is the clock of a scene.
type Clock struct {
	Now     func() time.Time
	Advance func(time.Duration)
}

// An attempt is one case in its scene.
type attempt struct {
	*Subject
	*Scene
	target string
}

// Exempt reports whether the user is exempt from enforcement.
func (s *Subject) Exempt() bool { return s.User.State == audit.Exempt }

func (s *Subject) hasKey() bool     { return s.User.ActiveKeys > 0 }
func (s *Subject) hasConsole() bool { return s.User.Console == org.Yes }
func (s *Subject) hasDevice() bool  { return len(s.User.Devices) > 0 || s.User.MFA == org.Yes }

// device is the serial number of the first device of one of the kinds, empty if the
// user has none.
func (s *Subject) device(kinds ...org.DeviceKind) string {
	for _, d := range s.User.Devices {
		for _, k := range kinds {
			if d.Kind == k {
				return d.Serial
			}
		}
	}
	return ""
}
