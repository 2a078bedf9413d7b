package iamsvc

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
)

// ignoreSmithy ignores the members of the SDK's structs that AWS does not have.
var ignoreSmithy = cmp.FilterPath(func(p cmp.Path) bool {
	f, ok := p.Last().(cmp.StructField)
	return ok && (f.Name() == "noSmithyDocumentSerde" || f.Name() == "ResultMetadata")
}, cmp.Ignore())

func TestCreatedUserReadsBack(t *testing.T) {
	s := newStand(t)
	created := do[iam.CreateUserOutput](s, &iam.CreateUserInput{
		UserName: str("Alice"), Path: str("/team/a/"), PermissionsBoundary: str(s3Read), Tags: []types.Tag{{Key: str("k"), Value: str("v")}},
	}).User
	want := &types.User{
		Arn: str("arn:aws:iam::111122223333:user/team/a/Alice"), CreateDate: &noon, Path: str("/team/a/"), UserId: created.UserId, UserName: str("Alice"),
		Tags:                []types.Tag{{Key: str("k"), Value: str("v")}},
		PermissionsBoundary: &types.AttachedPermissionsBoundary{PermissionsBoundaryArn: str(s3Read), PermissionsBoundaryType: types.PermissionsBoundaryAttachmentTypePolicy},
	}
	if diff := cmp.Diff(want, created, ignoreSmithy); diff != "" {
		t.Errorf("CreateUser:\n%s", diff)
	}
	got := do[iam.GetUserOutput](s, &iam.GetUserInput{UserName: str("ALICE")}).User
	if diff := cmp.Diff(want, got, ignoreSmithy); diff != "" {
		t.Errorf("GetUser in another case:\n%s", diff)
	}
	want.Tags, want.PermissionsBoundary = nil, nil
	listed := do[iam.ListUsersOutput](s, &iam.ListUsersInput{}).Users
	if diff := cmp.Diff([]types.User{*want}, listed, ignoreSmithy); diff != "" {
		t.Errorf("ListUsers:\n%s", diff)
	}
}

func TestAnswersDoNotChangeWithTheWorld(t *testing.T) {
	s := populated(t)
	got := do[iam.GetUserOutput](s, &iam.GetUserInput{UserName: str("Alice")}).User
	s.did(&iam.UpdateUserInput{UserName: str("Alice"), NewUserName: str("Eve"), NewPath: str("/x/")})
	if *got.UserName != "Alice" || *got.Path != "/team/" {
		t.Errorf("an earlier answer now says %s%s", *got.Path, *got.UserName)
	}
}

func TestGetUserWithoutNameIsTheCaller(t *testing.T) {
	s := populated(t)
	if got := do[iam.GetUserOutput](s.as("bob", nil), &iam.GetUserInput{}).User; *got.UserName != "bob" {
		t.Errorf("bob is %s", *got.UserName)
	}
	root := *s
	root.call.Caller = world.Caller{Account: here, Principal: policy.Principal{Kind: policy.RootUser, Account: here, ARN: "arn:aws:iam::111122223333:root"}}
	if got := do[iam.GetUserOutput](&root, &iam.GetUserInput{}).User; *got.Arn != "arn:aws:iam::111122223333:root" || *got.UserId != here || got.UserName != nil {
		t.Errorf("root is %+v", got)
	}
	s.wantRefused(&iam.GetUserInput{}, "ValidationError: Must specify userName when calling with non-User credentials")
}

func TestUsersComeByNameAndByPathInPages(t *testing.T) {
	s := newStand(t).smallPages()
	for _, name := range []string{"dave", "Carol", "alice", "Bob", "erin"} {
		path := "/"
		if name != "dave" {
			path = "/team/" + name + "/"
		}
		s.did(&iam.CreateUserInput{UserName: &name, Path: &path})
	}
	var got []string
	in := &iam.ListUsersInput{PathPrefix: str("/team/")}
	for pages := 1; ; pages++ {
		out := do[iam.ListUsersOutput](s, in)
		for _, u := range out.Users {
			got = append(got, *u.UserName)
		}
		if out.IsTruncated != (out.Marker != nil) {
			t.Errorf("truncated %v with the marker %v", out.IsTruncated, out.Marker)
		}
		if !out.IsTruncated {
			if pages != 2 {
				t.Errorf("%d pages, want 2", pages)
			}
			break
		}
		in.Marker = out.Marker
	}
	if diff := cmp.Diff([]string{"alice", "Bob", "Carol", "erin"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestPagesGoOnWhenTheLastItemIsGone(t *testing.T) {
	s := newStand(t).smallPages()
	for _, name := range []string{"a", "b", "c", "d"} {
		s.did(&iam.CreateUserInput{UserName: &name})
	}
	first := do[iam.ListUsersOutput](s, &iam.ListUsersInput{})
	s.did(&iam.DeleteUserInput{UserName: str("b")}, &iam.CreateUserInput{UserName: str("bb")})
	second := do[iam.ListUsersOutput](s, &iam.ListUsersInput{Marker: first.Marker})
	if got := *second.Users[0].UserName + *second.Users[1].UserName; got != "bbc" {
		t.Errorf("the second page is %s, want bb and c", got)
	}
}

func TestMaxItemsIsAskedAndMarkersAreChecked(t *testing.T) {
	s := newStand(t)
	for i := range 101 {
		s.did(&iam.CreateUserInput{UserName: str(fmt.Sprint("u", i))})
	}
	if n := len(do[iam.ListUsersOutput](s, &iam.ListUsersInput{}).Users); n != 100 {
		t.Errorf("%d users by default, want 100", n)
	}
	three := int32(3)
	page := do[iam.ListUsersOutput](s, &iam.ListUsersInput{MaxItems: &three})
	if len(page.Users) != 3 {
		t.Errorf("%d users, asked for 3", len(page.Users))
	}
	s.wantRefused(&iam.ListUsersInput{Marker: str("made up")}, "ValidationError: Invalid Marker.")
	s.wantRefused(&iam.ListGroupsInput{Marker: page.Marker}, "ValidationError: Invalid Marker.")
	zero, many := int32(0), int32(1001)
	s.wantRefused(&iam.ListUsersInput{MaxItems: &zero}, "ValidationError: 1 validation error detected: Value '0' at 'maxItems'")
	s.wantRefused(&iam.ListUsersInput{MaxItems: &many}, "ValidationError: 1 validation error detected: Value '1001' at 'maxItems'")
}

func TestRenamedUserStaysTheSame(t *testing.T) {
	s := populated(t)
	before := s.account().Users["bob"].ID
	s.did(&iam.UpdateUserInput{UserName: str("bob"), NewUserName: str("Robert"), NewPath: str("/new/")})
	u := s.account().Users["robert"]
	if u == nil || u.ID != before || u.Path != "/new/" || s.account().Users["bob"] != nil {
		t.Fatalf("after renaming: %+v", u)
	}
	devices := do[iam.ListMFADevicesOutput](s, &iam.ListMFADevicesInput{UserName: str("Robert")}).MFADevices
	if len(devices) != 1 {
		t.Errorf("Robert has %d devices, want 1", len(devices))
	}
	if owner, _ := s.call.World.FindKey(u.Keys[0].ID); owner.User != "robert" {
		t.Errorf("the key belongs to %s", owner.User)
	}
	s.did(&iam.UpdateUserInput{UserName: str("Robert"), NewUserName: str("ROBERT")})
	if got := s.account().Users["robert"].Name; got != "ROBERT" {
		t.Errorf("after a change of case alone the name is %s", got)
	}
}

func TestUserWithDependenciesCannotBeDeleted(t *testing.T) {
	s := populated(t)
	bob := func() *world.User { return s.account().Users["bob"] }
	serial := s.account().DevicesOf("bob")[0].Serial
	for _, row := range []struct {
		user, what string
		undo       any
	}{
		{"Alice", "detach all policies", &iam.DetachUserPolicyInput{UserName: str("Alice"), PolicyArn: str(own)}},
		{"Alice", "delete policies", &iam.DeleteUserPolicyInput{UserName: str("Alice"), PolicyName: str("mine")}},
		{"Alice", "remove user from all groups", &iam.RemoveUserFromGroupInput{UserName: str("Alice"), GroupName: str("ops")}},
		{"bob", "delete login profile", &iam.DeleteLoginProfileInput{UserName: str("bob")}},
		{"bob", "delete access keys", &iam.DeleteAccessKeyInput{UserName: str("bob"), AccessKeyId: &bob().Keys[0].ID}},
		{"bob", "delete MFA device", &iam.DeactivateMFADeviceInput{UserName: str("bob"), SerialNumber: &serial}},
		{"bob", "delete SSH public keys", &iam.DeleteSSHPublicKeyInput{UserName: str("bob"), SSHPublicKeyId: &bob().SSHKeys[0].ID}},
		{"bob", "delete service-specific credentials", &iam.DeleteServiceSpecificCredentialInput{UserName: str("bob"), ServiceSpecificCredentialId: &bob().Services[0].ID}},
	} {
		s.wantRefused(&iam.DeleteUserInput{UserName: &row.user}, "DeleteConflict: Cannot delete entity, must "+row.what+" first.")
		s.did(row.undo)
	}
	s.did(&iam.DeleteUserInput{UserName: str("Alice")}, &iam.DeleteUserInput{UserName: str("bob")})
	if n := len(s.account().Users); n != 0 {
		t.Errorf("%d users are left", n)
	}
}

func TestGroupsHaveMembers(t *testing.T) {
	s := populated(t).smallPages()
	for _, name := range []string{"x", "y"} {
		s.did(&iam.CreateUserInput{UserName: &name}, &iam.AddUserToGroupInput{UserName: &name, GroupName: str("OPS")})
	}
	s.did(&iam.AddUserToGroupInput{UserName: str("x"), GroupName: str("ops")}) // again: nothing happens
	first := do[iam.GetGroupOutput](s, &iam.GetGroupInput{GroupName: str("ops")})
	second := do[iam.GetGroupOutput](s, &iam.GetGroupInput{GroupName: str("ops"), Marker: first.Marker})
	var got []string
	for _, u := range append(first.Users, second.Users...) {
		got = append(got, *u.UserName)
	}
	if diff := cmp.Diff([]string{"Alice", "x", "y"}, got); diff != "" {
		t.Error(diff)
	}
	groups := do[iam.ListGroupsForUserOutput](s, &iam.ListGroupsForUserInput{UserName: str("x")}).Groups
	want := []types.Group{*first.Group}
	if diff := cmp.Diff(want, groups, ignoreSmithy); diff != "" {
		t.Errorf("groups of x:\n%s", diff)
	}
	s.did(
		&iam.RemoveUserFromGroupInput{UserName: str("x"), GroupName: str("ops")},
		&iam.RemoveUserFromGroupInput{UserName: str("bob"), GroupName: str("ops")}, // never was one
	)
	if s.account().Users["x"].Groups["ops"] {
		t.Error("x is still a member")
	}
}

func TestRenamedGroupKeepsItsMembers(t *testing.T) {
	s := populated(t)
	s.did(&iam.UpdateGroupInput{GroupName: str("ops"), NewGroupName: str("Operators"), NewPath: str("/g/")})
	out := do[iam.GetGroupOutput](s, &iam.GetGroupInput{GroupName: str("operators")})
	if *out.Group.Arn != "arn:aws:iam::111122223333:group/g/Operators" || len(out.Users) != 1 {
		t.Errorf("the group is %s with %d users", *out.Group.Arn, len(out.Users))
	}
	if n := len(do[iam.ListGroupsOutput](s, &iam.ListGroupsInput{PathPrefix: str("/g/")}).Groups); n != 1 {
		t.Errorf("%d groups under /g/, want 1", n)
	}
}

func TestNonEmptyGroupCannotBeDeleted(t *testing.T) {
	s := populated(t)
	del := &iam.DeleteGroupInput{GroupName: str("ops")}
	s.wantRefused(del, "DeleteConflict: Cannot delete entity, must remove users from group first.")
	s.did(&iam.RemoveUserFromGroupInput{GroupName: str("ops"), UserName: str("Alice")})
	s.wantRefused(del, "DeleteConflict: Cannot delete entity, must detach all policies first.")
	s.did(&iam.DetachGroupPolicyInput{GroupName: str("ops"), PolicyArn: str(s3Read)})
	s.wantRefused(del, "DeleteConflict: Cannot delete entity, must delete policies first.")
	s.did(&iam.DeleteGroupPolicyInput{GroupName: str("ops"), PolicyName: str("shared")}, del)
	if s.account().Groups["ops"] != nil {
		t.Error("the group is still there")
	}
}

func TestRolesReadBack(t *testing.T) {
	s := populated(t)
	hours := int32(7200)
	s.did(
		&iam.UpdateRoleInput{RoleName: str("app"), Description: str("web tier"), MaxSessionDuration: &hours},
		&iam.UpdateAssumeRolePolicyInput{RoleName: str("app"), PolicyDocument: str(" " + trust)},
		&iam.PutRolePermissionsBoundaryInput{RoleName: str("app"), PermissionsBoundary: str(s3Read)},
	)
	s.call.World.UseRole(here, s.account().Roles["app"], world.Use{At: noon.AddDate(0, 0, -3), Region: "eu-west-1", Service: "s3"})
	got := do[iam.GetRoleOutput](s, &iam.GetRoleInput{RoleName: str("APP")}).Role
	used := noon.AddDate(0, 0, -3)
	want := &types.Role{
		Arn: str("arn:aws:iam::111122223333:role/app"), CreateDate: &noon, Path: str("/"), RoleId: got.RoleId, RoleName: str("app"),
		AssumeRolePolicyDocument: str("%20%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22AWS%22%3A%22111122223333%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D"),
		Description:              str("web tier"), MaxSessionDuration: &hours, Tags: []types.Tag{{Key: str("tier"), Value: str("web")}},
		PermissionsBoundary: &types.AttachedPermissionsBoundary{PermissionsBoundaryArn: str(s3Read), PermissionsBoundaryType: types.PermissionsBoundaryAttachmentTypePolicy},
		RoleLastUsed:        &types.RoleLastUsed{LastUsedDate: &used, Region: str("eu-west-1")},
	}
	if diff := cmp.Diff(want, got, ignoreSmithy); diff != "" {
		t.Error(diff)
	}
	s.did(&iam.DeleteRolePermissionsBoundaryInput{RoleName: str("app")})
	described := do[iam.UpdateRoleDescriptionOutput](s, &iam.UpdateRoleDescriptionInput{RoleName: str("app"), Description: str("other")}).Role
	if described.PermissionsBoundary != nil || *described.Description != "other" {
		t.Errorf("the role is %+v", described)
	}
	var names []string
	for _, r := range do[iam.ListRolesOutput](s, &iam.ListRolesInput{}).Roles {
		names = append(names, *r.RoleName)
	}
	if diff := cmp.Diff([]string{"app", "AWSReservedSSO_Admin_1", "AWSServiceRoleForSupport"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestRoleWithDependenciesCannotBeDeleted(t *testing.T) {
	s := populated(t)
	del := &iam.DeleteRoleInput{RoleName: str("app")}
	s.wantRefused(del, "DeleteConflict: Cannot delete entity, must detach all policies first.")
	s.did(&iam.DetachRolePolicyInput{RoleName: str("app"), PolicyArn: str(own)})
	s.wantRefused(del, "DeleteConflict: Cannot delete entity, must delete policies first.")
	s.did(&iam.DeleteRolePolicyInput{RoleName: str("app"), PolicyName: str("inner")}, del)
	if s.account().Roles["app"] != nil {
		t.Error("the role is still there")
	}
}

func TestRolesOfAWSCannotBeChanged(t *testing.T) {
	s := populated(t)
	for _, role := range []string{"AWSServiceRoleForSupport", "AWSReservedSSO_Admin_1"} {
		ins := []any{
			&iam.UpdateRoleInput{RoleName: &role, MaxSessionDuration: num(7200)}, &iam.DeleteRoleInput{RoleName: &role}, &iam.UpdateAssumeRolePolicyInput{RoleName: &role, PolicyDocument: str(trust)},
			&iam.AttachRolePolicyInput{RoleName: &role, PolicyArn: str(own)}, &iam.DetachRolePolicyInput{RoleName: &role, PolicyArn: str(s3Read)},
			&iam.PutRolePolicyInput{RoleName: &role, PolicyName: str("p"), PolicyDocument: str(allowS3)}, &iam.DeleteRolePolicyInput{RoleName: &role, PolicyName: str("aws")},
			&iam.PutRolePermissionsBoundaryInput{RoleName: &role, PermissionsBoundary: str(own)}, &iam.DeleteRolePermissionsBoundaryInput{RoleName: &role},
		}
		if role == "AWSReservedSSO_Admin_1" { // those of a service-linked role can be changed
			ins = append(ins, &iam.UpdateRoleDescriptionInput{RoleName: &role, Description: str("x")}, &iam.UpdateRoleInput{RoleName: &role, Description: str("x")},
				&iam.TagRoleInput{RoleName: &role, Tags: []types.Tag{{Key: str("a"), Value: str("b")}}}, &iam.UntagRoleInput{RoleName: &role, TagKeys: []string{"a"}})
		}
		for _, in := range ins {
			s.wantRefused(in, "UnmodifiableEntity: Cannot perform the operation on the protected role '"+role+"' - this role is only modifiable by AWS")
		}
	}
	s.wantRefused(&iam.CreateRoleInput{RoleName: str("x"), Path: str("/aws-reserved/"), AssumeRolePolicyDocument: str(trust)}, "AccessDenied: ")
}

func TestTagsCompareWithoutCase(t *testing.T) {
	s := populated(t)
	s.did(&iam.TagUserInput{UserName: str("Alice"), Tags: []types.Tag{{Key: str("TEAM"), Value: str("red")}, {Key: str("a"), Value: str("")}}})
	got := do[iam.ListUserTagsOutput](s, &iam.ListUserTagsInput{UserName: str("Alice")}).Tags
	want := []types.Tag{{Key: str("TEAM"), Value: str("red")}, {Key: str("a"), Value: str("")}}
	if diff := cmp.Diff(want, got, ignoreSmithy); diff != "" {
		t.Error(diff)
	}
	s.did(&iam.UntagUserInput{UserName: str("Alice"), TagKeys: []string{"team", "nothing"}})
	got = do[iam.ListUserTagsOutput](s, &iam.ListUserTagsInput{UserName: str("Alice")}).Tags
	if diff := cmp.Diff(want[1:], got, ignoreSmithy); diff != "" {
		t.Errorf("after untagging:\n%s", diff)
	}
}

func TestRolesPoliciesAndDevicesHaveTags(t *testing.T) {
	s := populated(t)
	serial := s.account().DevicesOf("bob")[0].Serial
	tags := []types.Tag{{Key: str("k"), Value: str("v")}}
	s.did(
		&iam.UntagRoleInput{RoleName: str("app"), TagKeys: []string{"TIER"}}, &iam.TagRoleInput{RoleName: str("app"), Tags: tags},
		&iam.UntagPolicyInput{PolicyArn: str(own), TagKeys: []string{"A"}}, &iam.TagPolicyInput{PolicyArn: str(own), Tags: tags},
		&iam.TagMFADeviceInput{SerialNumber: &serial, Tags: append(tags, types.Tag{Key: str("x"), Value: str("y")})}, &iam.UntagMFADeviceInput{SerialNumber: &serial, TagKeys: []string{"X"}},
	)
	for name, got := range map[string][]types.Tag{
		"role":   do[iam.ListRoleTagsOutput](s, &iam.ListRoleTagsInput{RoleName: str("app")}).Tags,
		"policy": do[iam.ListPolicyTagsOutput](s, &iam.ListPolicyTagsInput{PolicyArn: str(own)}).Tags,
		"device": do[iam.ListMFADeviceTagsOutput](s, &iam.ListMFADeviceTagsInput{SerialNumber: &serial}).Tags,
	} {
		if diff := cmp.Diff(tags, got, ignoreSmithy, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("tags of the %s:\n%s", name, diff)
		}
	}
}

func TestTagsThatIAMRefuses(t *testing.T) {
	s := populated(t)
	tag := func(pairs ...string) *iam.TagUserInput {
		in := &iam.TagUserInput{UserName: str("bob")}
		for i := 0; i < len(pairs); i += 2 {
			in.Tags = append(in.Tags, types.Tag{Key: &pairs[i], Value: &pairs[i+1]})
		}
		return in
	}
	s.wantRefused(tag("a", "1", "A", "2"), "InvalidInput: Duplicate tag keys found.")
	s.wantRefused(tag("aws:x", "1"), "InvalidInput: Tag keys beginning with 'aws:'")
	s.wantRefused(tag("a!", "1"), "ValidationError: ")
	s.wantRefused(tag("a", "{"), "ValidationError: ")
	s.wantRefused(&iam.TagUserInput{UserName: str("bob"), Tags: []types.Tag{{Key: str("a")}}}, "ValidationError: ")
	var fifty []string
	for i := range 50 {
		fifty = append(fifty, fmt.Sprint("k", i), "v")
	}
	s.wantRefused(tag(append(fifty, "k50", "v")...), "ValidationError: ")
	s.did(tag(fifty...), tag("K1", "again"))
	s.wantRefused(tag("k50", "v"), "LimitExceeded: Cannot exceed quota for TagsPerResource: 50")
}
