package doors

import (
	"errors"
	"strings"

	"github.com/aws/smithy-go"
)

// An Outcome is what an attempt showed. The zero value is Failed.
type Outcome uint8

// The outcomes.
const (
	Failed Outcome = iota // the attempt showed nothing: transport, set-up, a malformed request
	Closed                // AWS refused
	Open                  // AWS did it, or refused for a reason that comes after authorization
)

func (o Outcome) String() string {
	return [...]string{"failed", "closed", "open"}[o]
}

// refusals are the codes by which AWS says that the caller may not.
// Source: IAM API Reference, "Common error types"; EC2 API, "Error codes".
var refusals = map[string]bool{
	"AccessDenied":          true,
	"AccessDeniedException": true,
	"UnauthorizedOperation": true,
}

// afterAuthorization are codes of errors that AWS answers to a caller who may
// make the request: authorization comes first.
var afterAuthorization = map[string]bool{
	"NoSuchEntity":                  true,
	"EntityAlreadyExists":           true,
	"EntityTemporarilyUnmodifiable": true,
	"LimitExceeded":                 true,
	"DeleteConflict":                true,
	"InvalidAuthenticationCode":     true,
	"PasswordPolicyViolation":       true,
	"UnmodifiableEntity":            true,
	"InvalidInstanceID.NotFound":    true,
	"IncorrectInstanceState":        true,
	"NoSuchKey":                     true,
	"ResourceNotFoundException":     true,
	"ResourceInUseException":        true,
}

// Judge tells what the error of an attempt shows, and what AWS answered.
func Judge(err error) (outcome Outcome, why string) {
	var api smithy.APIError
	var none *noCredentialError
	var setUp *setUpError
	switch {
	case err == nil:
		return Open, "succeeded"
	case errors.As(err, &setUp):
		return Failed, err.Error()
	case errors.As(err, &none):
		return Closed, err.Error()
	case !errors.As(err, &api):
		return Failed, err.Error()
	}
	why = strings.TrimSpace(api.ErrorCode() + ": " + api.ErrorMessage())
	switch {
	case refusals[api.ErrorCode()]:
		return Closed, why
	case afterAuthorization[api.ErrorCode()]:
		return Open, why
	}
	return Failed, why
}

// A noCredentialError says that the credential which the door needs cannot be
// had, so that the door is closed.
type noCredentialError struct {
	credential string
	err        error
}

func (e *noCredentialError) Error() string { return "no " + e.credential + ": " + e.err.Error() }
func (e *noCredentialError) Unwrap() error { return e.err }

// noCredential is the error of an attempt whose credential AWS refused to
// give. Any other reason shows nothing about the door and stays as it is.
func noCredential(credential string, err error) error {
	if outcome, _ := Judge(err); outcome == Closed {
		return &noCredentialError{credential, err}
	}
	return &setUpError{"get a " + credential, err}
}

// A setUpError says that an attempt could not be made.
type setUpError struct {
	what string
	err  error
}

func (e *setUpError) Error() string { return e.what + ": " + e.err.Error() }
func (e *setUpError) Unwrap() error { return e.err }

// barred is the error of a request with a session that AWS bars from the whole
// service, which it says as InvalidClientTokenId. Only for sessions that were
// valid a moment ago: for any other credential that code shows nothing.
// Source: STS API Reference, GetSessionToken: "You cannot call any IAM API
// operations unless MFA authentication information is included".
func barred(err error) error {
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "InvalidClientTokenId" {
		return &noCredentialError{"session that this service accepts", err}
	}
	return err
}

// errNotThere is why an attempt could not be made that its door's aims should
// have ruled out.
var errNotThere = errors.New("there is none")
