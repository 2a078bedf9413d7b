package collect

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"forcemfa/internal/org"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// entities reads users, groups, roles and customer managed policies with their
// documents. A page contains any of the four. If a page is missing, the account
// counts as unread.
func (r *reader) entities(ctx context.Context) bool {
	pages := iam.NewGetAccountAuthorizationDetailsPaginator(r.iam, &iam.GetAccountAuthorizationDetailsInput{
		Filter:   []types.EntityType{types.EntityTypeUser, types.EntityTypeGroup, types.EntityTypeRole, types.EntityTypeLocalManagedPolicy},
		MaxItems: aws.Int32(pageSize),
	})
	a := r.to
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			a.Users, a.Groups, a.Roles, a.Policies = nil, nil, nil, nil
			r.gap("iam:GetAccountAuthorizationDetails", err)
			return false
		}
		for _, u := range page.UserDetailList {
			a.Users = append(a.Users, r.user(u))
		}
		for _, g := range page.GroupDetailList {
			a.Groups = append(a.Groups, r.group(g))
		}
		for _, role := range page.RoleDetailList {
			a.Roles = append(a.Roles, r.role(role))
		}
		for _, p := range page.Policies {
			a.Policies = append(a.Policies, r.policy(p))
		}
	}
	// An entity that changes during the reads may be on two pages.
	a.Sort()
	a.Users = slices.CompactFunc(a.Users, func(x, y org.User) bool { return x.Name == y.Name })
	a.Groups = slices.CompactFunc(a.Groups, func(x, y org.Group) bool { return x.Name == y.Name })
	a.Roles = slices.CompactFunc(a.Roles, func(x, y org.Role) bool { return x.Name == y.Name })
	a.Policies = slices.CompactFunc(a.Policies, func(x, y org.Policy) bool { return x.ARN == y.ARN })
	a.Read = true
	return true
}

func (r *reader) user(u types.UserDetail) org.User {
	name := aws.ToString(u.UserName)
	return org.User{
		Name:     name,
		Path:     aws.ToString(u.Path),
		ARN:      aws.ToString(u.Arn),
		ID:       aws.ToString(u.UserId),
		Created:  aws.ToTime(u.CreateDate),
		Tags:     tags(u.Tags),
		Groups:   append([]string(nil), u.GroupList...),
		Inline:   r.inline("user "+name, u.UserPolicyList),
		Attached: attached(u.AttachedManagedPolicies),
		Boundary: boundary(u.PermissionsBoundary),
	}
}

func (r *reader) group(g types.GroupDetail) org.Group {
	name := aws.ToString(g.GroupName)
	return org.Group{
		Name:     name,
		Path:     aws.ToString(g.Path),
		ARN:      aws.ToString(g.Arn),
		ID:       aws.ToString(g.GroupId),
		Inline:   r.inline("group "+name, g.GroupPolicyList),
		Attached: attached(g.AttachedManagedPolicies),
	}
}

// role leaves MaxSession at zero: GetAccountAuthorizationDetails does not return
// it.
func (r *reader) role(d types.RoleDetail) org.Role {
	name := aws.ToString(d.RoleName)
	role := org.Role{
		Name:     name,
		Path:     aws.ToString(d.Path),
		ARN:      aws.ToString(d.Arn),
		ID:       aws.ToString(d.RoleId),
		Created:  aws.ToTime(d.CreateDate),
		Trust:    r.document("trust policy of role "+name, d.AssumeRolePolicyDocument),
		Tags:     tags(d.Tags),
		Inline:   r.inline("role "+name, d.RolePolicyList),
		Attached: attached(d.AttachedManagedPolicies),
		Boundary: boundary(d.PermissionsBoundary),
	}
	if d.RoleLastUsed != nil {
		role.Used = d.RoleLastUsed.LastUsedDate
	}
	return role
}

func (r *reader) policy(p types.ManagedPolicyDetail) org.Policy {
	arn := aws.ToString(p.Arn)
	policy := org.Policy{
		ARN:     arn,
		Name:    cmp.Or(aws.ToString(p.PolicyName), arn[strings.LastIndex(arn, "/")+1:]), // moto leaves the name out
		Path:    aws.ToString(p.Path),
		ID:      aws.ToString(p.PolicyId),
		Default: aws.ToString(p.DefaultVersionId),
	}
	for _, v := range p.PolicyVersionList {
		policy.Versions = append(policy.Versions, org.Version{
			ID:       aws.ToString(v.VersionId),
			Created:  aws.ToTime(v.CreateDate),
			Document: r.document("policy "+arn+" "+aws.ToString(v.VersionId), v.Document),
		})
	}
	slices.SortFunc(policy.Versions, byAge)
	return policy
}

// byAge sorts versions by creation: v9 before v10.
func byAge(a, b org.Version) int {
	return cmp.Or(cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
}

func (r *reader) inline(owner string, policies []types.PolicyDetail) []org.InlinePolicy {
	var list []org.InlinePolicy
	for _, p := range policies {
		name := aws.ToString(p.PolicyName)
		list = append(list, org.InlinePolicy{
			Name:     name,
			Document: r.document("inline policy "+name+" of "+owner, p.PolicyDocument),
		})
	}
	return list
}

func (r *reader) document(what string, encoded *string) string {
	text, err := decodeDocument(aws.ToString(encoded))
	if err != nil {
		r.gap(what, err)
	}
	return text
}

func tags(list []types.Tag) []org.Tag {
	var tags []org.Tag
	for _, t := range list {
		tags = append(tags, org.Tag{Key: aws.ToString(t.Key), Value: aws.ToString(t.Value)})
	}
	return tags
}

func attached(policies []types.AttachedPolicy) []string {
	var arns []string
	for _, p := range policies {
		arns = append(arns, aws.ToString(p.PolicyArn))
	}
	return arns
}

func boundary(b *types.AttachedPermissionsBoundary) string {
	if b == nil {
		return ""
	}
	return aws.ToString(b.PermissionsBoundaryArn)
}
