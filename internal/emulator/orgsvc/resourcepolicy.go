package orgsvc

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
)

// resourcePolicyOperations delegate operations of Organizations to members.
func resourcePolicyOperations() []operation.Operation {
	return []operation.Operation{
		row[organizations.PutResourcePolicyInput, organizations.PutResourcePolicyOutput]{
			name: "PutResourcePolicy", who: manager, do: putResourcePolicy,
			check: func(v *input, in *organizations.PutResourcePolicyInput) {
				v.text("Content", in.Content, 1, 40000)
				v.tags(in.Tags)
			},
			on: func(n names, _ *organizations.PutResourcePolicyInput) []string {
				if p := n.w.Organization.ResourcePolicy; p != nil {
					return []string{n.resource(p.ID)}
				}
				return []string{n.resource("rp-*")}
			},
			tags: func(in *organizations.PutResourcePolicyInput) []types.Tag { return in.Tags },
		}.write(),
		row[organizations.DescribeResourcePolicyInput, organizations.DescribeResourcePolicyOutput]{
			name: "DescribeResourcePolicy", who: observer, do: describeResourcePolicy,
		}.read(),
		row[organizations.DeleteResourcePolicyInput, organizations.DeleteResourcePolicyOutput]{
			name: "DeleteResourcePolicy", who: manager, do: deleteResourcePolicy,
		}.write(),
	}
}

// delegable lists the operations that a resource policy can delegate.
// Source: Organizations User Guide, "Create a resource-based delegation policy".
var delegable = []string{
	"AttachPolicy", "CreatePolicy", "DeletePolicy", "DescribeAccount", "DescribeCreateAccountStatus", "DescribeEffectivePolicy", "DescribeHandshake",
	"DescribeOrganization", "DescribeOrganizationalUnit", "DescribePolicy", "DescribeResourcePolicy", "DetachPolicy", "DisablePolicyType", "EnablePolicyType",
	"ListAWSServiceAccessForOrganization", "ListAccounts", "ListAccountsForParent", "ListChildren", "ListCreateAccountStatus", "ListDelegatedAdministrators",
	"ListDelegatedServicesForAccount", "ListHandshakesForAccount", "ListHandshakesForOrganization", "ListOrganizationalUnitsForParent", "ListParents",
	"ListPolicies", "ListPoliciesForTarget", "ListRoots", "ListTagsForResource", "ListTargetsForPolicy", "TagResource", "UntagResource", "UpdatePolicy",
}

// delegates reports whether the organization has a resource policy and the operation can
// be in it. The policy itself was decided with the permissions of the call.
func (r row[I, O]) delegates(o *world.Organization) bool {
	return o.ResourcePolicy != nil && slices.Contains(delegable, r.name)
}

// delegate adds the resource policy to the permission of a member who needs it.
func (r row[I, O]) delegate(c *operation.Call, ask *operation.Ask) {
	o := c.World.Organization
	if r.who == anyone || !belongs(c.World, c.Caller.Account) || r.who.includes(o, c.Caller.Account) || !r.delegates(o) {
		return
	}
	ask.ResourceAccount = o.ManagementAccount
	ask.Policies = []policy.Source{c.World.Parse("resource policy of the organization", policy.Resource, o.ResourcePolicy.Document)}
}

// checkResourcePolicy refuses documents that name no principal, or delegate an operation
// that cannot be delegated.
// Source: Organizations API Reference, InvalidInputException.
func checkResourcePolicy(text string) error {
	d, err := policy.Parse(policy.Resource, text)
	if err != nil {
		return invalid(types.InvalidInputExceptionReasonInvalidResourcePolicyJson, "You provided a resource policy that is not valid: "+err.Error())
	}
	for i := range d.Statements {
		s := &d.Statements[i]
		if s.Principals == nil || len(s.Principals.Service)+len(s.Principals.Federated)+len(s.Principals.CanonicalUser) > 0 {
			return invalid(types.InvalidInputExceptionReasonInvalidPrincipal, "You provided a resource policy with a principal that is not an AWS account, user or role.")
		}
		for _, action := range s.Actions {
			name, ours := strings.CutPrefix(action, "organizations:")
			if !ours || !strings.ContainsAny(name, "*?") && !slices.ContainsFunc(delegable, func(known string) bool { return strings.EqualFold(known, name) }) {
				return invalid(types.InvalidInputExceptionReasonUnsupportedActionInResourcePolicy, "You provided a resource policy with the action "+action+", which cannot be delegated.")
			}
		}
	}
	return nil
}

func (n names) describeResourcePolicy(p *world.ResourcePolicy) *types.ResourcePolicy {
	return &types.ResourcePolicy{Content: aws.String(p.Document), ResourcePolicySummary: &types.ResourcePolicySummary{Id: aws.String(p.ID), Arn: aws.String(n.resource(p.ID))}}
}

func putResourcePolicy(r *request, in *organizations.PutResourcePolicyInput) (*organizations.PutResourcePolicyOutput, error) {
	if err := r.needAllFeatures(); err != nil {
		return nil, err
	}
	had := r.o.ResourcePolicy
	if had != nil && len(in.Tags) > 0 {
		return nil, invalid(types.InvalidInputExceptionReasonTargetNotSupported, "You can specify tags only when the resource policy is created.")
	}
	if err := checkResourcePolicy(*in.Content); err != nil {
		return nil, err
	}
	if len(in.Tags) > mostTags {
		return nil, constraint(types.ConstraintViolationExceptionReasonMaxTagLimitExceeded, "You have exceeded the number of tags allowed on this resource.")
	}
	p := &world.ResourcePolicy{ID: "rp-" + strings.ToLower(r.World.NewID("")[:8]), Document: *in.Content}
	if had != nil {
		p.ID = had.ID
	}
	r.World.EditOrganization().ResourcePolicy = p
	r.setTags(p.ID, in.Tags)
	return &organizations.PutResourcePolicyOutput{ResourcePolicy: r.describeResourcePolicy(p)}, nil
}

func (r *request) needResourcePolicy() (*world.ResourcePolicy, error) {
	if p := r.o.ResourcePolicy; p != nil {
		return p, nil
	}
	return nil, &types.ResourcePolicyNotFoundException{Message: aws.String("We can't find a resource policy of the organization.")}
}

func describeResourcePolicy(r *request, _ *organizations.DescribeResourcePolicyInput) (*organizations.DescribeResourcePolicyOutput, error) {
	if err := r.needAllFeatures(); err != nil {
		return nil, err
	}
	p, err := r.needResourcePolicy()
	if err != nil {
		return nil, err
	}
	return &organizations.DescribeResourcePolicyOutput{ResourcePolicy: r.describeResourcePolicy(p)}, nil
}

func deleteResourcePolicy(r *request, _ *organizations.DeleteResourcePolicyInput) (*organizations.DeleteResourcePolicyOutput, error) {
	if err := r.needAllFeatures(); err != nil {
		return nil, err
	}
	p, err := r.needResourcePolicy()
	if err != nil {
		return nil, err
	}
	o := r.World.EditOrganization()
	o.ResourcePolicy = nil
	delete(o.Tags, p.ID)
	return &organizations.DeleteResourcePolicyOutput{}, nil
}
