package emulator

import (
	"errors"
	"fmt"
	"time"

	"github.com/aws/smithy-go"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/trail"
	"forcemfa/policy"
)

// A job is a parsed call before its authorization.
type job struct {
	service   *service
	operation string
	in        any
	inErr     error // in could not be parsed
	id        string
	wired     bool   // it came through a transport: strict faults apply
	via       string // service principal of the service that makes the call
	forwarded bool   // for its own caller
	from      origin
	key       string                          // of the caller; empty: unsigned, or a nested call
	who       func() (world.Caller, *refusal) // called while what the call reaches is locked
	done      func(out any)                   // likewise; receives the output of a success
	hold      *hold                           // what is locked
	happened  *[]happening                    // calls that have ended
	explain   bool                            // the caller asks for the decision
	trace     *trace                          // nil: nobody asks for decisions
}

// Do calls an operation directly: input and output are the SDK's structs, the
// error is the SDK's error. It is authorized like any other call. Strict faults
// and pages do not apply.
func (c *Cloud) Do(caller world.Caller, service, operation string, in any) (any, error) {
	j, err := c.direct(caller, service, operation, in)
	if err != nil {
		return nil, err
	}
	r := c.run(j)
	return r.Out, r.Err
}

// Explain is [Cloud.Do], and also returns how the call was decided.
func (c *Cloud) Explain(caller world.Caller, service, operation string, in any) (any, Decision, error) {
	j, err := c.direct(caller, service, operation, in)
	if err != nil {
		return nil, Decision{}, err
	}
	j.explain = true
	r := j.record()
	all := c.perform(&j, &r)
	c.tell(all)
	return r.Out, *all[len(all)-1].decision, r.Err
}

// direct returns the job of a direct call.
func (c *Cloud) direct(caller world.Caller, service, operation string, in any) (job, error) {
	s := services()[service]
	if s == nil {
		return job{}, fmt.Errorf("call %s: the embedded AWS has no service %s", operation, service)
	}
	return job{
		service: s, operation: operation, in: in, id: c.requestID(),
		from: origin{ip: memoryAddress, region: "us-east-1"}, key: caller.AccessKeyID,
		who:  func() (world.Caller, *refusal) { return c.again(caller) },
		done: func(any) {},
	}, nil
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
	r := j.record()
	c.tell(c.perform(&j, &r))
	return r
}

// tell delivers what happened. The lock is not held.
func (c *Cloud) tell(all []happening) {
	decided := c.decided.Load()
	for _, h := range all {
		c.observe(h.record)
		c.log(h.records)
		if h.rules {
			c.deliver(h.event)
		}
		c.deliver(h.follows)
		if decided != nil && h.decision != nil {
			(*decided)(*h.decision)
		}
	}
}

// record returns the record of a job that was not performed yet.
func (j *job) record() Record {
	return Record{
		Service: j.service.name, Operation: j.operation, Region: j.from.region, SourceIP: j.from.ip,
		UserAgent: j.from.agent, RequestID: j.id, In: j.in, via: j.via, forwarded: j.forwarded,
	}
}

// A happening is a call that has ended, with its event and its decision; nil: it has
// none.
type happening struct {
	record   Record
	records  []*trail.Record // for logs
	event    *trail.Event
	rules    bool         // they match the event by default
	follows  *trail.Event // what a service recorded by itself after the call
	decision *Decision
}

// perform performs a job and returns what must be delivered after the cloud is
// unlocked: the calls that it made, and itself.
func (c *Cloud) perform(j *job, r *Record) []happening {
	var all []happening
	h := c.hold(j)
	defer func() { h.end(all) }()
	j.hold, j.happened = &h, &all
	c.conclude(j, r)
	return all
}

// conclude performs a job and adds it to what happened. What the job reaches is locked.
func (c *Cloud) conclude(j *job, r *Record) {
	r.Time, r.number = c.Now(), c.performed.Add(1)
	j.trace = c.newTrace(j)
	c.admit(j, r)
	event := c.recorded(j, r)
	records := c.records(event)
	follows := c.departed(r)
	if follows != nil && c.logs() {
		records = append(records, &follows.Detail)
	}
	var why *refusal
	if errors.As(r.Err, &why) {
		r.Err = why.in(j.service)
	}
	*j.happened = append(*j.happened, happening{*r, records, event, event != nil && c.matched(r), follows, c.decision(j, r)})
}

// admit performs the job of a known caller.
func (c *Cloud) admit(j *job, r *Record) {
	if j.hold.cell == nil {
		c.vanish(r.Time)
	}
	caller, why := j.who()
	if why != nil {
		r.Err = why
		return
	}
	r.Caller = caller
	c.counts.Add(Count{Account: caller.Account, Service: j.service.name, Operation: j.operation})
	c.use(&caller, j, r.Time)
	op := j.service.byName[j.operation]
	r.Writes = op != nil && op.Writes
	fate := c.fate(j, caller.Account)
	if fate == through {
		r.effect = c.effect(j, &caller, r)
		fate = fateOf(r.effect)
	}
	switch fate {
	case throttle:
		r.Err = refuse(throttled, "Rate exceeded")
		return
	case down:
		r.Err = refuse(unavailable, unavailableText)
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
			c.world.UseService(caller.Principal.Issuer, j.service.authorizedAs(), use)
		}
	case caller.Session == nil:
		if _, k := c.world.Key(caller.AccessKeyID); k != nil && !fresh(c.world.KeyUse(k)) {
			c.world.UseKey(caller.AccessKeyID, use)
			c.world.UseService(caller.Principal.ARN, j.service.authorizedAs(), use)
		}
	case caller.Principal.Kind == policy.IAMUser && !fresh(c.world.ServiceUse(caller.Principal.ARN, j.service.authorizedAs())):
		c.world.UseService(caller.Principal.ARN, j.service.authorizedAs(), use)
	}
}

func (c *Cloud) call(j *job, caller world.Caller, now time.Time) *operation.Call {
	return &operation.Call{
		World: j.hold.seenBy(caller.Account), Caller: caller, Now: now, Region: j.from.region, SourceIP: j.from.ip,
		RequestID: j.id, PageSize: c.pageSize(j), Readings: c.readings,
		ReportStuck: c.engine != nil && c.engine.ReportStuck(caller.Account, now),
		Invoke:      func(n operation.Nested) (any, error) { return c.nested(j, n) }, Assume: c.assume, Allowed: c.allowedIn(j.from.region),
	}
}

// nested performs a call of a service while another one is performed.
func (c *Cloud) nested(outer *job, n operation.Nested) (any, error) {
	s := services()[n.Service]
	j := job{
		service: s, operation: n.Operation, in: n.In, id: c.requestID(), via: n.Via, forwarded: n.Forwarded,
		from: origin{ip: n.Via, agent: n.Via, region: n.Region},
		who:  func() (world.Caller, *refusal) { return c.caller(n.AccessKeyID) },
		done: func(any) {}, hold: outer.hold, happened: outer.happened,
	}
	r := j.record()
	c.conclude(&j, &r)
	return r.Out, r.Err
}

// assume implements operation.Call's Assume.
func (c *Cloud) assume(account, role, session string) string {
	now := c.Now()
	return c.mint(&world.Session{
		Credential: policy.ServiceRole, Present: policy.Absent, Account: account, Role: world.Fold(role),
		Name: session, Issued: now, Expires: now.Add(consoleSession),
	}).AccessKeyID
}

// allowedIn implements operation.Call's Allowed for a Region.
func (c *Cloud) allowedIn(region string) func(accessKeyID string, asks ...operation.Ask) error {
	return func(accessKeyID string, asks ...operation.Ask) error {
		caller, why := c.caller(accessKeyID)
		if why == nil {
			call := &operation.Call{World: c.world, Caller: caller, Now: c.Now(), Region: region, Readings: c.readings}
			why = c.authorize(call, origin{ip: memoryAddress, region: region}, asks, nil)
		}
		if why != nil {
			return why
		}
		return nil
	}
}

// answer authorizes a call and performs it.
func (c *Cloud) answer(j *job, op *operation.Operation, call *operation.Call, fate fate) (any, error) {
	if op == nil {
		return nil, c.unserved(j, call)
	}
	if !c.logOnly { // authorize logs it with the resource
		if why := c.limit(call, operation.Ask{Action: j.service.action(j.operation)}, j.trace); why != nil {
			return nil, why
		}
	}
	if j.inErr != nil {
		return nil, j.inErr
	}
	asks, err := op.Asks(call, j.in)
	if err == nil && j.service.check != nil {
		err = j.service.check(j.in)
	}
	if err != nil {
		return nil, err
	}
	if why := c.authorize(call, j.origin(), asks, j.trace); why != nil {
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
	if why := c.authorize(call, j.from, asks, j.trace); why != nil {
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
		stale.World = past.Of(call.Caller.Account)
		out, err := op.Do(&stale, j.in)
		if !op.Writes || isAbsent(j.service, err) {
			return out, err
		}
	}
	if !op.Writes {
		return op.Do(call, j.in)
	}
	c.remember(j, call)
	j.hold.changed()
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
