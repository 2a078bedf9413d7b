package document_test

import (
	"fmt"
	"strings"
	"testing"

	"forcemfa/internal/baseline/document"
	"forcemfa/policy"
)

const guardConfig = "guard_scp: {targets: [r-abcd], except: [\"arn:aws:iam::*:role/Administrator\"]}\n"

func TestGuardSCPProtectsPolicyGroupAndTags(t *testing.T) {
	const (
		managed   = "arn:aws:iam::" + account + ":policy/forcemfa/ForceMFA"
		group     = "arn:aws:iam::" + account + ":group/forcemfa/ForceMFA"
		another   = "arn:aws:iam::" + account + ":policy/Other"
		excepted  = "arn:aws:iam::" + account + ":role/Administrator"
		workloads = "exemptions: [{match: {path: \"/workloads/*\"}, owner: a, reason: b}, {match: {name: \"ci-*\"}, owner: a, reason: b}, {match: {name: \"regex:bot-[0-9]+\"}, owner: a, reason: b}, {match: {arn: \"arn:aws:iam::*:user/vendor/x\"}, owner: a, reason: b}]\n"
		function  = "role/forcemfa/ForceMFAFunction"
		adopting  = "adopt: [/Other]\n"
		owners    = "exemptions: [{match: {tag: userType=Service}, owner: a, reason: b}]\n"
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
		{name: "a new version of an adopted policy", config: adopting, call: scpCall{action: "iam:CreatePolicyVersion", resource: another}},
		{name: "an adopted policy detached from a user", config: adopting, call: scpCall{action: "iam:DetachUserPolicy", resource: other, policyARN: another}},
		{name: "a new version of the forcemfa policy beside an adopted one", config: adopting, call: scpCall{action: "iam:CreatePolicyVersion", resource: managed}},
		{name: "an adopted policy attached to a user", config: adopting, call: scpCall{action: "iam:AttachUserPolicy", resource: other, policyARN: another}, allowed: true},
		{name: "an enrollment window", call: scpCall{action: "iam:TagUser", resource: other, tagKeys: []string{"forcemfa-enrollment"}}},
		{name: "the mark of a device that was enrolled by key", call: scpCall{action: "iam:UntagUser", resource: other, tagKeys: []string{"ForceMFA-device-by-key"}}},
		{name: "an enrollment window in another case", call: scpCall{action: "iam:TagUser", resource: other, tagKeys: []string{"FORCEMFA-Enrollment"}}},
		{name: "an enrollment window with its own key", config: "window: {tag: mfa-window, days: 7}\n", call: scpCall{action: "iam:TagUser", resource: other, tagKeys: []string{"mfa-window"}}},
		{name: "the tag of an exemption among others", config: owners, call: scpCall{action: "iam:TagUser", resource: other, tagKeys: []string{"team", "usertype"}}},
		{name: "the tag of an exemption on a new user", config: owners, call: scpCall{action: "iam:CreateUser", resource: other, tagKeys: []string{"userType"}}},
		{name: "the tag of an exemption removed", config: owners, call: scpCall{action: "iam:UntagUser", resource: other, tagKeys: []string{"userType"}}},
		{name: "another tag", config: owners, call: scpCall{action: "iam:TagUser", resource: other, tagKeys: []string{"team"}}, allowed: true},
		{name: "a new user without tags", config: owners, call: scpCall{action: "iam:CreateUser", resource: other}, allowed: true},
		{name: "the account leaves the organization", call: scpCall{action: "organizations:LeaveOrganization", resource: "*"}},
		{name: "the account moves to another organization", call: scpCall{action: "organizations:AcceptHandshake", resource: "arn:aws:organizations::999999999999:handshake/o-elsewhere/invite/h-1"}},
		{name: "the account moves by a role in except", call: scpCall{principal: "role/Administrator", action: "organizations:AcceptHandshake", resource: "*"}, allowed: true},
		{name: "the account leaves by a role in except", call: scpCall{principal: "role/Administrator", action: "organizations:LeaveOrganization", resource: "*"}, allowed: true},
		{name: "the account leaves by a StackSets role", call: scpCall{principal: "role/stacksets-exec-0123456789abcdef", action: "organizations:LeaveOrganization", resource: "*"}},
		{name: "the organization read", call: scpCall{action: "organizations:DescribeOrganization", resource: "*"}, allowed: true},
		{name: "any other call", call: scpCall{action: "s3:GetObject"}, allowed: true},
		{name: "a session of a role in except", call: scpCall{principal: "role/Administrator", action: "iam:DeletePolicy", resource: managed}, allowed: true},
		{name: "a session of another role", call: scpCall{principal: "role/Developer", action: "iam:DeletePolicy", resource: managed}},
		{name: "a user with the name of that role", call: scpCall{principal: "user/Administrator", action: "iam:DeletePolicy", resource: managed}},
		{name: "a StackSets role", call: scpCall{principal: "role/stacksets-exec-0123456789abcdef", action: "iam:RemoveUserFromGroup", resource: group}, allowed: true},
		{name: "the self-managed StackSets role", call: scpCall{principal: "role/AWSCloudFormationStackSetExecutionRole", action: "iam:RemoveUserFromGroup", resource: group}, allowed: true},
		{name: "a StackSets role that exempts", config: owners, call: scpCall{principal: "role/stacksets-exec-0123456789abcdef", action: "iam:TagUser", resource: other, tagKeys: []string{"userType"}}},

		{name: "a role of an excepted name", call: scpCall{action: "iam:CreateRole", resource: excepted}},
		{name: "a role of StackSets", call: scpCall{action: "iam:CreateRole", resource: "arn:aws:iam::" + account + ":role/stacksets-exec-evil"}},
		{name: "the self-managed role of StackSets", call: scpCall{action: "iam:CreateRole", resource: "arn:aws:iam::" + account + ":role/AWSCloudFormationStackSetExecutionRole"}},
		{name: "a role in the path of forcemfa", call: scpCall{action: "iam:CreateRole", resource: "arn:aws:iam::" + account + ":role/forcemfa/ForceMFAFunction"}},
		{name: "a role of another name", call: scpCall{action: "iam:CreateRole", resource: "arn:aws:iam::" + account + ":role/Developer"}, allowed: true},
		{name: "the trust policy of an excepted role", call: scpCall{action: "iam:UpdateAssumeRolePolicy", resource: excepted}},
		{name: "a policy attached to an excepted role", call: scpCall{action: "iam:AttachRolePolicy", resource: excepted}},
		{name: "an inline policy of an excepted role", call: scpCall{action: "iam:PutRolePolicy", resource: excepted}},
		{name: "the boundary of an excepted role", call: scpCall{action: "iam:DeleteRolePermissionsBoundary", resource: excepted}},
		{name: "an excepted role deleted", call: scpCall{action: "iam:DeleteRole", resource: excepted}},
		{name: "an excepted role passed to a service", call: scpCall{action: "iam:PassRole", resource: excepted}},
		{name: "the function's role passed to a function", call: scpCall{action: "iam:PassRole", resource: "arn:aws:iam::" + account + ":" + function}},
		{name: "an excepted role read", call: scpCall{action: "iam:GetRole", resource: excepted}, allowed: true},
		{name: "an excepted role changed by itself", call: scpCall{principal: "role/Administrator", action: "iam:UpdateAssumeRolePolicy", resource: excepted}, allowed: true},
		{name: "a role of StackSets that creates the function's role", call: scpCall{principal: "role/stacksets-exec-0123456789abcdef", action: "iam:CreateRole", resource: "arn:aws:iam::" + account + ":" + function}, allowed: true},

		{name: "a user moved to an exempt path", config: workloads, call: scpCall{action: "iam:UpdateUser", resource: "arn:aws:iam::" + account + ":user/workloads/alice"}},
		{name: "a user with an exempt name", config: workloads, call: scpCall{action: "iam:CreateUser", resource: "arn:aws:iam::" + account + ":user/ci-1"}},
		{name: "a user with an exempt name in a path", config: workloads, call: scpCall{action: "iam:CreateUser", resource: "arn:aws:iam::" + account + ":user/team/ci-1"}},
		{name: "a user whose name a regular expression matches", config: workloads, call: scpCall{action: "iam:UpdateUser", resource: "arn:aws:iam::" + account + ":user/bot-7"}},
		{name: "a user with an exempt ARN", config: workloads, call: scpCall{action: "iam:UpdateUser", resource: "arn:aws:iam::" + account + ":user/vendor/x"}},
		{name: "a user whose path ends with an exempt part", config: "exemptions: [{match: {path: \"*bots/\"}, owner: a, reason: b}]\n", call: scpCall{action: "iam:UpdateUser", resource: "arn:aws:iam::" + account + ":user/x/bots/alice"}},
		{name: "a user in another path", config: workloads, call: scpCall{action: "iam:UpdateUser", resource: "arn:aws:iam::" + account + ":user/people/alice"}, allowed: true},
		{name: "a user moved by a role in except", config: workloads, call: scpCall{principal: "role/Administrator", action: "iam:UpdateUser", resource: "arn:aws:iam::" + account + ":user/workloads/alice"}, allowed: true},

		{name: "the function opens an enrollment window", call: scpCall{principal: function, action: "iam:TagUser", resource: other, tagKeys: []string{"forcemfa-enrollment"}}, allowed: true},
		{name: "the function closes an enrollment window", call: scpCall{principal: function, action: "iam:UntagUser", resource: other, tagKeys: []string{"forcemfa-enrollment"}}, allowed: true},
		{name: "the function exempts a user", config: owners, call: scpCall{principal: function, action: "iam:TagUser", resource: other, tagKeys: []string{"forcemfa-enrollment", "userType"}}},
		{name: "the function attaches the policy to the group", call: scpCall{principal: function, action: "iam:AttachGroupPolicy", resource: group, policyARN: managed}, allowed: true},
		{name: "the function detaches the policy", call: scpCall{principal: function, action: "iam:DetachUserPolicy", resource: other, policyARN: managed}},
		{name: "a role of the function's name elsewhere", call: scpCall{principal: "role/ForceMFAFunction", action: "iam:TagUser", resource: other, tagKeys: []string{"forcemfa-enrollment"}}},

		{name: "the inline fallback deleted", call: scpCall{action: "iam:DeleteUserPolicy", resource: other}},
		{name: "the inline fallback replaced", call: scpCall{action: "iam:PutUserPolicy", resource: other}},
		{name: "a boundary removed", call: scpCall{action: "iam:DeleteUserPermissionsBoundary", resource: other}},
		{name: "a boundary replaced", call: scpCall{action: "iam:PutUserPermissionsBoundary", resource: other}},
		{name: "a user removed from any group with attach: groups", config: "attach: groups\n", call: scpCall{action: "iam:RemoveUserFromGroup", resource: "arn:aws:iam::" + account + ":group/Developers"}},

		{name: "the code of the function", call: scpCall{action: "lambda:UpdateFunctionCode", resource: "arn:aws:lambda:us-east-1:" + account + ":function:forcemfa"}},
		{name: "the configuration of the function", call: scpCall{action: "lambda:UpdateFunctionConfiguration", resource: "arn:aws:lambda:us-east-1:" + account + ":function:forcemfa"}},
		{name: "the concurrency of the function", call: scpCall{action: "lambda:PutFunctionConcurrency", resource: "arn:aws:lambda:us-east-1:" + account + ":function:forcemfa"}},
		{name: "another function", call: scpCall{action: "lambda:UpdateFunctionConfiguration", resource: "arn:aws:lambda:us-east-1:" + account + ":function:other"}, allowed: true},
		{name: "the function read", call: scpCall{action: "lambda:GetFunction", resource: "arn:aws:lambda:us-east-1:" + account + ":function:forcemfa"}, allowed: true},
		{name: "a rule disabled", call: scpCall{action: "events:DisableRule", resource: "arn:aws:events:us-east-1:" + account + ":rule/forcemfa-events"}},
		{name: "a rule without its target", call: scpCall{action: "events:RemoveTargets", resource: "arn:aws:events:us-east-1:" + account + ":rule/forcemfa-schedule"}},
		{name: "another rule", call: scpCall{action: "events:DisableRule", resource: "arn:aws:events:us-east-1:" + account + ":rule/other"}, allowed: true},
		{name: "a rule of the notifier", call: scpCall{action: "events:PutTargets", resource: "arn:aws:events:us-east-1:" + account + ":rule/forcemfa/forcemfa-urgent"}},
		{name: "the bus of the notifier deleted", call: scpCall{action: "events:DeleteEventBus", resource: "arn:aws:events:us-east-1:" + account + ":event-bus/forcemfa"}},
		{name: "the bus of the notifier closed", call: scpCall{action: "events:RemovePermission", resource: "arn:aws:events:us-east-1:" + account + ":event-bus/forcemfa"}},
		{name: "the bus of the notifier opened", call: scpCall{action: "events:PutPermission", resource: "arn:aws:events:us-east-1:" + account + ":event-bus/forcemfa"}},
		{name: "a message on the bus", call: scpCall{principal: function, action: "events:PutEvents", resource: "arn:aws:events:us-east-1:" + account + ":event-bus/forcemfa"}, allowed: true},
		{name: "another bus", call: scpCall{action: "events:DeleteEventBus", resource: "arn:aws:events:us-east-1:" + account + ":event-bus/orders"}, allowed: true},
		{name: "the log deleted", call: scpCall{action: "logs:DeleteLogGroup", resource: "arn:aws:logs:us-east-1:" + account + ":log-group:StackSet-forcemfa-1-LogGroup-2:*"}},
		{name: "a stream of the log deleted", call: scpCall{action: "logs:DeleteLogStream", resource: "arn:aws:logs:us-east-1:" + account + ":log-group:forcemfa-LogGroup-2:log-stream:3"}},
		{name: "a log that is kept for a day", call: scpCall{action: "logs:PutRetentionPolicy", resource: "arn:aws:logs:us-east-1:" + account + ":log-group:forcemfa-LogGroup-2:*"}},
		{name: "a log with a key of the attacker", call: scpCall{action: "logs:AssociateKmsKey", resource: "arn:aws:logs:us-east-1:" + account + ":log-group:forcemfa-LogGroup-2:*"}},
		{name: "a line of the log", call: scpCall{principal: function, action: "logs:PutLogEvents", resource: "arn:aws:logs:us-east-1:" + account + ":log-group:forcemfa-LogGroup-2:log-stream:3"}, allowed: true},
		{name: "another log", call: scpCall{action: "logs:DeleteLogGroup", resource: "arn:aws:logs:us-east-1:" + account + ":log-group:/aws/lambda/app:*"}, allowed: true},
		{name: "a queue emptied", call: scpCall{action: "sqs:PurgeQueue", resource: "arn:aws:sqs:us-east-1:" + account + ":StackSet-forcemfa-1-Failed-2"}},
		{name: "a queue deleted", call: scpCall{action: "sqs:DeleteQueue", resource: "arn:aws:sqs:us-east-1:" + account + ":forcemfa-notifier-Digest-2"}},
		{name: "a queue without its policy", call: scpCall{action: "sqs:SetQueueAttributes", resource: "arn:aws:sqs:us-east-1:" + account + ":forcemfa-notifier-Digest-2"}},
		{name: "a message taken from a queue", call: scpCall{principal: "role/forcemfa/ForceMFANotifier", action: "sqs:DeleteMessage", resource: "arn:aws:sqs:us-east-1:" + account + ":forcemfa-notifier-Digest-2"}, allowed: true},
		{name: "another queue", call: scpCall{action: "sqs:PurgeQueue", resource: "arn:aws:sqs:us-east-1:" + account + ":orders"}, allowed: true},
		{name: "an alarm deleted", call: scpCall{action: "cloudwatch:DeleteAlarms", resource: "arn:aws:cloudwatch:us-east-1:" + account + ":alarm:forcemfa-silence"}},
		{name: "an alarm silenced", call: scpCall{action: "cloudwatch:DisableAlarmActions", resource: "arn:aws:cloudwatch:us-east-1:" + account + ":alarm:forcemfa-silence"}},
		{name: "the stack deleted", call: scpCall{action: "cloudformation:DeleteStack", resource: "arn:aws:cloudformation:us-east-1:" + account + ":stack/StackSet-forcemfa-1/2"}},
		{name: "another stack", call: scpCall{action: "cloudformation:DeleteStack", resource: "arn:aws:cloudformation:us-east-1:" + account + ":stack/app/2"}, allowed: true},
		{name: "a stack updated by StackSets", call: scpCall{principal: "role/stacksets-exec-0123456789abcdef", action: "cloudformation:UpdateStack", resource: "arn:aws:cloudformation:us-east-1:" + account + ":stack/StackSet-forcemfa-1/2"}, allowed: true},
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
	if want := `"aws:TagKeys":"userType"}`; !strings.Contains(document, want) {
		t.Errorf("no %s in %s", want, document)
	}
}

func TestGuardSCPRefusesTagsWhoseKeyIsAPattern(t *testing.T) {
	_, err := parsed(t, guardConfig+exempting("{tag: \"user*=Service\"}")).GuardSCP("aws")
	if _, ok := err.(*document.InexpressibleError); !ok || err.Error() != "tag user*=Service cannot be part of a service control policy: the key is a pattern" {
		t.Errorf("error %v", err)
	}
}

// The limit was 5,120 characters until May 2026 and is 10,240 since.
func TestGuardSCPFitsTheSmallerLimit(t *testing.T) {
	const smaller = 5120
	var names strings.Builder
	for i := range 10 {
		fmt.Fprintf(&names, ", {match: {name: break-glass-%d}, owner: a, reason: b}", i)
	}
	for name, config := range map[string]string{
		"no exemption": "attach: groups\n",
		"usual":        "exemptions: [{match: {tag: userType=Service}, owner: a, reason: b}" + names.String() + "]\n",
	} {
		document, err := parsed(t, guardConfig+config).GuardSCP("aws-us-gov")
		if err != nil {
			t.Fatal(err)
		}
		if n := len(document); n > smaller {
			t.Errorf("%s: %d characters, more than %d", name, n, smaller)
		} else {
			t.Logf("%s: %d characters", name, n)
		}
	}
}

func TestGuardSCPRefusesExemptionsItCannotProtect(t *testing.T) {
	for _, match := range []string{`{name: "regex:(a|b).*"}`, `{path: "regex:.*/workloads/"}`, `{arn: "*workloads*"}`} {
		if text, err := parsed(t, guardConfig+exempting(match)).GuardSCP("aws"); err == nil {
			t.Errorf("%s: %s", match, text)
		}
	}
}
