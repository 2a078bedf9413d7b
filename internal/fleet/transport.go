package fleet

import (
	"bytes"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// Transport is a client for the SDK that sends a request in one piece. All the
// SDK's clients that have it share its connections. Over nil it is one of its own.
//
// The SDK closes a request's body when the answer begins. net/http may not have
// looked yet whether anything follows that body; what it then gets is an error,
// upon which it closes the connection, and the rest of the answer is lost. So an
// answer that is quick enough, as on the loopback interface, is asked for again,
// though what it answers was done. A body that rests in memory is written at once,
// and is not looked at afterwards.
func Transport(next aws.HTTPClient) aws.HTTPClient {
	if next == nil {
		next = awshttp.NewBuildableClient()
	}
	if own, ok := next.(*awshttp.BuildableClient); ok {
		// Every account of a partition has the same host.
		next = own.WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = t.MaxIdleConns })
	}
	return whole{next}
}

// mostInMemory is more than any request but that of a large object.
const mostInMemory = 1 << 20

type whole struct{ next aws.HTTPClient }

// Do is the aws.HTTPClient.
func (w whole) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.ContentLength <= 0 || r.ContentLength > mostInMemory {
		return w.next.Do(r)
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	body := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
	sent := r.WithContext(r.Context())
	sent.Body, _ = body()
	sent.GetBody = body // net/http sends it again where the connection was closed before
	return w.next.Do(sent)
}
