package catalog

import (
	"strings"
	"sync"
)

// An Origin says where the value of a global condition key comes from, and so which
// requests can have the key.
type Origin uint8

// The origins of global condition keys.
const (
	// Undocumented keys may be in any request: AWS does not say when.
	Undocumented Origin = iota
	// FromSender means that the sender of a request decides: a parameter, a header, the
	// resource, the network, the time, or whether the request goes through an AWS
	// managed MCP server.
	FromSender
	// FromPrincipal is a property of the principal, the same in all its requests.
	FromPrincipal
	// FromAuthentication follows from how the credential was obtained: with MFA or
	// without, and when.
	FromAuthentication
	// FromSignIn is in requests of AWS Sign-In OAuth sessions (aws login) only.
	FromSignIn
	// FromRoleSession is chosen by whoever assumes a role, and is in requests of its
	// sessions only.
	FromRoleSession
	// FromEnvironment is set by the service or the identity provider that a session
	// comes from: EC2, Lambda, an OIDC provider. No credential of an IAM user, and
	// no session from AssumeRole, has it.
	FromEnvironment
	// FromService is in requests that an AWS service principal makes by itself.
	FromService
	// FromForwarding is in requests that a service makes with the credentials of the
	// principal (forward access sessions).
	FromForwarding
)

// A GlobalKey is a condition key that requests to many services can have.
type GlobalKey struct {
	Key
	Origin Origin
	Always bool // every request with the origin of the key has it
}

// globals lists the global condition keys, those of single services that other
// services see as well (ec2:SourceInstanceArn) among them.
// Source: IAM User Guide, "AWS global condition context keys": availability, data
// type and value type of each key. aws:SourceOwner and aws:IsMcpServiceAction are
// only in the documentation of services.
var globals = []GlobalKey{
	{Key{"aws:AssumedRoot", "Bool"}, FromEnvironment, false},
	{Key{"aws:CalledVia", "ArrayOfString"}, FromForwarding, false},
	{Key{"aws:CalledViaFirst", "String"}, FromForwarding, false},
	{Key{"aws:CalledViaLast", "String"}, FromForwarding, false},
	{Key{"aws:CalledViaAWSMCP", "String"}, FromSender, false},
	{Key{"aws:ChatbotSourceArn", "ARN"}, FromEnvironment, false},
	{Key{"aws:CurrentTime", "Date"}, FromSender, true},
	{Key{"aws:Ec2InstanceSourceVpc", "String"}, FromEnvironment, false},
	{Key{"aws:Ec2InstanceSourcePrivateIPv4", "IPAddress"}, FromEnvironment, false},
	{Key{"aws:EpochTime", "Date"}, FromSender, true},
	{Key{"aws:FederatedProvider", "String"}, FromEnvironment, false},
	{Key{"aws:IsMcpServiceAction", "Bool"}, FromSender, false},
	{Key{"aws:MultiFactorAuthAge", "Numeric"}, FromAuthentication, false},
	{Key{"aws:MultiFactorAuthPresent", "Bool"}, FromAuthentication, false},
	{Key{"aws:PrincipalAccount", "String"}, FromPrincipal, true},
	{Key{"aws:PrincipalArn", "ARN"}, FromPrincipal, true},
	{Key{"aws:PrincipalIsAWSService", "Bool"}, FromPrincipal, true},
	{Key{"aws:PrincipalOrgID", "String"}, FromPrincipal, false},
	{Key{"aws:PrincipalOrgPaths", "ArrayOfString"}, FromPrincipal, false},
	{Key{"aws:PrincipalServiceName", "String"}, FromService, false},
	{Key{"aws:PrincipalServiceNamesList", "ArrayOfString"}, FromService, false},
	{Key{"aws:PrincipalTag/${TagKey}", "String"}, FromPrincipal, false},
	{Key{"aws:PrincipalType", "String"}, FromPrincipal, true},
	{Key{"aws:Referer", "String"}, FromSender, false},
	{Key{"aws:RequestTag/${TagKey}", "String"}, FromSender, false},
	{Key{"aws:RequestedRegion", "String"}, FromSender, false},
	{Key{"aws:ResourceAccount", "String"}, FromSender, false},
	{Key{"aws:ResourceOrgID", "String"}, FromSender, false},
	{Key{"aws:ResourceOrgPaths", "ArrayOfString"}, FromSender, false},
	{Key{"aws:ResourceTag/${TagKey}", "String"}, FromSender, false},
	{Key{"aws:SecureTransport", "Bool"}, FromSender, true},
	{Key{"aws:SignInSessionArn", "ARN"}, FromSignIn, false},
	{Key{"aws:SourceAccount", "String"}, FromService, false},
	{Key{"aws:SourceArn", "ARN"}, FromService, false},
	{Key{"aws:SourceIdentity", "String"}, FromRoleSession, false},
	{Key{"aws:SourceIp", "IPAddress"}, FromSender, false},
	{Key{"aws:SourceOrgID", "String"}, FromService, false},
	{Key{"aws:SourceOrgPaths", "ArrayOfString"}, FromService, false},
	{Key{"aws:SourceOwner", "String"}, Undocumented, false},
	{Key{"aws:SourceVpc", "String"}, FromSender, false},
	{Key{"aws:SourceVpcArn", "ARN"}, FromSender, false},
	{Key{"aws:SourceVpce", "String"}, FromSender, false},
	{Key{"aws:TagKeys", "ArrayOfString"}, FromSender, false},
	{Key{"aws:TokenIssueTime", "Date"}, FromAuthentication, false},
	{Key{"aws:UserAgent", "String"}, FromSender, false},
	{Key{"aws:ViaAWSMCPService", "Bool"}, FromSender, false},
	{Key{"aws:ViaAWSService", "Bool"}, FromForwarding, true},
	{Key{"aws:VpcSourceIp", "IPAddress"}, FromSender, false},
	{Key{"aws:VpceAccount", "String"}, FromSender, false},
	{Key{"aws:VpceOrgID", "String"}, FromSender, false},
	{Key{"aws:VpceOrgPaths", "ArrayOfString"}, FromSender, false},
	{Key{"aws:userid", "String"}, FromPrincipal, true},
	{Key{"aws:username", "String"}, FromPrincipal, false},
	{Key{"codebuild:BuildArn", "ARN"}, FromEnvironment, false},
	{Key{"codebuild:ProjectArn", "ARN"}, FromEnvironment, false},
	{Key{"ec2:RoleDelivery", "Numeric"}, FromEnvironment, false},
	{Key{"ec2:SourceInstanceArn", "ARN"}, FromEnvironment, false},
	{Key{"glue:CredentialIssuingService", "String"}, FromEnvironment, false},
	{Key{"glue:RoleAssumedBy", "String"}, FromEnvironment, false},
	{Key{"identitystore:UserId", "String"}, FromEnvironment, false},
	{Key{"lambda:SourceFunctionArn", "ARN"}, FromEnvironment, false},
	{Key{"ssm:SourceInstanceArn", "ARN"}, FromEnvironment, false},
}

// Globals returns the global condition keys. Callers must not change them.
func Globals() []GlobalKey { return globals }

// Global returns the global condition key of a name, in any case; a name with a tag
// key is one of aws:PrincipalTag/${TagKey} and its like. Keys of identity providers
// (saml:aud, token.actions.githubusercontent.com:sub) count as global keys.
func Global(name string) (GlobalKey, bool) {
	lower := strings.ToLower(name)
	if head, tag, found := strings.Cut(lower, "/"); found && tag != "" && strings.HasPrefix(head, "aws:") {
		lower = head + "/${tagkey}"
	}
	if k, known := byGlobalName()[lower]; known {
		return k, true
	}
	if prefix, _, found := strings.Cut(lower, ":"); found && (prefix == "saml" || strings.ContainsAny(prefix, "./")) {
		return GlobalKey{Key{name, "String"}, FromEnvironment, false}, true
	}
	return GlobalKey{}, false
}

var byGlobalName = sync.OnceValue(func() map[string]GlobalKey {
	out := make(map[string]GlobalKey, len(globals))
	for _, k := range globals {
		out[strings.ToLower(k.Name)] = k
	}
	return out
})
