package orgsvc

import (
	"errors"
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
			check:  func(v *input, in *organizations.DeletePolicyInput) { v.id("PolicyId", in.PolicyId, policyPattern) },
			on:     func(n names, in *organizations.DeletePolicyInput) []string { return []string{n.policy(*in.PolicyId)} },
			policy: func(in *organizations.DeletePolicyInput) string { return *in.PolicyId },
		}.write(),
		row[organizations.DescribePolicyInput, organizations.DescribePolicyOutput]{
			name: "DescribePolicy", who: observer, do: describePolicy,
			check:  func(v *input, in *organizations.DescribePolicyInput) { v.id("PolicyId", in.PolicyId, policyPattern) },
			on:     func(n names, in *organizations.DescribePolicyInput) []string { return []string{n.policy(*in.PolicyId)} },
			policy: func(in *organizations.DescribePolicyInput) string { return *in.PolicyId },
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
			on:     func(n names, in *organizations.UpdatePolicyInput) []string { return []string{n.policy(*in.PolicyId)} },
			policy: func(in *organizations.UpdatePolicyInput) string { return *in.PolicyId },
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
		Type:        n.controlOf(p.ID).name,
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
	p, ok := r.findPolicy(id)
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
	if c := controlNamed(in.Filter); c != nil {
		all = slices.Collect(maps.Keys(*c.policies(r.o)))
	}
	found, next, err := r.pageOfPolicies("ListPolicies "+string(in.Filter), all, in.NextToken, in.MaxResults)
	return &organizations.ListPoliciesOutput{Policies: found, NextToken: next}, err
}

func (r *request) pageOfPolicies(of string, ids []string, token *string, most *int32) ([]types.PolicySummary, *string, error) {
	list := listing[string]{of: of, items: slices.Clone(ids), key: func(id string) string { return id }}
	found, next, err := list.page(r, token, most)
	policies := make([]types.PolicySummary, 0, len(found))
	for _, id := range found {
		p, _ := r.findPolicy(id)
		policies = append(policies, *r.summary(p))
	}
	return policies, next, err
}

// needType refuses types of policies that the organization cannot have.
func (r *request) needType(kind types.PolicyType) (*control, error) {
	c := controlNamed(kind)
	if c == nil || r.o.FeatureSet != "ALL" {
		return nil, &types.PolicyTypeNotAvailableForOrganizationException{Message: aws.String("The policy type is not available for your organization.")}
	}
	return c, nil
}

func (c *control) check(text string) error {
	if utf8.RuneCountInString(text) > c.largest {
		return constraint(types.ConstraintViolationExceptionReasonPolicyContentLimitExceeded, "You have exceeded the maximum policy size.")
	}
	d, err := policy.Parse(c.parsed, text)
	if err == nil && c == rcpControl {
		err = wrongRCP(d)
	}
	if err != nil {
		return &types.MalformedPolicyDocumentException{Message: aws.String("The provided policy document does not meet the requirements of the specified policy type: " + err.Error())}
	}
	return nil
}

// wrongRCP refuses what only RCPFullAWSAccess may have.
// Source: Organizations User Guide, "RCP syntax".
func wrongRCP(d *policy.Document) error {
	if d.Version != "2012-10-17" {
		return errors.New(`a resource control policy needs "Version": "2012-10-17"`)
	}
	if slices.ContainsFunc(d.Statements, func(s policy.Statement) bool { return s.Effect == policy.Allow }) {
		return errors.New("a resource control policy has no Allow")
	}
	return nil
}

// nameTaken reports whether another policy of the type has this name.
func (r *request) nameTaken(c *control, name, except string) bool {
	for id, p := range *c.policies(r.o) {
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
	c, err := r.needType(in.Type)
	if err != nil {
		return nil, err
	}
	if err := c.check(*in.Content); err != nil {
		return nil, err
	}
	if r.nameTaken(c, *in.Name, "") {
		return nil, duplicatePolicy()
	}
	if len(*c.policies(r.o)) >= c.most {
		return nil, constraint(types.ConstraintViolationExceptionReasonPolicyNumberLimitExceeded, "You have exceeded the number of policies in an organization.")
	}
	p := org.SCP{ID: "p-" + strings.ToLower(r.World.NewID("")[:10]), Name: *in.Name, Document: *in.Content}
	o := r.World.EditOrganization()
	c.put(o, p)
	o.Describe(p.ID, aws.ToString(in.Description))
	r.setTags(p.ID, in.Tags)
	return &organizations.CreatePolicyOutput{Policy: r.describePolicy(p)}, nil
}

func updatePolicy(r *request, in *organizations.UpdatePolicyInput) (*organizations.UpdatePolicyOutput, error) {
	p, err := r.needOwn(*in.PolicyId)
	if err != nil {
		return nil, err
	}
	c := r.controlOf(p.ID)
	if in.Content != nil {
		if err := c.check(*in.Content); err != nil {
			return nil, err
		}
		p.Document = *in.Content
	}
	if in.Name != nil {
		if r.nameTaken(c, *in.Name, p.ID) {
			return nil, duplicatePolicy()
		}
		p.Name = *in.Name
	}
	o := r.World.EditOrganization()
	c.put(o, p)
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
	delete(*r.controlOf(p.ID).policies(o), p.ID)
	delete(o.Tags, p.ID)
	delete(o.Descriptions, p.ID)
	return &organizations.DeletePolicyOutput{}, nil
}
