// Package operation defines an AWS operation of the emulator: its name, the
// permissions it needs, and its function.
package operation

import (
	"time"

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
	// Readings choose the behavior where AWS's documentation is not clear.
	Readings Readings
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
}

// An Operation is one row in the table of a service.
type Operation struct {
	Name string
	// Writes is set for operations that change the world.
	Writes bool
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
