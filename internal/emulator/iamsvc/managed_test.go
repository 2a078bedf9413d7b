package iamsvc

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
)

func TestPolicyReadsBack(t *testing.T) {
	s := populated(t)
	s.did(&iam.PutUserPermissionsBoundaryInput{UserName: str("bob"), PermissionsBoundary: str(own)})
	got := do[iam.GetPolicyOutput](s, &iam.GetPolicyInput{PolicyArn: str(own)}).Policy
	want := &types.Policy{
		Arn: str(own), PolicyName: str("Own"), PolicyId: got.PolicyId, Path: str("/"), CreateDate: &noon, UpdateDate: &noon,
		DefaultVersionId: str("v1"), IsAttachable: true, Description: str("ours"), Tags: []types.Tag{{Key: str("a"), Value: str("b")}},
		AttachmentCount: aws.Int32(2), PermissionsBoundaryUsageCount: aws.Int32(1),
	}
	if diff := cmp.Diff(want, got, ignoreSmithy); diff != "" {
		t.Error(diff)
	}
	version := do[iam.GetPolicyVersionOutput](s, &iam.GetPolicyVersionInput{PolicyArn: str(own), VersionId: str("v2")}).PolicyVersion
	document, err := url.PathUnescape(*version.Document)
	if err != nil || document != denyAll || strings.ContainsAny(*version.Document, "+{\" ") {
		t.Errorf("document %s is %s, %v", *version.Document, document, err)
	}
}

func TestVersionsComeAndGo(t *testing.T) {
	s := populated(t)
	create := &iam.CreatePolicyVersionInput{PolicyArn: str(own), PolicyDocument: str(allowS3)}
	s.did(create, create)
	made := do[iam.CreatePolicyVersionOutput](s, &iam.CreatePolicyVersionInput{PolicyArn: str(own), PolicyDocument: str(denyAll), SetAsDefault: true}).PolicyVersion
	if *made.VersionId != "v5" || !made.IsDefaultVersion {
		t.Errorf("made %s, default %v", *made.VersionId, made.IsDefaultVersion)
	}
	s.wantRefused(create, "LimitExceeded: A managed policy can have up to 5 versions.")
	s.wantRefused(&iam.DeletePolicyVersionInput{PolicyArn: str(own), VersionId: str("v5")}, "DeleteConflict: Cannot delete the default version of a policy.")
	s.did(&iam.DeletePolicyVersionInput{PolicyArn: str(own), VersionId: str("v1")}, create)
	s.did(&iam.SetDefaultPolicyVersionInput{PolicyArn: str(own), VersionId: str("v2")})
	var got []string
	for _, v := range do[iam.ListPolicyVersionsOutput](s, &iam.ListPolicyVersionsInput{PolicyArn: str(own)}).Versions {
		got = append(got, fmt.Sprintf("%s %v %v", *v.VersionId, v.IsDefaultVersion, v.Document == nil))
	}
	want := []string{"v6 false true", "v5 false true", "v4 false true", "v3 false true", "v2 true true"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPolicyInUseCannotBeDeleted(t *testing.T) {
	s := populated(t)
	del := &iam.DeletePolicyInput{PolicyArn: str(own)}
	s.wantRefused(del, "DeleteConflict: Cannot delete a policy attached to entities.")
	s.did(
		&iam.DetachUserPolicyInput{UserName: str("Alice"), PolicyArn: str(own)}, &iam.DetachRolePolicyInput{RoleName: str("app"), PolicyArn: str(own)},
		&iam.PutUserPermissionsBoundaryInput{UserName: str("bob"), PermissionsBoundary: str(own)},
	)
	s.wantRefused(del, "DeleteConflict: Cannot delete a policy attached to entities.")
	s.did(&iam.DeleteUserPermissionsBoundaryInput{UserName: str("bob")})
	s.wantRefused(del, "DeleteConflict: This policy has more than one version.")
	s.did(&iam.DeletePolicyVersionInput{PolicyArn: str(own), VersionId: str("v2")}, del)
	if len(s.account().Policies) != 0 {
		t.Error("the policy is still there")
	}
}

func TestAWSManagedPoliciesCannotBeChanged(t *testing.T) {
	s := populated(t)
	for _, in := range []any{
		&iam.CreatePolicyVersionInput{PolicyArn: str(s3Read), PolicyDocument: str(denyAll)},
		&iam.SetDefaultPolicyVersionInput{PolicyArn: str(s3Read), VersionId: str("v3")},
		&iam.DeletePolicyVersionInput{PolicyArn: str(s3Read), VersionId: str("v3")},
		&iam.DeletePolicyInput{PolicyArn: str(s3Read)},
		&iam.TagPolicyInput{PolicyArn: str(s3Read), Tags: []types.Tag{{Key: str("a"), Value: str("b")}}},
		&iam.UntagPolicyInput{PolicyArn: str(s3Read), TagKeys: []string{"a"}},
		&iam.DeletePolicyInput{PolicyArn: str("arn:aws:iam::999999999999:policy/Theirs")},
	} {
		s.wantRefused(in, "AccessDenied: Policy is outside your own account.")
	}
}

func TestPoliciesAreListedByScopeAndUse(t *testing.T) {
	s := populated(t)
	s.did(
		&iam.CreatePolicyInput{PolicyName: str("Unused"), Path: str("/x/"), PolicyDocument: str(allowS3)},
		&iam.PutUserPermissionsBoundaryInput{UserName: str("bob"), PermissionsBoundary: str("arn:aws:iam::aws:policy/AdministratorAccess")},
	)
	for _, row := range []struct {
		in   iam.ListPoliciesInput
		want string
	}{
		{iam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal}, "Own Unused"},
		{iam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal, PathPrefix: str("/x/")}, "Unused"},
		{iam.ListPoliciesInput{OnlyAttached: true}, "AdministratorAccess AmazonS3ReadOnlyAccess Own"},
		{iam.ListPoliciesInput{Scope: types.PolicyScopeTypeAws, OnlyAttached: true}, "AdministratorAccess AmazonS3ReadOnlyAccess"},
		{iam.ListPoliciesInput{PolicyUsageFilter: types.PolicyUsageTypePermissionsBoundary}, "AdministratorAccess"},
		{iam.ListPoliciesInput{PolicyUsageFilter: types.PolicyUsageTypePermissionsPolicy}, "AmazonS3ReadOnlyAccess Own"},
	} {
		var names []string
		for _, p := range do[iam.ListPoliciesOutput](s, &row.in).Policies {
			names = append(names, *p.PolicyName)
		}
		if got := strings.Join(names, " "); got != row.want {
			t.Errorf("%+v: %s, want %s", row.in, got, row.want)
		}
	}
	if n := len(do[iam.ListPoliciesOutput](s, &iam.ListPoliciesInput{}).Policies); n != len(s.call.World.AWSManaged())+2 {
		t.Errorf("%d policies in all", n)
	}
}

func TestEntitiesOfAPolicyComeInPages(t *testing.T) {
	s := populated(t).smallPages()
	s.did(
		&iam.AttachGroupPolicyInput{GroupName: str("empty"), PolicyArn: str(own)},
		&iam.PutUserPermissionsBoundaryInput{UserName: str("bob"), PermissionsBoundary: str(own)},
	)
	list := func(in iam.ListEntitiesForPolicyInput) string {
		in.PolicyArn = str(own)
		var got []string
		for {
			out := do[iam.ListEntitiesForPolicyOutput](s, &in)
			for _, g := range out.PolicyGroups {
				got = append(got, "group "+*g.GroupName)
			}
			for _, r := range out.PolicyRoles {
				got = append(got, "role "+*r.RoleName)
			}
			for _, u := range out.PolicyUsers {
				got = append(got, "user "+*u.UserName)
			}
			if !out.IsTruncated {
				return strings.Join(got, ", ")
			}
			in.Marker = out.Marker
		}
	}
	for _, row := range []struct {
		in   iam.ListEntitiesForPolicyInput
		want string
	}{
		{iam.ListEntitiesForPolicyInput{}, "group empty, role app, user Alice, user bob"},
		{iam.ListEntitiesForPolicyInput{EntityFilter: types.EntityTypeUser}, "user Alice, user bob"},
		{iam.ListEntitiesForPolicyInput{PathPrefix: str("/team/")}, "user Alice"},
		{iam.ListEntitiesForPolicyInput{PolicyUsageFilter: types.PolicyUsageTypePermissionsBoundary}, "user bob"},
		{iam.ListEntitiesForPolicyInput{PolicyUsageFilter: types.PolicyUsageTypePermissionsPolicy}, "group empty, role app, user Alice"},
	} {
		if got := list(row.in); got != row.want {
			t.Errorf("%+v: %s, want %s", row.in, got, row.want)
		}
	}
}

func TestAttachmentsAreListedByName(t *testing.T) {
	s := populated(t).smallPages()
	s.did(
		&iam.AttachUserPolicyInput{UserName: str("Alice"), PolicyArn: str(s3Read)},
		&iam.AttachUserPolicyInput{UserName: str("Alice"), PolicyArn: str(s3Read)}, // again: nothing happens
		&iam.CreatePolicyInput{PolicyName: str("Zulu"), Path: str("/p/"), PolicyDocument: str(allowS3)},
		&iam.AttachUserPolicyInput{UserName: str("Alice"), PolicyArn: str("arn:aws:iam::111122223333:policy/p/Zulu")},
	)
	in := &iam.ListAttachedUserPoliciesInput{UserName: str("Alice")}
	first := do[iam.ListAttachedUserPoliciesOutput](s, in)
	in.Marker = first.Marker
	second := do[iam.ListAttachedUserPoliciesOutput](s, in)
	want := []types.AttachedPolicy{
		{PolicyArn: str(s3Read), PolicyName: str("AmazonS3ReadOnlyAccess")}, {PolicyArn: str(own), PolicyName: str("Own")},
		{PolicyArn: str("arn:aws:iam::111122223333:policy/p/Zulu"), PolicyName: str("Zulu")},
	}
	if diff := cmp.Diff(want, append(first.AttachedPolicies, second.AttachedPolicies...), ignoreSmithy); diff != "" {
		t.Error(diff)
	}
	byPath := do[iam.ListAttachedUserPoliciesOutput](s, &iam.ListAttachedUserPoliciesInput{UserName: str("Alice"), PathPrefix: str("/p/")}).AttachedPolicies
	if diff := cmp.Diff(want[2:], byPath, ignoreSmithy); diff != "" {
		t.Errorf("under /p/:\n%s", diff)
	}
	for kind, got := range map[string][]types.AttachedPolicy{
		"group": do[iam.ListAttachedGroupPoliciesOutput](s, &iam.ListAttachedGroupPoliciesInput{GroupName: str("ops")}).AttachedPolicies,
		"role":  do[iam.ListAttachedRolePoliciesOutput](s, &iam.ListAttachedRolePoliciesInput{RoleName: str("AWSServiceRoleForSupport")}).AttachedPolicies,
	} {
		if diff := cmp.Diff(want[:1], got, ignoreSmithy); diff != "" {
			t.Errorf("%s:\n%s", kind, diff)
		}
	}
}

func TestInlinePoliciesReadBack(t *testing.T) {
	s := populated(t)
	user := do[iam.GetUserPolicyOutput](s, &iam.GetUserPolicyInput{UserName: str("alice"), PolicyName: str("mine")})
	group := do[iam.GetGroupPolicyOutput](s, &iam.GetGroupPolicyInput{GroupName: str("ops"), PolicyName: str("shared")})
	role := do[iam.GetRolePolicyOutput](s, &iam.GetRolePolicyInput{RoleName: str("app"), PolicyName: str("inner")})
	for name, document := range map[string]*string{*user.UserName + *user.PolicyName: user.PolicyDocument, *group.GroupName + *group.PolicyName: group.PolicyDocument, *role.RoleName + *role.PolicyName: role.PolicyDocument} {
		if got, err := url.PathUnescape(*document); err != nil || got != allowS3 {
			t.Errorf("%s is %s, %v", name, got, err)
		}
	}
	names := slices.Concat(
		do[iam.ListUserPoliciesOutput](s, &iam.ListUserPoliciesInput{UserName: str("Alice")}).PolicyNames,
		do[iam.ListGroupPoliciesOutput](s, &iam.ListGroupPoliciesInput{GroupName: str("ops")}).PolicyNames,
		do[iam.ListRolePoliciesOutput](s, &iam.ListRolePoliciesInput{RoleName: str("app")}).PolicyNames,
	)
	if diff := cmp.Diff([]string{"mine", "shared", "inner"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestDocumentsMustBePolicies(t *testing.T) {
	s := populated(t)
	for name, text := range map[string]string{
		"not JSON":       `{"Version"`,
		"no statement":   `{"Version":"2012-10-17","Statement":[]}`,
		"duplicate key":  `{"Version":"2012-10-17","Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
		"no effect":      `{"Version":"2012-10-17","Statement":[{"Action":"*","Resource":"*"}]}`,
		"with principal": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := *s
			s.t = t
			for _, in := range []any{
				&iam.CreatePolicyInput{PolicyName: str("New"), PolicyDocument: &text},
				&iam.CreatePolicyVersionInput{PolicyArn: str(own), PolicyDocument: &text},
				&iam.PutUserPolicyInput{UserName: str("bob"), PolicyName: str("p"), PolicyDocument: &text},
				&iam.PutGroupPolicyInput{GroupName: str("ops"), PolicyName: str("p"), PolicyDocument: &text},
				&iam.PutRolePolicyInput{RoleName: str("app"), PolicyName: str("p"), PolicyDocument: &text},
			} {
				s.wantRefused(in, "MalformedPolicyDocument: ")
			}
		})
	}
	s.wantRefused(&iam.CreateRoleInput{RoleName: str("x"), AssumeRolePolicyDocument: str(allowS3)}, "MalformedPolicyDocument: ")
	s.wantRefused(&iam.UpdateAssumeRolePolicyInput{RoleName: str("app"), PolicyDocument: str(`{}`)}, "MalformedPolicyDocument: ")
}

func TestSizesCountNoWhiteSpace(t *testing.T) {
	spaced := func(size int) string { return strings.ReplaceAll(documentOf(size), ",", ",\n\t ") }
	exact := map[string]any{
		"managed policy": &iam.CreatePolicyInput{PolicyName: str("p"), PolicyDocument: str(spaced(6144))},
		"version":        &iam.CreatePolicyVersionInput{PolicyArn: str(own), PolicyDocument: str(spaced(6144))},
		"user":           &iam.PutUserPolicyInput{UserName: str("bob"), PolicyName: str("p"), PolicyDocument: str(spaced(2048))},
		"group":          &iam.PutGroupPolicyInput{GroupName: str("empty"), PolicyName: str("p"), PolicyDocument: str(spaced(5120))},
		"role":           &iam.PutRolePolicyInput{RoleName: str("plain"), PolicyName: str("p"), PolicyDocument: str(spaced(10240))},
	}
	tooMuch := []struct {
		in   any
		want string
	}{
		{&iam.CreatePolicyInput{PolicyName: str("q"), PolicyDocument: str(spaced(6145))}, "LimitExceeded: Cannot exceed quota for PolicySize: 6144"},
		{&iam.CreatePolicyVersionInput{PolicyArn: str(own), PolicyDocument: str(spaced(6145))}, "LimitExceeded: Cannot exceed quota for PolicySize: 6144"},
		{&iam.PutUserPolicyInput{UserName: str("bob"), PolicyName: str("q"), PolicyDocument: str(documentOf(100))}, "LimitExceeded: Maximum policy size of 2048 bytes exceeded for user bob"},
		{&iam.PutGroupPolicyInput{GroupName: str("empty"), PolicyName: str("q"), PolicyDocument: str(documentOf(100))}, "LimitExceeded: Maximum policy size of 5120 bytes exceeded for group empty"},
		{&iam.PutRolePolicyInput{RoleName: str("plain"), PolicyName: str("q"), PolicyDocument: str(documentOf(100))}, "LimitExceeded: Maximum policy size of 10240 bytes exceeded for role plain"},
		{&iam.CreateRoleInput{RoleName: str("x"), AssumeRolePolicyDocument: str(strings.Replace(trust, `"Effect"`, `"Sid":"`+strings.Repeat("a", 2048)+`","Effect"`, 1))}, "LimitExceeded: Cannot exceed quota for ACLSizePerRole: 2048"},
	}
	s := populated(t)
	s.did(&iam.CreateRoleInput{RoleName: str("plain"), AssumeRolePolicyDocument: str(trust)})
	for name, in := range exact {
		if _, err := s.try(in); err != nil {
			t.Errorf("%s at its quota: %v", name, err)
		}
	}
	for _, row := range tooMuch {
		s.wantRefused(row.in, row.want)
	}
	// Replacing a policy counts the new text alone.
	s.did(&iam.PutUserPolicyInput{UserName: str("bob"), PolicyName: str("p"), PolicyDocument: str(documentOf(2048))})
}

func TestDocumentOfHasTheSizeItSays(t *testing.T) {
	if got := policy.Size(documentOf(2048)); got != 2048 {
		t.Errorf("documentOf(2048) has %d characters", got)
	}
}

func TestBoundaryMustExist(t *testing.T) {
	s := populated(t)
	gone := str("arn:aws:iam::111122223333:policy/Gone")
	for _, in := range []any{
		&iam.CreateUserInput{UserName: str("x"), PermissionsBoundary: gone},
		&iam.CreateRoleInput{RoleName: str("x"), AssumeRolePolicyDocument: str(trust), PermissionsBoundary: gone},
		&iam.PutUserPermissionsBoundaryInput{UserName: str("bob"), PermissionsBoundary: gone},
		&iam.PutRolePermissionsBoundaryInput{RoleName: str("app"), PermissionsBoundary: gone},
	} {
		s.wantRefused(in, "NoSuchEntity: Policy "+*gone+" does not exist or is not attachable.")
	}
	s.wantRefused(&iam.PutUserPermissionsBoundaryInput{UserName: str("bob"), PermissionsBoundary: str("not an ARN but long enough")}, "InvalidInput: ")
	s.wantRefused(&iam.DeleteUserPermissionsBoundaryInput{UserName: str("bob")}, "NoSuchEntity: ")
	s.wantRefused(&iam.DeleteRolePermissionsBoundaryInput{RoleName: str("app")}, "NoSuchEntity: ")
}

// Every quota is filled exactly: the last item fits, one more does not.
func TestQuotas(t *testing.T) {
	lower := func(quota string, n int32) func(*stand) {
		return func(s *stand) { s.call.World.Edit(here).Quotas[quota] = n }
	}
	policies := func(s *stand, n int) []string {
		var arns []string
		for i := range n {
			name := fmt.Sprint("policy", i)
			s.did(&iam.CreatePolicyInput{PolicyName: &name, PolicyDocument: str(allowS3)})
			arns = append(arns, "arn:aws:iam::111122223333:policy/"+name)
		}
		return arns
	}
	for _, row := range []struct {
		prepare func(*stand)
		fits    any
		over    any
		want    string
	}{
		{lower(world.QuotaUsers, 3), &iam.CreateUserInput{UserName: str("c")}, &iam.CreateUserInput{UserName: str("d")}, "UsersPerAccount: 3"},
		{lower(world.QuotaGroups, 3), &iam.CreateGroupInput{GroupName: str("c")}, &iam.CreateGroupInput{GroupName: str("d")}, "GroupsPerAccount: 3"},
		{lower(world.QuotaRoles, 4), &iam.CreateRoleInput{RoleName: str("c"), AssumeRolePolicyDocument: str(trust)}, &iam.CreateRoleInput{RoleName: str("d"), AssumeRolePolicyDocument: str(trust)}, "RolesPerAccount: 4"},
		{lower(world.QuotaPolicies, 2), &iam.CreatePolicyInput{PolicyName: str("c"), PolicyDocument: str(allowS3)}, &iam.CreatePolicyInput{PolicyName: str("d"), PolicyDocument: str(allowS3)}, "PoliciesPerAccount: 2"},
		{lower(world.QuotaVersionsInUse, 3), &iam.CreatePolicyVersionInput{PolicyArn: str(own), PolicyDocument: str(allowS3)}, &iam.CreatePolicyInput{PolicyName: str("d"), PolicyDocument: str(allowS3)}, "PolicyVersionsInUse: 3"},
		{func(s *stand) {
			for i := range 9 {
				name := fmt.Sprint("g", i)
				s.did(&iam.CreateGroupInput{GroupName: &name}, &iam.AddUserToGroupInput{GroupName: &name, UserName: str("bob")})
			}
		}, &iam.AddUserToGroupInput{GroupName: str("ops"), UserName: str("bob")}, &iam.AddUserToGroupInput{GroupName: str("empty"), UserName: str("bob")}, "GroupsPerUser: 10"},
		{func(s *stand) {
			for _, p := range policies(s, 9) {
				s.did(&iam.AttachUserPolicyInput{UserName: str("bob"), PolicyArn: &p})
			}
		}, &iam.AttachUserPolicyInput{UserName: str("bob"), PolicyArn: str(own)}, &iam.AttachUserPolicyInput{UserName: str("bob"), PolicyArn: str(s3Read)}, "PoliciesPerUser: 10"},
		{func(s *stand) {
			for _, p := range policies(s, 9) {
				s.did(&iam.AttachGroupPolicyInput{GroupName: str("empty"), PolicyArn: &p})
			}
		}, &iam.AttachGroupPolicyInput{GroupName: str("empty"), PolicyArn: str(own)}, &iam.AttachGroupPolicyInput{GroupName: str("empty"), PolicyArn: str(s3Read)}, "PoliciesPerGroup: 10"},
		{func(s *stand) {
			for _, p := range policies(s, 18) {
				s.did(&iam.AttachRolePolicyInput{RoleName: str("app"), PolicyArn: &p})
			}
		}, &iam.AttachRolePolicyInput{RoleName: str("app"), PolicyArn: str(s3Read)}, &iam.AttachRolePolicyInput{RoleName: str("app"), PolicyArn: str("arn:aws:iam::aws:policy/AdministratorAccess")}, "PoliciesPerRole: 20"},
		{lower(world.QuotaAttachedToUser, 1), &iam.AttachUserPolicyInput{UserName: str("bob"), PolicyArn: str(own)}, &iam.AttachUserPolicyInput{UserName: str("bob"), PolicyArn: str(s3Read)}, "PoliciesPerUser: 1"},
		{func(*stand) {}, &iam.CreateAccessKeyInput{UserName: str("bob")}, &iam.CreateAccessKeyInput{UserName: str("bob")}, "AccessKeysPerUser: 2"},
		{func(*stand) {}, &iam.CreateServiceSpecificCredentialInput{UserName: str("bob"), ServiceName: str("codecommit.amazonaws.com")}, &iam.CreateServiceSpecificCredentialInput{UserName: str("bob"), ServiceName: str("codecommit.amazonaws.com")}, "ServiceSpecificCredentialsPerUser: 2"},
		{func(s *stand) {
			bob := s.call.World.Edit(here).Users["bob"]
			for range 3 {
				bob.SSHKeys = append(bob.SSHKeys, &world.SSHKey{ID: s.call.World.NewID("APKA")})
			}
			bob.SSHKeys[0].Body = ""
		}, &iam.UploadSSHPublicKeyInput{UserName: str("bob"), SSHPublicKeyBody: str(sshForm(&testKey(t).PublicKey))}, &iam.UploadSSHPublicKeyInput{UserName: str("bob"), SSHPublicKeyBody: str(sshForm(&otherKey(t).PublicKey))}, "SSHPublicKeysPerUser: 5"},
		{lower(world.QuotaUsers, 2), &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: str("c")}, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: str("d")}, "VirtualMFADevicesPerAccount: 2"},
	} {
		s := populated(t)
		row.prepare(s)
		if _, err := s.try(row.fits); err != nil {
			t.Errorf("%s: the last one: %v", row.want, err)
			continue
		}
		s.wantRefused(row.over, "LimitExceeded: Cannot exceed quota for "+row.want)
	}
}
