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
// the bus, which is sent at once, or that of a schedule, upon which everything
// in the queue becomes one summary. A message leaves the queue only after every
// channel took it; with an error it comes back, and so does an event whose
// invocation fails. What is in the queue and is no message stays there, and is
// an error of every run, until the queue's own dead-letter queue takes it.
func (n *Notifier) Handle(ctx context.Context, payload []byte) error {
	var e event
	if err := json.Unmarshal(payload, &e); err != nil {
		return fmt.Errorf("read the event: %w", err)
	}
	switch {
	case len(n.channels) == 0:
		return errors.New("tell people: no channel is configured, so nothing is taken from the queue")
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

// An event is what Lambda is invoked with, as far as it matters here.
type event struct {
	Source     string          `json:"source"`
	DetailType string          `json:"detail-type"`
	Account    string          `json:"account"` // that put it on the bus, by the word of EventBridge
	Detail     json.RawMessage `json:"detail"`
	// RequestPayload is the event of an invocation that failed, in the record
	// that Lambda sends to a destination.
	RequestPayload json.RawMessage `json:"requestPayload,omitempty"`
}

// scheduled tells an event of a rule with a schedule, or of EventBridge
// Scheduler, whose payload is free.
func (e *event) scheduled() bool {
	return e.DetailType == "Scheduled Event" || e.Source == "aws.scheduler" || e.Source == "" && e.DetailType == ""
}

// parseEvent reads a message of the bus. An account can put events on the bus in
// anybody's name, so who did it is told where it is another one.
func parseEvent(text []byte) (Message, error) {
	var e event
	if err := json.Unmarshal(text, &e); err != nil {
		return Message{}, fmt.Errorf("read the event: %w", err)
	}
	if e.RequestPayload != nil {
		inner := e.RequestPayload
		if e = (event{}); json.Unmarshal(inner, &e) != nil {
			return Message{}, errors.New("read the event: the failed invocation had none")
		}
	}
	if e.Source != Source || e.DetailType != DetailType {
		return Message{}, fmt.Errorf("read the event: source %q with detail-type %q is no message", e.Source, e.DetailType)
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

// A queue holds the messages of the next summary.
type queue struct {
	client *sqs.Client
	url    string
}

func newQueue(cfg aws.Config, url string) *queue {
	return &queue{client: sqs.NewFromConfig(cfg), url: url}
}

// mostDrained is how many messages one summary is made of; what is left waits for
// the next. They all stay in memory.
const mostDrained = 10_000

// ErrNoQueue says that the options name no queue.
var ErrNoQueue = errors.New("no queue is configured (FORCEMFA_QUEUE)")

// drain makes one summary of what is in the queue.
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

// Keep puts messages that could not be sent into the queue, where they outlive
// this process, and [Notifier.Catch] finds them. The error is [ErrNoQueue]
// without one.
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

// Catch tells what was kept, as one summary. Without a queue nothing was, and
// without a channel it stays there.
func (n *Notifier) Catch(ctx context.Context) error {
	if n.queue == nil || len(n.channels) == 0 {
		return nil
	}
	return n.drain(ctx)
}

// put sends one message as the event that it would be on the bus. One call each
// keeps every message below the size of an entry.
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

// gather receives what is in the queue, as far as there is time. The error tells
// of entries that are no messages and have no receipt, and of SQS.
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

// span sets the time that the summary is about.
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

// sending is how much time a summary may take to be sent.
const sending = 45 * time.Second

// inTime tells whether the context leaves time to send and delete what more is
// received.
func inTime(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() == nil && (!ok || time.Until(deadline) > sending)
}

// hidden is for how long nobody else sees what was received: longer than any
// function runs. Source: AWS Lambda quotas, function timeout, 900 seconds.
const hidden = 900

// receive takes up to ten entries. A wait of a second asks all of SQS's servers,
// so that nothing means that there is nothing.
func (q *queue) receive(ctx context.Context) ([]types.Message, error) {
	out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &q.url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, VisibilityTimeout: hidden,
	})
	if err != nil {
		return nil, fmt.Errorf("receive from %s: %w", q.url, err)
	}
	return out.Messages, nil
}

// remove deletes what was sent. What cannot be deleted comes back and is told a
// second time, except by this Notifier.
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

// giveBack lets the next run see what could not be sent. Where that fails, it
// sees them when they are no longer hidden.
func (q *queue) giveBack(ctx context.Context, receipts []string) {
	for from := 0; from < len(receipts); from += 10 {
		in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q.url}
		for i, r := range receipts[from:min(from+10, len(receipts))] {
			in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{Id: aws.String(fmt.Sprint("e", i)), ReceiptHandle: &r})
		}
		_, _ = q.client.ChangeMessageVisibilityBatch(ctx, in)
	}
}
