// Package fleet provides one aws.Config for each account of an organization. It
// discovers the accounts, assumes a role in each, retries requests, and limits
// the request rate of each account.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"forcemfa/policy/arn"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// Options select the accounts and the role to assume in them. The zero value
// selects every account and the role that Organizations creates in new accounts.
type Options struct {
	RoleName    string        // with its path, if it has one; empty: OrganizationAccountAccessRole
	ExternalID  string        // sent with AssumeRole; empty: none
	SessionName string        // of the role sessions; empty: forcemfa
	Duration    time.Duration // of the role sessions, 15 minutes to 12 hours; zero: one hour, the most that a chained session may have
	Concurrency int           // accounts at once; zero: 20

	// An account must match every non-empty filter and none of the Not filters.
	Accounts    []string // IDs; empty: all
	NotAccounts []string // IDs
	OUs         []string // IDs or names of organizational units, units below them included; empty: all
	NotOUs      []string // as OUs
	Tags        []string // KEY=VALUE or KEY; the account has at least one of them; empty: all
	NotTags     []string // as Tags

	// OwnRole also assumes the role in the caller's own account, where the caller's own
	// rights are used otherwise.
	OwnRole bool

	// Rate limits the requests per second to each service of an account, after a
	// burst of five seconds' worth; zero: 20, and 100 for STS; negative: no limit.
	// Requests to Organizations follow its documented quotas, unless there is no
	// limit. IAM documents no rate, and its limit is shared by all callers in the
	// account.
	Rate float64
	// Now is the clock for the expiry of role sessions; nil: time.Now.
	Now func() time.Time
}

// A Fleet gives one identity access to the accounts of an organization. It is
// safe for concurrent use.
type Fleet struct {
	base          aws.Config
	options       Options
	organizations aws.Config // the caller's, with the rate limits of Organizations
	guessed       bool       // base had no Region
	calls         atomic.Int64
	silence       silence

	identifying chan struct{} // a lock whose waiters can be canceled
	caller      *caller

	mu          sync.Mutex
	connections map[string]*connection // of the most recently used accounts
	entries     int64                  // so far
}

// A caller is the identity that started the run.
type caller struct {
	account   string
	arn       arn.ARN
	partition string
}

// defaultRegion is used when no Region is configured. It is the home Region of
// IAM and Organizations in partition aws; credentials do not show their partition.
const defaultRegion = "us-east-1"

// New returns a fleet that uses the credentials, endpoints and transport of
// base. It makes no request.
func New(base aws.Config, o Options) (*Fleet, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	o.RoleName = strings.TrimPrefix(o.RoleName, "/")
	if o.RoleName == "" {
		o.RoleName = "OrganizationAccountAccessRole"
	}
	if o.SessionName == "" {
		o.SessionName = "forcemfa"
	}
	if o.Duration == 0 {
		o.Duration = time.Hour
	}
	if o.Concurrency <= 0 {
		o.Concurrency = 20 // most of an account's time is waiting, for its credential report above all
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	f := &Fleet{base: base.Copy(), options: o, identifying: make(chan struct{}, 1), connections: map[string]*connection{}}
	if f.base.Region == "" {
		f.base.Region = defaultRegion
		f.guessed = true
	}
	f.organizations = f.config(newRateLimits(o.Rate))
	return f, nil
}

// The shortest and longest session of a role. Source: AWS STS API Reference,
// AssumeRole, DurationSeconds.
const (
	shortestSession = 15 * time.Minute
	longestSession  = 12 * time.Hour
)

// check rejects options that can only be typing mistakes.
func (o *Options) check() error {
	for _, id := range append(append([]string{}, o.Accounts...), o.NotAccounts...) {
		if !arn.IsAccountID(id) {
			return fmt.Errorf("account %q: an account ID has 12 digits", id)
		}
	}
	for _, t := range append(append([]string{}, o.Tags...), o.NotTags...) {
		if key, _, _ := strings.Cut(t, "="); strings.TrimSpace(key) == "" {
			return fmt.Errorf("account tag %q: want KEY=VALUE or KEY", t)
		}
	}
	if d := o.Duration; d != 0 && (d < shortestSession || d > longestSession || d%time.Second != 0) {
		return fmt.Errorf("session duration %s: want 15m to 12h in whole seconds", d)
	}
	return nil
}

// Concurrency returns how many accounts to work on at the same time.
func (f *Fleet) Concurrency() int { return f.options.Concurrency }

// Role returns the name of the role to assume, without its path's first slash.
func (f *Fleet) Role() string { return f.options.RoleName }

// Calls returns the number of requests sent so far, retries included.
func (f *Fleet) Calls() int64 { return f.calls.Load() }

// Now returns the time of the fleet's clock.
func (f *Fleet) Now() time.Time { return f.options.Now() }

// Identify returns the ARN of the caller. It calls sts:GetCallerIdentity once.
// An error means that the credentials, the Region or the network do not work.
func (f *Fleet) Identify(ctx context.Context) (id arn.ARN, err error) {
	c, err := f.identify(ctx)
	if err != nil {
		return arn.ARN{}, err
	}
	return c.arn, nil
}

func (f *Fleet) identify(ctx context.Context) (*caller, error) {
	select {
	case f.identifying <- struct{}{}:
		defer func() { <-f.identifying }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if f.caller != nil {
		return f.caller, nil
	}
	// Few attempts, so that a run without a network fails soon.
	client := sts.NewFromConfig(f.organizations, func(o *sts.Options) { o.RetryMaxAttempts = 3 })
	out, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, f.unidentified(err)
	}
	id, err := arn.Parse(aws.ToString(out.Arn))
	if err != nil {
		return nil, fmt.Errorf("sts:GetCallerIdentity: %w", err)
	}
	if !arn.IsAccountID(aws.ToString(out.Account)) {
		return nil, errors.New("sts:GetCallerIdentity: the response has no account ID")
	}
	f.caller = &caller{account: *out.Account, arn: id, partition: id.Partition}
	return f.caller, nil
}

func (f *Fleet) unidentified(err error) error {
	var api smithy.APIError
	if f.guessed && errors.As(err, &api) && api.ErrorCode() == "InvalidClientTokenId" {
		return fmt.Errorf("identify the caller (sts:GetCallerIdentity in %s; set a region for credentials of GovCloud, China or another partition): %w", f.base.Region, err)
	}
	return fmt.Errorf("identify the caller (sts:GetCallerIdentity in %s): %w", f.base.Region, err)
}
