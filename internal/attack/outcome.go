package attack

import (
	"errors"
	"strings"

	"github.com/aws/smithy-go"
)

// An Outcome is the result of an attempt. The zero value is Failed.
type Outcome uint8

// The outcomes.
const (
	Failed    Outcome = iota // inconclusive: transport, setup, a malformed request
	Refused                  // AWS refused
	Succeeded                // authorized: AWS executed it, or refused it for a reason that is checked after authorization
)

func (o Outcome) String() string {
	return [...]string{"failed", "refused", "succeeded"}[o]
}

// refusals are the error codes of a request that is not authorized.
// Source: IAM API Reference, "Common error types"; EC2 API, "Error codes".
var refusals = map[string]bool{
	"AccessDenied":          true,
	"AccessDeniedException": true,
	"UnauthorizedOperation": true,
}

// afterAuthorization are the codes of errors that AWS returns for authorized requests
// only: authorization comes first.
var afterAuthorization = map[string]bool{
	"NoSuchEntity":                  true,
	"EntityAlreadyExists":           true,
	"EntityTemporarilyUnmodifiable": true,
	"LimitExceeded":                 true,
	// Identity tokens are off in the account; whoever may enable them gets one.
	"OutboundWebIdentityFederationDisabledException": true,
	// The trade-in token is not one of AWS.
	"ExpiredTradeInTokenException": true,
	// The caller's account does not manage the organization, or may not leave it.
	"AccountNotManagementOrDelegatedAdministratorException": true,
	"AWSOrganizationsNotInUseException":                     true,
	"MasterCannotLeaveOrganizationException":                true,
	"OrganizationNotFoundException":                         true,
	"ServiceAccessNotEnabledException":                      true,
	"FeatureEnabled":                                        true,
	"HandshakeNotFoundException":                            true,
	"DeleteConflict":                                        true,
	"ConstraintViolationException":                          true,
	"InvalidAuthenticationCode":                             true,
	"PasswordPolicyViolation":                               true,
	"UnmodifiableEntity":                                    true,
	"InvalidInstanceID.NotFound":                            true,
	"IncorrectInstanceState":                                true,
	"NoSuchKey":                                             true,
	"ResourceNotFoundException":                             true,
	"ResourceInUseException":                                true,
}

// judge derives the outcome from the error of an attempt. why is the answer from AWS.
func judge(err error) (outcome Outcome, why string) {
	var api smithy.APIError
	var none *noCredentialError
	var setUp *setUpError
	switch {
	case err == nil:
		return Succeeded, "succeeded"
	case errors.As(err, &setUp):
		return Failed, err.Error()
	case errors.As(err, &none):
		return Refused, err.Error()
	case !errors.As(err, &api):
		return Failed, err.Error()
	}
	why = strings.TrimSpace(api.ErrorCode() + ": " + api.ErrorMessage())
	switch {
	case refusals[api.ErrorCode()]:
		return Refused, why
	case afterAuthorization[api.ErrorCode()]:
		return Succeeded, why
	}
	return Failed, why
}

// A noCredentialError reports that AWS refused the credential that the scenario needs,
// which refuses the attack.
type noCredentialError struct {
	credential string
	err        error
}

func (e *noCredentialError) Error() string { return "no " + e.credential + ": " + e.err.Error() }
func (e *noCredentialError) Unwrap() error { return e.err }

// noCredential is the error of an attempt that could not get its credential. Only a
// refusal by AWS counts as the refusal of the attack; any other error is inconclusive.
func noCredential(credential string, err error) error {
	if outcome, _ := judge(err); outcome == Refused {
		return &noCredentialError{credential, err}
	}
	return &setUpError{"get a " + credential, err}
}

// A setUpError reports that an attempt could not be made.
type setUpError struct {
	what string
	err  error
}

func (e *setUpError) Error() string { return e.what + ": " + e.err.Error() }
func (e *setUpError) Unwrap() error { return e.err }

// barred is the error of a request with a session that AWS does not accept for the
// whole service, with the code InvalidClientTokenId. Use it only for sessions that were
// just valid: for any other credential that code is inconclusive.
// Source: STS API Reference, GetSessionToken: "You cannot call any IAM API
// operations unless MFA authentication information is included".
func barred(err error) error {
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "InvalidClientTokenId" {
		return &noCredentialError{"session that this service accepts", err}
	}
	return err
}

// errNone is for attempts without the credential that the scenario's targets check for.
var errNone = errors.New("there is none")
