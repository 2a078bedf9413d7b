// Package fault decides which requests to the embedded AWS fail, and how: data in, data
// out. The same plan gives the same faults for the same requests in the same order.
package fault

import (
	"path"
	"time"
)

// Kinds of faults.
const (
	Throttle    = "throttle"     // the request is refused: rate exceeded
	Error       = "error"        // a status of 500, where some writes are done all the same, or 503
	Down        = "down"         // a status of 503, nothing is done
	Slow        = "slow"         // the answer comes late
	Reset       = "reset"        // the connection is reset instead of an answer; some writes are done
	Truncate    = "truncate"     // the body of the answer ends early
	Lag         = "lag"          // a write is not visible at once, as in IAM and Organizations
	Skew        = "skew"         // the clock that signatures are compared with is off
	ReportStuck = "report-stuck" // the credential report is never completed
	AccountGone = "account-gone" // the account and everything in it does not exist any more
)

// A Plan is what may happen. The zero value is: nothing.
type Plan struct {
	// Seed chooses the requests that are hit.
	Seed uint64 `json:"seed"`
	// Faults are tried in order; the first that hits decides.
	Faults []Rule `json:"faults"`
}

// A Rule is one kind of fault and the requests that it may hit. Empty members match
// every request.
type Rule struct {
	Kind      string `json:"kind"`
	Account   string `json:"account,omitempty"`   // of the caller; for account-gone the one that disappears
	Service   string `json:"service,omitempty"`   // as in the scope of a signature: iam, sts…
	Operation string `json:"operation,omitempty"` // with * and ?, such as List*
	// Rate is the share of requests that are hit, from 0 to 1. Nil: all of them. A rate
	// below 1 never hits the same operation of an account three times in a row.
	Rate *float64 `json:"rate,omitempty"`
	// PerSecond throttles what exceeds this rate, for each account and API family: the
	// reads or the writes of a service.
	PerSecond float64 `json:"per_second,omitempty"`
	// Burst is how many requests may exceed PerSecond at once; 0: one second's worth.
	Burst int `json:"burst,omitempty"`
	// Delay is that of slow and lag.
	Delay Duration `json:"delay,omitzero"`
	// By is how far the clock of skew is ahead; negative: behind.
	By Duration `json:"by,omitzero"`
	// After is when the rule begins, measured by the emulator's clock.
	After Duration `json:"after,omitzero"`
	// Status is that of error: 500 or 503.
	Status int `json:"status,omitempty"`
}

// Chaos returns the faults that AWS shows on a bad day, all at once. A client that tries
// a request three times succeeds. Answers are not cut, because the SDK for Go doesn't try
// again after one that was.
func Chaos(seed uint64) Plan {
	rate := func(share float64) *float64 { return &share }
	return Plan{Seed: seed, Faults: []Rule{
		{Kind: Throttle, Rate: rate(0.05)},
		{Kind: Error, Rate: rate(0.02)},
		{Kind: Reset, Rate: rate(0.01)},
		{Kind: Slow, Rate: rate(0.02), Delay: Duration(200 * time.Millisecond)},
		{Kind: Lag, Rate: rate(0.5), Delay: Duration(2 * time.Second)},
	}}
}

// A Request is what a plan knows about a request.
type Request struct {
	Account, Service, Operation string
	Writes                      bool
	Now                         time.Time // by the emulator's clock
}

// An Effect is what happens to a request. The zero value is: nothing.
type Effect struct {
	Kind string // empty, or throttle, error, down, reset, truncate
	// Done is set when the operation is performed although the client does not see it.
	Done   bool
	Status int           // of error and down
	Delay  time.Duration // before the answer is sent
}

// matches reports whether a rule may hit a request.
func (r *Rule) matches(q *Request) bool {
	ok, _ := path.Match(r.Operation, q.Operation) // Check has refused a malformed pattern
	return (r.Account == "" || r.Account == q.Account) && (r.Service == "" || r.Service == q.Service) && (r.Operation == "" || ok)
}
