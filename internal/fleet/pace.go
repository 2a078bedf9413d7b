package fleet

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/time/rate"
)

const (
	attempts   = 9
	maxBackoff = 20 * time.Second
)

// A pace is the token buckets of one account, one for each service, and of
// Organizations one for each operation: the quotas of AWS are of that kind, and
// the many sessions that the caller's account hands out must not slow down what is
// read in it.
type pace struct {
	perSecond float64 // as Options.Rate

	mu      sync.Mutex
	buckets map[quota]*rate.Limiter
}

// A quota is what a bucket is for.
type quota struct {
	service   string // the SDK's ID
	operation string // empty: all
}

func newPace(perSecond float64) *pace {
	return &pace{perSecond: perSecond, buckets: map[quota]*rate.Limiter{}}
}

// of is the bucket of an operation.
func (p *pace) of(service, operation string) *rate.Limiter {
	q := quota{service: service}
	if service == organizations.ServiceID {
		q.operation = operation
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.buckets[q] == nil {
		p.buckets[q] = bucket(q, p.perSecond)
	}
	return p.buckets[q]
}

// bucket is full at the beginning.
func bucket(q quota, perSecond float64) *rate.Limiter {
	switch {
	case perSecond < 0:
		return rate.NewLimiter(rate.Inf, 0)
	case q.service == organizations.ServiceID:
		b, ok := organizationsQuotas[q.operation]
		if !ok {
			b = leastQuota
		}
		return rate.NewLimiter(b.perSecond, b.burst)
	case perSecond == 0 && q.service == sts.ServiceID:
		perSecond = 100 // of 600. Source: IAM User Guide, "IAM and AWS STS quotas"
	case perSecond == 0:
		perSecond = 20
	}
	return rate.NewLimiter(rate.Limit(perSecond), max(1, int(5*perSecond)))
}

type tokens struct {
	perSecond rate.Limit
	burst     int
}

// organizationsQuotas are those of one account, by operation; leastQuota is the
// lowest that is documented.
// Source: AWS Organizations User Guide, "Quotas for AWS Organizations".
var (
	organizationsQuotas = map[string]tokens{
		"ListAccounts":                     {8, 12},
		"ListAccountsForParent":            {5, 8},
		"ListDelegatedAdministrators":      {5, 8},
		"ListOrganizationalUnitsForParent": {5, 8},
		"ListPolicies":                     {5, 8},
		"ListTagsForResource":              {10, 15},
		"ListTargetsForPolicy":             {5, 8},
		"AttachPolicy":                     {2, 3},
		"CreatePolicy":                     {2, 3},
		"DeletePolicy":                     {2, 3},
		"DescribePolicy":                   {2, 2},
		"DetachPolicy":                     {2, 3},
	}
	leastQuota = tokens{1, 2}
)

// config is the base with a pace and a retryer that all clients made from it
// share, so that the pace is the account's and not the client's.
func (f *Fleet) config(p *pace) aws.Config {
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
		return s.Finalize.Insert(f.pacing(p), "Retry", middleware.After)
	})
	return c
}

// pacing waits for a token before every attempt, and counts it.
func (f *Fleet) pacing(p *pace) middleware.FinalizeMiddleware {
	return middleware.FinalizeMiddlewareFunc("forcemfa/pace", func(
		ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
	) (middleware.FinalizeOutput, middleware.Metadata, error) {
		if err := wait(ctx, p.of(awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx))); err != nil {
			return middleware.FinalizeOutput{}, middleware.Metadata{}, err
		}
		f.calls.Add(1)
		return next.HandleFinalize(ctx, in)
	})
}

// wait takes a token. A deadline that comes before the token does, or that has
// come although its timer has not run yet, is context.DeadlineExceeded at once.
func wait(ctx context.Context, bucket *rate.Limiter) error {
	err := bucket.Wait(ctx)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("%w: the next call that the rate allows comes later", context.DeadlineExceeded)
	}
	return err
}
