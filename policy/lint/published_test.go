package lint_test

import (
	"strings"
	"testing"

	"forcemfa/policy"
	"forcemfa/policy/lint"
)

// The guard of AWS's example for FIDO security keys, as the IAM User Guide describes
// it: enabling a device is open, creating a virtual one is not.
const passkeys = `{"Version":"2012-10-17","Statement":[
{"Sid":"AllowManageOwn","Effect":"Allow","Action":["iam:DeactivateMFADevice","iam:EnableMFADevice","iam:GetMFADevice","iam:ListMFADevices","iam:ResyncMFADevice"],"Resource":["arn:aws:iam::*:user/${aws:username}","arn:aws:iam::*:user/*/${aws:username}"]},
{"Sid":"Guard","Effect":"Deny","NotAction":["iam:EnableMFADevice","iam:GetMFADevice","iam:GetUser","iam:ListMFADevices","iam:ListVirtualMFADevices","iam:ResyncMFADevice","sts:GetSessionToken"],"Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}]}`

func TestAPasskeyIsADevice(t *testing.T) {
	f := find(check(t, policy.Identity, passkeys), "L-1")
	if f == nil || f.Severity != lint.Info || !strings.Contains(f.What, "passkeys and security keys") {
		t.Errorf("got %+v", f)
	}
	locked := strings.Replace(passkeys, `"NotAction":["iam:EnableMFADevice",`, `"NotAction":[`, 1)
	if f := find(check(t, policy.Identity, locked), "L-1"); f == nil || f.Severity != lint.High {
		t.Errorf("nothing can be enrolled: got %+v", f)
	}
}

func TestUnknownActionsNameTheCatalogAndWhatWasMeant(t *testing.T) {
	text := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Resource":"*","Action":
["s3:HeadObject","lambda:Invoke","ec2:DescribeInstance","s3:FrobnicateBucket","signin:CreateBearerToken"]}}`
	f := find(check(t, policy.Identity, text), "K-3")
	if f == nil {
		t.Fatal("no K-3")
	}
	for _, want := range []string{
		"unknown to the catalog of 20", "s3:HeadObject (did you mean s3:GetObject?)", "lambda:Invoke (did you mean lambda:InvokeFunction?)",
		"ec2:DescribeInstance (did you mean ec2:DescribeInstances?)", "s3:FrobnicateBucket; misspelled, or newer",
	} {
		if !strings.Contains(f.What, want) {
			t.Errorf("%q lacks %q", f.What, want)
		}
	}
	if strings.Contains(f.What, "CreateBearerToken") || f.Fix != nil {
		t.Errorf("%q, fix %v: AWS has signin:CreateBearerToken, and one name has no correction", f.What, f.Fix)
	}
}

func TestReasonsNameTheStatementOfTheDocument(t *testing.T) {
	text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*"},{"Sid":"Two","Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3"}]}`
	f := find(check(t, policy.Identity, text), "K-8")
	if f == nil || f.Statement != 1 || strings.Contains(f.What, "statement 1") {
		t.Errorf("got %+v", f)
	}
}
