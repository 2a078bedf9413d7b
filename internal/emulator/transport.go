package emulator

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// memoryAddress is the source address of calls through the in-memory transport
// and the Go method: an address for documentation (RFC 5737).
const memoryAddress = "192.0.2.1"

// Config returns a client configuration for this cloud with the in-memory
// transport.
func (c *Cloud) Config(creds aws.CredentialsProvider, region string) aws.Config {
	return aws.Config{Region: region, Credentials: creds, HTTPClient: &http.Client{Transport: c.Transport()}}
}

// Transport answers every request from this cloud, whatever its host, without a
// socket. It starts no goroutine, so it works in a testing/synctest bubble.
func (c *Cloud) Transport() http.RoundTripper { return transport{c} }

type transport struct{ cloud *Cloud }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	inner := r.Clone(context.WithValue(r.Context(), clientTime{}, time.Now()))
	inner.RemoteAddr = memoryAddress + ":0"
	if inner.Host == "" {
		inner.Host = r.URL.Host
	}
	if r.Body == nil {
		inner.Body = http.NoBody
	} else {
		defer r.Body.Close()
	}
	var a answer
	t.cloud.ServeHTTP(&a, inner)
	if a.broken != nil {
		return nil, a.broken
	}
	response := a.response(r)
	if a.cut {
		response.Body = io.NopCloser(io.MultiReader(bytes.NewReader(a.half()), endsEarly{}))
	}
	return response, nil
}

// endsEarly is a body whose rest does not come.
type endsEarly struct{}

func (endsEarly) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// clientTime is the key of the time at which a client over the in-memory
// transport made its request, by the clock of this process, with which it signs.
type clientTime struct{}

// signingTime is the time that the signature of a request is compared with, and
// the Date of its answer. It is not moved by [Cloud.Advance]: a client signs with
// its own clock, and a foreign one cannot be told to set it.
func (c *Cloud) signingTime(ctx context.Context) time.Time {
	now := c.clock()
	if t, ok := ctx.Value(clientTime{}).(time.Time); ok {
		now = t
	}
	if e := c.skewed.Load(); e != nil {
		now = now.Add(e.Skew(c.Now()))
	}
	return now.UTC()
}

// An answer collects a response.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
	broken error // instead of an answer
	cut    bool  // the body ends early
}

func (a *answer) Header() http.Header {
	if a.header == nil {
		a.header = http.Header{}
	}
	return a.header
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

func (a *answer) response(r *http.Request) *http.Response {
	a.WriteHeader(http.StatusOK)
	body := a.body.Bytes()
	if r.Method == http.MethodHead {
		body = nil
	}
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)),
		StatusCode:    a.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        a.Header(),
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
		Request:       r,
	}
}
