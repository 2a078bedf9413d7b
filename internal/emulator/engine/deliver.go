package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"forcemfa/internal/emulator/eventssvc"
	"forcemfa/internal/emulator/lambdasvc"
	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/sqssvc"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

const eventBridge = "events.amazonaws.com"

// deliver sends an event to the targets of a rule. An event that a policy does not allow
// is not sent again: it goes to the dead-letter queue of the target.
// Source: EventBridge User Guide, "How EventBridge retries delivering events".
func (e *Engine) deliver(c *operation.Call, r *eventssvc.Rule, event []byte) {
	for _, t := range r.Targets {
		err := e.send(c, r, &t, event)
		if err == nil {
			continue
		}
		e.problem(c.Caller.Account, "rule %s: %v", r.Name, err)
		if t.DeadLetterConfig == nil || t.DeadLetterConfig.Arn == nil {
			continue
		}
		attributes := map[string]sqstypes.MessageAttributeValue{
			"RULE_ARN": attribute(r.ARN), "TARGET_ARN": attribute(aws.ToString(t.Arn)), "ERROR_CODE": attribute("NO_PERMISSIONS"), "ERROR_MESSAGE": attribute(err.Error()),
		}
		if err := e.queue(c, r.ARN, *t.DeadLetterConfig.Arn, event, attributes); err != nil {
			e.problem(c.Caller.Account, "rule %s: an event is lost: %v", r.Name, err)
		}
	}
}

func attribute(text string) sqstypes.MessageAttributeValue {
	return sqstypes.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(text)}
}

func (e *Engine) send(c *operation.Call, r *eventssvc.Rule, t *types.Target, event []byte) error {
	named, err := arn.Parse(aws.ToString(t.Arn))
	if err != nil {
		return err
	}
	switch named.Service {
	case "lambda":
		f, ok := world.Find[*lambdasvc.Function](c.World.Account(named.Account), *t.Arn)
		if !ok {
			return fmt.Errorf("the function %s does not exist", *t.Arn)
		}
		if err := e.service(c, r.ARN, named.Account, "lambda:InvokeFunction", f.ARN, f.Policy()); err != nil {
			return err
		}
		c.World.Later(c.Now, invoke{function: f.ARN, payload: event, since: c.Now})
		return nil
	case "sqs":
		return e.queue(c, r.ARN, *t.Arn, event, nil)
	case "events":
		return e.forward(c, t, event)
	}
	return fmt.Errorf("the embedded AWS does not send events to %s", *t.Arn)
}

// service checks what EventBridge does in its own name.
func (e *Engine) service(c *operation.Call, rule, owner, action, resource, document string) error {
	return operation.ServiceCall{
		Service: eventBridge, Action: action, Resource: resource, Owner: owner, Kind: policy.Resource, Document: document, SourceARN: rule, SourceAccount: c.Caller.Account,
	}.Check(c.World)
}

// queue sends an event to a queue.
func (e *Engine) queue(c *operation.Call, rule, queue string, event []byte, attributes map[string]sqstypes.MessageAttributeValue) error {
	named, err := arn.Parse(queue)
	if err != nil {
		return err
	}
	q, ok := world.Find[*sqssvc.Queue](c.World.Account(named.Account), queue)
	if !ok {
		return fmt.Errorf("the queue %s does not exist", queue)
	}
	if err := e.service(c, rule, named.Account, "sqs:SendMessage", queue, q.Policy()); err != nil {
		return err
	}
	sqssvc.Send(c.World, named.Account, queue, string(event), attributes, c.Now)
	return nil
}

// forward sends an event to another bus, with the role of the target.
func (e *Engine) forward(c *operation.Call, t *types.Target, event []byte) error {
	account, role := operation.RoleOf(c.World, aws.ToString(t.RoleArn))
	if role == nil {
		return fmt.Errorf("the role %s of the target does not exist", aws.ToString(t.RoleArn))
	}
	if err := operation.Assumable(c.World, eventBridge, account, role, ""); err != nil {
		return err
	}
	named, err := arn.Parse(*t.Arn)
	if err != nil {
		return err
	}
	document, there := eventssvc.FindBus(c.World, *t.Arn)
	if !there {
		return fmt.Errorf("the event bus %s does not exist", *t.Arn)
	}
	var head struct {
		Source     string `json:"source"`
		DetailType string `json:"detail-type"`
	}
	if err := json.Unmarshal(event, &head); err != nil {
		return err
	}
	ask := operation.On(c.World, "events:PutEvents", *t.Arn, named.Account, document)[0]
	ask.Context = eventssvc.EventKeys(head.Source, head.DetailType)
	if err := c.Allowed(c.Assume(account, role.Name, "events"), ask); err != nil {
		return err
	}
	c.World.Later(c.Now, eventssvc.Posted{Bus: *t.Arn, Event: event})
	return nil
}

// An invoke is a task: an asynchronous invocation of a function.
type invoke struct {
	function string // ARN
	payload  []byte
	since    time.Time
	attempt  int // failed ones
	delays   int // times that it was throttled
}

// again returns when a failed or throttled invocation is tried again.
// Source: Lambda Developer Guide, "Asynchronous invocation", error handling: a minute
// after the first failure, two after the second; throttled events up to five minutes.
func (i *invoke) again(now time.Time) time.Time {
	if i.delays > 0 {
		return now.Add(min(time.Second<<min(i.delays, 12), 5*time.Minute))
	}
	return now.Add(time.Duration(i.attempt) * time.Minute)
}

// ErrThrottled means that a function has no concurrency left. A [Runner] may return it.
var ErrThrottled = errors.New("rate exceeded")
