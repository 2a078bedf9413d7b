package iamsvc

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// A simulation is the data that a simulated request is decided with.
type simulation struct {
	set     policy.Set
	request policy.Request // without action and resource
}

// simulatePrincipalPolicy uses only its input, nothing of the request that
// carries it: a context key that is not in ContextEntries is missing, except for
// those that follow from the simulated caller.
func simulatePrincipalPolicy(c *operation.Call, in *iam.SimulatePrincipalPolicyInput) (*iam.SimulatePrincipalPolicyOutput, error) {
	s := &simulation{}
	if err := s.source(c, *in.PolicySourceArn); err != nil {
		return nil, err
	}
	return s.run(c, in, "SimulatePrincipalPolicy")
}

// simulateCustomPolicy decides by the policies of its input alone.
func simulateCustomPolicy(c *operation.Call, in *iam.SimulateCustomPolicyInput) (*iam.SimulateCustomPolicyOutput, error) {
	s := &simulation{set: policy.Set{Identity: []policy.Source{}}}
	s.request.Context = &policy.Context{}
	s.request.Principal = simulated(c, c.Caller.Account)
	if in.ResourcePolicy != nil && in.CallerArn == nil {
		return nil, invalidInput("Invalid Input: a resource policy needs a CallerArn.")
	}
	out, err := s.run(c, &iam.SimulatePrincipalPolicyInput{
		ActionNames: in.ActionNames, CallerArn: in.CallerArn, ContextEntries: in.ContextEntries, Marker: in.Marker, MaxItems: in.MaxItems,
		PermissionsBoundaryPolicyInputList: in.PermissionsBoundaryPolicyInputList, PolicyInputList: in.PolicyInputList,
		ResourceArns: in.ResourceArns, ResourceHandlingOption: in.ResourceHandlingOption, ResourceOwner: in.ResourceOwner, ResourcePolicy: in.ResourcePolicy,
	}, "SimulateCustomPolicy")
	if err != nil {
		return nil, err
	}
	return &iam.SimulateCustomPolicyOutput{EvaluationResults: out.EvaluationResults, IsTruncated: out.IsTruncated, Marker: out.Marker}, nil
}

// simulated is a user of an account who does not exist.
func simulated(c *operation.Call, account string) policy.Principal {
	return policy.Principal{Kind: policy.IAMUser, Account: account, ARN: arn.IAM(c.World.Partition, account, "user", "/", "simulated")}
}

// run evaluates a page of the actions and resources of an input.
func (s *simulation) run(c *operation.Call, in *iam.SimulatePrincipalPolicyInput, operation string) (*iam.SimulatePrincipalPolicyOutput, error) {
	if err := checkActions(in.ActionNames); err != nil {
		return nil, err
	}
	if err := s.complete(c, in); err != nil {
		return nil, err
	}
	resources := in.ResourceArns
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	l := listing[string]{operation: operation, key: same}
	for i := range len(in.ActionNames) * len(resources) {
		l.items = append(l.items, fmt.Sprintf("%06d", i))
	}
	p, err := l.page(c, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.SimulatePrincipalPolicyOutput{EvaluationResults: []types.EvaluationResult{}, IsTruncated: p.truncated(), Marker: p.marker}
	for _, item := range p.items {
		i, err := strconv.Atoi(item)
		if err != nil {
			return nil, err
		}
		result, err := s.evaluate(c, in.ActionNames[i/len(resources)], resources[i%len(resources)])
		if err != nil {
			return nil, err
		}
		out.EvaluationResults = append(out.EvaluationResults, *result)
	}
	return out, nil
}

// checkActions refuses what is not the name of one operation.
// Source: IAM API Reference, SimulateCustomPolicy, ActionNames: each must include the
// service identifier, and wildcards are not supported.
func checkActions(names []string) error {
	for _, name := range names {
		service, operation, ok := strings.Cut(name, ":")
		if !ok || service == "" || operation == "" || strings.ContainsAny(name, "*?") {
			return invalidInput("Invalid Input: %s is not the name of an operation, such as iam:CreateUser.", name)
		}
	}
	return nil
}

// complete adds the caller, the context and the policies of an input.
func (s *simulation) complete(c *operation.Call, in *iam.SimulatePrincipalPolicyInput) error {
	if in.CallerArn != nil {
		if err := s.caller(c, *in.CallerArn); err != nil {
			return err
		}
	}
	for _, e := range in.ContextEntries {
		if strings.HasSuffix(string(e.ContextKeyType), "List") {
			s.request.Context.SetMany(aws.ToString(e.ContextKeyName), e.ContextKeyValues)
		} else if len(e.ContextKeyValues) == 1 {
			s.request.Context.Set(aws.ToString(e.ContextKeyName), e.ContextKeyValues[0])
		} else {
			return invalidInput("Invalid Input: the context key %s must have exactly one value.", aws.ToString(e.ContextKeyName))
		}
	}
	return s.inputs(c, in)
}

// source reads the policies of a user, group or role of the account.
func (s *simulation) source(c *operation.Call, sourceARN string) error {
	a := account(c)
	parsed, err := arn.Parse(sourceARN)
	if err != nil || parsed.Service != "iam" {
		return invalidInput("Invalid Entity Arn: %s", sourceARN)
	}
	if parsed.Account != a.ID {
		return noSuchEntity("The entity %s cannot be found.", sourceARN)
	}
	name := parsed.Name()
	s.request.Context = &policy.Context{}
	switch parsed.Kind() {
	case "user":
		u, err := userOf(a, &name)
		if err != nil {
			return err
		}
		s.set = c.World.UserSet(a.ID, u)
		s.be(c, a, u)
	case "role":
		r, err := roleOf(a, &name)
		if err != nil {
			return err
		}
		s.set = c.World.RoleSet(a.ID, r)
		s.beRole(c, a, r)
	case "group":
		g, err := groupOf(a, &name)
		if err != nil {
			return err
		}
		only := &world.User{Name: "simulated", Groups: map[string]bool{world.Fold(g.Name): true}}
		s.set = c.World.UserSet(a.ID, only)
		s.request.Principal = simulated(c, a.ID)
	default:
		return invalidInput("Invalid Entity Arn: %s", sourceARN)
	}
	return nil
}

// caller simulates another user as the caller, with these policies.
func (s *simulation) caller(c *operation.Call, callerARN string) error {
	parsed, err := arn.Parse(callerARN)
	if err != nil || parsed.Kind() != "user" {
		return invalidInput("Invalid Caller Arn: %s", callerARN)
	}
	a := c.World.Account(parsed.Account)
	name := parsed.Name()
	if a == nil {
		return noSuchEntity("The user with name %s cannot be found.", name)
	}
	u, err := userOf(a, &name)
	if err != nil {
		return err
	}
	s.be(c, a, u)
	return nil
}

// be sets the keys that follow from a user.
// Source: IAM User Guide, "AWS global condition context keys", properties of the
// principal.
func (s *simulation) be(c *operation.Call, a *world.Account, u *world.User) {
	userARN := c.World.UserARN(a.ID, u)
	s.request.Principal = policy.Principal{Kind: policy.IAMUser, Account: a.ID, ARN: userARN}
	s.identify(c, a, "User", userARN, u.ID, u.Tags)
	s.request.Context.Set("aws:username", u.Name)
}

func (s *simulation) beRole(c *operation.Call, a *world.Account, r *world.Role) {
	session := "arn:" + c.World.Partition + ":sts::" + a.ID + ":assumed-role/" + r.Name + "/simulated"
	roleARN := c.World.RoleARN(a.ID, r)
	s.request.Principal = policy.Principal{
		Kind: policy.RoleSession, Account: a.ID, ARN: session, Issuer: roleARN, ServiceLinked: r.ServiceLinked(),
	}
	s.identify(c, a, "AssumedRole", roleARN, r.ID+":simulated", r.Tags)
}

func (s *simulation) identify(c *operation.Call, a *world.Account, kind, principalARN, id string, tags []org.Tag) {
	ctx := &policy.Context{}
	ctx.Set("aws:PrincipalArn", principalARN)
	ctx.Set("aws:PrincipalAccount", a.ID)
	ctx.Set("aws:PrincipalType", kind)
	ctx.Set("aws:userid", id)
	if c.World.Organization != nil {
		ctx.Set("aws:PrincipalOrgID", c.World.Organization.ID)
		ctx.SetMany("aws:PrincipalOrgPaths", []string{c.World.OrgPath(a.ID)})
	}
	for _, t := range tags {
		ctx.Set("aws:PrincipalTag/"+t.Key, t.Value)
	}
	s.request.Context = ctx
}

// inputs adds the policies in the input.
func (s *simulation) inputs(c *operation.Call, in *iam.SimulatePrincipalPolicyInput) error {
	for i, text := range in.PolicyInputList {
		source := c.World.Parse(fmt.Sprintf("PolicyInputList.%d", i+1), policy.Identity, text)
		if source.Err != nil {
			return invalidInput("Invalid Input %s: %v", source.Name, source.Err)
		}
		s.set.Identity = append(s.set.Identity, source)
	}
	switch len(in.PermissionsBoundaryPolicyInputList) {
	case 0:
	case 1:
		source := c.World.Parse("PermissionsBoundaryPolicyInputList.1", policy.Boundary, in.PermissionsBoundaryPolicyInputList[0])
		if source.Err != nil {
			return invalidInput("Invalid Input %s: %v", source.Name, source.Err)
		}
		s.set.Boundary = &source
	default:
		return invalidInput("Invalid Input: only one permissions boundary can be simulated.")
	}
	if in.ResourceOwner != nil {
		owner := *in.ResourceOwner
		if parsed, err := arn.Parse(owner); err == nil {
			owner = parsed.Account
		}
		s.request.ResourceAccount = owner
	}
	if in.ResourcePolicy == nil {
		return nil
	}
	source := c.World.Parse("ResourcePolicy", policy.Resource, *in.ResourcePolicy)
	if source.Err != nil {
		return invalidInput("Invalid Input %s: %v", source.Name, source.Err)
	}
	s.request.Policies = []policy.Source{source}
	return nil
}

func (s *simulation) evaluate(c *operation.Call, action, resource string) (*types.EvaluationResult, error) {
	r := s.request
	r.Action, r.Resource = action, resource
	if parsed, err := arn.Parse(resource); err == nil && arn.IsAccountID(parsed.Account) {
		r.ResourceAccount = parsed.Account
	}
	d := s.set.Decide(&r)
	decision, err := decisionType(d, action, resource)
	if err != nil {
		return nil, err
	}
	result := &types.EvaluationResult{
		EvalActionName: &action, EvalResourceName: &resource, EvalDecision: decision,
		MatchedStatements: matched(d), MissingContextValues: s.missing(),
		ResourceSpecificResults: []types.ResourceSpecificResult{{EvalResourceName: &resource, EvalResourceDecision: decision}},
	}
	everything := []policy.Source{c.World.Parse("everything", policy.Identity, allowAll)}
	if s.set.SCPs != nil {
		scps := policy.Set{Identity: everything, SCPs: s.set.SCPs}
		result.OrganizationsDecisionDetail = &types.OrganizationsDecisionDetail{AllowedByOrganizations: scps.Decide(&r).Verdict == policy.Allowed}
	}
	if s.set.Boundary != nil {
		bounds := policy.Set{Identity: everything, Boundary: s.set.Boundary}
		result.PermissionsBoundaryDecisionDetail = &types.PermissionsBoundaryDecisionDetail{AllowedByPermissionsBoundary: bounds.Decide(&r).Verdict == policy.Allowed}
	}
	return result, nil
}

// allowAll is the identity policy of a set that shows what one more layer
// decides.
const allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// decisionType returns an error when the evaluation is unknown.
func decisionType(d policy.Decision, action, resource string) (types.PolicyEvaluationDecisionType, error) {
	switch d.Verdict {
	case policy.Allowed:
		return types.PolicyEvaluationDecisionTypeAllowed, nil
	case policy.ExplicitDenied:
		return types.PolicyEvaluationDecisionTypeExplicitDeny, nil
	case policy.ImplicitDenied:
		return types.PolicyEvaluationDecisionTypeImplicitDeny, nil
	}
	return "", &types.PolicyEvaluationException{Message: aws.String(fmt.Sprintf("%s on %s cannot be decided: %s", action, resource, d.Why))}
}

// matched returns the statement that decided.
func matched(d policy.Decision) []types.Statement {
	if d.Source == nil || d.Source.Document == nil {
		return nil
	}
	at := d.Source.Document.Statements[d.Statement]
	return []types.Statement{{
		SourcePolicyId: aws.String(d.Source.Name), SourcePolicyType: sourceType(d),
		StartPosition: &types.Position{Line: int32(at.Line), Column: int32(at.Column)},
	}}
}

func sourceType(d policy.Decision) types.PolicySourceType {
	policyARN, managed := strings.CutPrefix(d.Source.Name, "policy ")
	switch {
	case d.Layer == policy.Resource || d.Layer == policy.Trust:
		return types.PolicySourceTypeResource
	case managed && world.IsAWSManaged(policyARN):
		return types.PolicySourceTypeAwsManaged
	case managed:
		return types.PolicySourceTypeUserManaged
	case strings.Contains(d.Source.Name, " of user "):
		return types.PolicySourceTypeUser
	case strings.Contains(d.Source.Name, " of group "):
		return types.PolicySourceTypeGroup
	case strings.Contains(d.Source.Name, " of role "):
		return types.PolicySourceTypeRole
	}
	return types.PolicySourceTypeNone
}

// missing returns the condition keys of the simulated policies that have no
// value.
// Source: IAM API Reference, EvaluationResult, MissingContextValues.
func (s *simulation) missing() []string {
	absent := map[string]bool{}
	note := func(sources []policy.Source) {
		for _, source := range sources {
			if source.Document == nil {
				continue
			}
			for _, statement := range source.Document.Statements {
				for _, condition := range statement.Conditions {
					if _, ok := s.request.Context.Get(condition.Key); !ok {
						absent[condition.Key] = true
					}
				}
			}
		}
	}
	note(s.set.Identity)
	note(s.request.Policies)
	if s.set.Boundary != nil {
		note([]policy.Source{*s.set.Boundary})
	}
	return slices.Sorted(maps.Keys(absent))
}
