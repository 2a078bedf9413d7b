package orgsvc

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"forcemfa/internal/emulator/model"
)

// Check refuses an input that breaks a constraint of the API model. It comes after the
// checks of the operation, which have messages of their own.
func Check(in any) error {
	found := model.Organizations().Check(in)
	if len(found) == 0 {
		return nil
	}
	return invalid(reasonOf(found[0]), model.Message(found[:1], false))
}

// reasonOf returns the reason for a violation.
// Source: Organizations API Reference, InvalidInputException.
func reasonOf(v model.Violation) types.InvalidInputExceptionReason {
	switch {
	case v.Pattern != "":
		return types.InvalidInputExceptionReasonInvalidPattern
	case strings.Contains(v.Constraint, "enum value set"):
		return types.InvalidInputExceptionReasonInvalidEnum
	case strings.Contains(v.Constraint, "length less than"):
		return types.InvalidInputExceptionReasonMaxLengthExceeded
	case strings.Contains(v.Constraint, "length greater than"):
		return types.InvalidInputExceptionReasonMinLengthExceeded
	case strings.Contains(v.Constraint, "value less than"):
		return types.InvalidInputExceptionReasonMaxValueExceeded
	case strings.Contains(v.Constraint, "value greater than"):
		return types.InvalidInputExceptionReasonMinValueExceeded
	}
	return types.InvalidInputExceptionReasonInputRequired
}
