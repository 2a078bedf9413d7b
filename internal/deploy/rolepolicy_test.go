package deploy

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/central"
	"forcemfa/internal/reconcile"
	"forcemfa/policy"
	"forcemfa/policy/catalog"
	"forcemfa/policy/prove"
)

// actionsOf are the actions that the documents allow, sorted.
func actionsOf(t *testing.T, text string) []string {
	t.Helper()
	d, err := policy.Parse(policy.Identity, text)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, s := range d.Statements {
		all = append(all, s.Actions...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func executionPolicy(t *testing.T, variant string) string {
	t.Helper()
	text, err := RolePolicy(Member, parsed(t, configs["default"]), here, whole(Member, variants[variant]))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestFunctionRoleAllowsTheFunctionsCallsAndNotifications(t *testing.T) {
	telling := map[string][]string{
		"bus":   {"events:PutEvents"},
		"alone": {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "secretsmanager:GetSecretValue", "ssm:GetParameter", "securityhub:BatchImportFindings"},
	}
	for variant, more := range telling {
		want := slices.Concat(reconcile.Actions, []string{"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"}, more)
		slices.Sort(want)
		got := actionsOf(t, executionPolicy(t, variant))
		if diff := cmp.Diff(want, got, fold); diff != "" {
			t.Errorf("%s: actions (-called +allowed):\n%s", variant, diff)
		}
	}
}

func TestCentralRolesAllowTheCallsOfTheCentralFunction(t *testing.T) {
	policyOf := func(name, variant string) string {
		text, err := RolePolicy(name, parsed(t, configs["default"]), here, whole(name, variants[variant]))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	// Without the log, which the central function writes: the role acts in the account only.
	if diff := cmp.Diff(reconcile.Actions, actionsOf(t, policyOf(CentralMember, "alone")), fold); diff != "" {
		t.Errorf("role of an account (-called +allowed):\n%s", diff)
	}
	notifying := []string{"sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "secretsmanager:GetSecretValue", "ssm:GetParameter", "securityhub:BatchImportFindings"}
	want := slices.Concat(central.Actions, []string{"logs:CreateLogStream", "logs:PutLogEvents"}, notifying)
	if diff := cmp.Diff(want, actionsOf(t, policyOf(Central, "alone")), fold); diff != "" {
		t.Errorf("role of the function (-called +allowed):\n%s", diff)
	}
	if a := beyond(t, policyOf(CentralMember, "alone"), mayList); a.Outcome != prove.Enforced || a.Strict != prove.Enforced {
		t.Errorf("the role of an account allows more than the function of an account: %v, %s, counterexample %v", a.Outcome, a.Why, a.Counterexample)
	}
	worse := strings.Replace(policyOf(CentralMember, "alone"), `"iam:AddUserToGroup"`, `["iam:AddUserToGroup","iam:RemoveUserFromGroup"]`, 1)
	if a := beyond(t, worse, mayList); a.Outcome != prove.Open {
		t.Errorf("with a further right: %v, %s", a.Outcome, a.Why)
	}
}

// The role in an account trusts the role of the central function and nothing else.
func TestOnlyTheCentralFunctionEntersAnAccount(t *testing.T) {
	got := canonical(made(t, CentralMember, "Role", nil).Properties["AssumeRolePolicyDocument"])
	want := `{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:role/forcemfa/ForceMFACentral"}}],"Version":"2012-10-17"}`
	if got != want {
		t.Errorf("trust policy %s, want %s", got, want)
	}
}

// fold compares actions as IAM does.
var fold = cmp.Transformer("sorted", func(actions []string) []string {
	var out []string
	for _, a := range actions {
		out = append(out, strings.ToLower(a))
	}
	slices.Sort(out)
	return out
})

func TestTheEventRuleHasTheFunctionsPattern(t *testing.T) {
	var want, got any
	if err := json.Unmarshal([]byte(reconcile.Pattern), &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(canonical(made(t, Member, "EventRule", nil).Properties["EventPattern"])), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pattern (-reconcile +template):\n%s", diff)
	}
}

// mayList lists everything that the function may do to users: reads, adding them
// to the group, attaching the policy, the tag of the enrollment window, and setting the
// tag of users who used one. The rest is its log, queue, journal and messages.
const mayList = `{"Version":"2012-10-17","Statement":[
{"Effect":"Allow","Action":["iam:Get*","iam:List*","iam:GenerateCredentialReport","organizations:DescribeOrganization"],"Resource":"*"},
{"Effect":"Allow","Action":"iam:AddUserToGroup","Resource":"arn:aws:iam::111111111111:group/forcemfa/ForceMFA"},
{"Effect":"Allow","Action":["iam:AttachUserPolicy","iam:AttachGroupPolicy"],"Resource":"arn:aws:iam::111111111111:*",
 "Condition":{"ArnEquals":{"iam:PolicyARN":"arn:aws:iam::111111111111:policy/forcemfa/ForceMFA"}}},
{"Effect":"Allow","Action":["iam:TagUser","iam:UntagUser"],"Resource":"arn:aws:iam::111111111111:user/*",
 "Condition":{"ForAllValues:StringEqualsIgnoreCase":{"aws:TagKeys":"forcemfa-enrollment"},"Null":{"aws:TagKeys":"false"}}},
{"Effect":"Allow","Action":"iam:TagUser","Resource":"arn:aws:iam::111111111111:user/*",
 "Condition":{"ForAllValues:StringEqualsIgnoreCase":{"aws:TagKeys":"forcemfa-device-by-key"},"Null":{"aws:TagKeys":"false"}}},
{"Effect":"Allow","Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":"arn:aws:logs:us-east-1:111111111111:log-group:*"},
{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"arn:aws:sqs:us-east-1:111111111111:*"},
{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::journals/journal/111111111111/*"},
{"Effect":"Allow","Action":"events:PutEvents","Resource":"arn:aws:events:us-east-1:222222222222:event-bus/forcemfa"}]}`

// beyond proves that one policy allows nothing that another does not: it turns
// both into Denies, and checks that the second refuses each request that the
// first refuses.
func beyond(t *testing.T, text, list string) prove.Answer {
	t.Helper()
	deny := func(text string) *policy.Document {
		d, err := policy.Parse(policy.Identity, strings.ReplaceAll(text, `"Effect":"Allow"`, `"Effect":"Deny"`))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	return prove.Weakens(deny(text), deny(list), nil)
}

func TestFunctionRoleAllowsNothingElse(t *testing.T) {
	if a := beyond(t, executionPolicy(t, "bus"), mayList); a.Outcome != prove.Enforced || a.Strict != prove.Enforced {
		t.Errorf("%v, strict %v, %s, counterexample %v, beyond the catalog %v", a.Outcome, a.Strict, a.Why, a.Counterexample, a.Beyond)
	}
}

func TestProofDetectsAFunctionRoleThatAllowsMore(t *testing.T) {
	good := executionPolicy(t, "bus")
	for _, row := range [][2]string{
		{`"Condition":{"ArnEquals":{"iam:PolicyARN":"arn:aws:iam::111111111111:policy/forcemfa/ForceMFA"}},`, ``},
		{`"iam:AddUserToGroup"`, `["iam:AddUserToGroup","iam:RemoveUserFromGroup"]`},
		{`"iam:GetPolicyVersion"`, `"iam:GetPolicyVersion","iam:CreatePolicyVersion"`},
		{`group/forcemfa/ForceMFA`, `group/*`},
		{`"s3:PutObject"`, `["s3:PutObject","s3:DeleteObject"]`},
		{`"aws:TagKeys":"forcemfa-enrollment"`, `"aws:TagKeys":["forcemfa-enrollment","userType"]`},
	} {
		more := strings.Replace(good, row[0], row[1], 1)
		if more == good {
			t.Fatalf("the policy has no %s: %s", row[0], good)
		}
		if a := beyond(t, more, mayList); a.Outcome != prove.Open || a.Counterexample == nil {
			t.Errorf("with %s: %v, %s", row[1], a.Outcome, a.Why)
		}
	}
}

func TestFunctionRoleCannotGrantAdministratorAccess(t *testing.T) {
	d, err := policy.Parse(policy.Identity, executionPolicy(t, "alone"))
	if err != nil {
		t.Fatal(err)
	}
	set := policy.Set{Identity: []policy.Source{{Name: "the role's policy", Document: d}}}
	const user, group = "arn:aws:iam::111111111111:user/mallory", "arn:aws:iam::111111111111:group/"
	ours, admin := "arn:aws:iam::111111111111:policy/forcemfa/ForceMFA", "arn:aws:iam::aws:policy/AdministratorAccess"
	for _, row := range []struct {
		action, resource, key, value string
		want                         policy.Verdict
	}{
		{"iam:AttachUserPolicy", user, "iam:PolicyARN", ours, policy.Allowed},
		{"iam:AttachUserPolicy", user, "iam:PolicyARN", admin, policy.ImplicitDenied},
		{"iam:AttachUserPolicy", user, "iam:PolicyARN", "arn:aws:iam::111111111111:policy/ForceMFA", policy.ImplicitDenied},
		{"iam:AttachGroupPolicy", group + "Admins", "iam:PolicyARN", admin, policy.ImplicitDenied},
		{"iam:AttachRolePolicy", "arn:aws:iam::111111111111:role/forcemfa/ForceMFAFunction", "iam:PolicyARN", ours, policy.ImplicitDenied},
		{"iam:AddUserToGroup", group + "forcemfa/ForceMFA", "", "", policy.Allowed},
		{"iam:AddUserToGroup", group + "Admins", "", "", policy.ImplicitDenied},
		{"iam:CreatePolicyVersion", ours, "", "", policy.ImplicitDenied},
		{"iam:SetDefaultPolicyVersion", ours, "", "", policy.ImplicitDenied},
		{"iam:CreatePolicy", ours, "", "", policy.ImplicitDenied},
		{"iam:PutUserPolicy", user, "", "", policy.ImplicitDenied},
		{"iam:PutGroupPolicy", group + "forcemfa/ForceMFA", "", "", policy.ImplicitDenied},
		{"iam:RemoveUserFromGroup", group + "forcemfa/ForceMFA", "", "", policy.ImplicitDenied},
		{"iam:DetachUserPolicy", user, "iam:PolicyARN", ours, policy.ImplicitDenied},
		{"iam:TagUser", user, "aws:TagKeys", "forcemfa-enrollment", policy.Allowed},
		{"iam:UntagUser", user, "aws:TagKeys", "Forcemfa-Enrollment", policy.Allowed}, // the same key: IAM User Guide, "Rules for tagging in IAM and AWS STS"
		{"iam:TagUser", user, "aws:TagKeys", "userType", policy.ImplicitDenied},
		{"iam:CreateAccessKey", user, "", "", policy.ImplicitDenied},
		{"secretsmanager:GetSecretValue", secret, "", "", policy.Allowed},
		{"secretsmanager:GetSecretValue", secret + "2", "", "", policy.ImplicitDenied},
	} {
		c := new(policy.Context)
		if row.key == "aws:TagKeys" {
			c.SetMany(row.key, []string{row.value})
		} else if row.key != "" {
			c.Set(row.key, row.value)
		}
		got := set.Decide(&policy.Request{
			Principal: policy.Principal{Kind: policy.RoleSession, Account: "111111111111", ARN: "arn:aws:sts::111111111111:assumed-role/ForceMFAFunction/f", Issuer: "arn:aws:iam::111111111111:role/forcemfa/ForceMFAFunction"},
			Action:    row.action, Resource: row.resource, Context: c,
		})
		if got.Verdict != row.want {
			t.Errorf("%s on %s with %s: %v %s, want %v", row.action, row.resource, row.value, got.Verdict, got.Why, row.want)
		}
	}
}

// reading returns a policy that allows every read-only action of IAM and
// CloudTrail, by the access levels of the Service Authorization Reference.
func reading(t *testing.T) string {
	t.Helper()
	var names []string
	for _, prefix := range []string{"iam", "cloudtrail"} {
		service, ok := catalog.Load().Service(prefix)
		if !ok {
			t.Fatalf("the catalog has no service %s", prefix)
		}
		for _, a := range service.Actions {
			if a.Access&^(catalog.List|catalog.Read) == 0 {
				names = append(names, a.String())
			}
		}
	}
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": map[string]any{"Effect": "Allow", "Action": names, "Resource": "*"}})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func rightsOf(t *testing.T, name string, values map[string]string) string {
	t.Helper()
	text, err := RolePolicy(name, parsed(t, configs["default"]), here, values)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTheAuditRoleMayOnlyRead(t *testing.T) {
	good, list := rightsOf(t, AuditRole, map[string]string{"TrustedPrincipal": trusted}), reading(t)
	if a := beyond(t, good, list); a.Outcome != prove.Enforced || a.Strict != prove.Enforced {
		t.Errorf("%v, strict %v, %s, counterexample %v", a.Outcome, a.Strict, a.Why, a.Counterexample)
	}
	for _, more := range []string{"iam:TagUser", "iam:CreateAccessKey", "iam:Put*", "s3:GetObject"} {
		worse := strings.Replace(good, `"iam:GetPolicy"`, `"iam:GetPolicy","`+more+`"`, 1)
		if a := beyond(t, worse, list); a.Outcome != prove.Open || a.Counterexample == nil {
			t.Errorf("with %s: %v, %s", more, a.Outcome, a.Why)
		}
	}
}

const trusted = "arn:aws:iam::222222222222:root"

// applyList lists everything that the apply role may change without
// Documents=write.
const applyList = `{"Version":"2012-10-17","Statement":[
{"Effect":"Allow","Action":["iam:AddUserToGroup","iam:RemoveUserFromGroup"],"Resource":"arn:aws:iam::111111111111:group/forcemfa/ForceMFA"},
{"Effect":"Allow","Action":["iam:AttachUserPolicy","iam:DetachUserPolicy"],"Resource":"arn:aws:iam::111111111111:user/*",
 "Condition":{"ArnEquals":{"iam:PolicyARN":"arn:aws:iam::111111111111:policy/forcemfa/ForceMFA"}}},
{"Effect":"Allow","Action":["iam:TagUser","iam:UntagUser"],"Resource":"arn:aws:iam::111111111111:user/*",
 "Condition":{"ForAllValues:StringEqualsIgnoreCase":{"aws:TagKeys":["forcemfa-enrollment","forcemfa-device-by-key"]},"Null":{"aws:TagKeys":"false"}}},`

func TestApplyRoleWritesDocumentsOnlyWithDocumentsWrite(t *testing.T) {
	list := applyList + strings.TrimPrefix(reading(t), `{"Statement":`)
	list = strings.Replace(list, `,"Version":"2012-10-17"}`, `]}`, 1)
	for documents, want := range map[string]prove.Outcome{"keep": prove.Enforced, "write": prove.Open} {
		text := rightsOf(t, ApplyRole, map[string]string{"TrustedPrincipal": trusted, "Documents": documents})
		if a := beyond(t, text, list); a.Outcome != want {
			t.Errorf("documents %s: %v, %s, counterexample %v", documents, a.Outcome, a.Why, a.Counterexample)
		}
	}
}
