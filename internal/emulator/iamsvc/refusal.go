package iamsvc

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
)

func message(format string, args []any) *string {
	text := fmt.Sprintf(format, args...)
	return &text
}

func noSuchEntity(format string, args ...any) error {
	return &types.NoSuchEntityException{Message: message(format, args)}
}

func alreadyExists(format string, args ...any) error {
	return &types.EntityAlreadyExistsException{Message: message(format, args)}
}

func deleteConflict(format string, args ...any) error {
	return &types.DeleteConflictException{Message: message(format, args)}
}

func limitExceeded(format string, args ...any) error {
	return &types.LimitExceededException{Message: message(format, args)}
}

// overQuota returns the error for exceeding a quota.
func overQuota(what string, quota int) error {
	return limitExceeded("Cannot exceed quota for %s: %d", what, quota)
}

func invalidInput(format string, args ...any) error {
	return &types.InvalidInputException{Message: message(format, args)}
}

func malformedPolicy(format string, args ...any) error {
	return &types.MalformedPolicyDocumentException{Message: message(format, args)}
}

func validationError(format string, args ...any) error {
	return operation.Fault("ValidationError", format, args...)
}

func accessDenied(format string, args ...any) error {
	return operation.Fault("AccessDenied", format, args...)
}
