package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// Source and detail type of a message on the bus.
const (
	Source     = "forcemfa"
	DetailType = "forcemfa message"
)

// The patterns of the rules that deliver messages to the notifier: urgent ones
// invoke its function, the others go to the queue of the summary. Every message
// matches one of them.
const (
	PatternAtOnce = `{"source":["forcemfa"],"detail-type":["forcemfa message"],"detail":{"severity":["critical","high"]}}`
	PatternDigest = `{"source":["forcemfa"],"detail-type":["forcemfa message"],"detail":{"severity":[{"anything-but":["critical","high"]}]}}`
)

// The limits of PutEvents.
// Source: Amazon EventBridge API Reference, PutEvents, and User Guide,
// "Calculating PutEvents event entry size".
const (
	mostEntries   = 10
	mostEntrySize = 256<<10 - 1
	timeSize      = 14
)

// An eventBus puts each message on an event bus as an event.
type eventBus struct {
	*retrier
	client *eventbridge.Client
	name   string
}

func newEventBus(cfg aws.Config, name string, c *retrier) *eventBus {
	return &eventBus{retrier: c, client: eventbridge.NewFromConfig(regional(cfg, name)), name: name}
}

func (b *eventBus) Name() string { return "bus" }

// Send puts every message on the bus, worst first. Entries with a temporary
// failure are sent again; those that still fail are returned as [Unsent].
func (b *eventBus) Send(ctx context.Context, d *Summary) error {
	left := d.sorted()
	for len(left) > 0 {
		n, err := b.fitting(left)
		if err != nil {
			return &Unsent{Messages: left, Err: err}
		}
		unsent, err := b.put(ctx, left[:n])
		if err != nil {
			return &Unsent{Messages: append(unsent, left[n:]...), Err: err}
		}
		left = left[n:]
	}
	return nil
}

// fitting returns how many of the messages fit into one call, at least one.
func (b *eventBus) fitting(messages []Message) (n int, err error) {
	total := 0
	for n < min(mostEntries, len(messages)) {
		entry, err := b.entry(&messages[n])
		if err != nil {
			return 0, err
		}
		if total += entrySize(entry); total > mostEntrySize {
			break
		}
		n++
	}
	return max(n, 1), nil
}

// put sends messages in one call, and failed entries again. unsent holds the
// rest when err is not nil.
func (b *eventBus) put(ctx context.Context, messages []Message) (unsent []Message, err error) {
	unsent = messages
	err = b.retry(ctx, func() result {
		entries := make([]types.PutEventsRequestEntry, len(unsent))
		for i := range unsent {
			entry, err := b.entry(&unsent[i])
			if err != nil {
				return result{err: err}
			}
			entries[i] = entry
		}
		out, err := b.client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: entries})
		if err != nil {
			return result{err: fmt.Errorf("put events on %s: %w", b.name, err)}
		}
		v := result{}
		unsent, v = b.failed(unsent, out)
		return v
	})
	return unsent, err
}

// failed returns the messages whose entries failed, and whether to try again:
// not when an entry can never succeed.
// Source: Amazon EventBridge API Reference, PutEventsResultEntry, ErrorCode.
func (b *eventBus) failed(sent []Message, out *eventbridge.PutEventsOutput) ([]Message, result) {
	if len(out.Entries) != len(sent) {
		return sent, result{err: fmt.Errorf("put events on %s: %d answers for %d entries", b.name, len(out.Entries), len(sent))}
	}
	var left []Message
	v := result{again: true}
	for i, e := range out.Entries {
		code := aws.ToString(e.ErrorCode)
		if code == "" {
			continue
		}
		left = append(left, sent[i])
		passing := code == "InternalFailure" || code == "ThrottlingException" || code == "InternalException"
		if v.err == nil || !passing {
			v.err = fmt.Errorf("put event %s on %s: %s: %s", sent[i].ID, b.name, code, quote(aws.ToString(e.ErrorMessage)))
		}
		v.again = v.again && passing
	}
	return left, v
}

func (b *eventBus) entry(m *Message) (types.PutEventsRequestEntry, error) {
	bounded := *m
	bounded.What, bounded.Remedy = clip(m.What, mostSentence, ""), clip(m.Remedy, mostSentence, "")
	detail, err := json.Marshal(bounded)
	if err != nil {
		return types.PutEventsRequestEntry{}, fmt.Errorf("write message %s: %w", m.ID, err)
	}
	e := types.PutEventsRequestEntry{
		EventBusName: &b.name,
		Source:       aws.String(Source),
		DetailType:   aws.String(DetailType),
		Detail:       aws.String(string(detail)),
		Time:         aws.Time(m.At),
	}
	if m.At.IsZero() {
		e.Time = nil
	}
	if m.ARN != "" {
		e.Resources = []string{m.ARN}
	}
	if size := entrySize(e); size > mostEntrySize {
		return e, errors.New("message " + clip(m.ID, 100, "…") + " is larger than an event may be")
	}
	return e, nil
}

// mostSentence is far more than the length of any sentence from forcemfa.
const mostSentence = 8000

// entrySize returns the size of an entry in bytes as AWS computes it.
func entrySize(e types.PutEventsRequestEntry) int {
	n := len(*e.Source) + len(*e.DetailType) + len(*e.Detail)
	if e.Time != nil {
		n += timeSize
	}
	for _, r := range e.Resources {
		n += len(r)
	}
	return n
}
