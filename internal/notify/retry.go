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

// attemptTimeout is how long one request may take. Slack answers in well under
// a second.
const attemptTimeout = 15 * time.Second

// The delays between attempts, before jitter.
const (
	firstDelay = time.Second
	mostDelay  = 30 * time.Second
)

// reserve is what is left of a context's deadline for everything else.
const reserve = 5 * time.Second

// A retrier sends HTTP requests, again and again within its budget.
type retrier struct {
	client *http.Client
	budget time.Duration
	now    func() time.Time
	sleep  func(context.Context, time.Duration) error
	random func() float64 // in [0,1)
}

// An answer is of a server.
type response struct {
	status int
	header http.Header
	body   string // its beginning
}

// A result is on one attempt.
type result struct {
	err   error         // nil: it arrived
	again bool          // whether another attempt may do better
	after time.Duration // which the server asked to wait; zero: it did not
}

// deliver sends what build makes until judge says that it arrived or that it
// never will, or until the budget is used up. Errors hold no URL: for some, the
// URL is the secret.
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

// repeat makes attempts within the budget.
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
			return fmt.Errorf("%w (attempt %d, and no time for another one)", v.err, n)
		}
		if err := c.sleep(ctx, wait); err != nil {
			return fmt.Errorf("%w (attempt %d, then %w)", v.err, n, err)
		}
	}
}

// until is when the last attempt may begin.
func (c *retrier) until(ctx context.Context) time.Time {
	until := c.now().Add(c.budget)
	if deadline, ok := ctx.Deadline(); ok && deadline.Add(-reserve).Before(until) {
		return deadline.Add(-reserve)
	}
	return until
}

// mostBody is more than any answer that is worth repeating.
const mostBody = 64 << 10

func (c *retrier) send(request *http.Request) (*response, error) {
	got, err := c.client.Do(request)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer got.Body.Close()
	body, err := io.ReadAll(io.LimitReader(got.Body, mostBody))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", withoutURL(err))
	}
	return &response{status: got.StatusCode, header: got.Header, body: string(body)}, nil
}

// withoutURL takes the URL out of an error of net/http or net/url, which name it
// first.
func withoutURL(err error) error {
	var of *url.Error
	if !errors.As(err, &of) {
		return err
	}
	if of.Timeout() {
		return errors.New("no answer in time")
	}
	return of.Err
}

// busy judges what every HTTP server means by its status. done is false where
// the status alone does not decide.
func (c *retrier) commonStatus(who string, a *response) (v result, done bool) {
	switch {
	case a.status == http.StatusTooManyRequests:
		return result{fmt.Errorf("%s asks for fewer requests (HTTP 429)", who), true, c.retryAfter(a)}, true
	case a.status >= 500, a.status == http.StatusRequestTimeout, a.status == http.StatusTooEarly:
		return result{fmt.Errorf("%s is not well (HTTP %d)", who, a.status), true, c.retryAfter(a)}, true
	case a.status >= 300 && a.status < 400:
		return result{err: fmt.Errorf("%s points elsewhere (HTTP %d), where nothing is sent", who, a.status)}, true
	}
	return result{}, false
}

// retryAfter is what the server asks for: seconds, or a date (RFC 9110, section
// 10.2.3). It is at least a second where it asks at all.
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

// quote is a short piece of an answer for an error, without the secrets.
func quote(text string, secrets ...string) string {
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "[secret]")
		}
	}
	text = view.Clean(strings.Join(strings.Fields(text), " "))
	if text == "" {
		return "without a word"
	}
	const most = 120
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}
