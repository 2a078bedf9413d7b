// Package cloudtrailsvc implements CloudTrail of the embedded AWS: trails of an account or
// of the organization, and whether they log. EventBridge gets the events of an account
// only while a trail logs them.
package cloudtrailsvc

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
)

// A Trail logs the management events of an account, or of all accounts of the
// organization, in every Region.
type Trail struct {
	ARN, Name, Region, Bucket string
	Organization              bool
	Logging                   bool
	Selectors                 []types.EventSelector
}

// CloneItem implements [world.Item].
func (t *Trail) CloneItem() world.Item { c := *t; return &c }

// NewTrail returns a trail that logs all management events.
func NewTrail(partition, account, region, name string, organization bool) *Trail {
	return &Trail{
		ARN: "arn:" + partition + ":cloudtrail:" + region + ":" + account + ":trail/" + name, Name: name, Region: region, Organization: organization, Logging: true,
		Selectors: []types.EventSelector{{IncludeManagementEvents: aws.Bool(true), ReadWriteType: types.ReadWriteTypeAll}},
	}
}

// Logged reports whether a trail logs the management events of an account.
func Logged(w *world.World, account string) bool {
	for _, t := range trails(w, account) {
		if t.Logging {
			return true
		}
	}
	return false
}

// trails returns the trails of an account, and those of its organization.
func trails(w *world.World, account string) []*Trail {
	all := world.List[*Trail](w.Account(account))
	if o := w.Organization; o != nil && o.ManagementAccount != account && w.Account(account).Unit != "" {
		for _, t := range world.List[*Trail](w.Account(o.ManagementAccount)) {
			if t.Organization {
				all = append(all, t)
			}
		}
	}
	return all
}

// Operations returns the operations of CloudTrail.
func Operations() []operation.Operation {
	return operation.Reaching([]operation.Operation{
		operation.Read("DescribeTrails", operation.OnAll[cloudtrail.DescribeTrailsInput]("cloudtrail:DescribeTrails"), describe),
		operation.Read("GetTrailStatus", on("GetTrailStatus", func(in *cloudtrail.GetTrailStatusInput) *string { return in.Name }), status),
		operation.Read("GetEventSelectors", on("GetEventSelectors", func(in *cloudtrail.GetEventSelectorsInput) *string { return in.TrailName }), selectors),
		operation.Read("LookupEvents", operation.OnAll[cloudtrail.LookupEventsInput]("cloudtrail:LookupEvents"), lookup),
		operation.Write("CreateTrail", func(c *operation.Call, in *cloudtrail.CreateTrailInput) ([]operation.Ask, error) {
			return []operation.Ask{{Action: "cloudtrail:CreateTrail", Resource: c.ARN("cloudtrail", "trail/"+aws.ToString(in.Name))}}, nil
		}, create),
		operation.Write("StartLogging", on("StartLogging", func(in *cloudtrail.StartLoggingInput) *string { return in.Name }), start),
		operation.Write("StopLogging", on("StopLogging", func(in *cloudtrail.StopLoggingInput) *string { return in.Name }), stop),
		operation.Write("DeleteTrail", on("DeleteTrail", func(in *cloudtrail.DeleteTrailInput) *string { return in.Name }), remove),
		operation.Write("PutEventSelectors", on("PutEventSelectors", func(in *cloudtrail.PutEventSelectorsInput) *string { return in.TrailName }), putSelectors),
	}, reach)
}

// reach returns that of a call: members also see the trails of the organization, which are
// in its management account.
func reach(w *world.World, account string, in any) operation.Reach {
	switch in.(type) {
	case *cloudtrail.DescribeTrailsInput, *cloudtrail.GetTrailStatusInput, *cloudtrail.GetEventSelectorsInput:
		return operation.ReachOf(w.Organization == nil || w.Organization.ManagementAccount == account)
	}
	return operation.Account
}

func on[I any](action string, name func(*I) *string) func(*operation.Call, *I) ([]operation.Ask, error) {
	return func(c *operation.Call, in *I) ([]operation.Ask, error) {
		return []operation.Ask{{Action: "cloudtrail:" + action, Resource: trailARN(c, aws.ToString(name(in)))}}, nil
	}
}

func trailARN(c *operation.Call, name string) string {
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	return c.ARN("cloudtrail", "trail/"+name)
}

func find(c *operation.Call, name *string) (*Trail, error) {
	for _, t := range trails(c.World, c.Caller.Account) {
		if t.ARN == trailARN(c, aws.ToString(name)) {
			return t, nil
		}
	}
	return nil, absent(name)
}

func absent(name *string) error {
	return &types.TrailNotFoundException{Message: aws.String("Unknown trail: " + aws.ToString(name))}
}

// edit refuses the trail of the organization to its members.
func edit(c *operation.Call, name *string) (*Trail, error) {
	t, ok := world.Change[*Trail](c.World, c.Caller.Account, trailARN(c, aws.ToString(name)))
	if !ok {
		return nil, absent(name)
	}
	return t, nil
}

func (t *Trail) describe() types.Trail {
	return types.Trail{
		Name: &t.Name, TrailARN: &t.ARN, HomeRegion: &t.Region, S3BucketName: &t.Bucket, IsMultiRegionTrail: aws.Bool(true), IncludeGlobalServiceEvents: aws.Bool(true),
		IsOrganizationTrail: &t.Organization, LogFileValidationEnabled: aws.Bool(true),
	}
}

func describe(c *operation.Call, in *cloudtrail.DescribeTrailsInput) (*cloudtrail.DescribeTrailsOutput, error) {
	out := &cloudtrail.DescribeTrailsOutput{TrailList: []types.Trail{}}
	for _, t := range trails(c.World, c.Caller.Account) {
		named := len(in.TrailNameList) == 0
		for _, name := range in.TrailNameList {
			named = named || trailARN(c, name) == t.ARN
		}
		if named {
			out.TrailList = append(out.TrailList, t.describe())
		}
	}
	return out, nil
}

func status(c *operation.Call, in *cloudtrail.GetTrailStatusInput) (*cloudtrail.GetTrailStatusOutput, error) {
	t, err := find(c, in.Name)
	if err != nil {
		return nil, err
	}
	return &cloudtrail.GetTrailStatusOutput{IsLogging: &t.Logging}, nil
}

func selectors(c *operation.Call, in *cloudtrail.GetEventSelectorsInput) (*cloudtrail.GetEventSelectorsOutput, error) {
	t, err := find(c, in.TrailName)
	if err != nil {
		return nil, err
	}
	return &cloudtrail.GetEventSelectorsOutput{TrailARN: &t.ARN, EventSelectors: t.Selectors}, nil
}

func create(c *operation.Call, in *cloudtrail.CreateTrailInput) (*cloudtrail.CreateTrailOutput, error) {
	t := NewTrail(c.World.Partition, c.Caller.Account, c.Region, aws.ToString(in.Name), aws.ToBool(in.IsOrganizationTrail))
	if _, ok := world.Find[*Trail](c.World.Account(c.Caller.Account), t.ARN); ok {
		return nil, &types.TrailAlreadyExistsException{Message: aws.String("Trail " + t.Name + " already exists.")}
	}
	t.Bucket, t.Logging = aws.ToString(in.S3BucketName), false
	c.World.Put(c.Caller.Account, t.ARN, t)
	return &cloudtrail.CreateTrailOutput{Name: &t.Name, TrailARN: &t.ARN, S3BucketName: &t.Bucket, IsOrganizationTrail: &t.Organization}, nil
}

func start(c *operation.Call, in *cloudtrail.StartLoggingInput) (*cloudtrail.StartLoggingOutput, error) {
	t, err := edit(c, in.Name)
	if err != nil {
		return nil, err
	}
	t.Logging = true
	return &cloudtrail.StartLoggingOutput{}, nil
}

func stop(c *operation.Call, in *cloudtrail.StopLoggingInput) (*cloudtrail.StopLoggingOutput, error) {
	t, err := edit(c, in.Name)
	if err != nil {
		return nil, err
	}
	t.Logging = false
	return &cloudtrail.StopLoggingOutput{}, nil
}

func remove(c *operation.Call, in *cloudtrail.DeleteTrailInput) (*cloudtrail.DeleteTrailOutput, error) {
	t, err := edit(c, in.Name)
	if err != nil {
		return nil, err
	}
	c.World.Drop(c.Caller.Account, t.ARN)
	return &cloudtrail.DeleteTrailOutput{}, nil
}

func putSelectors(c *operation.Call, in *cloudtrail.PutEventSelectorsInput) (*cloudtrail.PutEventSelectorsOutput, error) {
	t, err := edit(c, in.TrailName)
	if err != nil {
		return nil, err
	}
	t.Selectors = in.EventSelectors
	return &cloudtrail.PutEventSelectorsOutput{TrailARN: &t.ARN, EventSelectors: t.Selectors}, nil
}
