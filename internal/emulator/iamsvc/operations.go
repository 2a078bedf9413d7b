package iamsvc

import (
	"slices"

	"forcemfa/internal/emulator/operation"
)

// Operations returns the table of all operations: the permissions and function of each.
// Source of resource types and condition keys: Service Authorization Reference.
func Operations() []operation.Operation {
	return slices.Concat(
		reachingAccount(slices.Concat(
			principalOperations(), instanceProfileOperations(), oidcOperations(), samlOperations(),
			serverCertificateOperations(), serviceLinkedRoleOperations(), accessAdvisorOperations(), featureOperations(),
		)), delegationOperations(),
	)
}

// beyond are the operations that read other accounts or change the organization.
var beyond = []string{
	"CreateAccountAlias", "GenerateOrganizationsAccessReport", "SimulatePrincipalPolicy", // of a caller of another account
	"EnableOrganizationsRootCredentialsManagement", "DisableOrganizationsRootCredentialsManagement", "EnableOrganizationsRootSessions", "DisableOrganizationsRootSessions",
}

// reachingAccount sets the reach of the others.
func reachingAccount(operations []operation.Operation) []operation.Operation {
	for i := range operations {
		if !slices.Contains(beyond, operations[i].Name) {
			operations[i].Reach = operation.Own
		}
	}
	return operations
}

// principalOperations are those of users, groups, roles, their policies and credentials,
// and of the account.
func principalOperations() []operation.Operation {
	var (
		newUser   = newOf("user", "UserName")
		newGroup  = newOf("group", "GroupName")
		newRole   = newOf("role", "RoleName")
		newPolicy = newOf("policy", "PolicyName")
		newDevice = newOf("mfa", "VirtualMFADeviceName")
	)
	type keys = []key
	return []operation.Operation{
		write("CreateUser", spec{on: newUser, keys: keys{boundary, requestTags}, also: "iam:TagUser"}, createUser),
		read("GetUser", spec{on: aUser}, getUser),
		read("ListUsers", spec{on: anything}, listUsers),
		write("UpdateUser", spec{on: aUser, to: "NewUserName"}, updateUser),
		write("DeleteUser", spec{on: aUser}, deleteUser),
		write("TagUser", spec{on: aUser, keys: keys{requestTags}}, tagUser),
		write("UntagUser", spec{on: aUser, keys: keys{requestTags}}, untagUser),
		read("ListUserTags", spec{on: aUser}, listUserTags),
		write("PutUserPermissionsBoundary", spec{on: aUser, keys: keys{boundary}}, putUserPermissionsBoundary),
		write("DeleteUserPermissionsBoundary", spec{on: aUser, keys: keys{boundary}}, deleteUserPermissionsBoundary),

		write("CreateGroup", spec{on: newGroup}, createGroup),
		read("GetGroup", spec{on: aGroup}, getGroup),
		read("ListGroups", spec{on: anything}, listGroups),
		write("UpdateGroup", spec{on: aGroup, to: "NewGroupName"}, updateGroup),
		write("DeleteGroup", spec{on: aGroup}, deleteGroup),
		write("AddUserToGroup", spec{on: aGroup}, addUserToGroup),
		write("RemoveUserFromGroup", spec{on: aGroup}, removeUserFromGroup),
		read("ListGroupsForUser", spec{on: aUser}, listGroupsForUser),

		write("CreateRole", spec{on: newRole, keys: keys{boundary, requestTags}, also: "iam:TagRole"}, createRole),
		read("GetRole", spec{on: aRole}, getRole),
		read("ListRoles", spec{on: anything}, listRoles),
		write("UpdateRole", spec{on: aRole}, updateRole),
		write("UpdateRoleDescription", spec{on: aRole}, updateRoleDescription),
		write("DeleteRole", spec{on: aRole}, deleteRole),
		write("UpdateAssumeRolePolicy", spec{on: aRole}, updateAssumeRolePolicy),
		write("TagRole", spec{on: aRole, keys: keys{requestTags}}, tagRole),
		write("UntagRole", spec{on: aRole, keys: keys{requestTags}}, untagRole),
		read("ListRoleTags", spec{on: aRole}, listRoleTags),
		write("PutRolePermissionsBoundary", spec{on: aRole, keys: keys{boundary}}, putRolePermissionsBoundary),
		write("DeleteRolePermissionsBoundary", spec{on: aRole, keys: keys{boundary}}, deleteRolePermissionsBoundary),

		write("CreatePolicy", spec{on: newPolicy, keys: keys{requestTags}, also: "iam:TagPolicy"}, createPolicy),
		read("GetPolicy", spec{on: aPolicy}, getPolicy),
		read("ListPolicies", spec{on: anything}, listPolicies),
		write("DeletePolicy", spec{on: aPolicy}, deletePolicy),
		write("CreatePolicyVersion", spec{on: aPolicy}, createPolicyVersion),
		read("GetPolicyVersion", spec{on: aPolicy}, getPolicyVersion),
		read("ListPolicyVersions", spec{on: aPolicy}, listPolicyVersions),
		write("SetDefaultPolicyVersion", spec{on: aPolicy}, setDefaultPolicyVersion),
		write("DeletePolicyVersion", spec{on: aPolicy}, deletePolicyVersion),
		read("ListEntitiesForPolicy", spec{on: aPolicy}, listEntitiesForPolicy),
		write("TagPolicy", spec{on: aPolicy, keys: keys{requestTags}}, tagPolicy),
		write("UntagPolicy", spec{on: aPolicy, keys: keys{requestTags}}, untagPolicy),
		read("ListPolicyTags", spec{on: aPolicy}, listPolicyTags),

		write("AttachUserPolicy", spec{on: aUser, keys: keys{policyARN, boundary}}, attachUserPolicy),
		write("DetachUserPolicy", spec{on: aUser, keys: keys{policyARN, boundary}}, detachUserPolicy),
		read("ListAttachedUserPolicies", spec{on: aUser}, listAttachedUserPolicies),
		write("AttachGroupPolicy", spec{on: aGroup, keys: keys{policyARN}}, attachGroupPolicy),
		write("DetachGroupPolicy", spec{on: aGroup, keys: keys{policyARN}}, detachGroupPolicy),
		read("ListAttachedGroupPolicies", spec{on: aGroup}, listAttachedGroupPolicies),
		write("AttachRolePolicy", spec{on: aRole, keys: keys{policyARN, boundary}}, attachRolePolicy),
		write("DetachRolePolicy", spec{on: aRole, keys: keys{policyARN, boundary}}, detachRolePolicy),
		read("ListAttachedRolePolicies", spec{on: aRole}, listAttachedRolePolicies),

		write("PutUserPolicy", spec{on: aUser, keys: keys{boundary}}, putUserPolicy),
		read("GetUserPolicy", spec{on: aUser}, getUserPolicy),
		read("ListUserPolicies", spec{on: aUser}, listUserPolicies),
		write("DeleteUserPolicy", spec{on: aUser, keys: keys{boundary}}, deleteUserPolicy),
		write("PutGroupPolicy", spec{on: aGroup}, putGroupPolicy),
		read("GetGroupPolicy", spec{on: aGroup}, getGroupPolicy),
		read("ListGroupPolicies", spec{on: aGroup}, listGroupPolicies),
		write("DeleteGroupPolicy", spec{on: aGroup}, deleteGroupPolicy),
		write("PutRolePolicy", spec{on: aRole, keys: keys{boundary}}, putRolePolicy),
		read("GetRolePolicy", spec{on: aRole}, getRolePolicy),
		read("ListRolePolicies", spec{on: aRole}, listRolePolicies),
		write("DeleteRolePolicy", spec{on: aRole, keys: keys{boundary}}, deleteRolePolicy),

		write("CreateLoginProfile", spec{on: aUser}, createLoginProfile),
		read("GetLoginProfile", spec{on: aUser}, getLoginProfile),
		write("UpdateLoginProfile", spec{on: aUser}, updateLoginProfile),
		write("DeleteLoginProfile", spec{on: aUser}, deleteLoginProfile),
		write("ChangePassword", spec{on: theCaller}, changePassword),

		write("CreateAccessKey", spec{on: aUser}, createAccessKey),
		read("ListAccessKeys", spec{on: aUser}, listAccessKeys),
		write("UpdateAccessKey", spec{on: aUser}, updateAccessKey),
		write("DeleteAccessKey", spec{on: aUser}, deleteAccessKey),
		read("GetAccessKeyLastUsed", spec{on: keyOwner}, getAccessKeyLastUsed),

		write("CreateVirtualMFADevice", spec{on: newDevice, keys: keys{requestTags}, also: "iam:TagMFADevice"}, createVirtualMFADevice),
		write("EnableMFADevice", spec{on: aUser}, enableMFADevice),
		write("DeactivateMFADevice", spec{on: aUser}, deactivateMFADevice),
		write("ResyncMFADevice", spec{on: aUser}, resyncMFADevice),
		write("DeleteVirtualMFADevice", spec{on: aDevice}, deleteVirtualMFADevice),
		read("ListMFADevices", spec{on: aUser}, listMFADevices),
		read("ListVirtualMFADevices", spec{on: anything}, listVirtualMFADevices),
		read("GetMFADevice", spec{on: aUser}, getMFADevice),
		write("TagMFADevice", spec{on: aDevice, keys: keys{requestTags}}, tagMFADevice),
		write("UntagMFADevice", spec{on: aDevice, keys: keys{requestTags}}, untagMFADevice),
		read("ListMFADeviceTags", spec{on: aDevice}, listMFADeviceTags),

		write("CreateServiceSpecificCredential", spec{on: aUser, keys: keys{serviceName}}, createServiceSpecificCredential),
		read("ListServiceSpecificCredentials", spec{on: userOrAll}, listServiceSpecificCredentials),
		write("UpdateServiceSpecificCredential", spec{on: aUser, keys: keys{serviceName}}, updateServiceSpecificCredential),
		write("ResetServiceSpecificCredential", spec{on: aUser, keys: keys{serviceName}}, resetServiceSpecificCredential),
		write("DeleteServiceSpecificCredential", spec{on: aUser, keys: keys{serviceName}}, deleteServiceSpecificCredential),

		write("UploadSSHPublicKey", spec{on: aUser}, uploadSSHPublicKey),
		read("ListSSHPublicKeys", spec{on: aUser}, listSSHPublicKeys),
		read("GetSSHPublicKey", spec{on: aUser}, getSSHPublicKey),
		write("UpdateSSHPublicKey", spec{on: aUser}, updateSSHPublicKey),
		write("DeleteSSHPublicKey", spec{on: aUser}, deleteSSHPublicKey),

		write("UploadSigningCertificate", spec{on: aUser}, uploadSigningCertificate),
		read("ListSigningCertificates", spec{on: aUser}, listSigningCertificates),
		write("UpdateSigningCertificate", spec{on: aUser}, updateSigningCertificate),
		write("DeleteSigningCertificate", spec{on: aUser}, deleteSigningCertificate),

		write("CreateAccountAlias", spec{on: anything}, createAccountAlias),
		read("ListAccountAliases", spec{on: anything}, listAccountAliases),
		write("DeleteAccountAlias", spec{on: anything}, deleteAccountAlias),
		read("GetAccountSummary", spec{on: anything}, getAccountSummary),
		read("GetAccountPasswordPolicy", spec{on: anything}, getAccountPasswordPolicy),
		write("UpdateAccountPasswordPolicy", spec{on: anything}, updateAccountPasswordPolicy),
		write("DeleteAccountPasswordPolicy", spec{on: anything}, deleteAccountPasswordPolicy),
		read("GetAccountAuthorizationDetails", spec{on: anything}, getAccountAuthorizationDetails),
		write("GenerateCredentialReport", spec{on: anything}, generateCredentialReport),
		read("GetCredentialReport", spec{on: anything}, getCredentialReport),
		read("SimulateCustomPolicy", spec{on: anything}, simulateCustomPolicy),
		read("GetContextKeysForCustomPolicy", spec{on: anything}, getContextKeysForCustomPolicy),
		read("GetContextKeysForPrincipalPolicy", spec{on: aSource}, getContextKeysForPrincipalPolicy),
		read("SimulatePrincipalPolicy", spec{on: aSource}, simulatePrincipalPolicy),
	}
}
