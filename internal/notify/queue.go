package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Handle is the body of the notifier's function. The payload is a message from
// the bus, which is sent at once, or the event of a schedule, which turns all
// messages in the queue into one summary. A message leaves the queue after every
// channel has accepted it. After an error it returns to the queue, as does the
// event of a failed invocation. An entry that is not a message stays in the
// queue and is an error of every run, until the dead-letter queue takes it.
func (n *Notifier) Handle(ctx context.Context, payload []byte) error {
	var e event
	if err := json.Unmarshal(payload, &e); err != nil {
		return fmt.Errorf("read the event: %w", err)
	}
	switch {
	case len(n.channels) == 0:
		return errors.New("send notifications: no channel is configured, so the messages stay in the queue")
	case e.RequestPayload != nil, e.Source == Source:
		m, err := parseEvent(payload)
		if err != nil {
			return err
		}
		return n.Send(ctx, &Summary{Messages: []Message{m}})
	case e.scheduled():
		return n.drain(ctx)
	}
	return fmt.Errorf("read the event: source %q with detail-type %q is neither a message nor a schedule", e.Source, e.DetailType)
}

// An event is the payload of a Lambda invocation, as far as it is used here.
type event struct {
	Source     string          `json:"source"`
	DetailType string          `json:"detail-type"`
	Account    string          `json:"account"` // that put it on the bus, according to EventBridge
	Detail     json.RawMessage `json:"detail"`
	// RequestPayload is the event of a failed invocation, in the record that
	// Lambda sends to a destination.
	RequestPayload json.RawMessage `json:"requestPayload,omitempty"`
}

// scheduled reports whether the event is from a rule with a schedule, or from
// EventBridge Scheduler, whose payload has any form.
func (e *event) scheduled() bool {
	return e.DetailType == "Scheduled Event" || e.Source == "aws.scheduler" || e.Source == "" && e.DetailType == ""
}

// parseEvent parses a message from the bus. An account can put events on the bus
// in the name of another one, so the message names the sending account when it
// differs.
func parseEvent(text []byte) (Message, error) {
	var e event
	if err := json.Unmarshal(text, &e); err != nil {
		return Message{}, fmt.Errorf("read the event: %w", err)
	}
	if e.RequestPayload != nil {
		inner := e.RequestPayload
		if e = (event{}); json.Unmarshal(inner, &e) != nil {
			return Message{}, errors.New("read the event: the failed invocation had no event")
		}
	}
	if e.Source != Source || e.DetailType != DetailType {
		return Message{}, fmt.Errorf("read the event: source %q with detail-type %q is not a message", e.Source, e.DetailType)
	}
	m, err := parseMessage(e.Detail)
	if err != nil {
		return Message{}, err
	}
	if e.Account != "" && e.Account != m.Account {
		m.What = strings.TrimSpace(m.What + " (reported by account " + e.Account + ")")
	}
	return m, nil
}

// A queue contains the messages of the next summary.
type queue struct {
	client *sqs.Client
	url    string
}

func newQueue(cfg aws.Config, url string) *queue {
	return &queue{client: sqs.NewFromConfig(cfg), url: url}
}

// mostDrained is the maximum number of messages in one summary; the others wait
// for the next one. All of them are in memory.
const mostDrained = 10_000

// ErrNoQueue means that the options name no queue.
var ErrNoQueue = errors.New("no queue is configured (FORCEMFA_QUEUE)")

// drain sends the messages in the queue as one summary.
func (n *Notifier) drain(ctx context.Context) error {
	if n.queue == nil {
		return fmt.Errorf("make a summary: %w", ErrNoQueue)
	}
	d, receipts, err := n.queue.gather(ctx)
	if sendErr := n.Send(ctx, d); sendErr != nil {
		n.queue.giveBack(ctx, receipts)
		return errors.Join(err, sendErr)
	}
	return errors.Join(err, n.queue.remove(ctx, receipts))
}

// Keep puts messages that could not be sent into the queue, where
// [Notifier.Catch] finds them after this process has ended. The error is
// [ErrNoQueue] without a queue.
func (n *Notifier) Keep(ctx context.Context, messages []Message) error {
	if n.queue == nil {
		return fmt.Errorf("keep messages: %w", ErrNoQueue)
	}
	for i := range messages {
		if err := n.queue.put(ctx, &messages[i]); err != nil {
			return fmt.Errorf("keep message %s: %w", messages[i].ID, err)
		}
	}
	return nil
}

// Catch sends the kept messages as one summary. It does nothing without a queue
// or a channel.
func (n *Notifier) Catch(ctx context.Context) error {
	if n.queue == nil || len(n.channels) == 0 {
		return nil
	}
	return n.drain(ctx)
}

// put sends one message as the event it would be on the bus. One call for each
// message keeps every entry below the size limit.
func (q *queue) put(ctx context.Context, m *Message) error {
	detail, err := json.Marshal(m)
	if err != nil {
		return err
	}
	body, err := json.Marshal(event{Source: Source, DetailType: DetailType, Account: m.Account, Detail: detail})
	if err != nil {
		return err
	}
	_, err = q.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: aws.String(string(body))})
	return err
}

// gather receives messages from the queue while there is time. The error lists
// entries that are not messages, which have no receipt, and errors of SQS.
func (q *queue) gather(ctx context.Context) (d *Summary, receipts []string, err error) {
	d = &Summary{}
	var errs []error
	for len(d.Messages) == 0 || len(d.Messages) < mostDrained && inTime(ctx) {
		received, err := q.receive(ctx)
		if err != nil {
			errs = append(errs, err)
		}
		if len(received) == 0 {
			break
		}
		for _, r := range received {
			m, err := parseEvent([]byte(aws.ToString(r.Body)))
			if err != nil {
				errs = append(errs, fmt.Errorf("queue entry %s: %w", aws.ToString(r.MessageId), err))
				continue
			}
			d.Messages = append(d.Messages, m)
			receipts = append(receipts, aws.ToString(r.ReceiptHandle))
		}
	}
	d.span()
	return d, receipts, errors.Join(errs...)
}

// span sets the period of the summary.
func (d *Summary) span() {
	for i := range d.Messages {
		at := d.Messages[i].At
		if d.Since.IsZero() || at.Before(d.Since) {
			d.Since = at
		}
		if at.After(d.Until) {
			d.Until = at
		}
	}
}

// sending is the time reserved for sending a summary.
const sending = 45 * time.Second

// inTime reports whether the context leaves time to send and delete further
// messages.
func inTime(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() == nil && (!ok || time.Until(deadline) > sending)
}

// hidden is how long other receivers do not see a received message: longer than
// any function runs.
// Source: AWS Lambda quotas, function timeout, 900 seconds.
const hidden = 900

// receive receives up to ten entries. A wait of a second queries all servers of
// SQS, so that an empty response means an empty queue.
func (q *queue) receive(ctx context.Context) ([]types.Message, error) {
	out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &q.url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, VisibilityTimeout: hidden,
	})
	if err != nil {
		return nil, fmt.Errorf("receive from %s: %w", q.url, err)
	}
	return out.Messages, nil
}

// remove deletes sent messages. A message that cannot be deleted returns and is
// sent a second time, except by this Notifier.
func (q *queue) remove(ctx context.Context, receipts []string) error {
	left, last := len(receipts), ""
	for from := 0; from < len(receipts); from += 10 {
		in := &sqs.DeleteMessageBatchInput{QueueUrl: &q.url}
		for i, r := range receipts[from:min(from+10, len(receipts))] {
			in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint("e", i)), ReceiptHandle: &r})
		}
		out, err := q.client.DeleteMessageBatch(ctx, in)
		if err != nil {
			last = err.Error()
			continue
		}
		left -= len(out.Successful)
		for _, f := range out.Failed {
			last = aws.ToString(f.Code) + ": " + aws.ToString(f.Message)
		}
	}
	if left > 0 {
		return fmt.Errorf("delete from %s: %d of %d sent entries are still there: %s", q.url, left, len(receipts), last)
	}
	return nil
}

// giveBack makes unsent messages visible to the next run. If that fails, they
// become visible when their timeout ends.
func (q *queue) giveBack(ctx context.Context, receipts []string) {
	for from := 0; from < len(receipts); from += 10 {
		in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q.url}
		for i, r := range receipts[from:min(from+10, len(receipts))] {
			in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{Id: aws.String(fmt.Sprint("e", i)), ReceiptHandle: &r})
		}
		_, _ = q.client.ChangeMessageVisibilityBatch(ctx, in)
	}
}
