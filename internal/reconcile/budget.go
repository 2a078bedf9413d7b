package reconcile

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// stepTimeout is how long a step may take after its start: until its write is visible
// or AWS stops throttling.
const stepTimeout = 10 * time.Second

// reserve is the part of an invocation's time that is kept for the step in progress,
// notifications and the log: at most a third of a short one.
const reserve = 20 * time.Second

// budget limits the time in which steps are started. The next run plans the remaining
// ones again, so that nothing has to be saved.
func (f *Function) budget(ctx context.Context) (context.Context, context.CancelFunc) {
	end, limited := ctx.Deadline()
	if !limited {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, end.Add(-min(reserve, time.Until(end)/3)))
}

// until sends requests until a deadline.
type until struct {
	next aws.HTTPClient
	end  time.Time
}

// Do implements aws.HTTPClient. The SDK does not retry its error.
func (u until) Do(r *http.Request) (*http.Response, error) {
	if time.Now().After(u.end) {
		return nil, &aws.RequestCanceledError{Err: errStopped}
	}
	return u.next.Do(r)
}
