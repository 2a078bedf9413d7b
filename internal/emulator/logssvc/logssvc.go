// Package logssvc implements CloudWatch Logs of the embedded AWS: log groups with their
// retention. The lines of functions are not kept, except for their metrics.
package logssvc

import (
	"strings"
	"time"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
)

// A Group is a log group.
type Group struct {
	ARN, Name string
	Retention int // days; 0: forever
	Created   time.Time
}

// CloneItem implements [world.Item].
func (g *Group) CloneItem() world.Item { c := *g; return &c }

// Inputs contain the members of the API that are used here, as pointers where they are
// optional.
type (
	// CreateLogGroupInput names a new group.
	CreateLogGroupInput struct{ LogGroupName *string }
	// CreateLogGroupOutput is empty.
	CreateLogGroupOutput struct{}
	// DeleteLogGroupInput names a group.
	DeleteLogGroupInput struct{ LogGroupName *string }
	// DeleteLogGroupOutput is empty.
	DeleteLogGroupOutput struct{}
	// PutRetentionPolicyInput sets the retention of a group.
	PutRetentionPolicyInput struct {
		LogGroupName    *string
		RetentionInDays *int32
	}
	// PutRetentionPolicyOutput is empty.
	PutRetentionPolicyOutput struct{}
	// DescribeLogGroupsInput selects groups.
	DescribeLogGroupsInput struct{ LogGroupNamePrefix *string }
	// DescribeLogGroupsOutput lists groups.
	DescribeLogGroupsOutput struct{ LogGroups []LogGroup }
	// LogGroup is a group in a list.
	LogGroup struct {
		Arn, LogGroupName *string
		RetentionInDays   *int32
	}
)

// Operations returns the operations of CloudWatch Logs.
func Operations() []operation.Operation {
	return operation.Reaching([]operation.Operation{
		operation.Write("CreateLogGroup", func(c *operation.Call, in *CreateLogGroupInput) ([]operation.Ask, error) {
			return on(c, "CreateLogGroup", in.LogGroupName)
		}, create),
		operation.Write("DeleteLogGroup", func(c *operation.Call, in *DeleteLogGroupInput) ([]operation.Ask, error) {
			return on(c, "DeleteLogGroup", in.LogGroupName)
		}, remove),
		operation.Write("PutRetentionPolicy", func(c *operation.Call, in *PutRetentionPolicyInput) ([]operation.Ask, error) {
			return on(c, "PutRetentionPolicy", in.LogGroupName)
		}, putRetention),
		operation.Read("DescribeLogGroups", func(c *operation.Call, _ *DescribeLogGroupsInput) ([]operation.Ask, error) {
			return []operation.Ask{{Action: "logs:DescribeLogGroups", Resource: c.ARN("logs", "log-group:*")}}, nil
		}, describe),
	}, operation.Own)
}

func on(c *operation.Call, action string, name *string) ([]operation.Ask, error) {
	if name == nil || *name == "" {
		return nil, operation.Fault("InvalidParameterException", "1 validation error detected: Value at 'logGroupName' failed to satisfy constraint: Member must not be null")
	}
	return []operation.Ask{{Action: "logs:" + action, Resource: GroupARN(c, *name)}}, nil
}

// GroupARN returns the ARN of a log group, which ends with :* as policies need it.
func GroupARN(c *operation.Call, name string) string { return c.ARN("logs", "log-group:"+name+":*") }

func create(c *operation.Call, in *CreateLogGroupInput) (*CreateLogGroupOutput, error) {
	key := GroupARN(c, *in.LogGroupName)
	if _, ok := world.Find[*Group](c.World.Account(c.Caller.Account), key); ok {
		return nil, operation.Fault("ResourceAlreadyExistsException", "The specified log group already exists")
	}
	c.World.Put(c.Caller.Account, key, &Group{ARN: key, Name: *in.LogGroupName, Created: c.Now})
	return &CreateLogGroupOutput{}, nil
}

func edit(c *operation.Call, name *string) (*Group, error) {
	g, ok := world.Change[*Group](c.World, c.Caller.Account, GroupARN(c, *name))
	if !ok {
		return nil, operation.Fault("ResourceNotFoundException", "The specified log group does not exist.")
	}
	return g, nil
}

func remove(c *operation.Call, in *DeleteLogGroupInput) (*DeleteLogGroupOutput, error) {
	g, err := edit(c, in.LogGroupName)
	if err != nil {
		return nil, err
	}
	c.World.Drop(c.Caller.Account, g.ARN)
	return &DeleteLogGroupOutput{}, nil
}

func putRetention(c *operation.Call, in *PutRetentionPolicyInput) (*PutRetentionPolicyOutput, error) {
	g, err := edit(c, in.LogGroupName)
	if err != nil {
		return nil, err
	}
	if in.RetentionInDays != nil {
		g.Retention = int(*in.RetentionInDays)
	}
	return &PutRetentionPolicyOutput{}, nil
}

func describe(c *operation.Call, in *DescribeLogGroupsInput) (*DescribeLogGroupsOutput, error) {
	out := &DescribeLogGroupsOutput{}
	for _, g := range world.List[*Group](c.World.Account(c.Caller.Account)) {
		prefix := ""
		if in.LogGroupNamePrefix != nil {
			prefix = *in.LogGroupNamePrefix
		}
		if c.InRegion(g.ARN) && strings.HasPrefix(g.Name, prefix) {
			days := int32(g.Retention)
			out.LogGroups = append(out.LogGroups, LogGroup{Arn: &g.ARN, LogGroupName: &g.Name, RetentionInDays: &days})
		}
	}
	return out, nil
}
