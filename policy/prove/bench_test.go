package prove_test

import (
	"fmt"
	"os"
	"testing"

	"forcemfa/policy"
	"forcemfa/policy/catalog"
	"forcemfa/policy/prove"
)

// shipped is a document of the baseline.
func shipped(t testing.TB, name string) policy.Source {
	t.Helper()
	text, err := os.ReadFile("../../internal/baseline/document/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return policy.ParseSource("ForceMFA", policy.Identity, string(text))
}

func shippedText(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("../../internal/baseline/document/deny.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// shippedEnrollment is the enrollment set of the document.
var shippedEnrollment = []string{"iam:CreateVirtualMFADevice", "iam:EnableMFADevice", "iam:GetMFADevice", "iam:GetUser", "iam:ListMFADevices",
	"iam:ListVirtualMFADevices", "iam:ResyncMFADevice"}

// BenchmarkUser is one proof or search, nothing remembered but the catalog
// and the documents taken apart.
func BenchmarkUser(b *testing.B) {
	forced := identity(admin)
	forced.Identity = append(forced.Identity, shipped(b, "deny.json"))
	for _, row := range []struct {
		name    string
		subject prove.Subject
		want    prove.Outcome
	}{
		{"forcemfa", bob(forced), prove.Enforced},
		{"administrator", bob(identity(admin)), prove.Open},
		{"nothing", bob(&policy.Set{}), prove.Open},
		{"folder", bob(identity(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::home/${aws:username}/*"}`)), prove.Open},
		{"gate", bob(identity(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`)), prove.Open},
		{"services", bob(identity(`{"Effect":"Deny","Action":["s3:*","iam:*","sts:*","ec2:*"],"Resource":"*","Condition":{`+mfa+`}}`, admin)), prove.Open},
		{"resources", bob(identity(`{"Effect":"Deny","NotAction":"iam:GetUser","NotResource":"arn:aws:dynamodb:*:*:table/free-*","Condition":{`+mfa+`}}`, admin)), prove.Open},
		{"regions", bob(identity(
			fmt.Sprintf(denyAll, mfa+`,"StringEquals":{"aws:RequestedRegion":"eu-west-1"}`),
			fmt.Sprintf(denyAll, mfa+`,"StringNotEqualsIfExists":{"aws:RequestedRegion":"eu-west-1"}`), others, byKey, admin)), prove.Enforced},
	} {
		row.subject.Enrollment = shippedEnrollment
		b.Run(row.name, func(b *testing.B) {
			warm := new(prove.Prover)
			if a := warm.User(row.subject); a.Outcome != row.want {
				b.Fatalf("%s: %s", text(a), a.Why)
			}
			b.ReportAllocs()
			for b.Loop() {
				warm.Forget()
				warm.User(row.subject)
			}
		})
	}
}

// BenchmarkRemembered is the answer for a user whose policies another has.
func BenchmarkRemembered(b *testing.B) {
	forced := identity(admin)
	forced.Identity = append(forced.Identity, shipped(b, "deny.json"))
	var p prove.Prover
	s := bob(forced)
	for b.Loop() {
		p.User(s)
	}
}

// BenchmarkAccount is the budget of the design: one account of 5 000 users
// with few distinct sets in less than a second.
func BenchmarkAccount(b *testing.B) {
	sets := []*policy.Set{
		identity(append(force, admin)...), identity(admin), identity(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::home/${aws:username}/*"}`),
		identity(append(force, `{"Effect":"Allow","Action":"ec2:*","Resource":"*"}`)...), identity(force...),
	}
	var subjects []prove.Subject
	for i := range 5000 {
		subjects = append(subjects, user("/", fmt.Sprint("user", i), sets[i%len(sets)]))
	}
	prove.User(subjects[0]) // the catalog is unpacked once
	for b.Loop() {
		var p prove.Prover
		for _, s := range subjects {
			p.User(s)
		}
	}
}

// BenchmarkDistinctAccount has a set of its own for each of 5 000 users.
func BenchmarkDistinctAccount(b *testing.B) {
	forced := source(policy.Identity, "ForceMFA", force...)
	var subjects []prove.Subject
	for i := range 5000 {
		own := source(policy.Identity, "own", fmt.Sprintf(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::bucket%d/*"}`, i))
		subjects = append(subjects, user("/", fmt.Sprint("user", i), &policy.Set{Identity: []policy.Source{forced, own}}))
	}
	prove.User(subjects[0])
	for b.Loop() {
		var p prove.Prover
		for _, s := range subjects {
			p.User(s)
		}
	}
}

func catalogServices() []string {
	var out []string
	for _, s := range catalog.Load().Services {
		out = append(out, s.Prefix)
	}
	return out
}

// BenchmarkVariables is an account of 1,000 users whose policies compare their names
// with tags that the sender chooses, so that no two users share an answer.
func BenchmarkVariables(b *testing.B) {
	own := `"StringNotEquals":{"aws:username":"${aws:ResourceTag/owner}"}`
	for name, statements := range map[string][]string{
		"open":     {fmt.Sprintf(denyAll, mfa+","+own), others, byKey, admin},
		"enforced": append([]string{fmt.Sprintf(denyAll, mfa+","+own), admin}, force...),
		"unknown": {fmt.Sprintf(denyAll, mfa+`,"StringEqualsIfExists":{"aws:username":"${aws:ResourceTag/owner}"}`),
			fmt.Sprintf(denyAll, mfa+`,"StringNotEquals":{"aws:username":"${aws:ResourceTag/owner}"}`), others, byKey, admin},
	} {
		b.Run(name, func(b *testing.B) {
			set := identity(statements...)
			for b.Loop() {
				var p prove.Prover
				for i := range 1000 {
					p.User(user("/", fmt.Sprint("user", i), set))
				}
			}
		})
	}
}
