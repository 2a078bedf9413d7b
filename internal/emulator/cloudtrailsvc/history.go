package cloudtrailsvc

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/trail"
)

// A history is the Event history of an account, oldest event first.
type history struct{ events []historyEvent }

// CloneItem implements [world.Item].
func (h *history) CloneItem() world.Item { return &history{slices.Clip(h.events)} }

// A historyEvent is one management event.
type historyEvent struct {
	region, user string
	record       *trail.Record
	text         string
}

// historyKey is the key of the history among the items of an account.
const historyKey = "cloudtrail:event-history"

// Source: CloudTrail User Guide, "Working with CloudTrail Event history": 90 days. The
// number of events is a limit of the embedded AWS only.
const (
	historyDays   = 90
	historyEvents = 50_000
)

// Remember adds management events to the Event history of their accounts. Data events are
// not in it.
func Remember(w *world.World, records ...*trail.Record) error {
	for _, r := range records {
		account := r.RecipientAccountID
		if !r.ManagementEvent || w.Account(account) == nil {
			continue
		}
		text, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("remember event %s: %w", r.EventID, err)
		}
		h, ok := world.Change[*history](w, account, historyKey)
		if !ok {
			h = &history{}
			w.Put(account, historyKey, h)
		}
		h.add(historyEvent{region: r.Region, user: userName(&r.UserIdentity), record: r, text: string(text)})
	}
	return nil
}

// add adds an event in the order of time.
func (h *history) add(e historyEvent) {
	if len(h.events) >= historyEvents {
		h.events = slices.Clone(h.events[historyEvents/10:])
	}
	at := len(h.events)
	for at > 0 && h.events[at-1].record.EventTime.After(e.record.EventTime) {
		at--
	}
	h.events = slices.Insert(h.events, at, e)
}

// userName is what LookupEvents calls the user name: that of the user, or the name of the
// session of a role or federated user.
func userName(id *trail.Identity) string {
	if id.UserName != "" {
		return id.UserName
	}
	if _, session, ok := strings.Cut(id.PrincipalID, ":"); ok {
		return session
	}
	return ""
}

func lookup(c *operation.Call, in *cloudtrail.LookupEventsInput) (*cloudtrail.LookupEventsOutput, error) {
	if err := checkLookup(in); err != nil {
		return nil, err
	}
	start, err := pageStart(in)
	if err != nil {
		return nil, err
	}
	size := c.PageSize(int(aws.ToInt32(in.MaxResults)), 50, 50)
	out := &cloudtrail.LookupEventsOutput{Events: []types.Event{}}
	h, _ := world.Find[*history](c.World.Account(c.Caller.Account), historyKey)
	if h == nil || in.EventCategory != "" {
		return out, nil
	}
	skip := start
	for _, e := range slices.Backward(h.events) {
		if e.region != c.Region || !e.within(in, c.Now) || !e.has(in.LookupAttributes) {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		if len(out.Events) == size {
			out.NextToken = aws.String(pageToken(in, start+size))
			break
		}
		out.Events = append(out.Events, e.event())
	}
	return out, nil
}

func checkLookup(in *cloudtrail.LookupEventsInput) error {
	switch {
	case in.MaxResults != nil && (*in.MaxResults < 1 || *in.MaxResults > 50):
		return &types.InvalidMaxResultsException{Message: aws.String("The number of results must be from 1 to 50.")}
	case in.StartTime != nil && in.EndTime != nil && in.StartTime.After(*in.EndTime):
		return &types.InvalidTimeRangeException{Message: aws.String("The start time is after the end time.")}
	case len(in.LookupAttributes) > 1:
		return &types.InvalidLookupAttributesException{Message: aws.String("You can only lookup events by one attribute.")}
	case in.EventCategory != "" && in.EventCategory != types.EventCategoryInsight:
		return &types.InvalidEventCategoryException{Message: aws.String("The event category is not valid.")}
	}
	return nil
}

// within reports whether the event happened in the time asked for and is still kept.
func (e *historyEvent) within(in *cloudtrail.LookupEventsInput, now time.Time) bool {
	at := e.record.EventTime
	return !at.Before(now.AddDate(0, 0, -historyDays)) && (in.StartTime == nil || !at.Before(*in.StartTime)) && (in.EndTime == nil || !at.After(*in.EndTime))
}

func (e *historyEvent) has(attributes []types.LookupAttribute) bool {
	for _, a := range attributes {
		value := ""
		switch a.AttributeKey {
		case types.LookupAttributeKeyUsername:
			value = e.user
		case types.LookupAttributeKeyAccessKeyId:
			value = e.record.UserIdentity.AccessKeyID
		case types.LookupAttributeKeyEventId:
			value = e.record.EventID
		case types.LookupAttributeKeyEventName:
			value = e.record.EventName
		case types.LookupAttributeKeyEventSource:
			value = e.record.EventSource
		case types.LookupAttributeKeyReadOnly:
			value = strconv.FormatBool(e.record.ReadOnly)
		}
		if value == "" || value != aws.ToString(a.AttributeValue) {
			return false
		}
	}
	return true
}

func (e *historyEvent) event() types.Event {
	r := e.record
	out := types.Event{
		EventId: &r.EventID, EventName: &r.EventName, EventSource: &r.EventSource, EventTime: &r.EventTime, CloudTrailEvent: &e.text,
		ReadOnly: aws.String(strconv.FormatBool(r.ReadOnly)), Resources: []types.Resource{},
	}
	if e.user != "" {
		out.Username = &e.user
	}
	if key := r.UserIdentity.AccessKeyID; key != "" {
		out.AccessKeyId = &key
	}
	return out
}

// pageToken is the token of a page, which fits the same question only.
func pageToken(in *cloudtrail.LookupEventsInput, start int) string {
	return base64.StdEncoding.EncodeToString([]byte(question(in) + " " + strconv.Itoa(start)))
}

func pageStart(in *cloudtrail.LookupEventsInput) (int, error) {
	if in.NextToken == nil {
		return 0, nil
	}
	text, err := base64.StdEncoding.DecodeString(*in.NextToken)
	asked, start, _ := strings.Cut(string(text), " ")
	n, bad := strconv.Atoi(start)
	if err != nil || bad != nil || asked != question(in) {
		return 0, &types.InvalidNextTokenException{Message: aws.String("The token is not valid, or belongs to a call with other parameters.")}
	}
	return n, nil
}

// question identifies the parameters of a call without its page.
func question(in *cloudtrail.LookupEventsInput) string {
	sum := fnv.New64a()
	_, _ = fmt.Fprint(sum, in.StartTime, in.EndTime, in.EventCategory) // never fails
	for _, a := range in.LookupAttributes {
		_, _ = fmt.Fprint(sum, a.AttributeKey, aws.ToString(a.AttributeValue))
	}
	return strconv.FormatUint(sum.Sum64(), 36)
}
