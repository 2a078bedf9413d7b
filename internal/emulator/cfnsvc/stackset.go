package cfnsvc

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
)

// Principal is the service that needs trusted access to the organization.
const Principal = "member.org.stacksets.cloudformation.amazonaws.com"

func setOperations() []operation.Operation {
	return []operation.Operation{
		operation.Write("ActivateOrganizationsAccess", operation.OnAll[cloudformation.ActivateOrganizationsAccessInput]("cloudformation:ActivateOrganizationsAccess"), activate),
		operation.Read("DescribeOrganizationsAccess", operation.OnAll[cloudformation.DescribeOrganizationsAccessInput]("cloudformation:DescribeOrganizationsAccess"), describeAccess),
		operation.Write("CreateStackSet", operation.OnAll[cloudformation.CreateStackSetInput]("cloudformation:CreateStackSet"), createSet),
		operation.Write("UpdateStackSet", onSet("UpdateStackSet", func(in *cloudformation.UpdateStackSetInput) *string { return in.StackSetName }), updateSet),
		operation.Write("DeleteStackSet", onSet("DeleteStackSet", func(in *cloudformation.DeleteStackSetInput) *string { return in.StackSetName }), deleteSet),
		operation.Read("DescribeStackSet", onSet("DescribeStackSet", func(in *cloudformation.DescribeStackSetInput) *string { return in.StackSetName }), describeSet),
		operation.Read("ListStackSets", operation.OnAll[cloudformation.ListStackSetsInput]("cloudformation:ListStackSets"), listSets),
		operation.Write("CreateStackInstances", onSet("CreateStackInstances", func(in *cloudformation.CreateStackInstancesInput) *string { return in.StackSetName }), createInstances),
		operation.Write("DeleteStackInstances", onSet("DeleteStackInstances", func(in *cloudformation.DeleteStackInstancesInput) *string { return in.StackSetName }), deleteInstances),
		operation.Read("ListStackInstances", onSet("ListStackInstances", func(in *cloudformation.ListStackInstancesInput) *string { return in.StackSetName }), listInstances),
		operation.Read("DescribeStackSetOperation", onSet("DescribeStackSetOperation", func(in *cloudformation.DescribeStackSetOperationInput) *string { return in.StackSetName }), describeOperation),
		operation.Read("ListStackSetOperationResults", onSet("ListStackSetOperationResults", func(in *cloudformation.ListStackSetOperationResultsInput) *string { return in.StackSetName }), listResults),
	}
}

// reachOfSets is the reach of setOperations: reads concern the management account, to which
// stack sets belong; writes deploy to other accounts.
func reachOfSets(w *world.World, account string, in any) operation.Reach {
	switch in.(type) {
	case *cloudformation.DescribeStackSetInput, *cloudformation.ListStackSetsInput, *cloudformation.ListStackInstancesInput,
		*cloudformation.DescribeStackSetOperationInput, *cloudformation.ListStackSetOperationResultsInput, *cloudformation.DescribeOrganizationsAccessInput:
		return operation.ReachOf(owner(w) == account)
	}
	return operation.Everything
}

func onSet[I any](action string, name func(*I) *string) func(*operation.Call, *I) ([]operation.Ask, error) {
	return func(c *operation.Call, in *I) ([]operation.Ask, error) {
		resource := c.ARN("cloudformation", "stackset/"+aws.ToString(name(in))+":*")
		if s := findSet(c, aws.ToString(name(in))); s != nil {
			resource = c.ARN("cloudformation", "stackset/"+s.ID)
		}
		return []operation.Ask{{Action: "cloudformation:" + action, Resource: resource}}, nil
	}
}

// owner returns the account that stack sets with service-managed permissions belong to.
func owner(w *world.World) string {
	if w.Organization == nil {
		return ""
	}
	return w.Organization.ManagementAccount
}

// sets returns the stack sets of the organization in the Region of the call.
func sets(c *operation.Call) []*StackSet {
	var all []*StackSet
	for _, s := range world.List[*StackSet](c.World.Account(owner(c.World))) {
		if s.Region == c.Region {
			all = append(all, s)
		}
	}
	return all
}

func findSet(c *operation.Call, name string) *StackSet {
	for _, s := range sets(c) {
		if s.Name == name || s.ID == name {
			return s
		}
	}
	return nil
}

// allowedIn refuses accounts that do not manage the stack sets of the organization.
func allowedIn(c *operation.Call, as types.CallAs) error {
	o := c.World.Organization
	switch {
	case o == nil:
		return invalid("You must be in an organization to operate a service managed stack set")
	case !o.Trusts(Principal):
		return invalid("You must enable organizations access to operate a service managed stack set")
	case as != types.CallAsDelegatedAdmin && c.Caller.Account == o.ManagementAccount:
		return nil
	case as == types.CallAsDelegatedAdmin && (o.Delegates(c.Caller.Account, Principal) || o.Delegates(c.Caller.Account, "")): // "": not in the snapshot
		return nil
	}
	return invalid("Account used is not a delegated administrator")
}

func needSet(c *operation.Call, name *string, as types.CallAs) (*StackSet, error) {
	if err := allowedIn(c, as); err != nil {
		return nil, err
	}
	s := findSet(c, aws.ToString(name))
	if s == nil {
		return nil, &types.StackSetNotFoundException{Message: aws.String("StackSet " + aws.ToString(name) + " not found")}
	}
	return s, nil
}

func activate(c *operation.Call, _ *cloudformation.ActivateOrganizationsAccessInput) (*cloudformation.ActivateOrganizationsAccessOutput, error) {
	if c.Caller.Account != owner(c.World) {
		return nil, operation.Fault("InvalidOperationException", "Only the management account can activate trusted access.")
	}
	if allowedIn(c, types.CallAsSelf) != nil {
		o := c.World.EditOrganization()
		o.Access = append(o.Access, world.ServiceAccess{Service: Principal, Since: c.Now})
	}
	return &cloudformation.ActivateOrganizationsAccessOutput{}, nil
}

func describeAccess(c *operation.Call, _ *cloudformation.DescribeOrganizationsAccessInput) (*cloudformation.DescribeOrganizationsAccessOutput, error) {
	status := types.OrganizationStatusDisabled
	if o := c.World.Organization; o != nil && o.Trusts(Principal) {
		status = types.OrganizationStatusEnabled
	}
	return &cloudformation.DescribeOrganizationsAccessOutput{Status: status}, nil
}

func createSet(c *operation.Call, in *cloudformation.CreateStackSetInput) (*cloudformation.CreateStackSetOutput, error) {
	name := aws.ToString(in.StackSetName)
	if in.PermissionModel != types.PermissionModelsServiceManaged {
		return nil, invalid("The embedded AWS has stack sets with service-managed permissions only")
	}
	if err := allowedIn(c, in.CallAs); err != nil {
		return nil, err
	}
	if findSet(c, name) != nil {
		return nil, &types.NameAlreadyExistsException{Message: aws.String("StackSet already exists with the same name")}
	}
	w, err := want(in.TemplateBody, nil, in.Parameters, in.Capabilities, nil)
	if err != nil {
		return nil, err
	}
	s := &StackSet{ID: name + ":" + strings.ToLower(c.World.NewID("")), Name: name, Region: c.Region, Description: aws.ToString(in.Description), Template: w.text, Values: w.values}
	s.automatic(in.AutoDeployment)
	s.put(c)
	return &cloudformation.CreateStackSetOutput{StackSetId: &s.ID}, nil
}

func (s *StackSet) automatic(a *types.AutoDeployment) {
	if a != nil {
		s.Auto, s.Retain = aws.ToBool(a.Enabled), aws.ToBool(a.RetainStacksOnAccountRemoval)
	}
}

// key is that of the set among the items of its account.
func (s *StackSet) key() string { return "stackset/" + s.Region + "/" + s.Name }

func (s *StackSet) put(c *operation.Call) { c.World.Put(owner(c.World), s.key(), s) }

func describeSet(c *operation.Call, in *cloudformation.DescribeStackSetInput) (*cloudformation.DescribeStackSetOutput, error) {
	s, err := needSet(c, in.StackSetName, in.CallAs)
	if err != nil {
		return nil, err
	}
	return &cloudformation.DescribeStackSetOutput{StackSet: &types.StackSet{
		StackSetId: &s.ID, StackSetName: &s.Name, StackSetARN: aws.String(c.ARN("cloudformation", "stackset/"+s.ID)), Description: &s.Description, TemplateBody: &s.Template,
		Parameters: parametersOf(s.Values), Status: types.StackSetStatusActive, PermissionModel: types.PermissionModelsServiceManaged, OrganizationalUnitIds: s.Units,
		AutoDeployment: &types.AutoDeployment{Enabled: &s.Auto, RetainStacksOnAccountRemoval: &s.Retain}, Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
		ManagedExecution: &types.ManagedExecution{Active: aws.Bool(true)},
	}}, nil
}

func listSets(c *operation.Call, _ *cloudformation.ListStackSetsInput) (*cloudformation.ListStackSetsOutput, error) {
	out := &cloudformation.ListStackSetsOutput{Summaries: []types.StackSetSummary{}}
	if c.Caller.Account != owner(c.World) && allowedIn(c, types.CallAsDelegatedAdmin) != nil {
		return out, nil
	}
	for _, s := range sets(c) {
		out.Summaries = append(out.Summaries, types.StackSetSummary{
			StackSetId: &s.ID, StackSetName: &s.Name, Description: &s.Description, Status: types.StackSetStatusActive, PermissionModel: types.PermissionModelsServiceManaged,
			AutoDeployment: &types.AutoDeployment{Enabled: &s.Auto, RetainStacksOnAccountRemoval: &s.Retain},
		})
	}
	return out, nil
}

func deleteSet(c *operation.Call, in *cloudformation.DeleteStackSetInput) (*cloudformation.DeleteStackSetOutput, error) {
	s, err := needSet(c, in.StackSetName, in.CallAs)
	if err != nil {
		return nil, err
	}
	if len(s.Instances) > 0 {
		return nil, &types.StackSetNotEmptyException{Message: aws.String("StackSet is not empty")}
	}
	c.World.Drop(owner(c.World), s.key())
	return &cloudformation.DeleteStackSetOutput{}, nil
}

// reached returns the accounts below the units of a target, sorted: active ones, never
// the management account.
func (t *Target) reached(w *world.World) []string {
	var ids []string
	for _, id := range w.Accounts() {
		a := w.Account(id)
		below := slices.ContainsFunc(w.Units(id), func(u org.Unit) bool { return slices.Contains(t.Units, u.ID) })
		listed := slices.Contains(t.Accounts, id)
		chosen := t.Filter == "" || t.Filter == "NONE" || t.Filter == "INTERSECTION" && listed || t.Filter == "DIFFERENCE" && !listed || t.Filter == "UNION"
		if below && chosen && a.State == "ACTIVE" && !w.IsManagement(id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func targetOf(t *types.DeploymentTargets) Target {
	if t == nil {
		return Target{}
	}
	return Target{Units: t.OrganizationalUnitIds, Filter: string(t.AccountFilterType), Accounts: t.Accounts}
}

// settle is how long an operation on a stack set is in progress.
const settle = 40 * time.Second

// begin starts an operation on a copy of a stack set.
func begin(c *operation.Call, s *StackSet, action string) (*StackSet, *Operation) {
	s = s.CloneItem().(*StackSet)
	s.Operations = append(s.Operations, Operation{ID: c.World.NewUUID(), Action: action, Status: "SUCCEEDED", At: c.Now, Until: c.Now.Add(settle)})
	return s, &s.Operations[len(s.Operations)-1]
}

// place is an account and Region of an operation.
type place struct{ account, region string }

// each does something in every place, until more have failed than are tolerated. The
// others are canceled.
func (o *Operation) each(places []place, p *types.StackSetOperationPreferences, do func(place) error) {
	tolerated := 0
	if p != nil {
		tolerated = int(aws.ToInt32(p.FailureToleranceCount))
		if p.FailureTolerancePercentage != nil {
			tolerated = len(places) * int(*p.FailureTolerancePercentage) / 100
		}
	}
	failed := 0
	for _, at := range places {
		r := Result{Account: at.account, Region: at.region, Status: "SUCCEEDED"}
		if failed > tolerated {
			r.Status, r.Reason = "CANCELLED", "Cancelled since failure tolerance has exceeded"
		} else if err := do(at); err != nil {
			failed++
			r.Status, r.Reason = "FAILED", err.Error()
		}
		o.Results = append(o.Results, r)
	}
	if failed > tolerated {
		o.Status = "FAILED"
	}
}

func createInstances(c *operation.Call, in *cloudformation.CreateStackInstancesInput) (*cloudformation.CreateStackInstancesOutput, error) {
	s, err := needSet(c, in.StackSetName, in.CallAs)
	if err != nil {
		return nil, err
	}
	target := targetOf(in.DeploymentTargets)
	for _, id := range target.Units {
		if !slices.ContainsFunc(c.World.Organization.Units, func(u org.Unit) bool { return u.ID == id }) {
			return nil, invalid("OrganizationalUnitId %s does not exist", id)
		}
	}
	if len(target.Units) == 0 || len(in.Regions) == 0 {
		return nil, invalid("OrganizationalUnitIds and Regions are required")
	}
	s, o := begin(c, s, "CREATE")
	for _, id := range target.Units {
		if !slices.Contains(s.Units, id) {
			s.Units = append(s.Units, id)
		}
	}
	for _, region := range in.Regions {
		if !slices.Contains(s.Regions, region) {
			s.Regions = append(s.Regions, region)
		}
	}
	s.Targets = append(s.Targets, target)
	own := map[string]string{}
	for _, p := range in.ParameterOverrides {
		own[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	o.each(places(target.reached(c.World), in.Regions), in.OperationPreferences, func(at place) error { return s.deploy(c, at, own) })
	s.put(c)
	return &cloudformation.CreateStackInstancesOutput{OperationId: &o.ID}, nil
}

func places(accounts, regions []string) []place {
	var all []place
	for _, account := range accounts {
		for _, region := range regions {
			all = append(all, place{account, region})
		}
	}
	return all
}

// instance returns the instance of a place, adding it when there is none.
func (s *StackSet) instance(w *world.World, at place) *Instance {
	i := slices.IndexFunc(s.Instances, func(i Instance) bool { return i.Account == at.account && i.Region == at.region })
	if i < 0 {
		s.Instances = append(s.Instances, Instance{Account: at.account, Region: at.region, Unit: w.Account(at.account).Unit})
		i = len(s.Instances) - 1
	}
	return &s.Instances[i]
}

// deploy creates or updates the stack of a place. own are the values that replace those
// of the set; nil keeps the earlier ones.
func (s *StackSet) deploy(c *operation.Call, at place, own map[string]string) error {
	i := s.instance(c.World, at)
	if own != nil {
		i.Overrides = own
	}
	values := maps.Clone(s.Values)
	maps.Copy(values, i.Overrides)
	err := s.deployStack(c, i, values)
	i.Status, i.Detailed, i.Reason = "CURRENT", "SUCCEEDED", ""
	if err != nil {
		i.Status, i.Detailed, i.Reason = "OUTDATED", "FAILED", err.Error()
	}
	return err
}

func (s *StackSet) deployStack(c *operation.Call, i *Instance, values map[string]string) error {
	t, err := parseTemplate(s.Template)
	if err != nil {
		return err
	}
	w := &desired{text: s.Template, t: t, values: values}
	stack := findStack(c.World, i.Account, i.Region, i.StackID)
	if i.StackID == "" || stack == nil || stack.Deleted || stack.Status == "ROLLBACK_COMPLETE" {
		if stack != nil && stack.Status == "ROLLBACK_COMPLETE" {
			c.World.Drop(i.Account, stack.ID)
		}
		stack = newStack(c, i.Account, i.Region, "StackSet-"+s.Name+"-"+strings.ToLower(c.World.NewID("")[:8]))
		i.StackID = stack.ID
		return s.executor(c, i, stack.Name).work(stack).make(w, "CREATE")
	}
	if stack.Template == w.text && maps.Equal(stack.Values, w.values) && !strings.Contains(stack.Status, "ROLLBACK") {
		return nil
	}
	return s.executor(c, i, stack.Name).work(stack).make(w, "UPDATE")
}

// executor returns the deployer of an instance: the role that StackSets creates in the
// account while the set has instances there.
// Source: CloudFormation User Guide, "Activate trusted access for StackSets", service-linked
// roles.
func (s *StackSet) executor(c *operation.Call, i *Instance, stack string) *deployer {
	name := s.executorName()
	if c.World.Account(i.Account).Roles[world.Fold(name)] == nil {
		c.World.Edit(i.Account).Roles[world.Fold(name)] = &world.Role{
			Name: name, Path: "/", ID: c.World.NewID("AROA"), Created: c.Now.Truncate(time.Second), MaxSession: time.Hour, Inline: map[string]string{},
			Trust:    `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + Principal + `"},"Action":"sts:AssumeRole"}]}`,
			Attached: []string{"arn:" + c.World.Partition + ":iam::aws:policy/AdministratorAccess"},
		}
	}
	return &deployer{c: c, key: c.Assume(i.Account, name, "AWSCloudFormation"), account: i.Account, region: i.Region, stack: stack}
}

func (s *StackSet) executorName() string {
	_, id, _ := strings.Cut(s.ID, ":")
	return "stacksets-exec-" + id
}

// retire removes the role of an account in which the set has no instance.
func (s *StackSet) retire(c *operation.Call, account string) {
	if !slices.ContainsFunc(s.Instances, func(i Instance) bool { return i.Account == account }) {
		delete(c.World.Edit(account).Roles, world.Fold(s.executorName()))
	}
}

func updateSet(c *operation.Call, in *cloudformation.UpdateStackSetInput) (*cloudformation.UpdateStackSetOutput, error) {
	s, err := needSet(c, in.StackSetName, in.CallAs)
	if err != nil {
		return nil, err
	}
	w, err := want(in.TemplateBody, in.UsePreviousTemplate, in.Parameters, in.Capabilities, &Stack{Template: s.Template, Values: s.Values})
	if err != nil {
		return nil, err
	}
	s, o := begin(c, s, "UPDATE")
	s.Template, s.Values, s.Description = w.text, w.values, cmp.Or(aws.ToString(in.Description), s.Description)
	s.automatic(in.AutoDeployment)
	var all []place
	for _, i := range s.Instances {
		all = append(all, place{i.Account, i.Region})
	}
	o.each(all, in.OperationPreferences, func(at place) error { return s.deploy(c, at, nil) })
	s.put(c)
	return &cloudformation.UpdateStackSetOutput{OperationId: &o.ID}, nil
}

func deleteInstances(c *operation.Call, in *cloudformation.DeleteStackInstancesInput) (*cloudformation.DeleteStackInstancesOutput, error) {
	s, err := needSet(c, in.StackSetName, in.CallAs)
	if err != nil {
		return nil, err
	}
	target := targetOf(in.DeploymentTargets)
	accounts := target.reached(c.World)
	s, o := begin(c, s, "DELETE")
	var all []place
	for _, i := range s.Instances {
		if slices.Contains(accounts, i.Account) && slices.Contains(in.Regions, i.Region) {
			all = append(all, place{i.Account, i.Region})
		}
	}
	o.each(all, in.OperationPreferences, func(at place) error { return s.withdraw(c, at, aws.ToBool(in.RetainStacks)) })
	s.Units = slices.DeleteFunc(s.Units, func(id string) bool { return len(s.Instances) == 0 && slices.Contains(target.Units, id) })
	if len(s.Instances) == 0 {
		s.Targets, s.Regions = nil, nil
	}
	s.put(c)
	return &cloudformation.DeleteStackInstancesOutput{OperationId: &o.ID}, nil
}

// withdraw removes an instance, with its stack unless that is retained.
func (s *StackSet) withdraw(c *operation.Call, at place, retain bool) error {
	i := s.instance(c.World, at)
	if stack := findStack(c.World, at.account, at.region, i.StackID); stack != nil && !retain && !stack.Deleted {
		if err := s.executor(c, i, stack.Name).work(stack).remove(); err != nil {
			i.Status, i.Detailed, i.Reason = "INOPERABLE", "FAILED", err.Error()
			return err
		}
	}
	s.Instances = slices.DeleteFunc(s.Instances, func(i Instance) bool { return i.Account == at.account && i.Region == at.region })
	s.retire(c, at.account)
	return nil
}

func listInstances(c *operation.Call, in *cloudformation.ListStackInstancesInput) (*cloudformation.ListStackInstancesOutput, error) {
	s, err := needSet(c, in.StackSetName, in.CallAs)
	if err != nil {
		return nil, err
	}
	out := &cloudformation.ListStackInstancesOutput{Summaries: []types.StackInstanceSummary{}}
	all := slices.Clone(s.Instances)
	slices.SortFunc(all, func(a, b Instance) int { return cmp.Compare(a.Account+a.Region, b.Account+b.Region) })
	most := c.PageSize(int(aws.ToInt32(in.MaxResults)), 100, 100)
	for _, i := range all {
		if i.Account+i.Region <= aws.ToString(in.NextToken) {
			continue
		}
		if len(out.Summaries) == most {
			last := out.Summaries[most-1]
			out.NextToken = aws.String(*last.Account + *last.Region)
			break
		}
		item := types.StackInstanceSummary{
			StackSetId: &s.ID, StackId: aws.String(i.StackID), Account: aws.String(i.Account), Region: aws.String(i.Region), OrganizationalUnitId: aws.String(i.Unit),
			Status: types.StackInstanceStatus(i.Status), StackInstanceStatus: &types.StackInstanceComprehensiveStatus{DetailedStatus: types.StackInstanceDetailedStatus(i.Detailed)},
		}
		if i.Reason != "" {
			item.StatusReason = aws.String(i.Reason)
		}
		out.Summaries = append(out.Summaries, item)
	}
	return out, nil
}

func findOperation(c *operation.Call, set, id *string, as types.CallAs) (*StackSet, *Operation, error) {
	s, err := needSet(c, set, as)
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(s.Operations, func(o Operation) bool { return o.ID == aws.ToString(id) })
	if i < 0 {
		return nil, nil, &types.OperationNotFoundException{Message: aws.String("Operation " + aws.ToString(id) + " not found")}
	}
	return s, &s.Operations[i], nil
}

func describeOperation(c *operation.Call, in *cloudformation.DescribeStackSetOperationInput) (*cloudformation.DescribeStackSetOperationOutput, error) {
	s, o, err := findOperation(c, in.StackSetName, in.OperationId, in.CallAs)
	if err != nil {
		return nil, err
	}
	status := o.Status
	if c.Now.Before(o.Until) {
		status = "RUNNING"
	}
	return &cloudformation.DescribeStackSetOperationOutput{StackSetOperation: &types.StackSetOperation{
		OperationId: &o.ID, StackSetId: &s.ID, Action: types.StackSetOperationAction(o.Action), Status: types.StackSetOperationStatus(status), CreationTimestamp: &o.At,
	}}, nil
}

func listResults(c *operation.Call, in *cloudformation.ListStackSetOperationResultsInput) (*cloudformation.ListStackSetOperationResultsOutput, error) {
	_, o, err := findOperation(c, in.StackSetName, in.OperationId, in.CallAs)
	if err != nil {
		return nil, err
	}
	out := &cloudformation.ListStackSetOperationResultsOutput{Summaries: []types.StackSetOperationResultSummary{}}
	for _, r := range o.Results {
		item := types.StackSetOperationResultSummary{Account: aws.String(r.Account), Region: aws.String(r.Region), Status: types.StackSetOperationResultStatus(r.Status)}
		if c.Now.Before(o.Until) {
			item.Status = types.StackSetOperationResultStatusRunning
		} else if r.Reason != "" {
			item.StatusReason = aws.String(r.Reason)
		}
		out.Summaries = append(out.Summaries, item)
	}
	return out, nil
}

// Follow deploys the stack sets to an account that joined or moved, and withdraws them
// from units that it left. The call has no caller.
// Source: CloudFormation User Guide, "Manage automatic deployments for AWS CloudFormation
// StackSets".
func Follow(c *operation.Call, account string) {
	for _, s := range sets(c) {
		if !s.Auto {
			continue
		}
		reached := slices.ContainsFunc(s.Targets, func(t Target) bool { return slices.Contains(t.reached(c.World), account) })
		for _, region := range s.Regions {
			has := slices.ContainsFunc(s.Instances, func(i Instance) bool { return i.Account == account && i.Region == region })
			if reached == has {
				continue
			}
			action := "CREATE"
			if has {
				action = "DELETE"
			}
			var o *Operation
			s, o = begin(c, s, action)
			o.each([]place{{account, region}}, nil, func(at place) error {
				if has {
					return s.withdraw(c, at, s.Retain)
				}
				return s.deploy(c, at, map[string]string{})
			})
			s.put(c)
		}
	}
}
