package stssvc

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/aws/smithy-go"

	"forcemfa/internal/emulator/operation"
)

// denied returns AWS's AccessDenied, for which the SDK has no type.
func denied(format string, a ...any) error {
	return &smithy.GenericAPIError{Code: "AccessDenied", Message: fmt.Sprintf(format, a...), Fault: smithy.FaultClient}
}

// invalid returns AWS's ValidationError, for which the SDK has no type.
func invalid(format string, a ...any) error {
	return &smithy.GenericAPIError{Code: "ValidationError", Message: fmt.Sprintf(format, a...), Fault: smithy.FaultClient}
}

// Patterns of parameters.
// Source: STS API Reference, AssumeRole, GetFederationToken, GetAccessKeyInfo.
var (
	keyIDPattern      = operation.NewPattern(`^[\w]*$`)
	namePattern       = operation.NewPattern(`^[\w+=,.@-]*$`)
	externalIDPattern = operation.NewPattern(`^[\w+=,.@:\/-]*$`)
	serialPattern     = operation.NewPattern(`^[\w+=/:,.@-]*$`)
	codePattern       = operation.NewPattern(`^[\d]*$`)
	arnPattern        = operation.NewPattern(`^[\t\n\r\x{20}-\x{7E}\x{85}\x{A0}-\x{D7FF}\x{E000}-\x{FFFD}\x{10000}-\x{10FFFF}]+$`)
	policyPattern     = operation.NewPattern(`^[\t\n\r\x{20}-\x{FF}]+$`)
	tagKeyPattern     = operation.NewPattern(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$`)
	tagValuePattern   = operation.NewPattern(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
)

// violations collects the constraints that an input breaks: AWS reports them all
// at once.
type violations []string

func (v *violations) add(member, value, constraint string) {
	*v = append(*v, fmt.Sprintf("Value '%s' at '%s' failed to satisfy constraint: %s", value, member, constraint))
}

// text checks an optional string.
func (v *violations) text(member string, s *string, shortest, longest int, pattern *operation.Pattern) {
	if s == nil {
		return
	}
	n := utf8.RuneCountInString(*s)
	if n < shortest {
		v.add(member, *s, fmt.Sprintf("Member must have length greater than or equal to %d", shortest))
	}
	if n > longest {
		v.add(member, *s, fmt.Sprintf("Member must have length less than or equal to %d", longest))
	}
	if !pattern.MatchString(*s) {
		v.add(member, *s, "Member must satisfy regular expression pattern: "+strings.Trim(pattern.String(), "^$"))
	}
}

// required checks a required string.
func (v *violations) required(member string, s *string, shortest, longest int, pattern *operation.Pattern) {
	if s == nil {
		*v = append(*v, fmt.Sprintf("Value null at '%s' failed to satisfy constraint: Member must not be null", member))
		return
	}
	v.text(member, s, shortest, longest, pattern)
}

// number checks an optional integer.
func (v *violations) number(member string, n *int32, least, most int32) {
	if n == nil {
		return
	}
	if *n < least {
		v.add(member, fmt.Sprint(*n), fmt.Sprintf("Member must have value greater than or equal to %d", least))
	}
	if *n > most {
		v.add(member, fmt.Sprint(*n), fmt.Sprintf("Member must have value less than or equal to %d", most))
	}
}

// count checks the length of a list.
func (v *violations) count(member string, n, most int) {
	if n > most {
		v.add(member, fmt.Sprintf("[%d members]", n), fmt.Sprintf("Member must have length less than or equal to %d", most))
	}
}

// code checks the two MFA parameters.
func (v *violations) code(serial, code *string) {
	v.text("serialNumber", serial, 9, 256, serialPattern)
	v.text("tokenCode", code, 6, 6, codePattern)
}

func (v *violations) err() error {
	switch len(*v) {
	case 0:
		return nil
	case 1:
		return invalid("1 validation error detected: %s", (*v)[0])
	}
	return invalid("%d validation errors detected: %s", len(*v), strings.Join(*v, "; "))
}
