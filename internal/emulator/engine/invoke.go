package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"forcemfa/internal/emulator/cloudwatchsvc"
	"forcemfa/internal/emulator/lambdasvc"
	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/sqssvc"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy/arn"
)

// invoke handles an asynchronous invocation.
func (e *Engine) invoke(ctx context.Context, i invoke) {
	named, err := arn.Parse(i.function)
	if err != nil {
		return
	}
	job, err := e.prepare(named, &i)
	if job == nil && err == nil {
		return // the function was deleted: the event is lost, as in AWS
	}
	var log []byte
	if err == nil {
		log, err = e.runner.Run(ctx, job)
	}
	if ctx.Err() != nil {
		return
	}
	e.cloud.Serve(named.Account, named.Region, func(c *operation.Call) { e.invoked(c, &i, job, log, err) })
}

// prepare starts an invocation: it needs concurrency, and a role that trusts Lambda.
func (e *Engine) prepare(named arn.ARN, i *invoke) (job *Invocation, err error) {
	e.cloud.Serve(named.Account, named.Region, func(c *operation.Call) {
		f, ok := world.Find[*lambdasvc.Function](c.World.Account(named.Account), i.function)
		if !ok {
			return
		}
		job = &Invocation{Account: named.Account, Region: named.Region, Function: f.CloneItem().(*lambdasvc.Function), Payload: i.payload, RequestID: c.RequestID}
		if f.Reserved == 0 {
			err = ErrThrottled
			return
		}
		account, role := operation.RoleOf(c.World, f.Role)
		if role == nil {
			err = fmt.Errorf("the role %s does not exist", f.Role)
			return
		}
		if err = operation.Assumable(c.World, "lambda.amazonaws.com", account, role, f.ARN); err != nil {
			return
		}
		s := c.World.Session(c.Assume(account, role.Name, f.Name))
		job.Credentials = aws.Credentials{AccessKeyID: s.AccessKeyID, SecretAccessKey: s.Secret, SessionToken: s.Token, CanExpire: true, Expires: s.Expires, AccountID: account}
	})
	return job, err
}

// invoked records the result of an invocation, and what happens to an event that failed.
func (e *Engine) invoked(c *operation.Call, i *invoke, job *Invocation, log []byte, err error) {
	f := job.Function
	metric := func(name string, value float64) {
		cloudwatchsvc.Record(c.World, job.Account, cloudwatchsvc.MetricKey(job.Region, "AWS/Lambda", name, map[string]string{"FunctionName": f.Name}), c.Now, value)
	}
	if errors.Is(err, ErrThrottled) {
		metric("Throttles", 1)
		i.delays++
	} else {
		metric("Invocations", 1)
		e.logged(c, job, log)
		if i.delays = 0; err == nil {
			return
		}
		metric("Errors", 1)
		i.attempt++
		e.problem(job.Account, "function %s: %v", f.Name, err)
	}
	next := i.again(c.Now)
	if i.attempt <= f.Retries && next.Sub(i.since) <= time.Duration(f.MaxAge)*time.Second {
		c.World.Later(next, *i)
		return
	}
	e.bury(c, i, job, err)
}

// bury sends a failed event to the dead-letter queue of its function.
// Source: Lambda Developer Guide, "Adding a dead-letter queue".
func (e *Engine) bury(c *operation.Call, i *invoke, job *Invocation, failure error) {
	f := job.Function
	if f.DeadLetter == "" {
		e.problem(job.Account, "function %s: an event is lost: it has no dead-letter queue", f.Name)
		return
	}
	account, role := operation.RoleOf(c.World, f.Role)
	named, err := arn.Parse(f.DeadLetter)
	if err != nil || role == nil {
		e.problem(job.Account, "function %s: an event is lost: its role or queue does not exist", f.Name)
		return
	}
	ask := lambdasvc.DeadLetterAsk(c.World, f.DeadLetter)
	if q, ok := world.Find[*sqssvc.Queue](c.World.Account(named.Account), f.DeadLetter); ok && q.Policy() != "" {
		ask = operation.On(c.World, ask.Action, ask.Resource, ask.ResourceAccount, q.Policy())[0]
	}
	if err := c.Allowed(c.Assume(account, role.Name, f.Name), ask); err != nil {
		e.problem(job.Account, "function %s: an event is lost: %v", f.Name, err)
		return
	}
	attributes := map[string]sqstypes.MessageAttributeValue{"RequestID": attribute(job.RequestID), "ErrorCode": attribute("200"), "ErrorMessage": attribute(failure.Error())}
	sqssvc.Send(c.World, named.Account, f.DeadLetter, string(i.payload), attributes, c.Now)
}

// logged stores the metrics in the log of a function, if its role may write the log.
// Source: CloudWatch User Guide, "Specification: Embedded metric format".
func (e *Engine) logged(c *operation.Call, job *Invocation, log []byte) {
	f := job.Function
	account, role := operation.RoleOf(c.World, f.Role)
	if role == nil {
		return
	}
	group := f.LogGroup
	if group == "" {
		group = "/aws/lambda/" + f.Name
	}
	stream := "arn:" + c.World.Partition + ":logs:" + job.Region + ":" + job.Account + ":log-group:" + group + ":log-stream:" + job.RequestID
	key := c.Assume(account, role.Name, f.Name)
	for _, action := range []string{"logs:CreateLogStream", "logs:PutLogEvents"} {
		if err := c.Allowed(key, operation.Ask{Action: action, Resource: stream}); err != nil {
			e.problem(job.Account, "function %s: its log is lost: %v", f.Name, err)
			return
		}
	}
	for line := range bytes.Lines(log) {
		if bytes.Contains(line, []byte(`"_aws"`)) {
			embedded(c, job, line)
		}
	}
}

// embedded records the metrics of one line.
func embedded(c *operation.Call, job *Invocation, line []byte) {
	var head struct {
		AWS struct {
			CloudWatchMetrics []struct {
				Namespace string
				Metrics   []struct{ Name string }
			}
		} `json:"_aws"`
	}
	var values map[string]any
	if json.Unmarshal(line, &head) != nil || json.Unmarshal(line, &values) != nil {
		return
	}
	for _, set := range head.AWS.CloudWatchMetrics {
		for _, m := range set.Metrics {
			if value, ok := values[m.Name].(float64); ok {
				cloudwatchsvc.Record(c.World, job.Account, cloudwatchsvc.MetricKey(job.Region, set.Namespace, m.Name, nil), c.Now, value)
			}
		}
	}
}

// tick is how often alarms are evaluated.
const tick = 5 * time.Minute

func hasAlarms(w *world.World) bool {
	for _, id := range w.Accounts() {
		for _, item := range w.Account(id).Items {
			if _, ok := item.(*cloudwatchsvc.Alarm); ok {
				return true
			}
		}
	}
	return false
}

// evaluate evaluates all alarms.
func (e *Engine) evaluate(at time.Time) {
	e.ticked = at
	e.cloud.Update(func(w *world.World) {
		for _, id := range w.Accounts() {
			for _, a := range world.List[*cloudwatchsvc.Alarm](w.Account(id)) {
				e.evaluateAlarm(w, id, a, at)
			}
		}
	})
}

func (e *Engine) evaluateAlarm(w *world.World, account string, a *cloudwatchsvc.Alarm, at time.Time) {
	key := cloudwatchsvc.MetricKey(regionOf(a.ARN), a.Namespace, a.MetricName, a.Dimensions)
	if a.Namespace == "AWS/SQS" {
		measureQueue(w, account, key, a.Dimensions["QueueName"], at)
	}
	var points []cloudwatchsvc.Point
	if m, ok := world.Find[*cloudwatchsvc.Metric](w.Account(account), key); ok {
		points = m.Points
	}
	state, reason := a.Evaluate(points, at)
	if state == a.State {
		return
	}
	e.mu.Lock()
	e.transitions = append(e.transitions, Transition{at, account, a.AlarmName, a.State, state, reason})
	e.mu.Unlock()
	changed, _ := world.Change[*cloudwatchsvc.Alarm](w, account, a.ARN)
	changed.State, changed.Reason, changed.Changed = state, reason, at
}

// measureQueue records how many messages of a queue can be received.
func measureQueue(w *world.World, account, key, name string, at time.Time) {
	for _, q := range world.List[*sqssvc.Queue](w.Account(account)) {
		if q.Name == name && strings.Contains(key, ":"+regionOf(q.ARN)+":") {
			cloudwatchsvc.Record(w, account, key, at, float64(q.Visible(at)))
		}
	}
}
