package emulator

import (
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
)

// decisions returns the decisions of a cloud from now on.
func decisions(c *Cloud) *[]Decision {
	var all []Decision
	c.OnDecision(func(d Decision) { all = append(all, d) })
	return &all
}

func TestDecisionsNameTheDecidingStatement(t *testing.T) {
	c := newCloud(t, Options{Clock: func() time.Time { return noon }})
	log := decisions(c)
	_, _ = iamOf(c, as("bob")).ListUsers(t.Context(), nil)
	_, _ = iamOf(c, as("alice")).ListUsers(t.Context(), nil)
	_, _ = sts.NewFromConfig(c.Config(as("bob"), "us-east-1")).GetCallerIdentity(t.Context(), nil)
	_, _ = sts.NewFromConfig(c.Config(as("alice"), "us-east-1")).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::222222222222:role/Nobody"), RoleSessionName: aws.String("alice")})
	want := []struct{ operation, decision, layer, document, statement, code string }{
		{"ListUsers", ExplicitDeny, "identity policy", "inline policy policy of user bob", "2", "AccessDenied"},
		{"ListUsers", Allowed, "identity policy", "inline policy policy of user alice", "1", ""},
		{"GetCallerIdentity", Allowed, "", "", "", ""},
		{"AssumeRole", ImplicitDeny, "trust policy", "", "", "AccessDenied"},
	}
	if len(*log) != len(want) {
		t.Fatalf("%d decisions, want %d", len(*log), len(want))
	}
	for i, d := range *log {
		got := struct{ operation, decision, layer, document, statement, code string }{d.Operation, d.Decision, d.Layer, d.Document, d.Statement, d.Error}
		if got != want[i] {
			t.Errorf("got %+v, want %+v", got, want[i])
		}
		if d.Context == nil || d.AccessKeyID == "" || d.Principal == "" || d.RequestID == "" || !d.Time.Equal(noon) {
			t.Errorf("%s: %+v", d.Operation, d)
		}
	}
	if _, there := (*log)[0].Context.Get("aws:MultiFactorAuthPresent"); there {
		t.Error("a long-term key has the key aws:MultiFactorAuthPresent")
	}
}

// A request that no policy decided is logged with the reason.
func TestEveryRequestHasADecision(t *testing.T) {
	c := newCloud(t, Options{})
	log := decisions(c)
	wrong := world.Device{Seed: []byte("another seed of another device .......")}
	code := world.CodeAt(wrong.Seed, time.Now())
	_, _ = sts.NewFromConfig(c.Config(as("bob"), "us-east-1")).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{SerialNumber: &serial, TokenCode: &code})
	_, _ = iamOf(c, with(aws.Credentials{AccessKeyID: keyOf("alice"), SecretAccessKey: "wrong"})).ListUsers(t.Context(), nil)
	c.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	var got []string
	for _, d := range *log {
		got = append(got, strings.TrimSpace(d.Operation+" "+d.Decision+" "+d.Error))
	}
	want := []string{
		"GetSessionToken allowed AccessDenied", "ListUsers unauthenticated SignatureDoesNotMatch", "unauthenticated MissingAuthenticationTokenException",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDecisionsContainNoSecrets(t *testing.T) {
	c := newCloud(t, Options{})
	log := decisions(c)
	code := world.CodeAt(seed, c.Now())
	out, err := sts.NewFromConfig(c.Config(as("bob"), "us-east-1")).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{SerialNumber: &serial, TokenCode: &code})
	if err != nil {
		t.Fatal(err)
	}
	session := with(aws.Credentials{AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken})
	key, err := iamOf(c, session).CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: aws.String("bob")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = iamOf(c, session).UpdateLoginProfile(t.Context(), &iam.UpdateLoginProfileInput{UserName: aws.String("bob"), Password: aws.String("a new Pass-w0rd of bob")})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(*log)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{
		code, "secret of bob", *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken, *key.AccessKey.SecretAccessKey, "Pass-w0rd",
	} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the log contains %q", secret)
		}
	}
	if len(*log) != 3 {
		t.Errorf("%d decisions, want 3", len(*log))
	}
}

// With LogOnly every permission is evaluated and nothing is refused for lack of it.
func TestLogOnlyPassesWhatPoliciesRefuse(t *testing.T) {
	c := newCloud(t, Options{LogOnly: true})
	log := decisions(c)
	name := aws.String("eve")
	if _, err := iamOf(c, as("bob")).CreateUser(t.Context(), &iam.CreateUserInput{UserName: name}); err != nil {
		t.Errorf("a denied request: %v", err)
	}
	token, err := sts.NewFromConfig(c.Config(as("bob"), "us-east-1")).GetSessionToken(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	plain := with(aws.Credentials{AccessKeyID: *token.Credentials.AccessKeyId, SecretAccessKey: *token.Credentials.SecretAccessKey, SessionToken: *token.Credentials.SessionToken})
	if _, err := iamOf(c, plain).DeleteUser(t.Context(), &iam.DeleteUserInput{UserName: name}); err != nil {
		t.Errorf("IAM with a session without MFA: %v", err)
	}
	if _, err := iamOf(c, with(aws.Credentials{AccessKeyID: keyOf("bob"), SecretAccessKey: "wrong"})).ListUsers(t.Context(), nil); err == nil {
		t.Error("a wrong signature passes")
	}
	var got []string
	for _, d := range *log {
		got = append(got, d.Operation+" "+d.Decision+map[bool]string{true: " passed"}[d.Passed])
	}
	want := []string{"CreateUser explicitDeny passed", "GetSessionToken allowed", "DeleteUser credentialLimit passed", "ListUsers unauthenticated"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if (*log)[2].Permissions == nil || (*log)[2].Permissions[1].Decision != ExplicitDeny {
		t.Errorf("the permissions of DeleteUser are %+v", (*log)[2].Permissions)
	}
}

// No operation may rely on authorization for the kind of its caller: with LogOnly every
// kind reaches it.
func TestLogOnlySurvivesEveryOperationOfEveryCredential(t *testing.T) {
	keys := func(c *Cloud) map[string]string {
		out := map[string]string{}
		for kind, s := range map[string]world.Session{
			"role": {Credential: policy.RoleFromKey, Role: "operator", Name: "x"}, "root": {Credential: policy.RootSession},
			"federated": {Credential: policy.FederationToken, User: "bob", Name: "x"}, "session": {Credential: policy.SessionToken, User: "bob"},
		} {
			s.Account, s.Present, s.Issued, s.Expires = member, policy.False, c.Now(), c.Now().Add(time.Hour)
			c.Update(func(*world.World) { out[kind] = c.mint(&s).AccessKeyID })
		}
		return out
	}
	for _, service := range []string{"iam", "sts", "organizations"} {
		m := modeled[service]()
		for name, op := range services()[service].byName {
			all := author{m, services()[service].codec.Protocol.JSON()}.structure(name+"Input", true)
			c := New(fresh().Fork(), Options{LogOnly: true})
			for kind, key := range keys(c) {
				in := op.New()
				if s := services()[service]; s.codec.Protocol.JSON() {
					text, _ := json.Marshal(all)
					_ = s.codec.DecodeJSON(text, in)
				} else {
					form := map[string][]string{}
					flatten(form, "", all)
					_ = s.codec.DecodeQuery(form, in)
				}
				caller, err := c.Caller(key)
				if err != nil {
					t.Fatalf("%s: %v", kind, err)
				}
				_, _ = c.Do(caller, service, name, in) // must not panic
			}
		}
	}
}
