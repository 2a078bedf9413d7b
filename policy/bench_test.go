package policy_test

import (
	"fmt"
	"os"
	"strings"
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
		next := 0
		for b.Loop() {
			set.Decide(requests[next])
			if next++; next == len(requests) { // no division in what is measured
				next = 0
			}
		}
	})
	b.Run("large", func(b *testing.B) {
		set := largeSet(b)
		c := &Context{}
		c.Set("aws:username", "bob")
		c.Set("aws:MultiFactorAuthPresent", "true")
		r := &Request{Principal: Principal{Kind: IAMUser, Account: "123456789012", ARN: "arn:aws:iam::123456789012:user/bob"},
			Action: "dynamodb:PutItem", Resource: "arn:aws:dynamodb:eu-west-1:123456789012:table/orders-49", Context: c}
		if d := set.Decide(r); d.Verdict != Allowed {
			b.Fatalf("%+v", d)
		}
		b.ReportAllocs()
		for b.Loop() {
			set.Decide(r)
		}
	})
}

// largeSet has 50 documents of 10 statements each; the last but one statement
// allows writing to orders-49.
func largeSet(b testing.TB) *Set {
	services := []string{"s3", "iam", "ec2", "dynamodb", "kms", "sqs", "sns", "lambda", "logs", "sts"}
	var set Set
	for i := range 50 {
		var statements []string
		for _, service := range services {
			statements = append(statements, fmt.Sprintf(`{"Effect":"Allow","Action":["%[1]s:Get*","%[1]s:PutItem","%[1]s:List*"],
				"Resource":["arn:aws:%[1]s:*:123456789012:table/orders-%[2]d","arn:aws:%[1]s:*:*:item/${aws:username}/*"],
				"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`, service, i))
		}
		s := ParseSource(fmt.Sprint("policy ", i), Identity, `{"Version":"2012-10-17","Statement":[`+strings.Join(statements, ",")+`]}`)
		if s.Err != nil {
			b.Fatal(s.Err)
		}
		set.Identity = append(set.Identity, s)
	}
	return &set
}

// BenchmarkHostile decides and parses what is legal and as expensive as the
// quotas allow: 6144 characters of statements whose resource and condition have
// 40 stars, on a text made to match nearly.
func BenchmarkHostile(b *testing.B) {
	text := hostileText()
	source := ParseSource("hostile", Identity, text)
	if source.Err != nil || Size(text) > 6144 {
		b.Fatal(Size(text), source.Err)
	}
	set := &Set{Identity: []Source{source}}
	c := &Context{}
	c.Set("k", strings.Repeat("a", 2000))
	r := &Request{Principal: Principal{Kind: IAMUser, Account: "123456789012"}, Action: "s3:GetObject",
		Resource: "arn:aws:s3:::" + strings.Repeat("a", 1024), Context: c}
	if d := set.Decide(r); d.Verdict != ImplicitDenied {
		b.Fatalf("%+v", d)
	}
	b.Run("decide", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			set.Decide(r)
		}
	})
	b.Run("parse", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			ParseSource("hostile", Identity, text)
		}
	})
}

func hostileText() string {
	stars := strings.Repeat("a*", 40)
	statement := `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::` + stars + `","Condition":{"StringLike":{"k":"` + stars + `b"}}}`
	n := 6000 / (len(statement) + 1)
	return `{"Version":"2012-10-17","Statement":[` + strings.TrimSuffix(strings.Repeat(statement+",", n), ",") + `]}`
}

// Parsing takes time in proportion to the text, whatever is in it.
func BenchmarkParse(b *testing.B) {
	text, err := os.ReadFile("testdata/forcemfa-2019.json")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		ParseSource("ForceMFA", Identity, string(text))
	}
}
