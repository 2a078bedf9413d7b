package emulator

import (
	"fmt"

	"github.com/aws/smithy-go"

	"forcemfa/internal/emulator/wire"
)

// A refusal is the reason for rejecting a request before its operation runs.
// Each protocol has its own code for it.
type refusal struct {
	reason  reason
	message string
}

func (r *refusal) Error() string { return r.message }

type reason uint8

const (
	noSignature    reason = iota + 1 // the request has no signature
	badSignature                     // the signature cannot be parsed
	badQuery                         // the signature in the query cannot be parsed
	unknownKey                       // an unknown or inactive access key
	wrongToken                       // not the session token of the access key
	wrongSignature                   // the signature does not match the request and the key
	skewed                           // signed too early or too late
	expiredSession
	denied
	undecided
	throttled
	failed
	unavailable
	unknownAction
	notImplemented
	malformed
	tooLarge
	incomplete // an aws-chunked body ends early
	badTrailer // its trailer is not what the headers say
	noLength   // its length is not in the headers
	noHash     // x-amz-content-sha256 is missing where it must be sent, or is no hash
	wrongHash  // it is not that of the body
)

// codes lists the wire codes: of queries, EC2, JSON, S3 and REST JSON.
// Source: the common errors of the API references of IAM, EC2, Organizations and
// S3.
var codes = map[reason][5]string{
	noSignature:    {"MissingAuthenticationToken", "AuthFailure", "MissingAuthenticationTokenException", "AccessDenied", "MissingAuthenticationTokenException"},
	badSignature:   {"IncompleteSignature", "IncompleteSignature", "IncompleteSignatureException", "AuthorizationHeaderMalformed", "IncompleteSignatureException"},
	badQuery:       {"IncompleteSignature", "IncompleteSignature", "IncompleteSignatureException", "AuthorizationQueryParametersError", "IncompleteSignatureException"},
	wrongToken:     {"InvalidClientTokenId", "AuthFailure", "UnrecognizedClientException", "InvalidToken", "UnrecognizedClientException"},
	unknownKey:     {"InvalidClientTokenId", "AuthFailure", "UnrecognizedClientException", "InvalidAccessKeyId", "UnrecognizedClientException"},
	wrongSignature: {"SignatureDoesNotMatch", "AuthFailure", "InvalidSignatureException", "SignatureDoesNotMatch", "InvalidSignatureException"},
	skewed:         {"SignatureDoesNotMatch", "RequestExpired", "InvalidSignatureException", "RequestTimeTooSkewed", "InvalidSignatureException"},
	expiredSession: {"ExpiredToken", "RequestExpired", "ExpiredTokenException", "ExpiredToken", "ExpiredTokenException"},
	denied:         {"AccessDenied", "UnauthorizedOperation", "AccessDeniedException", "AccessDenied", "AccessDeniedException"},
	undecided:      {"AccessUndecided", "AccessUndecided", "AccessUndecided", "AccessUndecided", "AccessUndecided"},
	throttled:      {"Throttling", "RequestLimitExceeded", "ThrottlingException", "SlowDown", "ThrottlingException"},
	failed:         {"InternalFailure", "InternalError", "InternalServerError", "InternalError", "InternalServerError"},
	unavailable:    {"ServiceUnavailable", "Unavailable", "ServiceUnavailableException", "ServiceUnavailable", "ServiceUnavailableException"},
	unknownAction:  {"InvalidAction", "InvalidAction", "UnknownOperationException", "MethodNotAllowed", "UnknownOperationException"},
	notImplemented: {"NotImplemented", "NotImplemented", "NotImplemented", "NotImplemented", "NotImplemented"},
	malformed:      {"MalformedQueryString", "MalformedQueryString", "SerializationException", "InvalidRequest", "SerializationException"},
	tooLarge:       {"RequestEntityTooLarge", "RequestEntityTooLarge", "RequestEntityTooLarge", "EntityTooLarge", "RequestEntityTooLarge"},
	incomplete:     {"IncompleteBody", "IncompleteBody", "IncompleteBody", "IncompleteBody", "IncompleteBody"}, // of S3 alone, as are the next four
	noHash:         {"InvalidArgument", "InvalidArgument", "InvalidArgument", "InvalidArgument", "InvalidArgument"},
	wrongHash:      {"XAmzContentSHA256Mismatch", "XAmzContentSHA256Mismatch", "XAmzContentSHA256Mismatch", "XAmzContentSHA256Mismatch", "XAmzContentSHA256Mismatch"},
	badTrailer:     {"MalformedTrailerError", "MalformedTrailerError", "MalformedTrailerError", "MalformedTrailerError", "MalformedTrailerError"},
	noLength:       {"MissingContentLength", "MissingContentLength", "MissingContentLength", "MissingContentLength", "MissingContentLength"},
}

func column(p wire.Protocol) int {
	switch p {
	case wire.EC2:
		return 1
	case wire.JSON10, wire.JSON11:
		return 2
	case wire.RESTXML:
		return 3
	case wire.REST:
		return 4
	}
	return 0
}

// in returns the refusal as an error of a protocol. The service's own codes come
// before those of its protocol.
func (r *refusal) in(s *service) error {
	code := codes[r.reason][column(s.codec.Protocol)]
	if own, ok := s.codes[r.reason]; ok {
		code = own
	}
	fault := smithy.FaultClient
	if r.reason == failed || r.reason == unavailable || r.reason == notImplemented {
		fault = smithy.FaultServer
	}
	return &smithy.GenericAPIError{Code: code, Message: r.message, Fault: fault}
}

func refuse(why reason, format string, a ...any) *refusal {
	return &refusal{why, fmt.Sprintf(format, a...)}
}
