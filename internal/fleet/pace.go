package fleet

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/time/rate"
)

const (
	attempts   = 9
	maxBackoff = 20 * time.Second
)

// accountPace is the token bucket of one account: rate as in [Options].
func accountPace(perSecond float64) *rate.Limiter {
	if perSecond < 0 {
		return rate.NewLimiter(rate.Inf, 0)
	}
	if perSecond == 0 {
		perSecond = 20
	}
	return rate.NewLimiter(rate.Limit(perSecond), max(1, int(5*perSecond)))
}

// organizationsPace lets a small organization through in one burst and keeps a
// large one below the quotas of Organizations, of which the common ones begin
// at 5 a second. Source: Organizations User Guide, "Quotas".
func organizationsPace(perSecond float64) *rate.Limiter {
	if perSecond < 0 {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(5, 50)
}

// config is the base with a pace and a retryer that all clients made from it
// share, so that the pace is the account's and not the client's.
func (f *Fleet) config(pace *rate.Limiter) aws.Config {
	c := f.base.Copy()
	// The standard retryer waits between nothing and the doubled delay (full
	// jitter) and takes IAM's quota error, LimitExceeded, as final; the
	// throttling codes it repeats are others.
	retryer := retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.MaxBackoff = maxBackoff
	})
	c.Retryer = func() aws.Retryer { return retryer }
	c.APIOptions = append(append([]func(*middleware.Stack) error{}, c.APIOptions...), func(s *middleware.Stack) error {
		return s.Finalize.Insert(f.pacing(pace), "Retry", middleware.After)
	})
	return c
}

// pacing waits for a token before every attempt, and counts it.
func (f *Fleet) pacing(pace *rate.Limiter) middleware.FinalizeMiddleware {
	return middleware.FinalizeMiddlewareFunc("forcemfa/pace", func(
		ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
	) (middleware.FinalizeOutput, middleware.Metadata, error) {
		if err := pace.Wait(ctx); err != nil {
			return middleware.FinalizeOutput{}, middleware.Metadata{}, err
		}
		f.calls.Add(1)
		return next.HandleFinalize(ctx, in)
	})
}
