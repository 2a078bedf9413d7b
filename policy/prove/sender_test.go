package prove_test

import (
	"fmt"
	"strings"
	"testing"

	"forcemfa/policy"
	"forcemfa/policy/prove"
)

// Each pair of Denies leaves requests in which the key has a value of another type than the operators compare.
// Source: IAM User Guide, "Condition operators": a value is compared in the type of the operator, and the keys
// of tags carry any text.
func TestValuesOfAnotherTypePassPairsOfDenies(t *testing.T) {
	const tag = "aws:RequestTag/breakglass"
	on := func(test string) string { return fmt.Sprintf(denyAll, mfa+","+test) }
	for _, row := range []struct {
		name, one, other string
		outcome          prove.Outcome
		value            string // of the key in the example; empty: any
	}{
		{"Bool and a string in another case", fmt.Sprintf(denyAll, `"BoolIfExists":{"aws:MultiFactorAuthPresent":"false","`+tag+`":"false"}`),
			on(`"StringEquals":{"` + tag + `":"true"}`), prove.Open, ""},
		{"numbers", on(`"NumericLessThanIfExists":{"` + tag + `":"10"}`), on(`"NumericGreaterThanEquals":{"` + tag + `":"10"}`), prove.Open, "example"},
		{"dates", on(`"DateLessThanIfExists":{"` + tag + `":"2027-01-01"}`), on(`"DateGreaterThanEquals":{"` + tag + `":"2027-01-01"}`), prove.Open, "example"},
		{"dates after 2262", on(`"DateLessThanIfExists":{"aws:CurrentTime":"2300-01-01"}`), on(`"DateGreaterThan":{"aws:CurrentTime":"2300-01-01"}`), prove.Open, "2300-01-01T00:00:00Z"},
		{"ARNs: a negated operator on text is not documented", on(`"ArnLikeIfExists":{"` + tag + `":"arn:aws:iam::*:role/*"}`), on(`"ArnNotLike":{"` + tag + `":"arn:aws:iam::*:role/*"}`), prove.Unknown, ""},
		{"addresses: a negated operator on text is not documented", on(`"IpAddressIfExists":{"` + tag + `":"10.0.0.0/8"}`), on(`"NotIpAddress":{"` + tag + `":"10.0.0.0/8"}`), prove.Unknown, ""},
		{"addresses of both families", on(`"IpAddressIfExists":{"` + tag + `":"0.0.0.0/0"}`), on(`"IpAddress":{"` + tag + `":"::/0"}`), prove.Open, "example"},
		{"the source address is always one", on(`"IpAddressIfExists":{"aws:SourceIp":"0.0.0.0/0"}`), on(`"IpAddress":{"aws:SourceIp":"::/0"}`), prove.Enforced, ""},
		{"the time is always one", on(`"DateLessThan":{"aws:CurrentTime":"2027-01-01"}`), on(`"DateGreaterThanEquals":{"aws:CurrentTime":"2027-01-01"}`), prove.Enforced, ""},
		{"a string and a number", on(`"StringNotEqualsIfExists":{"` + tag + `":"1"}`), on(`"NumericEquals":{"` + tag + `":"1"}`), prove.Unknown, ""},
		{"strings", on(`"StringNotEqualsIfExists":{"` + tag + `":"1"}`), on(`"StringEquals":{"` + tag + `":"1"}`), prove.Enforced, ""},
		{"Null for a Null", on(`"Null":{"` + tag + `":"true"}`), on(`"Null":{"` + tag + `":"false"}`), prove.Enforced, ""},
		{"a set operator with Null is not documented", on(`"ForAllValues:Null":{"` + tag + `":"true"}`), on(`"Null":{"` + tag + `":"false"}`), prove.Unknown, ""},
		{"an operator for one value on a list is not documented", on(`"StringEqualsIfExists":{"aws:TagKeys":"a"}`), on(`"ForAnyValue:StringNotEquals":{"aws:TagKeys":"a"}`), prove.Unknown, ""},
		{"a binary operator on the MFA key is not documented", fmt.Sprintf(denyAll, `"BinaryEqualsIfExists":{"aws:MultiFactorAuthPresent":"ZmFsc2U="}`), on(`"Null":{"aws:TokenIssueTime":"true"}`), prove.Unknown, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := bob(identity(row.one, row.other, others, byKey, admin))
			a := prove.User(s)
			if a.Outcome != row.outcome {
				t.Fatalf("outcome %v, want %v: %s", a.Outcome, row.outcome, text1(a))
			}
			if a.Outcome == prove.Open {
				replay(t, s, a)
				if got := fmt.Sprint(a.Counterexample.Keys); row.value != "" && !strings.Contains(got, "["+row.value+"]") {
					t.Errorf("example %v, want the value %s", a.Counterexample, row.value)
				}
			}
		})
	}
}

// replay decides the example of an answer with the true facts of the user.
func replay(t *testing.T, s prove.Subject, a prove.Answer) {
	t.Helper()
	c := contexts(s)[a.Counterexample.Credential]
	for key := range a.Counterexample.Keys {
		if _, known := s.Context.Get(key); known || strings.HasPrefix(key, "aws:MultiFactorAuth") {
			t.Fatalf("the example changes %s of the user: %v", key, a.Counterexample)
		}
	}
	a.Counterexample.SetKeys(c)
	r := &policy.Request{Principal: s.Principal, Action: a.Counterexample.Action, Resource: a.Counterexample.Resource, Context: c}
	if v := s.Set.Refuses(r).Verdict; v != policy.ImplicitDenied {
		t.Errorf("%v: the Denies say %v", a.Counterexample, v)
	}
	for _, role := range s.Roles {
		if role.ARN == a.Counterexample.Resource {
			r.Policies = []policy.Source{role.Trust}
		}
	}
	if allowed := s.Set.Decide(r).Verdict == policy.Allowed; allowed == a.Latent {
		t.Errorf("%v: latent %v, allowed %v", a.Counterexample, a.Latent, allowed)
	}
}

// Conditions and resources that compare what is fixed for the user with what the sender chooses.
func TestVariablesThatTheSenderChooses(t *testing.T) {
	const owner = "${aws:ResourceTag/owner}"
	on := func(test string) string { return fmt.Sprintf(denyAll, mfa+","+test) }
	assume := func(test string) string {
		return `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*","Condition":{` + test + `}}`
	}
	noRoles := strings.Replace(fmt.Sprintf(denyAll, mfa), `"iam:GetUser"`, `"iam:GetUser","sts:AssumeRole"`, 1)
	for _, row := range []struct {
		name       string
		statements []string
		want       string // a prefix of the answer
		keys       string
	}{
		{"a Deny for resources of others", []string{on(`"StringNotEquals":{"aws:username":"` + owner + `"}`), admin}, "open ", "owner:[bob]"},
		{"a Deny for own resources", []string{on(`"StringEquals":{"aws:username":"` + owner + `"}`), admin}, "open ", ""},
		{"a Deny with a text around the variable", []string{on(`"StringNotEquals":{"aws:PrincipalArn":"arn:aws:iam::111111111111:user/` + owner + `"}`), admin}, "open ", "owner:[bob]"},
		{"two keys of the sender must differ", []string{on(`"StringNotEquals":{"aws:RequestTag/a":"` + owner + `"}`), admin}, "open ", ""},
		{"the Deny for all refuses them as well", []string{on(`"StringNotEquals":{"aws:username":"` + owner + `"}`), fmt.Sprintf(denyAll, mfa), admin}, "enforced", ""},
		{"an Allow for a tag of the session", []string{noRoles, assume(`"StringEquals":{"aws:username":"${aws:RequestTag/owner}"}`)}, "open sts:AssumeRole", "owner:[bob]"},
		{"an Allow for a tag of the session, with a prefix", []string{noRoles, assume(`"StringLike":{"aws:username":"b${aws:RequestTag/owner}*"}`)}, "open sts:AssumeRole", "owner:[ob]"},
		{"an Allow for another user", []string{noRoles, assume(`"StringEquals":{"aws:username":"alice-${aws:RequestTag/owner}"}`)}, "latent ", ""},
		{"a Deny except on a resource named by a tag", []string{
			`{"Effect":"Deny","NotAction":["iam:CreateVirtualMFADevice","iam:EnableMFADevice","iam:GetUser"],"NotResource":"arn:aws:s3:::${aws:RequestTag/x}/*","Condition":{` + mfa + `}}`,
			`{"Effect":"Deny","NotAction":["s3:GetObject","iam:*"],"Resource":"*","Condition":{` + mfa + `}}`,
			`{"Effect":"Deny","Action":["iam:*"],"Resource":"*","Condition":{` + mfa + `}}`, admin}, "open s3:GetObject", "aws:RequestTag/x:["},
		{"an Allow on a resource named by a tag", []string{
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::${aws:RequestTag/x}/private/*"}`}, "open s3:GetObject", "aws:RequestTag/x:["},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := bob(identity(append(row.statements, others, byKey)...))
			s.Roles = []prove.Role{{ARN: "arn:aws:iam::" + account + ":role/abac", Trust: source(policy.Trust, "trust",
				`{"Effect":"Allow","Principal":{"AWS":"`+account+`"},"Action":["sts:AssumeRole","sts:TagSession"]}`)}}
			a := prove.User(s)
			if got := text(a); !strings.HasPrefix(got, row.want) {
				t.Fatalf("got %s, want %s", text1(a), row.want)
			}
			if a.Outcome == prove.Open {
				replay(t, s, a)
				if got := fmt.Sprint(a.Counterexample.Keys); !strings.Contains(got, row.keys) {
					t.Errorf("keys %s, want %s", got, row.keys)
				}
			}
		})
	}
}

// An example is a request that AWS itself does not refuse.
// Source: IAM User Guide, "Managed policies and inline policies": AWS managed policies cannot be changed.
func TestExamplesAreNotRefusedByAWSItself(t *testing.T) {
	for _, row := range []struct{ name, except, want string }{
		{"policies of AWS", "arn:aws:iam::aws:policy/*", "iam:Ge"},
		{"roles of IAM Identity Center", "arn:aws:iam::*:role/aws-reserved/*", "iam:"},
	} {
		t.Run(row.name, func(t *testing.T) {
			deny := `{"Effect":"Deny","NotAction":["iam:CreateVirtualMFADevice","iam:EnableMFADevice","iam:GetUser"],"NotResource":"` + row.except + `","Condition":{` + mfa + `}}`
			s := bob(identity(deny, others, byKey, admin))
			a := prove.User(s)
			if a.Outcome != prove.Open || !strings.HasPrefix(a.Counterexample.Action, row.want) {
				t.Fatalf("%s", text1(a))
			}
			for _, change := range []string{"Create", "Delete", "Update", "Put", "Attach", "Detach", "Tag", "Untag", "Set"} {
				if strings.HasPrefix(a.Counterexample.Action, "iam:"+change) {
					t.Errorf("%v: AWS refuses it", a.Counterexample)
				}
			}
			only := strings.Replace(deny, `"iam:GetUser"]`, `"iam:GetUser","iam:Get*","iam:List*","iam:Generate*","iam:Simulate*","iam:PassRole","sts:*"]`, 1)
			rest := `{"Effect":"Deny","Action":["iam:Get*","iam:List*","iam:Generate*","iam:Simulate*","iam:PassRole","sts:*"],"Resource":"*","Condition":{` + mfa + `}}`
			s = bob(identity(only, rest, others, byKey, admin))
			if a = prove.User(s); a.Outcome == prove.Open && strings.HasPrefix(row.except, "arn:aws:iam::aws:") {
				t.Errorf("changes of AWS managed policies alone: %s", text1(a))
			}
		})
	}
}

// A resource control policy binds the buckets of the user's account, so they are no example; buckets of other
// accounts may be.
func TestExamplesObeyResourceControlPolicies(t *testing.T) {
	s := bob(identity(admin))
	s.Set.RCPs = [][]policy.Source{{source(policy.RCP, "full", `{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`),
		source(policy.RCP, "no s3", `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`)}}
	a := prove.User(s)
	if a.Outcome != prove.Open || a.Latent || strings.HasPrefix(a.Counterexample.Action, "s3:") {
		t.Errorf("%s", text1(a))
	}
}

func TestEveryAnswerSaysThatTheCallersIdentityCannotBeDenied(t *testing.T) {
	a := prove.User(bob(identity(append(force, admin)...)))
	if !strings.Contains(strings.Join(a.Assumptions, "\n"), "sts:GetCallerIdentity cannot be denied") {
		t.Errorf("%q", a.Assumptions)
	}
}
