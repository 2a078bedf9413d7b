package cfnsvc

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
)

// changeSetOperations name a change set with its stack; the ARN of a change set alone is
// not enough.
func changeSetOperations() []operation.Operation {
	return []operation.Operation{
		operation.Write("CreateChangeSet", on("CreateChangeSet", func(in *cloudformation.CreateChangeSetInput) *string { return in.StackName }), createChangeSet),
		operation.Read("DescribeChangeSet", on("DescribeChangeSet", func(in *cloudformation.DescribeChangeSetInput) *string { return in.StackName }), describeChangeSet),
		operation.Write("DeleteChangeSet", on("DeleteChangeSet", func(in *cloudformation.DeleteChangeSetInput) *string { return in.StackName }), deleteChangeSet),
		operation.Write("ExecuteChangeSet", on("ExecuteChangeSet", func(in *cloudformation.ExecuteChangeSetInput) *string { return in.StackName }), executeChangeSet),
	}
}

func createChangeSet(c *operation.Call, in *cloudformation.CreateChangeSetInput) (*cloudformation.CreateChangeSetOutput, error) {
	s := findStack(c.World, c.Caller.Account, c.Region, aws.ToString(in.StackName))
	switch create := in.ChangeSetType == types.ChangeSetTypeCreate; {
	case create && s != nil && s.Status != "REVIEW_IN_PROGRESS":
		return nil, invalid("Stack [%s] already exists and cannot be created again with the changeSet [%s].", s.Name, aws.ToString(in.ChangeSetName))
	case !create && s == nil:
		return nil, invalid("Stack [%s] does not exist", aws.ToString(in.StackName))
	case !create:
		if err := s.ready(c); err != nil {
			return nil, err
		}
	case s == nil:
		s = newStack(c, c.Caller.Account, c.Region, aws.ToString(in.StackName))
	}
	w, err := want(in.TemplateBody, in.UsePreviousTemplate, in.Parameters, in.Capabilities, s)
	if err != nil {
		return nil, err
	}
	w.adopt = aws.ToBool(in.ImportExistingResources)
	k := caller(c, s.Name).work(s)
	compared, revert := caller(c, s.Name).work(s), in.DeploymentMode == types.DeploymentModeRevertDrift
	if revert {
		compared.readActual()
	}
	set := ChangeSet{
		ID: strings.Replace(s.ID, ":stack/", ":changeSet/", 1) + "/" + aws.ToString(in.ChangeSetName), Name: aws.ToString(in.ChangeSetName), Kind: string(in.ChangeSetType),
		Status: "CREATE_COMPLETE", Template: w.text, Values: w.values, Import: w.adopt, Revert: revert, Created: c.Now,
	}
	if set.Changes, err = compared.planned(w); err != nil {
		set.Status, set.Reason = "FAILED", err.Error()
	} else if len(set.Changes) == 0 && (s.Status == "REVIEW_IN_PROGRESS" || w.text == s.Template && maps.Equal(w.values, s.Values)) {
		set.Status, set.Reason = "FAILED", "The submitted information didn't contain changes. Submit different information to create a change set."
	}
	k.stack.ChangeSets[set.ID] = set
	c.World.Put(c.Caller.Account, s.ID, k.stack)
	return &cloudformation.CreateChangeSetOutput{Id: &set.ID, StackId: &s.ID}, nil
}

func findChangeSet(c *operation.Call, stack, name *string) (*Stack, ChangeSet, error) {
	s, err := need(c, stack)
	if err != nil {
		return nil, ChangeSet{}, err
	}
	for id, set := range s.ChangeSets {
		if id == aws.ToString(name) || set.Name == aws.ToString(name) {
			return s, set, nil
		}
	}
	return nil, ChangeSet{}, &types.ChangeSetNotFoundException{Message: aws.String("ChangeSet [" + aws.ToString(name) + "] does not exist")}
}

func describeChangeSet(c *operation.Call, in *cloudformation.DescribeChangeSetInput) (*cloudformation.DescribeChangeSetOutput, error) {
	s, set, err := findChangeSet(c, in.StackName, in.ChangeSetName)
	if err != nil {
		return nil, err
	}
	out := &cloudformation.DescribeChangeSetOutput{
		ChangeSetId: &set.ID, ChangeSetName: &set.Name, StackId: &s.ID, StackName: &s.Name, Status: types.ChangeSetStatus(set.Status), CreationTime: &set.Created, DeploymentMode: deploymentMode(set.Revert),
		ExecutionStatus: types.ExecutionStatusAvailable, Parameters: parametersOf(set.Values), Changes: []types.Change{},
	}
	if set.Reason != "" {
		out.StatusReason, out.ExecutionStatus = &set.Reason, types.ExecutionStatusUnavailable
	}
	for _, change := range set.Changes {
		r := &types.ResourceChange{Action: types.ChangeAction(change.Action), LogicalResourceId: aws.String(change.Logical), ResourceType: aws.String(change.Type), Replacement: types.Replacement(change.Replacement)}
		if change.Physical != "" {
			r.PhysicalResourceId = aws.String(change.Physical)
		}
		for _, name := range change.Properties {
			r.Details = append(r.Details, types.ResourceChangeDetail{Target: &types.ResourceTargetDefinition{Attribute: types.ResourceAttributeProperties, Name: aws.String(name)}})
		}
		out.Changes = append(out.Changes, types.Change{Type: types.ChangeTypeResource, ResourceChange: r})
	}
	return out, nil
}

// deleteChangeSet leaves a stack that was only reviewed, as AWS does.
func deleteChangeSet(c *operation.Call, in *cloudformation.DeleteChangeSetInput) (*cloudformation.DeleteChangeSetOutput, error) {
	s, set, err := findChangeSet(c, in.StackName, in.ChangeSetName)
	if err != nil {
		return nil, err
	}
	edited, _ := world.Change[*Stack](c.World, c.Caller.Account, s.ID)
	delete(edited.ChangeSets, set.ID)
	return &cloudformation.DeleteChangeSetOutput{}, nil
}

func executeChangeSet(c *operation.Call, in *cloudformation.ExecuteChangeSetInput) (*cloudformation.ExecuteChangeSetOutput, error) {
	s, set, err := findChangeSet(c, in.StackName, in.ChangeSetName)
	if err != nil {
		return nil, err
	}
	if set.Status != "CREATE_COMPLETE" {
		return nil, &types.InvalidChangeSetStatusException{Message: aws.String("ChangeSet [" + set.ID + "] cannot be executed in its current status of [" + set.Status + "]")}
	}
	t, err := parseTemplate(set.Template)
	if err != nil {
		return nil, invalid("%v", err)
	}
	verb := "UPDATE"
	if s.Status == "REVIEW_IN_PROGRESS" {
		verb = "CREATE"
	}
	k := caller(c, s.Name).work(s)
	k.stack.ChangeSets = map[string]ChangeSet{}
	if set.Revert {
		k.readActual()
	}
	_ = k.make(&desired{text: set.Template, t: t, values: set.Values, adopt: set.Import}, verb) // the stack has the reason
	return &cloudformation.ExecuteChangeSetOutput{}, nil
}

func deploymentMode(revert bool) types.DeploymentMode {
	if revert {
		return types.DeploymentModeRevertDrift
	}
	return ""
}

// readActual takes the resources as they are in the account for what the stack was given,
// so that a change set compares the template with the account: a resource that was changed
// is updated, one that was deleted is created again, and a failed update goes back to what
// was there.
// Source: CloudFormation User Guide, "Using drift-aware change sets".
func (k *work) readActual() {
	account := k.c.World.Account(k.account)
	k.stack.Resources = slices.DeleteFunc(k.stack.Resources, func(r Resource) bool {
		read := readers[r.Type]
		return read != nil && read(account, &r) == nil
	})
	for i := range k.stack.Resources {
		r := &k.stack.Resources[i]
		if read := readers[r.Type]; read != nil {
			_, actual := drifted(r.Properties, read(account, r))
			r.Properties = maps.Clone(r.Properties)
			maps.Copy(r.Properties, actual)
		}
	}
}
