package command

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"testing"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// The request ID and the SDK's number of attempts are in no message, and what was being
// done stays.
func TestAnErrorQuotesAWSWithoutTheSDKsWords(t *testing.T) {
	refused := &smithy.OperationError{ServiceID: "STS", OperationName: "GetCallerIdentity", Err: fmt.Errorf("exceeded maximum number of attempts, 3, %w",
		&smithy.GenericAPIError{Code: "SignatureDoesNotMatch", Message: "The request signature does not match."})}
	unsent := &smithy.OperationError{ServiceID: "STS", OperationName: "GetCallerIdentity", Err: fmt.Errorf("exceeded maximum number of attempts, 3, %w",
		&smithyhttp.RequestSendError{Err: &url.Error{Op: "Post", URL: "https://sts.nosuch.example/?a=b", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}})}
	for _, row := range []struct {
		err  error
		want string
	}{
		{refused, "STS GetCallerIdentity: SignatureDoesNotMatch: The request signature does not match."},
		{fmt.Errorf("identify the caller: %w", refused), "identify the caller: SignatureDoesNotMatch: The request signature does not match."},
		{fmt.Errorf("identify the caller: %w", unsent), "identify the caller: cannot reach https://sts.nosuch.example: no such host"},
		{WithHint(fmt.Errorf("audit: %w", unsent), "x"), "audit: cannot reach https://sts.nosuch.example: no such host"},
		{errors.New("no profile"), "no profile"},
	} {
		if got := short(row.err); got != row.want {
			t.Errorf("%s\nwant %s", got, row.want)
		}
	}
}
