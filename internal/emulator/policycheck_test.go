package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/emulator/accessanalyzersvc"
	"forcemfa/internal/emulator/taggingsvc"
	"forcemfa/policy"
	"forcemfa/policy/lint"
)

var paths = map[string]string{"ValidatePolicy": "/policy/validation", "CheckNoNewAccess": "/policy/check-no-new-access"}

// post sends a REST request of Access Analyzer and decodes the answer.
func post(t *testing.T, c *Cloud, operation, query string, in map[string]any, out any) (status int) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	s := signed{
		method: "POST", url: "https://access-analyzer.us-east-1.amazonaws.com" + paths[operation] + query, body: string(body), service: "access-analyzer", at: noon,
		header: http.Header{"Content-Type": {"application/json"}}, creds: alice(),
	}
	status, answer := serve(c, s.sign(t))
	if err := json.Unmarshal([]byte(answer), out); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	return status
}

// A refusedInput is the body of an error.
type refusedInput struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
	Reason  string `json:"reason"`
}

type finding struct {
	FindingDetails, FindingType, IssueCode, LearnMoreLink string
	Locations                                             []struct {
		Path []map[string]any
		Span accessanalyzersvc.Span
	}
}

type validated struct {
	Findings  []finding
	NextToken string
}

const flawed = `{"Version":"2012-10-17","Statement":[
  {"Sid":"Ä","Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}}]}`

// The findings of ValidatePolicy are those of the linter, at their places.
func TestValidatePolicyIsDecidedByTheLinter(t *testing.T) {
	c := atNoon(t)
	report, err := lint.Check(policy.Identity, flawed)
	if err != nil {
		t.Fatal(err)
	}
	var got validated
	in := map[string]any{"policyDocument": flawed, "policyType": "IDENTITY_POLICY"}
	if status := post(t, c, "ValidatePolicy", "", in, &got); status != 200 || len(got.Findings) != len(report.Findings) || len(got.Findings) < 2 {
		t.Fatalf("status %d, %d findings, want %d", status, len(got.Findings), len(report.Findings))
	}
	for i, f := range got.Findings {
		if f.IssueCode != report.Findings[i].Code || f.FindingDetails == "" || f.LearnMoreLink == "" {
			t.Errorf("finding %d is %+v", i, f)
		}
		if at := f.Locations[0]; report.Findings[i].Statement == 0 {
			text := []rune(flawed)[at.Span.Start.Offset:at.Span.End.Offset]
			if !strings.HasPrefix(string(text), `{"Sid":"Ä"`) || !strings.HasSuffix(string(text), `}}}`) || at.Span.Start.Line != 2 || at.Span.Start.Column != 2 {
				t.Errorf("finding %d is at %+v: %s", i, at, string(text))
			}
			if diff := cmp.Diff([]map[string]any{{"value": "Statement"}, {"index": 0.0}}, at.Path); diff != "" {
				t.Error(diff)
			}
		}
	}
	critical := slices.IndexFunc(got.Findings, func(f finding) bool {
		return f.IssueCode == "D-8" && f.FindingType == "SECURITY_WARNING"
	})
	if critical < 0 {
		t.Errorf("no security warning D-8 in %+v", got.Findings)
	}
	var pages []string
	for query := "?maxResults=1"; query != ""; {
		var page validated
		post(t, c, "ValidatePolicy", query, in, &page)
		pages, query = append(pages, page.Findings[0].IssueCode), ""
		if page.NextToken != "" {
			query = "?maxResults=1&nextToken=" + page.NextToken
		}
	}
	if len(pages) != len(got.Findings) {
		t.Errorf("pages of one finding: %v", pages)
	}
}

func TestValidatePolicyReportsBrokenDocuments(t *testing.T) {
	c := atNoon(t)
	for _, document := range []string{"{", "", "{}", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*"}]}`} {
		var got validated
		post(t, c, "ValidatePolicy", "", map[string]any{"policyDocument": document, "policyType": "IDENTITY_POLICY"}, &got)
		if len(got.Findings) != 1 || got.Findings[0].FindingType != "ERROR" {
			t.Errorf("%s: %+v", document, got)
		}
	}
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"}]}`
	var got validated
	post(t, c, "ValidatePolicy", "", map[string]any{"policyDocument": trust, "policyType": "RESOURCE_POLICY", "validatePolicyResourceType": "AWS::IAM::AssumeRolePolicyDocument"}, &got)
	if slices.ContainsFunc(got.Findings, func(f finding) bool {
		return f.FindingType == "ERROR"
	}) {
		t.Errorf("a trust policy: %+v", got.Findings)
	}
	for _, in := range []map[string]any{
		{"policyDocument": flawed}, {"policyType": "IDENTITY_POLICY"}, {"policyDocument": flawed, "policyType": "X"},
		{"policyDocument": flawed, "policyType": "IDENTITY_POLICY", "validatePolicyResourceType": "AWS::S3::Bucket"},
	} {
		var e refusedInput
		if status := post(t, c, "ValidatePolicy", "", in, &e); status != 400 || e.Type != "ValidationException" || e.Message == "" || e.Reason != "fieldValidationFailed" {
			t.Errorf("%v: %d %+v", in, status, e)
		}
	}
}

func TestCheckNoNewAccessIsDecidedByTheProver(t *testing.T) {
	c := atNoon(t)
	grant := func(actions string) string {
		return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Sid":"S","Effect":"Allow","Action":%s,"Resource":"*"}]}`, actions)
	}
	roles := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}}}]}`
	for _, row := range []struct{ old, updated, result, words string }{
		{grant(`"s3:Get*"`), grant(`"s3:GetObject"`), "PASS", "do not grant new access"},
		{grant(`"s3:GetObject"`), grant(`["s3:GetObject","iam:PassRole"]`), "FAIL", "grant new access"},
		{grant(`"s3:GetObject"`), roles, "FAIL", "might grant new access"},
	} {
		var got struct {
			Result, Message string
			Reasons         []struct {
				Description, StatementId string
				StatementIndex           int
			}
		}
		status := post(t, c, "CheckNoNewAccess", "", map[string]any{"existingPolicyDocument": row.old, "newPolicyDocument": row.updated, "policyType": "IDENTITY_POLICY"}, &got)
		if status != 200 || got.Result != row.result || !strings.Contains(got.Message, row.words) {
			t.Errorf("%s: %d %+v", row.updated, status, got)
		}
		if row.words == "grant new access" && (len(got.Reasons) != 1 || got.Reasons[0].StatementId != "S" || !strings.Contains(got.Reasons[0].Description, "iam:PassRole")) {
			t.Errorf("reasons %+v", got.Reasons)
		}
	}
	bucket := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:%s","Resource":"*"}]}`
	for _, row := range []struct {
		in     map[string]any
		status int
		code   string
	}{
		{map[string]any{"existingPolicyDocument": "{", "newPolicyDocument": "{}", "policyType": "IDENTITY_POLICY"}, 400, "InvalidParameterException"},
		{map[string]any{"existingPolicyDocument": "{", "policyType": "SERVICE_CONTROL_POLICY"}, 400, "ValidationException"},
		{map[string]any{"existingPolicyDocument": fmt.Sprintf(bucket, "Get*"), "newPolicyDocument": fmt.Sprintf(bucket, "*"), "policyType": "RESOURCE_POLICY"}, 422, "UnprocessableEntityException"},
	} {
		var e refusedInput
		if status := post(t, c, "CheckNoNewAccess", "", row.in, &e); status != row.status || e.Type != row.code || e.Message == "" {
			t.Errorf("%v: %d %+v", row.in, status, e)
		}
	}
}

// GetResources returns the tagged resources of IAM that the Resource Groups Tagging API
// supports, and TagResources needs the permission of IAM too.
func TestTaggedResourcesOfIAM(t *testing.T) {
	c := atNoon(t)
	call := func(name string, in any) (any, error) {
		caller, err := c.Caller(keyOf("root-admin"))
		if err != nil {
			t.Fatal(err)
		}
		return c.Do(caller, "tagging", name, in)
	}
	client := iamOf(c, as("root-admin"))
	device, err := client.CreateVirtualMFADevice(t.Context(), &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("d")})
	if err != nil {
		t.Fatal(err)
	}
	provider, err := client.CreateOpenIDConnectProvider(t.Context(), &iam.CreateOpenIDConnectProviderInput{Url: aws.String("https://example.com")})
	if err != nil {
		t.Fatal(err)
	}
	user, err := client.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("tagged")})
	if err != nil {
		t.Fatal(err)
	}
	serial, url, person := *device.VirtualMFADevice.SerialNumber, *provider.OpenIDConnectProviderArn, *user.User.Arn
	out, err := call("TagResources", &taggingsvc.TagResourcesInput{ResourceARNList: []string{serial, url, person, url + "x", "arn:aws:s3:::b"}, Tags: map[string]string{"team": "blue"}})
	if err != nil {
		t.Fatal(err)
	}
	failed := out.(*taggingsvc.TagResourcesOutput).FailedResourcesMap
	if len(failed) != 2 || *failed[url+"x"].ErrorCode != "NoSuchEntity" || failed[url+"x"].StatusCode != 404 || *failed["arn:aws:s3:::b"].ErrorCode != "InvalidParameterException" {
		t.Errorf("failed: %+v", failed)
	}
	if tags, err := client.ListUserTags(t.Context(), &iam.ListUserTagsInput{UserName: aws.String("tagged")}); err != nil || len(tags.Tags) != 1 {
		t.Errorf("tags of the user: %v %v", tags, err)
	}
	get := func(in taggingsvc.GetResourcesInput) (found []string) {
		out, err := call("GetResources", &in)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.(*taggingsvc.GetResourcesOutput).ResourceTagMappingList {
			found = append(found, *m.ResourceARN)
		}
		return found
	}
	for _, row := range []struct {
		in   taggingsvc.GetResourcesInput
		want []string
	}{
		{taggingsvc.GetResourcesInput{TagFilters: []taggingsvc.TagFilter{{Key: aws.String("team")}}}, []string{serial, url}},
		{taggingsvc.GetResourcesInput{TagFilters: []taggingsvc.TagFilter{{Key: aws.String("team"), Values: []string{"red"}}}}, nil},
		{taggingsvc.GetResourcesInput{ResourceTypeFilters: []string{"iam:oidc-provider", "ec2:instance"}}, []string{url}},
		{taggingsvc.GetResourcesInput{ResourceTypeFilters: []string{"iam:mfa"}}, []string{serial}},
		{taggingsvc.GetResourcesInput{ResourceARNList: []string{url, person}}, []string{url}},
		{taggingsvc.GetResourcesInput{ResourcesPerPage: aws.Int32(1)}, []string{serial}},
		{taggingsvc.GetResourcesInput{ResourcesPerPage: aws.Int32(1), PaginationToken: &serial}, []string{url}},
	} {
		if diff := cmp.Diff(row.want, get(row.in)); diff != "" {
			t.Errorf("%+v:\n%s", row.in, diff)
		}
	}
	for _, in := range []taggingsvc.GetResourcesInput{
		{ResourceARNList: []string{url}, ResourceTypeFilters: []string{"iam"}}, {ResourcesPerPage: aws.Int32(101)}, {TagsPerPage: aws.Int32(150)}, {TagFilters: []taggingsvc.TagFilter{{}}},
	} {
		if _, err := call("GetResources", &in); code(t, err) != "InvalidParameterException" {
			t.Errorf("%+v: %v", in, err)
		}
	}
	if out, err := call("GetTagKeys", &taggingsvc.GetTagKeysInput{}); err != nil || !slices.Contains(out.(*taggingsvc.GetTagKeysOutput).TagKeys, "team") {
		t.Errorf("keys %v %v", out, err)
	}
	if out, err := call("GetTagValues", &taggingsvc.GetTagValuesInput{Key: aws.String("team")}); err != nil || !slices.Equal(out.(*taggingsvc.GetTagValuesOutput).TagValues, []string{"blue"}) {
		t.Errorf("values %v %v", out, err)
	}
	if _, err := call("UntagResources", &taggingsvc.UntagResourcesInput{ResourceARNList: []string{url, serial}, TagKeys: []string{"team"}}); err != nil || get(taggingsvc.GetResourcesInput{}) != nil {
		t.Errorf("after UntagResources: %v %v", err, get(taggingsvc.GetResourcesInput{}))
	}
}
