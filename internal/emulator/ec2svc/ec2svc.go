// Package ec2svc implements the EC2 of the embedded AWS: DescribeInstances and
// TerminateInstances. Instances are visible in every Region.
package ec2svc

import (
	"fmt"
	"maps"
	"slices"

	"github.com/aws/smithy-go"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
)

// DescribeInstancesInput and the other structs contain the fields of the API
// that are used here.
type DescribeInstancesInput struct {
	InstanceIDs []string
	Filters     map[string][]string // by name
	MaxResults  int
	NextToken   string
	DryRun      bool
}

// DescribeInstancesOutput is a page of instances.
type DescribeInstancesOutput struct {
	Account   string
	Instances []world.Instance
	NextToken string
}

// TerminateInstancesInput lists instances.
type TerminateInstancesInput struct {
	InstanceIDs []string
	DryRun      bool
}

// TerminateInstancesOutput lists the state changes.
type TerminateInstancesOutput struct {
	Changes []Change
}

// A Change is a change of an instance's state.
type Change struct{ ID, Before, After string }

// Operations returns the table of operations.
func Operations() []operation.Operation {
	return operation.Reaching([]operation.Operation{
		operation.Read("DescribeInstances", askDescribe, describe),
		operation.Write("TerminateInstances", askTerminate, terminate),
	}, operation.Own)
}

// Source: Service Authorization Reference, EC2: DescribeInstances has no resource.
func askDescribe(*operation.Call, *DescribeInstancesInput) ([]operation.Ask, error) {
	return []operation.Ask{{Action: "ec2:DescribeInstances", Resource: "*"}}, nil
}

func describe(c *operation.Call, in *DescribeInstancesInput) (*DescribeInstancesOutput, error) {
	if in.DryRun {
		return nil, dryRun()
	}
	all := c.World.Account(c.Caller.Account).Instances
	ids := slices.Sorted(maps.Keys(all))
	if len(in.InstanceIDs) > 0 {
		if err := known(all, in.InstanceIDs); err != nil {
			return nil, err
		}
		ids = in.InstanceIDs
	}
	out := &DescribeInstancesOutput{Account: c.Caller.Account}
	size := c.PageSize(in.MaxResults, 1000, 1000)
	for _, id := range ids {
		if id <= in.NextToken || !matches(all[id], in.Filters) {
			continue
		}
		if len(out.Instances) == size {
			out.NextToken = out.Instances[size-1].ID
			break
		}
		out.Instances = append(out.Instances, *all[id])
	}
	return out, nil
}

func matches(i *world.Instance, filters map[string][]string) bool {
	for name, values := range filters {
		value := i.ID
		if name == "instance-state-name" {
			value = i.State
		}
		if !slices.Contains(values, value) {
			return false
		}
	}
	return true
}

func askTerminate(c *operation.Call, in *TerminateInstancesInput) ([]operation.Ask, error) {
	if len(in.InstanceIDs) == 0 {
		return nil, refuse("MissingParameter", "The request must contain the parameter InstanceId")
	}
	var asks []operation.Ask
	for _, id := range in.InstanceIDs {
		asks = append(asks, operation.Ask{
			Action:   "ec2:TerminateInstances",
			Resource: fmt.Sprintf("arn:%s:ec2:%s:%s:instance/%s", c.World.Partition, c.Region, c.Caller.Account, id),
		})
	}
	return asks, nil
}

// terminate answers that the instances are shutting down, as EC2 does; later
// calls see them terminated.
func terminate(c *operation.Call, in *TerminateInstancesInput) (*TerminateInstancesOutput, error) {
	if in.DryRun {
		return nil, dryRun()
	}
	if err := known(c.World.Account(c.Caller.Account).Instances, in.InstanceIDs); err != nil {
		return nil, err
	}
	all := c.World.Edit(c.Caller.Account).Instances
	out := &TerminateInstancesOutput{}
	for _, id := range in.InstanceIDs {
		now := "shutting-down"
		if all[id].State == "terminated" {
			now = "terminated"
		}
		out.Changes = append(out.Changes, Change{id, all[id].State, now})
		all[id].State = "terminated"
	}
	return out, nil
}

var instanceID = operation.NewPattern(`^i-([0-9a-f]{8}|[0-9a-f]{17})$`)

func known(all map[string]*world.Instance, ids []string) error {
	for _, id := range ids {
		switch {
		case !instanceID.MatchString(id):
			return refuse("InvalidInstanceID.Malformed", fmt.Sprintf("Invalid id: %q", id))
		case all[id] == nil:
			return refuse("InvalidInstanceID.NotFound", "The instance ID '"+id+"' does not exist")
		}
	}
	return nil
}

func dryRun() error {
	return refuse("DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
}

func refuse(code, message string) error {
	return &smithy.GenericAPIError{Code: code, Message: message, Fault: smithy.FaultClient}
}
