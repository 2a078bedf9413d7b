package eventssvc

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// A Posted event is a task: an event that a bus accepted and whose rules have not seen it.
type Posted struct {
	Bus   string // ARN
	Event []byte // as targets get it
}

// An Event is what targets get.
// Source: EventBridge User Guide, "Event structure reference".
type Event struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       time.Time       `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

// askEvents asks for every entry, with the policy of its bus.
// Source: Service Authorization Reference, EventBridge, PutEvents.
func askEvents(c *operation.Call, in *eventbridge.PutEventsInput) ([]operation.Ask, error) {
	if n := len(in.Entries); n < 1 || n > 10 {
		return nil, invalid("1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length between 1 and 10")
	}
	var asks []operation.Ask
	for _, e := range in.Entries {
		bus := busARN(c, e.EventBusName)
		document, _ := FindBus(c.World, bus)
		owner := c.Caller.Account
		if a, err := arn.Parse(bus); err == nil {
			owner = a.Account
		}
		ask := operation.On(c.World, "events:PutEvents", bus, owner, document)[0]
		ask.Context = EventKeys(aws.ToString(e.Source), aws.ToString(e.DetailType))
		asks = append(asks, ask)
	}
	return asks, nil
}

// EventKeys sets the condition keys of an event.
// Source: EventBridge User Guide, "Using IAM policy conditions in Amazon EventBridge".
func EventKeys(source, detailType string) func(*policy.Context) {
	return func(x *policy.Context) {
		x.Set("events:source", source)
		x.Set("events:detail-type", detailType)
	}
}

func putEvents(c *operation.Call, in *eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error) {
	out := &eventbridge.PutEventsOutput{}
	for _, e := range in.Entries {
		if code, why := malformed(&e); code != "" {
			out.FailedEntryCount++
			out.Entries = append(out.Entries, types.PutEventsResultEntry{ErrorCode: &code, ErrorMessage: &why})
			continue
		}
		at := c.Now
		if e.Time != nil {
			at = *e.Time
		}
		event := Event{
			Version: "0", ID: c.World.NewUUID(), DetailType: *e.DetailType, Source: *e.Source, Account: c.Caller.Account,
			Time: at.UTC().Truncate(time.Second), Region: c.Region, Resources: append([]string{}, e.Resources...), Detail: json.RawMessage(*e.Detail),
		}
		Post(c.World, busARN(c, e.EventBusName), &event, c.Now)
		out.Entries = append(out.Entries, types.PutEventsResultEntry{EventId: &event.ID})
	}
	return out, nil
}

// malformed returns the error of an entry.
// Source: EventBridge API Reference, PutEventsResultEntry.
func malformed(e *types.PutEventsRequestEntry) (code, why string) {
	switch {
	case aws.ToString(e.Source) == "" || aws.ToString(e.DetailType) == "" || aws.ToString(e.Detail) == "":
		return "InvalidArgument", "Parameter Source, DetailType or Detail is not valid. Reason: it is a required argument."
	case strings.HasPrefix(*e.Source, "aws."):
		return "NotAuthorizedForSourceException", "Not authorized for the source."
	case !json.Valid([]byte(*e.Detail)) || !strings.HasPrefix(strings.TrimSpace(*e.Detail), "{"):
		return "MalformedDetail", "Detail is malformed."
	}
	return "", ""
}

// Post puts an event on a bus. Its rules see it after the call.
func Post(w *world.World, bus string, e *Event, now time.Time) {
	text, err := json.Marshal(e)
	if err != nil {
		return // its detail is not JSON
	}
	w.Later(now, Posted{bus, text})
}
