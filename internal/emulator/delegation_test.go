package emulator

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
)

// callerNamed is the user with a name, by access key.
func callerNamed(t *testing.T, c *Cloud, name string) world.Caller {
	t.Helper()
	caller, err := c.Caller(keyOf(name))
	if err != nil {
		t.Fatal(err)
	}
	return caller
}

// delegated is a request of the management account, as the partner, to the member account.
func delegated(t *testing.T, c *Cloud, change func(*iam.CreateDelegationRequestInput)) string {
	t.Helper()
	in := &iam.CreateDelegationRequestInput{
		OwnerAccountId: aws.String(member), Description: aws.String("set up"), NotificationChannel: aws.String("arn:aws:sns:us-east-1:" + management + ":topic"),
		RequestorWorkflowId: aws.String("workflow"), SessionDuration: aws.Int32(3600),
		Permissions: &types.DelegationPermission{PolicyTemplateArn: aws.String("arn:aws:iam::" + management + ":policy/template"), Parameters: []types.PolicyParameter{
			{Name: aws.String("actions"), Type: types.PolicyParameterTypeEnumStringList, Values: []string{"iam:GetUser", "iam:ListUsers"}},
		}},
	}
	if change != nil {
		change(in)
	}
	out, err := c.Do(callerNamed(t, c, "root-admin"), "iam", "CreateDelegationRequest", in)
	if err != nil {
		t.Fatal(err)
	}
	return *out.(*iam.CreateDelegationRequestOutput).DelegationRequestId
}

// delegationCloud has a policy template, and a member whose user alice may do everything.
func delegationCloud() *Cloud {
	w := testWorld()
	named := "arn:aws:iam::" + management + ":policy/template"
	w.Edit(management).Policies[named] = &world.Policy{ARN: named, Name: "template", Path: "/", Default: "v1", Versions: []org.Version{{ID: "v1", Created: made,
		Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"@{actions}","Resource":"*"}]}`}}}
	w.Edit(member).Users["alice"].Inline = map[string]string{"all": administrator}
	w.Edit(member).Users["bob"].Inline = map[string]string{}
	w.Edit(member).Users["bob"].Attached = nil
	return New(w, Options{Clock: func() time.Time { return noon }})
}

// ask calls an operation of IAM about a delegation request.
func ask(t *testing.T, c *Cloud, who, operation, id string) error {
	t.Helper()
	inputs := map[string]any{
		"AssociateDelegationRequest": &iam.AssociateDelegationRequestInput{DelegationRequestId: &id}, "GetDelegationRequest": &iam.GetDelegationRequestInput{DelegationRequestId: &id},
		"UpdateDelegationRequest": &iam.UpdateDelegationRequestInput{DelegationRequestId: &id}, "AcceptDelegationRequest": &iam.AcceptDelegationRequestInput{DelegationRequestId: &id},
		"SendDelegationToken": &iam.SendDelegationTokenInput{DelegationRequestId: &id}, "RejectDelegationRequest": &iam.RejectDelegationRequestInput{DelegationRequestId: &id},
	}
	_, err := c.Do(callerNamed(t, c, who), "iam", operation, inputs[operation])
	return err
}

func TestDelegatedSessionHasThePermissionsOfBoth(t *testing.T) {
	t.Parallel()
	c := delegationCloud()
	id := delegated(t, c, nil)
	for _, operation := range []string{"AssociateDelegationRequest", "AcceptDelegationRequest", "SendDelegationToken"} {
		if err := ask(t, c, "alice", operation, id); err != nil {
			t.Fatalf("%s: %v", operation, err)
		}
	}
	partner := callerNamed(t, c, "root-admin")
	var token string
	c.View(func(w *world.World) { token = w.Delegation(id).Token })
	c.Advance(10 * time.Minute)
	if _, err := c.Do(callerNamed(t, c, "alice"), "sts", "GetDelegatedAccessToken", &sts.GetDelegatedAccessTokenInput{TradeInToken: &token}); code(t, err) != "ExpiredTradeInTokenException" {
		t.Errorf("another account trades the token: %v", err)
	}
	out, err := c.Do(partner, "sts", "GetDelegatedAccessToken", &sts.GetDelegatedAccessTokenInput{TradeInToken: &token})
	if err != nil {
		t.Fatal(err)
	}
	got := out.(*sts.GetDelegatedAccessTokenOutput)
	if want := noon.Add(time.Hour); !got.Credentials.Expiration.Equal(want) || *got.AssumedPrincipal != "arn:aws:iam::"+member+":user/alice" {
		t.Errorf("the session of %s ends at %s, want %s", *got.AssumedPrincipal, got.Credentials.Expiration, want)
	}
	session, err := c.Caller(*got.Credentials.AccessKeyId)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Do(session, "iam", "ListUsers", &iam.ListUsersInput{}); err != nil {
		t.Errorf("an action of the request: %v", err)
	}
	if _, err := c.Do(session, "iam", "ListRoles", &iam.ListRolesInput{}); code(t, err) != "AccessDenied" {
		t.Errorf("an action that only the approver may do: %v", err)
	}
	c.Advance(time.Hour)
	if _, err := c.Do(partner, "sts", "GetDelegatedAccessToken", &sts.GetDelegatedAccessTokenInput{TradeInToken: &token}); code(t, err) != "ExpiredTradeInTokenException" {
		t.Errorf("after the delegation has ended: %v", err)
	}
}

// Source: IAM API Reference: who may get, associate, update and send.
func TestOwnerOfADelegationRequestHasDefaultPermissions(t *testing.T) {
	t.Parallel()
	c := delegationCloud()
	id := delegated(t, c, func(in *iam.CreateDelegationRequestInput) { in.OnlySendByOwner = true })
	if err := ask(t, c, "root-admin", "AssociateDelegationRequest", id); code(t, err) != "NoSuchEntity" {
		t.Errorf("an account that the request is not for: %v", err)
	}
	c.Update(func(w *world.World) {
		w.Edit(member).Users["bob"].Inline["associate"] = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:AssociateDelegationRequest","Resource":"*"}]}`
	})
	if err := ask(t, c, "bob", "GetDelegationRequest", id); code(t, err) != "AccessDenied" {
		t.Errorf("before bob owns the request: %v", err)
	}
	for _, operation := range []string{"AssociateDelegationRequest", "GetDelegationRequest", "UpdateDelegationRequest"} {
		if err := ask(t, c, "bob", operation, id); err != nil {
			t.Errorf("%s by the owner: %v", operation, err)
		}
	}
	if err := ask(t, c, "bob", "AcceptDelegationRequest", id); code(t, err) != "AccessDenied" {
		t.Errorf("the owner accepts without the permission: %v", err)
	}
	if err := ask(t, c, "alice", "AcceptDelegationRequest", id); err != nil {
		t.Error(err)
	}
	if err := ask(t, c, "alice", "SendDelegationToken", id); code(t, err) != "AccessDenied" {
		t.Errorf("someone else sends what only the owner may send: %v", err)
	}
}

// Source: IAM User Guide, "Building your integration", expiration path.
func TestDelegationRequestsExpire(t *testing.T) {
	t.Parallel()
	c := delegationCloud()
	id := delegated(t, c, nil)
	state := func() string {
		out, err := c.Do(callerNamed(t, c, "alice"), "iam", "GetDelegationRequest", &iam.GetDelegationRequestInput{DelegationRequestId: &id, DelegationPermissionCheck: true})
		if err != nil {
			t.Fatal(err)
		}
		got := out.(*iam.GetDelegationRequestOutput)
		return string(got.DelegationRequest.State) + " " + string(got.PermissionCheckResult)
	}
	if got := state(); got != "UNASSIGNED ALLOWED" {
		t.Error(got)
	}
	if err := ask(t, c, "alice", "AssociateDelegationRequest", id); err != nil {
		t.Fatal(err)
	}
	c.Advance(7*24*time.Hour - time.Second)
	if got := state(); got != "ASSIGNED ALLOWED" {
		t.Error(got)
	}
	c.Advance(time.Second)
	if got := state(); got != "EXPIRED ALLOWED" {
		t.Error(got)
	}
	if err := ask(t, c, "alice", "RejectDelegationRequest", id); code(t, err) != "InvalidInput" {
		t.Errorf("an expired request is rejected: %v", err)
	}
}

func TestSummaryAndListOfDelegationRequests(t *testing.T) {
	t.Parallel()
	c := delegationCloud()
	id := delegated(t, c, nil)
	list := func() []types.DelegationRequest {
		out, err := c.Do(callerNamed(t, c, "alice"), "iam", "ListDelegationRequests", &iam.ListDelegationRequestsInput{})
		if err != nil {
			t.Fatal(err)
		}
		return out.(*iam.ListDelegationRequestsOutput).DelegationRequests
	}
	if got := list(); len(got) != 0 {
		t.Errorf("a request without an owner is listed: %v", got)
	}
	if err := ask(t, c, "alice", "AssociateDelegationRequest", id); err != nil {
		t.Fatal(err)
	}
	if got := list(); len(got) != 1 || *got[0].OwnerId != "arn:aws:iam::"+member+":user/alice" || *got[0].RequestorId != management {
		t.Errorf("listed: %+v", got)
	}
	for locale, want := range map[string]types.SummaryStateType{"en": types.SummaryStateTypeAvailable, "fr": types.SummaryStateTypeNotSupported} {
		out, err := c.Do(callerNamed(t, c, "alice"), "iam", "GetHumanReadableSummary", &iam.GetHumanReadableSummaryInput{
			EntityArn: aws.String("arn:aws:iam::" + member + ":delegation-request/" + id), Locale: &locale,
		})
		if err != nil {
			t.Fatal(err)
		}
		got := out.(*iam.GetHumanReadableSummaryOutput)
		if got.SummaryState != want || (want == types.SummaryStateTypeAvailable) != strings.Contains(aws.ToString(got.SummaryContent), "It may perform iam:GetUser, iam:ListUsers on *.") {
			t.Errorf("%s: %s %q", locale, got.SummaryState, aws.ToString(got.SummaryContent))
		}
	}
}

func TestControlShowsTheTokenOfADelegationRequest(t *testing.T) {
	t.Parallel()
	c := delegationCloud()
	control, err := c.Control("127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer control.Close()
	id := delegated(t, c, nil)
	get := func() (int, string) {
		r, err := http.NewRequest("GET", control.Endpoint+"/delegation-token?request="+id, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+control.Token)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(text)
	}
	if status, text := get(); status != http.StatusNotFound || !strings.Contains(text, "no token was sent") {
		t.Errorf("before the token is sent: %d %s", status, text)
	}
	for _, operation := range []string{"AssociateDelegationRequest", "AcceptDelegationRequest", "SendDelegationToken"} {
		if err := ask(t, c, "alice", operation, id); err != nil {
			t.Fatalf("%s: %v", operation, err)
		}
	}
	_, text := get()
	var shown DelegationToken
	if err := json.Unmarshal([]byte(text), &shown); err != nil || shown.Request != id || len(shown.Token) < 100 {
		t.Errorf("after the token is sent: %s, %v", text, err)
	}
}
