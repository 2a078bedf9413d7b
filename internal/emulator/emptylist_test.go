package emulator

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// bare are things with nothing in them, and what names them in an input.
var bare = map[string]any{
	"UserName": "bare", "GroupName": "bare", "RoleName": "bare", "InstanceProfileName": "bare",
	"PolicyArn": "arn:aws:iam::" + management + ":policy/bare", "SerialNumber": "arn:aws:iam::" + management + ":mfa/bare", "ChildType": "ACCOUNT", "Filter": "TAG_POLICY", "Type": "BILLING",
}

// notEmpty are lists that always have an item, with the reason.
var notEmpty = map[string]string{
	"iam:GetAccountAuthorizationDetails": "the caller is in it",
	"iam:ListUsers":                      "the caller is in it",
	"iam:ListGroups":                     "the group whose lists are read is in it",
	"iam:ListRoles":                      "the role whose lists are read is in it",
	"iam:ListPolicies":                   "AWS managed policies are in it",
	"iam:ListPolicyVersions":             "a policy has a version",
	"iam:ListInstanceProfiles":           "the profile whose lists are read is in it",
	"iam:ListVirtualMFADevices":          "the device whose lists are read is in it",
	"organizations:ListAccounts":         "the management account is in it",
	"organizations:ListParents":          "everything has a parent",
	"organizations:ListRoots":            "there is a root",
}

// neverEmpty are operations without an empty answer, with the reason.
var neverEmpty = map[string]string{
	"iam:GetServiceLastAccessedDetails":                    "a job lists the services of policies",
	"iam:GetServiceLastAccessedDetailsWithEntities":        "a job lists the services of policies",
	"iam:GetOrganizationsAccessReport":                     "a job lists the services of policies",
	"iam:SimulatePrincipalPolicy":                          "there is a result for each action",
	"iam:SimulateCustomPolicy":                             "there is a result for each action",
	"iam:ListOpenIDConnectProviderTags":                    tagged,
	"iam:ListServerCertificateTags":                        tagged,
	"iam:ListSAMLProviderTags":                             tagged,
	"organizations:ListDelegatedServicesForAccount":        "an account without services is an error",
	"organizations:ListAccountsWithInvalidEffectivePolicy": oneKind,
	"organizations:ListEffectivePolicyValidationErrors":    oneKind,
}

const tagged = "made as the list of tags of a role is"

// Every operation that lists something answers for nothing with its whole output, by the
// model, and with every page size.
func TestEmptyListsConform(t *testing.T) {
	t.Parallel()
	s := newScript(t, New(callsWorld(), Options{Clock: func() time.Time { return noon }}))
	for _, call := range []struct {
		service, operation string
		input              map[string]any
	}{
		{"iam", "CreateUser", map[string]any{"UserName": "bare"}},
		{"iam", "CreateGroup", map[string]any{"GroupName": "bare"}},
		{"iam", "CreateRole", map[string]any{"RoleName": "bare", "AssumeRolePolicyDocument": s.vars["TRUST"]}},
		{"iam", "CreatePolicy", map[string]any{"PolicyName": "bare", "PolicyDocument": s.vars["ALLOW"]}},
		{"iam", "CreateInstanceProfile", map[string]any{"InstanceProfileName": "bare"}},
		{"iam", "CreateVirtualMFADevice", map[string]any{"VirtualMFADeviceName": "bare"}},
	} {
		if _, code := s.overHTTP(call.service, call.operation, call.input); code != "" {
			t.Fatalf("%s: %s: %s", call.operation, code, s.message)
		}
	}
	out, code := s.overHTTP("organizations", "CreateOrganizationalUnit", map[string]any{"ParentId": "r-exam", "Name": "bare"})
	if code != "" {
		t.Fatal(code)
	}
	unit := s.at(out, "OrganizationalUnit.Id", "bare")
	out, code = s.overHTTP("organizations", "CreatePolicy", map[string]any{"Name": "bare", "Description": "", "Type": "SERVICE_CONTROL_POLICY", "Content": s.vars["DENY"]})
	if code != "" {
		t.Fatal(code, s.message)
	}
	names := map[string]string{"unit": unit, "policy": s.at(out, "Policy.PolicySummary.Id", "bare")}
	for _, service := range []string{"iam", "organizations"} {
		for operation := range services()[service].byName {
			size, token := paging(service, operation)
			if size == "" || token == "" {
				continue
			}
			input, ok := requiredInput(service, operation, names)
			if !ok {
				if neverEmpty[service+":"+operation] == "" {
					t.Errorf("%s:%s has no input in this test", service, operation)
				}
				continue
			}
			s.emptyPages(service, operation, size, input)
		}
	}
}

// requiredInput names bare things.
func requiredInput(service, operation string, names map[string]string) (map[string]any, bool) {
	input := map[string]any{}
	for _, m := range modeled[service]().Structs[operation+"Input"] {
		if !m.Required && m.Name != "UserName" { // else it is the caller
			continue
		}
		value, ok := bare[m.Name]
		if slices.Contains([]string{"ParentId", "TargetId", "ResourceId", "ChildId"}, m.Name) {
			value, ok = names["unit"], true
		}
		if m.Name == "PolicyId" {
			value, ok = names["policy"], true
		}
		if !ok {
			return nil, false
		}
		input[m.Name] = value
	}
	return input, true
}

// emptyPages asks for pages of several sizes.
func (s *script) emptyPages(service, operation, size string, input map[string]any) {
	s.t.Helper()
	sizes := []int64{0, 1, 2, 20}
	if limit := inputMember(service, operation, size); limit != nil && limit.Max != nil {
		sizes = append(sizes, *limit.Max)
	}
	for _, n := range sizes {
		if n > 0 {
			input[size] = n
		}
		r := request(service, operation, input)
		r.creds = s.creds
		w := httptest.NewRecorder()
		s.cloud.ServeHTTP(w, r.sign(s.t))
		if got := replyOf(services()[service], operation, w); got.code != "" || got.problem != "" {
			s.t.Errorf("%s %v: %s %s %s", operation, input, got.code, got.message, got.problem)
			return
		}
		out, problems := inspect(service, operation, w)
		if len(problems) > 0 {
			s.t.Errorf("%s %v: %s", operation, input, strings.Join(problems, "; "))
		}
		for _, m := range answersOf()[service].Structs[operation+"Output"] {
			list, ok := out[m.Name].([]any)
			if !strings.HasPrefix(m.Type, "list of") {
				continue
			}
			if !ok {
				s.t.Errorf("%s %v lacks the list %s: %s", operation, input, m.Name, w.Body)
			}
			if reason := notEmpty[service+":"+operation]; reason == "" && len(list) > 0 {
				s.t.Errorf("%s %v: %s has %d items", operation, input, m.Name, len(list))
			}
		}
		if truncated, ok := out["IsTruncated"].(string); ok && truncated == "true" && !slices.Contains([]int64{1, 2, 20}, n) {
			s.t.Errorf("%s %v is truncated", operation, input)
		}
	}
}
