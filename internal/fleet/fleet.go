// Package fleet gives one aws.Config per account of an organization: it
// discovers the accounts, assumes a role in each, retries, and keeps to a
// request rate per account.
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

// Options say which accounts to enter and how. The zero value is every account
// of the organization by the role that Organizations makes.
type Options struct {
	RoleName    string        // with its path, if it has one; empty: OrganizationAccountAccessRole
	ExternalID  string        // sent with AssumeRole; empty: none
	SessionName string        // of the role sessions; empty: forcemfa
	Duration    time.Duration // of the role sessions, 15 minutes to 12 hours; zero: one hour, the most that a chained session may have
	Concurrency int           // accounts at once; zero: 20

	// What is not empty must select an account, and what says not must not.
	Accounts    []string // IDs; empty: all
	NotAccounts []string // IDs
	OUs         []string // IDs or names of organizational units, the ones below included; empty: all
	NotOUs      []string // as OUs
	Tags        []string // of accounts, KEY=VALUE or KEY, of which one is there; empty: all
	NotTags     []string // as Tags

	// Rate is how many requests a second one account gets from each service, after
	// a burst of five seconds' worth; zero: 20, and 100 of STS; negative: no limit.
	// Organizations gets what its documented quotas allow, unless there is no limit.
	// IAM has no documented rate, and shares it with everybody who works in the
	// account.
	Rate float64
	// Now is the clock that role sessions expire by; nil: time.Now.
	Now func() time.Time
}

// A Fleet is the accounts of an organization as one identity can enter them.
// It is safe for concurrent use.
type Fleet struct {
	base          aws.Config
	options       Options
	organizations aws.Config // the caller's, with the pace of Organizations
	guessed       bool       // the region: base had none
	calls         atomic.Int64

	identifying chan struct{} // a lock that a context can leave
	caller      *caller

	mu      sync.Mutex
	members map[string]*member // of the accounts that were entered last
	entries int64              // so far
}

// A caller is the identity that the run started with.
type caller struct {
	account   string
	arn       arn.ARN
	partition string
}

// defaultRegion serves where none is set: IAM and Organizations are at home
// there in the partition aws. Other partitions cannot be told from credentials.
const defaultRegion = "us-east-1"

// New is a fleet that starts with the credentials, endpoints and transport of
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
	f := &Fleet{base: base.Copy(), options: o, identifying: make(chan struct{}, 1), members: map[string]*member{}}
	if f.base.Region == "" {
		f.base.Region = defaultRegion
		f.guessed = true
	}
	f.organizations = f.config(newPace(o.Rate))
	return f, nil
}

// The shortest and longest session of a role. Source: AWS STS API Reference,
// AssumeRole, DurationSeconds.
const (
	shortestSession = 15 * time.Minute
	longestSession  = 12 * time.Hour
)

// check refuses options that can only be typing mistakes.
func (o *Options) check() error {
	for _, id := range append(append([]string{}, o.Accounts...), o.NotAccounts...) {
		if !arn.IsAccountID(id) {
			return fmt.Errorf("account %q: an account ID has 12 digits", id)
		}
	}
	for _, t := range append(append([]string{}, o.Tags...), o.NotTags...) {
		if key, _, _ := strings.Cut(t, "="); strings.TrimSpace(key) == "" {
			return fmt.Errorf("tag %q of accounts: want KEY=VALUE or KEY", t)
		}
	}
	if d := o.Duration; d != 0 && (d < shortestSession || d > longestSession || d%time.Second != 0) {
		return fmt.Errorf("role sessions of %s: want 15m to 12h in whole seconds", d)
	}
	return nil
}

// Concurrency is how many accounts are to be worked on at once.
func (f *Fleet) Concurrency() int { return f.options.Concurrency }

// Role is the name of the role that members are entered by.
func (f *Fleet) Role() string { return f.options.RoleName }

// Calls counts the requests sent so far, retries included.
func (f *Fleet) Calls() int64 { return f.calls.Load() }

// Now is the time by the fleet's clock.
func (f *Fleet) Now() time.Time { return f.options.Now() }

// Identify tells who the run started as. It asks AWS once; an error is one of
// the credentials, the region or the network.
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
	// Few attempts: this is where a run finds out that the network is down.
	client := sts.NewFromConfig(f.organizations, func(o *sts.Options) { o.RetryMaxAttempts = 3 })
	out, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, f.unidentified(err)
	}
	id, err := arn.Parse(aws.ToString(out.Arn))
	if err != nil {
		return nil, fmt.Errorf("ask AWS who is calling: %w", err)
	}
	if !arn.IsAccountID(aws.ToString(out.Account)) {
		return nil, errors.New("ask AWS who is calling: the answer has no account ID")
	}
	f.caller = &caller{account: *out.Account, arn: id, partition: id.Partition}
	return f.caller, nil
}

func (f *Fleet) unidentified(err error) error {
	var api smithy.APIError
	if f.guessed && errors.As(err, &api) && api.ErrorCode() == "InvalidClientTokenId" {
		return fmt.Errorf("ask AWS who is calling (sts:GetCallerIdentity in %s; set a region if the credentials are of GovCloud or China): %w", f.base.Region, err)
	}
	return fmt.Errorf("ask AWS who is calling (sts:GetCallerIdentity in %s): %w", f.base.Region, err)
}
