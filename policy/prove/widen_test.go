package prove_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"forcemfa/internal/testdepth"
	"forcemfa/policy"
	"forcemfa/policy/prove"
)

func allow(action, resource, conditions string) string {
	return fmt.Sprintf(`{"Effect":"Allow","Action":%s,"Resource":%s,"Condition":{%s}}`, action, resource, conditions)
}

func TestWidens(t *testing.T) {
	const (
		withMFA = `"Bool":{"aws:MultiFactorAuthPresent":"true"}`
		hour    = `"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}`
		day     = `"NumericLessThan":{"aws:MultiFactorAuthAge":"86400"}`
		deny    = `{"Effect":"Deny","Action":"s3:Delete*","Resource":"*"}`
	)
	get, all := allow(`"s3:GetObject"`, `"*"`, ""), allow(`"s3:*"`, `"*"`, "")
	for _, row := range []struct {
		name          string
		before, after []string
		want          string // beginning of the action; empty: nothing new
	}{
		{"the same", []string{get}, []string{get, get}, ""},
		{"less", []string{all}, []string{get}, ""},
		{"more", []string{get}, []string{all}, "s3:"},
		{"another action", []string{get}, []string{allow(`["s3:GetObject","s3:PutObject"]`, `"*"`, "")}, "s3:PutObject"},
		{"a permission that is no request", []string{get}, []string{get, allow(`"iam:PassRole"`, `"*"`, "")}, "iam:PassRole"},
		{"another resource", []string{allow(`"s3:GetObject"`, `"arn:aws:s3:::a/*"`, "")}, []string{allow(`"s3:GetObject"`, `["arn:aws:s3:::a/*","arn:aws:s3:::b/*"]`, "")}, "s3:GetObject"},
		{"a narrower resource", []string{allow(`"s3:GetObject"`, `"arn:aws:s3:::a/*"`, "")}, []string{allow(`"s3:GetObject"`, `"arn:aws:s3:::a/b/*"`, "")}, ""},
		{"a condition more", []string{get}, []string{allow(`"s3:GetObject"`, `"*"`, withMFA)}, ""},
		{"a condition less", []string{allow(`"s3:GetObject"`, `"*"`, withMFA)}, []string{get}, "s3:GetObject"},
		{"with MFA alone", []string{allow(`"s3:GetObject"`, `"*"`, withMFA)}, []string{allow(`"s3:*"`, `"*"`, withMFA)}, "s3:"},
		{"an older code", []string{allow(`"s3:GetObject"`, `"*"`, hour)}, []string{allow(`"s3:GetObject"`, `"*"`, day)}, "s3:GetObject"},
		{"a younger code", []string{allow(`"s3:GetObject"`, `"*"`, day)}, []string{allow(`"s3:GetObject"`, `"*"`, hour)}, ""},
		{"another address", []string{allow(`"s3:GetObject"`, `"*"`, `"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}`)}, []string{allow(`"s3:GetObject"`, `"*"`, `"IpAddress":{"aws:SourceIp":"192.0.0.0/16"}`)}, "s3:GetObject"},
		{"a Deny less", []string{all, deny}, []string{all}, "s3:Delete"},
		{"a Deny less that denied nothing that is allowed", []string{get, deny}, []string{get}, ""},
		{"a Deny more", []string{all}, []string{all, deny}, ""},
		{"what the Deny refuses", []string{get}, []string{get, allow(`"s3:DeleteObject"`, `"*"`, ""), deny}, ""},
		{"an action that AWS does not have", []string{get}, []string{get, allow(`"quantum:Entangle"`, `"*"`, "")}, "quantum:Entangle"},
		{"a user by name", []string{allow(`"s3:*"`, `"*"`, `"StringNotEquals":{"aws:username":"bob"}`)}, []string{all}, "s3:"},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := prove.Widens(parsed(t, row.before...), parsed(t, row.after...))
			switch {
			case row.want == "" && a.Outcome == prove.Enforced:
			case row.want != "" && a.Outcome == prove.Open && strings.HasPrefix(a.Counterexample.Action, row.want) && a.Counterexample.AllowedBy != "":
			default:
				t.Errorf("%v %v %s, want %q", a.Outcome, a.Counterexample, a.Why, row.want)
			}
		})
	}
}

func TestWhatIsAboutOtherPrincipalsIsUnknown(t *testing.T) {
	before := parsed(t, allow(`"s3:GetObject"`, `"*"`, ""))
	for _, condition := range []string{`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}`, `"StringEquals":{"aws:PrincipalType":"AssumedRole"}`, `"StringEquals":{"aws:SourceIdentity":"x"}`} {
		if a := prove.Widens(before, parsed(t, allow(`"s3:*"`, `"*"`, condition))); a.Outcome != prove.Unknown || a.Why == "" {
			t.Errorf("%s: %v %q", condition, a.Outcome, a.Why)
		}
	}
}

// A document that allows nothing new has no request that only it allows, and a request
// that is shown is one.
func TestWideningHoldsForRandomPolicies(t *testing.T) {
	counts := map[prove.Outcome]int{}
	rapid.Check(t, func(t *rapid.T) {
		before, after := drawSet(t, 3, someARNs, someTests), drawSet(t, 3, someARNs, someTests)
		if rapid.Bool().Draw(t, "narrower") {
			text := strings.TrimSuffix(before.Identity[0].Document.String(), "]}") + "," + drawStatement(t, "more", someARNs, someTests) + "]}"
			after = &policy.Set{Identity: []policy.Source{policy.ParseSource("x", policy.Identity, text)}}
			if after.Identity[0].Err != nil {
				t.Fatal(after.Identity[0].Err)
			}
		}
		a := prove.Widens(before.Identity[0].Document, after.Identity[0].Document)
		counts[a.Outcome]++
		s := anybody()
		dice := rand.New(rand.NewPCG(uint64(counts[a.Outcome]), 0))
		contexts := contexts(s)
		if w := a.Counterexample; w != nil && w.Credential == policy.LongTermKey {
			c := contexts[w.Credential]
			w.SetKeys(c)
			r := &policy.Request{Principal: s.Principal, Action: w.Action, Resource: w.Resource, Context: c}
			if after.Refuses(r).Verdict == policy.ExplicitDenied || before.Decide(r).Verdict == policy.Allowed {
				t.Fatalf("%v is not new", w)
			}
		}
		for range 500 {
			action := randomAction(dice, true)
			r := &policy.Request{Principal: s.Principal, Action: action, Resource: randomResource(dice, action), Context: contexts[policy.LongTermKey]}
			if a.Outcome == prove.Enforced && after.Decide(r).Verdict == policy.Allowed && before.Decide(r).Verdict != policy.Allowed {
				t.Fatalf("nothing new, but %s on %s", action, r.Resource)
			}
		}
	})
	if testdepth.Long() && (counts[prove.Enforced] == 0 || counts[prove.Open] == 0) { // a few sets may have one outcome
		t.Errorf("outcomes: %v", counts)
	}
	t.Log(counts)
}

// anybody is the user that the examples are about.
func anybody() prove.Subject {
	const user = "arn:aws:iam::" + account + ":user/forcemfa-unnamed"
	s := prove.Subject{Principal: policy.Principal{Kind: policy.IAMUser, Account: account, ARN: user}, Context: new(policy.Context)}
	for key, value := range map[string]string{"aws:username": "forcemfa-unnamed", "aws:PrincipalArn": user, "aws:PrincipalAccount": account, "aws:PrincipalType": "User", "aws:PrincipalIsAWSService": "false"} {
		s.Context.Set(key, value)
	}
	return s
}
