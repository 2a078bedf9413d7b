package policy_test

import (
	"os"
	"testing"

	. "forcemfa/policy"
)

const administratorAccess = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

func forceMFA(b testing.TB) *Set {
	text, err := os.ReadFile("testdata/forcemfa-2019.json")
	if err != nil {
		b.Fatal(err)
	}
	return &Set{Identity: []Source{
		ParseSource("ForceMFA", Identity, string(text)),
		ParseSource("AdministratorAccess", Identity, administratorAccess),
	}}
}

// mfaRequests are three actions with aws:MultiFactorAuthPresent absent, false
// and true.
func mfaRequests() []*Request {
	var requests []*Request
	for _, action := range []string{"s3:GetObject", "iam:EnableMFADevice", "iam:DeactivateMFADevice"} {
		for _, mfa := range []string{"", "false", "true"} {
			c := &Context{}
			c.Set("aws:username", "bob")
			c.Set("aws:PrincipalArn", "arn:aws:iam::123456789012:user/bob")
			c.Set("aws:PrincipalAccount", "123456789012")
			c.Set("aws:PrincipalType", "User")
			c.Set("aws:userid", "AIDAEXAMPLE")
			c.Set("aws:SourceIp", "198.51.100.7")
			c.Set("aws:SecureTransport", "true")
			if mfa != "" {
				c.Set("aws:MultiFactorAuthPresent", mfa)
			}
			resource := "arn:aws:iam::123456789012:user/bob"
			if action == "s3:GetObject" {
				resource = "arn:aws:s3:::reports/2026/q3.csv"
			}
			requests = append(requests, &Request{
				Principal: Principal{Kind: IAMUser, Account: "123456789012", ARN: "arn:aws:iam::123456789012:user/bob"},
				Action:    action, Resource: resource, Context: c,
			})
		}
	}
	return requests
}

// BenchmarkDecide/forcemfa decides, one an iteration, three actions with
// aws:MultiFactorAuthPresent absent, false and true.
func BenchmarkDecide(b *testing.B) {
	b.Run("forcemfa", func(b *testing.B) {
		set := forceMFA(b)
		requests := mfaRequests()
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			set.Decide(requests[i%len(requests)])
		}
	})
}
