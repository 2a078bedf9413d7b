package iamsvc

import (
	"fmt"

	"forcemfa/internal/emulator/model"
)

// namePattern is that of names, for which IAM has its own message.
const namePattern = `[\w+=,.@-]+`

// validate checks the constraints of IAM's API model.
func validate(in input) error {
	found := model.IAM().Check(in.v.Addr().Interface())
	if len(found) == 0 {
		return nil
	}
	for _, v := range found {
		if v.Pattern == namePattern {
			return validationError("The specified value for %s is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-", v.Path)
		}
	}
	return validationError("%s", model.Message(found, false))
}

// constraint returns the error for a member that breaks a constraint that the model does
// not have.
func constraint(member, format string, args ...any) error {
	return validationError("%s", model.Message([]model.Violation{{Path: member, Constraint: fmt.Sprintf(format, args...)}}, false))
}
