package iamsvc

import "forcemfa/internal/emulator/operation"

// Operations returns the table of all operations: the required members,
// permissions and function of each.
// Source of resource types and condition keys: Service Authorization Reference.
func Operations() []operation.Operation {
	var (
		newUser   = newOf("user", "UserName")
		newGroup  = newOf("group", "GroupName")
		newRole   = newOf("role", "RoleName")
		newPolicy = newOf("policy", "PolicyName")
		newDevice = newOf("mfa", "VirtualMFADeviceName")
	)
	type keys = []key
	return []operation.Operation{
		write("CreateUser", spec{need: "UserName", on: newUser, keys: keys{boundary, requestTags}, also: "iam:TagUser"}, createUser),
		read("GetUser", spec{on: aUser}, getUser),
		read("ListUsers", spec{on: anything}, listUsers),
		write("UpdateUser", spec{need: "UserName", on: aUser, to: "NewUserName"}, updateUser),
		write("DeleteUser", spec{need: "UserName", on: aUser}, deleteUser),
		write("TagUser", spec{need: "UserName Tags", on: aUser, keys: keys{requestTags}}, tagUser),
		write("UntagUser", spec{need: "UserName TagKeys", on: aUser, keys: keys{requestTags}}, untagUser),
		read("ListUserTags", spec{need: "UserName", on: aUser}, listUserTags),
		write("PutUserPermissionsBoundary", spec{need: "UserName PermissionsBoundary", on: aUser, keys: keys{boundary}}, putUserPermissionsBoundary),
		write("DeleteUserPermissionsBoundary", spec{need: "UserName", on: aUser, keys: keys{boundary}}, deleteUserPermissionsBoundary),

		write("CreateGroup", spec{need: "GroupName", on: newGroup}, createGroup),
		read("GetGroup", spec{need: "GroupName", on: aGroup}, getGroup),
		read("ListGroups", spec{on: anything}, listGroups),
		write("UpdateGroup", spec{need: "GroupName", on: aGroup, to: "NewGroupName"}, updateGroup),
		write("DeleteGroup", spec{need: "GroupName", on: aGroup}, deleteGroup),
		write("AddUserToGroup", spec{need: "GroupName UserName", on: aGroup}, addUserToGroup),
		write("RemoveUserFromGroup", spec{need: "GroupName UserName", on: aGroup}, removeUserFromGroup),
		read("ListGroupsForUser", spec{need: "UserName", on: aUser}, listGroupsForUser),

		write("CreateRole", spec{need: "RoleName AssumeRolePolicyDocument", on: newRole, keys: keys{boundary, requestTags}, also: "iam:TagRole"}, createRole),
		read("GetRole", spec{need: "RoleName", on: aRole}, getRole),
		read("ListRoles", spec{on: anything}, listRoles),
		write("UpdateRole", spec{need: "RoleName", on: aRole}, updateRole),
		write("UpdateRoleDescription", spec{need: "RoleName Description", on: aRole}, updateRoleDescription),
		write("DeleteRole", spec{need: "RoleName", on: aRole}, deleteRole),
		write("UpdateAssumeRolePolicy", spec{need: "RoleName PolicyDocument", on: aRole}, updateAssumeRolePolicy),
		write("TagRole", spec{need: "RoleName Tags", on: aRole, keys: keys{requestTags}}, tagRole),
		write("UntagRole", spec{need: "RoleName TagKeys", on: aRole, keys: keys{requestTags}}, untagRole),
		read("ListRoleTags", spec{need: "RoleName", on: aRole}, listRoleTags),
		write("PutRolePermissionsBoundary", spec{need: "RoleName PermissionsBoundary", on: aRole, keys: keys{boundary}}, putRolePermissionsBoundary),
		write("DeleteRolePermissionsBoundary", spec{need: "RoleName", on: aRole, keys: keys{boundary}}, deleteRolePermissionsBoundary),

		write("CreatePolicy", spec{need: "PolicyName PolicyDocument", on: newPolicy, keys: keys{requestTags}, also: "iam:TagPolicy"}, createPolicy),
		read("GetPolicy", spec{need: "PolicyArn", on: aPolicy}, getPolicy),
		read("ListPolicies", spec{on: anything}, listPolicies),
		write("DeletePolicy", spec{need: "PolicyArn", on: aPolicy}, deletePolicy),
		write("CreatePolicyVersion", spec{need: "PolicyArn PolicyDocument", on: aPolicy}, createPolicyVersion),
		read("GetPolicyVersion", spec{need: "PolicyArn VersionId", on: aPolicy}, getPolicyVersion),
		read("ListPolicyVersions", spec{need: "PolicyArn", on: aPolicy}, listPolicyVersions),
		write("SetDefaultPolicyVersion", spec{need: "PolicyArn VersionId", on: aPolicy}, setDefaultPolicyVersion),
		write("DeletePolicyVersion", spec{need: "PolicyArn VersionId", on: aPolicy}, deletePolicyVersion),
		read("ListEntitiesForPolicy", spec{need: "PolicyArn", on: aPolicy}, listEntitiesForPolicy),
		write("TagPolicy", spec{need: "PolicyArn Tags", on: aPolicy, keys: keys{requestTags}}, tagPolicy),
		write("UntagPolicy", spec{need: "PolicyArn TagKeys", on: aPolicy, keys: keys{requestTags}}, untagPolicy),
		read("ListPolicyTags", spec{need: "PolicyArn", on: aPolicy}, listPolicyTags),

		write("AttachUserPolicy", spec{need: "UserName PolicyArn", on: aUser, keys: keys{policyARN, boundary}}, attachUserPolicy),
		write("DetachUserPolicy", spec{need: "UserName PolicyArn", on: aUser, keys: keys{policyARN, boundary}}, detachUserPolicy),
		read("ListAttachedUserPolicies", spec{need: "UserName", on: aUser}, listAttachedUserPolicies),
		write("AttachGroupPolicy", spec{need: "GroupName PolicyArn", on: aGroup, keys: keys{policyARN}}, attachGroupPolicy),
		write("DetachGroupPolicy", spec{need: "GroupName PolicyArn", on: aGroup, keys: keys{policyARN}}, detachGroupPolicy),
		read("ListAttachedGroupPolicies", spec{need: "GroupName", on: aGroup}, listAttachedGroupPolicies),
		write("AttachRolePolicy", spec{need: "RoleName PolicyArn", on: aRole, keys: keys{policyARN, boundary}}, attachRolePolicy),
		write("DetachRolePolicy", spec{need: "RoleName PolicyArn", on: aRole, keys: keys{policyARN, boundary}}, detachRolePolicy),
		read("ListAttachedRolePolicies", spec{need: "RoleName", on: aRole}, listAttachedRolePolicies),

		write("PutUserPolicy", spec{need: "UserName PolicyName PolicyDocument", on: aUser, keys: keys{boundary}}, putUserPolicy),
		read("GetUserPolicy", spec{need: "UserName PolicyName", on: aUser}, getUserPolicy),
		read("ListUserPolicies", spec{need: "UserName", on: aUser}, listUserPolicies),
		write("DeleteUserPolicy", spec{need: "UserName PolicyName", on: aUser, keys: keys{boundary}}, deleteUserPolicy),
		write("PutGroupPolicy", spec{need: "GroupName PolicyName PolicyDocument", on: aGroup}, putGroupPolicy),
		read("GetGroupPolicy", spec{need: "GroupName PolicyName", on: aGroup}, getGroupPolicy),
		read("ListGroupPolicies", spec{need: "GroupName", on: aGroup}, listGroupPolicies),
		write("DeleteGroupPolicy", spec{need: "GroupName PolicyName", on: aGroup}, deleteGroupPolicy),
		write("PutRolePolicy", spec{need: "RoleName PolicyName PolicyDocument", on: aRole, keys: keys{boundary}}, putRolePolicy),
		read("GetRolePolicy", spec{need: "RoleName PolicyName", on: aRole}, getRolePolicy),
		read("ListRolePolicies", spec{need: "RoleName", on: aRole}, listRolePolicies),
		write("DeleteRolePolicy", spec{need: "RoleName PolicyName", on: aRole, keys: keys{boundary}}, deleteRolePolicy),

		write("CreateLoginProfile", spec{on: aUser}, createLoginProfile),
		read("GetLoginProfile", spec{on: aUser}, getLoginProfile),
		write("UpdateLoginProfile", spec{need: "UserName", on: aUser}, updateLoginProfile),
		write("DeleteLoginProfile", spec{on: aUser}, deleteLoginProfile),
		write("ChangePassword", spec{need: "OldPassword NewPassword", on: theCaller}, changePassword),

		write("CreateAccessKey", spec{on: aUser}, createAccessKey),
		read("ListAccessKeys", spec{on: aUser}, listAccessKeys),
		write("UpdateAccessKey", spec{need: "AccessKeyId Status", on: aUser}, updateAccessKey),
		write("DeleteAccessKey", spec{need: "AccessKeyId", on: aUser}, deleteAccessKey),
		read("GetAccessKeyLastUsed", spec{need: "AccessKeyId", on: keyOwner}, getAccessKeyLastUsed),

		write("CreateVirtualMFADevice", spec{need: "VirtualMFADeviceName", on: newDevice, keys: keys{requestTags}, also: "iam:TagMFADevice"}, createVirtualMFADevice),
		write("EnableMFADevice", spec{need: "UserName SerialNumber AuthenticationCode1 AuthenticationCode2", on: aUser}, enableMFADevice),
		write("DeactivateMFADevice", spec{need: "SerialNumber", on: aUser}, deactivateMFADevice),
		write("ResyncMFADevice", spec{need: "UserName SerialNumber AuthenticationCode1 AuthenticationCode2", on: aUser}, resyncMFADevice),
		write("DeleteVirtualMFADevice", spec{need: "SerialNumber", on: aDevice}, deleteVirtualMFADevice),
		read("ListMFADevices", spec{on: aUser}, listMFADevices),
		read("ListVirtualMFADevices", spec{on: anything}, listVirtualMFADevices),
		read("GetMFADevice", spec{need: "SerialNumber", on: aUser}, getMFADevice),
		write("TagMFADevice", spec{need: "SerialNumber Tags", on: aDevice, keys: keys{requestTags}}, tagMFADevice),
		write("UntagMFADevice", spec{need: "SerialNumber TagKeys", on: aDevice, keys: keys{requestTags}}, untagMFADevice),
		read("ListMFADeviceTags", spec{need: "SerialNumber", on: aDevice}, listMFADeviceTags),

		write("CreateServiceSpecificCredential", spec{need: "UserName ServiceName", on: aUser, keys: keys{serviceName}}, createServiceSpecificCredential),
		read("ListServiceSpecificCredentials", spec{on: userOrAll}, listServiceSpecificCredentials),
		write("UpdateServiceSpecificCredential", spec{need: "ServiceSpecificCredentialId Status", on: aUser, keys: keys{serviceName}}, updateServiceSpecificCredential),
		write("ResetServiceSpecificCredential", spec{need: "ServiceSpecificCredentialId", on: aUser, keys: keys{serviceName}}, resetServiceSpecificCredential),
		write("DeleteServiceSpecificCredential", spec{need: "ServiceSpecificCredentialId", on: aUser, keys: keys{serviceName}}, deleteServiceSpecificCredential),

		write("UploadSSHPublicKey", spec{need: "UserName SSHPublicKeyBody", on: aUser}, uploadSSHPublicKey),
		read("ListSSHPublicKeys", spec{on: aUser}, listSSHPublicKeys),
		read("GetSSHPublicKey", spec{need: "UserName SSHPublicKeyId Encoding", on: aUser}, getSSHPublicKey),
		write("UpdateSSHPublicKey", spec{need: "UserName SSHPublicKeyId Status", on: aUser}, updateSSHPublicKey),
		write("DeleteSSHPublicKey", spec{need: "UserName SSHPublicKeyId", on: aUser}, deleteSSHPublicKey),

		write("UploadSigningCertificate", spec{need: "CertificateBody", on: aUser}, uploadSigningCertificate),
		read("ListSigningCertificates", spec{on: aUser}, listSigningCertificates),
		write("UpdateSigningCertificate", spec{need: "CertificateId Status", on: aUser}, updateSigningCertificate),
		write("DeleteSigningCertificate", spec{need: "CertificateId", on: aUser}, deleteSigningCertificate),

		write("CreateAccountAlias", spec{need: "AccountAlias", on: anything}, createAccountAlias),
		read("ListAccountAliases", spec{on: anything}, listAccountAliases),
		write("DeleteAccountAlias", spec{need: "AccountAlias", on: anything}, deleteAccountAlias),
		read("GetAccountSummary", spec{on: anything}, getAccountSummary),
		read("GetAccountPasswordPolicy", spec{on: anything}, getAccountPasswordPolicy),
		write("UpdateAccountPasswordPolicy", spec{on: anything}, updateAccountPasswordPolicy),
		write("DeleteAccountPasswordPolicy", spec{on: anything}, deleteAccountPasswordPolicy),
		read("GetAccountAuthorizationDetails", spec{on: anything}, getAccountAuthorizationDetails),
		write("GenerateCredentialReport", spec{on: anything}, generateCredentialReport),
		read("GetCredentialReport", spec{on: anything}, getCredentialReport),
		read("SimulatePrincipalPolicy", spec{need: "PolicySourceArn ActionNames", on: aSource}, simulatePrincipalPolicy),
	}
}
