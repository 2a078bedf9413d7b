package probe

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	cttypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// The tag of the user, with a value that nothing else has.
const tagKey, tagValue = name, name + "-tag-value"

// AWS delivers most events within 5 minutes, on average.
// Source: CloudTrail User Guide, "Finding your CloudTrail log files".
const (
	trailWithin = 20 * time.Minute
	trailPause  = 30 * time.Second
)

// leaveTraces makes the calls that the questions about CloudTrail look for, so that the events
// arrive while the other questions are asked: one with an active key of a tagged user, then one
// with a key that is not active any more.
func (s *stand) leaveTraces(ctx context.Context) error {
	key, id, err := s.newKey(ctx, name)
	if err != nil {
		return err
	}
	s.second = id
	second := sts.NewFromConfig(s.config(key))
	// A new key and a change of its status take effect after some seconds.
	if err := s.until(ctx, func() bool { return identified(ctx, second) }); err != nil {
		return err
	}
	_, err = s.admin.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: aws.String(name), AccessKeyId: &s.second, Status: iamtypes.StatusTypeInactive})
	if err != nil {
		return err
	}
	if err := s.until(ctx, func() bool { return !identified(ctx, second) }); err != nil {
		return err
	}
	if err := s.Wait(ctx, pause); err != nil { // events have whole seconds
		return err
	}
	s.inactive = s.Now()
	identified(ctx, second)
	return nil
}

// until waits until something holds, and goes on without it after some tries.
func (s *stand) until(ctx context.Context, holds func() bool) error {
	for range tries {
		if holds() {
			return nil
		}
		if err := s.Wait(ctx, pause); err != nil {
			return err
		}
	}
	return nil
}

func identified(ctx context.Context, with *sts.Client) bool {
	_, err := with.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	return err == nil
}

// events are the events of the second key. Without any after some time, nothing is known.
func (s *stand) events(ctx context.Context) ([]cttypes.Event, error) {
	client := cloudtrail.NewFromConfig(s.Config)
	for end := s.Now().Add(trailWithin); ; {
		out, err := client.LookupEvents(ctx, &cloudtrail.LookupEventsInput{LookupAttributes: []cttypes.LookupAttribute{
			{AttributeKey: cttypes.LookupAttributeKeyAccessKeyId, AttributeValue: &s.second},
		}})
		if err != nil {
			return nil, err
		}
		if len(out.Events) > 0 {
			return out.Events, nil
		}
		if s.Now().After(end) {
			return nil, errNoEvents
		}
		if err := s.Wait(ctx, trailPause); err != nil {
			return nil, err
		}
	}
}

func trailTags(ctx context.Context, s *stand) (string, error) {
	events, err := s.events(ctx)
	if err != nil {
		return "", err
	}
	for _, e := range events {
		if strings.Contains(aws.ToString(e.CloudTrailEvent), tagValue) {
			return yes, nil
		}
	}
	return no, nil
}

// trailInactiveKey waits as long again once the first events are there: events arrive in
// any order.
func trailInactiveKey(ctx context.Context, s *stand) (string, error) {
	for end := s.Now().Add(trailWithin / 2); ; {
		events, err := s.events(ctx)
		if err != nil {
			return "", err
		}
		for _, e := range events {
			if !aws.ToTime(e.EventTime).Before(s.inactive.Truncate(time.Second)) {
				return yes, nil
			}
		}
		if s.Now().After(end) {
			return no, nil
		}
		if err := s.Wait(ctx, trailPause); err != nil {
			return "", err
		}
	}
}
