package prove_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"forcemfa/internal/testdepth"
	"forcemfa/policy"
	"forcemfa/policy/prove"
)

const roleARN = "arn:aws:iam::" + account + ":role/ops/r"

// drawRole draws a role that everybody in the account may assume, and whether they may choose the tags and the source
// identity of its sessions.
func drawRole(t *rapid.T) (role prove.Role, tags, sources bool) {
	actions := rapid.SampledFrom([]string{`"sts:AssumeRole"`, `["sts:AssumeRole","sts:TagSession"]`, `["sts:AssumeRole","sts:SetSourceIdentity"]`, `"sts:*"`}).Draw(t, "trust")
	tags, sources = strings.Contains(actions, "Tag") || strings.Contains(actions, "*"), strings.Contains(actions, "Source") || strings.Contains(actions, "*")
	condition := func(label string) string {
		r := rule{`"Action":["iam:*"]`, fmt.Sprintf(`"Resource":%q`, rapid.SampledFrom([]string{"*", "*", "arn:aws:iam::*:user/${aws:PrincipalTag/team}", "arn:aws:iam::111111111111:group/*", "arn:aws:iam::*:user/${aws:SourceIdentity}"}).Draw(t, label+" resource")), drawTests(t, label)}
		if rapid.Bool().Draw(t, label+" without MFA") {
			delete(r.tests, "BoolIfExists")
		}
		return r.String()
	}
	allow := func(label string) string { return strings.Replace(condition(label), `"Deny"`, `"Allow"`, 1) }
	set := &policy.Set{Identity: []policy.Source{source(policy.Identity, "i", allow("grant"), allow("second grant"))}}
	if rapid.IntRange(0, 2).Draw(t, "denies") == 0 {
		set.Identity = append(set.Identity, source(policy.Identity, "d", condition("deny")))
	}
	if rapid.IntRange(0, 3).Draw(t, "boundary") == 0 {
		set.Boundary = new(source(policy.Boundary, "b", allow("boundary"), admin))
	}
	if rapid.IntRange(0, 3).Draw(t, "session") == 0 {
		set.Session = []policy.Source{source(policy.Session, "s", allow("session"))}
	}
	if rapid.IntRange(0, 3).Draw(t, "SCP") == 0 {
		set.SCPs = [][]policy.Source{{source(policy.SCP, "c", admin, condition("SCP"))}}
	}
	for _, s := range set.Sources() {
		if s.Err != nil {
			t.Fatal(s.Err)
		}
	}
	role = prove.Role{ARN: roleARN, Trust: trustFor(actions), Set: set, Context: new(policy.Context)}
	if rapid.Bool().Draw(t, "tag") {
		role.Context.Set("aws:PrincipalTag/team", rapid.SampledFrom([]string{"a", "true", ""}).Draw(t, "team"))
	}
	if rapid.Bool().Draw(t, "ID") {
		role.Context.Set("aws:userid", "AROA:session")
	}
	return role, tags, sources
}

// What a role session cannot do to an enforcement, no session of the role does, with the tags and the source identity that
// its trust policy lets the user choose.
func TestSwitchesHoldForRoleSessions(t *testing.T) {
	defer func(k, o []string) { layeredKeys, layeredOperands = k, o }(layeredKeys, layeredOperands)
	layeredKeys = slices.Concat(layeredKeys, []string{"aws:SourceIdentity", "aws:PrincipalTag/team", "aws:PrincipalTag/none", "aws:userid", "aws:PrincipalArn", "aws:PrincipalType", "aws:TokenIssueTime"})
	layeredOperands = slices.Concat(layeredOperands, []string{"bob", "AROA:*", roleARN, "AssumedRole", "true", "${aws:SourceIdentity}", "${aws:PrincipalTag/none, 'a'}"})
	sets, sent, allowed := uint64(0), 0, 0
	outcomes := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		sets++
		role, tags, sources := drawRole(t)
		s := bob(identity(admin))
		s.Roles = []prove.Role{role}
		can := map[string]prove.Switch{}
		for _, w := range new(prove.Prover).SwitchOff(s, enforcement) {
			if w.As == roleARN {
				can[w.What] = w
			}
		}
		session := prove.Subject{Set: role.Set, Context: role.Context.Clone(), Principal: policy.Principal{Kind: policy.RoleSession, Account: account, Issuer: roleARN,
			ARN: "arn:aws:sts::" + account + ":assumed-role/r/x"}}
		for key, value := range map[string]string{"aws:PrincipalArn": roleARN, "aws:PrincipalAccount": account, "aws:PrincipalType": "AssumedRole", "aws:PrincipalIsAWSService": "false"} {
			session.Context.Set(key, value)
		}
		sender := newSender(session, rand.New(rand.NewPCG(sets, 43)))
		actions := enforcement.DisablingActions()
		for _, d := range actions {
			outcomes[map[prove.Outcome]string{prove.Unknown: "unknown", prove.Enforced: "impossible", prove.Open: "possible"}[outcomeOf(can, d.What)]]++
		}
		for range layeredRequests / testdepth.Each(5) {
			d := pick(sender.dice, actions)
			c, _ := sender.context()
			at := time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC)
			c.SetMFA(policy.RoleFromKey, policy.False, at, at)
			c.Set("aws:userid", "AROA:"+pick(sender.dice, []string{"a", "bob"}))
			if sources && sender.dice.IntN(3) > 0 {
				c.Set("aws:SourceIdentity", pick(sender.dice, []string{"a", "bob", "true", sender.value(c)}))
			}
			for _, key := range []string{"aws:PrincipalTag/team", "aws:PrincipalTag/none"} {
				if tags && sender.dice.IntN(2) == 0 {
					c.Set(key, pick(sender.dice, []string{"a", "bob", "true", sender.value(c)}))
				}
			}
			for key, value := range d.Keys {
				if key == "aws:TagKeys" {
					c.SetMany(key, []string{value})
				} else {
					c.Set(key, value)
				}
			}
			c.Set("aws:ResourceAccount", account)
			c.Set("aws:RequestedRegion", pick(sender.dice, []string{"eu-west-1", "us-east-1"}))
			sent++
			r := &policy.Request{Principal: session.Principal, Action: d.Action, Resource: d.Resource, ResourceAccount: account, Context: c}
			if role.Set.Decide(r).Verdict != policy.Allowed {
				continue
			}
			allowed++
			if outcomeOf(can, d.What) == prove.Enforced {
				t.Fatalf("said to be impossible for a session of the role, but %s on %s is allowed: %s\n%s\n%s", d.Action, d.Resource, describe(c), texts(role.Set), role.Trust.Document)
			}
		}
	})
	t.Logf("%d sets, %d requests, %d allowed; %v", sets, sent, allowed, outcomes)
}

// outcomeOf is what a role session can do without MFA; an action that is not listed is impossible.
func outcomeOf(can map[string]prove.Switch, what string) prove.Outcome {
	if w, listed := can[what]; listed {
		return w.WithoutMFA
	}
	return prove.Enforced
}
