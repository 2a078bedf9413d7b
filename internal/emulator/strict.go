package emulator

import (
	"hash/fnv"
	"time"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
)

// Strict says how often a cloud throttles, fails and lags. AWS may do all of this
// at any time, but rarely does, so programs come to rely on its absence. The
// faults follow from Options.Seed and, for each account and operation, from the
// number of earlier calls: a test that calls in the same order sees the same
// faults.
//
// A client that tries a call three times succeeds: no operation of an account is
// throttled or fails three times in a row.
type Strict struct {
	PageSize int     // a page has a random size up to this many items; 0: the requested size
	Throttle float64 // share of calls that are throttled
	Fail     float64 // share of calls that fail with a 500; every other failed write was carried out
	// Lag is how long a write to IAM or Organizations may stay invisible: for
	// reads, and for writes that need it. The cloud's clock measures it, so it
	// must advance.
	Lag time.Duration
	// LagShare is the share of calls that see an older state within the lag.
	LagShare float64
}

// AsTested is the strictness that tests should use.
func AsTested() *Strict {
	return &Strict{PageSize: 3, Throttle: 0.05, Fail: 0.02, Lag: 2 * time.Second, LagShare: 0.5}
}

// A fate is the fault of a call.
type fate uint8

const (
	through fate = iota
	throttle
	failBefore
	failAfter
	down
)

// faults holds the state of a cloud's strictness.
type faults struct {
	calls   map[Count]uint64 // how many so far
	unlucky map[Count]int    // consecutive failures
	history []past           // oldest first
}

// A past is a world as it was before a write.
type past struct {
	until   time.Time
	world   *world.World
	request uint64 // number of the request that wrote
}

// stillLag is after how many requests a write is visible when the clock stands still, so
// that a client that tries again succeeds.
const stillLag = 10

// maxHistory limits how many writes back a call may see.
const maxHistory = 64

// draw returns a number from 0 to 1 for the nth call of an operation, and for
// each question about it.
func (c *Cloud) draw(key Count, n uint64, question string) float64 {
	h := fnv.New64a()
	for _, text := range []string{key.Account, key.Service, key.Operation, question} {
		h.Write([]byte(text))
		h.Write([]byte{0})
	}
	return float64(mix(mix(c.seed, h.Sum64()), n)>>11) / (1 << 53)
}

// fate decides the fault of a call, and counts the call.
func (c *Cloud) fate(j *job, account string) fate {
	if c.strict == nil || !j.wired {
		return through
	}
	f := &c.faults
	if f.calls == nil {
		f.calls, f.unlucky = map[Count]uint64{}, map[Count]int{}
	}
	key := Count{Account: account, Service: j.service.name, Operation: j.operation}
	f.calls[key]++
	decided := c.decideFate(j, key, f.calls[key])
	if decided == through || f.unlucky[key] == 2 {
		f.unlucky[key] = 0
		return through
	}
	f.unlucky[key]++
	return decided
}

func (c *Cloud) decideFate(j *job, key Count, n uint64) fate {
	if j.service.byName[j.operation] == nil {
		return through
	}
	if c.draw(key, n, "throttle") < c.strict.Throttle {
		return throttle
	}
	if !j.service.faulty || c.draw(key, n, "fail") >= c.strict.Fail {
		return through
	}
	if j.service.byName[j.operation].Writes && c.draw(key, n, "when") < 0.5 {
		return failAfter
	}
	return failBefore
}

// pageSize implements operation.Call's PageSize for a call.
func (c *Cloud) pageSize(j *job) func(asked, byDefault, maximum int) int {
	return func(asked, byDefault, maximum int) int {
		size := asked
		if size <= 0 {
			size = byDefault
		}
		size = min(size, maximum)
		if c.strict == nil || !j.wired || c.strict.PageSize == 0 {
			return size
		}
		key := Count{Service: j.service.name, Operation: j.operation}
		small := 1 + int(c.draw(key, c.requests.Load(), "page")*float64(c.strict.PageSize))
		return min(size, small)
	}
}

// lag returns how long a write may stay invisible, and the share of calls that see an
// older state.
func (c *Cloud) lag(j *job, call *operation.Call) (lag time.Duration, share float64) {
	switch {
	case c.strict != nil:
		return c.strict.Lag, c.strict.LagShare
	case c.engine != nil:
		return c.engine.Lag(j.faultRequest(call.Caller.Account, call.Now))
	}
	return 0, 0
}

// chance returns a number from 0 to 1 for a call and a question about it.
func (c *Cloud) chance(j *job, call *operation.Call, question string) float64 {
	if c.strict == nil {
		return c.engine.Draw(j.faultRequest(call.Caller.Account, call.Now), question)
	}
	key := Count{Account: call.Caller.Account, Service: j.service.name, Operation: j.operation}
	return c.draw(key, c.faults.calls[key], question)
}

// remember saves the world before a write.
func (c *Cloud) remember(j *job, call *operation.Call) {
	lag, _ := c.lag(j, call)
	if lag == 0 || !j.service.faulty {
		return
	}
	f := &c.faults
	f.forget(call.Now.Add(-lag))
	f.history = append(f.history, past{call.Now, c.world.Fork(), c.requests.Load()})
}

func (f *faults) forget(before time.Time) {
	drop := max(0, len(f.history)+1-maxHistory)
	for drop < len(f.history) && f.history[drop].until.Before(before) {
		drop++
	}
	f.history = append([]past(nil), f.history[drop:]...)
}

// past returns the world of a call that lags behind: a state within the lag; nil
// when the call sees the present.
func (c *Cloud) past(j *job, call *operation.Call) *world.World {
	if !j.wired || !j.service.faulty || len(c.faults.history) == 0 {
		return nil
	}
	lag, share := c.lag(j, call)
	if lag == 0 || c.chance(j, call, "lag") >= share {
		return nil
	}
	age := time.Duration(c.chance(j, call, "age") * float64(lag))
	seen := call.Now.Add(-age)
	for _, p := range c.faults.history {
		if p.until.After(seen) && (!c.stopped || c.requests.Load()-p.request < stillLag) {
			return p.world.Fork()
		}
	}
	return nil
}
