package iamsvc

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

func TestNamesAreUniqueWithoutCase(t *testing.T) {
	s := populated(t)
	for _, row := range []struct {
		in   any
		want string
	}{
		{&iam.CreateUserInput{UserName: str("ALICE")}, "User with name ALICE already exists."},
		{&iam.UpdateUserInput{UserName: str("bob"), NewUserName: str("alice")}, "User with name alice already exists."},
		{&iam.CreateGroupInput{GroupName: str("Ops")}, "Group with name Ops already exists."},
		{&iam.UpdateGroupInput{GroupName: str("empty"), NewGroupName: str("OPS")}, "Group with name OPS already exists."},
		{&iam.CreateRoleInput{RoleName: str("APP"), AssumeRolePolicyDocument: str(trust)}, "Role with name APP already exists."},
		{&iam.CreatePolicyInput{PolicyName: str("OWN"), Path: str("/x/"), PolicyDocument: str(allowS3)}, "A policy called OWN already exists. Duplicate names are not allowed."},
		{&iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: str("PHONE")}, "MFADevice entity at the same path and name already exists."},
		{&iam.CreateLoginProfileInput{UserName: str("bob"), Password: str("Correct-Horse-2")}, "Login Profile for user bob already exists."},
	} {
		s.wantRefused(row.in, "EntityAlreadyExists: "+row.want)
	}
}

func TestMissingEntitiesAreNoSuchEntity(t *testing.T) {
	s := populated(t)
	const (
		noUser   = "The user with name nobody cannot be found."
		noGroup  = "The group with name nobody cannot be found."
		noRole   = "The role with name nobody cannot be found."
		noPolicy = "Policy arn:aws:iam::111122223333:policy/Gone was not found."
		noLogin  = "Login Profile for User Alice cannot be found."
		noDevice = "VirtualMFADevice with serial number arn:aws:iam::111122223333:mfa/gone doesn't exist."
	)
	n, gone, serial := str("nobody"), str("arn:aws:iam::111122223333:policy/Gone"), str("arn:aws:iam::111122223333:mfa/gone")
	tags, keys, code := []types.Tag{{Key: str("a"), Value: str("b")}}, []string{"a"}, str("123456")
	id, active := str("APKA0000000000000000XYZQ"), types.StatusTypeActive
	for _, row := range []struct {
		want string
		ins  []any
	}{
		{noUser, []any{
			&iam.GetUserInput{UserName: n}, &iam.UpdateUserInput{UserName: n}, &iam.DeleteUserInput{UserName: n}, &iam.TagUserInput{UserName: n, Tags: tags},
			&iam.UntagUserInput{UserName: n, TagKeys: keys}, &iam.ListUserTagsInput{UserName: n}, &iam.PutUserPermissionsBoundaryInput{UserName: n, PermissionsBoundary: str(own)},
			&iam.DeleteUserPermissionsBoundaryInput{UserName: n}, &iam.AddUserToGroupInput{UserName: n, GroupName: str("ops")}, &iam.RemoveUserFromGroupInput{UserName: n, GroupName: str("ops")},
			&iam.ListGroupsForUserInput{UserName: n}, &iam.AttachUserPolicyInput{UserName: n, PolicyArn: str(own)}, &iam.DetachUserPolicyInput{UserName: n, PolicyArn: str(own)},
			&iam.ListAttachedUserPoliciesInput{UserName: n}, &iam.PutUserPolicyInput{UserName: n, PolicyName: str("p"), PolicyDocument: str(allowS3)},
			&iam.GetUserPolicyInput{UserName: n, PolicyName: str("p")}, &iam.ListUserPoliciesInput{UserName: n}, &iam.DeleteUserPolicyInput{UserName: n, PolicyName: str("p")},
			&iam.CreateLoginProfileInput{UserName: n, Password: str("Correct-Horse-1")}, &iam.GetLoginProfileInput{UserName: n}, &iam.UpdateLoginProfileInput{UserName: n}, &iam.DeleteLoginProfileInput{UserName: n},
			&iam.CreateAccessKeyInput{UserName: n}, &iam.ListAccessKeysInput{UserName: n}, &iam.UpdateAccessKeyInput{UserName: n, AccessKeyId: id, Status: active}, &iam.DeleteAccessKeyInput{UserName: n, AccessKeyId: id},
			&iam.EnableMFADeviceInput{UserName: n, SerialNumber: serial, AuthenticationCode1: code, AuthenticationCode2: code}, &iam.DeactivateMFADeviceInput{UserName: n, SerialNumber: serial},
			&iam.ResyncMFADeviceInput{UserName: n, SerialNumber: serial, AuthenticationCode1: code, AuthenticationCode2: code}, &iam.ListMFADevicesInput{UserName: n}, &iam.GetMFADeviceInput{UserName: n, SerialNumber: serial},
			&iam.CreateServiceSpecificCredentialInput{UserName: n, ServiceName: str("codecommit.amazonaws.com")}, &iam.ListServiceSpecificCredentialsInput{UserName: n},
			&iam.UploadSSHPublicKeyInput{UserName: n, SSHPublicKeyBody: str("ssh-rsa AAAA")}, &iam.ListSSHPublicKeysInput{UserName: n}, &iam.ListSigningCertificatesInput{UserName: n},
		}},
		{noGroup, []any{
			&iam.GetGroupInput{GroupName: n}, &iam.UpdateGroupInput{GroupName: n}, &iam.DeleteGroupInput{GroupName: n}, &iam.AddUserToGroupInput{UserName: str("bob"), GroupName: n},
			&iam.RemoveUserFromGroupInput{UserName: str("bob"), GroupName: n}, &iam.AttachGroupPolicyInput{GroupName: n, PolicyArn: str(own)}, &iam.DetachGroupPolicyInput{GroupName: n, PolicyArn: str(own)},
			&iam.ListAttachedGroupPoliciesInput{GroupName: n}, &iam.PutGroupPolicyInput{GroupName: n, PolicyName: str("p"), PolicyDocument: str(allowS3)}, &iam.GetGroupPolicyInput{GroupName: n, PolicyName: str("p")},
			&iam.ListGroupPoliciesInput{GroupName: n}, &iam.DeleteGroupPolicyInput{GroupName: n, PolicyName: str("p")},
		}},
		{noRole, []any{
			&iam.GetRoleInput{RoleName: n}, &iam.UpdateRoleInput{RoleName: n}, &iam.UpdateRoleDescriptionInput{RoleName: n, Description: str("x")}, &iam.DeleteRoleInput{RoleName: n},
			&iam.UpdateAssumeRolePolicyInput{RoleName: n, PolicyDocument: str(trust)}, &iam.TagRoleInput{RoleName: n, Tags: tags}, &iam.UntagRoleInput{RoleName: n, TagKeys: keys}, &iam.ListRoleTagsInput{RoleName: n},
			&iam.PutRolePermissionsBoundaryInput{RoleName: n, PermissionsBoundary: str(own)}, &iam.DeleteRolePermissionsBoundaryInput{RoleName: n}, &iam.AttachRolePolicyInput{RoleName: n, PolicyArn: str(own)},
			&iam.DetachRolePolicyInput{RoleName: n, PolicyArn: str(own)}, &iam.ListAttachedRolePoliciesInput{RoleName: n}, &iam.PutRolePolicyInput{RoleName: n, PolicyName: str("p"), PolicyDocument: str(allowS3)},
			&iam.GetRolePolicyInput{RoleName: n, PolicyName: str("p")}, &iam.ListRolePoliciesInput{RoleName: n}, &iam.DeleteRolePolicyInput{RoleName: n, PolicyName: str("p")},
		}},
		{noPolicy, []any{
			&iam.GetPolicyInput{PolicyArn: gone}, &iam.DeletePolicyInput{PolicyArn: gone}, &iam.CreatePolicyVersionInput{PolicyArn: gone, PolicyDocument: str(allowS3)}, &iam.GetPolicyVersionInput{PolicyArn: gone, VersionId: str("v1")},
			&iam.ListPolicyVersionsInput{PolicyArn: gone}, &iam.SetDefaultPolicyVersionInput{PolicyArn: gone, VersionId: str("v1")}, &iam.DeletePolicyVersionInput{PolicyArn: gone, VersionId: str("v1")},
			&iam.ListEntitiesForPolicyInput{PolicyArn: gone}, &iam.TagPolicyInput{PolicyArn: gone, Tags: tags}, &iam.UntagPolicyInput{PolicyArn: gone, TagKeys: keys}, &iam.ListPolicyTagsInput{PolicyArn: gone},
			&iam.DetachUserPolicyInput{UserName: str("bob"), PolicyArn: gone}, &iam.DetachGroupPolicyInput{GroupName: str("ops"), PolicyArn: gone}, &iam.DetachRolePolicyInput{RoleName: str("app"), PolicyArn: gone},
		}},
		{"Policy arn:aws:iam::111122223333:policy/Gone does not exist or is not attachable.", []any{
			&iam.AttachUserPolicyInput{UserName: str("bob"), PolicyArn: gone}, &iam.AttachGroupPolicyInput{GroupName: str("ops"), PolicyArn: gone}, &iam.AttachRolePolicyInput{RoleName: str("app"), PolicyArn: gone},
		}},
		{"Policy " + own + " version v9 does not exist or is not attachable.", []any{
			&iam.GetPolicyVersionInput{PolicyArn: str(own), VersionId: str("v9")}, &iam.SetDefaultPolicyVersionInput{PolicyArn: str(own), VersionId: str("v9")}, &iam.DeletePolicyVersionInput{PolicyArn: str(own), VersionId: str("v9")},
		}},
		{"The user policy with name p cannot be found.", []any{&iam.GetUserPolicyInput{UserName: str("bob"), PolicyName: str("p")}, &iam.DeleteUserPolicyInput{UserName: str("bob"), PolicyName: str("p")}}},
		{"The group policy with name p cannot be found.", []any{&iam.GetGroupPolicyInput{GroupName: str("ops"), PolicyName: str("p")}, &iam.DeleteGroupPolicyInput{GroupName: str("ops"), PolicyName: str("p")}}},
		{"The role policy with name p cannot be found.", []any{&iam.GetRolePolicyInput{RoleName: str("app"), PolicyName: str("p")}, &iam.DeleteRolePolicyInput{RoleName: str("app"), PolicyName: str("p")}}},
		{noLogin, []any{&iam.GetLoginProfileInput{UserName: str("alice")}, &iam.UpdateLoginProfileInput{UserName: str("Alice")}, &iam.DeleteLoginProfileInput{UserName: str("Alice")}}},
		{"The Access Key with id " + *id + " cannot be found.", []any{
			&iam.UpdateAccessKeyInput{UserName: str("bob"), AccessKeyId: id, Status: active}, &iam.DeleteAccessKeyInput{UserName: str("bob"), AccessKeyId: id}, &iam.GetAccessKeyLastUsedInput{AccessKeyId: id},
		}},
		{noDevice, []any{
			&iam.DeleteVirtualMFADeviceInput{SerialNumber: serial}, &iam.TagMFADeviceInput{SerialNumber: serial, Tags: tags}, &iam.UntagMFADeviceInput{SerialNumber: serial, TagKeys: keys}, &iam.ListMFADeviceTagsInput{SerialNumber: serial},
		}},
		{"MFA Device invalid for user.", []any{
			&iam.DeactivateMFADeviceInput{UserName: str("Alice"), SerialNumber: str("arn:aws:iam::111122223333:mfa/phone")},
			&iam.ResyncMFADeviceInput{UserName: str("bob"), SerialNumber: serial, AuthenticationCode1: code, AuthenticationCode2: code},
			&iam.GetMFADeviceInput{UserName: str("bob"), SerialNumber: str("arn:aws:iam::111122223333:u2f/user/bob/key")},
		}},
		{"MFA Device with serial number " + *serial + " does not exist.", []any{&iam.EnableMFADeviceInput{UserName: str("Alice"), SerialNumber: serial, AuthenticationCode1: code, AuthenticationCode2: code}}},
		{"The Public Key with id " + *id + " cannot be found.", []any{
			&iam.GetSSHPublicKeyInput{UserName: str("bob"), SSHPublicKeyId: id, Encoding: types.EncodingTypeSsh}, &iam.UpdateSSHPublicKeyInput{UserName: str("bob"), SSHPublicKeyId: id, Status: active}, &iam.DeleteSSHPublicKeyInput{UserName: str("bob"), SSHPublicKeyId: id},
		}},
		{"No such credential " + *id + " exists", []any{
			&iam.UpdateServiceSpecificCredentialInput{UserName: str("bob"), ServiceSpecificCredentialId: id, Status: active}, &iam.ResetServiceSpecificCredentialInput{UserName: str("bob"), ServiceSpecificCredentialId: id},
			&iam.DeleteServiceSpecificCredentialInput{UserName: str("bob"), ServiceSpecificCredentialId: id},
		}},
		{"The Certificate with id " + *id + " cannot be found.", []any{
			&iam.UpdateSigningCertificateInput{UserName: str("bob"), CertificateId: id, Status: active}, &iam.DeleteSigningCertificateInput{UserName: str("bob"), CertificateId: id},
		}},
		{"The account alias acme cannot be found.", []any{&iam.DeleteAccountAliasInput{AccountAlias: str("acme")}}},
		{"The Password Policy with domain name 111122223333 cannot be found.", []any{&iam.GetAccountPasswordPolicyInput{}, &iam.DeleteAccountPasswordPolicyInput{}}},
	} {
		for _, in := range row.ins {
			s.wantRefused(in, "NoSuchEntity: "+row.want)
		}
	}
}

func TestMembersMustFitAWSPatterns(t *testing.T) {
	s := populated(t)
	badName := "ValidationError: The specified value for %s is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
	for _, row := range []struct {
		in   any
		want string
	}{
		{&iam.CreateUserInput{UserName: str("a b")}, strings.Replace(badName, "%s", "userName", 1)},
		{&iam.CreateUserInput{UserName: str("bób")}, strings.Replace(badName, "%s", "userName", 1)},
		{&iam.CreateUserInput{UserName: str(strings.Repeat("a", 65))}, "ValidationError: 1 validation error detected: Value at 'userName' failed to satisfy constraint: Member must have length less than or equal to 64"},
		{&iam.GetUserInput{UserName: str("")}, "ValidationError: 1 validation error detected: Value at 'userName' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{&iam.CreateUserInput{}, "ValidationError: 1 validation error detected: Value at 'userName' failed to satisfy constraint: Member must not be null"},
		{&iam.CreateUserInput{UserName: str("x"), Path: str("team")}, "ValidationError: "},
		{&iam.CreateUserInput{UserName: str("x"), Path: str("/team")}, "ValidationError: "},
		{&iam.CreateGroupInput{GroupName: str("a/b")}, strings.Replace(badName, "%s", "groupName", 1)},
		{&iam.CreateRoleInput{RoleName: str(strings.Repeat("a", 65)), AssumeRolePolicyDocument: str(trust)}, "ValidationError: "},
		{&iam.CreatePolicyInput{PolicyName: str("a b"), PolicyDocument: str(allowS3)}, strings.Replace(badName, "%s", "policyName", 1)},
		{&iam.CreatePolicyInput{PolicyName: str("a"), PolicyDocument: str(allowS3 + "\u2028")}, "ValidationError: "},
		{&iam.CreatePolicyInput{PolicyName: str("a"), PolicyDocument: str(strings.Repeat(" ", 131073))}, "ValidationError: "},
		{&iam.GetPolicyInput{PolicyArn: str("short")}, "ValidationError: "},
		{&iam.GetPolicyVersionInput{PolicyArn: str(own), VersionId: str("1")}, "ValidationError: "},
		{&iam.EnableMFADeviceInput{UserName: str("bob"), SerialNumber: str("arn:aws:iam::111122223333:mfa/phone"), AuthenticationCode1: str("12345"), AuthenticationCode2: str("123456")}, "ValidationError: 1 validation error detected: Value at 'authenticationCode1'"},
		{&iam.EnableMFADeviceInput{UserName: str("bob"), SerialNumber: str("arn:aws:iam::111122223333:mfa/phone"), AuthenticationCode1: str("123456"), AuthenticationCode2: str("abcdef")}, "ValidationError: 1 validation error detected: Value at 'authenticationCode2'"},
		{&iam.CreateAccountAliasInput{AccountAlias: str("-acme")}, "ValidationError: "},
		{&iam.CreateAccountAliasInput{AccountAlias: str("ac--me")}, "ValidationError: "},
		{&iam.CreateAccountAliasInput{AccountAlias: str("ACME")}, "ValidationError: "},
		{&iam.UpdateAccessKeyInput{AccessKeyId: s.ofBob(firstKey), Status: "Asleep", UserName: str("bob")}, "ValidationError: 1 validation error detected: Value 'Asleep' at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive, Expired]"},
		{&iam.ListVirtualMFADevicesInput{AssignmentStatus: "Some"}, "ValidationError: "},
		{&iam.CreateRoleInput{RoleName: str("x"), AssumeRolePolicyDocument: str(trust), MaxSessionDuration: num(3599)}, "ValidationError: "},
		{&iam.CreateRoleInput{RoleName: str("x"), AssumeRolePolicyDocument: str(trust), MaxSessionDuration: num(43201)}, "ValidationError: "},
		{&iam.GetAccountAuthorizationDetailsInput{Filter: []types.EntityType{"Users"}}, "ValidationError: "},
	} {
		s.wantRefused(row.in, row.want)
	}
}

func TestRefusalsNeverRepeatASecret(t *testing.T) {
	s := populated(t)
	secret := strings.Repeat("Tr0ub4dor&3", 20)
	for _, in := range []any{
		&iam.CreateLoginProfileInput{UserName: str("Alice"), Password: &secret},
		&iam.ChangePasswordInput{OldPassword: &secret, NewPassword: &secret},
		&iam.EnableMFADeviceInput{UserName: str("bob"), SerialNumber: str("arn:aws:iam::111122223333:mfa/phone"), AuthenticationCode1: &secret, AuthenticationCode2: &secret},
	} {
		_, err := s.try(in)
		if err == nil || strings.Contains(err.Error(), "Tr0ub4dor") {
			t.Errorf("%T: %v", in, err)
		}
	}
}
