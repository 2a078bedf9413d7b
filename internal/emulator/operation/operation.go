// Package operation defines an AWS operation of the emulator: its name, the
// permissions it needs, and its function.
package operation

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws/smithy-go"

	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
)

// A Call is one authenticated request for an operation.
type Call struct {
	World     *world.World
	Caller    world.Caller
	Now       time.Time
	Region    string
	SourceIP  string
	RequestID string
	// PageSize returns the size of a page, given the requested size (0: none)
	// and AWS's default and maximum. In strict tests it is smaller than
	// requested, as AWS allows.
	PageSize func(asked, byDefault, maximum int) int
	// ReportStuck is a fault: the credential report is never completed.
	ReportStuck bool
	// Readings choose the behavior where AWS's documentation is not clear.
	Readings Readings
	// Invoke performs another call, as a service does for its caller. It is authorized
	// and recorded like any other.
	Invoke func(Nested) (any, error)
	// Assume starts a session of a role for a service, and returns its access key ID.
	// The caller must have checked that the role trusts the service.
	Assume func(account, role, session string) (accessKeyID string)
	// Allowed reports whether a session may do something, as [Call.Invoke] would decide
	// it. The error is the refusal.
	Allowed func(accessKeyID string, asks ...Ask) error
}

// A Nested call is a call that a service makes while it performs another one.
type Nested struct {
	Via                string // service principal of the service
	AccessKeyID        string // whose rights it needs
	Forwarded          bool   // the rights are those of the caller of the service: aws:ViaAWSService
	Region             string
	Service, Operation string
	In                 any
}

// Readings choose the behavior where AWS's documentation is not clear. The zero
// value is the default.
type Readings struct {
	// CodeInCallIsNotMFA means that a TokenCode sent with sts:AssumeRole
	// satisfies the condition of the trust policy but not a Deny in the caller's
	// identity policies.
	CodeInCallIsNotMFA bool
	// RolesKeepMFA means that a role session assumed from a session with MFA has
	// aws:MultiFactorAuthPresent true, as observed, instead of false, as
	// documented.
	RolesKeepMFA bool
	// ForwardingLosesMFA means that a call which a service forwards for a session with MFA
	// has aws:MultiFactorAuthPresent false, instead of the value of the session.
	ForwardingLosesMFA bool
	// Observed are the answers to other questions that policies raise. A request that
	// depends on a question without an answer is refused.
	Observed policy.Observed
	// LoginLosesMFA means that the sessions of `aws login` are without MFA, also when the
	// user signed in to the console with it. AWS documents `aws login` as the way to
	// credentials for users of passkeys, which implies MFA, and does not say so.
	LoginLosesMFA bool
	// NewPasswordNeedsPolicy means that a user who must set a new password at sign-in needs
	// iam:GetAccountPasswordPolicy in addition to iam:ChangePassword. AWS names only the
	// latter where it describes the first sign-in, and both for the page of credentials.
	NewPasswordNeedsPolicy bool
}

// An Ask is one permission that a call needs.
type Ask struct {
	Action          string
	Resource        string          // ARN or *
	ResourceAccount string          // empty: the caller's account
	Policies        []policy.Source // the resource's own policies: trust policy, bucket policy
	// Context adds the keys of the operation and its resource (iam:PolicyARN,
	// aws:RequestTag/…, aws:ResourceTag/…) to those of the caller.
	Context func(*policy.Context)
	// Unconditional operations need no permission, and no policy denies them:
	// sts:GetSessionToken, sts:GetCallerIdentity.
	Unconditional bool
	// MFAInCall is set when the call itself carries a valid code.
	MFAInCall bool
	// Principal replaces the caller of an unsigned request: the identity provider that
	// vouches for it. Nil: the caller.
	Principal *policy.Principal
}

// An Operation is one row in the table of a service.
type Operation struct {
	Name string
	// Writes is set for operations that change the world.
	Writes bool
	// Reach returns what a call of an account reads and changes; nil: everything. Calls
	// that reach different accounts are performed at the same time. Of the world it may use
	// the organization and [world.World.BucketOwner] only.
	Reach func(w *world.World, account string, in any) Reach
	// Unsigned operations need no signature: the input identifies the caller.
	Unsigned bool
	// New makes the SDK's input struct for this operation.
	New func() any
	// Asks lists the permissions that the call needs. An error means a malformed
	// input; it is returned before any authorization.
	Asks func(c *Call, in any) ([]Ask, error)
	// Do performs it and returns the SDK's output struct.
	Do func(c *Call, in any) (any, error)
}

// Read is an operation that does not change the world.
func Read[I, O any](name string, asks func(*Call, *I) ([]Ask, error), do func(*Call, *I) (*O, error)) Operation {
	return Operation{
		Name: name,
		New:  func() any { return new(I) },
		Asks: func(c *Call, in any) ([]Ask, error) { return asks(c, in.(*I)) },
		Do:   func(c *Call, in any) (any, error) { return do(c, in.(*I)) },
	}
}

// Write is an operation that changes the world.
func Write[I, O any](name string, asks func(*Call, *I) ([]Ask, error), do func(*Call, *I) (*O, error)) Operation {
	op := Read(name, asks, do)
	op.Writes = true
	return op
}

// Fault returns an error of a service with a code, for errors without a type in the SDK.
func Fault(code, format string, a ...any) error {
	return &smithy.GenericAPIError{Code: code, Message: fmt.Sprintf(format, a...), Fault: smithy.FaultClient}
}

// On returns the asks for an action on one resource, with the policy of the resource;
// empty: it has none.
func On(w *world.World, action, resource, owner, document string) []Ask {
	ask := Ask{Action: action, Resource: resource, ResourceAccount: owner}
	if document != "" {
		ask.Policies = []policy.Source{w.Parse("policy of "+resource, policy.Resource, document)}
	}
	return []Ask{ask}
}

// OnAll returns the Asks of an operation without a resource: it must be allowed on *.
func OnAll[I any](action string) func(*Call, *I) ([]Ask, error) {
	return func(*Call, *I) ([]Ask, error) { return []Ask{{Action: action, Resource: "*"}}, nil }
}

// InRegion reports whether an ARN is in the Region of the call.
func (c *Call) InRegion(arn string) bool { return strings.Contains(arn, ":"+c.Region+":") }

// ARN returns the ARN of a resource in the account and Region of the call.
func (c *Call) ARN(service, resource string) string {
	return "arn:" + c.World.Partition + ":" + service + ":" + c.Region + ":" + c.Caller.Account + ":" + resource
}
