// Package collect reads AWS accounts into a snapshot, several at a time. A read
// that fails becomes a gap, and the data that depends on it stays unknown.
package collect

import (
	"context"
	"slices"
	"sync"
	"time"

	"forcemfa/internal/fleet"
	"forcemfa/internal/org"
)

// Options of [Run]. The zero value is a sensible default.
type Options struct {
	// ReportPatience limits the wait for a credential report that AWS is still
	// generating; zero: one minute. AWS documents no duration.
	ReportPatience time.Duration
	// LongTerm reads each access key, service-specific credential and SSH key, which
	// takes up to two requests for each user, and three for a user who is newer than the
	// credential report.
	LongTerm bool
	// Listed is called with all accounts of the organization before any is read, nil if
	// they could not be listed; nil: not called.
	Listed func([]fleet.Listed)
	// Progress is called for every account before [Run] yields it; nil: not
	// called.
	Progress func(Progress)
}

// Progress says how far a run has come.
type Progress struct {
	Account  string // ID of the account that was just read
	Done, Of int
	Calls    int64 // requests to AWS so far, retries included
}

// Run discovers the organization and returns its header and a stream of its
// accounts, sorted by ID. Accounts are read while the stream is consumed: as
// many at a time as the fleet's concurrency, with at most four times as many in
// memory. An account that cannot be entered or read has Read false and a gap.
// The stream ends early only with the error of the context, or a [*fleet.GoneError] when
// AWS no longer answers.
func Run(ctx context.Context, f *fleet.Fleet, o Options) (org.Header, org.Accounts, error) {
	d, err := f.Discover(ctx)
	if err != nil {
		return org.Header{}, nil, err
	}
	if o.ReportPatience == 0 {
		o.ReportPatience = time.Minute
	}
	if o.Listed != nil {
		o.Listed(d.Listed)
	}
	c := &collector{fleet: f, options: o, managed: &policyCache{}}
	h := d.Header
	h.Taken = f.Now().UTC()
	h.Accounts = len(d.Accounts)
	return h, c.accounts(ctx, d.Accounts), nil
}

type collector struct {
	fleet   *fleet.Fleet
	options Options
	managed *policyCache
}

// ahead limits how many accounts are read before the stream needs them, as a
// multiple of the fleet's concurrency: one slow account delays the stream, not
// the work.
const ahead = 4

func (c *collector) accounts(ctx context.Context, listed []*org.Account) org.Accounts {
	return func(yield func(*org.Account, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var work sync.WaitGroup
		defer work.Wait()
		defer cancel()
		for i, a := range c.inOrder(ctx, &work, listed) {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			if c.options.Progress != nil {
				c.options.Progress(Progress{a.ID, i + 1, len(listed), c.fleet.Calls()})
			}
			if err := c.fleet.Gone(); err != nil {
				yield(nil, err)
				return
			}
			if !yield(a, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(nil, err)
		}
	}
}

// inOrder reads accounts concurrently and yields them in their listed order.
func (c *collector) inOrder(ctx context.Context, work *sync.WaitGroup, listed []*org.Account) func(func(int, *org.Account) bool) {
	atOnce := c.fleet.Concurrency()
	busy := make(chan struct{}, atOnce)
	results := make(chan chan *org.Account, ahead*atOnce)
	work.Go(func() {
		defer close(results)
		for _, a := range listed {
			result := make(chan *org.Account, 1)
			if !send(ctx, results, result) || !send(ctx, busy, struct{}{}) {
				close(result)
				return
			}
			work.Go(func() {
				defer func() { <-busy }()
				result <- c.account(ctx, a)
			})
		}
	})
	return func(yield func(int, *org.Account) bool) {
		i := 0
		for result := range results {
			a, ok := <-result
			if !ok || !yield(i, a) {
				return
			}
			i++
		}
	}
}

func send[T any](ctx context.Context, to chan<- T, v T) bool {
	select {
	case to <- v:
		return true
	case <-ctx.Done():
		return false
	}
}

// account reads one account into a copy of its listed entry.
func (c *collector) account(ctx context.Context, listed *org.Account) *org.Account {
	a := *listed
	a.Gaps = slices.Clone(listed.Gaps)
	if !fleet.Enterable(&a) {
		return &a // Discover has added the reason
	}
	cfg, caller, err := c.fleet.Enter(ctx, a.ID)
	if err != nil {
		a.Gaps = append(a.Gaps, org.Gap{Account: a.ID, What: "assume " + c.fleet.Role(), Why: fleet.Reason(err)})
		return &a
	}
	a.Caller = caller
	newReader(cfg, &a).account(ctx, c)
	a.Sort()
	return &a
}
