package orgsvc_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
)

const perimeter = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}]}`

func createRCP(c *operation.Call, name, content string) (string, error) {
	out, err := do[organizations.CreatePolicyOutput](c, "CreatePolicy", &organizations.CreatePolicyInput{
		Name: &name, Content: &content, Description: aws.String(""), Type: "RESOURCE_CONTROL_POLICY",
	})
	if err != nil {
		return "", err
	}
	return *out.Policy.PolicySummary.Id, nil
}

// controlled is a world with resource control policies enabled.
func controlled(t *testing.T) (*world.World, *operation.Call) {
	t.Helper()
	w := newWorld("aws")
	c := from(w, management)
	root := must[organizations.EnablePolicyTypeOutput](t, c, "EnablePolicyType",
		&organizations.EnablePolicyTypeInput{RootId: aws.String(rootID), PolicyType: "RESOURCE_CONTROL_POLICY"}).Root
	if len(root.PolicyTypes) != 2 || root.PolicyTypes[1].Type != "RESOURCE_CONTROL_POLICY" {
		t.Fatalf("after enabling: %v", root.PolicyTypes)
	}
	return w, c
}

// Source: Organizations User Guide, "Resource control policies (RCPs)", "RCP syntax".
func TestRCPsAreInForceForResourcesOfMembers(t *testing.T) {
	w, c := controlled(t)
	id, err := createRCP(c, "perimeter", perimeter)
	if err != nil {
		t.Fatal(err)
	}
	must[organizations.AttachPolicyOutput](t, c, "AttachPolicy", &organizations.AttachPolicyInput{PolicyId: &id, TargetId: aws.String(blue)})
	var names []string
	for _, level := range w.RCPs(invited) {
		for _, p := range level {
			names = append(names, p.Name)
		}
		names = append(names, "/")
	}
	want := "RCP RCPFullAWSAccess / RCP RCPFullAWSAccess / RCP RCPFullAWSAccess RCP perimeter / RCP RCPFullAWSAccess /"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("levels %s, want %s", got, want)
	}
	if w.RCPs(management) != nil || w.RCPs(stranger) != nil {
		t.Error("RCPs bind the management account, or an account outside")
	}
	if len(w.SCPs(invited)[2]) != 1 {
		t.Error("the RCP is attached as an SCP")
	}
	described := must[organizations.DescribePolicyOutput](t, c, "DescribePolicy", &organizations.DescribePolicyInput{PolicyId: &id}).Policy.PolicySummary
	if described.Type != "RESOURCE_CONTROL_POLICY" || *described.Arn != "arn:aws:organizations::"+management+":policy/o-abcdefghij/resource_control_policy/"+id {
		t.Errorf("described as %v %s", described.Type, *described.Arn)
	}
	for filter, want := range map[types.PolicyType][]string{"RESOURCE_CONTROL_POLICY": {"p-RCPFullAWSAccess", id}, "SERVICE_CONTROL_POLICY": {full}} {
		var got []string
		for _, p := range must[organizations.ListPoliciesForTargetOutput](t, c, "ListPoliciesForTarget",
			&organizations.ListPoliciesForTargetInput{TargetId: aws.String(blue), Filter: filter}).Policies {
			got = append(got, *p.Id)
		}
		slices.Sort(got)
		slices.Sort(want)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", filter, d)
		}
	}
	unit := must[organizations.CreateOrganizationalUnitOutput](t, c, "CreateOrganizationalUnit",
		&organizations.CreateOrganizationalUnitInput{ParentId: aws.String(blue), Name: aws.String("New")}).OrganizationalUnit
	if units := w.Organization.Units; units[len(units)-1].ID != *unit.Id || !slices.Equal(units[len(units)-1].RCPs, []string{"p-RCPFullAWSAccess"}) {
		t.Errorf("the new unit: %v", units)
	}
	must[organizations.DisablePolicyTypeOutput](t, c, "DisablePolicyType", &organizations.DisablePolicyTypeInput{RootId: aws.String(rootID), PolicyType: "RESOURCE_CONTROL_POLICY"})
	if w.RCPs(invited) != nil || w.SCPs(invited) == nil || len(w.Organization.Units[2].RCPs) != 0 {
		t.Error("after disabling, RCPs are in force, or SCPs are not")
	}
}

// Source: Organizations User Guide, "RCP syntax", "Quotas and service limits".
func TestRCPsThatCannotBe(t *testing.T) {
	_, c := controlled(t)
	for content, want := range map[string]string{
		perimeter: "",
		perimeter + strings.Repeat(" ", 5121-len(perimeter)):                                   "ConstraintViolationException POLICY_CONTENT_LIMIT_EXCEEDED",
		strings.Replace(perimeter, "Deny", "Allow", 1):                                         "MalformedPolicyDocumentException",
		strings.Replace(perimeter, `"Principal":"*"`, `"Principal":{"AWS":"111111111111"}`, 1): "MalformedPolicyDocumentException",
		strings.Replace(perimeter, `"Principal":"*",`, "", 1):                                  "MalformedPolicyDocumentException",
		strings.Replace(perimeter, `"Action"`, `"NotAction"`, 1):                               "MalformedPolicyDocumentException",
		strings.Replace(perimeter, `"Version":"2012-10-17",`, "", 1):                           "MalformedPolicyDocumentException",
		document: "MalformedPolicyDocumentException",
	} {
		if _, err := createRCP(c, fmt.Sprint("p", len(content), want), content); fault(err) != want {
			t.Errorf("%.120s: %q, want %q", content, fault(err), want)
		}
	}
	for i := range 5 {
		id, err := createRCP(c, fmt.Sprint("policy ", i), perimeter)
		if err != nil {
			t.Fatal(err)
		}
		_, err = do[organizations.AttachPolicyOutput](c, "AttachPolicy", &organizations.AttachPolicyInput{PolicyId: &id, TargetId: aws.String(blue)})
		want := ""
		if i == 4 { // the sixth with RCPFullAWSAccess
			want = "ConstraintViolationException MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"
		}
		if got := fault(err); got != want {
			t.Errorf("attaching policy %d: %q, want %q", i, got, want)
		}
	}
	_, err := do[struct{}](c, "DetachPolicy", &organizations.DetachPolicyInput{PolicyId: aws.String("p-RCPFullAWSAccess"), TargetId: aws.String(blue)})
	if got := fault(err); got != "InvalidInputException IMMUTABLE_POLICY" {
		t.Errorf("detaching RCPFullAWSAccess: %q", got)
	}
	disabled := from(newWorld("aws"), management)
	id, err := createRCP(disabled, "early", perimeter)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = do[struct{}](disabled, "AttachPolicy", &organizations.AttachPolicyInput{PolicyId: &id, TargetId: aws.String(blue)}); fault(err) != "PolicyTypeNotEnabledException" {
		t.Errorf("attaching before the type is enabled: %q", fault(err))
	}
}
