package prove_test

import (
	"fmt"
	"strings"
	"testing"

	"forcemfa/policy/catalog"
	"forcemfa/policy/prove"
	"forcemfa/policy/prove/certificate"
)

// denials are the Denies of an enforced user, each under a further condition.
func denials(conditions ...string) prove.Subject {
	list := []string{admin, others, byKey}
	for _, c := range conditions {
		list = append(list, fmt.Sprintf(denyAll, mfa+","+c))
	}
	return bob(identity(list...))
}

// An example is a request that can be sent: its action has the keys that the sender chose.
// Source: Service Authorization Reference, condition keys of each action.
func TestExamplesHaveTheKeysOfTheirActions(t *testing.T) {
	for _, conditions := range [][]string{
		{`"StringLike":{"aws:RequestTag/a":"?*"}`, `"Null":{"aws:RequestTag/a":"true"}`},
		{`"StringEquals":{"aws:RequestTag/a":"Ab"}`, `"StringNotEqualsIgnoreCase":{"aws:RequestTag/a":"aB"}`},
		{`"ForAnyValue:StringNotEquals":{"aws:TagKeys":"x"}`, `"Null":{"aws:TagKeys":"true"}`},
		{`"StringNotEquals":{"aws:ResourceTag/open":"yes"}`},
		{`"StringNotEquals":{"iam:PolicyARN":"arn:aws:iam::aws:policy/ReadOnlyAccess"}`},
	} {
		a := prove.User(denials(conditions...))
		if a.Outcome != prove.Open || a.Latent || len(a.Counterexample.Keys) == 0 {
			t.Fatalf("%v: %s", conditions, text(a))
		}
		if a.Counterexample.Action == "iam:CreateUser" && a.Counterexample.Resource == self {
			t.Errorf("%v: %s creates a user who exists", conditions, a.Counterexample)
		}
		action, ok := catalog.Load().Action(a.Counterexample.Action)
		for key := range a.Counterexample.Keys {
			if !ok || !action.Carries(key) {
				t.Errorf("%v: %s has no %s", conditions, a.Counterexample, key)
			}
		}
	}
}

// Without a better one, a request whose action has no such key is still reported.
func TestAnExampleWithKeysOfOtherActionsIsTheLastResort(t *testing.T) {
	set := identity(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`, fmt.Sprintf(denyAll, mfa+`,"StringEquals":{"aws:RequestTag/a":"x"}`),
		fmt.Sprintf(denyAll, mfa+`,"Null":{"aws:RequestTag/a":"true"}`), others, byKey)
	if got := text(prove.User(bob(set))); !strings.HasPrefix(got, "open s3:GetObject ") {
		t.Error(got)
	}
}

func TestAnActionCarriesTheKeysThatAWSLists(t *testing.T) {
	for _, c := range []struct {
		action, key string
		want        bool
	}{
		{"iam:CreateUser", "aws:RequestTag/a", true}, {"iam:CreateUser", "AWS:requesttag/Team/x", true}, {"iam:CreateUser", "aws:RequestTag/", false}, {"iam:CreateUser", "aws:tagkeys", true},
		{"iam:AttachUserPolicy", "aws:RequestTag/a", false}, {"iam:AttachUserPolicy", "iam:PolicyARN", true}, {"iam:AttachUserPolicy", "s3:max-keys", false},
		{"s3:ListBucket", "s3:max-keys", true}, {"sts:AssumeRole", "sts:ExternalId", true}, {"ec2:TerminateInstances", "aws:ResourceTag/owner", true},
	} {
		a, ok := catalog.Load().Action(c.action)
		if !ok || a.Carries(c.key) != c.want {
			t.Errorf("%s has %s: not %v", c.action, c.key, c.want)
		}
	}
}

// A session was issued in the time of this program, and an IPv4 address in the form of
// IPv6 is one that AWS does not document.
func TestTimesOfSessionsAndMappedAddresses(t *testing.T) {
	for _, c := range []struct {
		conditions []string
		want       prove.Outcome
	}{
		{[]string{`"Null":{"aws:TokenIssueTime":"true"}`, `"DateGreaterThan":{"aws:TokenIssueTime":"2000-01-01T00:00:00Z"}`}, prove.Enforced},
		{[]string{`"Null":{"aws:TokenIssueTime":"true"}`, `"DateGreaterThan":{"aws:TokenIssueTime":"2026-02-01T00:00:00Z"}`}, prove.Open},
		{[]string{`"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}`, `"IpAddress":{"aws:SourceIp":"::ffff:10.0.0.0/104"}`}, prove.Unknown},
		{[]string{`"NotIpAddress":{"aws:SourceIp":"::ffff:10.0.0.0/104"}`}, prove.Unknown},
		{[]string{`"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}`, `"IpAddress":{"aws:SourceIp":["10.0.0.0/9","10.128.0.0/9"]}`}, prove.Enforced},
	} {
		s := denials(c.conditions...)
		a := prove.User(s)
		if a.Outcome != c.want {
			t.Errorf("%v: %s (%s)", c.conditions, text(a), a.Why)
		}
		if a.Outcome == prove.Enforced {
			if err := certificate.Check(a.Proof, claimOf(s)); err != nil {
				t.Errorf("%v: %v", c.conditions, err)
			}
		} else if certificate.Check(hopeful(t, s), claimOf(s)) == nil {
			t.Errorf("%v: the checker accepts that everything is refused", c.conditions)
		}
	}
}
