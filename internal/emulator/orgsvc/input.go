package orgsvc

import (
	"slices"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"forcemfa/internal/emulator/operation"
)

// Patterns of identifiers.
// Source: Organizations API Reference.
var (
	rootPattern      = operation.NewPattern(`^r-[0-9a-z]{4,32}$`)
	unitPattern      = operation.NewPattern(`^ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}$`)
	parentPattern    = operation.NewPattern(`^(r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32})$`)
	childPattern     = operation.NewPattern(`^(\d{12}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32})$`)
	accountPattern   = operation.NewPattern(`^\d{12}$`)
	policyPattern    = operation.NewPattern(`^p-[0-9a-zA-Z_]{8,128}$`)
	targetPattern    = operation.NewPattern(`^(r-[0-9a-z]{4,32}|\d{12}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32})$`)
	resourcePattern  = operation.NewPattern(`^(r-[0-9a-z]{4,32}|\d{12}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}|p-[0-9a-zA-Z_]{8,128}|rp-[0-9a-zA-Z_]{4,128}|rt-[0-9a-z]{8,32})$`)
	servicePattern   = operation.NewPattern(`^[\w+=,.@-]{1,128}$`)
	emailPattern     = operation.NewPattern(`^[^\s@]+@[^\s@]+\.[^\s@]+$`)
	namePattern      = operation.NewPattern(`^[\x20-\x7E]+$`)
	rolePattern      = operation.NewPattern(`^[\w+=,.@-]{1,64}$`)
	handshakePattern = operation.NewPattern(`^h-[0-9a-z]{8,32}$`)
	transferPattern  = operation.NewPattern(`^rt-[0-9a-z]{8,32}$`)
	requestPattern   = operation.NewPattern(`^car-[a-z0-9]{8,32}$`)
)

// An input checks the members of an input and keeps the first error.
type input struct{ err error }

func (v *input) fail(reason types.InvalidInputExceptionReason, message string) {
	if v.err == nil {
		v.err = invalid(reason, message)
	}
}

func invalid(reason types.InvalidInputExceptionReason, message string) error {
	return &types.InvalidInputException{Reason: reason, Message: aws.String(message)}
}

func constraint(reason types.ConstraintViolationExceptionReason, message string) error {
	return &types.ConstraintViolationException{Reason: reason, Message: aws.String(message)}
}

// id checks a required identifier.
func (v *input) id(member string, s *string, pattern *operation.Pattern) {
	switch {
	case s == nil:
		v.fail(types.InvalidInputExceptionReasonInputRequired, "You must provide a value for "+member+".")
	case !pattern.MatchString(*s):
		v.fail(types.InvalidInputExceptionReasonInvalidPattern, "You provided a value for "+member+" that does not match the required pattern.")
	}
}

// text checks the length of a string in characters.
func (v *input) text(member string, s *string, shortest, longest int) {
	switch n := utf8.RuneCountInString(aws.ToString(s)); {
	case s == nil && shortest > 0:
		v.fail(types.InvalidInputExceptionReasonInputRequired, "You must provide a value for "+member+".")
	case n < shortest:
		v.fail(types.InvalidInputExceptionReasonMinLengthExceeded, "You provided a value for "+member+" that is too short.")
	case n > longest:
		v.fail(types.InvalidInputExceptionReasonMaxLengthExceeded, "You provided a value for "+member+" that is too long.")
	}
}

// optional checks an identifier that may be missing.
func (v *input) optional(member string, s *string, pattern *operation.Pattern) {
	if s != nil {
		v.id(member, s, pattern)
	}
}

func (v *input) kind(member string, kind types.PolicyType) {
	if !slices.Contains(kind.Values(), kind) {
		v.fail(types.InvalidInputExceptionReasonInvalidEnumPolicyType, "You provided a value for "+member+" that is not a policy type.")
	}
}

// page checks MaxResults; NextToken is checked where it is read.
func (v *input) page(most *int32) {
	switch {
	case most == nil:
	case *most < 1:
		v.fail(types.InvalidInputExceptionReasonMinValueExceeded, "You provided a value for MaxResults that is too small.")
	case *most > largestPage:
		v.fail(types.InvalidInputExceptionReasonMaxValueExceeded, "You provided a value for MaxResults that is too large.")
	}
}
