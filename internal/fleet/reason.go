package fleet

import (
	"cmp"
	"errors"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"forcemfa/internal/netfault"
	"forcemfa/internal/prose"
)

// Reason returns the short form of an error from AWS, for example in a gap: its
// code and message, or the network error. Request ID and number of attempts are
// left out, so that the text is the same in every run. A text that no service of AWS
// sends is cut.
func Reason(err error) string { return prose.Message(reason(err)) }

// Sentence is the text of an error in which AWS or the network is quoted without what the
// SDK says about its attempts.
func Sentence(err error) string {
	text := err.Error()
	var call *smithy.OperationError
	if !errors.As(err, &call) {
		return text
	}
	said := Reason(call)
	if text == call.Error() {
		return call.Service() + " " + call.Operation() + ": " + said
	}
	return strings.Replace(text, call.Error(), said, 1)
}

func reason(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		if api.ErrorMessage() == "" {
			return api.ErrorCode()
		}
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	var send *smithyhttp.RequestSendError
	if errors.As(err, &send) {
		return cmp.Or(netfault.Sentence(send.Err), send.Err.Error())
	}
	if strings.Contains(err.Error(), "no EC2 IMDS role found") { // the SDK has no type for it
		return "there are no credentials"
	}
	return err.Error()
}
