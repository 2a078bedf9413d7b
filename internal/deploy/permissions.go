package deploy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"forcemfa/internal/baseline"
)

// Tasks are what a principal can be permitted to do, in the order of the help.
var Tasks = []string{"audit", "apply", "management", "scp", "deploy", "lambda", "notifier", "central"}

// Permissions returns the identity policy that permits a task of [Tasks] and no
// more, for an account ID or *, as indented JSON. The policies of audit, apply, lambda,
// notifier and central are those of the roles in the templates.
func Permissions(task string, b *baseline.Baseline, place Place) (string, error) {
	text, err := permissions(task, b, place)
	if err != nil {
		return "", err
	}
	var p struct {
		Version   string
		Statement []statement
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return "", fmt.Errorf("the policy for %s: %w", task, err)
	}
	indented, err := json.MarshalIndent(p, "", "  ")
	return string(indented), err
}

func permissions(task string, b *baseline.Baseline, place Place) (string, error) {
	switch task {
	case "audit":
		return RolePolicy(AuditRole, b, place, map[string]string{"TrustedPrincipal": anyPrincipal})
	case "apply":
		return RolePolicy(ApplyRole, b, place, map[string]string{"TrustedPrincipal": anyPrincipal, "Documents": "write"})
	case "lambda":
		return RolePolicy(Member, b, place, nil)
	case "notifier":
		return RolePolicy(Notifier, b, place, map[string]string{"OrganizationId": "o-example0000"})
	case "central":
		return RolePolicy(Central, b, place, nil)
	case "management":
		return printed(management(place)), nil
	case "scp":
		return printed(append(management(place), allow("WriteServiceControlPolicies", "*", writesSCPs...))), nil
	case "deploy":
		statements, err := deploys(b, place)
		return printed(statements), err
	}
	return "", fmt.Errorf("no permissions for %q: there is %s", task, strings.Join(Tasks, ", "))
}

// anyPrincipal stands in a trust policy that Permissions does not print.
const anyPrincipal = "arn:aws:iam::111122223333:root"

// A statement is one of a policy, its members in the order of AWS's examples.
type statement struct {
	Sid       string
	Effect    string
	Action    any // a string or a list
	Resource  any
	Condition any `json:",omitempty"`
}

func allow(sid string, resource any, actions ...string) statement {
	return statement{Sid: sid, Effect: "Allow", Action: slices.Sorted(slices.Values(actions)), Resource: resource}
}

func printed(statements []statement) string {
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		panic("deploy: a policy of strings cannot be printed: " + err.Error())
	}
	return string(text)
}

// management lists the accounts and enters them.
func management(place Place) []statement {
	return []statement{
		allow("ReadOrganization", "*",
			"organizations:DescribeOrganization", "organizations:DescribePolicy", "organizations:ListAccounts",
			"organizations:ListAccountsForParent", "organizations:ListDelegatedAdministrators", "organizations:ListOrganizationalUnitsForParent",
			"organizations:ListPolicies", "organizations:ListRoots", "organizations:ListTagsForResource", "organizations:ListTargetsForPolicy"),
		allow("EnterAccounts", fmt.Sprintf("arn:%s:iam::*:role/OrganizationAccountAccessRole", place.Partition), "sts:AssumeRole"),
	}
}

var writesSCPs = []string{
	"organizations:AttachPolicy", "organizations:CreatePolicy", "organizations:DeletePolicy", "organizations:DetachPolicy", "organizations:UpdatePolicy",
}

// callsOfDeploy are the actions of the calls that deploy makes itself; HeadObject is
// s3:GetObject.
var callsOfDeploy = []string{
	"cloudformation:CreateChangeSet", "cloudformation:CreateStackInstances", "cloudformation:CreateStackSet", "cloudformation:DeleteChangeSet",
	"cloudformation:DeleteStack", "cloudformation:DeleteStackInstances", "cloudformation:DeleteStackSet", "cloudformation:DescribeChangeSet",
	"cloudformation:DescribeStackEvents", "cloudformation:DescribeStackSet", "cloudformation:DescribeStackSetOperation", "cloudformation:DescribeStacks",
	"cloudformation:DescribeStackDriftDetectionStatus", "cloudformation:DescribeStackResourceDrifts", "cloudformation:DetectStackDrift",
	"cloudformation:ExecuteChangeSet", "cloudformation:GetTemplate", "cloudformation:ListStackInstances", "cloudformation:ListStackSetOperationResults",
	"cloudformation:UpdateStackSet",
	"cloudtrail:DescribeTrails", "cloudtrail:GetEventSelectors", "cloudtrail:GetTrailStatus",
	"iam:GetGroup", "iam:GetPolicy", "iam:GetPolicyVersion", "iam:GetRole", "iam:ListPolicies",
	"organizations:ListAWSServiceAccessForOrganization", "s3:GetObject", "s3:PutObject",
}

// deploys permits deploy apply. CloudFormation makes the resources of the stacks
// with the permissions of the caller: those calls carry aws:CalledVia.
// Source: IAM User Guide, "AWS global condition context keys", aws:CalledVia.
func deploys(b *baseline.Baseline, place Place) ([]statement, error) {
	var services []string
	for _, name := range []string{Member, Notifier, Forwarder, Bucket, CentralMap, CentralMember} {
		found, err := servicesOf(name, b, place.Partition)
		if err != nil {
			return nil, err
		}
		services = append(services, found...)
	}
	slices.Sort(services)
	services = slices.DeleteFunc(slices.Compact(services), func(s string) bool { return s == "iam:*" })
	byStacks := map[string]any{"ForAnyValue:StringEquals": map[string]any{"aws:CalledVia": []string{"cloudformation.amazonaws.com"}}}
	resources := allow("ResourcesOfStacks", "*", services...)
	identities := allow("IdentitiesOfStacks", []string{
		iamARN(place, "role"), iamARN(place, "policy"), iamARN(place, "group"),
	}, "iam:*")
	resources.Condition, identities.Condition = byStacks, byStacks
	return append(management(place), allow("Deploy", "*", callsOfDeploy...), resources, identities), nil
}

func iamARN(place Place, kind string) string {
	return fmt.Sprintf("arn:%s:iam::%s:%s%s*", place.Partition, place.Account, kind, baseline.Path)
}

// servicesOf returns the IAM prefixes of the services whose resources a template
// makes, each as prefix:*.
func servicesOf(name string, b *baseline.Baseline, partition string) ([]string, error) {
	template, err := Render(name, b, partition)
	if err != nil {
		return nil, err
	}
	whole, err := parse(template)
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for _, r := range object(whole["Resources"]) {
		parts := strings.Split(text(object(r)["Type"]), "::")
		if len(parts) != 3 {
			return nil, fmt.Errorf("template %s: %q is not a type of a resource", name, text(object(r)["Type"]))
		}
		prefix := strings.ToLower(parts[1])
		if prefix == "stepfunctions" {
			prefix = "states"
		}
		found[prefix+":*"] = true
	}
	return slices.Sorted(maps.Keys(found)), nil
}
