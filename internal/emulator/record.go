package emulator

import (
	"cmp"
	"slices"
	"time"

	"forcemfa/internal/emulator/world"
)

// A Record is one call that was made, whatever its outcome. Calls that nobody
// could be found for have a Caller without a principal.
type Record struct {
	Time      time.Time
	Caller    world.Caller
	Service   string // as in a signature's scope: iam, sts…
	Operation string
	Region    string
	SourceIP  string
	UserAgent string
	RequestID string
	Writes    bool
	In, Out   any   // the SDK's structs; nil where it did not come to that
	Err       error // nil: it was done
}

// OnCall has f told of every call from now on, after its end, by the goroutine
// that made it, so of several at once where calls are; nil: nobody. f may use the
// cloud.
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

// A Count is how often an account's principals called an operation, with
// whatever outcome.
type Count struct {
	Account, Service, Operation string
	Calls                       int
}

// Counts are the calls since the cloud was made or [Cloud.ResetCounts], sorted.
func (c *Cloud) Counts() []Count {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]Count, 0, len(c.counts))
	for key, n := range c.counts {
		key.Calls = n
		out = append(out, key)
	}
	slices.SortFunc(out, func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Operation, b.Operation))
	})
	return out
}

// ResetCounts forgets the calls counted so far.
func (c *Cloud) ResetCounts() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.counts)
}
