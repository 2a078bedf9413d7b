// Package emulator is the embedded AWS: HTTP handler, authentication,
// authorization, faults and clock.
//
// A [Cloud] answers requests of real clients. It verifies every signature,
// identifies the caller, and asks package policy whether the call is allowed, with
// the condition keys that AWS would set; only then does an operation of a service
// run on the [world.World]. Three entry points lead to the same operations: the Go method
// [Cloud.Do], the in-memory [Cloud.Transport], and a socket on the loopback
// interface, [Cloud.Listen]. All of them authorize in the same way.
package emulator

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"forcemfa/internal/emulator/fault"
	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/share"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/trail"
)

// Options configure a Cloud. The zero value is AWS as documented, on the wall
// clock, without faults.
type Options struct {
	// Clock returns the time; nil: time.Now.
	Clock func() time.Time
	// Stopped has the cloud's time stand still at the time of New, except when
	// [Cloud.Advance] moves it, so that a test does not depend on how busy the
	// machine is.
	Stopped bool
	// Strict makes the cloud throttle, fail and lag as AWS may; nil: no faults,
	// full pages.
	Strict *Strict
	// Readings choose the behavior where AWS's documentation is not clear.
	Readings operation.Readings
	// History keeps the management events of all calls for CloudTrail's LookupEvents.
	History bool
	// Seed determines the faults and the request IDs.
	Seed uint64
	// LogOnly performs requests that a policy refuses, or that AWS refuses to a kind
	// of credential. [Cloud.OnDecision] tells which. Signatures and MFA codes are
	// verified all the same, because without them there is no caller.
	LogOnly bool
}

// A Cloud is an AWS in memory. It is safe for concurrent use.
type Cloud struct {
	clock    func() time.Time // of clients, and what signatures are compared with
	time     func() time.Time // of the world, without offset
	offset   atomic.Int64     // nanoseconds that Advance added
	readings operation.Readings
	seed     uint64
	strict   *Strict
	keys     *signingKeys // shared by all forks
	requests atomic.Uint64
	observer atomic.Pointer[func(Record)]
	decided  atomic.Pointer[func(Decision)]
	skewed   atomic.Pointer[fault.Engine] // that of engine; only its clock's skew may be asked without the lock
	logOnly  bool
	stopped  bool // the clock moves by Advance alone

	subscribers atomic.Pointer[[]*subscriber] // replaced as a whole
	logged      atomic.Pointer[func(*trail.Record)]
	history     bool
	recent      atomic.Pointer[share.Records] // nil: the control endpoint is off

	counts    share.Tally[Count] // Calls is zero in the keys
	performed atomic.Uint64      // calls

	cells      sync.Map     // locks by account: see cell
	mu         sync.RWMutex // guards the fields below; see cell
	world      *world.World
	faults     faults
	engine     *fault.Engine // nil: no faults but those of strict
	generation uint64        // of the documents of principals: see cell.sets
}

// New returns a cloud for a world, which then belongs to the cloud.
func New(w *world.World, o Options) *Cloud {
	clock := o.Clock
	if clock == nil {
		clock = time.Now
	}
	worldTime := clock
	if o.Stopped {
		start := clock()
		worldTime = func() time.Time { return start }
	}
	return &Cloud{
		clock: clock, time: worldTime, readings: o.Readings, seed: o.Seed, strict: o.Strict, keys: &signingKeys{}, logOnly: o.LogOnly, stopped: o.Stopped,
		history: o.History, world: w,
	}
}

// Fork returns an independent copy of the cloud: with its own world, clock and
// counters, and without observers and subscribers. It takes microseconds.
func (c *Cloud) Fork() *Cloud {
	c.mu.Lock()
	defer c.mu.Unlock()
	fork := &Cloud{
		clock: c.clock, time: c.time, readings: c.readings, seed: c.seed, strict: c.strict, keys: c.keys, logOnly: c.logOnly, stopped: c.stopped,
		history: c.history, world: c.world.Fork(),
	}
	fork.offset.Store(c.offset.Load())
	return fork
}

// Now returns the time in the cloud.
func (c *Cloud) Now() time.Time {
	return c.time().Add(time.Duration(c.offset.Load())).UTC()
}

// Advance moves the cloud's clock, and that of no other cloud, forward by d. It
// drives TOTP codes, sessions, schedules and quotas. Signatures are still as old as
// the client's own clock says, so a client need not know.
func (c *Cloud) Advance(d time.Duration) { c.offset.Add(int64(d)) }

// View reads the world. f must not change it or keep it.
func (c *Cloud) View(f func(*world.World)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(c.world)
}

// Update changes the world directly, for test setups. f must not keep it.
func (c *Cloud) Update(f func(*world.World)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
	f(c.world)
}

// requestID returns a new request ID in AWS's format.
func (c *Cloud) requestID() string {
	n := mix(c.seed, c.requests.Add(1))
	m := mix(n, c.seed)
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", n>>32, n>>16&0xffff, n&0xfff, 0x8000|m>>48&0x3fff, m&0xffffffffffff)
}

// mix hashes two numbers (splitmix64).
func mix(a, b uint64) uint64 {
	x := a + 0x9e3779b97f4a7c15*(b+1)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
