package policy_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	. "forcemfa/policy"
)

func TestExplainSaysWhichConditionDecided(t *testing.T) {
	set := forceMFA(t)
	set.SCPs = [][]Source{{parse(t, SCP, doc(allowAll))}, {parse(t, SCP, doc(allowAll+`,{"Effect":"Deny","Action":"iam:*","NotResource":"`+bobARN+`"}`))}}
	set.Boundary = &Source{Name: "lost", Err: errors.New("AccessDenied")}
	explain := func(action string, c *Context) (lines []string) {
		for _, l := range set.Explain(&Request{Principal: bob, Action: action, Resource: bobARN, Context: c}) {
			lines = append(lines, fmt.Sprintf("%v %d, %s[%d] %v: %v: %s", l.Layer, l.Level, l.Source.Name, l.Statement, l.Effect, l.Fit, l.Reason))
		}
		return lines
	}
	want := []string{
		"service control policy 0, service control policy[0] Allow: applies: ",
		"service control policy 1, service control policy[0] Allow: applies: ",
		"service control policy 1, service control policy[1] Deny: nearly: NotResource matches " + bobARN,
		"identity policy 0, ForceMFA[7] Allow: applies: ",
		"identity policy 0, ForceMFA[8] Deny: applies: BoolIfExists aws:MultiFactorAuthPresent false holds: the key is absent",
		"identity policy 0, AdministratorAccess[0] Allow: applies: ",
		"permissions boundary 0, lost[-1] : perhaps: could not be read: AccessDenied",
	}
	if diff := cmp.Diff(want, explain("iam:DeactivateMFADevice", withMFA("absent"))); diff != "" {
		t.Errorf("without MFA (-want +got):\n%s", diff)
	}
	want[4] = `identity policy 0, ForceMFA[8] Deny: nearly: BoolIfExists aws:MultiFactorAuthPresent false does not hold: the request has "true"`
	if diff := cmp.Diff(want, explain("iam:DeactivateMFADevice", withMFA("true"))); diff != "" {
		t.Errorf("with MFA (-want +got):\n%s", diff)
	}
	want[4] = "identity policy 0, ForceMFA[8] Deny: nearly: NotAction lists iam:EnableMFADevice"
	if diff := cmp.Diff(want, explain("iam:EnableMFADevice", withMFA("false"))); diff != "" {
		t.Errorf("enrollment (-want +got):\n%s", diff)
	}
	c := withMFA("false")
	c.Set("aws:username", "eve")
	want[3] = "identity policy 0, ForceMFA[7] Allow: nearly: Resource does not match " + bobARN
	if diff := cmp.Diff(want, explain("iam:EnableMFADevice", c)); diff != "" {
		t.Errorf("another user's device (-want +got):\n%s", diff)
	}
}

func TestExplainOfTheResourceSide(t *testing.T) {
	row := layered{who: session, owner: account, identity: allowEC2, resource: grant(toBob) + "," + grant(toAccount) +
		`,{"Effect":"Deny","NotPrincipal":{"AWS":"` + roleARN + `"},"Action":"*","Resource":"*"}` +
		`,{"Effect":"Deny","NotPrincipal":"*","Action":"*","Resource":"*"}`}
	_, set, r := row.decide(t)
	var got []string
	for _, l := range set.Explain(r) {
		got = append(got, fmt.Sprintf("%v[%d]: %v: %s", l.Layer, l.Statement, l.Fit, l.Reason))
	}
	want := []string{
		"resource policy[0]: nearly: Principal does not name the caller",
		"resource policy[1]: applies: ",
		"resource policy[2]: perhaps: AWS does not document a NotPrincipal that lists the caller without its account, or without its role",
		"resource policy[3]: nearly: NotPrincipal names the caller",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestExplainLeavesOutWhatDoesNotBind(t *testing.T) {
	for _, who := range []Principal{service, anybody} {
		row := layered{who: who, owner: account, identity: allowAll, boundary: allowAll, session: allowAll, scps: [][]string{{allowAll}}}
		_, set, r := row.decide(t)
		if lines := set.Explain(r); len(lines) != 0 {
			t.Errorf("%v: %+v", who, lines)
		}
	}
	row := layered{who: root, identity: allowAll, boundary: allowAll, scps: [][]string{{allowAll}}}
	_, set, r := row.decide(t)
	if lines := set.Explain(r); len(lines) != 1 || lines[0].Layer != SCP {
		t.Errorf("root: %+v", lines)
	}
}
