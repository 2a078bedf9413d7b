package command

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"syscall"
	"testing"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"forcemfa/internal/fleet"
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
		if got := fleet.Sentence(row.err); got != row.want {
			t.Errorf("%s\nwant %s", got, row.want)
		}
	}
}

// Verbs write more than once, and return the error of any write.
func TestAFullDiskIsTheSameErrorInEachWrite(t *testing.T) {
	fault := func(path string) error { return &fs.PathError{Op: "write", Path: path, Err: syscall.ENOSPC} }
	w := checkedWriter{err: fault("/dev/stdout")}
	if !w.caused(w.err) || !w.caused(fmt.Errorf("print: %w", fault("/dev/stdout"))) || w.caused(fault("plan.json")) || w.caused(nil) {
		t.Error("an error of stdout is not told from that of another file")
	}
}
