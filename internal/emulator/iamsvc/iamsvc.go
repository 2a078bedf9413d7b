// Package iamsvc implements IAM in the embedded AWS: one function for each
// operation, over the SDK's input and output structs, and one table of them.
//
// Errors are the SDK's own types where IAM's model has them (their wire codes do
// not end in "Exception"), and [smithy.GenericAPIError] for ValidationError and
// AccessDenied.
// Source, unless a comment names another: IAM API Reference.
package iamsvc

import (
	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
)

// account returns the caller's account, read-only.
func account(c *operation.Call) *world.Account { return c.World.Account(c.Caller.Account) }

// edit returns the caller's account for writing.
func edit(c *operation.Call) *world.Account { return c.World.Edit(c.Caller.Account) }

// copyOf copies a value for a response, so that its members do not change with
// the world.
func copyOf[T any](p *T) *T {
	c := *p
	return &c
}
