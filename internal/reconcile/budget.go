package reconcile

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// patience is how long a step may take once it is begun: for its write to be
// seen, or AWS to be throttled.
const patience = 10 * time.Second

// reserve is what of an invocation's time is kept for the step in flight, for
// what is said and for the log; of a short one a third.
const reserve = 20 * time.Second

// budget is the time in which steps are begun. What it does not suffice for is
// planned again by the next run, so nothing need be kept of it.
func (f *Function) budget(ctx context.Context) (context.Context, context.CancelFunc) {
	end, limited := ctx.Deadline()
	if !limited {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, end.Add(-min(reserve, time.Until(end)/3)))
}

// until sends requests until a time.
type until struct {
	next aws.HTTPClient
	end  time.Time
}

// Do is the aws.HTTPClient. Its error is one that the SDK does not try again.
func (u until) Do(r *http.Request) (*http.Response, error) {
	if time.Now().After(u.end) {
		return nil, &aws.RequestCanceledError{Err: errStopped}
	}
	return u.next.Do(r)
}
