package reconcile

// Pattern is the EventPattern of the rule that sends events to a [Function]: successful
// calls that create users, remove enforcement from them, give them new credentials, or
// change what enforces MFA; departures of accounts, which Organizations records by itself;
// and console sign-ins, whose detail-type is spelled differently in AWS's guides and in
// practice. It has no white space, because a pattern
// is limited to 2048 characters.
// Source: EventBridge User Guide, "AWS service events delivered via CloudTrail"
// and "EventBridge quotas".
const Pattern = `{"source":["aws.iam","aws.sts","aws.signin","aws.organizations","aws.events","aws.lambda","aws.cloudtrail","aws.cloudformation"],` +
	`"detail-type":["AWS API Call via CloudTrail","AWS Service Event via CloudTrail","AWS Console Signin via CloudTrail","AWS Console Sign In via CloudTrail"],` +
	`"detail":{"errorCode":[{"exists":false}],"eventName":[` +
	// users and their credentials
	`"CreateUser","UpdateUser","CreateLoginProfile","UpdateLoginProfile","CreateAccessKey","UpdateAccessKey",` +
	`"CreateServiceSpecificCredential","UploadSSHPublicKey","UploadSigningCertificate","ConsoleLogin","GetFederationToken",` +
	`"AddUserToGroup","RemoveUserFromGroup","TagUser","UntagUser",` +
	`"EnableMFADevice","DeactivateMFADevice",` +
	// policies and boundaries of users
	`"AttachUserPolicy","DetachUserPolicy","PutUserPolicy","DeleteUserPolicy",` +
	`"PutUserPermissionsBoundary","DeleteUserPermissionsBoundary",` +
	// the group and the policy of forcemfa
	`"AttachGroupPolicy","DetachGroupPolicy","PutGroupPolicy","DeleteGroupPolicy","UpdateGroup","DeleteGroup",` +
	`"CreatePolicyVersion","SetDefaultPolicyVersion","DeletePolicyVersion","DeletePolicy",` +
	// roles: trust policies, and the function's role
	`"CreateRole","UpdateAssumeRolePolicy","AttachRolePolicy","DetachRolePolicy","PutRolePolicy","DeleteRolePolicy","DeleteRole",` +
	`"PutRolePermissionsBoundary",` +
	// the function, its rules and the trail
	`"DisableRule","DeleteRule","PutRule","RemoveTargets","DeleteFunction20150331","UpdateFunctionCode20150331v2",` +
	`"UpdateFunctionConfiguration20150331v2","PutFunctionConcurrency20171031","RemovePermission20150331v2",` +
	`"StopLogging","DeleteTrail","PutEventSelectors","DeleteStack",` +
	// the organization
	`"DetachPolicy","UpdatePolicy","DisablePolicyType","LeaveOrganization","RemoveAccountFromOrganization","AccountDepartedOrganization",` +
	// identity providers, whose users need no MFA of AWS
	`"CreateSAMLProvider","UpdateSAMLProvider","CreateOpenIDConnectProvider"]}}`
