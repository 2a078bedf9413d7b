package emulator

import (
	"cmp"
	"slices"
	"time"

	"forcemfa/internal/emulator/fault"
	"forcemfa/internal/emulator/world"
)

// A Record describes one call, whatever its outcome. The Caller of an
// unauthenticated call has no principal.
type Record struct {
	Time      time.Time
	Caller    world.Caller
	Service   string // as in the scope of a signature: iam, sts…
	Operation string
	Region    string
	SourceIP  string
	UserAgent string
	RequestID string
	Writes    bool
	In, Out   any    // the SDK's structs; nil if the call did not get that far
	Err       error  // nil: success
	number    uint64 // calls are performed in this order
	effect    fault.Effect
	via       string // service principal of the service that made the call
	forwarded bool
}

// OnCall calls f at the end of every future call, on the goroutine of the call,
// so possibly concurrently; nil removes f. f may use the cloud.
func (c *Cloud) OnCall(f func(Record)) {
	if f == nil {
		c.observer.Store(nil)
		return
	}
	c.observer.Store(&f)
}

func (c *Cloud) observe(r Record) {
	if f := c.observer.Load(); f != nil {
		(*f)(r)
	}
}

// A Count says how often an account's principals called an operation, with any
// outcome.
type Count struct {
	Account, Service, Operation string
	Calls                       int
}

// Counts returns the calls since the cloud was created or [Cloud.ResetCounts],
// sorted.
func (c *Cloud) Counts() []Count {
	out := []Count{}
	for key, n := range c.counts.Copy() {
		key.Calls = n
		out = append(out, key)
	}
	slices.SortFunc(out, func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Operation, b.Operation))
	})
	return out
}

// ResetCounts clears the counts.
func (c *Cloud) ResetCounts() { c.counts.Reset() }
