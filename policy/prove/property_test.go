package prove_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"forcemfa/policy"
	"forcemfa/policy/prove"
)

// Pieces of random policies. They overlap on purpose.
var (
	somePatterns = []string{"*", "s3:*", "s3:Get*", "iam:*", "iam:Create*", "iam:*MFA*", "ec2:*", "sts:AssumeRole", "dynamodb:*Table", "iam:GetUser"}
	someActions  = []string{"s3:GetObject", "iam:CreateAccessKey", "ec2:RunInstances", "sts:AssumeRole", "dynamodb:DeleteTable", "sqs:SendMessage", "iam:GetUser", "iam:EnableMFADevice"}
	someARNs     = []string{"*", "arn:aws:s3:::a/*", "arn:aws:s3:::*", "arn:aws:iam::*:user/${aws:username}", "arn:aws:iam::*:user/*", "arn:aws:dynamodb:*:*:table/t*"}
	someTargets  = []string{"*", "arn:aws:s3:::a/b", "arn:aws:s3:::c/d", self, "arn:aws:iam::" + account + ":user/carol", "arn:aws:iam::" + account + ":role/r", "arn:aws:dynamodb:eu-west-1:" + account + ":table/t1"}
	someTests    = []string{``, mfa, `"Bool":{"aws:MultiFactorAuthPresent":"false"}`, `"Null":{"aws:MultiFactorAuthPresent":"true"}`,
		mfa + `,"StringEquals":{"aws:RequestedRegion":"eu-west-1"}`, mfa + `,"StringNotEquals":{"aws:RequestedRegion":"eu-west-1"}`}
)

func drawStatement(t *rapid.T, label string) string {
	effect := rapid.SampledFrom([]string{"Allow", "Deny", "Deny"}).Draw(t, label+" effect")
	element := func(name string, from []string) string {
		not := rapid.SampledFrom([]string{"", "", "Not"}).Draw(t, label+" "+name)
		values := rapid.SliceOfNDistinct(rapid.SampledFrom(from), 1, 3, rapid.ID).Draw(t, label+" "+name+" values")
		return `"` + not + name + `":["` + strings.Join(values, `","`) + `"]`
	}
	return fmt.Sprintf(`{"Effect":"%s",%s,%s,"Condition":{%s}}`, effect, element("Action", somePatterns), element("Resource", someARNs),
		rapid.SampledFrom(someTests).Draw(t, label+" condition"))
}

// contexts are those of requests without MFA by bob.
func contexts(s prove.Subject) map[policy.Credential]*policy.Context {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	out := map[policy.Credential]*policy.Context{}
	for c, present := range map[policy.Credential]policy.Presence{
		policy.LongTermKey: policy.Absent, policy.ConsolePassword: policy.False, policy.SessionToken: policy.False,
	} {
		out[c] = s.Context.Clone()
		out[c].SetMFA(c, present, now, now)
		out[c].Set("aws:ViaAWSService", "false")
	}
	return out
}

// A user who is called enforced has no request that is not refused; a witness
// is one that is not, and allowed unless latent.
func TestAnswersHoldForRandomPolicies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list []string
		for i := range rapid.IntRange(1, 4).Draw(t, "statements") {
			list = append(list, drawStatement(t, fmt.Sprint(i)))
		}
		s := bob(identity(list...))
		a := prove.User(s)
		switch a.Outcome {
		case prove.Open:
			checkWitness(t, s, a)
		case prove.Enforced:
			checkEnforced(t, s)
		}
	})
}

func checkWitness(t *rapid.T, s prove.Subject, a prove.Answer) {
	c := contexts(s)[a.Witness.Credential]
	for k, v := range a.Witness.Keys {
		c.Set(k, v)
	}
	r := &policy.Request{Principal: s.Principal, Action: a.Witness.Action, Resource: a.Witness.Resource, Context: c}
	if v := s.Set.Refuses(r).Verdict; v != policy.ImplicitDenied {
		t.Errorf("%v: refuses says %v", a.Witness, v)
	}
	if allowed := s.Set.Decide(r).Verdict == policy.Allowed; allowed == a.Latent {
		t.Errorf("%v: latent %v, allowed %v", a.Witness, a.Latent, allowed)
	}
}

func checkEnforced(t *rapid.T, s prove.Subject) {
	for credential, context := range contexts(s) {
		for _, region := range []string{"", "eu-west-1", "us-west-2"} {
			context := context.Clone()
			if region != "" {
				context.Set("aws:RequestedRegion", region)
			}
			for _, action := range someActions {
				for _, target := range someTargets {
					service, _, _ := strings.Cut(action, ":")
					if _, barred := credential.Barred(action); barred || !strings.Contains(target, ":"+service+":") && target != "*" || action == "iam:GetUser" ||
						action == "iam:EnableMFADevice" && target == self && credential != policy.LongTermKey {
						continue
					}
					r := &policy.Request{Principal: s.Principal, Action: action, Resource: target, Context: context}
					if required := target == "*" && action != "sqs:SendMessage"; required {
						continue // such a request always names its resource
					}
					if v := s.Set.Refuses(r).Verdict; v != policy.ExplicitDenied {
						t.Errorf("enforced, but %s on %s (credential %v, region %q): %v", action, target, credential, region, v)
					}
				}
			}
		}
	}
}
