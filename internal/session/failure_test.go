package session_test

import (
	"context"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"forcemfa/internal/emulator/world"
	"forcemfa/internal/session"
)

// Each of AWS's errors about MFA is one sentence and one next step.
func TestErrorsOfAWSBecomeASentenceAndAStep(t *testing.T) {
	for _, row := range []struct {
		name           string
		config         string
		request        session.Request
		arrange        func(*rig, *session.Manager)
		sentence, next string
	}{
		{
			name: "invalid code",
			arrange: func(r *rig, k *session.Manager) {
				k.Codes = once("000000")
			},
			sentence: "AWS rejected the code for arn:aws:iam::222222222222:mfa/jonas", next: "wait for the next code",
		},
		{
			name: "reused code",
			arrange: func(r *rig, k *session.Manager) {
				code := r.code("arn:aws:iam::222222222222:mfa/jonas")
				k.Codes = once(code)
				if _, err := k.Session(r.t.Context(), session.Request{Profile: "jonas"}); err != nil {
					r.t.Fatal(err)
				}
			},
			request:  session.Request{Fresh: true},
			sentence: "this code was already used", next: "for the next code of arn:aws:iam::222222222222:mfa/jonas",
		},
		{
			name: "code that another tool used",
			arrange: func(r *rig, k *session.Manager) {
				code := r.code("arn:aws:iam::222222222222:mfa/jonas")
				r.spend("jonas", code)
				k.Codes = once(code)
			},
			sentence: "already used", next: "wait for the next code",
		},
		{
			name: "no such serial", config: "[profile jonas]\nmfa_serial = arn:aws:iam::222222222222:mfa/lost\n",
			arrange:  func(r *rig, k *session.Manager) { k.Codes = once("123456") },
			sentence: "arn:aws:iam::222222222222:mfa/lost is not an MFA device", next: "correct mfa_serial",
		},
		{
			name: "inactive key",
			arrange: func(r *rig, _ *session.Manager) {
				r.cloud.Update(func(w *world.World) {
					for _, key := range w.Edit(identity).Users["jonas"].Keys {
						key.Active = false
					}
				})
			},
			sentence: "AWS does not recognize the credentials of profile jonas", next: "check the key",
		},
		{
			name: "wrong secret",
			arrange: func(r *rig, _ *session.Manager) {
				r.write("credentials", "[jonas]\naws_access_key_id = "+r.key(identity, "jonas").ID+"\naws_secret_access_key = wrong\n")
			},
			sentence: "does not belong to its access key ID", next: "forcemfa import jonas",
		},
		{
			name:     "duration over the role's cap",
			config:   "[profile jonas]\nrole_arn = arn:aws:iam::333333333333:role/PrivilegedActionsRole\nduration_seconds = 43200\n",
			sentence: "does not grant sessions of 12h0m0s", next: "lower duration_seconds",
		},
		{
			name:    "duration over what any session may last",
			request: session.Request{Duration: 48 * time.Hour}, sentence: "--duration is 48h", next: "use a duration",
		},
		{
			name:     "role that does not trust",
			config:   "[profile jonas]\nrole_arn = arn:aws:iam::333333333333:role/OrganizationAccountAccessRole\n",
			sentence: "not allowed to assume arn:aws:iam::333333333333:role/OrganizationAccountAccessRole", next: "trust policy",
		},
		{
			name: "region that is none", config: "[profile jonas]\nregion = Frankfurt am Main\n",
			sentence: `"Frankfurt am Main" is not the name of a Region`, next: "eu-west-1",
		},
		{
			name:     "nobody to ask",
			arrange:  func(_ *rig, k *session.Manager) { k.Codes = session.CodeSource{} },
			sentence: "there is no terminal to prompt for a code", next: "forcemfa login jonas",
		},
		{
			name:     "not six digits",
			arrange:  func(_ *rig, k *session.Manager) { k.Codes = once("12345") },
			sentence: "an MFA code has six digits", next: "enter the six digits that arn:aws:iam::222222222222:mfa/jonas shows",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := newRig(t)
			r.settings(identity, row.config, "jonas")
			k := r.manager()
			if row.arrange != nil {
				row.arrange(r, k)
			}
			row.request.Profile = "jonas"
			p := r.refused(k, row.request)
			if !strings.Contains(p.Sentence, row.sentence) || !strings.Contains(p.Next, row.next) {
				t.Errorf("got  %q\nnext %q\nwant %q\nnext %q", p.Sentence, p.Next, row.sentence, row.next)
			}
		})
	}
}

// once is a source that has one code, as stdin.
func once(code string) session.CodeSource {
	return session.CodeSource{Code: func(_ context.Context, _ string) (string, error) { return code, nil }}
}

// spend uses a code behind forcemfa's back.
func (r *rig) spend(user, code string) {
	client := sts.NewFromConfig(r.cloud.Config(r.static(user), "us-east-1"))
	serial := "arn:aws:iam::" + identity + ":mfa/" + user
	if _, err := client.GetSessionToken(r.t.Context(), &sts.GetSessionTokenInput{SerialNumber: &serial, TokenCode: &code}); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) static(user string) aws.CredentialsProvider {
	key := r.key(identity, user)
	return credentials.NewStaticCredentialsProvider(key.ID, key.Secret, "")
}

// Errors of calls that others make with a session, or without.
func TestErrorsOfCallsAreExplained(t *testing.T) {
	r := newRig(t)
	r.settings(identity, "", "jonas")
	k := r.manager()
	list := func(creds aws.CredentialsProvider) error {
		_, err := iam.NewFromConfig(r.cloud.Config(creds, "us-east-1")).ListUsers(t.Context(), &iam.ListUsersInput{})
		return k.Explain(err, "jonas")
	}
	assert := func(story string, err error, sentence, step string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), sentence) || !strings.Contains(next(err), step) {
			t.Errorf("%s: %v, next %q", story, err, next(err))
		}
	}
	assert("explicit deny without MFA", list(r.static("jonas")), "a policy denies this", `"forcemfa login jonas"`)
	assert("no Allow", k.Explain(&smithy.GenericAPIError{Code: "AccessDenied", Message: "User: jonas is not authorized to perform: iam:TagUser"}, "jonas"),
		"no policy allows this: User: jonas is not authorized to perform: iam:TagUser", "use a profile with this permission, or ask an administrator")

	plain, err := sts.NewFromConfig(r.cloud.Config(r.static("jonas"), "us-east-1")).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{DurationSeconds: aws.Int32(900)})
	if err != nil {
		t.Fatal(err)
	}
	session := credentials.NewStaticCredentialsProvider(*plain.Credentials.AccessKeyId, *plain.Credentials.SecretAccessKey, *plain.Credentials.SessionToken)
	assert("session without MFA in IAM", list(session), "a session without MFA called IAM", "forcemfa login --force jonas")

	r.cloud.Advance(time.Hour)
	assert("expired token", list(session), "the session of profile jonas has expired", "forcemfa login --force jonas")
}

// Over a socket the clock of the cloud can differ from this machine's. The SDK
// signs again by AWS's clock, so the call succeeds; the session seems to have
// expired long ago.
func TestWrongClockIsNamedAlthoughTheSDKCorrectsIt(t *testing.T) {
	t.Parallel() // the SDK waits
	r := newRig(t)
	r.settings(identity, "", "jonas")
	server, err := r.cloud.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	r.env["AWS_ENDPOINT_URL"] = server.Endpoint
	r.http = &http.Client{}
	k := r.manager()
	k.Now = func() time.Time { return r.cloud.Now().Add(100 * time.Hour) }
	p := r.refused(k, session.Request{Profile: "jonas"})
	if !strings.Contains(p.Sentence, "ahead of AWS's") || r.count("GetSessionToken") != 1 {
		t.Errorf("%d sessions: %s", r.count("GetSessionToken"), p.Sentence)
	}
}

// STS makes the session, IAM knows the device; each is called where its own variable
// says, before AWS_ENDPOINT_URL.
func TestEachServiceHasAnEndpointOfItsOwn(t *testing.T) {
	t.Parallel() // the SDK waits
	r := newRig(t)
	r.settings(identity, "", "jonas")
	server, err := r.cloud.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	var called []string
	r.http = &http.Client{Transport: through(func(q *http.Request) (*http.Response, error) {
		called = append(called, q.URL.Host)
		q.Host, q.URL.Host = q.URL.Host, strings.TrimPrefix(server.Endpoint, "http://")
		return http.DefaultTransport.RoundTrip(q)
	})}
	r.env["AWS_ENDPOINT_URL"] = "http://everything.example"
	r.env["AWS_ENDPOINT_URL_STS"] = "http://sts.example"
	r.env["AWS_ENDPOINT_URL_IAM"] = "http://iam.example"
	k := r.manager()
	for range 2 {
		if _, err := k.Session(t.Context(), session.Request{Profile: "jonas"}); err != nil {
			t.Error(err)
		}
		delete(r.env, "AWS_ENDPOINT_URL_IAM")
		if err := os.RemoveAll(k.Cache.Path); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(slices.Compact(called), " "); got != "iam.example sts.example everything.example sts.example" {
		t.Errorf("called %s", got)
	}
}

// through is a transport that is a function.
type through func(*http.Request) (*http.Response, error)

func (f through) RoundTrip(q *http.Request) (*http.Response, error) { return f(q) }

// Where signing again does not help, the error says what is wrong.
func TestWrongClockIsNamed(t *testing.T) {
	k := newRig(t).manager()
	for _, e := range []smithy.GenericAPIError{
		{Code: "RequestTimeTooSkewed", Message: "The difference between the request time and the current time is too large."},
		{Code: "SignatureDoesNotMatch", Message: "Signature expired: 20261123T080001Z is now earlier than 20261123T081001Z (20261123T081501Z - 5 min.)"},
		{Code: "SignatureDoesNotMatch", Message: "Signature not yet current: 20261123T100001Z is still later than 20261123T081001Z (20261123T080501Z + 5 min.)"},
	} {
		answer := &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
			Err:      &e,
			Response: &smithyhttp.Response{Response: &http.Response{Header: http.Header{"Date": {start.Add(-10 * time.Minute).Format(http.TimeFormat)}}}},
		}}
		err := k.Explain(answer, "jonas")
		if !strings.Contains(err.Error(), "clock is wrong: it is 10m0s ahead of AWS's") || !strings.Contains(next(err), "set the clock") {
			t.Errorf("%s: %v, next %q", e.Message, err, next(err))
		}
	}
}
