package prove_test

import (
	"strings"
	"testing"

	"forcemfa/policy"
	"forcemfa/policy/prove"
)

// A mutation is one single change of the shipped document.
type mutation struct {
	name     string
	from, to string
	// lint says why the prover has nothing to say: what the change leaves is as
	// tight as before for a request without MFA, or cannot be decided.
	lint string
}

const (
	bigCondition   = `"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}`
	sidBig         = `"DenyAllExceptEnrollmentWithoutMFA",` + "\n      " + `"Effect": "Deny",`
	sidOthers      = `"DenyOthersMFAWithoutMFA",` + "\n      " + `"Effect": "Deny",`
	sidKey         = `"DenyEnrollmentByAccessKey",` + "\n      " + `"Effect": "Deny",`
	othersActions  = `"Action": ["iam:EnableMFADevice", "iam:ResyncMFADevice"],`
	keyActions     = `"Action": ["iam:CreateVirtualMFADevice", "iam:EnableMFADevice"],`
	ownUsers       = `["arn:aws:iam::*:user/${aws:username}", "arn:aws:iam::*:user/*/${aws:username}"]`
	firstException = `"iam:CreateVirtualMFADevice",` + "\n        "
)

var mutations = []mutation{
	// operators
	{name: "Bool for BoolIfExists", from: bigCondition, to: `"Bool": {"aws:MultiFactorAuthPresent": "false"}`},
	{name: "Null true", from: bigCondition, to: `"Null": {"aws:MultiFactorAuthPresent": "true"}`},
	{name: "Null false", from: bigCondition, to: `"Null": {"aws:MultiFactorAuthPresent": "false"}`},
	{name: "StringEquals", from: bigCondition, to: `"StringEquals": {"aws:MultiFactorAuthPresent": "false"}`},
	{name: "StringLike", from: bigCondition, to: `"StringLike": {"aws:MultiFactorAuthPresent": "f*"}`},
	{name: "StringNotEqualsIfExists false", from: bigCondition, to: `"StringNotEqualsIfExists": {"aws:MultiFactorAuthPresent": "false"}`},
	{name: "ForAnyValue", from: bigCondition, to: `"ForAnyValue:Bool": {"aws:MultiFactorAuthPresent": "false"}`},
	{name: "ForAllValues true", from: bigCondition, to: `"ForAllValues:Bool": {"aws:MultiFactorAuthPresent": "true"}`},
	{name: "StringNotEquals true is as good", from: bigCondition, to: `"StringNotEquals": {"aws:MultiFactorAuthPresent": "true"}`,
		lint: "an odd way of saying the same"},
	{name: "ForAllValues false is as good", from: bigCondition, to: `"ForAllValues:Bool": {"aws:MultiFactorAuthPresent": "false"}`,
		lint: "a set operator on a key with one value, true when it is absent"},
	// values
	{name: "true", from: bigCondition, to: `"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}`},
	{name: "an empty value", from: bigCondition, to: `"BoolIfExists": {"aws:MultiFactorAuthPresent": ""}`},
	{name: "a number", from: bigCondition, to: `"BoolIfExists": {"aws:MultiFactorAuthPresent": "0"}`},
	{name: "a wildcard in a Bool", from: bigCondition, to: `"BoolIfExists": {"aws:MultiFactorAuthPresent": "f*"}`},
	{name: "a variable in a Bool", from: bigCondition, to: `"Bool": {"aws:MultiFactorAuthPresent": "${aws:ViaAWSService}"}`},
	{name: "both values", from: bigCondition, to: `"BoolIfExists": {"aws:MultiFactorAuthPresent": ["true", "false"]}`,
		lint: "it refuses requests with MFA too: a lock-out, no hole"},
	// keys
	{name: "a misspelt key", from: bigCondition, to: `"Bool": {"aws:MultiFactorAuthPresence": "false"}`},
	{name: "a misspelt key, IfExists", from: bigCondition, to: `"BoolIfExists": {"aws:MultiFactorAuthenticated": "false"}`},
	{name: "the age without IfExists", from: bigCondition, to: `"NumericGreaterThan": {"aws:MultiFactorAuthAge": "3600"}`},
	{name: "the age less than", from: bigCondition, to: `"NumericLessThanIfExists": {"aws:MultiFactorAuthAge": "3600"}`,
		lint: "without MFA there is no age, and IfExists refuses; with MFA it refuses the fresh"},
	{name: "the age alone is as good", from: bigCondition, to: `"Null": {"aws:MultiFactorAuthAge": "true"}`, lint: "MFA and age come together"},
	// conditions more
	{name: "in one region", from: bigCondition, to: bigCondition + `, "StringEquals": {"aws:RequestedRegion": "eu-west-1"}`},
	{name: "outside of one region", from: bigCondition, to: bigCondition + `, "StringNotEquals": {"aws:RequestedRegion": "us-east-1"}`},
	{name: "outside of the office", from: bigCondition, to: bigCondition + `, "NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}`},
	{name: "inside of the office", from: bigCondition, to: bigCondition + `, "IpAddress": {"aws:SourceIp": "192.0.2.0/24"}`},
	{name: "until a date", from: bigCondition, to: bigCondition + `, "DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}`},
	{name: "from an epoch on", from: bigCondition, to: bigCondition + `, "NumericGreaterThan": {"aws:EpochTime": "1900000000"}`},
	{name: "for sessions", from: bigCondition, to: bigCondition + `, "Null": {"aws:TokenIssueTime": "false"}`},
	{name: "for keys", from: bigCondition, to: bigCondition + `, "Null": {"aws:TokenIssueTime": "true"}`},
	{name: "for encrypted requests", from: bigCondition, to: bigCondition + `, "Bool": {"aws:SecureTransport": "true"}`},
	{name: "for one user agent", from: bigCondition, to: bigCondition + `, "StringLike": {"aws:UserAgent": "aws-cli*"}`},
	{name: "for requests with a tag key", from: bigCondition, to: bigCondition + `, "ForAnyValue:StringEquals": {"aws:TagKeys": "a"}`},
	{name: "for others than bob", from: bigCondition, to: bigCondition + `, "StringNotEquals": {"aws:username": "bob"}`},
	{name: "for an account", from: bigCondition, to: bigCondition + `, "StringEquals": {"aws:PrincipalAccount": "222222222222"}`},
	{name: "for roles", from: bigCondition, to: bigCondition + `, "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}`},
	{name: "for the tagged", from: bigCondition, to: bigCondition + `, "StringEquals": {"aws:PrincipalTag/mfa": "required"}`},
	{name: "for own resources", from: bigCondition, to: bigCondition + `, "StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}`},
	// actions
	{name: "Action for NotAction", from: `"NotAction"`, to: `"Action"`},
	{name: "one exception more", from: firstException, to: firstException + `"iam:CreateAccessKey", `},
	{name: "a wildcard in the exceptions", from: `"iam:GetUser"`, to: `"iam:Get*"`},
	{name: "all of IAM is an exception", from: `"iam:GetUser"`, to: `"iam:*"`},
	{name: "a device can be deactivated", from: `"iam:ResyncMFADevice",` + "\n", to: `"iam:ResyncMFADevice", "iam:DeactivateMFADevice",` + "\n"},
	{name: "passwords can be changed", from: `"iam:ResyncMFADevice",` + "\n", to: `"iam:ResyncMFADevice", "iam:ChangePassword",` + "\n"},
	{name: "roles can be assumed", from: `"sts:GetSessionToken"`, to: `"sts:AssumeRole"`},
	{name: "federation tokens can be had", from: `"sts:GetSessionToken"`, to: `"sts:GetFederationToken"`},
	{name: "a question mark in the exceptions", from: `"iam:GetUser"`, to: `"iam:???User"`},
	{name: "everything is an exception", from: `"iam:GetUser"`, to: `"*"`},
	{name: "a service wildcard in the exceptions", from: `"iam:GetUser"`, to: `"i*:Get*"`},
	{name: "one exception less", from: `"iam:GetUser",`, to: ``, lint: "tighter; the enrollment loses a convenience"},
	// resources
	{name: "on some resources", from: `"Resource": "*"`, to: `"Resource": "arn:aws:s3:::*"`},
	{name: "on ARNs", from: `"Resource": "*"`, to: `"Resource": "arn:*:*:*:*:*"`},
	{name: "on all but some", from: `"Resource": "*"`, to: `"NotResource": "arn:aws:s3:::public/*"`},
	{name: "on nothing", from: `"Resource": "*"`, to: `"NotResource": "*"`},
	{name: "on own resources only", from: `"Resource": "*"`, to: `"Resource": "arn:aws:*:*:111111111111:*"`},
	{name: "on a short ARN", from: `"Resource": "*"`, to: `"Resource": "arn:aws:s3*"`},
	{name: "on any user", from: `"NotResource": ` + ownUsers, to: `"NotResource": "arn:aws:iam::*:user/*"`},
	{name: "others by their suffix", from: `"arn:aws:iam::*:user/${aws:username}"`, to: `"arn:aws:iam::*:user/*${aws:username}"`},
	{name: "own users only are denied", from: `"NotResource": ` + ownUsers, to: `"Resource": ` + ownUsers},
	{name: "another partition", from: `"NotResource": ` + ownUsers, to: `"Resource": "arn:aws-cn:iam::*:user/*"`},
	{name: "without the path", from: `, "arn:aws:iam::*:user/*/${aws:username}"`, to: ``, lint: "tighter: a user at a path cannot enroll"},
	// effects
	{name: "Allow for the big Deny", from: sidBig, to: strings.Replace(sidBig, "Deny\",", "Allow\",", 1)},
	{name: "Allow for others", from: sidOthers, to: strings.Replace(sidOthers, "\"Effect\": \"Deny\"", "\"Effect\": \"Allow\"", 1)},
	{name: "Allow for enrollment by key", from: sidKey, to: strings.Replace(sidKey, "\"Effect\": \"Deny\"", "\"Effect\": \"Allow\"", 1)},
	// version
	{name: "the old version, in which a variable is a name", from: `"2012-10-17"`, to: `"2008-10-17"`},
	// the other statements
	{name: "others with Bool", from: othersActions + "\n" + `      "NotResource": ` + ownUsers + ",\n" + `      "Condition": {` + "\n        " + bigCondition,
		to: othersActions + "\n" + `      "NotResource": ` + ownUsers + ",\n" + `      "Condition": {` + "\n        " + `"Null": {"aws:MultiFactorAuthPresent": "true"}`},
	{name: "others but not their resync", from: othersActions, to: `"Action": "iam:EnableMFADevice",`},
	{name: "others but not their enrollment", from: othersActions, to: `"Action": "iam:ResyncMFADevice",`},
	{name: "enrollment by key but not of the device", from: keyActions, to: `"Action": "iam:CreateVirtualMFADevice",`},
	{name: "enrollment by session instead of key", from: `"Null": {"aws:TokenIssueTime": "true"}`, to: `"Null": {"aws:TokenIssueTime": "false"}`},
	{name: "enrollment by key, but of old sessions", from: `"Null": {"aws:TokenIssueTime": "true"}`, to: `"DateLessThan": {"aws:TokenIssueTime": "2030-01-01T00:00:00Z"}`},
	{name: "creating by key is possible", from: keyActions, to: `"Action": "iam:EnableMFADevice",`,
		lint: "a device that is not enabled is nobody's"},
}

// TestMutationsAreCaught changes the shipped document in one way at a time.
func TestMutationsAreCaught(t *testing.T) {
	text := shippedText(t)
	caught := 0
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			if !strings.Contains(text, m.from) {
				t.Fatalf("the document has no %s", m.from)
			}
			source := policy.ParseSource("mutant", policy.Identity, strings.Replace(text, m.from, m.to, 1))
			set := identity(admin)
			set.Identity = append(set.Identity, source)
			s := bob(set)
			s.Enrollment = shippedEnrollment
			a := prove.User(s)
			switch {
			case m.lint != "" && a.Outcome != prove.Enforced:
				t.Errorf("expected to be left to lint (%s): %s", m.lint, text1(a))
			case m.lint == "" && a.Outcome == prove.Enforced:
				t.Errorf("proved")
			case m.lint == "" && a.Outcome == prove.Open && a.Counterexample == nil:
				t.Error("open without a counterexample")
			}
			if m.lint == "" && a.Outcome == prove.Open {
				caught++
			}
		})
	}
	for i, statement := range []string{"the big Deny", "others", "by key"} {
		t.Run("without "+statement, func(t *testing.T) {
			d, err := policy.Parse(policy.Identity, text)
			if err != nil {
				t.Fatal(err)
			}
			d.Statements = append(d.Statements[:i:i], d.Statements[i+1:]...)
			set := identity(admin)
			set.Identity = append(set.Identity, policy.ParseSource("mutant", policy.Identity, d.String()))
			s := bob(set)
			s.Enrollment = shippedEnrollment
			if a := prove.User(s); a.Outcome != prove.Open {
				t.Errorf("%s", text1(a))
			}
			caught++
		})
	}
	if caught < 40 {
		t.Errorf("%d mutations have a counterexample, want 40", caught)
	}
}

func text1(a prove.Answer) string { return text(a) + " " + a.Why }
