package reconcile

// Actions are what a [Function] calls besides telling people: reads of its own
// account, the few writes that put users under the policy, and its journal. None
// of them writes a policy document, and what gives rights is to be bound to our
// policy by iam:PolicyARN, to our group, and to the window's tag by aws:TagKeys.
// sts:GetCallerIdentity needs no right. Sorted.
var Actions = []string{
	"iam:AddUserToGroup",
	"iam:AttachGroupPolicy",
	"iam:AttachUserPolicy",
	"iam:GenerateCredentialReport",
	"iam:GetAccountAuthorizationDetails",
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
