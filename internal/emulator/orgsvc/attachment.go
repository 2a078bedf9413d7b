package orgsvc

import (
	"cmp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
)

func attachmentOperations() []operation.Operation {
	return []operation.Operation{
		row[organizations.AttachPolicyInput, organizations.AttachPolicyOutput]{
			name: "AttachPolicy", who: manager, do: attachPolicy,
			check: func(v *input, in *organizations.AttachPolicyInput) {
				v.id("PolicyId", in.PolicyId, policyPattern)
				v.id("TargetId", in.TargetId, targetPattern)
			},
			on: func(n names, in *organizations.AttachPolicyInput) []string {
				return []string{n.policy(*in.PolicyId), n.target(*in.TargetId)}
			},
			policy: func(in *organizations.AttachPolicyInput) string { return *in.PolicyId },
		}.write(),
		row[organizations.DetachPolicyInput, organizations.DetachPolicyOutput]{
			name: "DetachPolicy", who: manager, do: detachPolicy,
			check: func(v *input, in *organizations.DetachPolicyInput) {
				v.id("PolicyId", in.PolicyId, policyPattern)
				v.id("TargetId", in.TargetId, targetPattern)
			},
			on: func(n names, in *organizations.DetachPolicyInput) []string {
				return []string{n.policy(*in.PolicyId), n.target(*in.TargetId)}
			},
			policy: func(in *organizations.DetachPolicyInput) string { return *in.PolicyId },
		}.write(),
		row[organizations.ListPoliciesForTargetInput, organizations.ListPoliciesForTargetOutput]{
			name: "ListPoliciesForTarget", who: observer, do: listPoliciesForTarget,
			check: func(v *input, in *organizations.ListPoliciesForTargetInput) {
				v.id("TargetId", in.TargetId, targetPattern)
				v.kind("Filter", in.Filter)
				v.page(in.MaxResults)
			},
			on: func(n names, in *organizations.ListPoliciesForTargetInput) []string {
				return []string{n.target(*in.TargetId)}
			},
			kind: func(in *organizations.ListPoliciesForTargetInput) types.PolicyType { return in.Filter },
		}.read(),
		row[organizations.ListTargetsForPolicyInput, organizations.ListTargetsForPolicyOutput]{
			name: "ListTargetsForPolicy", who: observer, do: listTargetsForPolicy,
			check: func(v *input, in *organizations.ListTargetsForPolicyInput) {
				v.id("PolicyId", in.PolicyId, policyPattern)
				v.page(in.MaxResults)
			},
			on: func(n names, in *organizations.ListTargetsForPolicyInput) []string {
				return []string{n.policy(*in.PolicyId)}
			},
			policy: func(in *organizations.ListTargetsForPolicyInput) string { return *in.PolicyId },
		}.read(),
	}
}

func noTarget() error {
	return &types.TargetNotFoundException{Message: aws.String("You specified a target that doesn't exist.")}
}

// attached returns the policies of a root, unit or account; ok is false when it
// does not exist.
func (r *request) attached(c *control, target string) (ids []string, ok bool) {
	if u := r.findUnit(target); u != nil {
		return *c.ofUnit(u), true
	}
	if a := r.findAccount(target); a != nil {
		return *c.ofMember(a), true
	}
	return nil, false
}

// setAttached writes the list that [request.attached] reads.
func (r *request) setAttached(c *control, target string, ids []string) {
	if r.findUnit(target) == nil {
		*c.ofMember(r.World.Edit(target)) = ids
		return
	}
	units := r.World.EditOrganization().Units
	i := slices.IndexFunc(units, func(u org.Unit) bool { return u.ID == target })
	*c.ofUnit(&units[i]) = ids
}

// attachment reads both ends of a new or removed attachment.
func (r *request) attachment(policy, target *string) (c *control, ids []string, err error) {
	if _, err := r.needPolicy(*policy); err != nil {
		return nil, nil, err
	}
	c = r.controlOf(*policy)
	ids, ok := r.attached(c, *target)
	if !ok {
		return nil, nil, noTarget()
	}
	return c, ids, nil
}

func attachPolicy(r *request, in *organizations.AttachPolicyInput) (*organizations.AttachPolicyOutput, error) {
	c, ids, err := r.attachment(in.PolicyId, in.TargetId)
	switch {
	case err != nil:
		return nil, err
	case !*c.enabled(r.o):
		return nil, notEnabled()
	case slices.Contains(ids, *in.PolicyId):
		return nil, &types.DuplicatePolicyAttachmentException{Message: aws.String("A policy with this ID is already attached to the target.")}
	case len(ids) >= c.attached:
		return nil, constraint(types.ConstraintViolationExceptionReasonMaxPolicyTypeAttachmentLimitExceeded, "You have attached the maximum number of policies to this target.")
	}
	r.setAttached(c, *in.TargetId, append(slices.Clone(ids), *in.PolicyId))
	return &organizations.AttachPolicyOutput{}, nil
}

func detachPolicy(r *request, in *organizations.DetachPolicyInput) (*organizations.DetachPolicyOutput, error) {
	c, ids, err := r.attachment(in.PolicyId, in.TargetId)
	switch {
	case err != nil:
		return nil, err
	case !slices.Contains(ids, *in.PolicyId):
		return nil, &types.PolicyNotAttachedException{Message: aws.String("The policy isn't attached to the specified target.")}
	case c.stays && *in.PolicyId == c.full.ID:
		return nil, invalid(types.InvalidInputExceptionReasonImmutablePolicy, "You can't detach the policy "+c.full.Name+".")
	case len(ids) == 1:
		return nil, constraint(types.ConstraintViolationExceptionReasonMinPolicyTypeAttachmentLimitExceeded, "You cannot remove the last policy attached to the specified target. You should have at least one attached.")
	}
	r.setAttached(c, *in.TargetId, slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == *in.PolicyId }))
	return &organizations.DetachPolicyOutput{}, nil
}

// listPoliciesForTarget returns the policies attached to the target itself,
// without inherited ones.
func listPoliciesForTarget(r *request, in *organizations.ListPoliciesForTargetInput) (*organizations.ListPoliciesForTargetOutput, error) {
	c := controlNamed(in.Filter)
	ids, ok := r.attached(cmp.Or(c, scpControl), *in.TargetId)
	if !ok {
		return nil, noTarget()
	}
	if c == nil {
		ids = nil
	}
	found, next, err := r.pageOfPolicies("ListPoliciesForTarget "+*in.TargetId+" "+string(in.Filter), ids, in.NextToken, in.MaxResults)
	return &organizations.ListPoliciesForTargetOutput{Policies: found, NextToken: next}, err
}

// targetsOf returns the roots, units and accounts that a policy is attached to.
func (r *request) targetsOf(policy string) []types.PolicyTargetSummary {
	c := r.controlOf(policy)
	var targets []types.PolicyTargetSummary
	add := func(id, name string, kind types.TargetType) {
		targets = append(targets, types.PolicyTargetSummary{
			Arn: aws.String(r.target(id)), Name: aws.String(name), TargetId: aws.String(id), Type: kind,
		})
	}
	for i := range r.o.Units {
		u := &r.o.Units[i]
		switch {
		case !slices.Contains(*c.ofUnit(u), policy):
		case isRoot(u.ID):
			add(u.ID, u.Name, types.TargetTypeRoot)
		default:
			add(u.ID, u.Name, types.TargetTypeOrganizationalUnit)
		}
	}
	for _, a := range r.accounts(func(a *world.Account) bool { return slices.Contains(*c.ofMember(a), policy) }) {
		add(a.ID, a.Name, types.TargetTypeAccount)
	}
	return targets
}

func listTargetsForPolicy(r *request, in *organizations.ListTargetsForPolicyInput) (*organizations.ListTargetsForPolicyOutput, error) {
	if _, err := r.needPolicy(*in.PolicyId); err != nil {
		return nil, err
	}
	list := listing[types.PolicyTargetSummary]{
		of: "ListTargetsForPolicy " + *in.PolicyId, items: r.targetsOf(*in.PolicyId),
		key: func(t types.PolicyTargetSummary) string { return *t.TargetId },
	}
	found, next, err := list.page(r, in.NextToken, in.MaxResults)
	return &organizations.ListTargetsForPolicyOutput{Targets: found, NextToken: next}, err
}
