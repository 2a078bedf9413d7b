package iamsvc

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
)

// sections is the order of GetAccountAuthorizationDetails: one stream of users,
// groups, roles and policies, so that a page may contain some of each.
var sections = []types.EntityType{
	types.EntityTypeUser, types.EntityTypeGroup, types.EntityTypeRole,
	types.EntityTypeLocalManagedPolicy, types.EntityTypeAWSManagedPolicy,
}

// getAccountAuthorizationDetails returns everything in the account. AWS managed
// policies are included only when the filter requests them, and then only those
// that the account uses.
func getAccountAuthorizationDetails(c *operation.Call, in *iam.GetAccountAuthorizationDetailsInput) (*iam.GetAccountAuthorizationDetailsOutput, error) {
	a := account(c)
	used := uses(a)
	l := listing[string]{"GetAccountAuthorizationDetails", entries(c, a, used, in.Filter), same}
	p, err := l.page(c, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.GetAccountAuthorizationDetailsOutput{
		UserDetailList: []types.UserDetail{}, GroupDetailList: []types.GroupDetail{},
		RoleDetailList: []types.RoleDetail{}, Policies: []types.ManagedPolicyDetail{},
		IsTruncated: p.truncated(), Marker: p.marker,
	}
	byID := policiesByID(c, a, used)
	for _, entry := range p.items {
		name := entry[2:]
		switch sections[entry[0]-'0'] {
		case types.EntityTypeUser:
			out.UserDetailList = append(out.UserDetailList, userDetail(c, a, a.Users[name]))
		case types.EntityTypeGroup:
			out.GroupDetailList = append(out.GroupDetailList, groupDetail(c, a.Groups[name]))
		case types.EntityTypeRole:
			out.RoleDetailList = append(out.RoleDetailList, roleDetail(c, a, a.Roles[name]))
		default:
			managed := byID[name[strings.LastIndexByte(name, '\n')+1:]]
			out.Policies = append(out.Policies, policyDetail(managed, used[managed.ARN]))
		}
	}
	return out, nil
}

// entries returns the keys of everything that the filter selects: the digit of
// the section and the name.
func entries(c *operation.Call, a *world.Account, used map[string]use, filter []types.EntityType) []string {
	var all []string
	for i, section := range sections {
		wanted := slices.Contains(filter, section) || len(filter) == 0 && section != types.EntityTypeAWSManagedPolicy
		if !wanted {
			continue
		}
		for _, key := range keysOf(c, a, used, section) {
			all = append(all, fmt.Sprintf("%d %s", i, key))
		}
	}
	return all
}

func keysOf(c *operation.Call, a *world.Account, used map[string]use, section types.EntityType) []string {
	switch section {
	case types.EntityTypeUser:
		return slices.Collect(maps.Keys(a.Users))
	case types.EntityTypeGroup:
		return slices.Collect(maps.Keys(a.Groups))
	case types.EntityTypeRole:
		return slices.Collect(maps.Keys(a.ListedRoles()))
	}
	var keys []string
	for _, p := range managedOf(c, a, used, section) {
		keys = append(keys, policyKey(p))
	}
	return keys
}

func managedOf(c *operation.Call, a *world.Account, used map[string]use, section types.EntityType) []*world.Policy {
	if section == types.EntityTypeLocalManagedPolicy {
		return slices.Collect(maps.Values(a.Policies))
	}
	return slices.DeleteFunc(c.World.AWSManaged(), func(p *world.Policy) bool { return used[p.ARN] == use{} })
}

func policiesByID(c *operation.Call, a *world.Account, used map[string]use) map[string]*world.Policy {
	byID := map[string]*world.Policy{}
	for _, section := range []types.EntityType{types.EntityTypeLocalManagedPolicy, types.EntityTypeAWSManagedPolicy} {
		for _, p := range managedOf(c, a, used, section) {
			byID[p.ID] = p
		}
	}
	return byID
}

// userDetail includes the user's groups: membership is part of the user, not of
// the group.
func userDetail(c *operation.Call, a *world.Account, u *world.User) types.UserDetail {
	t := userType(c, u, true)
	d := types.UserDetail{
		Arn: t.Arn, CreateDate: t.CreateDate, Path: t.Path, UserId: t.UserId, UserName: t.UserName,
		Tags: t.Tags, PermissionsBoundary: t.PermissionsBoundary,
		UserPolicyList: inlineDetails(u.Inline), AttachedManagedPolicies: attachedTypes(u.Attached), GroupList: []string{},
	}
	for _, g := range groupsOf(a, u) {
		d.GroupList = append(d.GroupList, g.Name)
	}
	return d
}

func groupDetail(c *operation.Call, g *world.Group) types.GroupDetail {
	t := groupType(c, g)
	return types.GroupDetail{
		Arn: t.Arn, CreateDate: t.CreateDate, Path: t.Path, GroupId: t.GroupId, GroupName: t.GroupName,
		GroupPolicyList: inlineDetails(g.Inline), AttachedManagedPolicies: attachedTypes(g.Attached),
	}
}

func roleDetail(c *operation.Call, a *world.Account, r *world.Role) types.RoleDetail {
	t := roleType(c, r, true)
	return types.RoleDetail{
		Arn: t.Arn, CreateDate: t.CreateDate, Path: t.Path, RoleId: t.RoleId, RoleName: t.RoleName,
		Tags: t.Tags, PermissionsBoundary: t.PermissionsBoundary, RoleLastUsed: t.RoleLastUsed,
		AssumeRolePolicyDocument: t.AssumeRolePolicyDocument, InstanceProfileList: instanceProfileTypes(c, a, profilesOf(a, r)),
		RolePolicyList: inlineDetails(r.Inline), AttachedManagedPolicies: attachedTypes(r.Attached),
	}
}

func policyDetail(p *world.Policy, used use) types.ManagedPolicyDetail {
	t := policyType(p, used, true)
	d := types.ManagedPolicyDetail{
		Arn: t.Arn, PolicyName: t.PolicyName, PolicyId: t.PolicyId, Path: t.Path, CreateDate: t.CreateDate,
		UpdateDate: t.UpdateDate, DefaultVersionId: t.DefaultVersionId, IsAttachable: t.IsAttachable, Description: t.Description,
		AttachmentCount: t.AttachmentCount, PermissionsBoundaryUsageCount: t.PermissionsBoundaryUsageCount,
	}
	for _, v := range slices.Backward(p.Versions) {
		d.PolicyVersionList = append(d.PolicyVersionList, versionType(p, v))
	}
	return d
}

func inlineDetails(inline map[string]string) []types.PolicyDetail {
	details := []types.PolicyDetail{}
	for _, name := range slices.Sorted(maps.Keys(inline)) {
		details = append(details, types.PolicyDetail{PolicyName: aws.String(name), PolicyDocument: encoded(inline[name])})
	}
	return details
}
