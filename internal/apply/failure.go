package apply

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"forcemfa/internal/plan"
)

// code is the error code of an answer of AWS; empty when there was none. Codes
// and not the SDK's types are compared, because an operation may answer with
// an error that its model does not list.
func code(err error) string {
	var answer smithy.APIError
	if !errors.As(err, &answer) {
		return ""
	}
	return answer.ErrorCode()
}

// gone tells whether AWS says that an entity is not there.
func gone(err error) bool {
	switch code(err) {
	case "NoSuchEntity", "PolicyNotFoundException", "TargetNotFoundException":
		return true
	}
	return false
}

var throttled = retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}

// A crowdedError says that there was no room for the versions of a policy that
// are brought back. What was doubled is deleted by now, or is seen later.
type crowdedError struct{ err error }

func (e *crowdedError) Error() string {
	return "bring back a version that was pruned: " + e.err.Error()
}
func (e *crowdedError) Unwrap() error { return e.err }

// passing tells whether an error goes away by waiting: a throttle that outlived
// the SDK's own retries, or an entity that is being changed. A quota
// (LimitExceeded) never does.
// Source: IAM API Reference, "Common Errors" and the errors of the write
// operations.
func passing(err error) bool {
	if crowded := (*crowdedError)(nil); errors.As(err, &crowded) {
		return true
	}
	switch code(err) {
	case "", "LimitExceeded":
		return false
	case "EntityTemporarilyUnmodifiable", "ConcurrentModification", "ConcurrentModificationException", "PolicyChangesInProgressException":
		return true
	}
	return throttled.IsErrorThrottle(err) == aws.TrueTernary
}

// mayBeDone tells whether a write that failed may have been carried out: there
// was no answer, AWS itself failed, or it answers what the second try of a
// request that was carried out would get. The SDK tries again by itself.
func mayBeDone(err error, op plan.Op) bool {
	switch code(err) {
	case "", "EntityAlreadyExists", "NoSuchEntity",
		"DuplicatePolicyException", "DuplicatePolicyAttachmentException", "PolicyNotAttachedException", "PolicyNotFoundException":
		return true
	case "LimitExceeded":
		return op == plan.UpdatePolicy || op == plan.RestorePolicy // the first try took the last version
	}
	var answer smithy.APIError
	return errors.As(err, &answer) && answer.ErrorFault() == smithy.FaultServer
}
