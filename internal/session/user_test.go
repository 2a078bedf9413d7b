package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"forcemfa/internal/emulator/world"
	"forcemfa/internal/session"
	"forcemfa/internal/session/cache"
	"forcemfa/internal/testclients"
)

// enroll goes the whole way of a new device: created, seen by an app, two codes,
// enabled, a first session by a third code.
func (r *rig) enroll(own, access *session.Access, name string) (serial string, err error) {
	r.t.Helper()
	d, err := access.CreateDevice(r.t.Context(), name, "")
	if err != nil {
		return "", err
	}
	uri, err := url.Parse(d.URI())
	if err != nil || uri.Scheme != "otpauth" || uri.Query().Get("secret") == "" {
		r.t.Errorf("the QR code says %s, %v", d.URI(), err)
	}
	k := r.manager()
	k.Codes.Code = func(_ context.Context, prompt string) (string, error) {
		if strings.Contains(prompt, "the next code") {
			r.cloud.Advance(30 * time.Second)
		}
		return r.code(d.Serial), nil
	}
	code1, code2, err := k.TwoCodes(r.t.Context(), d.Serial)
	if err != nil {
		return "", err
	}
	if err := access.EnableDevice(r.t.Context(), d.Serial, code1, code2); err != nil {
		return "", err
	}
	own.NewDeviceUsed(d.Serial, code2)
	return d.Serial, nil
}

func (r *rig) own(profile string) *session.Access {
	r.t.Helper()
	own, err := r.manager().Own(r.t.Context(), session.Request{Profile: profile}, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return own
}

func TestFirstDeviceIsEnrolledAndProven(t *testing.T) {
	r := newRig(t)
	r.settings(legacy, "", "bob")
	own := r.own("bob")
	serial, err := r.enroll(own, own, "")
	if err != nil || serial != "arn:aws:iam::111111111111:mfa/bob" {
		t.Fatalf("enrolled %s, %v", serial, err)
	}
	e, err := own.Verify(t.Context(), serial)
	if err != nil || r.who(e) != "arn:aws:iam::111111111111:user/bob" {
		t.Errorf("the first session: %v, %v", e, err)
	}
	if len(r.asked) != 1 || !strings.Contains(r.asked[0], "the current code was already used") {
		t.Errorf("asked %q: the second code of the enrollment must not be sent again", r.asked)
	}
	asked := len(r.asked)
	if r.session("bob"); len(r.asked) != asked {
		t.Errorf("the first session does not serve: asked %q", r.asked)
	}
}

func TestSecondDeviceIsEnrolledFromASession(t *testing.T) {
	r := newRig(t)
	r.settings(legacy, "", "alice")
	own := r.own("alice")
	if _, err := r.enroll(own, own, "alice-tablet"); err == nil {
		t.Error("a bare key enrolled a second device")
	}
	with, err := own.WithMFA(t.Context(), session.Request{Profile: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	if serial, err := r.enroll(own, with, ""); err != nil || serial != "arn:aws:iam::111111111111:mfa/alice-2" {
		t.Errorf("enrolled %s, %v", serial, err)
	}
	if devices, err := own.Devices(t.Context()); err != nil || len(devices) != 2 {
		t.Errorf("devices %v, %v", devices, err)
	}
}

func TestKeyThatMayNotEnrollIsToldWhereToGo(t *testing.T) {
	r := newRig(t)
	r.settings(identity, "", "emma") // enforced, and has no device
	own := r.own("emma")
	_, err := own.CreateDevice(t.Context(), "", "")
	if err == nil || !strings.Contains(err.Error(), "an access key is not allowed to enroll an MFA device for emma") ||
		!strings.Contains(next(err), "https://222222222222.signin.aws.amazon.com/console") || !strings.Contains(next(err), "forcemfa enroll --open emma") {
		t.Errorf("got %v, next %q", err, next(err))
	}
}

func TestConsoleSessionEnrollsWithoutAKey(t *testing.T) {
	r := newRig(t)
	r.settings(identity, "")
	var password string
	r.cloud.View(func(w *world.World) { password = w.Account(identity).Users["emma"].Login.Password })
	creds, err := r.cloud.SignIn(identity, "emma", password, "")
	if err != nil {
		t.Fatal(err)
	}
	own, err := r.manager().Own(t.Context(), session.Request{Profile: "login"}, func(context.Context) (aws.Config, error) {
		return r.cloud.Config(credentials.StaticCredentialsProvider{Value: creds}, "us-east-1"), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if serial, err := r.enroll(own, own, "emmas-phone"); err != nil || own.Bare {
		t.Errorf("enrolled %s, %v", serial, err)
	}
}

func TestTokenThatRunsFastIsResynchronized(t *testing.T) {
	r := newRig(t)
	r.settings(identity, "", "jonas")
	const serial = "arn:aws:iam::222222222222:mfa/jonas"
	shows := func() (code string) { // by a clock that is five minutes ahead
		r.cloud.View(func(w *world.World) { code, _ = w.Code(serial, r.cloud.Now().Add(5*time.Minute)) })
		return code
	}
	k := r.manager()
	k.Codes = once(shows())
	if p := r.refused(k, session.Request{Profile: "jonas"}); !strings.Contains(p.Next, "clocks of this machine and of the device") {
		t.Errorf("before: next %q", p.Next)
	}
	own := r.own("jonas")
	if err := own.ResyncDevice(t.Context(), serial, "000000", "000001"); !errors.Is(err, session.ErrCodes) {
		t.Errorf("codes of no device: %v", err)
	}
	first := shows()
	r.cloud.Advance(30 * time.Second)
	if err := own.ResyncDevice(t.Context(), serial, first, shows()); err != nil {
		t.Fatal(err)
	}
	own.NewDeviceUsed(serial, shows())
	k.Codes = once(shows())
	if p := r.refused(k, session.Request{Profile: "jonas"}); p.Sentence != "this code was already used; AWS accepts each code once" {
		t.Errorf("the code that was given for it: %q", p.Sentence)
	}
	r.cloud.Advance(30 * time.Second)
	k.Codes = once(shows())
	if _, err := k.Session(t.Context(), session.Request{Profile: "jonas"}); err != nil {
		t.Errorf("after: %v", err)
	}
}

func TestTwoCodesMustDiffer(t *testing.T) {
	k := newRig(t).manager()
	k.Codes = session.CodeSource{Code: func(context.Context, string) (string, error) { return "123 456", nil }}
	if _, _, err := k.TwoCodes(t.Context(), "GAHT12345678"); err == nil || !strings.Contains(err.Error(), "this is the same code") {
		t.Errorf("got %v", err)
	}
}

func TestSignInLinkIsMadeFromARole(t *testing.T) {
	r := newRig(t)
	r.settings(identity, threeRoles, "jonas")
	e := r.session("prod")
	var got struct{ SessionID, SessionKey, SessionToken string }
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		w.WriteHeader(status)
		if q.FormValue("Action") == "getSigninToken" && json.Unmarshal([]byte(q.FormValue("Session")), &got) == nil {
			_, _ = w.Write([]byte(`{"SigninToken":"token of the link"}`))
		}
	}))
	defer server.Close()
	k := r.manager()
	k.HTTP = server.Client()
	link, err := k.SignInURL(t.Context(), e, session.ConsolePage{Service: "ec2", Region: "eu-west-1", Endpoint: server.URL})
	if err != nil || got.SessionID != e.AccessKeyID || got.SessionKey != e.SecretAccessKey || got.SessionToken != e.SessionToken {
		t.Fatalf("sent %+v, %v", got, err)
	}
	u, err := url.Parse(link)
	if err != nil || u.Query().Get("SigninToken") != "token of the link" || u.Query().Get("Action") != "login" ||
		u.Query().Get("Destination") != "https://console.aws.amazon.com/ec2/home?region=eu-west-1" {
		t.Errorf("the link is %s, %v", link, err)
	}

	status = http.StatusBadRequest
	if _, err := k.SignInURL(t.Context(), e, session.ConsolePage{Endpoint: server.URL}); next(err) == "" {
		t.Errorf("refused: %v", err)
	}
	server.Close()
	_, err = k.SignInURL(t.Context(), e, session.ConsolePage{Endpoint: server.URL})
	if err == nil || strings.Contains(err.Error(), e.SecretAccessKey) || strings.Contains(err.Error(), url.QueryEscape(e.SessionToken)) {
		t.Errorf("no server: %v", err)
	}
	if _, err := k.SignInURL(t.Context(), r.session("jonas"), session.ConsolePage{}); err == nil || !strings.Contains(err.Error(), "never carries MFA") {
		t.Errorf("a user without a role: %v", err)
	}
}

func TestForeignProcessGivesAKeyAndNotASession(t *testing.T) {
	testclients.Need(t, "sh")
	t.Parallel()
	r := newRig(t)
	key := r.key(identity, "jonas")
	r.settings(identity, `[profile vaulted]
credential_process = sh -c 'echo "$0"' '{"Version":1,"AccessKeyId":"`+key.ID+`","SecretAccessKey":"`+key.Secret+`"}'
[profile temporary]
credential_process = sh -c 'echo "$0"' '{"Version":1,"AccessKeyId":"ASIA","SecretAccessKey":"topsecret","SessionToken":"t"}'
[profile broken]
credential_process = sh -c 'echo "$0"' topsecret
[profile failing]
credential_process = false
[profile newline]
credential_process = sh -c 'printf %s "$0"' '{"Version":1,"AccessKeyId":"AKIAX\nX-Other: y","SecretAccessKey":"topsecret"}'
[profile control]
credential_process = sh -c 'printf %s "$0"' '{"Version":1,"AccessKeyId":"AKIAX","SecretAccessKey":"topsecret\u001b"}'
[profile endless]
credential_process = sh -c 'while :; do echo topsecrettopsecrettopsecrettopsecrettopsecrettopsecret; done'
[profile agent]
credential_process = sh -c 'sleep 60 2>/dev/null & echo "$0"' topsecret
`)
	if got := r.who(r.session("vaulted")); got != "arn:aws:iam::222222222222:user/jonas" {
		t.Errorf("the session is %s", got)
	}
	const none = "did not print credentials of version 1"
	for profile, want := range map[string]string{
		"temporary": "temporary credentials", "broken": none, "failing": "exit status 1", "newline": none, "control": none,
		"endless": "it printed more than", "agent": none,
	} {
		began := time.Now()
		p := r.refused(r.manager(), session.Request{Profile: profile})
		if strings.Contains(p.Sentence, "topsecret") || !strings.Contains(p.Sentence, want) || time.Since(began) > 40*time.Second {
			t.Errorf("%s: after %s: %s", profile, time.Since(began), p.Sentence)
		}
	}
}

func TestKeyInTheEnvironmentComesBeforeAProfileThatNobodyNamed(t *testing.T) {
	r := newRig(t)
	r.settings(identity, threeRoles, "jonas")
	key := r.key(identity, "deepak")
	r.env["AWS_ACCESS_KEY_ID"], r.env["AWS_SECRET_ACCESS_KEY"], r.env["AWS_PROFILE"] = key.ID, key.Secret, "jonas"
	if got := r.who(r.session("")); got != "arn:aws:iam::222222222222:user/deepak" {
		t.Errorf("without a name: %s", got)
	}
	if got := r.who(r.session("jonas")); got != "arn:aws:iam::222222222222:user/jonas" {
		t.Errorf("with a name: %s", got)
	}
	r.env["AWS_SESSION_TOKEN"], r.env["FORCEMFA"] = "token", "prod"
	if p := r.refused(r.manager(), session.Request{}); !strings.Contains(p.Next, "leave the shell of prod") {
		t.Errorf("inside of exec: %q, next %q", p.Sentence, p.Next)
	}
}

func TestConsoleLinkFollowsThePartition(t *testing.T) {
	r := newRig(t)
	k := r.manager()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"SigninToken":"token"}`)
	}))
	t.Cleanup(server.Close)
	k.HTTP = server.Client()
	for partition, want := range map[string]string{
		"aws-cn":   "https://console.amazonaws.cn/",
		"aws-eusc": "https://console.amazonaws-eusc.eu/",
		"aws-iso":  "",
		"aws-moon": "",
	} {
		e := &cache.Entry{Kind: cache.RoleSession, ARN: "arn:" + partition + ":sts::222222222222:assumed-role/Admin/jonas"}
		link, err := k.SignInURL(t.Context(), e, session.ConsolePage{Endpoint: server.URL})
		if want == "" {
			if err == nil || !strings.Contains(err.Error(), "the console address of partition "+partition+" is unknown") {
				t.Errorf("%s: link %q, error %v", partition, link, err)
			}
			continue
		}
		if parsed, _ := url.Parse(link); err != nil || parsed.Query().Get("Destination") != want {
			t.Errorf("%s: link %q, error %v; want destination %s", partition, link, err, want)
		}
	}
	for partition, want := range map[string]string{
		"aws-us-gov": "https://222222222222.signin.amazonaws-us-gov.com/console", "aws-eusc": "https://console.amazonaws-eusc.eu", "aws-iso-b": "the AWS console",
	} {
		if got := (session.User{Account: "222222222222", Partition: partition}).SignInPage(); got != want {
			t.Errorf("%s: sign-in page %q, want %q", partition, got, want)
		}
	}
}
