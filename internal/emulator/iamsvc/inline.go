package iamsvc

import (
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
)

// putInline checks an inline policy together with the others of its owner: their
// total size is limited by quota, without white space.
func putInline(inline map[string]string, name, text, owner string, quota int) (map[string]string, error) {
	put := maps.Clone(inline)
	if put == nil {
		put = map[string]string{}
	}
	put[name] = text
	size := 0
	for _, document := range put {
		size += policy.Size(document)
	}
	if size > quota {
		return nil, limitExceeded("Maximum policy size of %d bytes exceeded for %s", quota, owner)
	}
	if err := checkDocument(policy.Identity, text); err != nil {
		return nil, err
	}
	return put, nil
}

func inlineOf(inline map[string]string, kind string, name *string) (string, error) {
	text, ok := inline[*name]
	if !ok {
		return "", noSuchEntity("The %s policy with name %s cannot be found.", kind, *name)
	}
	return text, nil
}

func inlinePage(c *operation.Call, operation string, inline map[string]string, marker *string, maxItems *int32) (page[string], error) {
	return listing[string]{operation, slices.Collect(maps.Keys(inline)), same}.page(c, marker, maxItems)
}

func putUserPolicy(c *operation.Call, in *iam.PutUserPolicyInput) (*iam.PutUserPolicyOutput, error) {
	a := edit(c)
	u, err := userOf(a, in.UserName)
	if err != nil {
		return nil, err
	}
	inline, err := putInline(u.Inline, *in.PolicyName, *in.PolicyDocument, "user "+u.Name, a.Quota(world.QuotaUserPolicySize))
	if err != nil {
		return nil, err
	}
	u.Inline = inline
	return &iam.PutUserPolicyOutput{}, nil
}

func getUserPolicy(c *operation.Call, in *iam.GetUserPolicyInput) (*iam.GetUserPolicyOutput, error) {
	u, err := userOf(account(c), in.UserName)
	if err != nil {
		return nil, err
	}
	text, err := inlineOf(u.Inline, "user", in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &iam.GetUserPolicyOutput{UserName: aws.String(u.Name), PolicyName: in.PolicyName, PolicyDocument: encoded(text)}, nil
}

func listUserPolicies(c *operation.Call, in *iam.ListUserPoliciesInput) (*iam.ListUserPoliciesOutput, error) {
	u, err := userOf(account(c), in.UserName)
	if err != nil {
		return nil, err
	}
	p, err := inlinePage(c, "ListUserPolicies", u.Inline, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListUserPoliciesOutput{PolicyNames: p.items, IsTruncated: p.truncated(), Marker: p.marker}, nil
}

func deleteUserPolicy(c *operation.Call, in *iam.DeleteUserPolicyInput) (*iam.DeleteUserPolicyOutput, error) {
	u, err := userOf(edit(c), in.UserName)
	if err != nil {
		return nil, err
	}
	if _, err := inlineOf(u.Inline, "user", in.PolicyName); err != nil {
		return nil, err
	}
	delete(u.Inline, *in.PolicyName)
	return &iam.DeleteUserPolicyOutput{}, nil
}

func putGroupPolicy(c *operation.Call, in *iam.PutGroupPolicyInput) (*iam.PutGroupPolicyOutput, error) {
	a := edit(c)
	g, err := groupOf(a, in.GroupName)
	if err != nil {
		return nil, err
	}
	inline, err := putInline(g.Inline, *in.PolicyName, *in.PolicyDocument, "group "+g.Name, a.Quota(world.QuotaGroupPolicySize))
	if err != nil {
		return nil, err
	}
	g.Inline = inline
	return &iam.PutGroupPolicyOutput{}, nil
}

func getGroupPolicy(c *operation.Call, in *iam.GetGroupPolicyInput) (*iam.GetGroupPolicyOutput, error) {
	g, err := groupOf(account(c), in.GroupName)
	if err != nil {
		return nil, err
	}
	text, err := inlineOf(g.Inline, "group", in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &iam.GetGroupPolicyOutput{GroupName: aws.String(g.Name), PolicyName: in.PolicyName, PolicyDocument: encoded(text)}, nil
}

func listGroupPolicies(c *operation.Call, in *iam.ListGroupPoliciesInput) (*iam.ListGroupPoliciesOutput, error) {
	g, err := groupOf(account(c), in.GroupName)
	if err != nil {
		return nil, err
	}
	p, err := inlinePage(c, "ListGroupPolicies", g.Inline, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListGroupPoliciesOutput{PolicyNames: p.items, IsTruncated: p.truncated(), Marker: p.marker}, nil
}

func deleteGroupPolicy(c *operation.Call, in *iam.DeleteGroupPolicyInput) (*iam.DeleteGroupPolicyOutput, error) {
	g, err := groupOf(edit(c), in.GroupName)
	if err != nil {
		return nil, err
	}
	if _, err := inlineOf(g.Inline, "group", in.PolicyName); err != nil {
		return nil, err
	}
	delete(g.Inline, *in.PolicyName)
	return &iam.DeleteGroupPolicyOutput{}, nil
}

func putRolePolicy(c *operation.Call, in *iam.PutRolePolicyInput) (*iam.PutRolePolicyOutput, error) {
	a := edit(c)
	r, err := modifiableRole(a, in.RoleName)
	if err != nil {
		return nil, err
	}
	inline, err := putInline(r.Inline, *in.PolicyName, *in.PolicyDocument, "role "+r.Name, a.Quota(world.QuotaRolePolicySize))
	if err != nil {
		return nil, err
	}
	r.Inline = inline
	return &iam.PutRolePolicyOutput{}, nil
}

func getRolePolicy(c *operation.Call, in *iam.GetRolePolicyInput) (*iam.GetRolePolicyOutput, error) {
	r, err := roleOf(account(c), in.RoleName)
	if err != nil {
		return nil, err
	}
	text, err := inlineOf(r.Inline, "role", in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &iam.GetRolePolicyOutput{RoleName: aws.String(r.Name), PolicyName: in.PolicyName, PolicyDocument: encoded(text)}, nil
}

func listRolePolicies(c *operation.Call, in *iam.ListRolePoliciesInput) (*iam.ListRolePoliciesOutput, error) {
	r, err := roleOf(account(c), in.RoleName)
	if err != nil {
		return nil, err
	}
	p, err := inlinePage(c, "ListRolePolicies", r.Inline, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListRolePoliciesOutput{PolicyNames: p.items, IsTruncated: p.truncated(), Marker: p.marker}, nil
}

func deleteRolePolicy(c *operation.Call, in *iam.DeleteRolePolicyInput) (*iam.DeleteRolePolicyOutput, error) {
	r, err := modifiableRole(edit(c), in.RoleName)
	if err != nil {
		return nil, err
	}
	if _, err := inlineOf(r.Inline, "role", in.PolicyName); err != nil {
		return nil, err
	}
	delete(r.Inline, *in.PolicyName)
	return &iam.DeleteRolePolicyOutput{}, nil
}
