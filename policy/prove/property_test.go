package prove_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"forcemfa/policy"
	"forcemfa/policy/catalog"
	"forcemfa/policy/prove"
)

// Pieces of random policies. They overlap on purpose.
var (
	somePatterns = []string{"*", "s3:*", "s3:Get*", "iam:*", "iam:Create*", "iam:*MFA*", "ec2:*", "sts:AssumeRole", "dynamodb:*Table", "iam:GetUser"}
	someActions  = []string{"s3:GetObject", "iam:CreateAccessKey", "ec2:RunInstances", "sts:AssumeRole", "dynamodb:DeleteTable", "sqs:SendMessage", "iam:GetUser", "iam:EnableMFADevice"}
	someARNs     = []string{"*", "arn:aws:s3:::a/*", "arn:aws:s3:::*", "arn:aws:iam::*:user/${aws:username}", "arn:aws:iam::*:user/*", "arn:aws:dynamodb:*:*:table/t*"}
	someTests    = []string{``, mfa, `"Bool":{"aws:MultiFactorAuthPresent":"false"}`, `"Null":{"aws:MultiFactorAuthPresent":"true"}`,
		mfa + `,"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}`, mfa + `,"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}`,
		mfa + `,"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}`, `"Null":{"aws:TokenIssueTime":"true"}`,
		mfa + `,"StringEquals":{"aws:RequestedRegion":"eu-west-1"}`, mfa + `,"StringNotEquals":{"aws:RequestedRegion":"eu-west-1"}`}
)

func drawStatement(t *rapid.T, label string, arns, tests []string) string {
	effect := rapid.SampledFrom([]string{"Allow", "Deny", "Deny"}).Draw(t, label+" effect")
	element := func(name string, from []string) string {
		not := rapid.SampledFrom([]string{"", "", "Not"}).Draw(t, label+" "+name)
		values := rapid.SliceOfNDistinct(rapid.SampledFrom(from), 1, 3, rapid.ID).Draw(t, label+" "+name+" values")
		return `"` + not + name + `":["` + strings.Join(values, `","`) + `"]`
	}
	return fmt.Sprintf(`{"Effect":"%s",%s,%s,"Condition":{%s}}`, effect, element("Action", somePatterns), element("Resource", arns),
		rapid.SampledFrom(tests).Draw(t, label+" condition"))
}

// drawSet is a policy of one to most random statements, often with those that
// enforce.
func drawSet(t *rapid.T, most int, arns, tests []string) *policy.Set {
	var list []string
	if rapid.Bool().Draw(t, "tight") {
		list = append(list, force...)
	}
	for i := range rapid.IntRange(1, most).Draw(t, "statements") {
		list = append(list, drawStatement(t, fmt.Sprint(i), arns, tests))
	}
	return identity(list...)
}

// A user who is called enforced has no request that is not refused; a counterexample
// is one that is not, and allowed unless latent.
func TestAnswersHoldForRandomPolicies(t *testing.T) {
	requests := 0
	rapid.Check(t, func(t *rapid.T) {
		s := bob(drawSet(t, 4, someARNs, someTests))
		a := prove.User(s)
		switch a.Outcome {
		case prove.Open:
			checkCounterexample(t, s, a)
		case prove.Enforced:
			checkEnforced(t, s, a, rand.New(rand.NewPCG(uint64(requests), 0)))
			requests += randomRequests
		}
		if a.Today.Outcome == prove.Enforced && a.Outcome == prove.Open && !a.Latent {
			t.Errorf("allowed today, and not: %v", a.Counterexample)
		}
	})
	t.Logf("%d random requests", requests)
}

// contexts are those of requests without MFA by the user.
func contexts(s prove.Subject) map[policy.Credential]*policy.Context {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	out := map[policy.Credential]*policy.Context{}
	for c, present := range map[policy.Credential]policy.Presence{
		policy.LongTermKey: policy.Absent, policy.ConsolePassword: policy.False, policy.SessionToken: policy.False,
	} {
		out[c] = s.Context.Clone()
		out[c].SetMFA(c, present, now, now)
		out[c].Set("aws:ViaAWSService", "false")
		out[c].Set("aws:CurrentTime", now.Format(time.RFC3339))
		out[c].Set("aws:EpochTime", strconv.FormatInt(now.Unix(), 10))
		out[c].Set("aws:SecureTransport", "true")
	}
	return out
}

func checkCounterexample(t *rapid.T, s prove.Subject, a prove.Answer) {
	c := contexts(s)[a.Counterexample.Credential]
	a.Counterexample.SetKeys(c)
	r := &policy.Request{Principal: s.Principal, Action: a.Counterexample.Action, Resource: a.Counterexample.Resource, Context: c}
	if v := s.Set.Refuses(r).Verdict; v != policy.ImplicitDenied {
		t.Errorf("%v: refuses says %v", a.Counterexample, v)
	}
	if allowed := s.Set.Decide(r).Verdict == policy.Allowed; allowed == a.Latent {
		t.Errorf("%v: latent %v, allowed %v", a.Counterexample, a.Latent, allowed)
	}
}

// randomRequests are how many are tried against one proof.
const randomRequests = 10_000

// checkEnforced sends random requests without MFA.
func checkEnforced(t *rapid.T, s prove.Subject, a prove.Answer, dice *rand.Rand) {
	contexts := contexts(s)
	credentials := slices.Sorted(maps.Keys(contexts))
	for range randomRequests {
		action := randomAction(dice, a.Strict == prove.Enforced)
		resource := randomResource(dice, action)
		credential := credentials[dice.IntN(len(credentials))]
		if exempt(credential, action, resource) {
			continue
		}
		context := contexts[credential]
		for _, key := range randomKeys {
			context.Delete(key)
			if values := randomValues[key]; dice.IntN(2) == 0 {
				context.Set(key, values[dice.IntN(len(values))])
			}
		}
		r := &policy.Request{Principal: s.Principal, Action: action, Resource: resource, Context: context}
		if v := s.Set.Refuses(r).Verdict; v != policy.ExplicitDenied {
			t.Fatalf("enforced (strictly: %v), but %s on %s (%v, %v): %v", a.Strict, action, resource, credential, context.Keys(), v)
		}
	}
}

var randomValues = map[string][]string{
	"aws:RequestedRegion": {"eu-west-1", "us-west-2"},
	"aws:SourceIp":        {"192.0.2.7", "198.51.100.7", "2001:db8::1"},
	"aws:CurrentTime":     {"2026-03-01T00:00:00Z", "2031-01-01T00:00:00Z"},
}

var randomKeys = slices.Sorted(maps.Keys(randomValues))

// randomAction is one of the catalog or, when the answer is about all, now
// and then an invented one.
func randomAction(dice *rand.Rand, any bool) string {
	if any && dice.IntN(4) == 0 {
		return []string{"quantum:Entangle", "iam:GetUserMFADeviceX", "s3:GetX", "dynamodb:XTable"}[dice.IntN(4)]
	}
	services := catalog.Load().Services
	if dice.IntN(2) == 0 {
		return someActions[dice.IntN(len(someActions))]
	}
	actions := services[dice.IntN(len(services))].Actions
	return actions[dice.IntN(len(actions))].String()
}

// randomResource is one that requests for the action can have.
func randomResource(dice *rand.Rand, action string) string {
	a, ok := catalog.Load().Action(action)
	if !ok || len(a.Resources) == 0 {
		return "*"
	}
	template, _, _ := strings.Cut(a.Resources[dice.IntN(len(a.Resources))].Type.ARN, ", ")
	names := []string{"a", "b", "t1", "bob", "team/bob", "carol", "c/d"}
	resource := strings.NewReplacer("${Partition}", "aws", "${Region}", []string{"eu-west-1", "us-west-2"}[dice.IntN(2)], "${Account}", account).Replace(template)
	for {
		before, rest, found := strings.Cut(resource, "${")
		if !found {
			return resource
		}
		_, after, _ := strings.Cut(rest, "}")
		resource = before + names[dice.IntN(len(names))] + after
	}
}

// exempt is what an answer for bob says nothing about.
func exempt(c policy.Credential, action, resource string) bool {
	_, limited := c.Limit(action)
	switch {
	case limited || policy.Unconditional(action) || strings.HasSuffix(resource, "user/team/bob"):
		return true
	case slices.Contains([]string{"iam:PassRole", "sts:TagSession", "sts:SetSourceIdentity", "sts:SetContext", "sts:AssumeRoleWithSAML",
		"sts:AssumeRoleWithWebIdentity", "sts:TagGetWebIdentityToken", "iam:CreateVirtualMFADevice", "iam:GetUser"}, action):
		return true
	}
	return action == "iam:EnableMFADevice" && resource == self && c != policy.LongTermKey
}
