// Package operation says what an AWS operation of the emulator is: its name,
// what it must be authorized for, and what it does.
package operation

import (
	"time"

	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
)

// A Call is one authenticated request on its way to an operation.
type Call struct {
	World     *world.World
	Caller    world.Caller
	Now       time.Time
	Region    string
	SourceIP  string
	RequestID string
	// PageSize is how many items a page may have, when the caller asked for
	// asked (0: nothing asked) where AWS's default and maximum are these. In
	// strict tests it is smaller than what was asked, as AWS may be.
	PageSize func(asked, byDefault, maximum int) int
	// Readings are the choices where AWS's behaviour is not documented beyond
	// doubt.
	Readings Readings
}

// Readings are choices where AWS's documentation leaves a doubt. The zero value
// is the default.
type Readings struct {
	// CodeInCallIsNotMFA: a TokenCode sent with sts:AssumeRole satisfies the
	// trust policy's condition but not a Deny in the caller's identity policies.
	CodeInCallIsNotMFA bool
	// RolesKeepMFA: a role session assumed from a session with MFA carries
	// aws:MultiFactorAuthPresent true, as was observed, and not false, as
	// documented.
	RolesKeepMFA bool
}

// An Ask is one thing that a call must be allowed to do.
type Ask struct {
	Action          string
	Resource        string          // ARN or *
	ResourceAccount string          // empty: the caller's account
	Policies        []policy.Source // the resource's own: trust policy, bucket policy
	// Context adds the keys of the operation and its resource (iam:PolicyARN,
	// aws:RequestTag/…, aws:ResourceTag/…) to those of the caller.
	Context func(*policy.Context)
	// Unconditional operations need no permission and no policy denies them:
	// sts:GetSessionToken, sts:GetCallerIdentity.
	Unconditional bool
	// MFAInCall is set when the call itself carries a valid code.
	MFAInCall bool
}

// An Operation is one row of a service's table.
type Operation struct {
	Name string
	// Writes is set for operations that change the world.
	Writes bool
	// New makes the SDK's input struct for this operation.
	New func() any
	// Asks lists what the call must be allowed. An error here is answered
	// before any authorization: a malformed input.
	Asks func(c *Call, in any) ([]Ask, error)
	// Do performs it and returns the SDK's output struct.
	Do func(c *Call, in any) (any, error)
}

// Read is an operation that changes nothing.
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
