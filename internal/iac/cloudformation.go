package iac

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"forcemfa/internal/baseline"
)

// CloudFormation returns a unit as a template. It leaves out the trust policies of
// roles: a stack can only change a role that it manages as a whole, see
// [TrustDocuments]. Deleting the stack keeps the policy, the group and the service
// control policies, so that users do not lose MFA by it.
func CloudFormation(u *Unit) []byte {
	t := template{
		Version:     "2010-09-09",
		Description: "MFA for the IAM users of " + place(u) + ", written by forcemfa export-iac.",
		Resources:   map[string]resource{},
	}
	for _, add := range []func(*Unit){t.policy, t.group, t.members, t.inlinePolicies, t.scps} {
		add(u)
	}
	if len(t.Resources) == 0 { // a template must have one
		t.Resources["Nothing"] = resource{Type: "AWS::CloudFormation::WaitConditionHandle"}
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(t); err != nil {
		panic("iac: " + err.Error()) // strings, lists and documents that were parsed
	}
	return out.Bytes()
}

type template struct {
	Version     string              `json:"AWSTemplateFormatVersion"`
	Description string              `json:"Description"`
	Resources   map[string]resource `json:"Resources"`
}

type resource struct {
	Type           string         `json:"Type"`
	DependsOn      []string       `json:"DependsOn,omitempty"`
	DeletionPolicy string         `json:"DeletionPolicy,omitempty"`
	ReplacePolicy  string         `json:"UpdateReplacePolicy,omitempty"`
	Properties     map[string]any `json:"Properties,omitempty"`
}

// kept is a resource that stays when the stack is deleted.
func kept(kind string, properties map[string]any) resource {
	return resource{Type: kind, DeletionPolicy: "Retain", ReplacePolicy: "Retain", Properties: properties}
}

type ref struct {
	Ref string `json:"Ref"`
}

// policy adds the policy with the groups and users that it is attached to; the group
// of forcemfa names the policy itself.
func (t *template) policy(u *Unit) {
	for _, r := range u.Of(Policy) {
		properties := map[string]any{"ManagedPolicyName": r.Name(), "Path": r.Path(), "PolicyDocument": documentOf(r.Document)}
		var groups, users []string
		for _, g := range u.Of(GroupPolicy) {
			if g.Object == r.Subject && !has(u, Group, g.Subject) {
				groups = append(groups, g.Name())
			}
		}
		for _, user := range u.Of(UserPolicy) {
			if user.Object == r.Subject {
				users = append(users, user.Name())
			}
		}
		if len(groups) > 0 {
			properties["Groups"] = groups
		}
		if len(users) > 0 {
			properties["Users"] = users
		}
		t.Resources["Policy"] = kept("AWS::IAM::ManagedPolicy", properties)
	}
}

func has(u *Unit, kind Kind, subject string) bool {
	for _, r := range u.Resources {
		if r.Kind == kind && r.Subject == subject {
			return true
		}
	}
	return false
}

// documentOf is a policy document as a value. A document that is no JSON, which AWS
// does not store, stays text.
func documentOf(document string) any {
	if !json.Valid([]byte(document)) {
		return document
	}
	return json.RawMessage(document)
}

func (t *template) group(u *Unit) {
	for _, r := range u.Of(Group) {
		properties := map[string]any{"GroupName": r.Name(), "Path": r.Path()}
		var policies []any
		for _, g := range u.Of(GroupPolicy) {
			switch {
			case g.Subject != r.Subject:
			case has(u, Policy, g.Object):
				policies = append(policies, ref{"Policy"})
			default:
				policies = append(policies, g.Object)
			}
		}
		if len(policies) > 0 {
			properties["ManagedPolicyArns"] = policies
		}
		t.Resources["Group"] = kept("AWS::IAM::Group", properties)
	}
}

func (t *template) members(u *Unit) {
	var users []string
	for _, r := range u.Of(Membership) {
		users = append(users, r.Name())
	}
	if len(users) > 0 {
		t.Resources["Members"] = resource{Type: "AWS::IAM::UserToGroupAddition", Properties: map[string]any{"GroupName": ref{"Group"}, "Users": users}}
	}
}

func (t *template) inlinePolicies(u *Unit) {
	for i, r := range u.Of(InlinePolicy) {
		t.Resources[fmt.Sprintf("InlinePolicy%d", i+1)] = resource{Type: "AWS::IAM::UserPolicy", Properties: map[string]any{
			"UserName": r.Name(), "PolicyName": baseline.InlinePolicyName, "PolicyDocument": documentOf(r.Document),
		}}
	}
}

func (t *template) scps(u *Unit) {
	for _, r := range u.Of(SCP) {
		var targets []string
		for _, at := range u.Of(SCPTarget) {
			if at.Subject == r.Subject {
				targets = append(targets, at.Object)
			}
		}
		properties := map[string]any{"Name": r.Name(), "Type": "SERVICE_CONTROL_POLICY", "Content": documentOf(r.Document)}
		if len(targets) > 0 {
			properties["TargetIds"] = targets
		}
		t.Resources["SCP"+r.Name()] = kept("AWS::Organizations::Policy", properties)
	}
}

// Importable are the resources of a template that exist already, in the form of
// --resources-to-import of aws cloudformation create-change-set. A stack takes them
// over by an import before its first update.
// Source: CloudFormation User Guide, "Import AWS resources into a CloudFormation stack".
func Importable(u *Unit) []byte {
	type target struct {
		Type       string            `json:"ResourceType"`
		Logical    string            `json:"LogicalResourceId"`
		Identifier map[string]string `json:"ResourceIdentifier"`
	}
	var all []target
	for _, r := range u.Resources {
		switch {
		case !r.Exists:
		case r.Kind == Policy:
			all = append(all, target{"AWS::IAM::ManagedPolicy", "Policy", map[string]string{"PolicyArn": r.Subject}})
		case r.Kind == Group:
			all = append(all, target{"AWS::IAM::Group", "Group", map[string]string{"GroupName": r.Name()}})
		case r.Kind == SCP:
			all = append(all, target{"AWS::Organizations::Policy", "SCP" + r.Name(), map[string]string{"Id": r.ID}})
		}
	}
	if len(all) == 0 {
		return nil
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		panic("iac: " + err.Error()) // strings
	}
	return append(text, '\n')
}

// TrustDocuments are the wanted trust policies of a unit by the name of the role, for
// the code that manages those roles.
func TrustDocuments(u *Unit) map[string][]byte {
	all := map[string][]byte{}
	for _, r := range u.Of(Trust) {
		all[r.Name()] = []byte(strings.TrimRight(indented(r.Document), "\n") + "\n")
	}
	return all
}
