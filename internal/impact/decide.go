package impact

import (
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"forcemfa/policy"
)

// atOnce calls do(0) to do(n-1), as many at the same time as there are processors. Each of
// them has a do of its own.
func atOnce(n int, worker func() (do func(int))) {
	var next atomic.Int64
	var running sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		do := worker()
		running.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				do(int(i))
			}
		})
	}
	running.Wait()
}

// decide decides the calls of all users. Those of one user share nothing with those of
// another one, so users are decided at the same time.
func (b *builder) decide() error {
	names := slices.Sorted(maps.Keys(b.tally.calls))
	users := make([]*userBuilder, len(names))
	for i, name := range names {
		u, err := b.user(name)
		if err != nil {
			return err
		}
		users[i] = u
	}
	var deciders []*decider
	atOnce(len(users), func() func(int) {
		d := &decider{judge: b.judge, unmapped: map[string]int{}, actions: map[[2]string]action{}}
		deciders = append(deciders, d)
		return func(i int) {
			for k, n := range b.tally.calls[names[i]] {
				d.call(users[i], &k, n)
			}
		}
	})
	b.unmapped = map[string]int{}
	for _, d := range deciders {
		b.report.Calls.add(&d.calls)
		for name, n := range d.unmapped {
			b.unmapped[name] += n
		}
	}
	return nil
}

// A decider decides calls and counts the verdicts. It is for one goroutine.
type decider struct {
	judge    *Judge
	calls    Calls
	unmapped map[string]int
	actions  map[[2]string]action // by source and name of the event
}

// action returns the IAM action of a call.
func (d *decider) action(source, name string) action {
	key := [2]string{source, name}
	a, ok := d.actions[key]
	if !ok {
		a = actionOf(source, name)
		d.actions[key] = a
	}
	return a
}

// call decides the calls of one key of the tally.
func (d *decider) call(u *userBuilder, k *distinct, n *counted) {
	d.calls.Users += n.count
	u.User.Calls += n.count
	u.all.add(*n)
	key := u.key(k.key)
	key.Calls += n.count
	key.last = max(key.last, n.last)
	switch {
	case k.state&forwarded != 0:
		d.calls.Forwarded += n.count
		u.Forwarded += n.count
		return
	case k.state&refused != 0:
		d.calls.AlreadyDenied += n.count
		a := d.action(k.source, k.name)
		count(u.before, actionKind{a.name, k.region, a.known}, *n)
		return
	}
	a := d.action(k.source, k.name)
	if !a.known {
		d.unmapped[a.name] += n.count
	}
	switch verdict := d.judge.denied(u.member, k, n.last, a).Verdict; verdict {
	case policy.ExplicitDenied:
		d.calls.Denied += n.count
		u.deny(*k, a, n)
		key.Denied += n.count
	case policy.Unknown:
		d.calls.Undecided += n.count
		u.Undecided += n.count
	}
}

// add adds the verdicts of calls.
func (c *Calls) add(o *Calls) {
	c.Users += o.Users
	c.Denied += o.Denied
	c.Forwarded += o.Forwarded
	c.AlreadyDenied += o.AlreadyDenied
	c.Undecided += o.Undecided
}
