package certificate_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	_ "forcemfa/internal/heapfloor" // tests make as much garbage as commands
	"forcemfa/policy"
	"forcemfa/policy/catalog"
	"forcemfa/policy/prove"
	"forcemfa/policy/prove/certificate"
)

const (
	account = "111111111111"
	mfa     = `"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}`
	denyAll = `{"Effect":"Deny","NotAction":["iam:CreateVirtualMFADevice","iam:EnableMFADevice","iam:GetUser"],"Resource":"*","Condition":{%s}}`
	others  = `{"Effect":"Deny","Action":"iam:EnableMFADevice","NotResource":["arn:aws:iam::*:user/${aws:username}","arn:aws:iam::*:user/*/${aws:username}"],"Condition":{` + mfa + `}}`
	byKey   = `{"Effect":"Deny","Action":"iam:EnableMFADevice","Resource":"*","Condition":{"Null":{"aws:TokenIssueTime":"true"}}}`
)

var enrollment = []string{"iam:CreateVirtualMFADevice", "iam:EnableMFADevice", "iam:GetUser", "iam:GetMFADevice", "iam:ListMFADevices",
	"iam:ListVirtualMFADevices", "iam:ResyncMFADevice"}

func source(t testing.TB, statements ...string) policy.Source {
	t.Helper()
	s := policy.ParseSource("p", policy.Identity, `{"Version":"2012-10-17","Statement":[`+strings.Join(statements, ",")+`]}`)
	if s.Err != nil {
		t.Fatal(s.Err)
	}
	return s
}

func shipped(t testing.TB) policy.Source {
	t.Helper()
	text, err := os.ReadFile("../../../internal/baseline/document/deny.json")
	if err != nil {
		t.Fatal(err)
	}
	return policy.ParseSource("ForceMFA", policy.Identity, string(text))
}

func bob(sources ...policy.Source) prove.Subject {
	s := prove.Subject{
		Principal: policy.Principal{Kind: policy.IAMUser, Account: account, ARN: "arn:aws:iam::" + account + ":user/team/bob"},
		Set:       &policy.Set{Identity: sources}, Context: new(policy.Context), ForwardedCallsPass: true, Enrollment: enrollment,
	}
	s.Context.Set("aws:username", "bob")
	s.Context.Set("aws:PrincipalArn", s.Principal.ARN)
	s.Context.Set("aws:PrincipalAccount", account)
	s.Context.Set("aws:PrincipalType", "User")
	return s
}

func claim(s prove.Subject) certificate.Claim {
	return certificate.Claim{Principal: s.Principal, Set: s.Set, Context: s.Context, HasDevice: s.HasDevice,
		ForwardedCallsPass: s.ForwardedCallsPass, Enrollment: s.Enrollment, EnrollmentByKey: s.EnrollmentByKey, Actions: actions()}
}

// actions are those of the catalog.
func actions() []certificate.Action {
	var out []certificate.Action
	for _, service := range catalog.Load().Services {
		for _, a := range service.Actions {
			action := certificate.Action{Name: a.String(), Any: true}
			for _, r := range a.Resources {
				action.Any = action.Any && !r.Required
				action.Resources = append(action.Resources, strings.Split(r.Type.ARN, ", ")...)
			}
			out = append(out, action)
		}
	}
	return out
}

// proved are sets that enforce, each in another way.
func proved(t testing.TB) map[string]prove.Subject {
	region := func(test string) string { return fmt.Sprintf(denyAll, mfa+`,`+test) }
	withDevice, strictForwarding := bob(shipped(t)), bob(shipped(t))
	withDevice.HasDevice = true
	strictForwarding.ForwardedCallsPass = false
	rcp := bob(shipped(t))
	rcp.Set.RCPs = [][]policy.Source{{source(t, `{"Effect":"Allow","Action":"*","Resource":"*"}`)}}
	return map[string]prove.Subject{
		"the shipped document":    bob(shipped(t)),
		"a user with a device":    withDevice,
		"forwarded calls refused": strictForwarding,
		"split by region": bob(source(t, region(`"StringEquals":{"aws:RequestedRegion":"eu-west-1"}`),
			region(`"StringNotEqualsIfExists":{"aws:RequestedRegion":"eu-west-1"}`), others, byKey)),
		"split by network": bob(source(t, region(`"IpAddress":{"aws:SourceIp":["192.0.2.0/24","10.0.0.0/8"]}`),
			region(`"NotIpAddressIfExists":{"aws:SourceIp":["192.0.2.0/24","10.0.0.0/8"]}`), others, byKey)),
		"split by date": bob(source(t, region(`"DateLessThan":{"aws:CurrentTime":"2027-01-01T00:00:00Z"}`),
			region(`"DateGreaterThanEquals":{"aws:CurrentTime":"2027-01-01T00:00:00Z"}`), others, byKey)),
		"split by tag keys": bob(source(t, region(`"ForAnyValue:StringEquals":{"aws:TagKeys":["a","b"]}`),
			region(`"ForAllValues:StringNotEquals":{"aws:TagKeys":["a","b"]}`), others, byKey)),
		"split by resource": bob(source(t,
			`{"Effect":"Deny","NotAction":["iam:CreateVirtualMFADevice","iam:EnableMFADevice","iam:GetUser"],"NotResource":"arn:aws:s3:::free/*","Condition":{`+mfa+`}}`,
			`{"Effect":"Deny","Action":["s3:*","s3-object-lambda:*"],"Resource":"arn:aws:s3:::free/*","Condition":{`+mfa+`}}`,
			`{"Effect":"Deny","NotAction":["iam:*","s3:*"],"Resource":"arn:aws:s3:::free/*","Condition":{`+mfa+`}}`, others, byKey)),
		"Bool and Null": bob(source(t, fmt.Sprintf(denyAll, `"Bool":{"aws:MultiFactorAuthPresent":"false"}`),
			fmt.Sprintf(denyAll, `"Null":{"aws:MultiFactorAuthPresent":"true"}`), others, byKey)),
	}
}

func TestProofsAreAccepted(t *testing.T) {
	for name, s := range proved(t) {
		t.Run(name, func(t *testing.T) {
			a := prove.User(s)
			if a.Outcome != prove.Enforced {
				t.Fatalf("%v %s", a.Counterexample, a.Why)
			}
			if err := certificate.Check(a.Proof, claim(s)); err != nil {
				text, _ := json.Marshal(a.Proof)
				t.Errorf("%v\n%s", err, text)
			}
		})
	}
}

// A proof that leaves forwarded calls out is a proof only where they are assumed to pass.
func TestForwardedCallsArePartOfTheClaim(t *testing.T) {
	s := bob(source(t, fmt.Sprintf(denyAll, `"BoolIfExists":{"aws:MultiFactorAuthPresent":"false","aws:ViaAWSService":"false"}`), others, byKey))
	a := prove.User(s)
	if a.Outcome != prove.Enforced {
		t.Fatalf("%v %s", a.Counterexample, a.Why)
	}
	if err := certificate.Check(a.Proof, claim(s)); err != nil {
		t.Errorf("where forwarded calls pass: %v", err)
	}
	s.ForwardedCallsPass = false
	if certificate.Check(a.Proof, claim(s)) == nil {
		t.Error("the proof is accepted for forwarded calls too")
	}
}

// A proof about requests that a credential does not make says nothing about those that it makes: those of an access key
// have no aws:MultiFactorAuthPresent.
func TestACaseIsAboutTheRequestsOfItsCredential(t *testing.T) {
	forged := copied(t, prove.User(bob(source(t, fmt.Sprintf(denyAll, mfa), others, byKey))).Proof)
	s := bob(source(t, fmt.Sprintf(denyAll, `"Bool":{"aws:MultiFactorAuthPresent":"false"}`), others, byKey))
	for i := range forged.Cases {
		forged.Cases[i].Present = policy.False
	}
	if certificate.Check(forged, claim(s)) == nil {
		t.Error("a proof about access keys with aws:MultiFactorAuthPresent is accepted")
	}
}

// copied is a proof that can be changed.
func copied(t testing.TB, p *policy.Proof) *policy.Proof {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	out := new(policy.Proof)
	if err := json.Unmarshal(text, out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestProofWithoutOneOfItsCellsIsRefused(t *testing.T) {
	for name, s := range proved(t) {
		proof := prove.User(s).Proof
		c := claim(s)
		for i := range proof.Cases {
			for j := range proof.Cases[i].Cells {
				less := copied(t, proof)
				less.Cases[i].Cells = slices.Delete(less.Cases[i].Cells, j, j+1)
				if certificate.Check(less, c) == nil && !redundant(name, proof.Cases[i].Cells[j]) {
					t.Errorf("%s: case %d without cell %d (%+v) is accepted", name, i, j, proof.Cases[i].Cells[j])
				}
			}
			less := copied(t, proof)
			less.Cases = slices.Delete(less.Cases, i, i+1)
			if certificate.Check(less, c) == nil {
				t.Errorf("%s: accepted without case %d", name, i)
			}
		}
	}
}

// redundant is a cell that others make up for: with a device in place, the user
// itself needs no Deny, and enrolling others is denied twice.
func redundant(name string, c policy.ProofCell) bool {
	return name == "a user with a device" && c.Action == "iam:EnableMFADevice"
}

func TestProofThatNamesAnotherDenyIsRefused(t *testing.T) {
	s := bob(shipped(t), source(t, `{"Effect":"Allow","Action":"*","Resource":"*"}`))
	proof := prove.User(s).Proof
	c := claim(s)
	end := len(s.Set.Sources()[0].Document.Statements)
	for _, wrong := range []policy.ProofDeny{{Source: 0, Statement: 1}, {Source: 0, Statement: end}, {Source: 0, Statement: 9}, {Source: 1}, {Source: 7}, {Source: -1}, {Statement: -1}} {
		changed := copied(t, proof)
		changed.Cases[0].Cells[0].By[0] = wrong
		if certificate.Check(changed, c) == nil {
			t.Errorf("accepted with %+v", wrong)
		}
	}
	empty := copied(t, proof)
	empty.Cases[0].Cells[0].By = nil
	if err := certificate.Check(empty, c); err == nil || !strings.Contains(err.Error(), "names no Deny") {
		t.Errorf("a cell that nothing refuses: %v", err)
	}
}

// A Deny on some resources settles no cell that stands for all of them.
func TestDenyOnSomeResourcesSettlesNoWholeCell(t *testing.T) {
	sound := prove.User(bob(shipped(t))).Proof
	for _, resource := range []string{`"Resource":"arn:aws:s3:::*"`, `"Resource":["arn:aws:s3:::*","arn:*:*:*:*:*"]`, `"NotResource":"arn:aws:s3:::free/*"`} {
		some := source(t, strings.Replace(fmt.Sprintf(denyAll, mfa), `"Resource":"*"`, resource, 1), others, byKey)
		claimed := claim(bob(some))
		proof := copied(t, sound)
		for i := range proof.Cases {
			for j := range proof.Cases[i].Cells {
				for k := range proof.Cases[i].Cells[j].By {
					proof.Cases[i].Cells[j].By[k].Source = 0
				}
			}
		}
		err := certificate.Check(proof, claimed)
		if err == nil || !strings.Contains(err.Error(), "every resource") {
			t.Errorf("%s: %v", resource, err)
		}
	}
}

func TestProofIsAboutItsOwnPolicies(t *testing.T) {
	proof := prove.User(bob(shipped(t))).Proof
	for name, s := range map[string]prove.Subject{
		"Bool":         bob(source(t, fmt.Sprintf(denyAll, `"Bool":{"aws:MultiFactorAuthPresent":"false"}`), others, byKey)),
		"no policy":    bob(),
		"one service":  bob(source(t, `{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{`+mfa+`}}`, others, byKey)),
		"one resource": bob(source(t, `{"Effect":"Deny","NotAction":"iam:GetUser","Resource":"arn:aws:s3:::*","Condition":{`+mfa+`}}`, others, byKey)),
	} {
		if certificate.Check(proof, claim(s)) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	narrower := claim(bob(shipped(t)))
	narrower.Enrollment = enrollment[:2]
	var checker certificate.Checker
	if err := checker.Check(proof, claim(bob(shipped(t)))); err != nil {
		t.Error(err)
	}
	if certificate.Check(proof, narrower) == nil || checker.Check(proof, narrower) == nil {
		t.Error("accepted for a smaller enrollment set")
	}
	if certificate.Check(nil, narrower) == nil || certificate.Check(proof, certificate.Claim{}) == nil {
		t.Error("accepted without proof or policies")
	}
}

// Whatever package prove proves, the checker finds true by itself.
func TestProofsOfRandomPoliciesAreAccepted(t *testing.T) {
	patterns := []string{"*", "s3:*", "iam:*", "iam:*MFA*", "ec2:*", "iam:GetUser", "iam:EnableMFADevice", "iam:CreateVirtualMFADevice"}
	resources := []string{"*", "arn:aws:s3:::a/*", "arn:aws:iam::*:user/${aws:username}", "arn:aws:iam::*:user/*"}
	tests := []string{mfa, `"Null":{"aws:MultiFactorAuthPresent":"true"}`, mfa + `,"StringEquals":{"aws:RequestedRegion":"eu-west-1"}`,
		mfa + `,"StringNotEquals":{"aws:RequestedRegion":"eu-west-1"}`}
	all := actions()
	var checker certificate.Checker
	rapid.Check(t, func(t *rapid.T) {
		list := []string{fmt.Sprintf(denyAll, rapid.SampledFrom(tests).Draw(t, "condition")), others, byKey}
		for i := range rapid.IntRange(1, 3).Draw(t, "statements") {
			element := func(name string, from []string) string {
				not := rapid.SampledFrom([]string{"", "", "Not"}).Draw(t, fmt.Sprint(name, i))
				values := rapid.SliceOfNDistinct(rapid.SampledFrom(from), 1, 3, rapid.ID).Draw(t, fmt.Sprint(name, " values ", i))
				return `"` + not + name + `":["` + strings.Join(values, `","`) + `"]`
			}
			list = append(list, fmt.Sprintf(`{"Effect":"Deny",%s,%s,"Condition":{%s}}`, element("Action", patterns), element("Resource", resources),
				rapid.SampledFrom(tests).Draw(t, fmt.Sprint("condition ", i))))
		}
		s := bob(policy.ParseSource("p", policy.Identity, `{"Version":"2012-10-17","Statement":[`+strings.Join(list, ",")+`]}`))
		a := prove.User(s)
		if a.Outcome != prove.Enforced {
			return
		}
		c := claim(s)
		c.Actions = all
		for _, err := range []error{certificate.Check(a.Proof, c), checker.Check(a.Proof, c)} {
			if err != nil {
				t.Errorf("%v", err)
			}
		}
	})
}

// Of two Denies, the proof names the one that all actions to try escape.
func TestTheNarrowestDenyIsPartOfTheProof(t *testing.T) {
	s := bob(source(t, fmt.Sprintf(denyAll, mfa), others, byKey, `{"Effect":"Deny","NotAction":"iam:GetUser","Resource":"*","Condition":{`+mfa+`}}`))
	a := prove.User(s)
	if a.Outcome != prove.Enforced || a.Strict != prove.Enforced {
		t.Fatalf("outcome %v, strict %v", a.Outcome, a.Strict)
	}
	if err := certificate.Check(a.Proof, claim(s)); err != nil {
		t.Error(err)
	}
}

func BenchmarkCheck(b *testing.B) {
	s := bob(shipped(b))
	proof, c := prove.User(s).Proof, claim(s)
	for b.Loop() {
		if err := certificate.Check(proof, c); err != nil {
			b.Fatal(err)
		}
	}
}
