package reconcile

// Actions are the calls of a [Function] except notifications: reads of its own account,
// the few writes that put users under the policy, and its journal. None of them writes a
// policy document. Its role must limit the writes to the policy of forcemfa with
// iam:PolicyARN, to its group, and to the window's tag with aws:TagKeys.
// sts:GetCallerIdentity needs no permission. Sorted.
var Actions = []string{
	"iam:AddUserToGroup",
	"iam:AttachGroupPolicy",
	"iam:AttachUserPolicy",
	"iam:GenerateCredentialReport",
	"iam:GetAccountAuthorizationDetails",
	"iam:GetAccountPasswordPolicy",
	"iam:GetAccountSummary",
	"iam:GetCredentialReport",
	"iam:GetLoginProfile",
	"iam:GetPolicy",
	"iam:GetPolicyVersion",
	"iam:GetUser",
	"iam:GetUserPolicy",
	"iam:ListAccessKeys",
	"iam:ListAccountAliases",
	"iam:ListAttachedGroupPolicies",
	"iam:ListAttachedUserPolicies",
	"iam:ListGroupsForUser",
	"iam:ListMFADevices",
	"iam:ListSSHPublicKeys",
	"iam:ListServiceSpecificCredentials",
	"iam:ListUserPolicies",
	"iam:ListUserTags",
	"iam:ListVirtualMFADevices",
	"iam:TagUser",
	"iam:UntagUser",
	"organizations:DescribeOrganization",
	"s3:PutObject",
}
