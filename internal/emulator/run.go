package emulator

import (
	"errors"
	"fmt"
	"time"

	"github.com/aws/smithy-go"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/trail"
)

// A job is a parsed call before its authorization.
type job struct {
	service   *service
	operation string
	in        any
	inErr     error // in could not be parsed
	id        string
	wired     bool // it came through a transport: strict faults apply
	from      origin
	who       func() (world.Caller, *refusal) // called while the cloud is locked
	done      func(out any)                   // likewise; receives the output of a success
}

// Do calls an operation directly: input and output are the SDK's structs, the
// error is the SDK's error. It is authorized like any other call. Strict faults
// and pages do not apply.
func (c *Cloud) Do(caller world.Caller, service, operation string, in any) (any, error) {
	s := services()[service]
	if s == nil {
		return nil, fmt.Errorf("call %s: the embedded AWS has no service %s", operation, service)
	}
	j := job{
		service: s, operation: operation, in: in, id: c.requestID(),
		from: origin{ip: memoryAddress, region: "us-east-1"},
		who:  func() (world.Caller, *refusal) { return c.again(caller) },
		done: func(any) {},
	}
	r := c.run(j)
	return r.Out, r.Err
}

// again returns the caller as of now: users and sessions change.
func (c *Cloud) again(caller world.Caller) (world.Caller, *refusal) {
	if caller.AccessKeyID == "" {
		return world.Caller{}, refuse(noSignature, "Missing Authentication Token")
	}
	return c.caller(caller.AccessKeyID)
}

// run performs a job and delivers its record.
func (c *Cloud) run(j job) Record {
	r := Record{
		Service: j.service.name, Operation: j.operation, Region: j.from.region, SourceIP: j.from.ip,
		UserAgent: j.from.agent, RequestID: j.id, In: j.in,
	}
	happened := c.perform(&j, &r)
	var why *refusal
	if errors.As(r.Err, &why) {
		r.Err = why.in(j.service)
	}
	c.observe(r)
	c.deliver(happened)
	return r
}

// perform performs a job and returns what must be delivered after the cloud is
// unlocked.
func (c *Cloud) perform(j *job, r *Record) *trail.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	r.Time = c.Now()
	c.admit(j, r)
	return c.recorded(j, r)
}

// admit performs the job of a known caller.
func (c *Cloud) admit(j *job, r *Record) {
	caller, why := j.who()
	if why != nil {
		r.Err = why
		return
	}
	r.Caller = caller
	c.counts[Count{Account: caller.Account, Service: j.service.name, Operation: j.operation}]++
	c.use(&caller, j, r.Time)
	op := j.service.byName[j.operation]
	r.Writes = op != nil && op.Writes
	fate := c.fate(j, caller.Account)
	if fate == throttle {
		r.Err = refuse(throttled, "Rate exceeded")
		return
	}
	if r.Out, r.Err = c.answer(j, op, c.call(j, caller, r.Time), fate); r.Err == nil {
		j.done(r.Out)
	}
}

// use records that a credential was used.
// Source: IAM User Guide, "Find unused AWS credentials": times have a resolution
// of a quarter of an hour.
func (c *Cloud) use(caller *world.Caller, j *job, now time.Time) {
	fresh := func(u world.Use) bool {
		return now.Sub(u.At) < 15*time.Minute && u.Service == j.service.name && u.Region == j.from.region
	}
	use := world.Use{At: now, Region: j.from.region, Service: j.service.name}
	switch {
	case caller.Role != nil:
		if !fresh(c.world.RoleUse(caller.Account, caller.Role)) {
			c.world.UseRole(caller.Account, caller.Role, use)
		}
	case caller.Session == nil:
		if _, k := c.world.Key(caller.AccessKeyID); k != nil && !fresh(c.world.KeyUse(k)) {
			c.world.UseKey(caller.AccessKeyID, use)
		}
	}
}

func (c *Cloud) call(j *job, caller world.Caller, now time.Time) *operation.Call {
	return &operation.Call{
		World: c.world, Caller: caller, Now: now, Region: j.from.region, SourceIP: j.from.ip,
		RequestID: j.id, PageSize: c.pageSize(j), Readings: c.readings,
	}
}

// answer authorizes a call and performs it.
func (c *Cloud) answer(j *job, op *operation.Operation, call *operation.Call, fate fate) (any, error) {
	if op == nil {
		return nil, c.unserved(j, call)
	}
	if why := credentialLimit(call.Caller.Credential, j.service.action(j.operation)); why != nil {
		return nil, why
	}
	if j.inErr != nil {
		return nil, j.inErr
	}
	asks, err := op.Asks(call, j.in)
	if err != nil {
		return nil, err
	}
	if why := c.authorize(call, j.from, asks); why != nil {
		return nil, why
	}
	if fate == failBefore {
		return nil, refuse(failed, failure)
	}
	out, err := c.execute(j, op, call)
	if err == nil && fate == failAfter {
		return nil, refuse(failed, failure)
	}
	return out, err
}

const failure = "The request processing has failed because of an unknown error, exception or failure."

// unserved answers calls that the cloud does not implement. It authorizes them
// where possible, so that a call that AWS would deny is denied here too.
func (c *Cloud) unserved(j *job, call *operation.Call) error {
	if j.operation == "" {
		if j.inErr != nil {
			return j.inErr
		}
		return refuse(notImplemented, "The embedded AWS does not implement %s. It was not authorized either: its protocol does not name the operation.", j.what())
	}
	asks := []operation.Ask{{Action: j.service.action(j.operation), Resource: "*"}}
	if why := c.authorize(call, j.from, asks); why != nil {
		return why
	}
	if j.inErr != nil {
		return j.inErr
	}
	return refuse(notImplemented, "The embedded AWS does not implement %s. It was authorized for all resources.", j.what())
}

// execute runs an operation on the world. With a lag, a read may see an older
// world, and a write may fail because an older world lacks what it needs.
func (c *Cloud) execute(j *job, op *operation.Operation, call *operation.Call) (any, error) {
	if past := c.past(j, call); past != nil {
		stale := *call
		stale.World = past
		out, err := op.Do(&stale, j.in)
		if !op.Writes || isAbsent(j.service, err) {
			return out, err
		}
	}
	if !op.Writes {
		return op.Do(call, j.in)
	}
	c.remember(j, call)
	c.sets = nil
	return op.Do(call, j.in)
}

func isAbsent(s *service, err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	for _, code := range s.absent {
		if api.ErrorCode() == code {
			return true
		}
	}
	return false
}
