package fault

import (
	"hash/fnv"
	"sync"
	"time"
)

// An Engine decides the faults of requests. It is safe for concurrent use.
type Engine struct {
	plan  Plan
	start time.Time

	mu      sync.Mutex           // guards the fields below
	calls   map[operation]uint64 // how many so far
	unlucky map[operation]int    // consecutive hits of rules with a rate
	buckets map[bucket]*tokens
}

type operation struct{ account, service, name string }

// A bucket is that of a rule for an account and an API family.
type bucket struct {
	rule             int
	account, service string
	writes           bool
}

type tokens struct {
	left float64
	at   time.Time
}

// unluckyMost is how often in a row a rule with a rate may hit an operation of an account.
const unluckyMost = 2

// New returns an engine for a plan that [Plan.Check] accepts. now is the time by the
// emulator's clock.
func New(p Plan, now time.Time) *Engine {
	return &Engine{plan: p, start: now, calls: map[operation]uint64{}, unlucky: map[operation]int{}, buckets: map[bucket]*tokens{}}
}

// Plan returns the plan.
func (e *Engine) Plan() Plan { return e.plan }

// Next decides the effect of the next request, and counts it.
func (e *Engine) Next(q Request) Effect {
	e.mu.Lock()
	defer e.mu.Unlock()
	key := operation{q.Account, q.Service, q.Operation}
	e.calls[key]++
	effect := Effect{}
	certain := false
	for i := range e.plan.Faults {
		r := &e.plan.Faults[i]
		if !e.begun(r, q.Now) || !r.matches(&q) || !e.hits(i, r, &q, key) {
			continue
		}
		if r.Kind == Slow {
			effect.Delay = max(effect.Delay, time.Duration(r.Delay))
			continue
		}
		if effect.Kind == "" {
			effect.Kind, effect.Status, certain = r.Kind, r.status(), r.Rate == nil || *r.Rate == 1
			effect.Done = e.done(i, r, &q, key)
		}
	}
	if effect.Kind == "" || !certain && e.unlucky[key] == unluckyMost {
		e.unlucky[key] = 0
		return Effect{Delay: effect.Delay}
	}
	e.unlucky[key]++
	return effect
}

// begun reports whether the time of a rule has come.
func (e *Engine) begun(r *Rule, now time.Time) bool {
	return now.Sub(e.start) >= time.Duration(r.After)
}

// hits reports whether a rule that matches hits a request.
func (e *Engine) hits(i int, r *Rule, q *Request, key operation) bool {
	switch r.Kind {
	case Lag, Skew, ReportStuck, AccountGone: // not of a single request
		return false
	case Throttle:
		if r.PerSecond > 0 {
			return !e.take(i, r, q)
		}
	}
	return r.Rate == nil || e.draw(i, key, "hit") < *r.Rate
}

// done reports whether the operation is performed although its answer is lost.
func (e *Engine) done(i int, r *Rule, q *Request, key operation) bool {
	switch r.Kind {
	case Truncate:
		return true
	case Error, Reset:
		return q.Writes && r.Status != 503 && e.draw(i, key, "done") < 0.5
	}
	return false
}

// take takes a token from the bucket of an account and an API family.
// Source: EC2 API Reference, "Request throttling", describes token buckets for each
// account and group of actions; IAM does not publish its own.
func (e *Engine) take(i int, r *Rule, q *Request) bool {
	size := float64(r.Burst)
	if size == 0 {
		size = max(1, r.PerSecond)
	}
	key := bucket{i, q.Account, q.Service, q.Writes}
	b := e.buckets[key]
	if b == nil {
		b = &tokens{left: size, at: q.Now}
		e.buckets[key] = b
	}
	b.left = min(size, b.left+q.Now.Sub(b.at).Seconds()*r.PerSecond)
	b.at = q.Now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

// Lag returns how long a write to a service may stay invisible for a request, and the
// share of requests that see an older state.
func (e *Engine) Lag(q Request) (lag time.Duration, share float64) {
	for i := range e.plan.Faults {
		r := &e.plan.Faults[i]
		if r.Kind == Lag && e.begun(r, q.Now) && r.matches(&q) && time.Duration(r.Delay) > lag {
			lag, share = time.Duration(r.Delay), 1
			if r.Rate != nil {
				share = *r.Rate
			}
		}
	}
	return lag, share
}

// Skew returns how far the clock that signatures are compared with is ahead.
func (e *Engine) Skew(now time.Time) (by time.Duration) {
	for i := range e.plan.Faults {
		if r := &e.plan.Faults[i]; r.Kind == Skew && e.begun(r, now) {
			by += time.Duration(r.By)
		}
	}
	return by
}

// ReportStuck reports whether the credential report of an account is never completed.
func (e *Engine) ReportStuck(account string, now time.Time) bool {
	for i := range e.plan.Faults {
		if r := &e.plan.Faults[i]; r.Kind == ReportStuck && e.begun(r, now) && (r.Account == "" || r.Account == account) {
			return true
		}
	}
	return false
}

// Gone returns the accounts that do not exist any more.
func (e *Engine) Gone(now time.Time) (accounts []string) {
	for i := range e.plan.Faults {
		if r := &e.plan.Faults[i]; r.Kind == AccountGone && e.begun(r, now) {
			accounts = append(accounts, r.Account)
		}
	}
	return accounts
}

// Draw returns a number from 0 to 1 for the present request of an operation and a
// question about it.
func (e *Engine) Draw(q Request, question string) float64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.draw(-1, operation{q.Account, q.Service, q.Operation}, question)
}

func (e *Engine) draw(rule int, key operation, question string) float64 {
	h := fnv.New64a()
	for _, text := range []string{key.account, key.service, key.name, question} {
		h.Write([]byte(text))
		h.Write([]byte{0})
	}
	n := mix(mix(mix(e.plan.Seed, h.Sum64()), uint64(rule)), e.calls[key])
	return float64(n>>11) / (1 << 53)
}

// mix hashes two numbers (splitmix64).
func mix(a, b uint64) uint64 {
	x := a + 0x9e3779b97f4a7c15*(b+1)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
