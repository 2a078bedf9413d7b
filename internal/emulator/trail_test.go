package emulator

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/emulator/world"
	"forcemfa/internal/trail"
	"forcemfa/policy"
)

const allEvents = `{"detail-type":[{"exists":true}]}`

// listening are the events of a cloud from now on.
func listening(t *testing.T, c *Cloud, pattern string) *[]trail.Event {
	t.Helper()
	var events []trail.Event
	cancel, err := c.Subscribe(pattern, func(e trail.Event) { events = append(events, e) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cancel)
	return &events
}

// tree is a value as its JSON says it.
func tree(t *testing.T, value any) (out map[string]any) {
	t.Helper()
	text, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCallCreatesItsEvent(t *testing.T) {
	c := newCloud(t, Options{Clock: func() time.Time { return noon }})
	events := listening(t, c, allEvents)
	client := iamOf(c, as("alice"))
	if _, err := client.CreateUser(context.Background(), &iam.CreateUserInput{
		UserName: aws.String("new"), Tags: []types.Tag{{Key: aws.String("userType"), Value: aws.String("Service")}},
	}); err != nil {
		t.Fatal(err)
	}
	if len(*events) != 1 {
		t.Fatalf("%d events", len(*events))
	}
	got := tree(t, (*events)[0])
	detail := got["detail"].(map[string]any)
	for _, varying := range []string{"requestID", "eventID", "userAgent"} {
		if detail[varying] == "" {
			t.Errorf("%s is empty", varying)
		}
		delete(detail, varying)
	}
	delete(got, "id")
	user := detail["responseElements"].(map[string]any)["user"].(map[string]any)
	delete(user, "userId")
	want := map[string]any{
		"version": "0", "detail-type": "AWS API Call via CloudTrail", "source": "aws.iam", "account": member, "time": "2026-03-04T12:00:00Z",
		"region": "us-east-1", "resources": []any{},
		"detail": map[string]any{
			"eventVersion": "1.09", "eventTime": "2026-03-04T12:00:00Z", "eventSource": "iam.amazonaws.com", "eventName": "CreateUser",
			"awsRegion": "us-east-1", "sourceIPAddress": "192.0.2.1", "readOnly": false, "eventType": "AwsApiCall", "managementEvent": true,
			"recipientAccountId": member, "eventCategory": "Management",
			"userIdentity": map[string]any{
				"type": "IAMUser", "principalId": idOf("alice"), "arn": "arn:aws:iam::222222222222:user/alice", "accountId": member,
				"accessKeyId": keyOf("alice"), "userName": "alice",
			},
			"requestParameters": map[string]any{"userName": "new", "tags": []any{map[string]any{"key": "userType", "value": "Service"}}},
			"responseElements": map[string]any{"user": map[string]any{
				"userName": "new", "path": "/", "arn": "arn:aws:iam::222222222222:user/new", "createDate": "Mar 4, 2026 12:00:00 PM",
				"tags": []any{map[string]any{"key": "userType", "value": "Service"}},
			}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}

func TestARecordSaysWhoCalledOfEachCredential(t *testing.T) {
	c := newCloud(t, Options{Clock: func() time.Time { return noon }})
	issue := func(s *world.Session) string {
		s.Account, s.Issued, s.Expires = member, noon, noon.Add(time.Hour)
		if s.Credential == policy.FederationToken || s.Role != "" {
			s.Name = "session"
		}
		var key string
		c.Update(func(*world.World) { key = c.mint(s).AccessKeyID })
		return key
	}
	session := func(mfa string, issuer map[string]any) map[string]any {
		context := map[string]any{"attributes": map[string]any{"creationDate": "2026-03-04T12:00:00Z", "mfaAuthenticated": mfa}}
		if issuer != nil {
			context["sessionIssuer"] = issuer
		}
		return context
	}
	role := map[string]any{"type": "Role", "principalId": "AROAOPERATOR000000000", "arn": "arn:aws:iam::222222222222:role/Operator", "accountId": member, "userName": "Operator"}
	bob := map[string]any{"type": "IAMUser", "principalId": idOf("bob"), "arn": "arn:aws:iam::222222222222:user/bob", "accountId": member, "userName": "bob"}
	for _, row := range []struct {
		name, key string
		want      map[string]any
	}{
		{"access key", keyOf("bob"), map[string]any{"type": "IAMUser", "userName": "bob"}},
		{"session with a code", issue(&world.Session{User: "bob", Credential: policy.SessionTokenMFA, Present: policy.True}),
			map[string]any{"type": "IAMUser", "userName": "bob", "sessionContext": session("true", nil)}},
		{"console without MFA", issue(&world.Session{User: "bob", Credential: policy.ConsolePassword, Present: policy.False}),
			map[string]any{"type": "IAMUser", "userName": "bob", "sessionContext": session("false", nil)}},
		{"role", issue(&world.Session{Role: "operator", Credential: policy.FederatedRole, Present: policy.False}),
			map[string]any{"type": "AssumedRole", "principalId": "AROAOPERATOR000000000:session", "arn": "arn:aws:sts::222222222222:assumed-role/Operator/session", "sessionContext": session("false", role)}},
		{"federation token", issue(&world.Session{User: "bob", Credential: policy.FederationToken, Present: policy.False}),
			map[string]any{"type": "FederatedUser", "principalId": "222222222222:session", "arn": "arn:aws:sts::222222222222:federated-user/session", "sessionContext": session("false", bob)}},
		{"root user", issue(&world.Session{Credential: policy.RootSession, Present: policy.False}),
			map[string]any{"type": "Root", "principalId": member, "arn": "arn:aws:iam::222222222222:root", "sessionContext": session("false", nil)}},
	} {
		t.Run(row.name, func(t *testing.T) {
			caller, err := c.Caller(row.key)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]any{"principalId": idOf("bob"), "arn": "arn:aws:iam::222222222222:user/bob", "accountId": member, "accessKeyId": row.key}
			for name, value := range row.want {
				want[name] = value
			}
			if diff := cmp.Diff(want, tree(t, c.userIdentity(&caller))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Whatever a call says and answers in secret, its record does not.
func TestRecordsHoldNoSecrets(t *testing.T) {
	c := newCloud(t, Options{})
	events := listening(t, c, allEvents)
	client, ctx := iamOf(c, as("alice")), context.Background()
	key, err := client.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("fay")})
	if err != nil {
		t.Fatal(err)
	}
	device, err := client.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("second")})
	if err != nil {
		t.Fatal(err)
	}
	federated, err := stsOf(c, as("alice")).GetFederationToken(ctx, &sts.GetFederationTokenInput{Name: aws.String("guest")})
	if err != nil {
		t.Fatal(err)
	}
	const chosen = "Correct-Horse-Battery-1"
	var first, second string
	c.View(func(w *world.World) {
		first, err = w.Code(*device.VirtualMFADevice.SerialNumber, c.Now().Add(-30*time.Second))
		if err == nil {
			second, err = w.Code(*device.VirtualMFADevice.SerialNumber, c.Now())
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range []error{
		errOf(client.UpdateLoginProfile(ctx, &iam.UpdateLoginProfileInput{UserName: aws.String("fay"), Password: aws.String(chosen)})),
		errOf(client.EnableMFADevice(ctx, &iam.EnableMFADeviceInput{
			UserName: aws.String("alice"), SerialNumber: device.VirtualMFADevice.SerialNumber, AuthenticationCode1: &first, AuthenticationCode2: &second,
		})),
	} {
		if call != nil {
			t.Fatal(call)
		}
	}
	text, err := json.Marshal(*events)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{
		*key.AccessKey.SecretAccessKey, string(device.VirtualMFADevice.Base32StringSeed), *federated.Credentials.SecretAccessKey,
		*federated.Credentials.SessionToken, chosen, `"` + first + `"`, `"` + second + `"`, "qRCodePNG",
	} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the records hold %s:\n%s", secret, text)
		}
	}
	for _, kept := range []string{*key.AccessKey.AccessKeyId, `"serialNumber":"arn:aws:iam::222222222222:mfa/second"`, "GetFederationToken"} {
		if !strings.Contains(string(text), kept) {
			t.Errorf("the records lack %s:\n%s", kept, text)
		}
	}
}

func errOf[T any](_ T, err error) error { return err }

func TestACallThatFailsSaysWhyInItsRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the SDK waits between its attempts
		c := newCloud(t, Options{Strict: &Strict{Throttle: 1}})
		events := listening(t, c, `{"detail":{"errorCode":[{"exists":true}]}}`)
		for _, user := range []string{"alice", "bob"} {
			_, _ = iamOf(c, as(user)).DeleteUser(context.Background(), &iam.DeleteUserInput{UserName: aws.String("nobody")})
		}
		codes := map[string]bool{}
		for _, e := range *events {
			if e.Detail.Parameters.Text("userName") != "nobody" || e.Detail.ResponseElements != nil {
				t.Errorf("%s: parameters %v, response %s", e.Detail.ErrorCode, e.Detail.Parameters, e.Detail.ResponseElements)
			}
			codes[e.Detail.ErrorCode] = true
		}
		if diff := cmp.Diff(map[string]bool{"Throttling": true, "NoSuchEntity": true, "AccessDenied": true}, codes); diff != "" {
			t.Errorf("error codes (-want +got):\n%s", diff)
		}
	})
}

func TestReadsAndDataEventsCreateNoEvent(t *testing.T) {
	c := newCloud(t, Options{})
	events := listening(t, c, allEvents)
	ctx, client := context.Background(), iamOf(c, as("alice"))
	for _, err := range []error{
		errOf(client.GetUser(ctx, &iam.GetUserInput{})),
		errOf(client.GenerateCredentialReport(ctx, &iam.GenerateCredentialReportInput{})),
		errOf(stsOf(c, as("alice")).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::222222222222:role/Operator"), RoleSessionName: aws.String("guest")})),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(*events) > 0 {
		t.Errorf("events: %v", *events)
	}
}

func TestEventIsDeliveredAfterTheCall(t *testing.T) {
	c := newCloud(t, Options{})
	client, ctx := iamOf(c, as("alice")), context.Background()
	var seen []string
	cancel, err := c.Subscribe(`{"source":["aws.iam"],"detail":{"eventName":["CreateUser","TagUser"]}}`, func(e trail.Event) {
		seen = append(seen, e.Detail.EventName)
		if e.Detail.EventName != "CreateUser" {
			return
		}
		if _, err := client.TagUser(ctx, &iam.TagUserInput{UserName: aws.String("new"), Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}); err != nil {
			t.Errorf("while the event is handed over: %v", err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	create := func(name string) {
		if _, err := client.CreateUser(ctx, &iam.CreateUserInput{UserName: &name}); err != nil {
			t.Fatal(err)
		}
	}
	create("new")
	cancel()
	create("newer")
	if diff := cmp.Diff([]string{"CreateUser", "TagUser"}, seen); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if _, err := c.Subscribe(`{"source":[{"wildcard":"*"}]}`, func(trail.Event) {}); err == nil {
		t.Error("a pattern that is not understood was taken")
	}
}

// Every operation that changes something is recorded, by the names of its API.
func TestEveryWriteThatIsServedIsRecorded(t *testing.T) {
	c := newCloud(t, Options{})
	listening(t, c, allEvents)
	caller, err := c.Caller(keyOf("alice"))
	if err != nil {
		t.Fatal(err)
	}
	recorded := map[string]int{}
	for name, s := range services() {
		for _, op := range s.operations {
			r := Record{Service: name, Operation: op.Name, Writes: op.Writes, Caller: caller, Region: "eu-west-1", RequestID: c.requestID(), In: op.New()}
			e := c.recorded(&job{service: s}, &r)
			want := op.Writes && slices.Contains([]string{"iam", "sts", "organizations", "ec2", "events", "lambda", "cloudformation", "cloudtrail"}, name) &&
				!slices.Contains([]string{"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "PutEvents"}, op.Name) && op.Name != "GenerateCredentialReport"
			if (e != nil) != want {
				t.Errorf("%s:%s: recorded %v, want %v", name, op.Name, e != nil, want)
			}
			if e == nil {
				continue
			}
			recorded[name]++
			if e.Source != "aws."+name || !strings.HasPrefix(e.Detail.EventName, op.Name) || e.Detail.EventSource != name+".amazonaws.com" {
				t.Errorf("%s:%s: source %s, %s of %s", name, op.Name, e.Source, e.Detail.EventName, e.Detail.EventSource)
			}
		}
	}
	if recorded["iam"] < 60 || recorded["organizations"] < 9 {
		t.Errorf("recorded operations: %v", recorded)
	}
}

func TestSignInCreatesItsEvent(t *testing.T) {
	c := newCloud(t, Options{Clock: func() time.Time { return noon }})
	events := listening(t, c, `{"source":["aws.signin"],"detail-type":["AWS Console Signin via CloudTrail","AWS Console Sign In via CloudTrail"]}`)
	editUser(c, "alice", func(u *world.User) { u.Login = &world.Login{Created: made, Password: password} })
	_, _ = c.SignIn(member, "alice", password, "")
	_, _ = c.SignIn(member, "fay", password, SecurityKey)
	_, _ = c.SignIn(member, "fay", "wrong", "")
	_, _ = c.SignIn(member, "nobody", "wrong", "")
	_, _ = c.SignIn("999999999999", "nobody", "wrong", "")
	type line struct{ User, MFA, Device, Answer, Error string }
	var got []line
	for _, e := range *events {
		d := e.Detail
		var answer struct{ ConsoleLogin string }
		if err := json.Unmarshal(d.ResponseElements, &answer); err != nil {
			t.Fatal(err)
		}
		got = append(got, line{d.UserIdentity.UserName, d.AdditionalData.Text("MFAUsed"), d.AdditionalData.Text("MFAIdentifier"), answer.ConsoleLogin, d.ErrorMessage})
		if d.EventName != "ConsoleLogin" || d.EventType != "AwsConsoleSignIn" || e.Account != member || d.ErrorCode != "" {
			t.Errorf("event %+v", e)
		}
	}
	want := []line{
		{"alice", "No", "", "Success", ""},
		{"fay", "Yes", "arn:aws:iam::222222222222:u2f/user/fay/key", "Success", ""},
		{"fay", "No", "", "Failure", "Failed authentication"},
		{"HIDDEN_DUE_TO_SECURITY_REASONS", "No", "", "Failure", "Failed authentication"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sign-ins (-want +got):\n%s", diff)
	}
}

func TestIAMEventsAreRecordedInTheHomeRegionOfThePartition(t *testing.T) {
	for partition, want := range map[string]string{
		"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1", "aws-iso": "us-iso-east-1", "aws-eusc": "eusc-de-east-1",
	} {
		c := &Cloud{world: world.New(partition, 1)}
		if got := c.region("iam", "anywhere"); got != want {
			t.Errorf("%s: IAM in %s, want %s", partition, got, want)
		}
		if got := c.region("sts", "called"); got != "called" {
			t.Errorf("%s: STS in %s", partition, got)
		}
	}
}

// The call is in the log of the account that leaves, which its administrator controls. The
// management account has an event of Organizations.
func TestTheManagementAccountHasTheEventOfADeparture(t *testing.T) {
	for _, row := range []struct {
		how, by, call string
		leave         func(*organizations.Client) error
	}{
		{"Left", "alice", member, func(c *organizations.Client) error {
			_, err := c.LeaveOrganization(t.Context(), &organizations.LeaveOrganizationInput{})
			return err
		}},
		{"Removed", "root-admin", management, func(c *organizations.Client) error {
			_, err := c.RemoveAccountFromOrganization(t.Context(), &organizations.RemoveAccountFromOrganizationInput{AccountId: aws.String(member)})
			return err
		}},
	} {
		t.Run(row.how, func(t *testing.T) {
			c := newCloud(t, Options{Clock: func() time.Time { return noon }})
			events := listening(t, c, allEvents)
			var logged []string
			c.OnRecord(func(r *trail.Record) { logged = append(logged, r.RecipientAccountID+" "+r.EventName) })
			client := organizations.NewFromConfig(c.Config(as(row.by), "us-east-1"))
			if err := row.leave(client); err != nil {
				t.Fatal(err)
			}
			if err := row.leave(client); err == nil {
				t.Fatal("the account left twice")
			}
			if len(*events) != 3 || (*events)[0].Account != row.call || !(*events)[2].Detail.Failed() {
				t.Fatalf("events: %+v", *events)
			}
			e := (*events)[1]
			if e.DetailType != trail.ServiceEvent || e.Source != "aws.organizations" || e.Account != management || e.Region != "us-east-1" ||
				e.Detail.EventName != "AccountDepartedOrganization" || e.Detail.EventType != "AwsServiceEvent" || e.Detail.RecipientAccountID != management {
				t.Errorf("event %+v", e)
			}
			if diff := cmp.Diff(map[string]any{"accountId": member, "departedMethod": row.how, "departedTime": "2026-03-04T12:00:00Z"}, tree(t, e.Detail.ServiceDetails)); diff != "" {
				t.Errorf("details (-want +got):\n%s", diff)
			}
			if want := management + " AccountDepartedOrganization"; !slices.Contains(logged, want) {
				t.Errorf("log %v, want %s", logged, want)
			}
		})
	}
}
