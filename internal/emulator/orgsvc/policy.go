package orgsvc

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/org"
	"forcemfa/policy"
)

// Quotas of service control policies. All characters count, including white
// space.
// Source: Organizations User Guide, "Quotas and service limits".
const (
	largestSCP   = 10240
	mostSCPs     = 10000
	mostAttached = 10 // to a root, unit or account
)

// FullAWSAccess is the AWS managed policy that is attached everywhere at first.
const fullAccess = "p-FullAWSAccess"

func policyOperations() []operation.Operation {
	return []operation.Operation{
		row[organizations.CreatePolicyInput, organizations.CreatePolicyOutput]{
			name: "CreatePolicy", who: manager, do: createPolicy,
			check: func(v *input, in *organizations.CreatePolicyInput) {
				v.kind("Type", in.Type)
				v.text("Name", in.Name, 1, 128)
				v.text("Description", in.Description, 0, 512)
				v.text("Content", in.Content, 1, 1<<20)
				v.tags(in.Tags)
			},
			kind: func(in *organizations.CreatePolicyInput) types.PolicyType { return in.Type },
			tags: func(in *organizations.CreatePolicyInput) []types.Tag { return in.Tags },
		}.write(),
		row[organizations.DeletePolicyInput, organizations.DeletePolicyOutput]{
			name: "DeletePolicy", who: manager, do: deletePolicy,
			check: func(v *input, in *organizations.DeletePolicyInput) { v.id("PolicyId", in.PolicyId, policyPattern) },
			on:    func(n names, in *organizations.DeletePolicyInput) []string { return []string{n.policy(*in.PolicyId)} },
			kind:  func(*organizations.DeletePolicyInput) types.PolicyType { return types.PolicyTypeServiceControlPolicy },
		}.write(),
		row[organizations.DescribePolicyInput, organizations.DescribePolicyOutput]{
			name: "DescribePolicy", who: observer, do: describePolicy,
			check: func(v *input, in *organizations.DescribePolicyInput) { v.id("PolicyId", in.PolicyId, policyPattern) },
			on:    func(n names, in *organizations.DescribePolicyInput) []string { return []string{n.policy(*in.PolicyId)} },
			kind:  func(*organizations.DescribePolicyInput) types.PolicyType { return types.PolicyTypeServiceControlPolicy },
		}.read(),
		row[organizations.ListPoliciesInput, organizations.ListPoliciesOutput]{
			name: "ListPolicies", who: observer, do: listPolicies,
			check: func(v *input, in *organizations.ListPoliciesInput) {
				v.kind("Filter", in.Filter)
				v.page(in.MaxResults)
			},
			kind: func(in *organizations.ListPoliciesInput) types.PolicyType { return in.Filter },
		}.read(),
		row[organizations.UpdatePolicyInput, organizations.UpdatePolicyOutput]{
			name: "UpdatePolicy", who: manager, do: updatePolicy,
			check: func(v *input, in *organizations.UpdatePolicyInput) {
				v.id("PolicyId", in.PolicyId, policyPattern)
				if in.Name != nil {
					v.text("Name", in.Name, 1, 128)
				}
				v.text("Description", in.Description, 0, 512)
				if in.Content != nil {
					v.text("Content", in.Content, 1, 1<<20)
				}
			},
			on:   func(n names, in *organizations.UpdatePolicyInput) []string { return []string{n.policy(*in.PolicyId)} },
			kind: func(*organizations.UpdatePolicyInput) types.PolicyType { return types.PolicyTypeServiceControlPolicy },
		}.write(),
	}
}

func (n names) summary(p org.SCP) *types.PolicySummary {
	return &types.PolicySummary{
		Description: n.description(p),
		Arn:         aws.String(n.policy(p.ID)),
		AwsManaged:  p.AWSManaged,
		Id:          aws.String(p.ID),
		Name:        aws.String(p.Name),
		Type:        types.PolicyTypeServiceControlPolicy,
	}
}

// description returns the description of a policy; nil: none is known, as after a
// snapshot.
func (n names) description(p org.SCP) *string {
	if text, ok := n.w.Organization.Descriptions[p.ID]; ok {
		return &text
	}
	return nil
}

func (n names) describePolicy(p org.SCP) *types.Policy {
	return &types.Policy{Content: aws.String(p.Document), PolicySummary: n.summary(p)}
}

// needPolicy returns the policy with this ID.
func (r *request) needPolicy(id string) (org.SCP, error) {
	p, ok := r.o.SCPs[id]
	if !ok {
		return p, &types.PolicyNotFoundException{Message: aws.String("You specified a policy that doesn't exist.")}
	}
	return p, nil
}

// needOwn returns the policy with this ID unless AWS manages it.
func (r *request) needOwn(id string) (org.SCP, error) {
	p, err := r.needPolicy(id)
	if err == nil && p.AWSManaged {
		err = invalid(types.InvalidInputExceptionReasonImmutablePolicy, "You specified a policy that is managed by AWS and can't be modified.")
	}
	return p, err
}

func describePolicy(r *request, in *organizations.DescribePolicyInput) (*organizations.DescribePolicyOutput, error) {
	p, err := r.needPolicy(*in.PolicyId)
	if err != nil {
		return nil, err
	}
	return &organizations.DescribePolicyOutput{Policy: r.describePolicy(p)}, nil
}

func listPolicies(r *request, in *organizations.ListPoliciesInput) (*organizations.ListPoliciesOutput, error) {
	var all []string
	if in.Filter == types.PolicyTypeServiceControlPolicy {
		all = slices.Collect(maps.Keys(r.o.SCPs))
	}
	found, next, err := r.pageOfPolicies("ListPolicies "+string(in.Filter), all, in.NextToken, in.MaxResults)
	return &organizations.ListPoliciesOutput{Policies: found, NextToken: next}, err
}

func (r *request) pageOfPolicies(of string, ids []string, token *string, most *int32) ([]types.PolicySummary, *string, error) {
	list := listing[string]{of: of, items: slices.Clone(ids), key: func(id string) string { return id }}
	found, next, err := list.page(r, token, most)
	policies := make([]types.PolicySummary, 0, len(found))
	for _, id := range found {
		policies = append(policies, *r.summary(r.o.SCPs[id]))
	}
	return policies, next, err
}

// needType refuses types of policies that the organization cannot have.
func (r *request) needType(kind types.PolicyType) error {
	if kind != types.PolicyTypeServiceControlPolicy || r.o.FeatureSet != "ALL" {
		return &types.PolicyTypeNotAvailableForOrganizationException{Message: aws.String("The policy type is not available for your organization.")}
	}
	return nil
}

func checkContent(text string) error {
	if utf8.RuneCountInString(text) > largestSCP {
		return constraint(types.ConstraintViolationExceptionReasonPolicyContentLimitExceeded, "You have exceeded the maximum policy size.")
	}
	if _, err := policy.Parse(policy.SCP, text); err != nil {
		return &types.MalformedPolicyDocumentException{Message: aws.String("The provided policy document does not meet the requirements of the specified policy type: " + err.Error())}
	}
	return nil
}

// nameTaken reports whether another policy has this name.
func (r *request) nameTaken(name, except string) bool {
	for id, p := range r.o.SCPs {
		if p.Name == name && id != except {
			return true
		}
	}
	return false
}

func duplicatePolicy() error {
	return &types.DuplicatePolicyException{Message: aws.String("A policy with the same name already exists.")}
}

func createPolicy(r *request, in *organizations.CreatePolicyInput) (*organizations.CreatePolicyOutput, error) {
	if err := r.needType(in.Type); err != nil {
		return nil, err
	}
	if err := checkContent(*in.Content); err != nil {
		return nil, err
	}
	if r.nameTaken(*in.Name, "") {
		return nil, duplicatePolicy()
	}
	if len(r.o.SCPs) >= mostSCPs {
		return nil, constraint(types.ConstraintViolationExceptionReasonPolicyNumberLimitExceeded, "You have exceeded the number of policies in an organization.")
	}
	p := org.SCP{ID: "p-" + strings.ToLower(r.World.NewID("")[:10]), Name: *in.Name, Document: *in.Content}
	o := r.World.EditOrganization()
	o.SCPs[p.ID] = p
	o.Describe(p.ID, aws.ToString(in.Description))
	r.setTags(p.ID, in.Tags)
	return &organizations.CreatePolicyOutput{Policy: r.describePolicy(p)}, nil
}

func updatePolicy(r *request, in *organizations.UpdatePolicyInput) (*organizations.UpdatePolicyOutput, error) {
	p, err := r.needOwn(*in.PolicyId)
	if err != nil {
		return nil, err
	}
	if in.Content != nil {
		if err := checkContent(*in.Content); err != nil {
			return nil, err
		}
		p.Document = *in.Content
	}
	if in.Name != nil {
		if r.nameTaken(*in.Name, p.ID) {
			return nil, duplicatePolicy()
		}
		p.Name = *in.Name
	}
	o := r.World.EditOrganization()
	o.SCPs[p.ID] = p
	if in.Description != nil {
		o.Describe(p.ID, *in.Description)
	}
	return &organizations.UpdatePolicyOutput{Policy: r.describePolicy(p)}, nil
}

func deletePolicy(r *request, in *organizations.DeletePolicyInput) (*organizations.DeletePolicyOutput, error) {
	p, err := r.needOwn(*in.PolicyId)
	if err != nil {
		return nil, err
	}
	if len(r.targetsOf(p.ID)) > 0 {
		return nil, &types.PolicyInUseException{Message: aws.String("The policy is attached to one or more entities. You must detach it from all roots, OUs, and accounts before performing this operation.")}
	}
	o := r.World.EditOrganization()
	delete(o.SCPs, p.ID)
	delete(o.Tags, p.ID)
	delete(o.Descriptions, p.ID)
	return &organizations.DeletePolicyOutput{}, nil
}
