package iamsvc

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy/arn"
)

// attach attaches a managed policy to a user, group or role. It does nothing
// when the policy is already attached.
func attach(c *operation.Call, attached []string, policyARN, what string, quota int) ([]string, error) {
	if slices.Contains(attached, policyARN) {
		return attached, nil
	}
	if err := attachable(c, policyARN); err != nil {
		return nil, err
	}
	if len(attached) >= quota {
		return nil, overQuota(what, quota)
	}
	return append(attached, policyARN), nil
}

// attachable refuses a managed policy that does not exist, and those of service-linked
// roles, which only AWS attaches.
// Source: IAM API Reference, AttachRolePolicy, PolicyNotAttachable; the message is that of
// AWS in reports of users.
func attachable(c *operation.Call, policyARN string) error {
	if parsed, err := arn.Parse(policyARN); err != nil || parsed.Service != "iam" || parsed.Kind() != "policy" {
		return invalidInput("ARN %s is not valid.", policyARN)
	}
	if strings.HasPrefix(policyPath(policyARN), "/aws-service-role/") && owner(policyARN) == "aws" {
		return &types.PolicyNotAttachableException{Message: aws.String("Cannot attach a Service Role Policy to a Customer Role.")}
	}
	if c.World.ManagedPolicy(c.Caller.Account, policyARN) == nil {
		return noSuchEntity("Policy %s does not exist or is not attachable.", policyARN)
	}
	return nil
}

func detach(attached []string, policyARN string) ([]string, error) {
	i := slices.Index(attached, policyARN)
	if i < 0 {
		return nil, noSuchEntity("Policy %s was not found.", policyARN)
	}
	return slices.Delete(slices.Clone(attached), i, i+1), nil
}

// attachedTypes converts attached policies to the SDK's type.
func attachedTypes(attached []string) []types.AttachedPolicy {
	found := []types.AttachedPolicy{}
	for _, policyARN := range attached {
		found = append(found, types.AttachedPolicy{PolicyArn: &policyARN, PolicyName: policyName(policyARN)})
	}
	return found
}

func policyName(policyARN string) *string {
	return aws.String(policyARN[strings.LastIndexByte(policyARN, '/')+1:])
}

func policyPath(policyARN string) string {
	_, resource, _ := strings.Cut(policyARN, ":policy")
	return resource[:strings.LastIndexByte(resource, '/')+1]
}

func attachedPage(c *operation.Call, operation string, attached []string, prefix, marker *string, maxItems *int32) ([]types.AttachedPolicy, page[string], error) {
	// Names alone are too short to be keys and ARNs too long for a marker.
	l := listing[string]{operation: operation, key: func(s string) string { return world.Fold(*policyName(s)) + "\n" + owner(s) }}
	for _, policyARN := range attached {
		if strings.HasPrefix(policyPath(policyARN), aws.ToString(prefix)) {
			l.items = append(l.items, policyARN)
		}
	}
	p, err := l.page(c, marker, maxItems)
	return attachedTypes(p.items), p, err
}

// owner returns the account part of an ARN.
func owner(policyARN string) string {
	parsed, err := arn.Parse(policyARN)
	if err != nil {
		return ""
	}
	return parsed.Account
}

func attachUserPolicy(c *operation.Call, in *iam.AttachUserPolicyInput) (*iam.AttachUserPolicyOutput, error) {
	a := edit(c)
	u, err := userOf(a, in.UserName)
	if err != nil {
		return nil, err
	}
	attached, err := attach(c, u.Attached, *in.PolicyArn, "PoliciesPerUser", a.Quota(world.QuotaAttachedToUser))
	if err != nil {
		return nil, err
	}
	u.Attached = attached
	return &iam.AttachUserPolicyOutput{}, nil
}

func detachUserPolicy(c *operation.Call, in *iam.DetachUserPolicyInput) (*iam.DetachUserPolicyOutput, error) {
	u, err := userOf(edit(c), in.UserName)
	if err != nil {
		return nil, err
	}
	attached, err := detach(u.Attached, *in.PolicyArn)
	if err != nil {
		return nil, err
	}
	u.Attached = attached
	return &iam.DetachUserPolicyOutput{}, nil
}

func listAttachedUserPolicies(c *operation.Call, in *iam.ListAttachedUserPoliciesInput) (*iam.ListAttachedUserPoliciesOutput, error) {
	u, err := userOf(account(c), in.UserName)
	if err != nil {
		return nil, err
	}
	found, p, err := attachedPage(c, "ListAttachedUserPolicies", u.Attached, in.PathPrefix, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListAttachedUserPoliciesOutput{AttachedPolicies: found, IsTruncated: p.truncated(), Marker: p.marker}, nil
}

func attachGroupPolicy(c *operation.Call, in *iam.AttachGroupPolicyInput) (*iam.AttachGroupPolicyOutput, error) {
	a := edit(c)
	g, err := groupOf(a, in.GroupName)
	if err != nil {
		return nil, err
	}
	attached, err := attach(c, g.Attached, *in.PolicyArn, "PoliciesPerGroup", a.Quota(world.QuotaAttachedToGroup))
	if err != nil {
		return nil, err
	}
	g.Attached = attached
	return &iam.AttachGroupPolicyOutput{}, nil
}

func detachGroupPolicy(c *operation.Call, in *iam.DetachGroupPolicyInput) (*iam.DetachGroupPolicyOutput, error) {
	g, err := groupOf(edit(c), in.GroupName)
	if err != nil {
		return nil, err
	}
	attached, err := detach(g.Attached, *in.PolicyArn)
	if err != nil {
		return nil, err
	}
	g.Attached = attached
	return &iam.DetachGroupPolicyOutput{}, nil
}

func listAttachedGroupPolicies(c *operation.Call, in *iam.ListAttachedGroupPoliciesInput) (*iam.ListAttachedGroupPoliciesOutput, error) {
	g, err := groupOf(account(c), in.GroupName)
	if err != nil {
		return nil, err
	}
	found, p, err := attachedPage(c, "ListAttachedGroupPolicies", g.Attached, in.PathPrefix, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListAttachedGroupPoliciesOutput{AttachedPolicies: found, IsTruncated: p.truncated(), Marker: p.marker}, nil
}

func attachRolePolicy(c *operation.Call, in *iam.AttachRolePolicyInput) (*iam.AttachRolePolicyOutput, error) {
	a := edit(c)
	r, err := modifiableRole(a, in.RoleName)
	if err != nil {
		return nil, err
	}
	attached, err := attach(c, r.Attached, *in.PolicyArn, "PoliciesPerRole", a.Quota(world.QuotaAttachedToRole))
	if err != nil {
		return nil, err
	}
	r.Attached = attached
	return &iam.AttachRolePolicyOutput{}, nil
}

func detachRolePolicy(c *operation.Call, in *iam.DetachRolePolicyInput) (*iam.DetachRolePolicyOutput, error) {
	r, err := modifiableRole(edit(c), in.RoleName)
	if err != nil {
		return nil, err
	}
	attached, err := detach(r.Attached, *in.PolicyArn)
	if err != nil {
		return nil, err
	}
	r.Attached = attached
	return &iam.DetachRolePolicyOutput{}, nil
}

func listAttachedRolePolicies(c *operation.Call, in *iam.ListAttachedRolePoliciesInput) (*iam.ListAttachedRolePoliciesOutput, error) {
	r, err := roleOf(account(c), in.RoleName)
	if err != nil {
		return nil, err
	}
	found, p, err := attachedPage(c, "ListAttachedRolePolicies", r.Attached, in.PathPrefix, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListAttachedRolePoliciesOutput{AttachedPolicies: found, IsTruncated: p.truncated(), Marker: p.marker}, nil
}

// listEntitiesForPolicy lists groups, then roles, then users, in one stream of
// pages.
func listEntitiesForPolicy(c *operation.Call, in *iam.ListEntitiesForPolicyInput) (*iam.ListEntitiesForPolicyOutput, error) {
	a := account(c)
	policyARN := *in.PolicyArn
	if _, err := policyOf(c, in.PolicyArn); err != nil {
		return nil, err
	}
	l := listing[string]{operation: "ListEntitiesForPolicy", key: same}
	consider := func(kind types.EntityType, key, path string, attached []string, boundary string) {
		asPolicy := in.PolicyUsageFilter != types.PolicyUsageTypePermissionsBoundary && slices.Contains(attached, policyARN)
		asBoundary := in.PolicyUsageFilter != types.PolicyUsageTypePermissionsPolicy && boundary == policyARN
		if (asPolicy || asBoundary) && (in.EntityFilter == "" || in.EntityFilter == kind) && strings.HasPrefix(path, aws.ToString(in.PathPrefix)) {
			l.items = append(l.items, string(kind)+" "+key)
		}
	}
	for name, g := range a.Groups {
		consider(types.EntityTypeGroup, name, g.Path, g.Attached, "")
	}
	for name, r := range a.ListedRoles() {
		consider(types.EntityTypeRole, name, r.Path, r.Attached, r.Boundary)
	}
	for name, u := range a.Users {
		consider(types.EntityTypeUser, name, u.Path, u.Attached, u.Boundary)
	}
	p, err := l.page(c, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return entities(a, p), nil
}

func entities(a *world.Account, p page[string]) *iam.ListEntitiesForPolicyOutput {
	out := &iam.ListEntitiesForPolicyOutput{IsTruncated: p.truncated(), Marker: p.marker}
	for _, item := range p.items {
		kind, name, _ := strings.Cut(item, " ")
		switch types.EntityType(kind) {
		case types.EntityTypeGroup:
			g := copyOf(a.Groups[name])
			out.PolicyGroups = append(out.PolicyGroups, types.PolicyGroup{GroupId: &g.ID, GroupName: &g.Name})
		case types.EntityTypeRole:
			r := copyOf(a.Roles[name])
			out.PolicyRoles = append(out.PolicyRoles, types.PolicyRole{RoleId: &r.ID, RoleName: &r.Name})
		case types.EntityTypeUser:
			u := copyOf(a.Users[name])
			out.PolicyUsers = append(out.PolicyUsers, types.PolicyUser{UserId: &u.ID, UserName: &u.Name})
		}
	}
	return out
}
