package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"forcemfa/internal/view"
)

// attemptTimeout limits one request. Slack answers in well under a second.
const attemptTimeout = 15 * time.Second

// The delays between attempts, before jitter.
const (
	firstDelay = time.Second
	mostDelay  = 30 * time.Second
)

// reserve is the part of a context's deadline that is kept for other work.
const reserve = 5 * time.Second

// A retrier sends HTTP requests with retries within a budget.
type retrier struct {
	client *http.Client
	budget time.Duration
	now    func() time.Time
	sleep  func(context.Context, time.Duration) error
	random func() float64 // in [0,1)
}

// A response is the response of a server.
type response struct {
	status int
	header http.Header
	body   string // the first part of it
}

// A result is the result of one attempt.
type result struct {
	err   error         // nil: delivered
	again bool          // whether another attempt may succeed
	after time.Duration // the wait that the server requests; zero: none
}

// deliver sends the request from build until judge reports success or a
// permanent error, or until the budget is used up. Errors contain no URL,
// because some URLs are secret.
func (c *retrier) deliver(ctx context.Context, build func(context.Context) (*http.Request, error), judge func(*response) result) error {
	return c.retry(ctx, func() result {
		request, err := build(ctx)
		if err != nil {
			return result{err: withoutURL(err)}
		}
		got, err := c.send(request)
		if err != nil {
			return result{err: err, again: ctx.Err() == nil}
		}
		return judge(got)
	})
}

// retry makes attempts within the budget.
func (c *retrier) retry(ctx context.Context, attempt func() result) error {
	until := c.until(ctx)
	delay := firstDelay
	for n := 1; ; n++ {
		v := attempt()
		if v.err == nil || !v.again {
			return v.err
		}
		wait := v.after
		if wait == 0 { // full jitter
			wait = time.Duration(c.random() * float64(delay))
			delay = min(2*delay, mostDelay)
		}
		if c.now().Add(wait).After(until) {
			return fmt.Errorf("%w (attempt %d; no time for another)", v.err, n)
		}
		if err := c.sleep(ctx, wait); err != nil {
			return fmt.Errorf("%w (attempt %d, then %w)", v.err, n, err)
		}
	}
}

// until returns the latest time for an attempt to begin.
func (c *retrier) until(ctx context.Context) time.Time {
	until := c.now().Add(c.budget)
	if deadline, ok := ctx.Deadline(); ok && deadline.Add(-reserve).Before(until) {
		return deadline.Add(-reserve)
	}
	return until
}

// mostBody exceeds the size of any useful response.
const mostBody = 64 << 10

func (c *retrier) send(request *http.Request) (*response, error) {
	got, err := c.client.Do(request)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer got.Body.Close()
	body, err := io.ReadAll(io.LimitReader(got.Body, mostBody))
	if err != nil {
		return nil, fmt.Errorf("read the response: %w", withoutURL(err))
	}
	return &response{status: got.StatusCode, header: got.Header, body: string(body)}, nil
}

// withoutURL removes the URL from an error of net/http or net/url, which put it
// first.
func withoutURL(err error) error {
	var of *url.Error
	if !errors.As(err, &of) {
		return err
	}
	if of.Timeout() {
		return errors.New("no response in time")
	}
	return of.Err
}

// commonStatus judges statuses that mean the same for every HTTP server. done is
// false where the status alone does not decide.
func (c *retrier) commonStatus(who string, a *response) (v result, done bool) {
	switch {
	case a.status == http.StatusTooManyRequests:
		return result{fmt.Errorf("%s limits the request rate (HTTP 429)", who), true, c.retryAfter(a)}, true
	case a.status >= 500, a.status == http.StatusRequestTimeout, a.status == http.StatusTooEarly:
		return result{fmt.Errorf("%s has a server error (HTTP %d)", who, a.status), true, c.retryAfter(a)}, true
	case a.status >= 300 && a.status < 400:
		return result{err: fmt.Errorf("%s redirects (HTTP %d), and redirects are not followed", who, a.status)}, true
	}
	return result{}, false
}

// retryAfter returns the wait that the server requests, in seconds or as a date
// (RFC 9110, section 10.2.3): at least a second if there is one.
func (c *retrier) retryAfter(a *response) time.Duration {
	text := strings.TrimSpace(a.header.Get("Retry-After"))
	if text == "" {
		return 0
	}
	wait := time.Second
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		wait = time.Duration(min(max(seconds, 0), 1e6) * float64(time.Second))
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(c.now())
	} else {
		return 0
	}
	return max(wait, time.Second)
}

// quote returns a short part of a response for an error, without the secrets.
func quote(text string, secrets ...string) string {
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "[secret]")
		}
	}
	text = view.Clean(strings.Join(strings.Fields(text), " "))
	if text == "" {
		return "without a message"
	}
	const most = 120
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}
