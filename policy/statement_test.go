package policy_test

import (
	"testing"

	. "forcemfa/policy"
)

// applied reports whether a statement applies to an action on a resource: yes, no
// or maybe, read off the decision on it as an Allow and as a Deny.
func applied(t testing.TB, version, elements, action, resource string, c *Context) (asAllow, asDeny string) {
	t.Helper()
	decide := func(statements string) Verdict {
		set := &Set{Identity: []Source{parse(t, Identity, `{"Version":"`+version+`","Statement":[`+statements+`]}`)}}
		return set.Decide(&Request{Principal: bob, Action: action, Resource: resource, Context: c}).Verdict
	}
	const everything = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	allow := map[Verdict]string{Allowed: "yes", ImplicitDenied: "no", Unknown: "maybe"}
	deny := map[Verdict]string{Allowed: "no", ExplicitDenied: "yes", Unknown: "maybe"}
	return allow[decide(`{"Effect":"Allow",`+elements+`}`)], deny[decide(everything+`,{"Effect":"Deny",`+elements+`}`)]
}

type statementCase struct {
	elements, action, resource, keys string
	want                             string // yes, no or maybe; two when Allow and Deny differ
	source                           string
}

const (
	elementAction   = "IAM User Guide, reference_policies_elements_action"
	elementResource = "IAM User Guide, reference_policies_elements_resource"
	notDocumented   = "not documented: both readings"
	bucket          = "arn:aws:s3:::reports"
)

func TestStatements(t *testing.T) {
	rows := []statementCase{
		// Action
		{`"Action":"s3:GetObject","Resource":"*"`, "s3:GetObject", "*", "", "yes", elementAction},
		{`"Action":"s3:GetObject","Resource":"*"`, "S3:getobject", "*", "", "yes", elementAction + ", case"},
		{`"Action":"S3:GETOBJECT","Resource":"*"`, "s3:GetObject", "*", "", "yes", elementAction + ", case"},
		{`"Action":"s3:GetObject","Resource":"*"`, "s3:GetObjectAcl", "*", "", "no", elementAction},
		{`"Action":"s3:GetObject","Resource":"*"`, "s3x:GetObject", "*", "", "no", elementAction},
		{`"Action":"s3:Get*","Resource":"*"`, "s3:GetObject", "*", "", "yes", elementAction + ", wildcards"},
		{`"Action":"s3:Get*","Resource":"*"`, "s3:Get", "*", "", "yes", elementAction + ", wildcards"},
		{`"Action":"s3:Get*","Resource":"*"`, "s3:PutObject", "*", "", "no", elementAction + ", wildcards"},
		{`"Action":"iam:*AccessKey*","Resource":"*"`, "iam:CreateAccessKey", "*", "", "yes", elementAction + ", wildcards"},
		{`"Action":"iam:*AccessKey*","Resource":"*"`, "iam:CreateUser", "*", "", "no", elementAction + ", wildcards"},
		{`"Action":"ec2:Describe?ags","Resource":"*"`, "ec2:DescribeTags", "*", "", "yes", elementAction + ", wildcards"},
		{`"Action":"ec2:Describe?ags","Resource":"*"`, "ec2:Describeags", "*", "", "no", elementAction + ", wildcards"},
		{`"Action":"ec2:*","Resource":"*"`, "iam:GetUser", "*", "", "no", elementAction + ", wildcards"},
		{`"Action":"*","Resource":"*"`, "iam:GetUser", "*", "", "yes", elementAction},
		{`"Action":["s3:*","iam:GetUser"],"Resource":"*"`, "iam:GetUser", "*", "", "yes", elementAction},
		{`"Action":["s3:*","iam:GetUser"],"Resource":"*"`, "iam:GetRole", "*", "", "no", elementAction},
		{`"Action":"s3:Get.bject","Resource":"*"`, "s3:GetObject", "*", "", "no", elementAction + ": . is a character"},
		{`"Action":"s3: GetObject","Resource":"*"`, "s3:GetObject", "*", "", "no", "white space in an action matches nothing"},
		{`"Action":"*:*","Resource":"*"`, "s3:GetObject", "*", "", "yes maybe", notDocumented},
		{`"Action":"*:GetObject","Resource":"*"`, "s3:GetObject", "*", "", "maybe", notDocumented},
		{`"Action":"*:GetObject","Resource":"*"`, "s3:PutObject", "*", "", "no", notDocumented + ", both no"},
		{`"Action":"s?:Get*","Resource":"*"`, "s3:GetObject", "*", "", "maybe", notDocumented},
		{`"Action":["s?:Get*","s3:GetObject"],"Resource":"*"`, "s3:GetObject", "*", "", "yes", "another pattern of the list matches"},
		// NotAction
		{`"NotAction":"s3:GetObject","Resource":"*"`, "s3:GetObject", "*", "", "no", "IAM User Guide, reference_policies_elements_notaction"},
		{`"NotAction":"s3:GetObject","Resource":"*"`, "s3:GETOBJECT", "*", "", "no", "IAM User Guide, reference_policies_elements_notaction"},
		{`"NotAction":"s3:*","Resource":"*"`, "iam:GetUser", "*", "", "yes", "IAM User Guide, reference_policies_elements_notaction"},
		{`"NotAction":["s3:*","iam:Get*"],"Resource":"*"`, "iam:GetUser", "*", "", "no", "IAM User Guide, reference_policies_elements_notaction"},
		{`"NotAction":"*","Resource":"*"`, "iam:GetUser", "*", "", "no", "IAM User Guide, reference_policies_elements_notaction"},
		{`"NotAction":"*:*","Resource":"*"`, "iam:GetUser", "*", "", "maybe", notDocumented},
		{`"NotAction":"s?:*","Resource":"*"`, "iam:GetUser", "*", "", "yes", notDocumented + ", both yes"},
		// Resource
		{`"Action":"*","Resource":"arn:aws:s3:::reports"`, "s3:ListBucket", bucket, "", "yes", elementResource},
		{`"Action":"*","Resource":"arn:aws:s3:::Reports"`, "s3:ListBucket", bucket, "", "no", "S3 names compare with case"},
		{`"Action":"*","Resource":"arn:aws:s3:::reports"`, "s3:GetObject", bucket + "/a", "", "no", elementResource},
		{`"Action":"*","Resource":"arn:aws:s3:::reports/*"`, "s3:GetObject", bucket + "/a/b:c", "", "yes", elementResource + ": * goes over / and :"},
		{`"Action":"*","Resource":"arn:aws:s3:::rep*/q?.csv"`, "s3:GetObject", bucket + "/2026/q3.csv", "", "yes", elementResource + ", wildcards"},
		{`"Action":"*","Resource":"arn:aws:s3:::*"`, "s3:GetObject", bucket + "/a", "", "yes", elementResource + ", wildcards"},
		{`"Action":"*","Resource":"arn:aws:iam::*:user/*"`, "iam:GetUser", bobARN, "", "yes", elementResource + ", wildcards"},
		{`"Action":"*","Resource":"arn:aws:iam::*:user/*"`, "iam:GetRole", "arn:aws:iam::123456789012:role/user/x", "", "no", elementResource},
		{`"Action":"*","Resource":"arn:aws:sns:*:123456789012:orders"`, "sns:Publish", "arn:aws:sns:eu-west-1:123456789012:orders", "", "yes", elementResource},
		{`"Action":"*","Resource":"arn:aws:*:orders:x:y"`, "sns:Publish", "arn:aws:sns:eu-west-1:orders:x:y", "", "no", elementResource + ": * stays within its part"},
		{`"Action":"*","Resource":["arn:aws:s3:::a","arn:aws:s3:::reports"]`, "s3:ListBucket", bucket, "", "yes", elementResource},
		{`"Action":"*","Resource":"arn:aws:iam::123456789012:user/bob"`, "iam:ListUsers", "*", "", "no", "an action without resource needs *"},
		{`"Action":"*","Resource":"arn:*:*:*:*:*"`, "iam:ListUsers", "*", "", "no", "an action without resource needs *"},
		{`"Action":"*","Resource":"*"`, "iam:ListUsers", "*", "", "yes", elementResource},
		{`"Action":"*","Resource":"arn:aws:ec2:*:*:*/i-1"`, "ec2:StopInstances", "arn:aws:ec2:us-east-1:123456789012:instance/i-1", "", "maybe", elementResource + `, "incorrect usage"`},
		{`"Action":"*","Resource":"arn:aws:ec2:*:*:*/i-1"`, "ec2:StopInstances", "arn:aws:ec2:us-east-1:123456789012:instance/i-2", "", "no", notDocumented + ", both no"},
		{`"Action":"*","Resource":"arn:aws:s3:::*/a"`, "s3:GetObject", bucket + "/a", "", "yes", "S3 ARNs have no type"},
		{`"Action":"*","Resource":"arn:aws:execute-api:*:*:*/prod/GET/*"`, "execute-api:Invoke", "arn:aws:execute-api:us-east-1:123456789012:a1/prod/GET/x", "", "yes", "API Gateway ARNs have no type"},
		{`"Action":"*","Resource":"arn:aws:s3"`, "s3:ListBucket", bucket, "", "maybe", notDocumented + ", short ARN"},
		{`"Action":"*","Resource":"arn:aws:s3*"`, "s3:ListBucket", bucket, "", "maybe", notDocumented + ", short ARN"},
		{`"Action":"*","Resource":"arn:${aws:username}:s3"`, "s3:ListBucket", bucket, "", "maybe", notDocumented + ", short ARN"},
		{`"Action":"*","Resource":"arn:aws:iam"`, "s3:ListBucket", bucket, "", "no", notDocumented + ", both no"},
		{`"Action":"*","Resource":"*reports"`, "s3:ListBucket", bucket, "", "maybe", notDocumented + ", short ARN"},
		// Variables in resources
		{`"Action":"*","Resource":"arn:aws:iam::*:user/${aws:username}"`, "iam:GetUser", bobARN, "aws:username=bob", "yes", "IAM User Guide, reference_policies_variables"},
		{`"Action":"*","Resource":"arn:aws:iam::*:user/${aws:username}"`, "iam:GetUser", bobARN, "aws:username=eve", "no", "IAM User Guide, reference_policies_variables"},
		{`"Action":"*","Resource":"arn:aws:iam::*:user/${aws:username}"`, "iam:GetUser", bobARN, "aws:username=*", "no", "a value is literal"},
		{`"Action":"*","Resource":"arn:aws:iam::*:user/${aws:username}"`, "iam:GetUser", bobARN, "", "no", "IAM User Guide, reference_policies_variables, no value"},
		{`"Action":"*","Resource":["arn:aws:iam::*:user/${aws:username}","arn:aws:iam::*:user/b*"]`, "iam:GetUser", bobARN, "", "yes", "another pattern of the list matches"},
		{`"Action":"*","Resource":"arn:aws:iam::*:user/*/${aws:username}"`, "iam:GetUser", "arn:aws:iam::123456789012:user/team/x/bob", "aws:username=bob", "yes", "a user with a path"},
		{`"Action":"*","Resource":"arn:aws:iam::*:user/*/${aws:username}"`, "iam:GetUser", bobARN, "aws:username=bob", "no", "a user without a path"},
		{`"Action":"*","Resource":"arn:aws:s3:::home/${aws:username, 'guest'}/*"`, "s3:GetObject", "arn:aws:s3:::home/guest/x", "", "yes", "IAM User Guide, reference_policies_variables, default"},
		{`"Action":"*","Resource":"arn:aws:s3:::home/${*}"`, "s3:GetObject", "arn:aws:s3:::home/*", "", "yes", "IAM User Guide, reference_policies_variables, special characters"},
		{`"Action":"*","Resource":"arn:aws:s3:::home/${*}"`, "s3:GetObject", "arn:aws:s3:::home/x", "", "no", "IAM User Guide, reference_policies_variables, special characters"},
		{`"Action":"*","Resource":"arn:aws:s3:::home/${aws:PrincipalTag/a:b}"`, "s3:GetObject", "arn:aws:s3:::home/x", "aws:PrincipalTag/a:b=x", "yes", "a colon in a variable is no part of the ARN"},
		{`"Action":"*","Resource":"arn:aws:iam::${aws:PrincipalAccount}:user/*"`, "iam:GetUser", bobARN, "aws:PrincipalAccount=123456789012", "maybe", "IAM User Guide, reference_policies_variables: not before the fifth colon"},
		{`"Action":"*","Resource":"arn:aws:iam::${aws:PrincipalAccount}:user/*"`, "iam:GetUser", bobARN, "aws:PrincipalAccount=210987654321", "no", notDocumented + ", both no"},
		// NotResource
		{`"Action":"*","NotResource":"arn:aws:s3:::reports"`, "s3:ListBucket", bucket, "", "no", "IAM User Guide, reference_policies_elements_notresource"},
		{`"Action":"*","NotResource":"arn:aws:s3:::other"`, "s3:ListBucket", bucket, "", "yes", "IAM User Guide, reference_policies_elements_notresource"},
		{`"Action":"*","NotResource":["arn:aws:s3:::other","arn:aws:s3:::rep*"]`, "s3:ListBucket", bucket, "", "no", "IAM User Guide, reference_policies_elements_notresource"},
		{`"Action":"*","NotResource":"arn:aws:s3:::other"`, "iam:ListUsers", "*", "", "yes", "IAM User Guide, reference_policies_elements_notresource"},
		{`"Action":"*","NotResource":"*"`, "iam:ListUsers", "*", "", "no", "IAM User Guide, reference_policies_elements_notresource"},
		{`"Action":"*","NotResource":"arn:aws:iam::*:user/${aws:username}"`, "iam:EnableMFADevice", bobARN, "aws:username=bob", "no", "IAM User Guide, reference_policies_elements_notresource"},
		{`"Action":"*","NotResource":"arn:aws:iam::*:user/${aws:username}"`, "iam:EnableMFADevice", bobARN, "aws:username=eve", "yes", "IAM User Guide, reference_policies_elements_notresource"},
		{`"Action":"*","NotResource":"arn:aws:iam::*:user/${aws:username}"`, "iam:EnableMFADevice", bobARN, "", "maybe", notDocumented},
		{`"Action":"*","NotResource":["arn:aws:iam::*:user/${aws:username}","arn:aws:s3:::other"]`, "iam:EnableMFADevice", bobARN, "", "maybe", notDocumented},
		{`"Action":"*","NotResource":["arn:aws:iam::*:user/${aws:username}","arn:aws:iam::*:user/*"]`, "iam:EnableMFADevice", bobARN, "", "no", "another pattern of the list matches"},
		{`"Action":"*","NotResource":"arn:aws:s3"`, "s3:ListBucket", bucket, "", "maybe", notDocumented + ", short ARN"},
	}
	for _, row := range rows {
		t.Run(row.elements+" "+row.action+" "+row.resource+" "+row.keys, func(t *testing.T) {
			var pairs []string
			if row.keys != "" {
				pairs = []string{row.keys}
			}
			allow, deny := applied(t, "2012-10-17", row.elements, row.action, row.resource, keys(pairs...))
			got := allow
			if deny != allow {
				got += " " + deny
			}
			if got != row.want {
				t.Errorf("got %s, want %s (%s)", got, row.want, row.source)
			}
		})
	}
}

// Source: IAM User Guide, "IAM JSON policy elements: Version".
func TestOldVersionTakesAVariableInAResourceLiterally(t *testing.T) {
	const elements = `"Action":"*","Resource":"arn:aws:s3:::home/${aws:username}"`
	c := keys("aws:username=bob")
	if allow, deny := applied(t, "2008-10-17", elements, "s3:GetObject", "arn:aws:s3:::home/bob", c); allow != "no" || deny != "no" {
		t.Errorf("substituted: %s %s", allow, deny)
	}
	if allow, deny := applied(t, "2008-10-17", elements, "s3:GetObject", "arn:aws:s3:::home/${aws:username}", c); allow != "yes" || deny != "yes" {
		t.Errorf("literal: %s %s", allow, deny)
	}
}

func TestARequestWithoutServiceMatchesOnlyStar(t *testing.T) {
	for action, want := range map[string]string{"": "no", "GetUser": "no", ":": "no", "iam:": "yes"} {
		if allow, _ := applied(t, "2012-10-17", `"Action":"iam:*","Resource":"*"`, action, "*", nil); allow != want {
			t.Errorf("%q: %s", action, allow)
		}
	}
	if allow, _ := applied(t, "2012-10-17", `"Action":"*","Resource":"*"`, "", "*", nil); allow != "yes" {
		t.Errorf("star: %s", allow)
	}
}

// The policy of an API may name its methods without the rest of the ARN.
// Source: API Gateway Developer Guide, "API Gateway resource policy examples".
func TestAResourcePolicyOfAnAPINamesItsOwnMethods(t *testing.T) {
	deny := func(resource string) Source {
		return ParseSource("API", Resource, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"*"},
			{"Effect":"Deny","Principal":"*","Action":"execute-api:Invoke","Resource":"`+resource+`"}]}`)
	}
	for _, c := range []struct {
		resource string
		want     Verdict
	}{
		{"execute-api:/*", ExplicitDenied},
		{"execute-api:/prod/GET/*", ExplicitDenied},
		{"execute-api:/test/*", Allowed},
	} {
		r := &Request{Principal: Principal{Kind: IAMUser, Account: "123456789012", ARN: "arn:aws:iam::123456789012:user/bob"},
			Action: "execute-api:Invoke", Resource: "arn:aws:execute-api:us-east-1:123456789012:a1/prod/GET/x", Context: &Context{}, ResourceAccount: "123456789012",
			Policies: []Source{deny(c.resource)}}
		if d := new(Set).Decide(r); d.Verdict != c.want {
			t.Errorf("%s: %v, not %v: %s", c.resource, d.Verdict, c.want, d.Why)
		}
	}
}
