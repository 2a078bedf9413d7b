package cfnsvc

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
)

// Operations returns the operations of CloudFormation.
func Operations() []operation.Operation {
	return slices.Concat(readingOwn(slices.Concat(stackOperations(), changeSetOperations(), driftOperations())), operation.Reaching(setOperations(), reachOfSets))
}

// readingOwn sets the reach of reads to the account of the caller. Writes perform calls of
// other services, which can reach more.
func readingOwn(operations []operation.Operation) []operation.Operation {
	for i := range operations {
		if !operations[i].Writes {
			operations[i].Reach = operation.Own
		}
	}
	return operations
}

func stackOperations() []operation.Operation {
	return []operation.Operation{
		operation.Write("CreateStack", on("CreateStack", func(in *cloudformation.CreateStackInput) *string { return in.StackName }), createStack),
		operation.Write("UpdateStack", on("UpdateStack", func(in *cloudformation.UpdateStackInput) *string { return in.StackName }), updateStack),
		operation.Write("DeleteStack", on("DeleteStack", func(in *cloudformation.DeleteStackInput) *string { return in.StackName }), deleteStack),
		operation.Read("DescribeStacks", on("DescribeStacks", func(in *cloudformation.DescribeStacksInput) *string { return in.StackName }), describeStacks),
		operation.Read("ListStacks", operation.OnAll[cloudformation.ListStacksInput]("cloudformation:ListStacks"), listStacks),
		operation.Read("GetTemplate", on("GetTemplate", func(in *cloudformation.GetTemplateInput) *string { return in.StackName }), getTemplate),
		operation.Read("DescribeStackEvents", on("DescribeStackEvents", func(in *cloudformation.DescribeStackEventsInput) *string { return in.StackName }), describeEvents),
		operation.Read("ListStackResources", on("ListStackResources", func(in *cloudformation.ListStackResourcesInput) *string { return in.StackName }), listResources),
	}
}

// on asks for an action on the stack of a name or ID.
func on[I any](action string, name func(*I) *string) func(*operation.Call, *I) ([]operation.Ask, error) {
	return func(c *operation.Call, in *I) ([]operation.Ask, error) {
		text := aws.ToString(name(in))
		resource := c.ARN("cloudformation", "stack/"+text+"/*")
		if s := findStack(c.World, c.Caller.Account, c.Region, text); s != nil {
			resource = s.ID
		}
		if text == "" {
			resource = "*"
		}
		return []operation.Ask{{Action: "cloudformation:" + action, Resource: resource}}, nil
	}
}

func invalid(format string, a ...any) error { return operation.Fault("ValidationError", format, a...) }

func need(c *operation.Call, name *string) (*Stack, error) {
	s := findStack(c.World, c.Caller.Account, c.Region, aws.ToString(name))
	if s == nil {
		return nil, invalid("Stack with id %s does not exist", aws.ToString(name))
	}
	return s, nil
}

// ready refuses a change of a stack during an operation.
func (s *Stack) ready(c *operation.Call) error {
	if status := s.shown(c.Now); strings.HasSuffix(status, "_IN_PROGRESS") {
		return invalid("Stack:%s is in %s state and can not be updated.", s.ID, status)
	}
	return nil
}

// caller returns the deployer of a stack: with the rights of the caller.
func caller(c *operation.Call, name string) *deployer {
	return &deployer{c: c, key: c.Caller.AccessKeyID, forwarded: true, account: c.Caller.Account, region: c.Region, stack: name}
}

var stackName = operation.NewPattern(`^[a-zA-Z][-a-zA-Z0-9]{0,127}$`)

func newStack(c *operation.Call, account, region, name string) *Stack {
	return &Stack{
		ID:   "arn:" + c.World.Partition + ":cloudformation:" + region + ":" + account + ":stack/" + name + "/" + c.World.NewUUID(),
		Name: name, Region: region, Status: "REVIEW_IN_PROGRESS", Created: c.Now, Values: map[string]string{}, ChangeSets: map[string]ChangeSet{},
	}
}

// want reads the wanted state of a request. old are the deployed values and the template,
// for a request that uses them again.
func want(body *string, again *bool, parameters []types.Parameter, capabilities []types.Capability, old *Stack) (*desired, error) {
	text := aws.ToString(body)
	if aws.ToBool(again) && old != nil {
		text = old.Template
	}
	t, err := parseTemplate(text)
	if err != nil {
		return nil, invalid("%v", err)
	}
	given := map[string]string{}
	for _, p := range parameters {
		name := aws.ToString(p.ParameterKey)
		given[name] = aws.ToString(p.ParameterValue)
		if aws.ToBool(p.UsePreviousValue) && old != nil {
			given[name] = old.Values[name]
		}
	}
	values, err := t.values(given)
	if err != nil {
		return nil, invalid("%v", err)
	}
	if err := t.capable(capabilities); err != nil {
		return nil, err
	}
	return &desired{text: text, t: t, values: values}, nil
}

// capable refuses resources of IAM that were not acknowledged.
// Source: CloudFormation API Reference, CreateStack, Capabilities.
func (t *template) capable(given []types.Capability) error {
	for _, r := range t.resources {
		kind := text0(object(r)["Type"])
		if !strings.HasPrefix(kind, "AWS::IAM::") || slices.Contains(given, types.CapabilityCapabilityNamedIam) {
			continue
		}
		properties := object(object(r)["Properties"])
		named := properties["RoleName"] != nil || properties["GroupName"] != nil || properties["ManagedPolicyName"] != nil
		if named || !slices.Contains(given, types.CapabilityCapabilityIam) {
			return &types.InsufficientCapabilitiesException{Message: aws.String("Requires capabilities : [CAPABILITY_NAMED_IAM]")}
		}
	}
	return nil
}

func createStack(c *operation.Call, in *cloudformation.CreateStackInput) (*cloudformation.CreateStackOutput, error) {
	name := aws.ToString(in.StackName)
	if !stackName.MatchString(name) {
		return nil, invalid("1 validation error detected: Value '%s' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*", name)
	}
	if s := findStack(c.World, c.Caller.Account, c.Region, name); s != nil {
		return nil, &types.AlreadyExistsException{Message: aws.String("Stack [" + name + "] already exists")}
	}
	w, err := want(in.TemplateBody, nil, in.Parameters, in.Capabilities, nil)
	if err != nil {
		return nil, err
	}
	k := caller(c, name).work(newStack(c, c.Caller.Account, c.Region, name))
	_ = k.make(w, "CREATE") // the stack has the reason
	return &cloudformation.CreateStackOutput{StackId: &k.stack.ID}, nil
}

func updateStack(c *operation.Call, in *cloudformation.UpdateStackInput) (*cloudformation.UpdateStackOutput, error) {
	s, err := need(c, in.StackName)
	if err != nil {
		return nil, err
	}
	if err := s.ready(c); err != nil {
		return nil, err
	}
	w, err := want(in.TemplateBody, in.UsePreviousTemplate, in.Parameters, in.Capabilities, s)
	if err != nil {
		return nil, err
	}
	k := caller(c, s.Name).work(s)
	if changes, err := k.planned(w); err != nil {
		return nil, invalid("%v", err)
	} else if len(changes) == 0 && w.text == s.Template && maps.Equal(w.values, s.Values) {
		return nil, invalid("No updates are to be performed.")
	}
	_ = k.make(w, "UPDATE") // the stack has the reason
	return &cloudformation.UpdateStackOutput{StackId: &s.ID}, nil
}

// deleteStack succeeds for a stack that does not exist.
func deleteStack(c *operation.Call, in *cloudformation.DeleteStackInput) (*cloudformation.DeleteStackOutput, error) {
	if s := findStack(c.World, c.Caller.Account, c.Region, aws.ToString(in.StackName)); s != nil && !s.Deleted {
		_ = caller(c, s.Name).work(s).remove() // the stack has the reason
	}
	return &cloudformation.DeleteStackOutput{}, nil
}

func describeStacks(c *operation.Call, in *cloudformation.DescribeStacksInput) (*cloudformation.DescribeStacksOutput, error) {
	out := &cloudformation.DescribeStacksOutput{Stacks: []types.Stack{}}
	if in.StackName != nil {
		s, err := need(c, in.StackName)
		if err != nil {
			return nil, err
		}
		if s.shown(c.Now) == "DELETE_COMPLETE" && s.Name == *in.StackName {
			return nil, invalid("Stack with id %s does not exist", s.Name)
		}
		out.Stacks = append(out.Stacks, s.describe(c.Now))
		return out, nil
	}
	for _, s := range world.List[*Stack](c.World.Account(c.Caller.Account)) {
		if s.Region == c.Region && s.shown(c.Now) != "DELETE_COMPLETE" {
			out.Stacks = append(out.Stacks, s.describe(c.Now))
		}
	}
	return out, nil
}

func (s *Stack) describe(now time.Time) types.Stack {
	out := types.Stack{
		StackId: &s.ID, StackName: &s.Name, StackStatus: types.StackStatus(s.shown(now)), CreationTime: &s.Created, Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
		DisableRollback: aws.Bool(false), Parameters: parametersOf(s.Values), Tags: []types.Tag{},
	}
	if s.Reason != "" && !now.Before(s.Until) {
		out.StackStatusReason = &s.Reason
	}
	if s.Description != "" {
		out.Description = &s.Description
	}
	for _, name := range slices.Sorted(maps.Keys(s.Outputs)) {
		out.Outputs = append(out.Outputs, types.Output{OutputKey: aws.String(name), OutputValue: aws.String(s.Outputs[name])})
	}
	return out
}

func parametersOf(values map[string]string) []types.Parameter {
	all := []types.Parameter{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		all = append(all, types.Parameter{ParameterKey: aws.String(name), ParameterValue: aws.String(values[name])})
	}
	return all
}

func listStacks(c *operation.Call, in *cloudformation.ListStacksInput) (*cloudformation.ListStacksOutput, error) {
	out := &cloudformation.ListStacksOutput{StackSummaries: []types.StackSummary{}}
	for _, s := range world.List[*Stack](c.World.Account(c.Caller.Account)) {
		status := types.StackStatus(s.shown(c.Now))
		if s.Region == c.Region && (len(in.StackStatusFilter) == 0 || slices.Contains(in.StackStatusFilter, status)) {
			out.StackSummaries = append(out.StackSummaries, types.StackSummary{StackId: &s.ID, StackName: &s.Name, StackStatus: status, CreationTime: &s.Created})
		}
	}
	return out, nil
}

func getTemplate(c *operation.Call, in *cloudformation.GetTemplateInput) (*cloudformation.GetTemplateOutput, error) {
	s, err := need(c, in.StackName)
	if err != nil {
		return nil, err
	}
	return &cloudformation.GetTemplateOutput{TemplateBody: &s.Template, StagesAvailable: []types.TemplateStage{types.TemplateStageOriginal, types.TemplateStageProcessed}}, nil
}

// describeEvents returns the newest event first.
func describeEvents(c *operation.Call, in *cloudformation.DescribeStackEventsInput) (*cloudformation.DescribeStackEventsOutput, error) {
	s, err := need(c, in.StackName)
	if err != nil {
		return nil, err
	}
	out := &cloudformation.DescribeStackEventsOutput{}
	for i, e := range slices.Backward(s.Events) {
		item := types.StackEvent{
			StackId: &s.ID, StackName: &s.Name, EventId: aws.String(s.ID[strings.LastIndexByte(s.ID, '/')+1:] + "-" + time.Duration(i).String()), Timestamp: &s.Events[i].At,
			LogicalResourceId: aws.String(e.Logical), PhysicalResourceId: aws.String(e.Physical), ResourceType: aws.String(e.Type), ResourceStatus: types.ResourceStatus(e.Status),
		}
		if e.Reason != "" {
			item.ResourceStatusReason = aws.String(e.Reason)
		}
		out.StackEvents = append(out.StackEvents, item)
	}
	return out, nil
}

func listResources(c *operation.Call, in *cloudformation.ListStackResourcesInput) (*cloudformation.ListStackResourcesOutput, error) {
	s, err := need(c, in.StackName)
	if err != nil {
		return nil, err
	}
	out := &cloudformation.ListStackResourcesOutput{StackResourceSummaries: []types.StackResourceSummary{}}
	for i := range s.Resources {
		r := &s.Resources[i]
		out.StackResourceSummaries = append(out.StackResourceSummaries, types.StackResourceSummary{
			LogicalResourceId: &r.Logical, PhysicalResourceId: &r.Physical, ResourceType: &r.Type, ResourceStatus: types.ResourceStatusCreateComplete, LastUpdatedTimestamp: &s.Updated,
		})
	}
	return out, nil
}
