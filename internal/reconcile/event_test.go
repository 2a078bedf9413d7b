package reconcile

import (
	"context"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/trail"
)

const (
	byOperator = `"userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111111111111:assumed-role/Operator/x","accessKeyId":"ASIAX",
		"sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111111111111:role/Operator","userName":"Operator"}}}`
	byFunction = `"userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111111111111:assumed-role/forcemfa-reconcile/x",
		"sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111111111111:role/forcemfa/forcemfa-reconcile","userName":"forcemfa-reconcile"}}}`
	byBob           = `"userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111111111111:user/bob","userName":"bob","accessKeyId":"AKIAX"}`
	byOrganizations = `"userIdentity":{"accountId":"111111111111","invokedBy":"organizations.amazonaws.com"},"sourceIPAddress":"organizations.amazonaws.com","eventType":"AwsServiceEvent"`
	ourPolicyIs     = `"policyArn":"arn:aws:iam::111111111111:policy/forcemfa/ForceMFA"`
)

// eventOf is the event of a call. more is added to its record.
func eventOf(t testing.TB, name, parameters, more string) *trail.Event {
	t.Helper()
	e, err := trail.Parse(fmt.Appendf(nil, `{"id":"event-1","detail-type":"AWS API Call via CloudTrail","source":"aws.iam","account":"111111111111","time":"2026-11-20T09:00:00Z",
		"detail":{"eventName":%q,"eventSource":"iam.amazonaws.com","eventTime":"2026-11-20T09:00:00Z","eventID":"id","requestParameters":{%s},%s}}`, name, parameters, more))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// alone is a function that knows its account and role without calling AWS.
func alone(t testing.TB) *Function {
	t.Helper()
	f, err := New(aws.Config{}, Options{Settings: Settings{Baseline: baseline.Default()}, Name: "forcemfa-reconcile"})
	if err != nil {
		t.Fatal(err)
	}
	f.account, f.role = home, executor
	return f
}

func TestAlertsByCall(t *testing.T) {
	trust := `"roleName":"App"`
	for _, row := range []struct {
		name, event, parameters, more string
		subject, what                 string // empty what: no alert
		severity                      audit.Severity
	}{
		{"a user is created", "CreateUser", `"userName":"bob"`, byOperator, "user/bob", "", ""},
		{"with the tag that exempts, in another case", "CreateUser", `"userName":"bob","tags":[{"key":"USERTYPE","value":"service"}]`, byOperator,
			"user/bob", "the tag userType=Service was set on bob, which exempts the user from MFA", audit.High},
		{"the enrollment window is opened", "TagUser", `"userName":"bob","tags":[{"key":"ForceMFA-Enrollment","value":"2026-12-01"}]`, byOperator,
			"user/bob", "the enrollment window of bob was opened (tag ForceMFA-Enrollment)", audit.Medium},
		{"another tag", "TagUser", `"userName":"bob","tags":[{"key":"team","value":"blue"}]`, byOperator, "user/bob", "", ""},
		{"a user is renamed", "UpdateUser", `"userName":"bob","newUserName":"robert"`, byOperator, "user/robert", "", ""},
		{"taken out of our group", "RemoveUserFromGroup", `"userName":"bob","groupName":"forcemfa"`, byOperator, "user/bob", "bob was removed from the group ForceMFA", audit.High},
		{"taken out of another group", "RemoveUserFromGroup", `"userName":"bob","groupName":"Developers"`, byOperator, "user/bob", "", ""},
		{"our policy is detached", "DetachUserPolicy", `"userName":"bob",` + ourPolicyIs, byOperator, "user/bob", "the policy ForceMFA was detached from bob", audit.High},
		{"another policy is detached", "DetachUserPolicy", `"userName":"bob","policyArn":"arn:aws:iam::111111111111:policy/ForceMFA"`, byOperator, "user/bob", "", ""},
		{"our inline policy is deleted", "DeleteUserPolicy", `"userName":"bob","policyName":"ForceMFA"`, byOperator, "user/bob", "the inline policy ForceMFA of bob was deleted", audit.High},
		{"a boundary", "PutUserPermissionsBoundary", `"userName":"bob","permissionsBoundary":"arn:b"`, byOperator, "user/bob", "the permissions boundary arn:b was set on bob", audit.High},
		{"a device is deactivated by its user", "DeactivateMFADevice", `"serialNumber":"arn:d"`, byBob, "user/bob", "the MFA device arn:d of bob was deactivated", audit.High},
		{"a device is enrolled by a long-lived key", "EnableMFADevice", `"userName":"bob","serialNumber":"arn:d"`, byBob, "user/bob", "a long-lived access key enrolled the MFA device arn:d for bob", audit.High},
		{"a device is enrolled otherwise", "EnableMFADevice", `"userName":"bob","serialNumber":"arn:d"`, byOperator, "user/bob", "", ""},
		{"our policy leaves our group", "DetachGroupPolicy", `"groupName":"ForceMFA",` + ourPolicyIs, byOperator, "group/ForceMFA", "the policy ForceMFA was detached from the group ForceMFA", audit.High},
		{"another policy joins our group", "AttachGroupPolicy", `"groupName":"ForceMFA","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"`, byOperator,
			"group/ForceMFA", "arn:aws:iam::aws:policy/AdministratorAccess was attached to the group ForceMFA", audit.High},
		{"our group is deleted", "DeleteGroup", `"groupName":"ForceMFA"`, byOperator, "group/ForceMFA", "the group ForceMFA was deleted", audit.High},
		{"our policy gets a version", "CreatePolicyVersion", ourPolicyIs, byOperator, "policy/ForceMFA", "the policy ForceMFA has a new version", audit.High},
		{"the trust of a role", "UpdateAssumeRolePolicy", trust, byOperator, "role/App", "the trust policy of the role App was changed", audit.High},
		{"the function's own role", "PutRolePolicy", `"roleName":"forcemfa-reconcile"`, byOperator, "role/forcemfa-reconcile", "an inline policy was put on the function's role forcemfa-reconcile", audit.High},
		{"the environment of the function is changed", "UpdateFunctionConfiguration20150331v2", `"functionName":"forcemfa","environment":{}`, byOperator, "functionName/forcemfa", "the configuration of the function forcemfa was changed", audit.High},
		{"the account leaves the organization", "LeaveOrganization", ``, byOperator, "account", "the account 111111111111 left the organization", audit.High},
		{"an account is removed from the organization", "RemoveAccountFromOrganization", `"accountId":"222222222222"`, byOperator, "account", "the account 222222222222 was removed from the organization", audit.High},
		{"the event of an account that left, in the management account", "AccountDepartedOrganization", ``,
			byOrganizations + `,"serviceEventDetails":{"accountId":"222222222222","departedMethod":"Left","departedTime":"2026-11-20T09:00:00Z"}`,
			"account", "the account 222222222222 left the organization", audit.High},
		{"the same with other names of members", "AccountDepartedOrganization", ``,
			byOrganizations + `,"serviceEventDetails":{"status":{"managementAccountId":"111111111111","memberAccountId":"222222222222","departureMethod":"LEFT"}}`,
			"account", "the account 222222222222 left the organization", audit.High},
		{"the same without the account", "AccountDepartedOrganization", ``, byOrganizations, "account", "the account of the event event-1 left the organization", audit.High},
		{"a SAML provider", "CreateSAMLProvider", `"name":"idp"`, byOperator, "name/idp", "the SAML provider idp was created", audit.High},
		{"an OpenID Connect provider", "CreateOpenIDConnectProvider", `"url":"https://idp.example.com"`, byOperator, "account", "the OpenID Connect provider https://idp.example.com was created", audit.High},
		{"the rule is disabled", "DisableRule", `"name":"forcemfa-events"`, byOperator, "name/forcemfa-events", "the rule forcemfa-events was disabled", audit.High},
		{"the code is changed", "UpdateFunctionCode20150331v2", `"functionName":"arn:aws:lambda:us-east-1:1:function:forcemfa-reconcile"`, byOperator,
			"functionName/arn:aws:lambda:us-east-1:1:function:forcemfa-reconcile", "the code of the function arn:aws:lambda:us-east-1:1:function:forcemfa-reconcile was changed", audit.High},
		{"the trail stops", "StopLogging", `"name":"main"`, byOperator, "name/main", "the trail main stopped logging: no events arrive from it", audit.High},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := alone(t)
			i, why := f.incident(eventOf(t, row.event, row.parameters, row.more))
			if i == nil {
				t.Fatalf("ignored: %s", why)
			}
			if i.subject() != row.subject {
				t.Errorf("subject %s, want %s", i.subject(), row.subject)
			}
			var want, got *alert
			if row.what != "" {
				want = &alert{severity: row.severity, what: row.what}
			}
			if got = f.raise(i); got != nil {
				if got.remedy == "" {
					t.Error("no remedy")
				}
				got.remedy = ""
			}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(alert{})); diff != "" {
				t.Errorf("alert (-want +got):\n%s", diff)
			}
		})
	}
}

func TestIrrelevantEventsAreIgnored(t *testing.T) {
	for _, row := range []struct{ name, event, parameters, more, why string }{
		{"a call that failed", "CreateUser", `"userName":"bob"`, byOperator + `,"errorCode":"AccessDenied"`, "the call failed: AccessDenied"},
		{"our own change", "AddUserToGroup", `"userName":"bob","groupName":"ForceMFA"`, byFunction, "made by this function"},
		{"another call", "CreateInstanceProfile", ``, byOperator, "the call does not affect enforcement"},
		{"another group", "DetachGroupPolicy", `"groupName":"Developers","policyArn":"arn:aws:iam::aws:policy/ReadOnlyAccess"`, byOperator, "not about anything managed by forcemfa"},
		{"another policy", "CreatePolicyVersion", `"policyArn":"arn:aws:iam::111111111111:policy/Other"`, byOperator, "not about anything managed by forcemfa"},
		{"another rule", "DisableRule", `"name":"backup"`, byOperator, "not about anything managed by forcemfa"},
		{"no user", "CreateAccessKey", ``, byOperator, "not about a user"},
		{"a stack that updates the function", "UpdateFunctionCode20150331v2", `"functionName":"forcemfa-reconcile"`, byOperator + `,"sourceIPAddress":"cloudformation.amazonaws.com"`, "made by CloudFormation"},
		{"an account that was removed, whose call has an alert", "AccountDepartedOrganization", ``,
			byOrganizations + `,"serviceEventDetails":{"accountId":"222222222222","departedMethod":"Removed"}`, "not about anything managed by forcemfa"},
		{"an account that was closed long ago", "AccountDepartedOrganization", ``,
			byOrganizations + `,"serviceEventDetails":{"accountId":"222222222222","departureMethod":"CLEANED"}`, "not about anything managed by forcemfa"},
		{"a sign-in with MFA", "ConsoleLogin", ``, byBob + `,"responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"MFAUsed":"Yes"}`, "not about anything managed by forcemfa"},
		{"a sign-in that failed", "ConsoleLogin", ``, byBob + `,"responseElements":{"ConsoleLogin":"Failure"},"additionalEventData":{"MFAUsed":"No"}`, "not about anything managed by forcemfa"},
	} {
		t.Run(row.name, func(t *testing.T) {
			i, why := alone(t).incident(eventOf(t, row.event, row.parameters, row.more))
			if i != nil || why != row.why {
				t.Errorf("incident %v, why %q, want %q", i, why, row.why)
			}
		})
	}
}

func TestAnEventFromAnotherAccountIsIgnored(t *testing.T) {
	f := alone(t)
	f.account = "222222222222"
	if i, why := f.incident(eventOf(t, "CreateUser", `"userName":"bob"`, byOperator)); i != nil || why != "from another account: 111111111111" {
		t.Errorf("incident %v, why %q", i, why)
	}
}

// Any client can send any user agent.
func TestAnotherRoleWithOurUserAgentIsNotIgnored(t *testing.T) {
	e := eventOf(t, "RemoveUserFromGroup", `"userName":"bob","groupName":"ForceMFA"`, byOperator+`,"userAgent":"forcemfa"`)
	if i, why := alone(t).incident(e); i == nil {
		t.Errorf("ignored: %s", why)
	}
}

func handled(t *testing.T, r *rig, e *trail.Event) *Result {
	t.Helper()
	payload, err := e.JSON()
	if err != nil {
		t.Fatal(err)
	}
	result, err := r.function(home).Handle(context.Background(), payload)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// A change of the policy by its stack is not tampering when the document is the wanted
// one. The function then enforces the users who had to wait for it.
func TestAStackThatRestoresTheDocumentIsNotTampering(t *testing.T) {
	r := newRig(t, 1, nil, person("ann"))
	result := handled(t, r, eventOf(t, "CreatePolicyVersion", ourPolicyIs, byOperator+`,"sourceIPAddress":"cloudformation.amazonaws.com"`))
	if result.Done != 1 || r.states(home)["ann"] != audit.Enforced {
		t.Errorf("result %+v, states %v", result, r.states(home))
	}
	if diff := cmp.Diff([]string{"enforced info user/ann: MFA is enforced for ann through the group ForceMFA"}, r.told.lines()); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

func TestARoleThatRequiresMFAIsNotReported(t *testing.T) {
	r := newRig(t, 1, nil)
	handled(t, r, eventOf(t, "UpdateAssumeRolePolicy", `"roleName":"`+operator+`"`, byOperator))
	if len(r.told.messages) > 0 {
		t.Errorf("told: %v", r.told.lines())
	}
}
