package fleet

import (
	"bytes"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// Transport returns an HTTP client for the SDK that limits the time and the size of
// each answer, and sends each request body in one piece. The SDK's clients that use it share its connections. A nil next
// stands for the SDK's default client.
//
// The SDK closes the body of a request when the response begins. net/http may
// still have to check whether more of the body follows; it then reads an error,
// closes the connection, and loses the rest of the response. The SDK repeats such
// a request although AWS has already carried it out. This happens when the
// response is very fast, as on the loopback interface. A body in memory is
// written at once and never read again.
func Transport(next aws.HTTPClient) aws.HTTPClient {
	return within(next, limits{headerTime, bodyTime, mostInReply})
}

// PromptTransport is a [Transport] for small answers that a person waits for: its limits
// are much lower.
func PromptTransport(next aws.HTTPClient) aws.HTTPClient {
	return within(next, limits{promptTime, promptTime, mostPrompt})
}

func within(next aws.HTTPClient, l limits) aws.HTTPClient {
	if next == nil {
		next = awshttp.NewBuildableClient()
	}
	if own, ok := next.(*awshttp.BuildableClient); ok {
		// Every account of a partition has the same host.
		next = own.WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = t.MaxIdleConns })
	}
	return whole{bounded{next, l}}
}

// mostInMemory is more than the size of any request except an upload to S3.
const mostInMemory = 1 << 20

type whole struct{ next aws.HTTPClient }

// Do implements [aws.HTTPClient].
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
