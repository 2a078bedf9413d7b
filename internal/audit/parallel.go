package audit

import (
	"context"
	"iter"
	"runtime"

	"forcemfa/internal/org"
)

// An Audited is one account with the results of its audit.
type Audited struct {
	Account  *org.Account
	Users    []User
	Findings []Finding
	Summary  Account
}

// Send sends the results to a sink, in the order of the stream.
func (a *Audited) Send(sink Sink) {
	for i := range a.Users {
		sink.User(a.Users[i])
	}
	for i := range a.Findings {
		sink.Finding(a.Findings[i])
	}
	for _, g := range a.Account.Gaps {
		sink.Gap(g)
	}
	sink.Account(a.Summary)
}

// Audit audits one account.
func (a *Auditor) Audit(account *org.Account) *Audited {
	out := &Audited{Account: account}
	a.Account(account, collector{out})
	return out
}

// A collector is a Sink that keeps the stream of one account.
type collector struct{ audited *Audited }

func (t collector) User(u User)       { t.audited.Users = append(t.audited.Users, u) }
func (t collector) Finding(f Finding) { t.audited.Findings = append(t.audited.Findings, f) }
func (t collector) Gap(org.Gap)       {} // the account has them
func (t collector) Account(a Account) { t.audited.Summary = a }

// Accounts audits the accounts of a stream, as many at once as there are
// processors, and yields them in the stream's order. The queue is bounded, so
// memory does not grow with the organization. The stream is read in a separate
// goroutine, which ends with the iteration. An error of the stream or of the
// context is yielded last.
func (a *Auditor) Accounts(ctx context.Context, accounts org.Accounts) iter.Seq2[*Audited, error] {
	return func(yield func(*Audited, error) bool) {
		reading, cancel := context.WithCancel(ctx)
		queue := make(chan chan result, runtime.GOMAXPROCS(0))
		go func() {
			defer close(queue)
			a.enqueue(reading, accounts, queue)
		}()
		defer func() {
			cancel()
			for range queue { // until the reader has noticed
			}
		}()
		for next := range queue {
			r := <-next
			if r.err == nil {
				r.err = ctx.Err()
			}
			if !yield(r.audited, r.err) || r.err != nil {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(nil, err)
		}
	}
}

type result struct {
	audited *Audited
	err     error
}

// enqueue starts the audit of every account that it reads. The capacity of the
// queue limits how many run at once.
func (a *Auditor) enqueue(ctx context.Context, accounts org.Accounts, queue chan<- chan result) {
	for account, err := range accounts {
		next := make(chan result, 1)
		select {
		case queue <- next:
		case <-ctx.Done():
			return
		}
		if err != nil {
			next <- result{err: err}
			return
		}
		go func() { next <- result{audited: a.Audit(account)} }()
	}
}
