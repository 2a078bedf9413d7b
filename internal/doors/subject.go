package doors

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
)

// A Subject is one IAM user: who it is, what can be stolen from it and what a
// thief would aim at. It is shared by all attempts and read-only.
type Subject struct {
	User      audit.User
	Partition string
	Aims      Aims
	// Resets is set when the password must be changed at the next sign-in,
	// before which it opens no session.
	Resets bool
	// Window is until when the user may enrol a first device by access key;
	// zero: not at all.
	Window time.Time
	// EnrolsByKey is set when the configuration lets every user do so.
	EnrolsByKey bool
	// EnrolsAlone is set when the enforced policies let a user without device
	// enrol one: self-service is not none.
	EnrolsAlone bool
	// BreakGlass is set for an exempt user that is kept for emergencies.
	BreakGlass bool
	// Fork makes a scene that nobody else sees.
	Fork func() (*Scene, error)
}

// A Scene is a world of its own with what the thief stole and the owner has.
type Scene struct {
	Config aws.Config // region, endpoint and transport; its credentials are not used
	Clock  Clock
	// Key is the long-term access key that was stolen; nil: there is none.
	Key aws.CredentialsProvider
	// Former is a GetSessionToken session without MFA, taken with the key
	// before anything was enforced; nil: none was.
	Former aws.CredentialsProvider
	// Password is the console password; empty: there is none.
	Password string
	// SignIn is the console's sign-in with the right password. The code is of a
	// TOTP device, [SecurityKey], or empty. Where AWS would refuse, the error is
	// a smithy.APIError that says AccessDenied.
	SignIn func(ctx context.Context, code string) (aws.CredentialsProvider, error)
	// Device is the owner's device that gives codes; nil: none does.
	Device *Device
	// Plant makes a virtual device that belongs to nobody and whose codes the
	// thief has, as an accomplice in the account would.
	Plant func(ctx context.Context) (*Device, error)
}

// SecurityKey stands for the code of who touches a security key or uses a
// passkey.
const SecurityKey = "security-key"

// A Clock is the clock of a scene.
type Clock struct {
	Now     func() time.Time
	Advance func(time.Duration)
}

// An Attempt is one case in its scene.
type Attempt struct {
	*Subject
	*Scene
	Aim string
}

// Exempt tells whether the user is exempt from enforcement.
func (s *Subject) Exempt() bool { return s.User.State == audit.Exempt }

func (s *Subject) hasKey() bool     { return s.User.ActiveKeys > 0 }
func (s *Subject) hasConsole() bool { return s.User.Console == org.Yes }
func (s *Subject) hasDevice() bool  { return len(s.User.Devices) > 0 || s.User.MFA == org.Yes }

// device is the serial number of the first device of one of the kinds, empty
// when there is none.
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
