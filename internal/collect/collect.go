// Package collect reads AWS into a snapshot, concurrently. Whatever cannot be
// read becomes a gap and leaves what depends on it unknown.
package collect

import (
	"context"
	"slices"
	"sync"
	"time"

	"forcemfa/internal/fleet"
	"forcemfa/internal/org"
)

// Options are choices for [Run]. The zero value is the sensible default.
type Options struct {
	// ReportPatience is how long to wait for a credential report that AWS is
	// generating; zero: one minute. AWS says nothing of how long it takes.
	ReportPatience time.Duration
	// Progress is told of every account before it comes out of the stream;
	// nil: nobody is.
	Progress func(Progress)
}

// Progress is how far a run has come.
type Progress struct {
	Account  string // ID of the account that was just read
	Done, Of int
	Calls    int64 // requests to AWS so far, retries included
}

// Run discovers the organization and gives its header and the stream of its
// accounts in order of ID. The accounts are read while the stream is: as many
// at once as the fleet says, and at most four times as many are held. An
// account that cannot be entered or read comes with Read false and a gap. The
// stream ends early only with the context's error.
func Run(ctx context.Context, f *fleet.Fleet, o Options) (org.Header, org.Accounts, error) {
	d, err := f.Discover(ctx)
	if err != nil {
		return org.Header{}, nil, err
	}
	if o.ReportPatience == 0 {
		o.ReportPatience = time.Minute
	}
	c := &collector{fleet: f, options: o, managed: &library{}}
	h := d.Header
	h.Taken = f.Now().UTC()
	h.Accounts = len(d.Accounts)
	return h, c.accounts(ctx, d.Accounts), nil
}

type collector struct {
	fleet   *fleet.Fleet
	options Options
	managed *library
}

// ahead is how many accounts may be read and not yet asked for, in multiples
// of those that are read at once: one slow account holds up the stream but not
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
			if !yield(a, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(nil, err)
		}
	}
}

// inOrder reads accounts side by side and yields them as they were listed.
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

// account reads one account into a copy of what was listed of it.
func (c *collector) account(ctx context.Context, listed *org.Account) *org.Account {
	a := *listed
	a.Gaps = slices.Clone(listed.Gaps)
	if !fleet.Enterable(&a) {
		return &a // Discover says why
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
