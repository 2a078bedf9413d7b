package apply

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"forcemfa/internal/plan"
)

// code is the error code of a response of AWS; empty when there was no response. Codes
// are compared instead of the SDK's types, because an operation may return an error
// that its model does not list.
func code(err error) string {
	var answer smithy.APIError
	if !errors.As(err, &answer) {
		return ""
	}
	return answer.ErrorCode()
}

// gone reports whether the error says that an entity does not exist.
func gone(err error) bool {
	switch code(err) {
	case "NoSuchEntity", "PolicyNotFoundException", "TargetNotFoundException":
		return true
	}
	return false
}

var throttled = retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}

// A crowdedError says that there was no room for the policy versions that a step
// restores. Duplicates were deleted, or become visible later, so a retry may succeed.
type crowdedError struct{ err error }

func (e *crowdedError) Error() string {
	return "restore a deleted policy version: " + e.err.Error()
}
func (e *crowdedError) Unwrap() error { return e.err }

// passing reports whether waiting may resolve an error: throttling beyond the SDK's own
// retries, or an entity that is being changed. A quota (LimitExceeded) is not.
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

// mayBeDone reports whether AWS may have carried out a change in spite of the error:
// there was no response, AWS failed, or the error is the one that the SDK's second
// request gets after its first one succeeded.
func mayBeDone(err error, op plan.Op) bool {
	switch code(err) {
	case "", "EntityAlreadyExists", "NoSuchEntity",
		"DuplicatePolicyException", "DuplicatePolicyAttachmentException", "PolicyNotAttachedException", "PolicyNotFoundException":
		return true
	case "LimitExceeded":
		return op == plan.UpdatePolicy || op == plan.RestorePolicy // the first request used the last version
	}
	var answer smithy.APIError
	return errors.As(err, &answer) && answer.ErrorFault() == smithy.FaultServer
}
