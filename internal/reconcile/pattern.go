package reconcile

// Pattern is the EventPattern of the rule that hands events to a [Function]:
// calls that succeeded, by which users come, lose enforcement or get new
// credentials, or by which what enforces them is touched; and sign-ins to the
// console, whose detail-type AWS's guides and the rules in use spell differently.
// It is without white space, because a pattern may have 2048 characters.
// Source: EventBridge User Guide, "AWS service events delivered via CloudTrail"
// and "EventBridge quotas".
const Pattern = `{"source":["aws.iam","aws.sts","aws.signin","aws.organizations","aws.events","aws.lambda","aws.cloudtrail","aws.cloudformation"],` +
	`"detail-type":["AWS API Call via CloudTrail","AWS Console Signin via CloudTrail","AWS Console Sign In via CloudTrail"],` +
	`"detail":{"errorCode":[{"exists":false}],"eventName":[` +
	// users and their credentials
	`"CreateUser","UpdateUser","CreateLoginProfile","UpdateLoginProfile","CreateAccessKey","UpdateAccessKey",` +
	`"CreateServiceSpecificCredential","UploadSSHPublicKey","UploadSigningCertificate","ConsoleLogin","GetFederationToken",` +
	`"AddUserToGroup","RemoveUserFromGroup","TagUser","UntagUser",` +
	`"EnableMFADevice","DeactivateMFADevice",` +
	// what is attached to them
	`"AttachUserPolicy","DetachUserPolicy","PutUserPolicy","DeleteUserPolicy",` +
	`"PutUserPermissionsBoundary","DeleteUserPermissionsBoundary",` +
	// our group and policy
	`"AttachGroupPolicy","DetachGroupPolicy","PutGroupPolicy","DeleteGroupPolicy","UpdateGroup","DeleteGroup",` +
	`"CreatePolicyVersion","SetDefaultPolicyVersion","DeletePolicyVersion","DeletePolicy",` +
	// roles: trust, and the function's own
	`"CreateRole","UpdateAssumeRolePolicy","AttachRolePolicy","DetachRolePolicy","PutRolePolicy","DeleteRolePolicy","DeleteRole",` +
	`"PutRolePermissionsBoundary",` +
	// the watcher itself
	`"DisableRule","DeleteRule","PutRule","RemoveTargets","DeleteFunction20150331","UpdateFunctionCode20150331v2",` +
	`"UpdateFunctionConfiguration20150331v2","PutFunctionConcurrency20171031","RemovePermission20150331v2",` +
	`"StopLogging","DeleteTrail","PutEventSelectors","DeleteStack",` +
	// the organization
	`"DetachPolicy","UpdatePolicy","DisablePolicyType"]}}`
