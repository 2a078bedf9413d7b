package fleet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"forcemfa/internal/netfault"
)

// The limits of an answer. AWS sends headers within seconds, and the AWS CLI waits for
// a minute. An upload takes time before the answer begins, and a log file of S3 after
// that. The largest answer of IAM, a page of GetAccountAuthorizationDetails, has a few
// megabytes; a log file of CloudTrail has less than a hundred.
const (
	headerTime  = time.Minute
	uploadTime  = 15 * time.Minute
	bodyTime    = 10 * time.Minute
	mostInReply = 256 << 20
	// The client of the SDK follows redirects 307 and 308, without a limit. S3 answers with
	// one while a new bucket is not known everywhere.
	mostConnections = 10
)

// The limits of an answer that a person waits for, such as a session of STS. The SDK tries
// three times, so an endpoint that sends nothing, or too slowly, ends after a minute.
const (
	promptTime = 20 * time.Second
	mostPrompt = 4 << 20
)

// A SlowError says that an answer did not come in time. It is a timeout to the SDK,
// which repeats the request, and no deadline of the caller's.
type SlowError struct{ Limit time.Duration }

func (e *SlowError) Error() string {
	return fmt.Sprintf("AWS sent no complete response within %s", e.Limit)
}

// Timeout implements [net.Error].
func (e *SlowError) Timeout() bool { return true }

// Temporary implements [net.Error].
func (e *SlowError) Temporary() bool { return true }

// ErrLargeAnswer is the error of a response that no service of AWS sends.
var ErrLargeAnswer = errors.New("the response is larger than any of AWS: check AWS_ENDPOINT_URL, endpoint_url and proxies")

// ErrManyRedirects is the error of an endpoint that redirects without end.
var ErrManyRedirects = errors.New("the endpoint redirects again and again: check AWS_ENDPOINT_URL, endpoint_url and proxies")

// limits are those of one answer.
type limits struct {
	header, body time.Duration
	size         int64
}

// bounded is a client whose answers have limits. An endpoint that sends nothing, or
// never stops, ends in an error.
type bounded struct {
	next aws.HTTPClient
	limits
}

// Do implements [aws.HTTPClient].
func (b bounded) Do(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	header := b.header
	if r.Body != nil && (r.ContentLength < 0 || r.ContentLength > mostInMemory) {
		header = max(header, uploadTime)
	}
	late := time.AfterFunc(header, func() { cancel(&SlowError{header}) })
	connections := 0
	hops := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{ // its hooks are called one after the other
		GetConn: func(string) {
			if connections++; connections > mostConnections {
				cancel(ErrManyRedirects)
			}
		},
		GotConn: func(got httptrace.GotConnInfo) {
			if connections > mostConnections { // an idle connection can be there before the cancellation is seen
				_ = got.Conn.Close()
			}
		},
	})
	answer, err := b.next.Do(r.WithContext(hops))
	if err != nil {
		late.Stop()
		defer cancel(nil)
		return answer, slow(ctx, err)
	}
	late.Stop()
	late = time.AfterFunc(b.body, func() { cancel(&SlowError{b.body}) })
	answer.Body = &boundedBody{from: answer.Body, left: b.size, ctx: ctx, end: func() { late.Stop(); cancel(nil) }}
	return answer, nil
}

// slow returns the limit that ended a request, else the error itself.
func slow(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), ErrManyRedirects) {
		return ErrManyRedirects
	}
	var late *SlowError
	if errors.As(context.Cause(ctx), &late) {
		return late
	}
	if netfault.IsPermanent(err) {
		return permanent{err}
	}
	return err
}

// A permanent error is one that the SDK does not repeat the request for: a certificate that
// is not trusted now is not trusted seconds later.
type permanent struct{ error }

// RetryableError is what the SDK's [retry.RetryableError] looks for.
func (permanent) RetryableError() bool { return false }

// Unwrap returns the error of the request.
func (p permanent) Unwrap() error { return p.error }

// A boundedBody is the body of an answer.
type boundedBody struct {
	from io.ReadCloser
	left int64
	ctx  context.Context
	end  func() // of the deadline
}

// Read implements [io.Reader].
func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, ErrLargeAnswer
	}
	if err != nil && err != io.EOF {
		err = slow(b.ctx, err)
	}
	return n, err
}

// Close implements [io.Closer].
func (b *boundedBody) Close() error {
	b.end()
	return b.from.Close()
}
