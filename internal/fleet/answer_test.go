package fleet

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// get returns what a bounded client reads of the server's answer.
func get(t *testing.T, l limits, serve http.HandlerFunc) (string, error) {
	t.Helper()
	server := httptest.NewServer(serve)
	t.Cleanup(server.Close)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := bounded{server.Client(), l}.Do(r)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(answer.Body)
	return string(text), errors.Join(err, answer.Body.Close())
}

// silent sends the header and then, until the client leaves, nothing.
func silent(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

func TestAnswersEndInTime(t *testing.T) {
	ample := limits{time.Minute, time.Minute, 100}
	if text, err := get(t, ample, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", 100)) }); err != nil || len(text) != 100 {
		t.Errorf("an ordinary answer: %d bytes, %v", len(text), err)
	}
	for _, row := range []struct {
		about string
		limits
		serve http.HandlerFunc
	}{
		{"no header", limits{50 * time.Millisecond, time.Minute, 100}, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
		{"no body", limits{time.Minute, 50 * time.Millisecond, 100}, silent},
		{"one byte at a time", limits{time.Minute, 50 * time.Millisecond, 1 << 20}, func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, "x")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(time.Millisecond)
			}
		}},
	} {
		_, err := get(t, row.limits, row.serve)
		var network net.Error
		if !errors.As(err, &network) || !network.Timeout() || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", row.about, err)
		}
	}
}

func TestAnswersHaveALargestSize(t *testing.T) {
	_, err := get(t, limits{time.Minute, time.Minute, 1 << 20}, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write(make([]byte, 1<<16))
		}
	})
	if !errors.Is(err, ErrLargeAnswer) {
		t.Errorf("an answer without end: %v", err)
	}
}

func TestAnEndpointCannotRedirectWithoutEnd(t *testing.T) {
	for status, most := range map[int]int32{http.StatusTemporaryRedirect: mostConnections, http.StatusPermanentRedirect: mostConnections, http.StatusFound: 1} {
		var requests atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			http.Redirect(w, r, "/again", status)
		}))
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader("Action=GetUser"))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := Transport(nil).Do(r)
		switch {
		case err == nil && answer.StatusCode == status && status == http.StatusFound:
			_ = answer.Body.Close()
		case !errors.Is(err, ErrManyRedirects):
			t.Errorf("%d: %v", status, err)
		}
		if n := requests.Load(); n > most {
			t.Errorf("%d: %d requests", status, n)
		}
		server.Close()
	}
}

func TestOneRedirectIsFollowed(t *testing.T) {
	text, err := get(t, limits{time.Minute, time.Minute, 100}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/there", http.StatusTemporaryRedirect)
			return
		}
		_, _ = io.WriteString(w, "here")
	})
	if err != nil || text != "here" {
		t.Errorf("%q, %v", text, err)
	}
}

// A caller that gives up gets its own error.
func TestCancelIsNoTimeout(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Transport(awshttp.NewBuildableClient()).Do(r); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// Every client of the SDK over a [Transport] has the limits.
func TestTransportLimitsAnswers(t *testing.T) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://sts.amazonaws.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := Transport(endlessAnswer{}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(answer.Body, 2*mostInReply)); !errors.Is(err, ErrLargeAnswer) {
		t.Errorf("%v", err)
	}
	w, _ := Transport(nil).(whole)
	if b, ok := w.next.(bounded); !ok || b.header <= 0 || b.body <= 0 {
		t.Error("no deadline")
	}
}

// The SDK repeats a request whose connection was refused, since the service may be starting,
// and not one to an endpoint that it cannot trust.
func TestARequestToAnUntrustedEndpointIsNotRepeated(t *testing.T) {
	untrusted, plain, gone := httptest.NewTLSServer(nil), httptest.NewServer(nil), httptest.NewServer(nil)
	defer untrusted.Close()
	defer plain.Close()
	gone.Close()
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	for address, want := range map[string]bool{
		untrusted.URL: false,
		"https://" + strings.TrimPrefix(plain.URL, "http://"): false,
		gone.URL: true,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := Transport(nil).Do(r)
		if err == nil {
			_ = answer.Body.Close()
		}
		if got := retry.NewStandard().IsErrorRetryable(&smithyhttp.RequestSendError{Err: err}); got != want {
			t.Errorf("%s: repeated: %v, want %v (%v)", address, got, want, err)
		}
	}
}

// endlessAnswer is a transport whose answers never end.
type endlessAnswer struct{}

func (endlessAnswer) Do(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r, Body: io.NopCloser(spaces{})}, nil
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) { return len(p), nil }

// A person does not wait for minutes: the SDK tries three times.
func TestAnswersThatAPersonWaitsForHaveLowerLimits(t *testing.T) {
	w, _ := PromptTransport(nil).(whole)
	if b, ok := w.next.(bounded); !ok || b.header <= 0 || 3*b.header > time.Minute || b.body <= 0 || 3*b.body > time.Minute || b.size <= 0 || b.size > 4<<20 {
		t.Errorf("%+v", w.next)
	}
}
