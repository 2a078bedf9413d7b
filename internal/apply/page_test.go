package apply

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"

	"forcemfa/internal/plan"
)

// secondPage answers a list with an empty page and then one with an entry, and other
// operations with a policy document.
type secondPage struct{ list, entry string }

func (p secondPage) Do(r *http.Request) (*http.Response, error) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(text))
	if err != nil {
		return nil, err
	}
	operation, result := form.Get("Action"), "<PolicyDocument>%7B%7D</PolicyDocument>"
	if operation == p.list {
		if result = p.entry; form.Get("Marker") != "second" {
			result = "<IsTruncated>true</IsTruncated><Marker>second</Marker>"
		}
	}
	body := fmt.Sprintf("<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>", operation, result)
	return &http.Response{StatusCode: 200, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// What is on the second page of a list is there: a step that does not see it would be
// done again, or found done although it is not.
func TestTheStateOfAStepIsOnAnyPage(t *testing.T) {
	const (
		iamARN   = "arn:aws:iam::111111111111:"
		attached = "<AttachedPolicies><member><PolicyName>p</PolicyName><PolicyArn>" + iamARN + "policy/p</PolicyArn></member></AttachedPolicies>"
		named    = "<PolicyNames><member>p</member></PolicyNames>"
	)
	for _, row := range []struct {
		op              plan.Op
		subject, object string
		list, entry     string
		want            plan.State
	}{
		{plan.AttachGroupPolicy, "group/g", iamARN + "policy/p", "ListAttachedGroupPolicies", attached, plan.State{Present: true}},
		{plan.AttachUserPolicy, "user/bob", iamARN + "policy/p", "ListAttachedUserPolicies", attached, plan.State{Present: true}},
		{plan.AttachRolePolicy, "role/r", iamARN + "policy/p", "ListAttachedRolePolicies", attached, plan.State{Present: true}},
		{plan.AddUserToGroup, "user/bob", "g", "ListGroupsForUser", "<Groups><member><GroupName>G</GroupName></member></Groups>", plan.State{Present: true}},
		{plan.TagUser, "user/bob", "k", "ListUserTags", "<Tags><member><Key>K</Key><Value>v</Value></member></Tags>", plan.State{Present: true, Value: "v"}},
		{plan.PutUserPolicy, "user/bob", "p", "ListUserPolicies", named, plan.State{Present: true, Document: "{}"}},
		{plan.PutGroupPolicy, "group/g", "p", "ListGroupPolicies", named, plan.State{Present: true, Document: "{}"}},
		{plan.PutRolePolicy, "role/r", "p", "ListRolePolicies", named, plan.State{Present: true, Document: "{}"}},
		{plan.DeactivateKey, "user/bob", "AKIA1", "ListAccessKeys", "<AccessKeyMetadata><member><AccessKeyId>AKIA1</AccessKeyId><Status>Active</Status></member></AccessKeyMetadata>", plan.State{Present: true, Value: plan.KeyActive}},
		{plan.DeactivateKey, "user/bob", "ACCA1", "ListServiceSpecificCredentials", "<ServiceSpecificCredentials><member><ServiceSpecificCredentialId>ACCA1</ServiceSpecificCredentialId><Status>Active</Status></member></ServiceSpecificCredentials>", plan.State{Present: true, Value: plan.KeyActive}},
		{plan.DeactivateKey, "user/bob", "APKA1", "ListSSHPublicKeys", "<SSHPublicKeys><member><SSHPublicKeyId>APKA1</SSHPublicKeyId><Status>Inactive</Status></member></SSHPublicKeys>", plan.State{Present: true, Value: plan.KeyInactive}},
	} {
		client := iam.NewFromConfig(aws.Config{Region: "us-east-1", HTTPClient: secondPage{row.list, row.entry}, Credentials: aws.AnonymousCredentials{}}, iamAnswers)
		s := plan.NewStep(row.op, "111111111111", iamARN+row.subject, row.object, plan.State{}, plan.State{})
		got, err := executors[row.op].read(t.Context(), client, &s)
		if err != nil || !row.want.Holds(got) {
			t.Errorf("%s %s: %+v, want %+v; error %v", row.op, row.object, got, row.want, err)
		}
	}
}

// going has a service control policy in its list, and not any more when it is read.
type going struct{}

func (going) Do(r *http.Request) (*http.Response, error) {
	status, text := http.StatusOK, `{"Policies":[{"Id":"p-12345678","Name":"ForceMFA"}]}`
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".DescribePolicy") {
		status, text = http.StatusBadRequest, `{"__type":"PolicyNotFoundException","Message":"gone"}`
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
}

func TestAnSCPThatGoesWhileItIsReadIsAbsent(t *testing.T) {
	c := organizations.NewFromConfig(aws.Config{
		Region: "us-east-1", HTTPClient: going{}, Credentials: credentials.NewStaticCredentialsProvider("AKIA", "x", ""), Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	})
	s := &plan.Step{Op: plan.UpdateSCP, Subject: "arn:aws:organizations::111122223333:policy/o-exampleorgid/service_control_policy/ForceMFA"}
	if now, err := readSCP(t.Context(), c, s); err != nil || now.Present {
		t.Errorf("%+v, %v", now, err)
	}
}
