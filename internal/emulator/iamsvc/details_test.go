package iamsvc

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// details reads all pages of GetAccountAuthorizationDetails.
func details(s *stand, filter ...types.EntityType) *iam.GetAccountAuthorizationDetailsOutput {
	s.t.Helper()
	all := &iam.GetAccountAuthorizationDetailsOutput{}
	in := &iam.GetAccountAuthorizationDetailsInput{Filter: filter}
	for {
		out := do[iam.GetAccountAuthorizationDetailsOutput](s, in)
		all.UserDetailList = append(all.UserDetailList, out.UserDetailList...)
		all.GroupDetailList = append(all.GroupDetailList, out.GroupDetailList...)
		all.RoleDetailList = append(all.RoleDetailList, out.RoleDetailList...)
		all.Policies = append(all.Policies, out.Policies...)
		if in.Marker = out.Marker; !out.IsTruncated {
			return all
		}
	}
}

// sum returns the same data from the single operations.
func sum(s *stand) *iam.GetAccountAuthorizationDetailsOutput {
	all := &iam.GetAccountAuthorizationDetailsOutput{}
	for _, u := range do[iam.ListUsersOutput](s, &iam.ListUsersInput{}).Users {
		u = *do[iam.GetUserOutput](s, &iam.GetUserInput{UserName: u.UserName}).User
		d := types.UserDetail{
			Arn: u.Arn, CreateDate: u.CreateDate, Path: u.Path, UserId: u.UserId, UserName: u.UserName, PermissionsBoundary: u.PermissionsBoundary,
			AttachedManagedPolicies: do[iam.ListAttachedUserPoliciesOutput](s, &iam.ListAttachedUserPoliciesInput{UserName: u.UserName}).AttachedPolicies,
			Tags:                    do[iam.ListUserTagsOutput](s, &iam.ListUserTagsInput{UserName: u.UserName}).Tags,
		}
		for _, g := range do[iam.ListGroupsForUserOutput](s, &iam.ListGroupsForUserInput{UserName: u.UserName}).Groups {
			d.GroupList = append(d.GroupList, *g.GroupName)
		}
		for _, name := range do[iam.ListUserPoliciesOutput](s, &iam.ListUserPoliciesInput{UserName: u.UserName}).PolicyNames {
			p := do[iam.GetUserPolicyOutput](s, &iam.GetUserPolicyInput{UserName: u.UserName, PolicyName: &name})
			d.UserPolicyList = append(d.UserPolicyList, types.PolicyDetail{PolicyName: p.PolicyName, PolicyDocument: p.PolicyDocument})
		}
		all.UserDetailList = append(all.UserDetailList, d)
	}
	for _, g := range do[iam.ListGroupsOutput](s, &iam.ListGroupsInput{}).Groups {
		d := types.GroupDetail{
			Arn: g.Arn, CreateDate: g.CreateDate, Path: g.Path, GroupId: g.GroupId, GroupName: g.GroupName,
			AttachedManagedPolicies: do[iam.ListAttachedGroupPoliciesOutput](s, &iam.ListAttachedGroupPoliciesInput{GroupName: g.GroupName}).AttachedPolicies,
		}
		for _, name := range do[iam.ListGroupPoliciesOutput](s, &iam.ListGroupPoliciesInput{GroupName: g.GroupName}).PolicyNames {
			p := do[iam.GetGroupPolicyOutput](s, &iam.GetGroupPolicyInput{GroupName: g.GroupName, PolicyName: &name})
			d.GroupPolicyList = append(d.GroupPolicyList, types.PolicyDetail{PolicyName: p.PolicyName, PolicyDocument: p.PolicyDocument})
		}
		all.GroupDetailList = append(all.GroupDetailList, d)
	}
	for _, r := range do[iam.ListRolesOutput](s, &iam.ListRolesInput{}).Roles {
		r = *do[iam.GetRoleOutput](s, &iam.GetRoleInput{RoleName: r.RoleName}).Role
		d := types.RoleDetail{
			Arn: r.Arn, CreateDate: r.CreateDate, Path: r.Path, RoleId: r.RoleId, RoleName: r.RoleName, PermissionsBoundary: r.PermissionsBoundary,
			AssumeRolePolicyDocument: r.AssumeRolePolicyDocument, RoleLastUsed: r.RoleLastUsed,
			AttachedManagedPolicies: do[iam.ListAttachedRolePoliciesOutput](s, &iam.ListAttachedRolePoliciesInput{RoleName: r.RoleName}).AttachedPolicies,
			Tags:                    do[iam.ListRoleTagsOutput](s, &iam.ListRoleTagsInput{RoleName: r.RoleName}).Tags,
		}
		for _, name := range do[iam.ListRolePoliciesOutput](s, &iam.ListRolePoliciesInput{RoleName: r.RoleName}).PolicyNames {
			p := do[iam.GetRolePolicyOutput](s, &iam.GetRolePolicyInput{RoleName: r.RoleName, PolicyName: &name})
			d.RolePolicyList = append(d.RolePolicyList, types.PolicyDetail{PolicyName: p.PolicyName, PolicyDocument: p.PolicyDocument})
		}
		all.RoleDetailList = append(all.RoleDetailList, d)
	}
	for _, p := range do[iam.ListPoliciesOutput](s, &iam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal}).Policies {
		p = *do[iam.GetPolicyOutput](s, &iam.GetPolicyInput{PolicyArn: p.Arn}).Policy
		d := types.ManagedPolicyDetail{
			Arn: p.Arn, PolicyName: p.PolicyName, PolicyId: p.PolicyId, Path: p.Path, CreateDate: p.CreateDate, UpdateDate: p.UpdateDate, DefaultVersionId: p.DefaultVersionId,
			IsAttachable: p.IsAttachable, Description: p.Description, AttachmentCount: p.AttachmentCount, PermissionsBoundaryUsageCount: p.PermissionsBoundaryUsageCount,
		}
		for _, v := range do[iam.ListPolicyVersionsOutput](s, &iam.ListPolicyVersionsInput{PolicyArn: p.Arn}).Versions {
			d.PolicyVersionList = append(d.PolicyVersionList, *do[iam.GetPolicyVersionOutput](s, &iam.GetPolicyVersionInput{PolicyArn: p.Arn, VersionId: v.VersionId}).PolicyVersion)
		}
		all.Policies = append(all.Policies, d)
	}
	return all
}

// draw makes random writes; those that IAM refuses have no effect.
func draw(rt *rapid.T, s *stand) {
	letter := func(label string) *string { return str(rapid.SampledFrom([]string{"a", "B", "c"}).Draw(rt, label)) }
	managed := func() *string {
		return str(rapid.SampledFrom([]string{s3Read, "arn:aws:iam::111122223333:policy/a", "arn:aws:iam::111122223333:policy/B"}).Draw(rt, "policy"))
	}
	for range rapid.IntRange(0, 40).Draw(rt, "writes") {
		tags := []types.Tag{{Key: letter("key"), Value: letter("value")}}
		ins := []any{
			&iam.CreateUserInput{UserName: letter("user"), Tags: tags}, &iam.CreateGroupInput{GroupName: letter("group"), Path: str("/g/")},
			&iam.CreateRoleInput{RoleName: letter("role"), AssumeRolePolicyDocument: str(trust)}, &iam.CreatePolicyInput{PolicyName: letter("name"), PolicyDocument: str(allowS3), Description: letter("words")},
			&iam.CreatePolicyVersionInput{PolicyArn: managed(), PolicyDocument: str(denyAll), SetAsDefault: rapid.Bool().Draw(rt, "default")},
			&iam.AddUserToGroupInput{UserName: letter("user"), GroupName: letter("group")}, &iam.RemoveUserFromGroupInput{UserName: letter("user"), GroupName: letter("group")},
			&iam.AttachUserPolicyInput{UserName: letter("user"), PolicyArn: managed()}, &iam.AttachGroupPolicyInput{GroupName: letter("group"), PolicyArn: managed()},
			&iam.AttachRolePolicyInput{RoleName: letter("role"), PolicyArn: managed()}, &iam.DetachUserPolicyInput{UserName: letter("user"), PolicyArn: managed()},
			&iam.PutUserPolicyInput{UserName: letter("user"), PolicyName: letter("name"), PolicyDocument: str(allowS3)}, &iam.DeleteUserPolicyInput{UserName: letter("user"), PolicyName: letter("name")},
			&iam.PutGroupPolicyInput{GroupName: letter("group"), PolicyName: letter("name"), PolicyDocument: str(" " + allowS3)}, &iam.PutRolePolicyInput{RoleName: letter("role"), PolicyName: letter("name"), PolicyDocument: str(denyAll)},
			&iam.TagUserInput{UserName: letter("user"), Tags: tags}, &iam.TagRoleInput{RoleName: letter("role"), Tags: tags},
			&iam.PutUserPermissionsBoundaryInput{UserName: letter("user"), PermissionsBoundary: managed()}, &iam.PutRolePermissionsBoundaryInput{RoleName: letter("role"), PermissionsBoundary: managed()},
			&iam.DeleteUserInput{UserName: letter("user")}, &iam.UpdateUserInput{UserName: letter("user"), NewUserName: letter("new"), NewPath: str("/p/")}, &iam.UpdateGroupInput{GroupName: letter("group"), NewGroupName: letter("new")},
		}
		_, _ = s.try(rapid.SampledFrom(ins).Draw(rt, "write"))
	}
}

func TestDetailsAreTheSumOfTheSingleLists(t *testing.T) {
	anyOrder := cmp.Options{
		ignoreSmithy, cmpopts.EquateEmpty(),
		cmpopts.SortSlices(func(a, b types.AttachedPolicy) bool { return *a.PolicyArn < *b.PolicyArn }),
		cmpopts.SortSlices(func(a, b types.Tag) bool { return *a.Key < *b.Key }),
	}
	rapid.Check(t, func(rt *rapid.T) {
		s := newStand(t)
		draw(rt, s)
		want := sum(s)
		size := rapid.IntRange(1, 5).Draw(rt, "page size")
		s.call.PageSize = func(int, int, int) int { return size }
		if diff := cmp.Diff(want, details(s), anyOrder); diff != "" {
			rt.Fatalf("(-sum +details):\n%s", diff)
		}
	})
}

func TestDetailsFilterBySection(t *testing.T) {
	s := populated(t).smallPages()
	count := func(filter ...types.EntityType) string {
		d := details(s, filter...)
		return fmt.Sprintf("%d users, %d groups, %d roles, %d policies", len(d.UserDetailList), len(d.GroupDetailList), len(d.RoleDetailList), len(d.Policies))
	}
	for _, row := range []struct {
		filter []types.EntityType
		want   string
	}{
		{nil, "2 users, 2 groups, 3 roles, 1 policies"},
		{[]types.EntityType{types.EntityTypeUser}, "2 users, 0 groups, 0 roles, 0 policies"},
		{[]types.EntityType{types.EntityTypeGroup, types.EntityTypeRole}, "0 users, 2 groups, 3 roles, 0 policies"},
		{[]types.EntityType{types.EntityTypeLocalManagedPolicy}, "0 users, 0 groups, 0 roles, 1 policies"},
		{[]types.EntityType{types.EntityTypeAWSManagedPolicy}, "0 users, 0 groups, 0 roles, 1 policies"},
		{[]types.EntityType{types.EntityTypeLocalManagedPolicy, types.EntityTypeAWSManagedPolicy}, "0 users, 0 groups, 0 roles, 2 policies"},
	} {
		if got := count(row.filter...); got != row.want {
			t.Errorf("%v: %s, want %s", row.filter, got, row.want)
		}
	}
	if p := details(s, types.EntityTypeAWSManagedPolicy).Policies[0]; *p.Arn != s3Read || p.PolicyVersionList[0].Document == nil {
		t.Errorf("the AWS managed policy is %s", *p.Arn)
	}
}

func TestPagesMixSections(t *testing.T) {
	s := populated(t)
	s.call.PageSize = func(int, int, int) int { return 3 }
	first := do[iam.GetAccountAuthorizationDetailsOutput](s, &iam.GetAccountAuthorizationDetailsInput{})
	if len(first.UserDetailList) != 2 || len(first.GroupDetailList) != 1 || !first.IsTruncated {
		t.Errorf("the first page has %d users and %d groups, want 2 and 1", len(first.UserDetailList), len(first.GroupDetailList))
	}
}

func BenchmarkDetailsOf5000Users(b *testing.B) {
	s := newStand(b)
	for i := range 5000 {
		s.did(&iam.CreateUserInput{UserName: str(fmt.Sprint("user", i))})
	}
	thousand := int32(1000)
	for b.Loop() {
		in := &iam.GetAccountAuthorizationDetailsInput{MaxItems: &thousand}
		for {
			out := do[iam.GetAccountAuthorizationDetailsOutput](s, in)
			if in.Marker = out.Marker; !out.IsTruncated {
				break
			}
		}
	}
}
