package lint_test

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/policy"
	"forcemfa/policy/lint"
)

var update = flag.Bool("update", false, "write docs/lint.md")

func TestDocumentationListsTheCodes(t *testing.T) {
	const page = "../../docs/lint.md"
	if *update {
		if err := os.WriteFile(page, []byte(lint.Markdown()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(lint.Markdown(), string(got)); diff != "" {
		t.Errorf("docs/lint.md is old; run go test ./policy/lint -run Documentation -update (-want +got):\n%s", diff)
	}
}

// A pair is a statement that breaks a rule and its twin that does not.
type pair struct {
	code      string
	kind      policy.Kind
	bad, good string // statements, or documents that begin with {"V
}

func (p pair) text(s string) string {
	if strings.HasPrefix(s, `{"Version"`) || strings.HasPrefix(s, `{"Statement"`) {
		return s
	}
	return doc(s)
}

const (
	enrollList = `"iam:CreateVirtualMFADevice","iam:EnableMFADevice","iam:GetMFADevice","iam:GetUser","iam:ListMFADevices","iam:ListVirtualMFADevices","iam:ResyncMFADevice","sts:GetSessionToken"`
	bothOwn    = `["arn:aws:iam::123456789012:user/${aws:username}","arn:aws:iam::123456789012:user/*/${aws:username}"]`
	noOthers   = `{"Sid":"Others","Effect":"Deny","Action":["iam:EnableMFADevice","iam:ResyncMFADevice"],"NotResource":` + bothOwn + `,"Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`
	noKeys     = `{"Sid":"Keys","Effect":"Deny","Action":["iam:CreateVirtualMFADevice","iam:EnableMFADevice"],"Resource":"*","Condition":{"Null":{"aws:TokenIssueTime":"true"}}}`
)

// The principals of bucket policies.
const (
	root = `{"AWS":"arn:aws:iam::123456789012:root"}`
	user = `{"AWS":"arn:aws:iam::123456789012:user/bob"}`
	role = `{"AWS":"arn:aws:iam::123456789012:role/R"}`
)

func bucketAllow(principal, action, resource, conditions string) string {
	return `{"Effect":"Allow","Principal":` + principal + `,"Action":"` + action + `","Resource":"arn:aws:s3:::` + resource + `","Condition":{` + conditions + `}}`
}

func bucketDeny(principal, conditions string) string {
	return `{"Effect":"Deny","Principal":` + principal + `,"Action":"s3:*","Resource":"arn:aws:s3:::b/*","Condition":{` + noMFA + conditions + `}}`
}

// guard is the sound Deny with more exceptions and more conditions; rest are
// further statements.
func guard(exceptions, conditions string, rest ...string) string {
	g := `{"Sid":"Guard","Effect":"Deny","NotAction":[` + enrollList + exceptions + `],"Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}` + conditions + `}}`
	return strings.Join(append([]string{g}, rest...), ",")
}

func gate(condition string) string {
	return `{"Effect":"Allow","Action":"ec2:StopInstances","Resource":"*","Condition":{` + condition + `}}`
}

func deny(condition string) string {
	return `{"Effect":"Deny","Action":"ec2:StopInstances","Resource":"*","Condition":{` + condition + `}}`
}

// olderThan is a guard that limits the age of MFA, beside the one that requires MFA.
func olderThan(seconds string) string {
	return guard("", "", noOthers, noKeys, strings.NewReplacer(`"Sid":"Guard",`, "", noMFA, `"NumericGreaterThanIfExists":{"aws:MultiFactorAuthAge":"`+seconds+`"}`).Replace(guard("", "")))
}

func trust(principal, condition string) string {
	return `{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole","Condition":{` + condition + `}}`
}

const github = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"

func web(provider, condition string) string {
	return `{"Effect":"Allow","Principal":{"Federated":"` + provider + `"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{` + condition + `}}`
}

func allow(action, resource string) string {
	return `{"Effect":"Allow","Action":"` + action + `","Resource":` + resource + `}`
}

const (
	mfa      = `"Bool":{"aws:MultiFactorAuthPresent":"true"}`
	noMFA    = `"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}`
	alice    = `{"AWS":"arn:aws:iam::123456789012:user/alice"}`
	ownOrg   = `"StringEquals":{"aws:PrincipalOrgID":"o-aaaaaaaaaa"}`
	external = `{"AWS":"123456789012"}`
)

// Every rule, each of its shapes, and what is right instead. The sources of what
// conditions do are those of the table of MFA conditions in package policy.
var pairs = []pair{
	{"D-1", 0, guard("", "", noKeys), guard("", "", noKeys, noOthers)},
	{"D-1", policy.SCP, guard("", "", noKeys), guard("", "", noKeys, noOthers)},
	{"D-1", policy.Boundary, guard(`,"iam:CreateLoginProfile"`, "", noOthers), guard("", "", noOthers)},
	{"D-2", 0, allow("iam:CreateAccessKey", `"arn:aws:iam::123456789012:user/${aws:username}"`), allow("iam:CreateAccessKey", bothOwn)},
	{"D-2", 0, allow("iam:*AccessKey*", `"arn:aws:iam::*:user/${aws:username}"`), allow("iam:*AccessKey*", `"arn:aws:iam::*:user/*${aws:username}"`)},
	{"D-3", 0, allow("iam:CreateVirtualMFADevice", `"arn:aws:iam::*:mfa/${aws:username}"`), allow("iam:CreateVirtualMFADevice", `"arn:aws:iam::*:mfa/*"`)},
	{"D-3", 0, allow("iam:DeleteVirtualMFADevice", `"arn:aws:iam::*:mfa/${aws:username}"`), allow("iam:EnableMFADevice", `"arn:aws:iam::*:mfa/${aws:username}"`)},
	{"D-4", 0, allow("iam:GetUser", `"arn:aws:iam::*:user/*"`), allow("iam:GetUser", `"arn:aws:iam::123456789012:user/*"`)},
	{"D-5", 0, `{"Sid":"Guard","Effect":"Deny","NotAction":["iam:CreateVirtualMFADevice","iam:EnableMFADevice"],"Resource":"*","Condition":{` + noMFA + `}}`, guard("", "")},
	{"D-5", 0, guard("", "") + "," + allow("iam:EnableMFADevice", `"*"`), guard("", "") + "," + allow("iam:EnableMFADevice", `"*"`) + "," + allow("iam:GetMFADevice", `"*"`)},
	{"D-6", 0, guard("", "") + "," + allow("iam:ChangePassword", bothOwn), guard("", "") + "," + allow("iam:GetUser", bothOwn)},
	{"D-6", 0, guard(`,"iam:ChangePassword"`, "") + "," + allow("iam:ChangePassword", bothOwn),
		guard(`,"iam:ChangePassword","iam:GetAccountPasswordPolicy"`, "") + "," + allow("iam:ChangePassword", bothOwn)},
	{"D-7", 0, guard("", ""), guard("", `,"Bool":{"aws:ViaAWSService":"false"}`)},
	{"D-8", 0, deny(`"Bool":{"aws:MultiFactorAuthPresent":"false"}`), deny(noMFA)},
	{"D-8", 0, deny(`"Bool":{"aws:multifactorauthpresent":false}`), deny(`"BoolIfExists":{"aws:multifactorauthpresent":false}`)},
	{"D-8", 0, deny(`"Null":{"aws:MultiFactorAuthPresent":"true"}`), deny(`"Null":{"aws:MultiFactorAuthAge":"true"}`)},
	{"D-8", 0, deny(`"ForAnyValue:Bool":{"aws:MultiFactorAuthPresent":"false"}`), deny(`"ForAllValues:Bool":{"aws:MultiFactorAuthPresent":"false"}`)},
	{"D-8", 0, deny(`"StringEquals":{"aws:MultiFactorAuthPresent":"false"}`), deny(`"StringNotEquals":{"aws:MultiFactorAuthPresent":"true"}`)},
	{"D-8", 0, deny(`"Bool":{"aws:MultiFactorAuthPresent":"false"}`),
		deny(`"Bool":{"aws:MultiFactorAuthPresent":"false"}`) + "," + deny(`"Null":{"aws:MultiFactorAuthPresent":"true"}`)},
	{"D-8", policy.SCP, deny(`"Bool":{"aws:MultiFactorAuthPresent":"false"}`), deny(noMFA)},
	{"D-8", 0, `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}}`,
		`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/*","Condition":{"Null":{"aws:MultiFactorAuthAge":"true"}}}`},
	{"D-9", policy.Resource, bucketAllow(user, "s3:GetObject", "b/*", `"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}`), bucketAllow(user, "s3:GetObject", "b/*", mfa)},
	{"D-9", 0, gate(`"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}`), gate(mfa)},
	{"D-9", 0, gate(`"NumericLessThanIfExists":{"aws:MultiFactorAuthAge":"3600"}`), gate(`"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}`)},
	{"D-9", 0, gate(`"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}`), gate(`"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}`) + "," + deny(noMFA)},
	{"D-9", 0, allow("sts:AssumeRole", `"arn:aws:iam::123456789012:role/A","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}`),
		allow("sts:AssumeRole", `"arn:aws:iam::123456789012:role/A","Condition":{`+mfa+`}`)},
	{"D-9", 0, trust(alice, `"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}`), trust(alice, mfa)},
	{"D-9", policy.SCP, gate(`"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}`), gate(mfa)},
	{"D-10", 0, guard("", ""), guard("", "") + "," + strings.Replace(guard("", ""), noMFA, `"NumericGreaterThanIfExists":{"aws:MultiFactorAuthAge":"3600"}`, 1)},
	{"D-12", 0, guard("", "", noOthers), guard("", "", noOthers, noKeys)},
	{"D-15", policy.Resource, bucketAllow(`{"Service":"events.amazonaws.com"}`, "s3:GetObject", "b/*", mfa), bucketAllow(user, "s3:GetObject", "b/*", mfa)},
	{"D-15", 0, trust(`{"Service":"ec2.amazonaws.com"}`, mfa), trust(alice, mfa) + "," + trust(`{"Service":"ec2.amazonaws.com"}`, "")},
	{"D-15", 0, trust(`{"AWS":"123456789012","Service":["ec2.amazonaws.com"]}`, mfa), trust(alice, mfa)},
	{"D-15", 0, trust(`{"AWS":["arn:aws:iam::123456789012:role/Build","arn:aws:iam::123456789012:user/alice"]}`, mfa), trust(alice, mfa)},
	{"D-15", 0, trust(`{"AWS":"arn:aws:iam::123456789012:role/Build"}`, mfa+`,"StringEquals":{"aws:PrincipalType":"AssumedRole"}`), trust(alice, mfa)},
	{"D-15", 0, `{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::123456789012:saml-provider/Login"},"Action":"sts:AssumeRoleWithSAML","Condition":{` + mfa + `}}`,
		trust(alice, mfa) + `,{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::123456789012:saml-provider/Login"},"Action":"sts:AssumeRoleWithSAML"}`},
	{"D-15", 0, trust(`{"Service":"ec2.amazonaws.com"}`, "") + `,{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Condition":{` + noMFA + `}}`,
		trust(`{"Service":"ec2.amazonaws.com"}`, "") + `,{"Effect":"Deny","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole","Condition":{` + noMFA + `}}`},
	{"D-16", 0, trust(external, mfa), trust(external, mfa+","+ownOrg)},
	{"D-16", 0, trust(`{"AWS":"arn:aws:iam::123456789012:root"}`, mfa), strings.Replace(trust(`{"AWS":"arn:aws:iam::123456789012:root"}`, mfa), `"sts:AssumeRole"`, `["sts:TagSession","sts:SetSourceIdentity"]`, 1)},
	{"D-16", 0, strings.Replace(trust(`{"AWS":"arn:aws:iam::123456789012:root"}`, mfa), `"sts:AssumeRole"`, `"sts:Assume*"`, 1), strings.Replace(trust(`{"AWS":"arn:aws:iam::123456789012:root"}`, mfa), `"sts:AssumeRole"`, `"sts:Set*"`, 1)},
	{"D-16", 0, trust(`"*"`, mfa), trust(`"*"`, mfa+","+ownOrg)},
	{"D-16", 0, trust(`"*"`, `"StringLike":{"sts:ExternalId":"?*"}`), trust(`"*"`, `"StringEquals":{"sts:ExternalId":"acme-4711"}`)},
	{"D-16", 0, trust(`"*"`, `"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-aaaaaaaaaa"}`), trust(`"*"`, ownOrg)},
	{"D-16", 0, trust(`"*"`, `"StringNotEquals":{"aws:PrincipalOrgID":"o-aaaaaaaaaa"}`), trust(`"*"`, ownOrg)},
	{"D-16", 0, trust(`"*"`, `"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/Admin"}`), trust(`"*"`, `"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/Admin"}`)},
	{"D-16", 0, trust(`"*"`, `"StringEquals":{"aws:PrincipalTag/team":"ops"}`), trust(`"*"`, ownOrg+`,"StringLike":{"aws:PrincipalTag/team":"ops"}`)},
	{"D-16", 0, trust(`{"AWS":"arn:aws:iam::123456789012:root"}`, mfa), trust(alice, mfa)},
	{"D-18", 0, allow("iam:CreateAccessKey", bothOwn), allow("iam:CreateAccessKey", bothOwn+`,"Condition":{`+mfa+`}`)},
	{"D-18", 0, allow("iam:*", bothOwn), allow("iam:List*", bothOwn)},
	{"D-18", 0, allow("iam:*", bothOwn), allow("iam:*", `"*"`)}, // not about the user's own credentials
	{"D-19", 0, guard("", "") + "," + allow("iam:CreateAccessKey", bothOwn), guard("", "") + "," + allow("iam:ListAccessKeys", bothOwn)},
	{"D-20", 0, allow("s3:GetObject", long(6200)), allow("s3:GetObject", long(5800))},
	{"D-20", 0, guard("", "") + "," + allow("s3:GetObject", long(2000)), guard("", "") + "," + allow("s3:GetObject", long(1000))},
	{"D-20", 0, allow("s3:GetObject", long(40000)), allow("s3:GetObject", long(100))},
	{"D-20", policy.SCP, allow("s3:GetObject", long(10300)), allow("s3:GetObject", long(9700))},
	{"D-21", 0, guard(`,"iam:DeleteVirtualMFADevice"`, ""), guard("", "")},
	{"M-1", 0, deny(mfa), deny(noMFA)},
	{"M-1", 0, deny(`"Null":{"aws:MultiFactorAuthPresent":"false"}`), deny(noMFA)},
	{"M-1", 0, gate(noMFA), gate(mfa)},
	{"M-1", 0, gate(`"Bool":{"aws:MultiFactorAuthPresent":"false"}`), allow("iam:EnableMFADevice", `"*","Condition":{`+noMFA+`}`)},
	{"M-1", 0, gate(`"Null":{"aws:MultiFactorAuthPresent":"true"}`), gate(`"Null":{"aws:MultiFactorAuthAge":"false"}`)},
	{"M-2", 0, deny(`"NumericGreaterThan":{"aws:MultiFactorAuthAge":"3600"}`), deny(`"NumericGreaterThanIfExists":{"aws:MultiFactorAuthAge":"3600"}`)},
	{"M-2", 0, deny(`"NumericGreaterThanEquals":{"aws:MultiFactorAuthAge":3600}`), deny(`"NumericGreaterThan":{"aws:MultiFactorAuthAge":3600}`) + "," + deny(noMFA)},
	{"M-3", 0, gate(`"Null":{"aws:MultiFactorAuthPresent":"false"}`), gate(`"Null":{"aws:MultiFactorAuthAge":"false"}`)},
	{"M-4", 0, gate(`"ForAllValues:Bool":{"aws:MultiFactorAuthPresent":"true"}`), gate(`"ForAnyValue:Bool":{"aws:MultiFactorAuthPresent":"true"}`)},
	{"M-5", 0, gate(`"StringNotEquals":{"aws:MultiFactorAuthPresent":"false"}`), gate(`"StringEquals":{"aws:MultiFactorAuthPresent":"true"}`)},
	{"M-6", 0, gate(`"StringEquals":{"aws:MultiFactorAuthPresent":"True"}`), gate(`"StringEqualsIgnoreCase":{"aws:MultiFactorAuthPresent":"True"}`)},
	{"M-6", 0, deny(`"StringNotEquals":{"aws:MultiFactorAuthPresent":"TRUE"}`), deny(`"StringNotEquals":{"aws:MultiFactorAuthPresent":"true"}`)},
	{"M-7", 0, gate(`"Bool":{"aws:MultiFactorAuthPresent":"yes"}`), gate(`"Bool":{"aws:MultiFactorAuthPresent":true}`)},
	{"M-7", 0, gate(`"Bool":{"aws:MultiFactorAuthPresent":["true","false"]}`), gate(`"Bool":{"aws:MultiFactorAuthPresent":["true"]}`)},
	{"M-7", 0, gate(`"NumericLessThan":{"aws:MultiFactorAuthPresent":"3600"}`), gate(`"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}`)},
	{"M-7", 0, gate(`"Bool":{"aws:MultiFactorAuthAge":"true"}`), gate(mfa)},
	{"M-8", 0, gate(mfa + `,"Null":{"aws:MultiFactorAuthPresent":"true"}`), gate(mfa + `,"Null":{"aws:MultiFactorAuthPresent":"false"}`)},
	{"M-8", 0, deny(`"Bool":{"aws:MultiFactorAuthPresent":"false"},"NumericGreaterThan":{"aws:MultiFactorAuthAge":"60"}`), deny(noMFA + `,"NumericGreaterThanIfExists":{"aws:MultiFactorAuthAge":"60"}`)},
	{"M-9", 0, deny(`"NumericGreaterThanEqualsIfExists":{"aws:MultiFactorAuthAge":"0"}`), deny(`"NumericGreaterThanEqualsIfExists":{"aws:MultiFactorAuthAge":"60"}`)},
	{"M-9", 0, `{"Effect":"Deny","NotAction":[` + enrollList + `],"Resource":"*"}`, guard("", "")},
	{"E-1", 0, guard(`,"iam:DeactivateMFADevice"`, ""), guard("", "")},
	{"E-1", 0, strings.Replace(guard(`,"iam:DeactivateMFADevice"`, ""), "BoolIfExists", "Bool", 1), strings.Replace(guard("", ""), "BoolIfExists", "Bool", 1)},
	{"E-2", 0, guard(`,"iam:CreateAccessKey"`, ""), guard("", "")},
	{"E-2", 0, guard(`,"iam:ChangePassword"`, ""), guard(`,"iam:GetAccountPasswordPolicy"`, "")},
	{"E-3", 0, guard(`,"iam:DetachUserPolicy"`, ""), guard(`,"iam:GetAccountSummary"`, "")},
	{"E-3", policy.SCP, guard(`,"sts:AssumeRole"`, ""), guard(`,"sts:GetCallerIdentity"`, "")},
	{"E-4", 0, guard(`,"iam:ListUsers"`, ""), guard("", "")},
	{"E-4", 0, guard(`,"s3:GetObject"`, ""), guard(`,"s3:GetObject"`, "") + `,{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{` + noMFA + `}}`},
	{"E-5", 0, strings.Replace(guard("", ""), `"Resource":"*"`, `"NotResource":"arn:aws:sqs:*:*:open"`, 1), guard("", "")},
	{"E-5", 0, strings.Replace(guard("", ""), `"Resource":"*"`, `"Resource":"arn:aws:iam::*:*"`, 1), guard("", "")},
	{"E-6", 0, guard("", `,"StringNotEquals":{"aws:PrincipalTag/kind":"workload"}`), guard("", `,"StringEquals":{"aws:PrincipalType":"User"}`)},
	{"E-7", 0, guard("", `,"NotIpAddress":{"aws:SourceIp":["192.0.2.0/24","2001:db8::/32"]}`), guard("", "")},
	{"E-7", 0, guard("", `,"StringEquals":{"aws:RequestedRegion":"eu-west-1"}`), guard("", `,"ArnLike":{"aws:PrincipalArn":"arn:*:iam::*:user/*"}`)},
	{"E-10", 0, guard("", `,"DateLessThan":{"aws:CurrentTime":"2099-01-01T00:00:00Z"}`), guard("", `,"DateGreaterThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}`)},
	{"E-10", 0, guard("", `,"DateGreaterThanEquals":{"aws:EpochTime":"2099-01-01"}`), guard("", `,"NumericGreaterThan":{"aws:EpochTime":"1577836800"}`)},
	{"G-1", 0, guard("", `,"NumericLessThan":{"aws:EpochTime":"1577836800"}`), guard("", `,"DateNotEquals":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}`)},
	{"E-8", 0, guard("", `,"Bool":{"aws:ViaAWSService":"false"}`), guard("", "")},
	{"E-8", 0, guard("", `,"Null":{"aws:CalledVia":"true"}`), guard("", "")},
	{"E-9", 0, guard(`,"signin:CreateOAuth2Token"`, ""), guard(`,"signin:CreateOAuth2Token"`, "") + `,{"Effect":"Deny","Action":"signin:CreateOAuth2Token","Resource":"*","Condition":{"Null":{"aws:TokenIssueTime":"true"}}}`},
	{"E-9", policy.SCP, guard(`,"sts:GetWebIdentityToken"`, ""), guard("", "")},
	{"E-9", 0, guard(`,"bedrock:CallWithBearerToken"`, ""), guard("", "")},
	{"E-9", 0, allow("signin:CreateOAuth2Token", `"*"`), allow("signin:CreateOAuth2Token", `"*","Condition":{"Null":{"aws:TokenIssueTime":"false"}}`)},
	{"E-9", 0, allow("signin:*", `"*"`), allow("signin:*", `"*"`) + `,{"Effect":"Deny","Action":"signin:*","Resource":"*","Condition":{"Null":{"aws:TokenIssueTime":"true"}}}`},
	{"E-9", 0, allow("sts:GetWebIdentityToken", `"*"`), allow("sts:GetWebIdentityToken", `"*","Condition":{`+mfa+`}`)},
	{"E-9", 0, allow("sts:GetFederationToken", `"*"`), allow("sts:AssumeRole", `"*"`)}, // the trust policy decides
	{"E-9", 0, allow("bedrock:CallWithBearerToken", `"*"`), allow("bedrock:InvokeModel", `"*"`)},
	{"E-9", 0, allow("sts:Get*", `"*"`), allow("*", `"*"`)}, // administrators are not about tokens
	{"G-1", policy.SCP, guard("", `,"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:root"}`), guard("", `,"ArnLike":{"aws:PrincipalArn":["arn:aws:iam::*:root","arn:aws:iam::*:user/*"]}`)},
	{"G-1", 0, guard("", `,"StringEquals":{"aws:PrincipalType":"IAMUser"}`), guard("", `,"StringEquals":{"aws:PrincipalType":"User"}`)},
	{"G-1", policy.SCP, guard("", `,"StringEquals":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}`), guard("", `,"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}`)},
	{"G-1", 0, guard("", `,"Null":{"aws:TokenIssueTime":"false"}`), guard("", "")},
	// A value that is no ARN: AWS does not document what a negated operator makes of it.
	{"G-2", 0, guard("", `,"ArnLikeIfExists":{"aws:RequestTag/a":"arn:aws:iam::*:role/*"}`, noOthers, noKeys) + "," + guard("", `,"ArnNotLike":{"aws:RequestTag/a":"arn:aws:iam::*:role/*"}`),
		guard("", `,"StringLikeIfExists":{"aws:RequestTag/a":"x*"}`, noOthers, noKeys) + "," + guard("", `,"StringNotLike":{"aws:RequestTag/a":"x*"}`)},
	{"G-3", 0, `{"Effect":"Deny","Action":["s3:*","ec2:*"],"Resource":"*","Condition":{` + noMFA + `}}`, guard("", "")},
	{"G-3", 0, `{"Effect":"Deny","Action":[` + enrollList + `],"Resource":"*","Condition":{` + noMFA + `}}`, noOthers + "," + noKeys},
	{"M-10", 0, olderThan("1h"), olderThan("3600")},
	{"M-10", 0, olderThan("3600000"), olderThan("129600")},
	{"M-10", 0, olderThan("1"), olderThan("900")},
	{"R-1", policy.Resource, `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}},
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"s3:*","Resource":"arn:aws:s3:::b/*"}`,
		`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}},
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::b/*"}`},
	{"R-2", policy.Resource, `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/*","Condition":{` + noMFA + `}}`,
		`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/*","Condition":{` + noMFA + `,"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}}}`},
	{"R-1", policy.Resource, bucketAllow(root, "s3:GetObject", "b/*", mfa) + "," + bucketAllow(user, "s3:GetObject", "b/*", ""), bucketAllow(root, "s3:GetObject", "b/*", mfa) + "," + bucketAllow(role, "s3:GetObject", "b/*", "")},
	{"R-1", policy.Resource, bucketAllow(root, "s3:GetObject", "b/*", mfa) + "," + bucketAllow(root, "s3:GetObject", "b/x/*", ""), bucketAllow(root, "s3:GetObject", "b/y/*", mfa) + "," + bucketAllow(root, "s3:GetObject", "b/x/*", "")},
	{"R-1", policy.Resource, bucketAllow(root, "s3:*", "b/*", mfa) + "," + bucketAllow(root, "s3:PutObjectAcl", "b/*", ""), bucketAllow(root, "s3:*", "b/*", mfa) + "," + bucketAllow(`{"Service":"cloudfront.amazonaws.com"}`, "s3:GetObject", "b/*", "")},
	{"R-1", policy.Resource, bucketAllow(root, "s3:GetObject", "b/*", mfa) + "," + bucketAllow(root, "s3:GetObject", "b/*", `"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}`), bucketAllow(root, "s3:GetObject", "b/*", mfa)},
	{"R-1", policy.Resource, bucketAllow(root, "s3:GetObject", "b/*", mfa) + "," + bucketAllow(`"*"`, "s3:GetObject", "b/*", `"StringEquals":{"aws:PrincipalOrgID":"o-abc1234567"}`),
		bucketAllow(root, "s3:GetObject", "b/*", mfa) + "," + bucketAllow(`"*"`, "s3:GetObject", "b/*", `"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}`)},
	{"R-2", policy.Resource, `{"Effect":"Deny","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*","Condition":{` + noMFA + `}}`,
		`{"Effect":"Deny","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*","Condition":{` + noMFA + `,"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}}}`},
	{"R-2", policy.Resource, bucketDeny(root, ""), bucketDeny(user, "")},
	{"R-2", policy.Resource, bucketDeny(`{"AWS":"123456789012"}`, ""), bucketDeny(root, `,"StringEquals":{"aws:PrincipalType":"User"}`)},
	{"R-2", policy.Resource, bucketDeny(role, ""), bucketAllow(role, "s3:*", "b/*", "")},
	{"R-2", policy.Resource, bucketDeny(`{"Service":"ec2.amazonaws.com"}`, ""), bucketDeny(user, "")},
	{"T-2", policy.Resource, bucketDeny(`{"AWS":"arn:aws:iam::123456789012:group/team"}`, ""), bucketDeny(root, "")},
	{"T-2", policy.Resource, bucketAllow(`{"AWS":"arn:aws:iam::123456789012:instance-profile/web"}`, "s3:GetObject", "b/*", mfa), bucketAllow(`{"AWS":"arn:aws:sts::123456789012:assumed-role/web/session"}`, "s3:GetObject", "b/*", "")},
	{"G-3", policy.RCP, bucketDeny(`"*"`, `,"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}`), bucketAllow(`"*"`, "*", "b/*", "")},
	{"G-3", policy.SCP, `{"Effect":"Deny","Action":"ec2:*","Resource":"*","Condition":{` + noMFA + `}}`, guard("", "")},
	{"G-3", 0, `{"Effect":"Deny","Action":"ec2:*","Resource":"arn:aws:ec2:*:*:instance/*","Condition":{` + noMFA + `}}`, guard("", "")},
	{"K-4", 0, guard("", "", strings.ReplaceAll(noOthers, "${aws:username}", "${username}")), guard("", "", noOthers)},
	{"K-4", 0, guard("", "", strings.ReplaceAll(noOthers, "${aws:username}", "&{aws:username}")), guard("", "", noOthers)},
	{"K-4", 0, guard("", "", strings.ReplaceAll(noOthers, "${aws:username}", "$${aws:username}")), guard("", "", noOthers)},
	{"K-4", 0, guard("", "", strings.ReplaceAll(noOthers, "${aws:username}", "{aws:username}")), guard("", "", noOthers)},
	{"K-4", 0, guard("", "", strings.ReplaceAll(noOthers, "${aws:username}", "${var.user}")), guard("", "", noOthers)},
	{"K-4", 0, allow("iam:GetUser", `"arn:aws:iam::ACCOUNT:user/*"`), allow("ssm:GetParameter", `"arn:aws:ssm:us-east-1:amazon:parameter/x"`)},
	{"K-4", 0, guard("", `,"StringEquals":{"aws:PrincipalOrgID":"o-xxxxxxxxxx"}`), guard("", `,"StringEquals":{"aws:PrincipalOrgID":"o-xxxxxxxxx1"}`)},
	{"K-4", 0, guard("", `,"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-exampleorgid/*"}`), guard("", `,"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-a1b2c3d4e5/*"}`)},
	{"K-4", 0, guard("", `,"StringEquals":{"aws:PrincipalOrgID":"REPLACE_ME"}`), guard("", `,"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}`)},
	{"K-9", 0, allow("iam:CreateVirtualMFADevice", `"arn:aws:iam::*:user/${aws:username}"`), allow("iam:CreateVirtualMFADevice", `"arn:aws:iam::*:mfa/*"`)},
	{"K-9", 0, allow("iam:EnableMFADevice", `"arn:aws:iam::*:mfa/${aws:username}"`), allow("iam:EnableMFADevice", `["arn:aws:iam::*:mfa/*","arn:aws:iam::*:user/${aws:username}"]`)},
	{"K-9", 0, allow("iam:EnableMFADevice", `"arn:aws:iam:us-east-1:123456789012:user/*"`), allow("iam:EnableMFADevice", `"arn:aws:iam::123456789012:user/*"`)},
	{"K-9", 0, allow("iam:EnableMFADevice", `"arn:aws:iam:::user/${aws:username}"`), allow("iam:EnableMFADevice", `"arn:aws:iam::*:user/${aws:username}"`)},
	{"K-9", 0, allow("s3:ListAllMyBuckets", `"arn:aws:s3:::b"`), allow("s3:ListAllMyBuckets", `["arn:aws:s3:::b","*"]`)},
	{"K-9", 0, `{"Effect":"Allow","Action":["s3:ListAllMy*","s3:GetObject"],"Resource":"arn:aws:s3:::b/*"}`, `{"Effect":"Allow","Action":["s3:List*","s3:GetObject"],"Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]}`},
	{"K-9", 0, `{"Effect":"Deny","Action":"ec2:DescribeInstances","Resource":"arn:aws:ec2:*:*:instance/*"}`, `{"Effect":"Deny","Action":"ec2:DescribeInstances","NotResource":"arn:aws:ec2:*:*:instance/*"}`},
	{"K-9", policy.SCP, `{"Effect":"Deny","Action":"iam:GetAccountSummary","Resource":"arn:*"}`, `{"Effect":"Deny","Action":"iam:GetAccountSummary","Resource":"?"}`},
	{"K-9", 0, allow("s3:ListBucket", `"arn:aws:s3:::b/*"`), allow("s3:ListBucket", `"arn:aws:s3:::b*"`)},
	{"K-10", 0, guard("", `,"StringNotEquals":{"aws:username":"svc-*"}`), guard("", `,"StringNotLike":{"aws:username":"svc-*"}`)},
	{"K-11", 0, strings.Replace(guard("", ""), `"Guard"`, `"Deny without MFA!"`, 1), guard("", "")},
	{"K-11", 0, guard("", "", strings.Replace(noKeys, `"Keys"`, `"Guard"`, 1)), guard("", "", noKeys)},
	{"L-1", 0, `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{` + noMFA + `}}`, guard("", "")},
	{"L-1", 0, `{"Effect":"Deny","Action":["iam:EnableMFADevice","iam:DeleteUser"],"Resource":"*","Condition":{` + noMFA + `}}`,
		`{"Effect":"Deny","Action":"iam:DeleteUser","Resource":"*","Condition":{` + noMFA + `}}`},
	{"L-1", 0, `{"Effect":"Deny","Action":"iam:*","Resource":"*","Condition":{` + noMFA + `}}`, noOthers},
	{"L-1", 0, guard("", "", strings.Replace(noKeys, `,"Condition":{"Null":{"aws:TokenIssueTime":"true"}}`, "", 1)), guard("", "", noKeys)},
	{"L-1", 0, guard("", "", `{"Effect":"Deny","Action":["iam:EnableMFADevice","iam:ListMFADevices"],"Resource":"*"}`), guard("", "", noKeys)},
	{"L-1", 0, allow("iam:EnableMFADevice", `"arn:aws:iam::*:user/${aws:userid}"`), allow("iam:EnableMFADevice", `["arn:aws:iam::*:user/${aws:userid}","arn:aws:iam::*:user/${aws:username}"]`)},
	{"L-1", 0, allow("iam:EnableMFADevice", `"arn:aws:iam::*:user//${aws:username}"`), allow("iam:EnableMFADevice", `"arn:aws:iam::*:user/${aws:PrincipalTag/name}"`)},
	{"L-1", 0, allow("iam:*", `["arn:aws:iam::*:user/*/${aws:username}","arn:aws:iam::*:mfa/*"]`), allow("iam:*", `["arn:aws:iam::*:user/*${aws:username}","arn:aws:iam::*:mfa/*"]`)},
	{"L-1", 0, allow("iam:EnableMFADevice", `"arn:aws:iam::*:user/${saml:sub}"`), allow("iam:EnableMFADevice", `"arn:aws:iam::*:user/${saml:sub}"`) + "," + allow("iam:*", `"*"`)},
	{"U-1", 0, allow("iam:CreateAccessKey", `"arn:aws:iam::123456789012:user/${aws:username}*"`), allow("iam:CreateAccessKey", bothOwn)},
	{"U-1", 0, guard("", "") + "," + strings.Replace(noOthers, `user/${aws:username}"`, `user/*${aws:username}"`, 1), guard("", "", noOthers)},
	{"T-1", 0, trust(alice, "") + "," + trust(alice, mfa), trust(alice, mfa) + "," + trust(alice, mfa)},
	{"T-1", 0, trust(alice, mfa) + "," + trust(external, ""), trust(alice, mfa) + "," + trust(external, mfa)},
	{"T-1", 0, trust(alice, mfa) + "," + trust(external, ""), trust(alice, mfa) + "," + trust(`{"Service":"ec2.amazonaws.com"}`, "")},
	{"T-4", 0, web(github, ""), web(github, `"StringLike":{"token.actions.githubusercontent.com:sub":"repo:acme/*"}`)},
	{"T-4", 0, web(github, `"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"}`), web(github, `"StringEquals":{"token.actions.githubusercontent.com:sub":"repo:acme/app:ref:refs/heads/main"}`)},
	{"T-4", 0, web(github, `"StringLike":{"token.actions.githubusercontent.com:sub":"repo:acme*:*"}`), web(github, `"StringLike":{"token.actions.githubusercontent.com:sub":"repo:acme/a*:*"}`)},
	{"T-4", 0, web(github, `"StringLike":{"token.actions.githubusercontent.com:sub":"*:acme/*"}`), web(github, `"StringEquals":{"token.actions.githubusercontent.com:sub":"repo:acme/app:ref:refs/heads/main"}`)},
	{"T-4", 0, web(github, `"StringLike":{"token.actions.githubusercontent.com:sub":"*acme/app*"}`), web(github, `"StringLike":{"token.actions.githubusercontent.com:sub":"repo:acme/*:environment:*"}`)},
	{"T-4", 0, web(github, `"StringLike":{"token.actions.githubusercontent.com:sub":"repo:*/app:*"}`), web(github, `"StringLike":{"token.actions.githubusercontent.com:sub":["repo:acme/app:*"]}`)},
	{"T-4", 0, web("cognito-identity.amazonaws.com", `"ForAnyValue:StringLike":{"cognito-identity.amazonaws.com:amr":"authenticated"}`),
		web("cognito-identity.amazonaws.com", `"StringEquals":{"cognito-identity.amazonaws.com:aud":"us-east-1:12345678-abcd-abcd-abcd-123456790ab"},"ForAnyValue:StringLike":{"cognito-identity.amazonaws.com:amr":"authenticated"}`)},
	{"T-4", 0, trust(`{"Service":"rolesanywhere.amazonaws.com"}`, ""), trust(`{"Service":"rolesanywhere.amazonaws.com"}`, `"ArnEquals":{"aws:SourceArn":"arn:aws:rolesanywhere:us-east-1:123456789012:trust-anchor/a"}`)},
	{"T-2", 0, trust(`{"AWS":"AIDAABCDEFGHIJKLMNOP"}`, mfa), trust(alice, mfa)},
	{"T-2", 0, trust(`{"AWS":"arn:aws:iam::123456789012:user/*"}`, mfa), trust(external, mfa+`,"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::123456789012:user/*"}`)},
	{"T-2", 0, trust(`{"AWS":"arn:aws:iam::123456789012:user/${aws:username}"}`, mfa), trust(alice, mfa)},
	{"T-2", policy.Resource, `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/*"}`, bucketAllow(user, "s3:*", "b/*", "")},
	{"O-1", policy.SCP, guard("", ""), guard("", `,"ArnLike":{"aws:PrincipalArn":"arn:*:iam::*:user/*"}`)},
	{"O-1", policy.SCP, deny(noMFA), deny(noMFA + `,"StringEquals":{"aws:PrincipalType":"User"}`)},
	{"O-1", policy.RCP, `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{` + noMFA + `}}`,
		`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{` + noMFA + `,"ArnLike":{"aws:PrincipalArn":"arn:*:iam::*:user/*"}}}`},
	{"O-2", policy.SCP, guard("", ""), deny(noMFA)},
	{"A-1", 0, allow("ec2:*", `"*"`) + `,{"Effect":"Allow","Action":["ec2:TerminateInstances","iam:CreateUser"],"Resource":"*","Condition":{` + mfa + `}}`,
		allow("ec2:Describe*", `"*"`) + `,{"Effect":"Allow","Action":["ec2:TerminateInstances","iam:CreateUser"],"Resource":"*","Condition":{` + mfa + `}}`},
	{"A-1", 0, allow("s3:*", `"*"`) + `,{"Effect":"Allow","Action":"s3:Delete*","Resource":"arn:aws:s3:::b/*","Condition":{` + mfa + `}}`,
		allow("s3:*", `"arn:aws:s3:::b/ex*"`) + `,{"Effect":"Allow","Action":["s3:DeleteObject"],"Resource":"arn:aws:s3:::b/*","Condition":{` + mfa + `}}`},
	{"R-2", policy.Resource, `{"Effect":"Allow","NotPrincipal":"*","Action":"*","Resource":"*","Condition":{` + mfa + `}},` + bucketDeny(root, ""), `{"Effect":"Allow","NotPrincipal":"*","Action":"*","Resource":"*","Condition":{` + mfa + `}}`},
	{"A-1", policy.Boundary, `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{` + mfa + `}}`, allow("*", `"*"`) + "," + guard("", "")},
	{"A-1", policy.SCP, `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{` + mfa + `}}`, allow("*", `"*"`) + "," + guard("", "")},
	{"A-1", 0, `{"Effect":"Allow","Action":"ec2:*","Resource":"*","Condition":{` + mfa + `}}`, `{"Effect":"Allow","Action":"ec2:*","Resource":"*","Condition":{` + mfa + `}},` + guard("", "")},
	{"K-1", 0, deny(`"BoolIfExists":{"aws:MultiFactorAuthPresented":"false"}`), deny(noMFA)},
	{"K-1", 0, gate(`"Bool":{"aws:MFAPresent":"true"}`), gate(mfa)},
	{"K-1", 0, gate(`"BoolIfExists":{"aws:MultiFactorAuthPresen":"true"}`), gate(mfa)},
	{"K-1", 0, gate(`"NumericLessThan":{"aws:MFAAge":"60"}`), gate(`"NumericLessThan":{"aws:MultiFactorAuthAge":"60"}`)},
	{"K-1", 0, trust(alice, `"Bool":{"aws:MultifactorPresent":"true"}`), trust(alice, mfa)},
	{"K-2", 0, gate(mfa + `,"StringEquals":{"aws:PrincipalOrgIDs":"o-a"}`), gate(mfa + `,"StringEquals":{"aws:principalorgid":"o-a"}`)},
	{"K-2", 0, gate(mfa + `,"StringEquals":{"nosuch:Key":"x"}`), gate(mfa + `,"StringEquals":{"ec2:ResourceTag/team":"x","aws:RequestTag/team":"x","token.example.com:sub":"x"}`)},
	{"K-3", 0, deny(noMFA) + `,` + allow("ec2:StopInstance", `"*"`), deny(noMFA) + `,` + allow("ec2:stopinstances", `"*"`)},
	{"K-3", 0, allow("s3:FrobnicateEverything", `"*"`), allow("nosuchservice:Frobnicate", `"*"`)},
	{"K-4", 0, allow("sts:AssumeRole", `"arn:aws:iam::ACCOUNT-ID:role/A"`), allow("sts:AssumeRole", `["arn:aws:iam::123456789012:role/A","arn:aws:iam::*:role/A","arn:aws:iam::aws:policy/A"]`)},
	{"K-4", 0, trust(`{"AWS":"YOUR-ACCOUNT"}`, mfa), trust(external, mfa)},
	{"K-5", 0, `{"Statement":` + allow("iam:CreateAccessKey", `"arn:aws:iam::*:user/${aws:username}"`) + `}`, `{"Version":"2012-10-17","Statement":` + allow("iam:CreateAccessKey", `"arn:aws:iam::*:user/${aws:username}"`) + `}`},
	{"K-5", 0, `{"Version":"2008-10-17","Statement":` + gate(mfa+`,"StringEquals":{"aws:RequestTag/owner":"${aws:username}"}`) + `}`, `{"Statement":` + gate(mfa) + `}`},
	{"K-6", 0, `{"Effect":"Deny","Action":"sts:GetSessionToken","Resource":"*"},` + allow("s3:*", `"*"`), `{"Effect":"Deny","Action":"sts:GetFederationToken","Resource":"*"}`},
	{"K-6", 0, `{"Effect":"Deny","Action":["STS:getsessiontoken","s3:*"],"Resource":"*"}`, `{"Effect":"Allow","Action":["sts:GetSessionToken","s3:*"],"Resource":"*"}`},
	{"K-6", 0, allow("sts:GetSessionToken", `"*"`), allow("sts:GetFederationToken", `"*"`)},
	{"K-8", policy.Resource, `{"Effect":"Deny","NotPrincipal":{"AWS":["arn:aws:iam::111122223333:role/Admin","arn:aws:iam::111122223333:root"]},"Action":"s3:*","Resource":"arn:aws:s3:::b/*","Condition":{` + noMFA + `}}`, bucketDeny(user, "")},
	{"K-8", 0, guard("", `,"Bool":{"aws:SecureTransport":"yes"}`), guard("", "")},
	{"K-8", 0, guard("", "", strings.ReplaceAll(noOthers, "${aws:username}", "${saml:sub}")), guard("", "", noOthers)},
	{"K-8", 0, guard("", `,"IpAddress":{"aws:SourceIp":[]}`), guard("", "")},
	{"K-8", 0, strings.Replace(guard("", ""), `"Resource":"*"`, `"Resource":"arn:aws:s3*"`, 1), guard("", "")},
	{"K-7", 0, guard(`,"*"`, ""), guard("", "")},
	{"K-7", 0, `{"Effect":"Deny","Action":"*","NotResource":"*","Condition":{` + noMFA + `}}`, guard("", "")},
	{"K-7", 0, `{"Effect":"Allow","NotAction":"*","Resource":"*"}`, allow("s3:*", `"*"`)},
}

// long is a list of resources of about so many characters.
func long(size int) string {
	name := `"arn:aws:s3:::` + strings.Repeat("x", 80) + `"`
	return "[" + strings.Repeat(name+",", size/len(name)) + name + "]"
}

func TestEveryShapeOfEveryRule(t *testing.T) {
	for _, p := range pairs {
		t.Run(p.code, func(t *testing.T) {
			if got := plain(check(t, p.kind, p.text(p.bad))); !slices.Contains(got, p.code) {
				t.Errorf("%v in %.600s", got, p.bad)
			}
			for _, f := range check(t, p.kind, p.text(p.good)).Findings {
				if f.Code == p.code {
					t.Errorf("%s: %s in %.600s", f.Where(), f.What, p.good)
				}
			}
		})
	}
}

func TestEveryRuleIsWholeAndTested(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range lint.Rules {
		tested := slices.ContainsFunc(pairs, func(p pair) bool { return p.code == r.Code }) || strings.HasPrefix(r.Code, "W-") || r.Code == "T-3"
		if seen[r.Code] || r.Title == "" || r.Means == "" || r.Remedy == "" || r.Severity == "" || !tested || strings.Contains(r.Means+r.Remedy+r.Title, "|") {
			t.Errorf("%+v", r)
		}
		seen[r.Code] = true
	}
}

// Rules about requests show one. Those that do not are about the text, or about
// what cannot be made up.
func TestFindingsAboutRequestsHaveAnExample(t *testing.T) {
	text := []string{"D-4", "D-20", "O-2", "K-2", "K-3", "K-4", "K-5", "K-6", "K-7", "K-8", "T-2", "G-2", "M-10", "K-9", "K-10", "K-11", "T-4"}
	for _, p := range pairs {
		for _, f := range check(t, p.kind, p.text(p.bad)).Findings {
			if f.Code == p.code && f.Example == nil && !slices.Contains(text, f.Code) {
				t.Errorf("%s has no example in %s", f.Code, p.bad)
			}
		}
	}
}

func TestNewDocumentIsComparedWithTheOldOne(t *testing.T) {
	sound := doc(guard("", "", noOthers, noKeys))
	for _, row := range []struct{ name, text, want string }{
		{"the same", sound, ""},
		{"stricter", doc(guard("", "", noOthers, noKeys), deny(noMFA)), ""},
		{"an exception more", doc(guard(`,"s3:GetObject"`, "", noOthers, noKeys)), "W-1"},
		{"Bool", strings.Replace(sound, "BoolIfExists", "Bool", 1), "W-1"},
		{"a statement less", doc(guard("", "", noKeys)), "W-1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			f, err := lint.Compare(policy.Identity, sound, row.text)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if f != nil {
				got = f.Code
				checkExample(t, policy.Identity, row.text, f)
			}
			if got != row.want {
				t.Errorf("%+v, want %q", f, row.want)
			}
		})
	}
	if f, err := lint.Compare(policy.Trust, doc(trust(alice, mfa)), doc(trust(alice, mfa))); err != nil || f == nil || f.Code != "W-2" || !strings.Contains(f.What, "a trust policy") {
		t.Error("trust policies were compared")
	}
}

// The policy of a resource cannot guard IAM, so the rules about the exceptions of a guard
// don't apply to it.
func TestResourcePoliciesAreNoGuards(t *testing.T) {
	notAction := strings.Replace(bucketDeny(`"*"`, ""), `"Action":"s3:*"`, `"NotAction":"s3:GetObject"`, 1)
	for text, kind := range map[string]policy.Kind{doc(notAction): policy.Resource, doc(strings.Replace(bucketDeny(`"*"`, ""), "s3:*", "*", 1)): policy.RCP} {
		report, err := lint.Check(kind, text)
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range []string{"E-1", "E-2", "E-3", "E-4", "D-1", "D-21"} {
			if f := find(report, code); f != nil {
				t.Errorf("%v: %s: %s", kind, code, f.What)
			}
		}
	}
}

// Placeholders of templates and of people, and variables with a key that no request has.
func TestPlaceholdersOfResourcesAreReported(t *testing.T) {
	for name, meant := range map[string]string{
		"${aws:user}": "${aws:username}", "${iam:username}": "${aws:username}", "${ aws:username }": "${aws:username}", "#{aws:username}": "${aws:username}",
		`\\${aws:username}`: "${aws:username}", "${aws:usrid}": "${aws:userid}", "${foo:bar}": "", "{{user}}": "", "#{user}": "", "%{user}": "", "@user@": "", "@@USER@@": "",
		"__USER__": "", "%USER%": "", "%s": "", "[username]": "", "USERNAME": "", "your-user-name": "", "TODO": "", "CHANGE_ME": "", "xxxx": "",
	} {
		text := doc(allow("iam:EnableMFADevice", `"arn:aws:iam::123456789012:user/`+name+`"`))
		report, err := lint.Check(0, text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		f := find(report, "K-4")
		switch {
		case f == nil:
			t.Errorf("%s: no K-4: %v", name, foundCodes(report))
		case meant != "" && !strings.HasSuffix(f.What, "did you mean arn:aws:iam::123456789012:user/"+meant+"?"), meant == "" && strings.Contains(f.What, "did you mean"):
			t.Errorf("%s: %s", name, f.What)
		}
	}
	for _, name := range []string{"${aws:username}", "${AWS:UserName}", "${aws:PrincipalTag/team, 'none'}", "youri", "bob_x", "todor", "a@example.com", "100%", "${*}"} {
		report, err := lint.Check(0, doc(allow("iam:EnableMFADevice", `"arn:aws:iam::123456789012:user/`+name+`"`)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if f := find(report, "K-4"); f != nil {
			t.Errorf("%s: %s", name, f.What)
		}
	}
}

// The correction of a Deny that names enrollment actions keeps its other actions.
func TestUnlockingKeepsTheOtherActions(t *testing.T) {
	for statement, kept := range map[string]string{
		`{"Effect":"Deny","Action":["iam:EnableMFADevice","iam:DeleteUser"],"Resource":"*"}`:                              `"iam:DeleteUser"`,
		`{"Effect":"Deny","Action":["iam:enablemfadevice","iam:DeleteUser","iam:CreateVirtualMFADevice"],"Resource":"*"}`: `"iam:DeleteUser"`,
		`{"Effect":"Deny","Action":["iam:*MFADevice","iam:DeleteUser"],"Resource":"*"}`:                                   "",
	} {
		report, err := lint.Check(0, doc(guard("", "", statement)))
		if err != nil {
			t.Fatal(err)
		}
		f := find(report, "L-1")
		switch {
		case f == nil:
			t.Errorf("%s: no L-1: %v", statement, foundCodes(report))
		case kept == "" && f.Fix != nil:
			t.Errorf("%s: corrected to %s", statement, f.Fix.Changes[0].Text)
		case kept != "" && (f.Fix == nil || !strings.Contains(string(f.Fix.Changes[0].Text), kept) || strings.Contains(strings.ToLower(string(f.Fix.Changes[0].Text)), "enablemfadevice")):
			t.Errorf("%s: corrected to %+v", statement, f.Fix)
		}
	}
}
