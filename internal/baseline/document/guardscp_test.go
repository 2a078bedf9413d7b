package document_test

import (
	"strings"
	"testing"

	"forcemfa/internal/baseline/document"
	"forcemfa/policy"
)

const guardConfig = "guard_scp: {targets: [r-abcd], except: [\"arn:aws:iam::*:role/Administrator\"]}\n"

func TestGuardSCPProtectsPolicyGroupAndTags(t *testing.T) {
	const (
		managed = "arn:aws:iam::" + account + ":policy/forcemfa/ForceMFA"
		group   = "arn:aws:iam::" + account + ":group/forcemfa/ForceMFA"
		another = "arn:aws:iam::" + account + ":policy/Other"
		owners  = "exemptions: [{match: {tag: userType=Service}, owner: a, reason: b}]\n"
	)
	for _, row := range []struct {
		name, config string
		call         scpCall
		allowed      bool
	}{
		{name: "a new version of the policy", call: scpCall{action: "iam:CreatePolicyVersion", resource: managed}},
		{name: "a deleted policy", call: scpCall{action: "iam:DeletePolicy", resource: managed}},
		{name: "a new version of another policy", call: scpCall{action: "iam:CreatePolicyVersion", resource: another}, allowed: true},
		{name: "a user removed from the group", call: scpCall{action: "iam:RemoveUserFromGroup", resource: group}},
		{name: "a user removed from another group", call: scpCall{action: "iam:RemoveUserFromGroup", resource: "arn:aws:iam::" + account + ":group/Developers"}, allowed: true},
		{name: "a user added to the group", call: scpCall{action: "iam:AddUserToGroup", resource: group}, allowed: true},
		{name: "another policy on the group", call: scpCall{action: "iam:AttachGroupPolicy", resource: group, policyARN: another}},
		{name: "the policy detached from a user", call: scpCall{action: "iam:DetachUserPolicy", resource: other, policyARN: managed}},
		{name: "another policy detached from a user", call: scpCall{action: "iam:DetachUserPolicy", resource: other, policyARN: another}, allowed: true},
		{name: "an enrollment window", call: scpCall{action: "iam:TagUser", resource: other, tagKeys: []string{"forcemfa-enrollment"}}},
		{name: "an enrollment window in another case", call: scpCall{action: "iam:TagUser", resource: other, tagKeys: []string{"FORCEMFA-Enrollment"}}},
		{name: "an enrollment window with its own key", config: "window: {tag: mfa-window, days: 7}\n", call: scpCall{action: "iam:TagUser", resource: other, tagKeys: []string{"mfa-window"}}},
		{name: "the tag of an exemption among others", config: owners, call: scpCall{action: "iam:TagUser", resource: other, tagKeys: []string{"team", "usertype"}}},
		{name: "the tag of an exemption on a new user", config: owners, call: scpCall{action: "iam:CreateUser", resource: other, tagKeys: []string{"userType"}}},
		{name: "the tag of an exemption removed", config: owners, call: scpCall{action: "iam:UntagUser", resource: other, tagKeys: []string{"userType"}}},
		{name: "another tag", config: owners, call: scpCall{action: "iam:TagUser", resource: other, tagKeys: []string{"team"}}, allowed: true},
		{name: "a new user without tags", config: owners, call: scpCall{action: "iam:CreateUser", resource: other}, allowed: true},
		{name: "any other call", call: scpCall{action: "s3:GetObject"}, allowed: true},
		{name: "a session of a role in except", call: scpCall{principal: "role/Administrator", action: "iam:DeletePolicy", resource: managed}, allowed: true},
		{name: "a session of another role", call: scpCall{principal: "role/Developer", action: "iam:DeletePolicy", resource: managed}},
		{name: "a user with the name of that role", call: scpCall{principal: "user/Administrator", action: "iam:DeletePolicy", resource: managed}},
		{name: "a StackSets role", call: scpCall{principal: "role/stacksets-exec-0123456789abcdef", action: "iam:RemoveUserFromGroup", resource: group}, allowed: true},
		{name: "the self-managed StackSets role", call: scpCall{principal: "role/AWSCloudFormationStackSetExecutionRole", action: "iam:RemoveUserFromGroup", resource: group}, allowed: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			document, err := parsed(t, guardConfig+row.config).GuardSCP("aws")
			if err != nil {
				t.Fatal(err)
			}
			call := row.call
			call.mfa = true
			want := policy.ExplicitDenied
			if row.allowed {
				want = policy.Allowed
			}
			if got := decideUnderSCP(t, document, call); got != want {
				t.Errorf("%v, want %v under %s", got, want, document)
			}
		})
	}
}

func TestGuardSCPNamesEachTagOnce(t *testing.T) {
	exemptions := "exemptions: [{match: {tag: userType=Service}, owner: a, reason: b}, {match: {tag: USERTYPE=Machine}, owner: a, reason: b}, {match: {name: ci}, owner: a, reason: b}]\n"
	document, err := parsed(t, guardConfig+exemptions).GuardSCP("aws")
	if err != nil {
		t.Fatal(err)
	}
	if want := `"aws:TagKeys":["forcemfa-enrollment","userType"]`; !strings.Contains(document, want) {
		t.Errorf("no %s in %s", want, document)
	}
}

func TestGuardSCPRefusesTagsWhoseKeyIsAPattern(t *testing.T) {
	_, err := parsed(t, guardConfig+exempting("{tag: \"user*=Service\"}")).GuardSCP("aws")
	if _, ok := err.(*document.InexpressibleError); !ok || err.Error() != "tag user*=Service cannot be part of a service control policy: the key is a pattern" {
		t.Errorf("error %v", err)
	}
}
