package emulator

import (
	"sync"
	"time"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/share"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/trail"
)

// A cell is the lock of an account. [Cloud.mu] comes first: a call that concerns its own
// account holds that shared, and the cell shared if it only reads. Every other call, and
// whatever looks at the world directly, holds Cloud.mu alone.
//
// What calls of one account share with others (access keys, sessions, last uses, counts,
// faults) has small locks of its own, which are held for one step only.
type cell struct {
	mu   sync.RWMutex
	sets share.Documents
}

// cell returns the lock of an account.
func (c *Cloud) cell(account string) *cell {
	if l, ok := c.cells.Load(account); ok {
		return l.(*cell)
	}
	l, _ := c.cells.LoadOrStore(account, &cell{})
	return l.(*cell)
}

// A hold is what a call has locked.
type hold struct {
	cloud  *Cloud
	cell   *cell // nil: the whole cloud
	writes bool
	reach  operation.Reach
}

// hold locks what a job reaches.
func (c *Cloud) hold(j *job) hold {
	c.mu.RLock()
	if account := c.accountOfKey(j.key); account != "" {
		op := j.service.byName[j.operation]
		if reach := c.reach(j, op, account); reach != operation.Everything {
			h := hold{cloud: c, cell: c.cell(account), writes: op != nil && op.Writes, reach: reach}
			h.lock()
			return h
		}
	}
	c.mu.RUnlock()
	c.mu.Lock()
	return hold{cloud: c}
}

func (h *hold) lock() {
	if h.writes {
		h.cell.mu.Lock()
	} else {
		h.cell.mu.RLock()
	}
}

// end adds the records of the calls that were performed to the Event history, and unlocks.
func (h *hold) end(all []happening) {
	if h.cell == nil {
		defer h.cloud.mu.Unlock()
		for i := range all {
			h.cloud.keep(all[i].records)
		}
		return
	}
	defer h.cloud.mu.RUnlock()
	if h.writes {
		h.cell.mu.Unlock()
	} else {
		h.cell.mu.RUnlock()
	}
	for i := range all {
		for _, r := range all[i].records {
			h.cloud.keepOne(r)
		}
	}
}

// keepOne adds a record to the Event history of its account, which may be another one than
// that of the call.
func (c *Cloud) keepOne(r *trail.Record) {
	if !c.history {
		return
	}
	l := c.cell(r.RecipientAccountID)
	l.mu.Lock()
	defer l.mu.Unlock()
	c.keep([]*trail.Record{r})
}

// reach returns what a job of an account reaches now. Cloud.mu is held.
func (c *Cloud) reach(j *job, op *operation.Operation, account string) operation.Reach {
	now := c.Now()
	switch {
	case c.strict != nil, c.vanishes(now):
		return operation.Everything
	case op == nil:
		return operation.Account // it is authorized, and not performed
	case op.Reach == nil:
		return operation.Everything
	case op.Writes && c.engine != nil && j.service.faulty:
		if lag, _ := c.engine.Lag(j.faultRequest(account, now)); lag > 0 {
			return operation.Everything // remember copies the world
		}
	}
	return op.Reach(c.world, account, j.in)
}

// accountOfKey returns the account of an access key; empty: there is none.
func (c *Cloud) accountOfKey(key string) string {
	if s := c.world.Session(key); s != nil {
		return s.Account
	}
	owner, _ := c.world.FindKey(key)
	return owner.Account
}

// seenBy returns the world for calls of an account with this lock.
func (h *hold) seenBy(account string) *world.World {
	if h.reach == operation.Account {
		return h.cloud.world.Within(account)
	}
	return h.cloud.world.Of(account)
}

// changed forgets what was derived from the world before a write.
func (h *hold) changed() {
	if h.cell == nil {
		h.cloud.generation++
		return
	}
	h.cell.sets.Forget()
}

// vanishes reports whether a fault removes an account before the next call.
func (c *Cloud) vanishes(now time.Time) bool {
	if c.engine == nil {
		return false
	}
	for _, id := range c.engine.Gone(now) {
		if c.world.Account(id) != nil {
			return true
		}
	}
	return false
}
