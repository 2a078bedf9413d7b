package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"forcemfa/internal/fleet"
)

// A TrailCoverage says whether changes in an account are detected at once:
// EventBridge receives the events of IAM only where a trail logs write
// management events.
// Source: EventBridge User Guide, "AWS service events delivered via AWS
// CloudTrail".
type TrailCoverage struct {
	Account string `json:"account"`
	Name    string `json:"name,omitempty"`
	State   string `json:"state"`           // logged, no-trail, unknown
	Trail   string `json:"trail,omitempty"` // its ARN
	Why     string `json:"why,omitempty"`
}

// The states of a TrailCoverage.
const (
	Logged          = "logged"
	NoTrail         = "no-trail"
	CoverageUnknown = "unknown"
)

// coverageOf reads the trails of an account; cfg is the config for its home
// Region. A trail that cannot be read makes the result unknown, unless another
// one logs.
func coverageOf(ctx context.Context, cfg aws.Config) TrailCoverage {
	client := cloudtrail.NewFromConfig(cfg)
	out, err := client.DescribeTrails(ctx, &cloudtrail.DescribeTrailsInput{IncludeShadowTrails: aws.Bool(true)})
	if err != nil {
		return TrailCoverage{State: CoverageUnknown, Why: "cloudtrail:DescribeTrails: " + fleet.Reason(err)}
	}
	h := TrailCoverage{State: NoTrail, Why: "there is no trail"}
	for _, trail := range out.TrailList {
		name := aws.ToString(trail.TrailARN)
		why, err := notLogging(ctx, client, &trail, cfg.Region)
		switch {
		case err != nil:
			h = TrailCoverage{State: CoverageUnknown, Trail: name, Why: err.Error()}
		case why == "":
			return TrailCoverage{State: Logged, Trail: name}
		case h.State == NoTrail:
			h.Trail, h.Why = name, why
		}
	}
	return h
}

// notLogging returns why a trail does not log the writes of IAM; empty when it
// does.
func notLogging(ctx context.Context, client *cloudtrail.Client, trail *types.Trail, home string) (string, error) {
	name := aws.ToString(trail.TrailARN)
	switch {
	case !aws.ToBool(trail.IsMultiRegionTrail) && aws.ToString(trail.HomeRegion) != home:
		return "the trail covers only " + aws.ToString(trail.HomeRegion) + ", and the events of IAM are in " + home, nil
	case !aws.ToBool(trail.IncludeGlobalServiceEvents):
		return "the trail excludes the events of global services", nil
	}
	status, err := client.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: &name})
	if err != nil {
		return "", errors.New("cloudtrail:GetTrailStatus: " + fleet.Reason(err))
	}
	if !aws.ToBool(status.IsLogging) {
		return "logging is turned off for the trail", nil
	}
	selectors, err := client.GetEventSelectors(ctx, &cloudtrail.GetEventSelectorsInput{TrailName: &name})
	if err != nil {
		return "", errors.New("cloudtrail:GetEventSelectors: " + fleet.Reason(err))
	}
	if !selectsWrites(selectors.EventSelectors, selectors.AdvancedEventSelectors) {
		return "the trail does not log all write management events", nil
	}
	return "", nil
}

// selectsWrites reports whether a trail logs every write of IAM. A trail has
// selectors of one kind or the other, and one match is enough.
func selectsWrites(basic []types.EventSelector, advanced []types.AdvancedEventSelector) bool {
	return slices.ContainsFunc(basic, func(s types.EventSelector) bool {
		return aws.ToBool(s.IncludeManagementEvents) && s.ReadWriteType != types.ReadWriteTypeReadOnly &&
			!slices.Contains(s.ExcludeManagementEventSources, iamSource)
	}) || slices.ContainsFunc(advanced, advancedSelects)
}

const iamSource = "iam.amazonaws.com"

// advancedSelects reports whether an advanced selector matches every write
// management event of IAM. A field that selects only some events or callers does
// not.
// Source: CloudTrail API Reference, AdvancedFieldSelector.
func advancedSelects(s types.AdvancedEventSelector) bool {
	management := false
	for _, f := range s.FieldSelectors {
		switch aws.ToString(f.Field) {
		case "eventCategory":
			management = slices.Contains(f.Equals, "Management")
		case "readOnly":
			if !accepts(&f, "false") {
				return false
			}
		case "eventSource":
			if !accepts(&f, iamSource) {
				return false
			}
		default:
			return false
		}
	}
	return management
}

// accepts reports whether a field selector matches a value: every operator that
// is set must.
func accepts(f *types.AdvancedFieldSelector, value string) bool {
	one := func(list []string, holds func(value, operand string) bool) bool {
		return slices.ContainsFunc(list, func(operand string) bool { return holds(value, operand) })
	}
	equal := func(a, b string) bool { return a == b }
	return (len(f.Equals) == 0 || one(f.Equals, equal)) && !one(f.NotEquals, equal) &&
		(len(f.StartsWith) == 0 || one(f.StartsWith, strings.HasPrefix)) && !one(f.NotStartsWith, strings.HasPrefix) &&
		(len(f.EndsWith) == 0 || one(f.EndsWith, strings.HasSuffix)) && !one(f.NotEndsWith, strings.HasSuffix)
}

// what returns the sentence of a finding.
func (h *TrailCoverage) what() string {
	return fmt.Sprintf("no trail logs the write management events of the account (%s): only the scheduled scan detects changes", h.Why)
}
