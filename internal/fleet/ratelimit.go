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

// rateLimits holds the token buckets of one account: one for each service, one for
// each operation of Organizations, and one for each Region of CloudTrail's
// LookupEvents, as AWS defines its quotas. The many AssumeRole calls in the caller's account thus do not slow down other calls there.
type rateLimits struct {
	perSecond float64 // as Options.Rate

	mu      sync.Mutex
	buckets map[quota]*rate.Limiter
}

// A quota identifies a bucket.
type quota struct {
	service   string // the SDK's ID
	operation string // empty: all
	region    string // likewise
}

// lookups is the quota of LookupEvents in each Region.
// Source: CloudTrail API Reference, LookupEvents: "two per second, per account, per
// Region".
const lookups = 2

func newRateLimits(perSecond float64) *rateLimits {
	return &rateLimits{perSecond: perSecond, buckets: map[quota]*rate.Limiter{}}
}

// limiter returns the bucket of an operation.
func (p *rateLimits) limiter(service, operation, region string) *rate.Limiter {
	q := quota{service: service}
	switch {
	case service == organizations.ServiceID:
		q.operation = operation
	case operation == "LookupEvents":
		q.operation, q.region = operation, region
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.buckets[q] == nil {
		p.buckets[q] = bucket(q, p.perSecond)
	}
	return p.buckets[q]
}

// bucket returns a new, full bucket.
func bucket(q quota, perSecond float64) *rate.Limiter {
	switch {
	case perSecond < 0:
		return rate.NewLimiter(rate.Inf, 0)
	case q.service == organizations.ServiceID:
		b, ok := organizationsQuotas[q.operation]
		if !ok {
			b = lowestQuota
		}
		return rate.NewLimiter(b.perSecond, b.burst)
	case q.operation == "LookupEvents":
		return rate.NewLimiter(lookups, 1)
	case perSecond == 0 && q.service == sts.ServiceID:
		perSecond = 100 // of 600. Source: IAM User Guide, "IAM and AWS STS quotas"
	case perSecond == 0:
		perSecond = 20
	}
	return rate.NewLimiter(rate.Limit(perSecond), max(1, int(5*perSecond)))
}

type bucketSize struct {
	perSecond rate.Limit
	burst     int
}

// organizationsQuotas are the quotas of one account by operation; lowestQuota is
// the lowest documented one and applies to the other operations.
// Source: AWS Organizations User Guide, "Quotas for AWS Organizations".
var (
	organizationsQuotas = map[string]bucketSize{
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
	lowestQuota = bucketSize{1, 2}
)

// config returns the base config with rate limits and a retryer that all its
// clients share: the limits are those of the account.
func (f *Fleet) config(p *rateLimits) aws.Config {
	c := f.base.Copy()
	// The standard retryer waits a random time up to the doubled delay (full
	// jitter). It repeats throttling errors, not IAM's quota error LimitExceeded.
	retryer := retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.MaxBackoff = maxBackoff
	})
	c.Retryer = func() aws.Retryer { return retryer }
	c.APIOptions = append(append([]func(*middleware.Stack) error{}, c.APIOptions...), func(s *middleware.Stack) error {
		return s.Finalize.Insert(f.limitRate(p), "Retry", middleware.After)
	})
	return c
}

// limitRate waits for a token before every attempt and counts the attempt.
func (f *Fleet) limitRate(p *rateLimits) middleware.FinalizeMiddleware {
	return middleware.FinalizeMiddlewareFunc("forcemfa/ratelimit", func(
		ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
	) (middleware.FinalizeOutput, middleware.Metadata, error) {
		if err := wait(ctx, p.limiter(awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx), awsmiddleware.GetRegion(ctx))); err != nil {
			return middleware.FinalizeOutput{}, middleware.Metadata{}, err
		}
		if err := f.Gone(); err != nil {
			return middleware.FinalizeOutput{}, middleware.Metadata{}, err
		}
		f.calls.Add(1)
		out, metadata, err := next.HandleFinalize(ctx, in)
		f.sent(err)
		return out, metadata, err
	})
}

// wait takes a token. When the deadline is earlier than the next token, it returns
// context.DeadlineExceeded at once.
func wait(ctx context.Context, bucket *rate.Limiter) error {
	err := bucket.Wait(ctx)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("%w: the rate limit delays the next call past the deadline", context.DeadlineExceeded)
	}
	return err
}
