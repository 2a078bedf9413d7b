package emulator

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"forcemfa/internal/emulator/fault"
	"forcemfa/internal/emulator/world"
)

// SetFaults replaces the faults of requests over a transport, and starts their time anew;
// a plan without faults ends them. An account that has disappeared stays so. The error
// names the fault that cannot be.
func (c *Cloud) SetFaults(p fault.Plan) error {
	if err := p.Check(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, r := range p.Faults {
		switch {
		case r.Kind != fault.AccountGone:
		case c.world.Account(r.Account) == nil:
			return fmt.Errorf("fault %d: there is no account %s", i+1, r.Account)
		case c.world.IsManagement(r.Account):
			return fmt.Errorf("fault %d: the management account %s cannot disappear", i+1, r.Account)
		}
	}
	c.faults.history, c.engine = nil, nil
	if len(p.Faults) > 0 {
		c.engine = fault.New(p, c.Now())
	}
	c.skewed.Store(c.engine)
	return nil
}

// Faults returns the plan of [Cloud.SetFaults].
func (c *Cloud) Faults() fault.Plan {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.engine == nil {
		return fault.Plan{Faults: []fault.Rule{}}
	}
	return c.engine.Plan()
}

// faultRequest returns what the plan of faults knows about a job.
func (j *job) faultRequest(account string, now time.Time) fault.Request {
	op := j.service.byName[j.operation]
	return fault.Request{Account: account, Service: j.service.name, Operation: j.operation, Writes: op != nil && op.Writes, Now: now}
}

// effect decides the fault of a call, and counts the call.
func (c *Cloud) effect(j *job, caller *world.Caller, r *Record) fault.Effect {
	if c.engine == nil || !j.wired {
		return fault.Effect{}
	}
	return c.engine.Next(j.faultRequest(caller.Account, r.Time))
}

// fateOf returns what an effect does to the operation itself.
func fateOf(e fault.Effect) fate {
	switch {
	case e.Kind == fault.Throttle:
		return throttle
	case e.Kind == fault.Down, e.Status == http.StatusServiceUnavailable:
		return down
	case e.Kind == fault.Error || e.Kind == fault.Reset:
		if e.Done {
			return failAfter
		}
		return failBefore
	}
	return through
}

const unavailableText = "The request has failed due to a temporary failure of the server."

// vanish removes the accounts that do not exist any more.
func (c *Cloud) vanish(now time.Time) {
	if c.engine == nil {
		return
	}
	for _, id := range c.engine.Gone(now) {
		if c.world.Account(id) != nil {
			c.world.RemoveAccount(id)
			c.generation++
		}
	}
}

// errReset is what a client over the in-memory transport gets for a reset connection.
var errReset = errors.New("read: connection reset by peer")

// deliver sends a response with the effect of a fault on it: late, cut, or not at all.
func (a *answer) deliver(w http.ResponseWriter, r *http.Request, e fault.Effect) {
	if e.Delay > 0 {
		select {
		case <-time.After(e.Delay):
		case <-r.Context().Done():
		}
	}
	switch e.Kind {
	case fault.Reset:
		reset(w)
	case fault.Truncate:
		a.truncate(w)
	default:
		a.send(w)
	}
}

// reset ends the connection without an answer.
func reset(w http.ResponseWriter) {
	if memory, ok := w.(*answer); ok {
		memory.broken = errReset
		return
	}
	if h, ok := w.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0) // a reset instead of an orderly end
			}
			_ = conn.Close()
			return
		}
	}
	panic(http.ErrAbortHandler) // net/http closes the connection
}

// half is the part of the body that is sent when it is cut.
func (a *answer) half() []byte { return a.body.Bytes()[:a.body.Len()/2] }

// truncate announces the whole body, sends half of it, and ends the connection.
func (a *answer) truncate(w http.ResponseWriter) {
	if memory, ok := w.(*answer); ok {
		a.send(w)
		memory.cut = true
		return
	}
	for name, values := range a.Header() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", fmt.Sprint(a.body.Len()))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.half()) // the client may have gone
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler) // net/http closes the connection
}
