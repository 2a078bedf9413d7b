package prove_test

import (
	"fmt"
	"strings"
	"testing"

	"forcemfa/policy"
	"forcemfa/policy/catalog"
	"forcemfa/policy/prove"
	"forcemfa/policy/prove/certificate"
)

// What requests of an IAM user without MFA have of a global condition key.
const (
	never   = "never"   // no such request has the key
	chosen  = "chosen"  // the sender decides whether and with which value
	ever    = "ever"    // every request has it, with a value of the sender's choice
	known   = "known"   // every request has the value that is in the context
	unknown = "unknown" // neither the context nor the sender says
)

// Source: IAM User Guide, "AWS global condition context keys", availability of each key; for aws:SourceAccount: "only available
// when the call to your resource is made directly by an AWS service principal". AWS does not document when aws:SourceOwner,
// a key of Amazon SNS, is there. The context of the user has no organization.
var ofUsers = map[string]string{
	"aws:AssumedRoot": never, "aws:CalledVia": never, "aws:CalledViaFirst": never, "aws:CalledViaLast": never, "aws:CalledViaAWSMCP": chosen,
	"aws:ChatbotSourceArn": never, "aws:CurrentTime": ever, "aws:Ec2InstanceSourceVpc": never, "aws:Ec2InstanceSourcePrivateIPv4": never,
	"aws:EpochTime": ever, "aws:FederatedProvider": never, "aws:IsMcpServiceAction": chosen, "aws:PrincipalAccount": known,
	"aws:PrincipalArn": known, "aws:PrincipalIsAWSService": known, "aws:PrincipalOrgID": unknown, "aws:PrincipalOrgPaths": unknown,
	"aws:PrincipalServiceName": never, "aws:PrincipalServiceNamesList": never, "aws:PrincipalTag/${TagKey}": never, "aws:PrincipalType": known,
	"aws:Referer": chosen, "aws:RequestTag/${TagKey}": chosen, "aws:RequestedRegion": chosen, "aws:ResourceAccount": chosen,
	"aws:ResourceOrgID": chosen, "aws:ResourceOrgPaths": chosen, "aws:ResourceTag/${TagKey}": chosen, "aws:SecureTransport": ever,
	"aws:SignInSessionArn": chosen, "aws:SourceAccount": never, "aws:SourceArn": never, "aws:SourceIdentity": never, "aws:SourceIp": chosen,
	"aws:SourceOrgID": never, "aws:SourceOrgPaths": never, "aws:SourceOwner": unknown, "aws:SourceVpc": chosen, "aws:SourceVpcArn": chosen,
	"aws:SourceVpce": chosen, "aws:TagKeys": chosen, "aws:UserAgent": chosen, "aws:ViaAWSMCPService": chosen, "aws:ViaAWSService": known,
	"aws:VpcSourceIp": chosen, "aws:VpceAccount": chosen, "aws:VpceOrgID": chosen, "aws:VpceOrgPaths": chosen, "aws:userid": known, "aws:username": known,
	"codebuild:BuildArn": never, "codebuild:ProjectArn": never, "ec2:RoleDelivery": never, "ec2:SourceInstanceArn": never,
	"glue:CredentialIssuingService": never, "glue:RoleAssumedBy": never, "identitystore:UserId": never, "lambda:SourceFunctionArn": never,
	"ssm:SourceInstanceArn": never, "saml:aud": never, "token.actions.githubusercontent.com:sub": never, "cognito-identity.amazonaws.com:amr": never,
}

// The MFA keys and the time of issue have tables of their own (TestMFATable).
var ofAuthentication = []string{"aws:MultiFactorAuthAge", "aws:MultiFactorAuthPresent", "aws:TokenIssueTime"}

func TestEveryGlobalKeyHasTheValuesThatAWSDocuments(t *testing.T) {
	for _, k := range catalog.Globals() {
		if ofUsers[k.Name] == "" && !strings.Contains(strings.Join(ofAuthentication, " "), k.Name) {
			t.Errorf("%s: what do requests of users have?", k.Name)
		}
	}
	for name, has := range ofUsers {
		key := strings.Replace(name, "${TagKey}", "team", 1)
		k, ok := catalog.Global(key)
		if !ok {
			t.Errorf("%s is not a global key", key)
			continue
		}
		absent, present, other := fmt.Sprintf(`"Null":{%q:"true"}`, key), fmt.Sprintf(`"Null":{%q:"false"}`, key), notThe(k, key)
		want := map[string][3]string{ // of Denies when the key is absent, when it is there, and when its value is not a certain one
			never: {"enforced", "open", "enforced"}, chosen: {"open", "open", "open"}, ever: {"open", "enforced", "open"},
			known: {"open", "enforced", "enforced"}, unknown: {"unknown", "unknown", "unknown"},
		}[has]
		for i, condition := range []string{absent, present, other} {
			t.Run(key+"/"+condition, func(t *testing.T) { checkKey(t, key, condition, has, want[i]) })
		}
	}
}

// notThe is a condition on a key that holds unless it has a certain value.
func notThe(k catalog.GlobalKey, key string) string {
	operator, value := map[string][2]string{
		"String": {"StringNotEquals", "certain"}, "ARN": {"ArnNotLike", "arn:aws:iam::111111111111:role/certain"}, "IPAddress": {"NotIpAddress", "203.0.113.7/32"},
		"Bool": {"StringNotEquals", "true"}, "Numeric": {"NumericNotEquals", "7"}, "Date": {"DateNotEquals", "2026-05-05T05:05:05Z"},
		"ArrayOfString": {"ForAllValues:StringNotEquals", "certain"},
	}[k.Type][0], map[string]string{
		"String": "certain", "ARN": "arn:aws:iam::111111111111:role/certain", "IPAddress": "203.0.113.7/32",
		"Bool": "true", "Numeric": "7", "Date": "2026-05-05T05:05:05Z", "ArrayOfString": "certain",
	}[k.Type]
	return fmt.Sprintf("%q:{%q:%q}", operator, key, value)
}

func checkKey(t *testing.T, key, condition, has, want string) {
	s := bob(identity(admin, others, byKey, fmt.Sprintf(denyAll, mfa+","+condition)))
	s.Context.Set("aws:userid", "AIDABOB")
	s.Context.Set("aws:PrincipalIsAWSService", "false")
	a := prove.User(s)
	if got := map[prove.Outcome]string{prove.Enforced: "enforced", prove.Open: "open", prove.Unknown: "unknown"}[a.Outcome]; got != want {
		t.Fatalf("%s, want %s: %v %s", got, want, a.Counterexample, a.Why)
	}
	checked := certificate.Check(hopeful(t, s), claimOf(s)) == nil
	if checked != (a.Outcome == prove.Enforced) {
		t.Errorf("the checker accepts a proof: %v", checked)
	}
	if a.Outcome != prove.Open {
		return
	}
	replay(t, s, a)
	if _, found := a.Counterexample.Keys[key]; found && has != chosen && has != ever {
		t.Errorf("the example has a key that no request of a user has: %v", a.Counterexample)
	}
}

// A role session has what whoever assumes the role chooses, and a forwarded call has the services that forwarded it.
func TestKeysOfOtherRequests(t *testing.T) {
	forwarded := fmt.Sprintf(denyAll, mfa+`,"ForAllValues:StringNotEquals":{"aws:CalledVia":"athena.amazonaws.com"}`)
	s := bob(identity(forwarded, others, byKey, admin))
	s.ForwardedCallsPass = false
	if a := prove.User(s); a.Outcome != prove.Open || a.Counterexample.Credential != policy.ForwardedFromKey {
		t.Errorf("a Deny except for calls that Athena forwards: %s", text1(a))
	}
	signIn := fmt.Sprintf(denyAll, mfa+`,"Null":{"aws:SignInSessionArn":"true"}`)
	if a := prove.User(bob(identity(signIn, others, byKey, admin))); a.Outcome != prove.Open || a.Counterexample.Credential != policy.ConsolePassword {
		t.Errorf("a Deny except for sessions of aws login: %s", text1(a))
	}
	network := fmt.Sprintf(denyAll, mfa+`,"Null":{"aws:SourceIp":"true"}`)
	endpoint := fmt.Sprintf(denyAll, mfa+`,"ForAllValues:StringNotLike":{"aws:VpceOrgPaths":"o-ours/*"}`)
	if a := prove.User(bob(identity(network, endpoint, others, byKey, admin))); a.Outcome != prove.Enforced {
		t.Errorf("a request with a source address comes through no VPC endpoint: %s", text1(a))
	}
}

// What is unknown about the organization of an account matters only where an answer depends on it.
func TestTheOrganizationThatWasNotRead(t *testing.T) {
	on := func(test string) string { return fmt.Sprintf(denyAll, mfa+","+test) }
	ours, theirs := on(`"StringEquals":{"aws:PrincipalOrgID":"o-ours"}`), on(`"StringNotEquals":{"aws:PrincipalOrgID":"o-ours"}`)
	elsewhere := on(`"StringEquals":{"aws:PrincipalOrgID":"o-ours"},"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}`)
	allow := `{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-ours"}}}`
	for _, row := range []struct {
		name       string
		statements []string
		want       string
	}{
		{"a Deny for one organization", []string{ours, admin}, "unknown"},
		{"two keys that are not known", []string{on(`"StringEquals":{"aws:PrincipalOrgID":"o-ours"},"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-ours/*"}`), admin}, "unknown"},
		{"Denies for one and for all others", []string{ours, theirs, admin}, "enforced"},
		{"a Deny that no longer matters", []string{elsewhere, admin}, "open "},
		{"an Allow for one organization", []string{allow}, "latent "},
	} {
		a := prove.User(bob(identity(append(row.statements, others, byKey)...)))
		if got := text(a); !strings.HasPrefix(got, row.want) {
			t.Errorf("%s: %s, want %s", row.name, text1(a), row.want)
		}
		if row.want == "unknown" && !strings.Contains(a.Why, "aws:PrincipalOrg") {
			t.Errorf("%s: why %q", row.name, a.Why)
		}
		if row.want == "latent " && (a.Today.Outcome != prove.Unknown || !strings.Contains(a.Today.Why, "aws:PrincipalOrgID")) {
			t.Errorf("%s: today %+v", row.name, a.Today)
		}
	}
}
