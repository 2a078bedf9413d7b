package fleet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// A fleet stops when so many requests in a row had no response for so long. Both must
// hold: many accounts at once lose their connections in the same second, and the SDK's
// retries bridge a short interruption.
const (
	mostUnanswered = 3
	longestSilence = 30 * time.Second
)

// A GoneError says that AWS has not answered any request for a while. After that, the
// fleet sends no request.
type GoneError struct {
	Requests int // in a row, without a response
	For      time.Duration
	Err      error // of the last one
}

func (e *GoneError) Error() string {
	return fmt.Sprintf("AWS does not answer: %d requests in a row had no response within %s: %s", e.Requests, e.For.Round(time.Second), Reason(e.Err))
}

func (e *GoneError) Unwrap() error { return e.Err }

// RetryableError tells the SDK that no attempt follows, although the last error of the
// network could have been repeated.
func (e *GoneError) RetryableError() bool { return false }

// silence counts the requests without a response.
type silence struct {
	mu       sync.Mutex
	requests int
	since    time.Time
	gone     *GoneError
}

// Gone returns a [*GoneError] when AWS no longer answers.
func (f *Fleet) Gone() error {
	f.silence.mu.Lock()
	defer f.silence.mu.Unlock()
	if f.silence.gone != nil {
		return f.silence.gone
	}
	return nil
}

// sent notes the result of an attempt. Every response counts, an error of AWS too.
func (f *Fleet) sent(err error) {
	var send *smithyhttp.RequestSendError
	s := &f.silence
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil || !errors.As(err, &send):
		s.requests = 0
		return
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return
	case s.requests == 0:
		s.since = f.options.Now()
	}
	s.requests++
	if silent := f.options.Now().Sub(s.since); s.gone == nil && s.requests >= mostUnanswered && silent >= longestSilence {
		s.gone = &GoneError{Requests: s.requests, For: silent, Err: err}
	}
}
