package stssvc

import (
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"forcemfa/internal/emulator/model"
	"forcemfa/internal/emulator/operation"
)

// denied returns AWS's AccessDenied, for which the SDK has no type.
func denied(format string, a ...any) error {
	return operation.Fault("AccessDenied", format, a...)
}

// invalid returns AWS's ValidationError, for which the SDK has no type.
func invalid(format string, a ...any) error {
	return operation.Fault("ValidationError", format, a...)
}

// validate checks the constraints of the API model of STS, which does not have
// MinimumSessionTokenSize yet.
func validate(in any) error {
	if err := tokenSize(in); err != nil {
		return err
	}
	if found := model.STS().Check(in); len(found) > 0 {
		return invalid("%s", model.Message(found, true))
	}
	return nil
}

func tokenSize(in any) error {
	var size *int32
	switch in := in.(type) {
	case *sts.AssumeRoleInput:
		size = in.MinimumSessionTokenSize
	case *sts.GetFederationTokenInput:
		size = in.MinimumSessionTokenSize
	}
	if size == nil || 0 <= *size && *size <= largestToken {
		return nil
	}
	return invalid("1 validation error detected: Value '%d' at 'minimumSessionTokenSize' failed to satisfy constraint: Member must have value between 0 and %d", *size, largestToken)
}
