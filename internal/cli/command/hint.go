package command

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"

	"github.com/aws/smithy-go"

	"forcemfa/internal/filefault"
	"forcemfa/internal/netfault"
	"forcemfa/internal/profiles"
	"forcemfa/internal/secret"
	"forcemfa/internal/session"
)

// HintOf returns the next step after an error: its own, else that of its kind.
func HintOf(err error) string {
	var end *Error
	if errors.As(err, &end) && end.Hint != "" {
		return end.Hint
	}
	return HintFor(err)
}

// HintFor is the next step after an error that stopped a verb; empty when the
// error says it all.
func HintFor(err error) string {
	var api smithy.APIError
	var network net.Error
	var operation *net.OpError
	var problem *session.Problem
	if errors.As(err, &problem) {
		return problem.Next
	}
	var profile *profiles.Error
	if errors.As(err, &profile) {
		return profile.Next
	}
	var store *secret.Error
	if errors.As(err, &store) && store.Next != "" {
		return store.Next
	}
	switch {
	case errors.Is(err, context.Canceled):
		return "no change is half done: run it again"
	case errors.As(err, &api):
		return apiHints[api.ErrorCode()]
	case errors.As(err, &operation) && operation.Op == "listen":
		return "listen on a free port of this machine: 127.0.0.1:0"
	case netfault.Next(err) != "":
		return netfault.Next(err)
	case errors.As(err, &network) && !isErrno(network):
		return "check the network, AWS_ENDPOINT_URL and proxies"
	case strings.HasPrefix(err.Error(), "unknown command"): // of cobra, which has no type for it
		return `"forcemfa --help" lists the verbs`
	case strings.Contains(err.Error(), "failed to refresh cached credentials"), strings.Contains(err.Error(), "no EC2 IMDS role found"):
		// The SDK has no type for "there are no credentials".
		return "set credentials as for the AWS CLI: --profile, AWS_PROFILE or AWS_ACCESS_KEY_ID; forcemfa rehearse needs none"
	}
	return filefault.Next(err, "")
}

// isErrno tells whether it is an error of the operating system, as of a file,
// which all have the methods of net.Error.
func isErrno(err net.Error) bool {
	_, is := err.(syscall.Errno)
	return is
}

// apiHints is by error code.
var apiHints = map[string]string{
	"AccessDenied":                "use a role that can read IAM and assume the member role: see docs/permissions.md",
	"AccessDeniedException":       "run it from the management account or a delegated administrator: see docs/permissions.md",
	"ExpiredToken":                "sign in again: the session has expired",
	"ExpiredTokenException":       "sign in again: the session has expired",
	"InvalidClientTokenId":        "check the access key: it is unknown, inactive, or a session without MFA that calls IAM",
	"SignatureDoesNotMatch":       "check the secret access key and this machine's clock",
	"RequestExpired":              "set this machine's clock",
	"RequestTimeTooSkewed":        "set this machine's clock",
	"UnrecognizedClientException": "check the access key and the region",
}
