package prove

import (
	"slices"
	"strings"

	"forcemfa/policy"
	"forcemfa/policy/arn"
	"forcemfa/policy/catalog"
)

// A probe is an action on a resource. The resource is a template: variables of
// the catalog (${Partition}, ${Account}, ${UserNameWithPath}) and of policies
// (${aws:username}) are filled in for each subject.
type probe struct{ action, resource string }

// Additional variables in resource templates.
const (
	otherUser    = "${OtherUserName}"
	otherAccount = "${OtherAccount}"
)

// administering lists what changes who may do what, the shortest way to
// administrator permissions first. Source: Service Authorization Reference, access
// level "Permissions management".
var administering = []string{
	"iam:AttachUserPolicy", "iam:PutUserPolicy", "iam:AddUserToGroup", "iam:AttachGroupPolicy", "iam:PutGroupPolicy", "iam:CreatePolicyVersion",
	"iam:SetDefaultPolicyVersion", "iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:UpdateLoginProfile", "iam:DeactivateMFADevice",
	"iam:EnableMFADevice", "iam:UpdateAssumeRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePolicy", "iam:CreateUser", "iam:CreateRole",
	"iam:CreateSAMLProvider", "iam:UpdateSAMLProvider", "iam:CreateOpenIDConnectProvider", "iam:CreateServiceSpecificCredential",
	"iam:DeleteUserPermissionsBoundary", "iam:DeleteRolePermissionsBoundary", "iam:DetachUserPolicy", "iam:DeleteUserPolicy", "iam:RemoveUserFromGroup",
}

// reading lists what reads data.
var reading = []string{
	"s3:GetObject", "secretsmanager:GetSecretValue", "ssm:GetParameter", "dynamodb:GetItem", "dynamodb:Scan", "kms:Decrypt", "rds-db:connect",
	"redshift:GetClusterCredentials", "sqs:ReceiveMessage", "kinesis:GetRecords", "logs:GetLogEvents", "codecommit:GitPull", "s3:ListBucket",
	"s3:ListAllMyBuckets",
}

// telling lists the actions to try first, the worst first: administer IAM, read
// data, then destroy, run code, and one action of every large service.
var telling = slices.Concat(administering, reading, []string{
	"sts:AssumeRole", "sts:AssumeRoot", "sso:CreateAccountAssignment", "ec2:TerminateInstances", "dynamodb:DeleteTable", "lambda:InvokeFunction", "s3:PutObject", "ec2:RunInstances", "ec2:DescribeInstances",
	"rds:DeleteDBInstance", "ssm:StartSession", "ssm:SendCommand", "lambda:UpdateFunctionCode",
	"cloudformation:CreateStack", "organizations:ListAccounts", "organizations:LeaveOrganization",

	"iam:GetLoginProfile", "iam:DeleteLoginProfile", "iam:ChangePassword",
	"iam:DeleteVirtualMFADevice", "iam:ResyncMFADevice", "iam:CreateVirtualMFADevice",
	"iam:PutUserPermissionsBoundary",
	"iam:CreateGroup", "iam:DeleteGroup", "iam:UpdateGroup",
	"iam:DetachGroupPolicy", "iam:DeleteGroupPolicy",
	"iam:CreatePolicy", "iam:DeletePolicy", "iam:DeletePolicyVersion",
	"iam:TagUser", "iam:UntagUser", "iam:TagRole", "iam:UntagRole", "iam:TagPolicy", "iam:TagMFADevice",
	"iam:UpdateUser", "iam:DeleteUser",
	"iam:UpdateRole", "iam:DeleteRole",
	"iam:DetachRolePolicy", "iam:DeleteRolePolicy",
	"iam:PutRolePermissionsBoundary", "iam:CreateServiceLinkedRole",
	"iam:CreateInstanceProfile", "iam:AddRoleToInstanceProfile",
	"iam:UpdateAccessKey", "iam:DeleteAccessKey", "iam:ListAccessKeys", "iam:GetAccessKeyLastUsed",
	"iam:ResetServiceSpecificCredential", "iam:UpdateServiceSpecificCredential",
	"iam:UploadSSHPublicKey", "iam:UpdateSSHPublicKey", "iam:UploadSigningCertificate", "iam:UpdateSigningCertificate",
	"iam:UploadServerCertificate",
	"iam:AddClientIDToOpenIDConnectProvider", "iam:UpdateOpenIDConnectProviderThumbprint",
	"iam:UpdateAccountPasswordPolicy", "iam:DeleteAccountPasswordPolicy", "iam:CreateAccountAlias", "iam:DeleteAccountAlias",
	"iam:EnableOrganizationsRootSessions", "iam:EnableOrganizationsRootCredentialsManagement", "iam:EnableOutboundWebIdentityFederation",
	"iam:GetUser", "iam:ListUsers", "iam:ListRoles", "iam:ListPolicies", "iam:ListMFADevices", "iam:ListVirtualMFADevices", "iam:GetMFADevice",
	"iam:GetAccountSummary", "iam:GetAccountPasswordPolicy", "iam:GetAccountAuthorizationDetails",
	"iam:GenerateCredentialReport", "iam:GetCredentialReport", "iam:SimulatePrincipalPolicy",
	"sts:GetFederationToken", "sts:GetWebIdentityToken", "sts:GetDelegatedAccessToken",
	"sts:DecodeAuthorizationMessage", "sts:GetServiceBearerToken", "sts:GetAccessKeyInfo",
	"signin:AuthorizeOAuth2Access", "signin:CreateOAuth2Token",

	"access-analyzer:ListFindings", "account:PutContactInformation", "acm:DeleteCertificate", "apigateway:DELETE",
	"athena:StartQueryExecution", "autoscaling:DeleteAutoScalingGroup", "backup:DeleteBackupVault", "batch:SubmitJob",
	"bedrock:InvokeModel", "budgets:ModifyBudget", "ce:GetCostAndUsage", "cloudfront:CreateDistribution", "cloudtrail:StopLogging",
	"cloudwatch:DeleteAlarms", "codebuild:StartBuild", "codepipeline:StartPipelineExecution",
	"cognito-idp:AdminCreateUser", "config:StopConfigurationRecorder", "dms:CreateReplicationTask", "docdb-elastic:DeleteCluster",
	"ec2-instance-connect:SendSSHPublicKey", "ecr:GetAuthorizationToken", "ecs:ExecuteCommand", "eks:CreateCluster",
	"elasticache:DeleteCacheCluster", "elasticbeanstalk:TerminateEnvironment", "elasticfilesystem:DeleteFileSystem",
	"elasticloadbalancing:DeleteLoadBalancer", "elasticmapreduce:TerminateJobFlows", "es:ESHttpGet", "events:PutRule",
	"firehose:DeleteDeliveryStream", "fsx:DeleteFileSystem", "glacier:DeleteVault", "glue:StartJobRun", "guardduty:DeleteDetector",
	"inspector2:Disable", "iot:Publish", "kafka:DeleteCluster", "kms:ScheduleKeyDeletion",
	"lakeformation:GetDataAccess", "lightsail:DeleteInstance", "macie2:DisableMacie", "mq:DeleteBroker",
	"route53:ChangeResourceRecordSets", "route53domains:TransferDomain",
	"s3:DeleteBucket", "s3:PutBucketPolicy", "sagemaker:CreatePresignedDomainUrl", "secretsmanager:PutSecretValue",
	"securityhub:DisableSecurityHub", "servicecatalog:ProvisionProduct", "servicequotas:RequestServiceQuotaIncrease",
	"ses:SendEmail", "sns:Publish", "ssm:PutParameter",
	"states:StartExecution", "support:CreateCase", "transfer:CreateServer", "wafv2:DeleteWebACL", "workspaces:TerminateWorkspaces",
})

// invented stands for actions that AWS may add later: an action that a document
// can name only with a wildcard.
const invented = "forcemfa-unnamed:Unnamed"

// notRequests lists actions that no separate request of the user has: they
// accompany another action that must pass too, or are not signed.
var notRequests = map[string]bool{
	"iam:passrole": true, "sts:tagsession": true, "sts:setsourceidentity": true, "sts:setcontext": true,
	"sts:assumerolewithsaml": true, "sts:assumerolewithwebidentity": true, "sts:taggetwebidentitytoken": true,
}

// natural returns the resources of an action in the catalog: for an action on
// users the subject itself and another user, for sts:AssumeRole a role in this
// account and one in another account. The simplest come first.
func natural(action string) []string {
	a, ok := catalog.Load().Action(action)
	if !ok {
		prefix, _, _ := strings.Cut(action, ":")
		return []string{"*", "arn:${Partition}:" + prefix + ":${Region}:${Account}:" + unnamed}
	}
	var out []string
	optional := true
	types := slices.Clone(a.Resources)
	slices.SortStableFunc(types, func(x, y catalog.ActionResource) int { return len(x.Type.ARN) - len(y.Type.ARN) })
	for _, r := range types {
		optional = optional && !r.Required
		for template := range strings.SplitSeq(r.Type.ARN, ", ") { // the catalog has two for some of API Gateway's
			if !strings.EqualFold(action, "iam:CreateUser") { // the own user exists already
				out = append(out, fill(template, unnamed))
			}
		}
		switch {
		case strings.Contains(r.Type.ARN, "user/${UserNameWithPath}"):
			out = append(out, strings.Replace(r.Type.ARN, "${UserNameWithPath}", otherUser, 1))
		case strings.EqualFold(action, "sts:AssumeRole"):
			out = append(out, strings.Replace(r.Type.ARN, "${Account}", otherAccount, 1))
		}
	}
	if optional {
		out = append(out, "*")
	}
	return out
}

// fill replaces the wildcards of a pattern outside of its variables.
func fill(pattern, word string) string {
	if !strings.ContainsAny(pattern, "*?") {
		return pattern
	}
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(pattern, "${")
		before = strings.ReplaceAll(before, "?", "x")
		out.WriteString(strings.ReplaceAll(before, "*", word))
		if !found {
			return out.String()
		}
		name, after, _ := cutVariable(rest)
		out.WriteString("${" + name + "}")
		pattern = after
	}
}

// unnamed is the value of a variable that does not depend on the subject.
const unnamed = "example"

// identifiers holds realistic values for variables of the catalog.
var identifiers = map[string]string{
	"BucketName":    "example-bucket",
	"InstanceId":    "i-0123456789abcdef0",
	"KeyId":         "11111111-2222-3333-4444-555555555555",
	"OtherUserName": "somebody-else",
}

// expand fills in a template for a subject.
func (s *Subject) expand(template string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(template, "${")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		name, after, found := cutVariable(rest)
		if !found {
			out.WriteString("${" + rest)
			return out.String()
		}
		out.WriteString(s.variable(name))
		template = after
	}
}

func (s *Subject) variable(name string) string {
	self, _ := arn.Split(s.Principal.ARN)
	switch name {
	case "Partition":
		return self.Partition
	case "Account":
		return s.Principal.Account
	case "Region":
		return arn.HomeRegion(self.Partition)
	case "UserNameWithPath":
		return strings.TrimPrefix(self.Resource, "user/")
	case "OtherAccount":
		return "999999999999"
	case "*", "?", "$":
		return name
	}
	if value := s.Known[name]; value != "" {
		return value
	}
	if value, ok := identifiers[name]; ok {
		return value
	}
	key, fallback, _ := strings.Cut(name, ",")
	if key = strings.TrimSpace(key); key != "" {
		if values, ok := s.Context.Get(key); ok && !isList(key) {
			return values[0]
		}
	}
	if fallback = strings.Trim(strings.TrimSpace(fallback), "'"); fallback != "" {
		return fallback
	}
	return unnamed
}

// onUsers lists the actions of an enrollment set that act on a user; they belong
// to it only for the subject's own user.
var onUsers = map[string]bool{
	"iam:changepassword":      true,
	"iam:deactivatemfadevice": true,
	"iam:enablemfadevice":     true,
	"iam:resyncmfadevice":     true,
}

// A rule says with which credentials a request must be refused.
type rule uint8

const (
	always rule = iota // with any credential
	byKey              // with long-lived keys; for others the request is in the enrollment set
	never              // the request is in the enrollment set, or no policy controls it
)

// rule returns the rule for a request: the enrollment set contains it, no policy
// controls it, or AWS itself refuses it.
func (s *Subject) rule(action, resource string) rule {
	lower := strings.ToLower(action)
	own := resource == s.Principal.ARN
	switch {
	case notRequests[lower], policy.Unconditional(action), strings.HasPrefix(lower, "iam:") && !own && s.isNobody(resource):
		return never
	case s.HasDevice && own && (lower == "iam:enablemfadevice" || lower == "iam:deactivatemfadevice"):
		return never
	case !contains(s.Enrollment, lower) || onUsers[lower] && !own:
		return always
	case lower == "iam:enablemfadevice" && !s.EnrollmentByKey:
		return byKey
	}
	return never
}

// ignores reports whether the rule does not require a refusal for a credential.
func (r rule) ignores(action string, c policy.Credential) bool {
	if r == never || r == byKey && c != policy.LongTermKey {
		return true
	}
	_, limited := c.Limit(action)
	return limited
}

// changesPolicy and changesRole list the actions that AWS refuses on the
// policies and roles that it manages itself.
// Source: IAM User Guide, "Managed policies and inline policies", AWS managed
// policies; IAM Identity Center User Guide, "Permission sets".
var (
	changesPolicy = set("iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:SetDefaultPolicyVersion",
		"iam:TagPolicy", "iam:UntagPolicy")
	changesRole = set("iam:CreateRole", "iam:DeleteRole", "iam:UpdateRole", "iam:UpdateRoleDescription", "iam:UpdateAssumeRolePolicy", "iam:AttachRolePolicy",
		"iam:DetachRolePolicy", "iam:PutRolePolicy", "iam:DeleteRolePolicy", "iam:PutRolePermissionsBoundary", "iam:DeleteRolePermissionsBoundary",
		"iam:TagRole", "iam:UntagRole", "iam:CreateServiceLinkedRole", "iam:DeleteServiceLinkedRole")
)

// set returns a set of actions, in lower case.
func set(actions ...string) map[string]bool {
	out := map[string]bool{}
	for _, a := range actions {
		out[strings.ToLower(a)] = true
	}
	return out
}

// refusedByAWS reports whether AWS refuses an action on a resource for any
// caller.
func refusedByAWS(action, resource string) bool {
	a, ok := arn.Split(resource)
	lower := strings.ToLower(action)
	switch {
	case !ok || a.Service != "iam":
		return false
	case changesPolicy[lower]:
		return a.Account == "aws" && strings.HasPrefix(a.Resource, "policy/")
	}
	return changesRole[lower] && strings.HasPrefix(a.Resource, "role/aws-reserved/")
}

// outside lists the actions that the rule decides by their names, in addition to
// the enrollment set.
var outside = []string{
	"iam:PassRole", "sts:TagSession", "sts:SetSourceIdentity", "sts:SetContext", "sts:AssumeRoleWithSAML",
	"sts:AssumeRoleWithWebIdentity", "sts:TagGetWebIdentityToken", "sts:GetSessionToken", "sts:GetCallerIdentity",
	"sts:AssumeRole", "sts:GetFederationToken", "iam:EnableMFADevice", "iam:DeactivateMFADevice",
}

// isNobody reports whether an IAM resource is a user with the subject's name and
// another path, which cannot exist because names are unique in an account. A
// resource of another service may represent any account, so it does not count.
// Source: IAM User Guide, "IAM and AWS STS quotas", IAM name requirements.
func (s *Subject) isNobody(resource string) bool {
	a, ok := arn.Split(resource)
	self, _ := arn.Split(s.Principal.ARN)
	return ok && a.Service == "iam" && a.Account == s.Principal.Account && a.Kind() == "user" && strings.EqualFold(a.Name(), self.Name())
}

func contains(actions []string, lower string) bool {
	for _, a := range actions {
		if strings.EqualFold(a, lower) {
			return true
		}
	}
	return false
}
