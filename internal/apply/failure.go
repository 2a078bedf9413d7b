package apply

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"

	"forcemfa/internal/plan"
)

// gone tells whether AWS says that an entity is not there.
func gone(err error) bool {
	var missing *types.NoSuchEntityException
	return errors.As(err, &missing)
}

var throttled = retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}

// passing tells whether an error goes away by waiting: a throttle that outlived
// the SDK's own retries, or an entity that is being changed. A quota
// (LimitExceeded) never does.
// Source: IAM API Reference, "Common Errors" and the errors of the write
// operations.
func passing(err error) bool {
	var quota *types.LimitExceededException
	var busy *types.EntityTemporarilyUnmodifiableException
	var concurrent *types.ConcurrentModificationException
	switch {
	case errors.As(err, &quota):
		return false
	case errors.As(err, &busy), errors.As(err, &concurrent):
		return true
	}
	return throttled.IsErrorThrottle(err) == aws.TrueTernary
}

// mayBeDone tells whether a write that failed may have been carried out: there
// was no answer, AWS itself failed, or it answers what the second try of a
// request that was carried out would get. The SDK tries again by itself.
func mayBeDone(err error, op plan.Op) bool {
	var exists *types.EntityAlreadyExistsException
	var quota *types.LimitExceededException
	var answer smithy.APIError
	switch {
	case errors.As(err, &exists), gone(err):
		return true
	case errors.As(err, &quota):
		return op == plan.UpdatePolicy // the first try took the last version
	}
	return !errors.As(err, &answer) || answer.ErrorFault() == smithy.FaultServer
}
